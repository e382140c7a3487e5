/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows that nlmsg_bpf_build()'s programs keep events of the running kernel from a socket, and no
 * others. Needs root; works in a network namespace of its own. Exit status as kernel_accepts.
 */
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/rng.h"
#include "flow/filter.h"
#include "nlmsg/bpf.h"
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

/* ---- the same verdicts as user space, over random flows and filters ---- */

enum { ROUNDS = 150, FLOWS_PER_ROUND = 20 };

struct tally {
	unsigned passed, dropped, wrong, births;
};

static struct mnl_socket *listen_through(const struct flow_filter *filter)
{
	static int groups[] = {
		NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY};
	static struct sock_filter prog[BPF_MAXINSNS];
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	int len = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), NULL, 0, filter);
	struct sock_fprog fprog = {(unsigned short)len, prog};

	CHECK(s && len > 0 && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0);
	CHECK(!setsockopt(
		mnl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		CHECK(!mnl_socket_setsockopt(
			s, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])));
	return s;
}

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
		struct mnl_socket *all = listen_through(NULL), *filtered;

		random_filter(&r, &filter);
		filtered = listen_through(&filter);
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
	random_events();
	return lab_close("kernel_filters");
}
