/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "flow/filter.h"
#include "nlmsg/bpf.h"
#include "nlmsg/ct.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

/*
 * The programs are run by the kernel: attached to one end of a datagram socket pair, a message
 * sent to it arrives or does not. A filter is given the message's first byte as byte 0 there too.
 */
static int pair[2];
static struct sock_filter prog[BPF_MAXINSNS];

static void pair_open(void)
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void pair_close(void)
{
	close(pair[0]);
	close(pair[1]);
}

static int attach(const uint32_t *ports, size_t count, const struct flow_filter *filter)
{
	int len = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), ports, count, filter);
	struct sock_fprog fprog = {(unsigned short)len, prog};

	if (len < 0)
		return len;
	CU_ASSERT_EQUAL_FATAL(
		setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)), 0);
	return len;
}

static bool passes(const void *msg, size_t len)
{
	uint8_t back[NLMSG_CT_BYTES_MAX];
	ssize_t got;

	CU_ASSERT_EQUAL_FATAL(send(pair[0], msg, len, 0), (ssize_t)len);
	got = recv(pair[1], back, sizeof(back), 0);
	CU_ASSERT_TRUE(got == (ssize_t)len || (got < 0 && errno == EAGAIN));
	return got >= 0;
}

/* A message as the kernel would send it of an event, which leaves out a mark of 0. */
static size_t event_of(const struct flow *f, enum nlmsg_event event, uint32_t port, void *buf)
{
	struct nlmsghdr *msg = buf;
	uint8_t type = event == NLMSG_EVENT_DESTROY ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW;
	size_t len = nlmsg_ct_build(
		buf, NLMSG_CT_BYTES_MAX, 0, 0, f, NLMSG_PART_TUPLES | NLMSG_PART_STATE);

	CU_ASSERT_NOT_EQUAL_FATAL(len, 0);
	msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	msg->nlmsg_flags = event == NLMSG_EVENT_NEW ? NLM_F_CREATE | NLM_F_EXCL : 0;
	CU_ASSERT_EQUAL(nlmsg_ct_event(msg), event);
	msg->nlmsg_pid = port;
	return len;
}

static enum flow_filter_policy random_policy(struct rng *r)
{
	static const enum flow_filter_policy policies[] = {
		FLOW_FILTER_OFF, FLOW_FILTER_ACCEPT, FLOW_FILTER_IGNORE};

	return policies[rng_below(r, 3)];
}

/* Few, at both ends of the word, so that marks and masks meet. */
static uint32_t random_bits(struct rng *r)
{
	return (uint32_t)rng_u64(r) & 0xc0000003;
}

static void random_filter(struct rng *r, struct flow_filter *filter)
{
	static const unsigned sizes[] = {0, 1, 3, 20, 100, FLOW_FILTER_NETS_MAX};
	unsigned nets = sizes[rng_below(r, ARRAY_SIZE(sizes))];
	unsigned protocols = rng_below(r, 3) ? rng_below(r, 4) : 200;
	static const uint8_t known[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, 103};

	memset(filter, 0, sizeof(*filter));
	filter->protocol_policy = random_policy(r);
	filter->address_policy = random_policy(r);
	filter->state_policy = random_policy(r);
	filter->mark_policy = random_policy(r);
	for (unsigned i = rng_below(r, 8) ? rng_below(r, 4) : FLOW_FILTER_MARKS_MAX; i > 0; i--) {
		uint32_t mask = rng_below(r, 4) ? random_bits(r) : UINT32_MAX;

		flow_filter_add_mark(filter, random_bits(r) & mask, mask);
	}
	for (unsigned i = 0; i < protocols; i++)
		flow_filter_add_protocol(filter, protocols > 3
							 ? (uint8_t)rng_u64(r)
							 : known[rng_below(r, ARRAY_SIZE(known))]);
	for (unsigned i = 0; i < nets; i++) {
		uint8_t l3 = rng_below(r, 2) ? AF_INET : AF_INET6;
		unsigned bits = l3 == AF_INET ? 32 : 128;
		union flow_addr addr;

		nlmsg_random_addr(r, l3, &addr);
		/* mostly long ones, so that not everything matches */
		flow_filter_add_net(filter, l3, &addr,
			(uint8_t)(rng_below(r, 50) ? bits - rng_below(r, bits - 8)
						   : rng_below(r, bits + 1)));
	}
	for (unsigned i = rng_below(r, 10); i > 0; i--)
		flow_filter_add_tcp_state(filter, (uint8_t)rng_below(r, 10));
}

static void kernel_and_user_space_agree(void)
{
	static const uint32_t own[] = {77, 0x12345678};
	static const enum nlmsg_event events[] = {
		NLMSG_EVENT_NEW, NLMSG_EVENT_NEW, NLMSG_EVENT_UPDATE, NLMSG_EVENT_DESTROY};
	struct rng r = rng_of(seed_get("kernel_and_user_space_agree"));
	unsigned verdicts[2] = {0, 0};

	pair_open();
	for (unsigned round = 0; round < 400; round++) {
		struct flow_filter filter;

		random_filter(&r, &filter);
		if (attach(own, ARRAY_SIZE(own), &filter) < 0) {
			CU_FAIL("a program was not built");
			break;
		}
		for (unsigned i = 0; i < 50; i++) {
			uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
			enum nlmsg_event event = events[rng_below(&r, ARRAY_SIZE(events))];
			uint32_t port = rng_below(&r, 10) ? rng_below(&r, 2) * 7777777 : own[i % 2];
			struct flow_filter judge = filter;
			struct flow f;
			bool wanted;
			size_t len;

			nlmsg_random_flow(&r, &f);
			f.mark = random_bits(&r);
			if (f.mark == 0)
				flow_mark_unset(&f, FLOW_MARK);
			len = event_of(&f, event, port, buf);
			if (event != NLMSG_EVENT_NEW)
				judge.state_policy = judge.mark_policy = FLOW_FILTER_OFF;
			wanted = port != own[0] && port != own[1] && flow_filter_match(&judge, &f);
			CU_ASSERT_EQUAL(passes(buf, len), wanted);
			verdicts[wanted]++;
		}
	}
	pair_close();
	CU_ASSERT_TRUE(verdicts[false] > 1000 && verdicts[true] > 1000);
}

static void own_events_alone_are_dropped(void)
{
	const uint32_t own[] = {1, 2, 3, 4, 5, 6, 7, 0xfedcba98};
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	struct rng r = rng_of(1);
	struct flow f;
	size_t len;

	pair_open();
	nlmsg_random_flow(&r, &f);
	attach(own, ARRAY_SIZE(own), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		len = event_of(&f, NLMSG_EVENT_NEW, own[i], buf);
		CU_ASSERT_FALSE(passes(buf, len));
		msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW;
		CU_ASSERT_FALSE(passes(buf, len));
		msg->nlmsg_type = NLMSG_ERROR; /* the answer to a request */
		CU_ASSERT_TRUE(passes(buf, len));
		len = event_of(&f, NLMSG_EVENT_NEW, htonl(own[i]), buf);
		CU_ASSERT_TRUE(passes(buf, len));
	}
	len = event_of(&f, NLMSG_EVENT_NEW, 0, buf);
	CU_ASSERT_TRUE(passes(buf, len));
	attach(NULL, 0, NULL);
	len = event_of(&f, NLMSG_EVENT_NEW, 1, buf);
	CU_ASSERT_TRUE(passes(buf, len));
	pair_close();
}

static void an_event_without_the_attribute_passes(void)
{
	static struct flow_filter filter = {
		.protocol_policy = FLOW_FILTER_ACCEPT,
		.address_policy = FLOW_FILTER_ACCEPT,
		.state_policy = FLOW_FILTER_ACCEPT,
	};
	struct {
		struct nlmsghdr head;
		struct nfgenmsg family;
	} bare = {{sizeof(bare), NFNL_SUBSYS_CTNETLINK << 8, 0, 0, 0}, {AF_INET, 0, 0}};
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct rng r = rng_of(2);
	struct flow f;

	pair_open();
	attach(NULL, 0, &filter);
	CU_ASSERT_TRUE(passes(&bare, sizeof(bare)));
	nlmsg_random_flow(&r, &f);
	CU_ASSERT_FALSE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	filter.protocol_policy = filter.address_policy = FLOW_FILTER_OFF;
	attach(NULL, 0, &filter);
	flow_mark_unset(&f, FLOW_TCP_STATE);
	CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	pair_close();
}

/* User space may know the flow from when the filter let it in. */
static void what_changes_refuses_births_alone(void)
{
	struct flow_filter filter = {.state_policy = FLOW_FILTER_ACCEPT};
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct rng r = rng_of(3);
	struct flow f;

	do
		nlmsg_random_flow(&r, &f);
	while (!flow_has(&f, FLOW_TCP_STATE));
	f.tcp.state = 7;
	flow_mark_set(&f, FLOW_MARK);
	f.mark = 6;
	flow_filter_add_tcp_state(&filter, 3);
	pair_open();
	for (unsigned round = 0; round < 2; round++) {
		attach(NULL, 0, &filter);
		CU_ASSERT_FALSE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
		CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_UPDATE, 0, buf)));
		CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_DESTROY, 0, buf)));
		filter = (struct flow_filter){.mark_policy = FLOW_FILTER_ACCEPT};
		flow_filter_add_mark(&filter, f.mark ^ 1, UINT32_MAX);
	}
	pair_close();
}

/* 256 networks of one prefix length, no two sharing a first word: the longest programs. */
static int length_of_worst_filter(uint8_t l3, uint8_t prefix_len, size_t cap)
{
	struct flow_filter filter = {.address_policy = FLOW_FILTER_ACCEPT};

	for (unsigned i = 0; i < FLOW_FILTER_NETS_MAX; i++) {
		union flow_addr addr = {
			.v6_be = {htonl(i << 24 | i), htonl(i), htonl(i), htonl(i)}};

		CU_ASSERT_EQUAL(flow_filter_add_net(&filter, l3, &addr, prefix_len), 0);
	}
	return nlmsg_bpf_build(prog, cap, NULL, 0, &filter);
}

static void long_lists_fit_or_are_refused(void)
{
	CU_ASSERT_TRUE(length_of_worst_filter(AF_INET, 32, BPF_MAXINSNS) > 512);
	CU_ASSERT_TRUE(length_of_worst_filter(AF_INET, 8, BPF_MAXINSNS) > 512);
	CU_ASSERT_TRUE(length_of_worst_filter(AF_INET6, 64, BPF_MAXINSNS) > 1024);
	CU_ASSERT_TRUE(length_of_worst_filter(AF_INET6, 128, BPF_MAXINSNS) > 3072);
	CU_ASSERT_EQUAL(length_of_worst_filter(AF_INET6, 127, BPF_MAXINSNS), -E2BIG);
	CU_ASSERT_EQUAL(length_of_worst_filter(AF_INET6, 64, 100), -ENOSPC);
	CU_ASSERT_EQUAL(nlmsg_bpf_build(prog, 0, NULL, 0, NULL), -ENOSPC);
}

static void a_birth_without_a_mark_has_mark_0(void)
{
	struct flow_filter filter = {.mark_policy = FLOW_FILTER_IGNORE};
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct rng r = rng_of(4);
	struct flow f;

	nlmsg_random_flow(&r, &f);
	flow_mark_unset(&f, FLOW_MARK);
	pair_open();
	attach(NULL, 0, &filter);
	CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	flow_filter_add_mark(&filter, 0, 0xff);
	attach(NULL, 0, &filter);
	CU_ASSERT_FALSE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	filter.mark_policy = FLOW_FILTER_ACCEPT;
	attach(NULL, 0, &filter);
	CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	flow_mark_set(&f, FLOW_MARK);
	f.mark = 0x80;
	CU_ASSERT_FALSE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	f.mark = 0x100;
	CU_ASSERT_TRUE(passes(buf, event_of(&f, NLMSG_EVENT_NEW, 0, buf)));
	pair_close();
}

static const struct unit_test tests[] = {
	{"kernel and user space agree", kernel_and_user_space_agree},
	{"own events alone are dropped", own_events_alone_are_dropped},
	{"an event without the attribute passes", an_event_without_the_attribute_passes},
	{"what changes refuses births alone", what_changes_refuses_births_alone},
	{"a birth without a mark has mark 0", a_birth_without_a_mark_has_mark_0},
	{"long lists fit or are refused", long_lists_fit_or_are_refused},
};

UNIT_MAIN("nlmsg_bpf", tests)
