/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/*
 * What a program pays for libnetfilter_conntrack: nanoseconds of processor time per flow to parse a
 * message into a new object, to build a message, to print a line; and a dump of the kernel's table.
 * Uses the public interface alone, so that LD_LIBRARY_PATH chooses whose library is measured.
 *
 *	nfct codec N	parse, build and print N messages of a mixture
 *	nfct dump	dump the table of this network namespace
 *
 * Prints one JSON object.
 */
enum {
	KINDS = 4,
	MESSAGES =
		1024, /* distinct; together they fit a second level cache, as what was just read */
	MESSAGE_BYTES = 1024,
};

static union {
	struct nlmsghdr head;
	uint8_t bytes[MESSAGE_BYTES];
} messages[MESSAGES];

static volatile unsigned long taken; /* what was read goes somewhere */

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, uint8_t l3, uint8_t l4, uint32_t src,
	uint32_t dst, uint16_t sport, uint16_t dport)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type), *part;
	uint32_t v6[2][4] = {{htonl(0x20010db8), 0, 0, src}, {htonl(0x20010db8), 1, 0, dst}};

	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	if (l3 == AF_INET) {
		mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, src);
		mnl_attr_put_u32(nlh, CTA_IP_V4_DST, dst);
	} else {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, sizeof(v6[0]), v6[0]);
		mnl_attr_put(nlh, CTA_IP_V6_DST, sizeof(v6[1]), v6[1]);
	}
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, l4);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, nest);
}

static void put_counters(struct nlmsghdr *nlh, uint16_t type, uint64_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put_u64(nlh, CTA_COUNTERS_PACKETS, htobe64(n));
	mnl_attr_put_u64(nlh, CTA_COUNTERS_BYTES, htobe64(n * 900));
	mnl_attr_nest_end(nlh, nest);
}

static void put_tcp(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);
	const uint8_t flags[2] = {IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM, 0};

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, 3);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_REPLY, 7);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(flags), flags);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(flags), flags);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, nest);
}

/* As the kernel writes a dump's: TCP over IPv4, over IPv6, with source NAT, and UDP. */
static void make_message(unsigned n)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(messages[n].bytes);
	uint8_t l3 = n % KINDS == 1 ? AF_INET6 : AF_INET;
	uint8_t l4 = n % KINDS == 3 ? IPPROTO_UDP : IPPROTO_TCP;
	uint32_t src = htonl(0x0a000000 + n), dst = htonl(0xc0a80000 + n * 7);
	uint32_t nat = n % KINDS == 2 ? htonl(0xcb007101) : src;
	uint16_t sport = (uint16_t)(1024 + n * 13), dport = n % 3 ? 443 : 80;
	struct nfgenmsg *family;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_MULTI;
	family = mnl_nlmsg_put_extra_header(nlh, sizeof(*family));
	family->nfgen_family = l3;
	put_tuple(nlh, CTA_TUPLE_ORIG, l3, l4, src, dst, sport, dport);
	put_tuple(nlh, CTA_TUPLE_REPLY, l3, l4, dst, nat, dport, sport);
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(nat != src ? 0x19e : 0x18e));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(431999 - n));
	put_counters(nlh, CTA_COUNTERS_ORIG, 10 + n);
	put_counters(nlh, CTA_COUNTERS_REPLY, 8 + n);
	if (l4 == IPPROTO_TCP)
		put_tcp(nlh);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(n % 5));
	mnl_attr_put_u32(nlh, CTA_ID, htonl(n * 2654435761u));
	mnl_attr_put_u32(nlh, CTA_USE, htonl(1));
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int parse(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		struct nf_conntrack *ct = nfct_new();

		if (!ct || nfct_nlmsg_parse(&messages[i % MESSAGES].head, ct) != 0)
			return -1;
		taken += nfct_get_attr_u32(ct, ATTR_TIMEOUT);
		nfct_destroy(ct);
	}
	return 0;
}

static int build(struct nf_conntrack *const *objects, unsigned long count)
{
	static union {
		struct nlmsghdr head;
		uint8_t bytes[4096];
	} m;

	for (unsigned long i = 0; i < count; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(m.bytes);

		mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
		if (nfct_nlmsg_build(nlh, objects[i % MESSAGES]) != 0)
			return -1;
		taken += nlh->nlmsg_len;
	}
	return 0;
}

static int print(struct nf_conntrack *const *objects, unsigned long count)
{
	char line[1024];

	for (unsigned long i = 0; i < count; i++) {
		int len = nfct_snprintf(
			line, sizeof(line), objects[i % MESSAGES], NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0);

		if (len <= 0)
			return -1;
		taken += (unsigned)len;
	}
	return 0;
}

static int run_codec(unsigned long count)
{
	static struct nf_conntrack *objects[MESSAGES];
	double at[4];

	for (unsigned n = 0; n < MESSAGES; n++) {
		make_message(n);
		objects[n] = nfct_new();
		if (!objects[n] || nfct_nlmsg_parse(&messages[n].head, objects[n]) != 0)
			return -1;
	}
	at[0] = cpu_ns();
	if (parse(count) != 0)
		return -1;
	at[1] = cpu_ns();
	if (build(objects, count) != 0)
		return -1;
	at[2] = cpu_ns();
	if (print(objects, count) != 0)
		return -1;
	at[3] = cpu_ns();
	printf("{\"parse_ns\": %.1f, \"build_ns\": %.1f, \"print_ns\": %.1f, ",
		(at[1] - at[0]) / (double)count, (at[2] - at[1]) / (double)count,
		(at[3] - at[2]) / (double)count);
	printf("\"object_bytes\": %zu, \"expect_bytes\": %zu}\n", nfct_maxsize(), nfexp_maxsize());
	for (unsigned n = 0; n < MESSAGES; n++)
		nfct_destroy(objects[n]);
	return 0;
}

/* What a program that shows or counts connections asks of each. */
static int on_flow(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	unsigned long *flows = data;

	(void)type;
	taken += nfct_get_attr_u32(ct, ATTR_IPV4_SRC) + nfct_get_attr_u32(ct, ATTR_IPV4_DST) +
		 nfct_get_attr_u16(ct, ATTR_PORT_SRC) + nfct_get_attr_u16(ct, ATTR_PORT_DST) +
		 nfct_get_attr_u8(ct, ATTR_L4PROTO) + nfct_get_attr_u32(ct, ATTR_TIMEOUT) +
		 nfct_get_attr_u32(ct, ATTR_STATUS) + nfct_get_attr_u8(ct, ATTR_TCP_STATE);
	++*flows;
	return NFCT_CB_CONTINUE;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run_dump(void)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	uint32_t family = AF_UNSPEC;
	unsigned long flows = 0;
	struct rusage usage;
	double begin, wall, cpu;

	if (!h || nfct_callback_register(h, NFCT_T_ALL, on_flow, &flows) != 0)
		return -1;
	begin = wall_ns();
	cpu = cpu_ns();
	if (nfct_query(h, NFCT_Q_DUMP, &family) != 0 || flows == 0)
		return -1;
	wall = wall_ns() - begin;
	cpu = cpu_ns() - cpu;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"dumped\": %lu, \"dump_wall_ns\": %.1f, \"dump_cpu_ns\": %.1f, "
	       "\"dump_user_ns\": %.1f}\n",
		flows, wall / (double)flows, cpu / (double)flows,
		seconds(usage.ru_utime) * 1e9 / (double)flows);
	return nfct_close(h);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int rc;

	if (count > 0 && strcmp(argv[1], "codec") == 0) {
		rc = run_codec(count);
	} else if (argc == 2 && strcmp(argv[1], "dump") == 0) {
		rc = run_dump();
	} else {
		fputs("usage: nfct codec N | dump\n", stderr);
		return 2;
	}
	if (rc != 0)
		fprintf(stderr, "nfct: %s: %s\n", argv[1], strerror(errno));
	return rc != 0;
}
