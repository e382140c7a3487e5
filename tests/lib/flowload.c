/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowload: puts many distinct connections into the kernel's table of its network namespace, over
 * ctnetlink, changes or deletes them. A load for tests and the benchmark.
 *
 *	flowload create|update|delete COUNT [--first N] [--stride N] [--rate PER_SECOND]
 *		[--batch N] [--family 4|6] [--proto tcp|udp] [--timeout SECONDS] [--mark M]
 *		[--zone Z] [--snat]
 *	flowload churn WINDOW --seconds S [the same]
 *
 * churn keeps WINDOW flows alive for S seconds: each step creates the next flow, updates one that
 * is half as old as the window, and deletes the oldest, which are three events (--rate: steps a
 * second). Flows of a number of their own are left at the end: the last WINDOW of all.
 *
 * Flow number i has always the same tuple, so that a later call can update or delete what an
 * earlier one created. create fails for a flow that exists (EEXIST), update and delete for one that
 * does not (ENOENT). Prints one JSON line; exit status 0 when the kernel took all, 1 when it
 * refused some, 2 for a usage error, 3 when there is no ctnetlink.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

enum {
	BATCH_DEFAULT = 64,
	BATCH_MAX = 1024,
	STEP_MESSAGES = 3, /* of churn: one of each kind */
	MSG_BYTES_MAX = 512,
	PORTS_PER_HOST = 50000, /* flows of one client address */
	FIRST_PORT = 10000,
	ERRNO_MAX = 200,
};

enum verb { VERB_CREATE, VERB_UPDATE, VERB_DELETE, VERB_CHURN };

struct load {
	enum verb verb;
	uint32_t count, first, stride, batch; /* count: of churn, the window */
	double seconds; /* churn */
	double rate; /* flows a second, 0: as fast as the kernel takes them */
	uint8_t family, proto;
	uint32_t timeout_s, mark;
	uint16_t zone;
	bool snat;

	struct mnl_socket *nl;
	uint32_t seq; /* of the last message */
	uint32_t taken, refused, refused_by[ERRNO_MAX];
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void sleep_until(double when_s)
{
	double left = when_s - now_s();
	struct timespec ts;

	if (left <= 0)
		return;
	ts.tv_sec = (time_t)left;
	ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

/* host: the client's number; 10.64.0.0/10 and 2001:db8:64::/48 are the clients' networks. */
static void put_address(struct nlmsghdr *nlh, const struct load *l, uint16_t v4, uint16_t v6,
	bool client, uint32_t host)
{
	if (l->family == AF_INET) {
		mnl_attr_put_u32(nlh, v4, htonl(client ? 0x0a400001u + host : 0xc6336401u));
	} else {
		struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};
		uint32_t low = htonl(host + 1);

		a.s6_addr[5] = client ? 0x64 : 0x65;
		memcpy(&a.s6_addr[12], &low, sizeof(low));
		mnl_attr_put(nlh, v6, sizeof(a), &a);
	}
}

static void put_tuple(struct nlmsghdr *nlh, const struct load *l, uint32_t i, bool reply)
{
	uint32_t host = i / PORTS_PER_HOST;
	uint16_t port = htons((uint16_t)(FIRST_PORT + i % PORTS_PER_HOST));
	uint16_t service = htons(443);
	struct nlattr *tuple, *part;

	tuple = mnl_attr_nest_start(nlh, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	put_address(nlh, l, CTA_IP_V4_SRC, CTA_IP_V6_SRC, !reply, reply ? 0 : host);
	put_address(nlh, l, CTA_IP_V4_DST, CTA_IP_V6_DST, reply, reply ? host : 0);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, l->proto);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, reply ? service : port);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, reply ? port : service);
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static void put_tcp_state(struct nlmsghdr *nlh)
{
	const struct nf_ct_tcp_flags flags = {
		.flags = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM, .mask = 0xff};
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_REPLY, 7);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(flags), &flags);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(flags), &flags);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

/* One address for all: the kernel finds a free port where two flows would meet. */
static void put_snat(struct nlmsghdr *nlh)
{
	struct nlattr *nat = mnl_attr_nest_start(nlh, CTA_NAT_SRC);

	mnl_attr_put_u32(nlh, CTA_NAT_V4_MINIP, htonl(0xc6336402u));
	mnl_attr_put_u32(nlh, CTA_NAT_V4_MAXIP, htonl(0xc6336402u));
	mnl_attr_nest_end(nlh, nat);
}

/* The message about flow i. */
static struct nlmsghdr *build(void *buf, struct load *l, enum verb verb, uint32_t i)
{
	static const uint16_t flags[] = {
		[VERB_CREATE] = NLM_F_CREATE | NLM_F_EXCL,
		[VERB_UPDATE] = 0,
		[VERB_DELETE] = 0,
		[VERB_CHURN] = 0,
	};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	nlh->nlmsg_type |= verb == VERB_DELETE ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags[verb];
	nlh->nlmsg_seq = ++l->seq;
	nfg->nfgen_family = l->family;
	nfg->version = NFNETLINK_V0;
	put_tuple(nlh, l, i, false);
	if (l->zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(l->zone));
	if (verb == VERB_DELETE)
		return nlh;
	if (verb == VERB_CREATE) {
		put_tuple(nlh, l, i, true);
		mnl_attr_put_u32(
			nlh, CTA_STATUS, htonl(IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED));
		if (l->snat)
			put_snat(nlh);
	}
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(l->timeout_s));
	/* churn's updates change something */
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(l->mark + (verb != l->verb && verb == VERB_UPDATE)));
	if (l->proto == IPPROTO_TCP)
		put_tcp_state(nlh);
	return nlh;
}

static void count_refusal(struct load *l, int err)
{
	l->refused++;
	l->refused_by[err >= 0 && err < ERRNO_MAX ? err : 0]++;
}

/* Reads answers up to the acknowledgement of `last`: 0, or a negative errno of the socket. */
static int await_last(struct load *l, uint32_t last)
{
	char buf[65536];

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (const struct nlmsghdr *nlh = (void *)buf; mnl_nlmsg_ok(nlh, left);
			nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error)
				count_refusal(l, -e->error);
			if (e->msg.nlmsg_seq == last)
				return 0;
		}
	}
}

/* The messages of a step; returns their bytes, and the last of them. */
static size_t build_step(char *buf, struct load *l, uint32_t step, struct nlmsghdr **last)
{
	static const enum verb verbs[STEP_MESSAGES] = {VERB_CREATE, VERB_UPDATE, VERB_DELETE};
	const uint32_t ages[STEP_MESSAGES] = {0, l->count / 2, l->count};
	size_t used = 0;

	if (l->verb != VERB_CHURN) {
		*last = build(buf, l, l->verb, l->first + step * l->stride);
		return NLMSG_ALIGN((*last)->nlmsg_len);
	}
	for (unsigned k = 0; k < STEP_MESSAGES && step >= ages[k]; k++) {
		*last = build(buf + used, l, verbs[k], l->first + step - ages[k]);
		used += NLMSG_ALIGN((*last)->nlmsg_len);
	}
	return used;
}

/* Sends so many steps at once, and takes the answers: 0 or a negative errno of the socket. */
static int run_batch(struct load *l, uint32_t done, uint32_t steps)
{
	static char buf[BATCH_MAX * STEP_MESSAGES * MSG_BYTES_MAX];
	struct nlmsghdr *last = NULL;
	size_t used = 0;

	for (uint32_t k = 0; k < steps; k++)
		used += build_step(buf + used, l, done + k, &last);
	last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(l->nl, buf, used) < 0)
		return -errno;
	return await_last(l, l->seq);
}

/* Steps done, or a negative errno. */
static int64_t run(struct load *l)
{
	double begin = now_s(), end = l->verb == VERB_CHURN ? begin + l->seconds : begin;
	uint32_t count = l->verb == VERB_CHURN ? UINT32_MAX - l->first : l->count, done = 0;

	while (done < count && (l->verb != VERB_CHURN || now_s() < end)) {
		uint32_t n = count - done < l->batch ? count - done : l->batch;
		int err = run_batch(l, done, n);

		if (err)
			return err;
		done += n;
		l->taken = l->seq - l->refused;
		if (l->rate > 0)
			sleep_until(begin + done / l->rate);
	}
	return done;
}

static void print_result(const struct load *l, int64_t steps, double seconds)
{
	const char *comma = "";

	printf("{\"asked\": %u, \"done\": %u, \"refused\": %u, \"seconds\": %.6f,"
	       " \"next\": %lld, \"errors\": {",
		l->seq, l->taken, l->refused, seconds,
		(long long)l->first + (steps > 0 ? steps : 0) * l->stride);
	for (int e = 0; e < ERRNO_MAX; e++) {
		if (!l->refused_by[e])
			continue;
		printf("%s\"%s\": %u", comma, strerrorname_np(e), l->refused_by[e]);
		comma = ", ";
	}
	printf("}}\n");
}

static bool number(const char *s, double max, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(s, &end);
	return !errno && end != s && *end == '\0' && *out >= 0 && *out <= max;
}

static bool set_option(struct load *l, int option, const char *arg)
{
	static const double max[] = {['f'] = UINT32_MAX - 1,
		['S'] = UINT32_MAX,
		['d'] = 86400,
		['r'] = 1e9,
		['b'] = BATCH_MAX,
		['F'] = 6,
		['t'] = INT32_MAX,
		['m'] = UINT32_MAX,
		['z'] = UINT16_MAX};
	double v = 0;

	if (option == 's')
		return l->snat = true;
	if (option == 'p') {
		l->proto = strcmp(arg, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
		return l->proto == IPPROTO_UDP || strcmp(arg, "tcp") == 0;
	}
	if (option == '?' || !number(arg, max[option], &v))
		return false;
	switch (option) {
	case 'f':
		l->first = (uint32_t)v;
		break;
	case 'S':
		l->stride = (uint32_t)v;
		return v > 0;
	case 'd':
		l->seconds = v;
		break;
	case 'r':
		l->rate = v;
		break;
	case 'b':
		l->batch = (uint32_t)v;
		return l->batch > 0;
	case 'F':
		l->family = v == 6 ? AF_INET6 : AF_INET;
		return v == 4 || v == 6;
	case 't':
		l->timeout_s = (uint32_t)v;
		break;
	case 'm':
		l->mark = (uint32_t)v;
		break;
	case 'z':
		l->zone = (uint16_t)v;
		break;
	}
	return true;
}

/* Every flow's number has to be one. */
static bool set_verb(struct load *l, enum verb verb)
{
	double numbers = l->first + (double)l->count * l->stride;

	l->verb = verb;
	if ((verb == VERB_CHURN) != (l->seconds > 0) || (verb == VERB_CHURN && l->stride != 1))
		return false;
	return numbers <= UINT32_MAX - 1 && (!l->snat || l->family == AF_INET);
}

static bool parse(struct load *l, int argc, char **argv)
{
	static const struct option options[] = {{"first", 1, NULL, 'f'}, {"stride", 1, NULL, 'S'},
		{"seconds", 1, NULL, 'd'}, {"rate", 1, NULL, 'r'}, {"batch", 1, NULL, 'b'},
		{"family", 1, NULL, 'F'}, {"proto", 1, NULL, 'p'}, {"timeout", 1, NULL, 't'},
		{"mark", 1, NULL, 'm'}, {"zone", 1, NULL, 'z'}, {"snat", 0, NULL, 's'}, {0}};
	static const char *const verbs[] = {"create", "update", "delete", "churn"};
	double count = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!set_option(l, option, optarg))
			return false;
	if (argc - optind != 2 || !number(argv[optind + 1], UINT32_MAX - 1, &count))
		return false;
	l->count = (uint32_t)count;
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[optind], verbs[i]) == 0)
			return set_verb(l, (enum verb)i);
	return false;
}

int main(int argc, char **argv)
{
	struct load load = {.batch = BATCH_DEFAULT,
		.stride = 1,
		.family = AF_INET,
		.proto = IPPROTO_TCP,
		.timeout_s = 3600};
	double begin;
	int64_t steps;

	if (!parse(&load, argc, argv)) {
		fprintf(stderr,
			"usage: flowload create|update|delete COUNT [--first N] [--stride N]"
			" [--rate R]\n\t[--batch 1-%d] [--family 4|6] [--proto tcp|udp]"
			" [--timeout S] [--mark M]\n\t[--zone Z] [--snat (IPv4)]\n"
			"       flowload churn WINDOW --seconds S [the same]\n",
			BATCH_MAX);
		return 2;
	}
	load.nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!load.nl || mnl_socket_bind(load.nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fprintf(stderr, "flowload: netlink socket: %s\n", strerror(errno));
		return 3;
	}
	begin = now_s();
	steps = run(&load);
	print_result(&load, steps, now_s() - begin);
	mnl_socket_close(load.nl);
	if (steps < 0) {
		fprintf(stderr, "flowload: %s\n", strerror((int)-steps));
		return 3;
	}
	return load.refused ? 1 : 0;
}
