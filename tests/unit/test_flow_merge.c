/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/merge.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "tests/unit/flow_value.h"
#include "unit.h"

static void fill(struct flow *f, enum flow_attr a, uint8_t first)
{
	struct flow_value v = flow_value(f, a);
	uint8_t *bytes = v.at;

	for (size_t i = 0; i < v.len; i++)
		bytes[i] = (uint8_t)(first + i);
	flow_mark_set(f, a);
	if (a == FLOW_LABELS)
		f->labels_len = sizeof(f->labels);
}

/* Attributes that have a value and do not make the key. */
static bool is_merged(enum flow_attr a)
{
	return !flow_value_is_key(a) && a != FLOW_LABELS_MASK && a != FLOW_TIMESTAMP_EVENT;
}

static void merge_takes_every_attribute_but_the_key(void)
{
	for (enum flow_attr a = 0; a < FLOW_ATTR_COUNT; a++) {
		struct flow src, dst, expected;
		struct flow_value v;

		memset(&src, 0, sizeof(src));
		memset(&dst, 0, sizeof(dst));
		memset(&expected, 0, sizeof(expected));
		fill(&src, a, 0x41);
		flow_merge(&dst, &src);
		if (is_merged(a)) {
			v = flow_value(&expected, a);
			CU_ASSERT_TRUE(v.len > 0);
			fill(&expected, a, 0x41);
		}
		if (memcmp(&dst, &expected, sizeof(dst)) != 0)
			printf("attribute %d\n", a);
		CU_ASSERT_EQUAL(memcmp(&dst, &expected, sizeof(dst)), 0);
	}
}

static void merge_keeps_what_only_the_destination_has(void)
{
	struct flow src, dst;

	flowgen_tcp4(&dst, "10.0.0.1", 1000, "10.0.0.2", 80, FLOW_TCP_SYN_SENT);
	dst.mark = 7;
	flow_mark_set(&dst, FLOW_MARK);
	flowgen_tcp4(&src, "10.9.9.9", 1000, "10.0.0.2", 80, FLOW_TCP_ESTABLISHED);
	src.mark = 8; /* not marked present */
	flow_merge(&dst, &src);
	CU_ASSERT_EQUAL(dst.mark, 7);
	CU_ASSERT_EQUAL(dst.tcp.state, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(dst.timeout, 432000);
	CU_ASSERT_EQUAL(dst.tuple[FLOW_ORIG].src.bytes[1], 0);
	CU_ASSERT_EQUAL(dst.tuple[FLOW_REPL].dst.bytes[1], 9);
}

static void merge_brings_the_icmp_cells_of_the_reply(void)
{
	struct rng r = rng_of(1);
	struct flow src, dst;

	flowgen_tuples(&r, &src, AF_INET, IPPROTO_ICMP);
	dst = src;
	src.tuple[FLOW_REPL].icmp_id_be ^= 0x1111; /* NAT changed it */
	CU_ASSERT_FALSE(flow_same_state(&dst, &src));
	flow_merge(&dst, &src);
	CU_ASSERT_EQUAL(dst.tuple[FLOW_REPL].icmp_id_be, src.tuple[FLOW_REPL].icmp_id_be);
	CU_ASSERT_TRUE(flow_same_state(&dst, &src));
}

static bool is_state(enum flow_attr a)
{
	static const enum flow_attr without[] = {FLOW_SNAT_IPV4, FLOW_DNAT_IPV4, FLOW_SNAT_IPV6,
		FLOW_DNAT_IPV6, FLOW_SNAT_PORT, FLOW_DNAT_PORT, FLOW_TIMEOUT,
		FLOW_ORIG_COUNTER_PACKETS, FLOW_REPL_COUNTER_PACKETS, FLOW_ORIG_COUNTER_BYTES,
		FLOW_REPL_COUNTER_BYTES, FLOW_USE, FLOW_ID, FLOW_SECCTX, FLOW_TIMESTAMP_START,
		FLOW_TIMESTAMP_STOP, FLOW_HELPER_INFO};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (a == without[i])
			return false;
	return is_merged(a);
}

static void same_state_sees_every_replicated_attribute(void)
{
	for (enum flow_attr a = 0; a < FLOW_ATTR_COUNT; a++) {
		struct flow none, one, other;

		memset(&none, 0, sizeof(none));
		one = other = none;
		fill(&one, a, 0x41);
		fill(&other, a, 0x42);
		CU_ASSERT_TRUE(flow_same_state(&one, &one));
		CU_ASSERT_EQUAL(flow_same_state(&one, &other), !is_state(a));
		CU_ASSERT_EQUAL(flow_same_state(&one, &none), !is_state(a));
		CU_ASSERT_EQUAL(flow_same_state(&none, &one), !is_state(a));
	}
}

static void same_state_takes_naught_for_absent_where_the_kernel_does(void)
{
	for (enum flow_attr a = 0; a < FLOW_ATTR_COUNT; a++) {
		bool lenient = a == FLOW_MARK || a == FLOW_SYNPROXY_ISN || a == FLOW_SYNPROXY_ITS ||
			       a == FLOW_SYNPROXY_TSOFF;
		struct flow none, zero;

		memset(&none, 0, sizeof(none));
		zero = none;
		flow_mark_set(&zero, a);
		CU_ASSERT_EQUAL(flow_same_state(&none, &zero), lenient || !is_state(a));
		CU_ASSERT_EQUAL(flow_same_state(&zero, &none), lenient || !is_state(a));
	}
}

static void merging_an_update_makes_the_state_the_same(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 2000; i++) {
		struct flow f, update;

		flowgen_random(&r, &f);
		update = f;
		flowgen_advance(&r, &update);
		flow_merge(&f, &update);
		CU_ASSERT_TRUE(flow_same_state(&f, &update));
		CU_ASSERT_EQUAL(f.timeout, update.timeout);
	}
}

static const struct unit_test tests[] = {
	{"merge takes every attribute but the key", merge_takes_every_attribute_but_the_key},
	{"merge keeps what only the destination has", merge_keeps_what_only_the_destination_has},
	{"merge brings the ICMP cells of the reply", merge_brings_the_icmp_cells_of_the_reply},
	{"same state sees every replicated attribute", same_state_sees_every_replicated_attribute},
	{"same state takes naught for absent where the kernel does",
		same_state_takes_naught_for_absent_where_the_kernel_does},
	{"merging an update makes the state the same", merging_an_update_makes_the_state_the_same},
};

UNIT_MAIN("flow merge", tests)
