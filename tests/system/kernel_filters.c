/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows that nlmsg_bpf_build()'s programs keep events of the running kernel from a socket, and no
 * others. Needs root; works in a network namespace of its own. Exit status as kernel_accepts.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/rng.h"
#include "flow/filter.h"
#include "nlmsg/bpf.h"
#include "nlmsg/exp.h"
#include "tests/lib/seed.h"
#include "tests/system/kernel_lab.h"

/*
 * An event socket with nlmsg_bpf_build()'s program: is the creation of f by the socket maker, which
 * is own_port's or another, heard?
 */
static bool is_heard(const struct flow *f, struct mnl_socket *maker, const uint32_t *own_port,
	const struct flow_filter *filter)
{
	static struct sock_filter prog[BPF_MAXINSNS];
	struct sock_fprog fprog = {0, prog};
	uint32_t buf[2048], request_buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct mnl_socket *events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	int len = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), own_port, own_port ? 1 : 0, filter);
	ssize_t got;

	fprog.len = (unsigned short)len;
	if (len < 0 || !events || mnl_socket_bind(events, 1, MNL_SOCKET_AUTOPID) < 0 ||
		setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_ATTACH_FILTER, &fprog,
			sizeof(fprog)) < 0)
		fact("(an event socket is filtered)", false);
	mnl_socket_sendto(maker, request_buf,
		nlmsg_ct_build(request_buf, sizeof(request_buf), NLM_F_ACK | CREATE, 1, f,
			NLMSG_PART_ALL));
	fact("(the maker's request is answered)", mnl_socket_recvfrom(maker, buf, sizeof(buf)) > 0);
	got = mnl_socket_recvfrom(events, buf, sizeof(buf));
	mnl_socket_close(events);
	return got > 0;
}

static void filtered_events(void)
{
	struct mnl_socket *maker = mnl_socket_open(NETLINK_NETFILTER);
	static struct flow_filter filter = {.address_policy = FLOW_FILTER_IGNORE};
	struct flow f = tcp();
	uint32_t port, other;

	if (!maker || mnl_socket_bind(maker, 0, MNL_SOCKET_AUTOPID) < 0) {
		fact("(a second socket is opened)", false);
		return;
	}
	port = mnl_socket_get_portid(maker);
	other = port + 1;
	fact("an event socket hears of a creation", is_heard(&f, maker, NULL, NULL));
	f = tcp();
	fact("a filter on the maker's port id drops the event", !is_heard(&f, maker, &port, NULL));
	f = tcp();
	fact("a filter on another port id does not", is_heard(&f, maker, &other, NULL));
	f = tcp();
	f.status &= ~(uint32_t)FLOW_STATUS_ASSURED;
	flow_filter_add_net(&filter, AF_INET, &f.tuple[FLOW_ORIG].src, 32);
	fact("a filter on the original source drops the event",
		!is_heard(&f, maker, NULL, &filter));
	f = fresh(AF_INET6, IPPROTO_UDP);
	fact("a filter on IPv4 sources passes IPv6", is_heard(&f, maker, NULL, &filter));
	flow_filter_add_net(&filter, AF_INET6, &f.tuple[FLOW_REPL].src, 64);
	f = fresh(AF_INET6, IPPROTO_UDP);
	fact("a filter on an IPv6 reply source drops the event",
		!is_heard(&f, maker, NULL, &filter));
	mnl_socket_close(maker);
}

/* All events of connections that pass the filter. */
static struct mnl_socket *listen_through(const struct flow_filter *filter, const uint32_t *own_port)
{
	static int groups[] = {
		NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY};
	static struct sock_filter prog[BPF_MAXINSNS];
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	int len = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), own_port, own_port ? 1 : 0, filter);
	struct sock_fprog fprog = {(unsigned short)len, prog};

	CHECK(s && len > 0 && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0);
	CHECK(!setsockopt(
		mnl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		CHECK(!mnl_socket_setsockopt(
			s, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])));
	return s;
}

/* ---- expectations ---- */

static int ask(struct mnl_socket *maker, const void *message, size_t len)
{
	uint32_t buf[2048];
	const struct nlmsgerr *err;

	if (len == 0 || mnl_socket_sendto(maker, message, len) < 0 ||
		mnl_socket_recvfrom(maker, buf, sizeof(buf)) < 0)
		return -1;
	err = mnl_nlmsg_get_payload((const struct nlmsghdr *)buf);
	return -err->error;
}

static int ask_expect(struct mnl_socket *maker, const struct expect *e, bool create)
{
	uint32_t buf[2048 / sizeof(uint32_t)];

	return ask(maker, buf,
		create ? nlmsg_exp_build(buf, sizeof(buf), NLM_F_ACK | CREATE, 1, e)
		       : nlmsg_exp_build_delete(buf, sizeof(buf), NLM_F_ACK, 1, e));
}

/* How many messages of that kind wait. */
static unsigned count_of(struct mnl_socket *events, enum nlmsg_event event)
{
	uint32_t buf[2048];
	unsigned count = 0;

	while (mnl_socket_recvfrom(events, buf, sizeof(buf)) > 0)
		count += nlmsg_exp_event((const struct nlmsghdr *)buf) == event;
	return count;
}

static void expect_of(const struct flow *master, struct expect *e)
{
	struct flow mask;

	memset(e, 0, sizeof(*e));
	flow_head_of(&e->master, master);
	e->expected = e->master;
	e->expected.tuple.sport_be = 0;
	e->expected.tuple.dport_be = htons(40000);
	mask = *master;
	memset(&mask.tuple[FLOW_ORIG].src, 0xff, 4);
	memset(&mask.tuple[FLOW_ORIG].dst, 0xff, 4);
	mask.tuple[FLOW_ORIG].sport_be = 0;
	mask.tuple[FLOW_ORIG].dport_be = 0xffff;
	flow_head_of(&e->mask, &mask);
	memcpy(e->helper_name, "ftp", sizeof("ftp"));
	e->timeout = 100;
	e->set = 1u << EXPECT_MASTER | 1u << EXPECT_EXPECTED | 1u << EXPECT_MASK |
		 1u << EXPECT_TIMEOUT | 1u << EXPECT_HELPER_NAME;
}

static void own_expectations(void)
{
	static int groups[] = {NFNLGRP_CONNTRACK_EXP_NEW, NFNLGRP_CONNTRACK_EXP_UPDATE,
		NFNLGRP_CONNTRACK_EXP_DESTROY};
	struct mnl_socket *own = mnl_socket_open(NETLINK_NETFILTER);
	struct mnl_socket *other = mnl_socket_open(NETLINK_NETFILTER);
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct mnl_socket *events;
	struct flow master = tcp();
	struct expect e;
	uint32_t port;

	CHECK(own && other && !mnl_socket_bind(own, 0, MNL_SOCKET_AUTOPID) &&
		!mnl_socket_bind(other, 0, MNL_SOCKET_AUTOPID));
	port = mnl_socket_get_portid(own);
	events = listen_through(NULL, &port);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		CHECK(!mnl_socket_setsockopt(
			events, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])));
	memcpy(master.helper_name, "ftp", sizeof("ftp"));
	flow_mark_set(&master, FLOW_HELPER_NAME);
	expect("create a master with a helper", create(&master), 0);
	expect_of(&master, &e);
	expect("create its expectation", ask_expect(own, &e, true), 0);
	fact("nothing is heard of an own one", count_of(events, NLMSG_EVENT_NEW) == 0);
	expect("create it again", ask_expect(own, &e, true), EEXIST);
	expect("delete it", ask_expect(own, &e, false), 0);
	fact("nothing is heard of its end", count_of(events, NLMSG_EVENT_DESTROY) == 0);
	expect("delete it again", ask_expect(own, &e, false), ENOENT);
	ask_expect(other, &e, true);
	fact("another's is heard of", count_of(events, NLMSG_EVENT_NEW) == 1);
	ask_expect(other, &e, false);
	fact("and its end", count_of(events, NLMSG_EVENT_DESTROY) == 1);
	ask_expect(own, &e, true);
	expect("delete the master by the own socket",
		ask(own, buf, nlmsg_ct_build_delete(buf, sizeof(buf), NLM_F_ACK, 1, &master, 0)),
		0);
	fact("the end of the expectation is heard: the kernel's doing",
		count_of(events, NLMSG_EVENT_DESTROY) == 1);
	ask_expect(own, &e, false);
	mnl_socket_close(events);
	mnl_socket_close(own);
	mnl_socket_close(other);
}

/* ---- the same verdicts as user space, over random flows and filters ---- */

enum { ROUNDS = 150, FLOWS_PER_ROUND = 20 };

struct tally {
	unsigned passed, dropped, wrong, births;
};

static enum flow_filter_policy random_policy(struct rng *r)
{
	return (enum flow_filter_policy)rng_below(r, 3);
}

/* Marks of few bits and addresses of few networks, so that much of it matches. */
static uint32_t random_bits(struct rng *r)
{
	return (uint32_t)rng_u64(r) & 0x80000003;
}

static void random_addr(struct rng *r, uint8_t l3, union flow_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->bytes[0] = l3 == AF_INET ? 10 : 0xfd;
	addr->bytes[l3 == AF_INET ? 1 : 8] = (uint8_t)(rng_u64(r) & 0x81);
	addr->bytes[l3 == AF_INET ? 3 : 15] = (uint8_t)(1 + rng_below(r, 3));
}

static void random_filter(struct rng *r, struct flow_filter *filter)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_GRE};

	memset(filter, 0, sizeof(*filter));
	filter->protocol_policy = random_policy(r);
	filter->address_policy = random_policy(r);
	filter->state_policy = random_policy(r);
	filter->mark_policy = random_policy(r);
	for (uint32_t n = rng_below(r, 4); n > 0; n--)
		flow_filter_add_protocol(filter, protocols[rng_below(r, ARRAY_SIZE(protocols))]);
	for (uint32_t n = rng_below(r, 6); n > 0; n--)
		flow_filter_add_tcp_state(filter, (uint8_t)rng_below(r, 10));
	for (uint32_t n = rng_below(r, 4); n > 0; n--) {
		uint32_t mask = rng_below(r, 2) ? random_bits(r) : UINT32_MAX;

		flow_filter_add_mark(filter, random_bits(r) & mask, mask);
	}
	for (uint32_t n = rng_below(r, 8); n > 0; n--) {
		uint8_t l3 = rng_below(r, 2) ? AF_INET : AF_INET6;
		uint8_t bits = l3 == AF_INET ? 32 : 128;
		union flow_addr addr;

		random_addr(r, l3, &addr);
		flow_filter_add_net(
			filter, l3, &addr, rng_below(r, 2) ? bits : (uint8_t)rng_below(r, bits));
	}
}

static void random_flow(struct rng *r, struct flow *f)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	uint8_t l3 = rng_below(r, 3) ? AF_INET : AF_INET6;

	*f = fresh(l3, protocols[rng_below(r, ARRAY_SIZE(protocols))]);
	random_addr(r, l3, &f->tuple[FLOW_ORIG].src);
	random_addr(r, l3, &f->tuple[FLOW_ORIG].dst);
	f->tuple[FLOW_REPL].src = f->tuple[FLOW_ORIG].dst;
	f->tuple[FLOW_REPL].dst = f->tuple[FLOW_ORIG].src;
	if (rng_below(r, 2)) { /* else the kernel leaves it out of the event */
		f->mark = random_bits(r);
		flow_mark_set(f, FLOW_MARK);
	}
	if (f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP) {
		f->tcp.state = (uint8_t)(1 + rng_below(r, 9));
		flow_mark_set(f, FLOW_TCP_STATE);
	}
	if (l3 == AF_INET && rng_below(r, 4) == 0)
		add_dnat(f, rng_below(r, 2) ? "10.128.0.2" : "10.1.0.3");
}

/* What an unfiltered socket hears is judged by user space; the filtered one hears that or not. */
static void compare(struct mnl_socket *all, struct mnl_socket *filtered,
	const struct flow_filter *filter, struct tally *t)
{
	uint32_t buf[2048], buf2[2048];
	const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;
	ssize_t got;

	while ((got = mnl_socket_recvfrom(all, buf, sizeof(buf))) > 0) {
		bool is_birth = nlmsg_ct_event(msg) == NLMSG_EVENT_NEW;
		struct flow_filter judge = *filter;
		struct flow f;
		bool wanted;

		CHECK(nlmsg_ct_parse(msg, (size_t)got, &f) == NLMSG_OK);
		if (!is_birth)
			judge.state_policy = judge.mark_policy = FLOW_FILTER_OFF;
		wanted = flow_filter_match(&judge, &f);
		if (wanted)
			t->wrong += mnl_socket_recvfrom(filtered, buf2, sizeof(buf2)) != got ||
				    memcmp(buf, buf2, (size_t)got) != 0;
		t->passed += wanted;
		t->dropped += !wanted;
		t->births += is_birth;
	}
	t->wrong += mnl_socket_recvfrom(filtered, buf2, sizeof(buf2)) > 0;
}

static void random_events(void)
{
	struct rng r = rng_of(seed_get("random_events"));
	struct tally t = {0, 0, 0, 0};

	for (unsigned round = 0; round < ROUNDS; round++) {
		static struct flow_filter filter;
		struct mnl_socket *all = listen_through(NULL, NULL), *filtered;

		random_filter(&r, &filter);
		filtered = listen_through(&filter, NULL);
		for (unsigned i = 0; i < FLOWS_PER_ROUND; i++) {
			struct flow f;

			random_flow(&r, &f);
			create(&f);
			compare(all, filtered, &filter, &t);
			f.mark = random_bits(&r);
			flow_mark_set(&f, FLOW_MARK);
			update(&f);
			compare(all, filtered, &filter, &t);
			destroy(&f, 0);
			compare(all, filtered, &filter, &t);
		}
		mnl_socket_close(all);
		mnl_socket_close(filtered);
	}
	printf("     %u passed, %u dropped, %u wrong; %u births\n", t.passed, t.dropped, t.wrong,
		t.births);
	fact("verdicts on random flows' events equal user space's", t.wrong == 0);
	fact("(and there were many of each)",
		t.passed > 1000 && t.dropped > 1000 && t.births > 2000);
}

int main(void)
{
	if (lab_open() != 0) {
		perror("kernel_filters: no network namespace");
		return 77;
	}
	filtered_events();
	own_expectations();
	random_events();
	return lab_close("kernel_filters");
}
