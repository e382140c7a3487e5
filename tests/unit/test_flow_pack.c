/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/merge.h"
#include "flow/pack.h"
#include "flow/pack_compare.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "tests/unit/flow_value.h"
#include "unit.h"

static bool is_dropped(enum flow_attr a)
{
	static const enum flow_attr dropped[] = {FLOW_SNAT_IPV4, FLOW_DNAT_IPV4, FLOW_SNAT_IPV6,
		FLOW_DNAT_IPV6, FLOW_SNAT_PORT, FLOW_DNAT_PORT, FLOW_ORIG_COUNTER_PACKETS,
		FLOW_REPL_COUNTER_PACKETS, FLOW_ORIG_COUNTER_BYTES, FLOW_REPL_COUNTER_BYTES,
		FLOW_USE, FLOW_SECCTX, FLOW_TIMESTAMP_START, FLOW_TIMESTAMP_STOP, FLOW_HELPER_INFO,
		FLOW_LABELS_MASK, FLOW_TIMESTAMP_EVENT};

	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (a == dropped[i])
			return true;
	return false;
}

/* The presence bits and the value of every attribute present that packing keeps. */
static bool same_packed(struct flow *a, struct flow *b)
{
	for (enum flow_attr at = 0; at < FLOW_ATTR_COUNT; at++) {
		struct flow_value va = flow_value(a, at), vb = flow_value(b, at);

		if (is_dropped(at))
			continue;
		if (flow_has(a, at) != flow_has(b, at) ||
			(flow_has(a, at) && memcmp(va.at, vb.at, va.len) != 0)) {
			printf("attribute %d differs\n", at);
			return false;
		}
	}
	return a->labels_len == b->labels_len;
}

/* What flow_unpack_brief() says is what flow_unpack() does. */
static bool same_brief(const uint8_t *packed, size_t len, const struct flow *f)
{
	struct flow_brief b;

	flow_unpack_brief(packed, len, &b);
	return b.has_id == flow_has(f, FLOW_ID) && b.id == (b.has_id ? f->id : 0) &&
	       b.l4 == f->tuple[FLOW_ORIG].l4 && b.has_timeout == flow_has(f, FLOW_TIMEOUT) &&
	       b.timeout == (b.has_timeout ? f->timeout : 0) &&
	       b.status == (flow_has(f, FLOW_STATUS) ? f->status : 0) &&
	       b.has_tcp_state == flow_has(f, FLOW_TCP_STATE) &&
	       b.tcp_state == (b.has_tcp_state ? f->tcp.state : 0);
}

static void a_packed_flow_comes_back_as_it_was(void)
{
	struct rng r = rng_of(seed_get(__func__));
	size_t longest = 0;

	for (int i = 0; i < 20000; i++) {
		uint8_t packed[FLOW_PACKED_BYTES_MAX], again[FLOW_PACKED_BYTES_MAX];
		uint8_t key[FLOW_KEY_BYTES_MAX];
		struct flow f, back;
		size_t len, key_len;

		flowgen_random(&r, &f);
		len = flow_pack(&f, packed);
		key_len = flow_key_make(&f, key);
		CU_ASSERT_FATAL(len > 0 && len <= sizeof(packed));
		longest = len > longest ? len : longest;
		CU_ASSERT_EQUAL(flow_key_len(packed), key_len);
		CU_ASSERT_EQUAL(memcmp(packed, key, key_len), 0);
		flow_unpack(packed, len, &back);
		CU_ASSERT_TRUE_FATAL(same_packed(&f, &back));
		CU_ASSERT_TRUE_FATAL(same_brief(packed, len, &back));
		/* the ICMP cells of the reply have no attributes */
		CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].sport_be, back.tuple[FLOW_REPL].sport_be);
		CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dport_be, back.tuple[FLOW_REPL].dport_be);
		CU_ASSERT_EQUAL(flow_pack(&back, again), len);
		CU_ASSERT_EQUAL(memcmp(packed, again, len), 0);
	}
	printf("longest: %zu bytes\n", longest);
}

static void any_set_of_attributes_comes_back(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 20000; i++) {
		uint8_t packed[FLOW_PACKED_BYTES_MAX];
		struct flow f, back;
		size_t len;

		flowgen_random(&r, &f);
		for (enum flow_attr a = FLOW_REPL_IPV4_SRC; a < FLOW_ATTR_COUNT; a++)
			if (flow_has(&f, a) && rng_chance(&r, 1, 3) &&
				!(flow_value_is_key(a) && a != FLOW_ICMP_TYPE && a != FLOW_ZONE))
				flow_mark_unset(&f, a);
		if (!flow_has(&f, FLOW_LABELS))
			f.labels_len = 0;
		len = flow_pack(&f, packed);
		flow_unpack(packed, len, &back);
		CU_ASSERT_TRUE_FATAL(same_packed(&f, &back));
		CU_ASSERT_TRUE_FATAL(same_brief(packed, len, &back));
	}
}

static void each_attribute_alone_comes_back(void)
{
	for (enum flow_attr a = 0; a < FLOW_ATTR_COUNT; a++) {
		uint8_t packed[FLOW_PACKED_BYTES_MAX];
		struct rng r = rng_of(a);
		struct flow f, back;
		struct flow_value v;

		if (flow_value_is_key(a) && a != FLOW_ORIG_ZONE && a != FLOW_REPL_ZONE &&
			a != FLOW_ZONE)
			continue;
		flowgen_tuples(&r, &f, AF_INET6, IPPROTO_TCP);
		memset(&f.tuple[FLOW_REPL], 0, sizeof(f.tuple[FLOW_REPL]));
		for (enum flow_attr repl = 0; repl <= FLOW_REPL_L4PROTO; repl++)
			if (!flow_value_is_key(repl))
				flow_mark_unset(&f, repl);
		v = flow_value(&f, a);
		for (size_t i = 0; i < v.len; i++)
			((uint8_t *)v.at)[i] = (uint8_t)(0x41 + i);
		if (a == FLOW_LABELS)
			f.labels_len = sizeof(f.labels);
		flow_mark_set(&f, a);
		flow_unpack(packed, flow_pack(&f, packed), &back);
		CU_ASSERT_TRUE(same_packed(&f, &back));
		CU_ASSERT_EQUAL(flow_has(&back, a), !is_dropped(a));
		if (is_dropped(a) && v.len > 0) {
			v = flow_value(&back, a);
			CU_ASSERT_EQUAL(((uint8_t *)v.at)[0], 0);
		}
	}
}

static void everything_at_once_fits(void)
{
	uint8_t packed[FLOW_PACKED_BYTES_MAX];
	struct flow f, back;

	memset(&f, 0x55, sizeof(f));
	memset(f.set, 0xff, sizeof(f.set));
	f.tuple[FLOW_ORIG].l3 = AF_INET6;
	f.tuple[FLOW_ORIG].l4 = IPPROTO_TCP;
	f.labels_len = sizeof(f.labels);
	f.helper_name[15] = '\0';
	flow_unpack(packed, flow_pack(&f, packed), &back);
	CU_ASSERT_EQUAL(memcmp(f.tuple, back.tuple, sizeof(f.tuple)), 0);
	CU_ASSERT_EQUAL(memcmp(&f.tcp, &back.tcp, sizeof(f.tcp)), 0);
	CU_ASSERT_STRING_EQUAL(f.helper_name, back.helper_name);
	CU_ASSERT_EQUAL(f.master.dst.v6_be[3], back.master.dst.v6_be[3]);
}

/* What the key stands for, field by field. */
static bool same_key_model(const struct flow *a, const struct flow *b)
{
	const struct flow_tuple *x = &a->tuple[FLOW_ORIG], *y = &b->tuple[FLOW_ORIG];
	size_t addr_len = x->l3 == AF_INET ? 4 : 16;

	if (x->l3 != y->l3 || x->l4 != y->l4)
		return false;
	if (memcmp(&x->src, &y->src, addr_len) != 0 || memcmp(&x->dst, &y->dst, addr_len) != 0)
		return false;
	if (flow_l4_has_key(x->l4) && (x->sport_be != y->sport_be || x->dport_be != y->dport_be))
		return false;
	return a->zone == b->zone && x->zone == y->zone &&
	       a->tuple[FLOW_REPL].zone == b->tuple[FLOW_REPL].zone;
}

/* A flow out of a space so small that equal keys and near misses are frequent. */
static void small_flow(struct rng *r, struct flow *f)
{
	static const uint8_t l4s[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE, IPPROTO_ESP};
	uint8_t l3 = rng_chance(r, 1, 2) ? AF_INET : AF_INET6;
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	flowgen_tuples(r, f, l3, l4s[rng_below(r, 4)]);
	memset(&t->src, 0, sizeof(t->src));
	memset(&t->dst, 0, sizeof(t->dst));
	t->src.bytes[l3 == AF_INET ? 3 : 15] = (uint8_t)rng_below(r, 2);
	t->dst.bytes[0] = (uint8_t)rng_below(r, 2);
	if (flow_l4_has_key(t->l4)) {
		t->sport_be = (uint16_t)rng_below(r, 2);
		t->dport_be = (uint16_t)rng_below(r, 2);
	}
	if (rng_chance(r, 1, 2)) {
		f->zone = (uint16_t)rng_below(r, 2);
		flow_mark_set(f, FLOW_ZONE);
	}
	if (rng_chance(r, 1, 4)) {
		t->zone = (uint16_t)rng_below(r, 2);
		flow_mark_set(f, FLOW_ORIG_ZONE);
	}
	if (rng_chance(r, 1, 4)) {
		f->tuple[FLOW_REPL].zone = (uint16_t)rng_below(r, 2);
		flow_mark_set(f, FLOW_REPL_ZONE);
	}
	f->mark = rng_u32(r); /* no part of the key */
	flow_mark_set(f, FLOW_MARK);
}

static void keys_are_equal_exactly_if_tuples_are(void)
{
	struct rng r = rng_of(seed_get(__func__));
	unsigned equal = 0;

	for (int i = 0; i < 100000; i++) {
		uint8_t ka[FLOW_KEY_BYTES_MAX], kb[FLOW_KEY_BYTES_MAX];
		struct flow a, b;
		size_t la, lb;
		bool same;

		small_flow(&r, &a);
		small_flow(&r, &b);
		la = flow_key_make(&a, ka);
		lb = flow_key_make(&b, kb);
		CU_ASSERT_FATAL(la > 0 && la <= FLOW_KEY_BYTES_MAX);
		same = la == lb && memcmp(ka, kb, la) == 0;
		CU_ASSERT_EQUAL_FATAL(same, same_key_model(&a, &b));
		equal += same;
	}
	CU_ASSERT_TRUE(equal > 50);
}

static void zone_0_and_no_zone_are_one_key(void)
{
	uint8_t ka[FLOW_KEY_BYTES_MAX], kb[FLOW_KEY_BYTES_MAX], packed[FLOW_PACKED_BYTES_MAX];
	struct flow a, b, back;

	flowgen_numbered(1, &a);
	b = a;
	flow_mark_set(&b, FLOW_ZONE);
	CU_ASSERT_EQUAL(flow_key_make(&a, ka), 14);
	CU_ASSERT_EQUAL(flow_key_make(&b, kb), 14);
	CU_ASSERT_EQUAL(memcmp(ka, kb, 14), 0);
	flow_unpack(packed, flow_pack(&b, packed), &back);
	CU_ASSERT_TRUE(flow_has(&back, FLOW_ZONE));
}

static void cells_not_present_count_as_0(void)
{
	static const uint8_t l4s[] = {IPPROTO_UDP, IPPROTO_GRE, IPPROTO_ICMP};

	for (size_t i = 0; i < sizeof(l4s); i++) {
		uint8_t ka[FLOW_KEY_BYTES_MAX], kb[FLOW_KEY_BYTES_MAX];
		uint8_t packed[FLOW_PACKED_BYTES_MAX];
		struct rng r = rng_of(i);
		struct flow a, b, back;

		/* as a peer that does not name them gives it */
		flowgen_tuples(&r, &a, AF_INET, l4s[i]);
		for (enum flow_attr at = FLOW_ORIG_PORT_SRC; at <= FLOW_ICMP_ID; at++)
			flow_mark_unset(&a, at);
		b = a;
		a.tuple[FLOW_ORIG].sport_be = a.tuple[FLOW_ORIG].dport_be = 0x1234;
		b.tuple[FLOW_ORIG].sport_be = b.tuple[FLOW_ORIG].dport_be = 0;
		CU_ASSERT_EQUAL(flow_key_make(&a, ka), 14);
		CU_ASSERT_EQUAL(flow_key_make(&b, kb), 14);
		CU_ASSERT_EQUAL(memcmp(ka, kb, 14), 0);
		flow_setup_reply(&b);
		CU_ASSERT_EQUAL(flow_pack(&b, packed), 18);
		flow_unpack(packed, 18, &back);
		CU_ASSERT_EQUAL(memcmp(back.set, b.set, sizeof(b.set)), 0);
		CU_ASSERT_EQUAL(memcmp(&back, &b, sizeof(b)), 0);
	}
}

static void a_reply_of_another_family_comes_back(void)
{
	uint8_t packed[FLOW_PACKED_BYTES_MAX];
	struct rng r = rng_of(1);
	struct flow f, other, back;

	flowgen_tuples(&r, &f, AF_INET, IPPROTO_TCP);
	flowgen_tuples(&r, &other, AF_INET6, IPPROTO_UDP);
	f.tuple[FLOW_REPL] = other.tuple[FLOW_REPL];
	flow_unpack(packed, flow_pack(&f, packed), &back);
	CU_ASSERT_EQUAL(memcmp(f.tuple, back.tuple, sizeof(f.tuple)), 0);
}

static void a_flow_without_addresses_or_protocol_has_no_key(void)
{
	static const enum flow_attr needed[] = {
		FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST, FLOW_ORIG_L3PROTO, FLOW_ORIG_L4PROTO};
	uint8_t packed[FLOW_PACKED_BYTES_MAX];
	struct flow f;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		flowgen_numbered(1, &f);
		CU_ASSERT_TRUE(flow_has_key(&f));
		flow_mark_unset(&f, needed[i]);
		CU_ASSERT_FALSE(flow_has_key(&f));
		CU_ASSERT_EQUAL(flow_key_make(&f, packed), 0);
		CU_ASSERT_EQUAL(flow_pack(&f, packed), 0);
	}
	flowgen_numbered(1, &f);
	f.tuple[FLOW_ORIG].l3 = 99;
	CU_ASSERT_FALSE(flow_has_key(&f));
}

static void common_flows_are_small(void)
{
	struct rng r = rng_of(5);

	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t packed[FLOW_PACKED_BYTES_MAX];
		struct flow f;

		flowgen_tuples(&r, &f, v6 ? AF_INET6 : AF_INET, IPPROTO_TCP);
		flow_mark_set(&f, FLOW_STATUS);
		f.status = FLOW_STATUS_ASSURED | FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_CONFIRMED;
		flow_mark_set(&f, FLOW_TIMEOUT);
		flow_mark_set(&f, FLOW_ID);
		flow_mark_set(&f, FLOW_MARK);
		for (enum flow_attr a = FLOW_TCP_FLAGS_ORIG; a <= FLOW_TCP_MASK_REPL; a++)
			flow_mark_set(&f, a);
		flow_mark_set(&f, FLOW_TCP_STATE);
		flow_mark_set(&f, FLOW_TCP_WSCALE_ORIG);
		flow_mark_set(&f, FLOW_TCP_WSCALE_REPL);
		CU_ASSERT_EQUAL(flow_pack(&f, packed), v6 ? 59 : 35);
		f.mark = 1;
		f.status |= UINT32_C(1) << 16;
		CU_ASSERT_EQUAL(flow_pack(&f, packed), v6 ? 65 : 41);
	}
}

static enum flow_packed_change compare(
	const struct flow *a, const struct flow *b, struct flow_packed_timeouts *t)
{
	uint8_t before[FLOW_PACKED_BYTES_MAX], now[FLOW_PACKED_BYTES_MAX];

	CU_ASSERT_FATAL(flow_pack(a, before) > 0 && flow_pack(b, now) > 0);
	return flow_packed_compare(before, now, t);
}

/* What changes in nearly every flow is told by the bytes. */
static void usual_changes_show_in_the_bytes(void)
{
	struct flow f, g;
	struct flow_packed_timeouts t;

	flowgen_numbered(7, &f);
	flow_mark_unset(&f, FLOW_ID); /* no peer tells one */
	f.mark = 0;
	flow_mark_set(&f, FLOW_MARK);
	g = f;
	g.timeout = 77;
	CU_ASSERT_EQUAL(compare(&f, &g, &t), FLOW_PACKED_SAME);
	CU_ASSERT(t.before == f.timeout && t.now == 77);
	g = f;
	g.mark = 5;
	CU_ASSERT_EQUAL(compare(&f, &g, &t), FLOW_PACKED_CHANGED);
	CU_ASSERT_EQUAL(compare(&g, &f, &t), FLOW_PACKED_CHANGED);
	g = f;
	g.tcp.state = FLOW_TCP_FIN_WAIT;
	CU_ASSERT_EQUAL(compare(&f, &g, &t), FLOW_PACKED_CHANGED);
	g = f;
	g.status &= ~(uint32_t)FLOW_STATUS_ASSURED;
	CU_ASSERT_EQUAL(compare(&f, &g, &t), FLOW_PACKED_CHANGED);
	flow_mark_unset(&f, FLOW_TIMEOUT);
	CU_ASSERT_EQUAL(compare(&f, &f, &t), FLOW_PACKED_SAME);
	CU_ASSERT(t.before == -1 && t.now == -1);
}

static void what_bytes_tell_is_what_the_flows_do(void)
{
	struct rng r = rng_of(seed_get(__func__));
	unsigned told[FLOW_PACKED_UNSURE + 1] = {0};

	for (int i = 0; i < 200000; i++) {
		struct flow f, g;
		uint8_t before[FLOW_PACKED_BYTES_MAX], now[FLOW_PACKED_BYTES_MAX];
		struct flow_packed_timeouts t;
		enum flow_packed_change change;

		if (rng_chance(&r, 1, 3))
			flowgen_random(&r, &f);
		else
			flowgen_numbered(rng_u32(&r), &f);
		if (rng_chance(&r, 7, 8))
			flow_mark_unset(&f, FLOW_ID);
		g = f;
		if (rng_chance(&r, 3, 4))
			flowgen_advance(&r, &g);
		if (rng_chance(&r, 1, 8))
			g.tuple[FLOW_REPL].dport_be ^= 1;
		change = compare(&f, &g, &t);
		told[change]++;
		if (change == FLOW_PACKED_UNSURE)
			continue;
		flow_unpack(before, flow_pack(&f, before), &f);
		flow_unpack(now, flow_pack(&g, now), &g);
		CU_ASSERT_EQUAL(change == FLOW_PACKED_SAME, flow_same_state(&f, &g));
		CU_ASSERT_EQUAL(memcmp(&f.tuple[FLOW_REPL], &g.tuple[FLOW_REPL],
					sizeof(f.tuple[FLOW_REPL])),
			0);
		CU_ASSERT_EQUAL(t.before, flow_has(&f, FLOW_TIMEOUT) ? (int64_t)f.timeout : -1);
		CU_ASSERT_EQUAL(t.now, flow_has(&g, FLOW_TIMEOUT) ? (int64_t)g.timeout : -1);
	}
	for (unsigned i = 0; i <= FLOW_PACKED_UNSURE; i++)
		CU_ASSERT(told[i] > 1000);
}

static const struct unit_test tests[] = {
	{"a packed flow comes back as it was", a_packed_flow_comes_back_as_it_was},
	{"any set of attributes comes back", any_set_of_attributes_comes_back},
	{"each attribute alone comes back", each_attribute_alone_comes_back},
	{"everything at once fits", everything_at_once_fits},
	{"keys are equal exactly if tuples are", keys_are_equal_exactly_if_tuples_are},
	{"zone 0 and no zone are one key", zone_0_and_no_zone_are_one_key},
	{"cells not present count as 0", cells_not_present_count_as_0},
	{"a reply of another family comes back", a_reply_of_another_family_comes_back},
	{"a flow without addresses or protocol has no key",
		a_flow_without_addresses_or_protocol_has_no_key},
	{"common flows are small", common_flows_are_small},
	{"usual changes show in the bytes", usual_changes_show_in_the_bytes},
	{"what bytes tell is what the flows do", what_bytes_tell_is_what_the_flows_do},
};

UNIT_MAIN("flow pack", tests)
