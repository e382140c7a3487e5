/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"
#include "nfct/compare.h"
#include "nfct_value.h"
#include "tests/lib/seed.h"
#include "unit.h"

enum { FLAGS_ALL = 128, PAIRS = 3000 };

/*
 * A second opinion, field by field over the public getters: which attributes count, in which part,
 * and by which rule.
 */
enum rule {
	RULE_VALUE,
	RULE_PORT, /* if both have the same protocol with ports */
	RULE_ICMP,
	RULE_ZERO, /* none is as good as 0 */
	RULE_SUBSET,
	RULE_TIMEOUT,
};

enum part { PART_META, PART_ORIG, PART_REPL };

static const struct {
	enum nf_conntrack_attr attr;
	enum part part;
	enum rule rule;
} model[] = {
	{ATTR_ID, PART_META, RULE_VALUE},
	{ATTR_MARK, PART_META, RULE_ZERO},
	{ATTR_TIMEOUT, PART_META, RULE_TIMEOUT},
	{ATTR_STATUS, PART_META, RULE_SUBSET},
	{ATTR_TCP_STATE, PART_META, RULE_VALUE},
	{ATTR_SCTP_STATE, PART_META, RULE_VALUE},
	{ATTR_DCCP_STATE, PART_META, RULE_VALUE},
	{ATTR_ZONE, PART_META, RULE_ZERO},
	{ATTR_SECCTX, PART_META, RULE_VALUE},
	{ATTR_CONNLABELS, PART_META, RULE_VALUE},
	{ATTR_CONNLABELS_MASK, PART_META, RULE_VALUE},
	{ATTR_ORIG_L3PROTO, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_L4PROTO, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_IPV4_SRC, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_IPV4_DST, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_IPV6_SRC, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_IPV6_DST, PART_ORIG, RULE_VALUE},
	{ATTR_ORIG_PORT_SRC, PART_ORIG, RULE_PORT},
	{ATTR_ORIG_PORT_DST, PART_ORIG, RULE_PORT},
	{ATTR_ICMP_TYPE, PART_ORIG, RULE_ICMP},
	{ATTR_ICMP_CODE, PART_ORIG, RULE_ICMP},
	{ATTR_ICMP_ID, PART_ORIG, RULE_ICMP},
	{ATTR_ORIG_ZONE, PART_ORIG, RULE_ZERO},
	{ATTR_REPL_L3PROTO, PART_REPL, RULE_VALUE},
	{ATTR_REPL_L4PROTO, PART_REPL, RULE_VALUE},
	{ATTR_REPL_IPV4_SRC, PART_REPL, RULE_VALUE},
	{ATTR_REPL_IPV4_DST, PART_REPL, RULE_VALUE},
	{ATTR_REPL_IPV6_SRC, PART_REPL, RULE_VALUE},
	{ATTR_REPL_IPV6_DST, PART_REPL, RULE_VALUE},
	{ATTR_REPL_PORT_SRC, PART_REPL, RULE_PORT},
	{ATTR_REPL_PORT_DST, PART_REPL, RULE_PORT},
	{ATTR_ICMP_TYPE, PART_REPL, RULE_ICMP},
	{ATTR_ICMP_CODE, PART_REPL, RULE_ICMP},
	{ATTR_ICMP_ID, PART_REPL, RULE_ICMP},
	{ATTR_REPL_ZONE, PART_REPL, RULE_ZERO},
};

static bool model_timeout(uint32_t t1, uint32_t t2, unsigned flags)
{
	switch (flags & 28) {
	case 0:
	case NFCT_CMP_TIMEOUT_EQ:
		return t1 == t2;
	case NFCT_CMP_TIMEOUT_GT:
		return t1 > t2;
	case NFCT_CMP_TIMEOUT_GE:
		return t1 >= t2;
	case NFCT_CMP_TIMEOUT_LT:
		return t1 < t2;
	case NFCT_CMP_TIMEOUT_LE:
		return t1 <= t2;
	case NFCT_CMP_TIMEOUT_GT | NFCT_CMP_TIMEOUT_LT:
		return t1 != t2;
	}
	return true;
}

static bool model_applies(
	const struct nf_conntrack *a, const struct nf_conntrack *b, enum part part, enum rule rule)
{
	static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
	enum nf_conntrack_attr attr = part == PART_ORIG ? ATTR_ORIG_L4PROTO : ATTR_REPL_L4PROTO;
	uint8_t l4 = nfct_get_attr_u8(a, attr);

	if (rule != RULE_PORT && rule != RULE_ICMP)
		return true;
	if (!nfct_attr_is_set(a, attr) || !nfct_attr_is_set(b, attr) ||
		l4 != nfct_get_attr_u8(b, attr))
		return false;
	if (rule == RULE_ICMP)
		return l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6;
	return memchr(with_ports, l4, sizeof(with_ports)) != NULL;
}

static bool model_counts(enum part part, enum rule rule, unsigned flags)
{
	unsigned parts = flags & (NFCT_CMP_ORIG | NFCT_CMP_REPL);

	if (rule == RULE_TIMEOUT && (flags & 28))
		return true;
	return parts == 0 || (part == PART_ORIG && (parts & NFCT_CMP_ORIG)) ||
	       (part == PART_REPL && (parts & NFCT_CMP_REPL));
}

static bool model_values(const struct nf_conntrack *a, const struct nf_conntrack *b,
	enum nf_conntrack_attr attr, enum rule rule, unsigned flags)
{
	if (rule == RULE_TIMEOUT)
		return model_timeout(nfct_get_attr_u32(a, attr), nfct_get_attr_u32(b, attr), flags);
	if (rule == RULE_SUBSET)
		return (nfct_get_attr_u32(a, attr) | nfct_get_attr_u32(b, attr)) ==
		       nfct_get_attr_u32(b, attr);
	if (nfct_fact_is_integer(&nfct_facts[attr]))
		return nfct_get_attr_u64(a, attr) == nfct_get_attr_u64(b, attr);
	return nfct_value_same(a, b, attr);
}

static bool model_compare(
	const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(model); i++) {
		enum nf_conntrack_attr attr = model[i].attr;
		enum rule rule = model[i].rule;
		int in_a = nfct_attr_is_set(a, attr), in_b = nfct_attr_is_set(b, attr);
		bool matters = flags & (in_a ? NFCT_CMP_MASK | NFCT_CMP_STRICT : NFCT_CMP_STRICT);

		if (!model_counts(model[i].part, rule, flags) ||
			!model_applies(a, b, model[i].part, rule))
			continue;
		if (in_a == in_b) {
			if (in_a && !model_values(a, b, attr, rule, flags))
				return false;
		} else if (matters &&
			   (rule != RULE_ZERO || !model_values(a, b, attr, rule, flags))) {
			return false;
		}
	}
	return true;
}

static void give_random(struct rng *r, struct nf_conntrack *ct, enum nf_conntrack_attr a)
{
	static const uint8_t l3[] = {AF_INET, AF_INET6};
	static const uint8_t l4[] = {1, 6, 17, 33, 47, 50, 58, 132, 136};

	if (a == ATTR_ORIG_L3PROTO || a == ATTR_REPL_L3PROTO)
		nfct_set_attr_u8(ct, a, l3[rng_below(r, sizeof(l3))]);
	else if (a == ATTR_ORIG_L4PROTO || a == ATTR_REPL_L4PROTO)
		nfct_set_attr_u8(ct, a, l4[rng_below(r, sizeof(l4))]);
	else if (a == ATTR_SECCTX && rng_chance(r, 1, 4))
		nfct_set_attr(ct, a, "marked, without a value");
	else
		nfct_value_give(ct, a, rng_below(r, 4));
}

static struct nf_conntrack *random_object(struct rng *r)
{
	struct nf_conntrack *ct = nfct_new();
	uint32_t density = rng_below(r, 9);

	for (unsigned a = 0; a < ATTR_MAX; a++)
		if (rng_chance(r, density, 8))
			give_random(r, ct, a);
	return ct;
}

/* Nearly the same: a few of the attributes are changed, taken or given. */
static struct nf_conntrack *random_variant(struct rng *r, const struct nf_conntrack *of)
{
	struct nf_conntrack *ct = nfct_clone(of);

	for (uint32_t left = rng_below(r, 4); left > 0; left--) {
		enum nf_conntrack_attr a = model[rng_below(r, ARRAY_SIZE(model))].attr;

		if (rng_chance(r, 1, 3))
			nfct_attr_unset(ct, a);
		else
			give_random(r, ct, a);
	}
	return ct;
}

/* Two of the model's getters say the same of an unseen value; the texts that are not there. */
static bool has_bare_secctx(const struct nf_conntrack *ct)
{
	return nfct_attr_is_set(ct, ATTR_SECCTX) == 1 && !nfct_get_attr(ct, ATTR_SECCTX);
}

static void cmp_agrees_with_the_model(void)
{
	struct rng r = rng_of(seed_get(__func__));
	unsigned equal[FLAGS_ALL] = {0};

	for (unsigned i = 0; i < PAIRS; i++) {
		struct nf_conntrack *a = random_object(&r), *b = random_variant(&r, a);

		if (has_bare_secctx(a) && has_bare_secctx(b)) { /* equal; not for the model */
			nfct_attr_unset(a, ATTR_SECCTX);
			nfct_attr_unset(b, ATTR_SECCTX);
		}
		for (unsigned flags = 0; flags < FLAGS_ALL; flags++) {
			bool expected = model_compare(a, b, flags);

			if (nfct_cmp(a, b, flags) != expected)
				printf("pair %u, flags %u\n", i, flags);
			CU_ASSERT_EQUAL_FATAL(nfct_cmp(a, b, flags), expected);
			equal[flags] += expected;
		}
		CU_ASSERT_EQUAL(nfct_compare(a, b), model_compare(a, b, NFCT_CMP_ALL));
		nfct_destroy(a);
		nfct_destroy(b);
	}
	for (unsigned flags = 0; flags < FLAGS_ALL;
		flags++) /* neither answer goes without saying */
		CU_ASSERT_TRUE(equal[flags] > PAIRS / 100 && equal[flags] < PAIRS * 99 / 100);
}

static void every_attribute_counts_where_the_model_says(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		struct nf_conntrack *one = nfct_new(), *two = nfct_new();

		if ((a >= ATTR_ICMP_TYPE && a <= ATTR_ICMP_ID))
			nfct_set_attr_u8(one, ATTR_L4PROTO, IPPROTO_ICMP);
		else if (a == ATTR_PORT_SRC || a == ATTR_PORT_DST)
			nfct_set_attr_u8(one, ATTR_L4PROTO, IPPROTO_SCTP);
		else if (a == ATTR_REPL_PORT_SRC || a == ATTR_REPL_PORT_DST)
			nfct_set_attr_u8(one, ATTR_REPL_L4PROTO, IPPROTO_DCCP);
		nfct_copy(two, one, NFCT_CP_ALL);
		nfct_value_give(one, a, 1);
		nfct_value_give(two, a, 2);
		for (unsigned flags = 0; flags < FLAGS_ALL; flags++)
			CU_ASSERT_EQUAL(nfct_cmp(one, two, flags), model_compare(one, two, flags));
		nfct_destroy(one);
		nfct_destroy(two);
	}
}

static void timeouts_are_compared_as_the_flags_say(void)
{
	static const struct {
		unsigned flags;
		int less, equal, greater;
	} cases[] = {
		{NFCT_CMP_ALL, 0, 1, 0},
		{NFCT_CMP_TIMEOUT_EQ, 0, 1, 0},
		{NFCT_CMP_TIMEOUT_GT, 0, 0, 1},
		{NFCT_CMP_TIMEOUT_GE, 0, 1, 1},
		{NFCT_CMP_TIMEOUT_LT, 1, 0, 0},
		{NFCT_CMP_TIMEOUT_LE, 1, 1, 0},
		{NFCT_CMP_ORIG, 1, 1, 1},
		{NFCT_CMP_ORIG | NFCT_CMP_TIMEOUT_GT, 0, 0, 1},
		{NFCT_CMP_REPL | NFCT_CMP_TIMEOUT_LE | NFCT_CMP_MASK, 1, 1, 0},
	};
	struct nf_conntrack *small = nfct_new(), *large = nfct_new(), *none = nfct_new();

	nfct_set_attr_u32(small, ATTR_TIMEOUT, 10);
	nfct_set_attr_u32(large, ATTR_TIMEOUT, UINT32_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned flags = cases[i].flags;

		CU_ASSERT_EQUAL(nfct_cmp(small, large, flags), cases[i].less);
		CU_ASSERT_EQUAL(nfct_cmp(small, small, flags), cases[i].equal);
		CU_ASSERT_EQUAL(nfct_cmp(large, small, flags), cases[i].greater);
		CU_ASSERT_EQUAL(nfct_cmp(small, none, flags & ~(unsigned)NFCT_CMP_MASK), 1);
	}
	CU_ASSERT_EQUAL(nfct_cmp(small, none, NFCT_CMP_TIMEOUT_GT | NFCT_CMP_MASK), 0);
	CU_ASSERT_EQUAL(nfct_cmp(none, small, NFCT_CMP_TIMEOUT_GT | NFCT_CMP_MASK), 1);
	CU_ASSERT_EQUAL(nfct_cmp(none, small, NFCT_CMP_TIMEOUT_GT | NFCT_CMP_STRICT), 0);
	/* The rest of the object counts as without them. */
	nfct_set_attr_u32(small, ATTR_ID, 1);
	nfct_set_attr_u32(large, ATTR_ID, 2);
	CU_ASSERT_EQUAL(nfct_cmp(large, small, NFCT_CMP_TIMEOUT_GT), 0);
	nfct_destroy(small);
	nfct_destroy(large);
	nfct_destroy(none);
}

static void marks_zones_and_status_are_lenient(void)
{
	struct nf_conntrack *a = nfct_new(), *b = nfct_new();

	nfct_set_attr_u32(a, ATTR_MARK, 0);
	nfct_set_attr_u16(b, ATTR_ZONE, 0);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_ALL | NFCT_CMP_STRICT), 1);
	nfct_set_attr_u16(b, ATTR_ORIG_ZONE, 3);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_ALL | NFCT_CMP_STRICT), 0);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_ALL | NFCT_CMP_MASK), 1);
	CU_ASSERT_EQUAL(nfct_cmp(b, a, NFCT_CMP_ALL | NFCT_CMP_MASK), 0);
	nfct_set_attr_u32(a, ATTR_STATUS, 2);
	nfct_set_attr_u32(b, ATTR_STATUS, 6);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_ALL), 1);
	CU_ASSERT_EQUAL(nfct_cmp(b, a, NFCT_CMP_ALL), 0);
	nfct_destroy(a);
	nfct_destroy(b);
}

static void contexts_without_a_value_are_equal(void)
{
	struct nf_conntrack *a = nfct_new(), *b = nfct_new();

	nfct_set_attr(a, ATTR_SECCTX, "ignored");
	nfct_set_attr(b, ATTR_SECCTX, "ignored, too");
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_STRICT), 1);
	nfct_value_give(b, ATTR_SECCTX, 1);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_STRICT), 0);
	CU_ASSERT_EQUAL(nfct_cmp(b, a, NFCT_CMP_STRICT), 0);
	nfct_value_give(a, ATTR_SECCTX, 1);
	CU_ASSERT_EQUAL(nfct_cmp(a, b, NFCT_CMP_STRICT), 1);
	nfct_destroy(a);
	nfct_destroy(b);
}

/* Whole objects and heads alike, whose memory ends with the tuple. */
static void tuples_of_expectations_compare_as_original_tuples(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (unsigned i = 0; i < PAIRS; i++) {
		struct nf_conntrack *a = random_object(&r), *b = random_variant(&r, a);
		struct nf_conntrack *head_a = nfct_value_new_head(),
				    *head_b = nfct_value_new_head();

		nfct_copy(head_a, a, NFCT_CP_OVERRIDE);
		nfct_copy(head_b, b, NFCT_CP_OVERRIDE);
		for (unsigned flags = 0; flags < FLAGS_ALL; flags++) {
			unsigned how = flags & (NFCT_CMP_MASK | NFCT_CMP_STRICT);
			bool expected = model_compare(a, b, NFCT_CMP_ORIG | how);

			CU_ASSERT_EQUAL(compare_heads((struct flow_head *)head_a,
						(struct flow_head *)head_b, flags),
				expected);
			CU_ASSERT_EQUAL(nfct_cmp(head_a, head_b, NFCT_CMP_ORIG | how), expected);
			CU_ASSERT_EQUAL(nfct_cmp(head_a, b, NFCT_CMP_ORIG | how), expected);
			CU_ASSERT_EQUAL(
				nfct_cmp(head_a, b, flags), model_compare(head_a, b, flags));
		}
		nfct_destroy(a);
		nfct_destroy(b);
		free(head_a);
		free(head_b);
	}
}

static const struct unit_test tests[] = {
	{"cmp_agrees_with_the_model", cmp_agrees_with_the_model},
	{"every_attribute_counts_where_the_model_says",
		every_attribute_counts_where_the_model_says},
	{"timeouts_are_compared_as_the_flags_say", timeouts_are_compared_as_the_flags_say},
	{"marks_zones_and_status_are_lenient", marks_zones_and_status_are_lenient},
	{"contexts_without_a_value_are_equal", contexts_without_a_value_are_equal},
	{"tuples_of_expectations_compare_as_original_tuples",
		tuples_of_expectations_compare_as_original_tuples},
};

UNIT_MAIN("nfct_compare", tests)
