/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/filter.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"

static int add(struct flow_filter *filter, const char *addr, uint8_t prefix_len)
{
	uint8_t l3 = strchr(addr, ':') ? AF_INET6 : AF_INET;
	union flow_addr a = {.v4_be = 0};

	CU_ASSERT_EQUAL(inet_pton(l3, addr, &a), 1);
	return flow_filter_add_net(filter, l3, &a, prefix_len);
}

static void nets_are_checked_when_added(void)
{
	struct flow_filter filter = {.nets_count = 0};

	CU_ASSERT_EQUAL(add(&filter, "10.0.0.0", 33), -EINVAL);
	CU_ASSERT_EQUAL(add(&filter, "::", 129), -EINVAL);
	CU_ASSERT_EQUAL(
		flow_filter_add_net(&filter, 7, &(union flow_addr){.v4_be = 0}, 0), -EINVAL);
	CU_ASSERT_EQUAL(add(&filter, "10.1.2.3", 8), 0);
	CU_ASSERT_EQUAL(filter.nets[0].addr.v4_be, htonl(0x0a000000));
	CU_ASSERT_EQUAL(add(&filter, "10.9.9.9", 8), -EEXIST);
	CU_ASSERT_EQUAL(add(&filter, "10.0.0.0", 9), 0);
	CU_ASSERT_EQUAL(add(&filter, "2001:db8:ffff:ffff::1", 33), 0);
	CU_ASSERT_EQUAL(filter.nets[2].addr.v6_be[1], htonl(0x80000000));
	CU_ASSERT_EQUAL(filter.nets[2].addr.v6_be[3], 0);
	CU_ASSERT_EQUAL(filter.nets_count, 3);
	for (unsigned i = 3; i < FLOW_FILTER_NETS_MAX; i++) {
		union flow_addr a = {.v4_be = htonl(i)};

		CU_ASSERT_EQUAL(flow_filter_add_net(&filter, AF_INET, &a, 32), 0);
	}
	CU_ASSERT_EQUAL(add(&filter, "1.2.3.4", 32), -ENOSPC);
	CU_ASSERT_EQUAL(add(&filter, "10.0.0.0", 8), -EEXIST);
}

static void a_filter_that_is_off_passes_all(void)
{
	struct flow_filter filter = {.nets_count = 0};
	struct flow f = {.zone = 0};

	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	filter.address_policy = FLOW_FILTER_IGNORE;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	flowgen_numbered(1, &f);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	filter.address_policy = FLOW_FILTER_ACCEPT;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
}

static void addresses_match_by_original_and_reply_source(void)
{
	struct flow_filter filter = {.address_policy = FLOW_FILTER_ACCEPT};
	struct flow f;

	flowgen_tcp4(&f, "10.0.0.1", 1, "192.168.1.9", 2, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(add(&filter, "192.168.1.0", 24), 0);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	f.tuple[FLOW_REPL].src.v4_be = htonl(0xcb007101); /* destination NAT */
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	CU_ASSERT_EQUAL(add(&filter, "10.0.0.1", 32), 0);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	filter.address_policy = FLOW_FILTER_IGNORE;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
}

static void states_are_for_tcp_alone(void)
{
	struct flow_filter filter = {.state_policy = FLOW_FILTER_ACCEPT};
	struct flow f;

	flow_filter_add_tcp_state(&filter, FLOW_TCP_ESTABLISHED);
	flow_filter_add_tcp_state(&filter, 200); /* changes nothing */
	CU_ASSERT_EQUAL(filter.tcp_states, 1 << FLOW_TCP_ESTABLISHED);
	flowgen_tcp4(&f, "10.0.0.1", 1, "10.0.0.2", 2, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	f.tcp.state = FLOW_TCP_SYN_SENT;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	f.tcp.state = 255;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	flow_mark_unset(&f, FLOW_TCP_STATE);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	flow_mark_set(&f, FLOW_TCP_STATE);
	f.tuple[FLOW_ORIG].l4 = IPPROTO_UDP;
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
}

static void marks_match_under_their_masks(void)
{
	struct flow_filter filter = {.mark_policy = FLOW_FILTER_ACCEPT};
	struct flow f;

	flowgen_tcp4(&f, "10.0.0.1", 1, "10.0.0.2", 2, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, 0x12, 0xf), -EINVAL);
	CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, 0x12, 0xff), 0);
	CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, 0x12, 0xff), -EEXIST);
	f.mark = 0x3412; /* not set: it is 0 */
	flow_mark_unset(&f, FLOW_MARK);
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	flow_mark_set(&f, FLOW_MARK);
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	f.mark = 0x3413;
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	filter.mark_policy = FLOW_FILTER_IGNORE;
	CU_ASSERT_TRUE(flow_filter_match(&filter, &f));
	CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, 0, UINT32_MAX), 0);
	flow_mark_unset(&f, FLOW_MARK);
	CU_ASSERT_FALSE(flow_filter_match(&filter, &f));
	for (uint32_t i = 1; filter.marks_count < FLOW_FILTER_MARKS_MAX; i++)
		CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, i, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(flow_filter_add_mark(&filter, 0, 0), -ENOSPC);
}

/* Bit by bit, as one would explain it. */
static bool model_net_has(const struct flow_filter_net *net, const union flow_addr *addr)
{
	for (unsigned bit = 0; bit < net->prefix_len; bit++)
		if ((addr->bytes[bit / 8] ^ net->addr.bytes[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool model_match(const struct flow_filter *filter, const struct flow *f)
{
	bool pass = true, listed = false;

	for (unsigned i = 0; i < filter->nets_count; i++) {
		const struct flow_filter_net *net = &filter->nets[i];

		if (net->l3 == f->tuple[FLOW_ORIG].l3)
			listed |= model_net_has(net, &f->tuple[FLOW_ORIG].src) ||
				  model_net_has(net, &f->tuple[FLOW_REPL].src);
	}
	if (filter->address_policy != FLOW_FILTER_OFF)
		pass &= listed == (filter->address_policy == FLOW_FILTER_ACCEPT);
	listed = flow_filter_has_protocol(filter, f->tuple[FLOW_ORIG].l4);
	if (filter->protocol_policy != FLOW_FILTER_OFF)
		pass &= listed == (filter->protocol_policy == FLOW_FILTER_ACCEPT);
	listed = filter->tcp_states & 1u << f->tcp.state;
	if (filter->state_policy != FLOW_FILTER_OFF && f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP)
		pass &= listed == (filter->state_policy == FLOW_FILTER_ACCEPT);
	listed = false;
	for (unsigned i = 0; i < filter->marks_count; i++) {
		uint32_t mark = flow_has(f, FLOW_MARK) ? f->mark : 0;

		listed |= ((mark ^ filter->marks[i].value) & filter->marks[i].mask) == 0;
	}
	if (filter->mark_policy != FLOW_FILTER_OFF)
		pass &= listed == (filter->mark_policy == FLOW_FILTER_ACCEPT);
	return pass;
}

static void random_filter(struct rng *r, struct flow_filter *filter)
{
	memset(filter, 0, sizeof(*filter));
	filter->protocol_policy = rng_below(r, 3);
	filter->address_policy = rng_below(r, 3);
	filter->state_policy = rng_below(r, 3);
	filter->mark_policy = rng_below(r, 3);
	for (uint32_t n = rng_below(r, 3); n > 0; n--) {
		uint32_t mask = (uint32_t)rng_u64(r) & 3;

		flow_filter_add_mark(filter, (uint32_t)rng_u64(r) & mask, mask);
	}
	for (uint32_t n = rng_below(r, 6); n > 0; n--) {
		struct flow near;
		uint8_t l3, bits;

		flowgen_random(r, &near);
		l3 = near.tuple[FLOW_ORIG].l3;
		bits = (uint8_t)rng_below(r, l3 == AF_INET ? 33 : 129);
		flow_filter_add_net(filter, l3, &near.tuple[FLOW_ORIG].src, bits);
		flow_filter_add_protocol(filter, near.tuple[FLOW_ORIG].l4);
		flow_filter_add_tcp_state(filter, (uint8_t)rng_below(r, FLOW_TCP_STATES));
	}
}

static void matching_agrees_with_a_naive_model(void)
{
	struct rng r = rng_of(seed_get(__func__));
	unsigned passed = 0, total = 0;

	for (int i = 0; i < 500; i++) {
		struct flow_filter filter;

		random_filter(&r, &filter);
		for (int j = 0; j < 40; j++, total++) {
			struct flow f;
			bool pass;

			flowgen_random(&r, &f);
			pass = flow_filter_match(&filter, &f);
			CU_ASSERT_EQUAL_FATAL(pass, model_match(&filter, &f));
			passed += pass;
		}
	}
	CU_ASSERT_TRUE(passed > total / 20 && passed < total - total / 20);
}

static const struct unit_test tests[] = {
	{"nets are checked when added", nets_are_checked_when_added},
	{"a filter that is off passes all", a_filter_that_is_off_passes_all},
	{"addresses match by original and reply source",
		addresses_match_by_original_and_reply_source},
	{"states are for TCP alone", states_are_for_tcp_alone},
	{"marks match under their masks", marks_match_under_their_masks},
	{"matching agrees with a naive model", matching_agrees_with_a_naive_model},
};

UNIT_MAIN("flow filter", tests)
