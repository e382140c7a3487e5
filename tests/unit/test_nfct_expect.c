/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "nfct/exp_object.h"
#include "unit.h"

/* Expectations as objects: attributes, copies, what the heads of their tuples show. */

enum kind { HEAD, U16, U32, TEXT };

static const struct attr {
	enum nf_expect_attr type;
	enum kind kind;
	size_t text_max;
} attrs[] = {
	{ATTR_EXP_MASTER, HEAD, 0},
	{ATTR_EXP_EXPECTED, HEAD, 0},
	{ATTR_EXP_MASK, HEAD, 0},
	{ATTR_EXP_TIMEOUT, U32, 0},
	{ATTR_EXP_ZONE, U16, 0},
	{ATTR_EXP_FLAGS, U32, 0},
	{ATTR_EXP_HELPER_NAME, TEXT, 15},
	{ATTR_EXP_CLASS, U32, 0},
	{ATTR_EXP_NAT_TUPLE, HEAD, 0},
	{ATTR_EXP_NAT_DIR, U32, 0},
	{ATTR_EXP_FN, TEXT, 23},
};
_Static_assert(ARRAY_SIZE(attrs) == ATTR_EXP_MAX, "all of them");

static const char long_text[] = "a-name-that-is-longer-than-any-helper-has";

/* A connection with much more than an original tuple. */
static struct nf_conntrack connection(uint8_t n)
{
	struct nf_conntrack ct = {.flow = {.mark = 99, .timeout = 98}};
	static const enum flow_attr present[] = {FLOW_ORIG_L3PROTO, FLOW_ORIG_IPV4_SRC,
		FLOW_ORIG_IPV4_DST, FLOW_ORIG_L4PROTO, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST,
		FLOW_ORIG_ZONE, FLOW_REPL_L3PROTO, FLOW_REPL_IPV4_SRC, FLOW_MARK, FLOW_TIMEOUT,
		FLOW_LABELS, FLOW_SECCTX, FLOW_HELPER_INFO, FLOW_TIMESTAMP_EVENT};

	for (size_t i = 0; i < ARRAY_SIZE(present); i++)
		flow_mark_set(&ct.flow, present[i]);
	ct.flow.set[OBJECT_TAG_WORD] |= OBJECT_TAG_MADE;
	ct.flow.tuple[FLOW_ORIG] = (struct flow_tuple){.l3 = AF_INET,
		.l4 = IPPROTO_TCP,
		.src.v4_be = htonl(0x0a000000u + n),
		.dst.v4_be = htonl(0x0b000000u + n),
		.sport_be = htons((uint16_t)(1000 + n)),
		.dport_be = htons((uint16_t)(2000 + n)),
		.zone = n};
	return ct;
}

/* What an attribute is set to in these tests; the values of no two attributes are the same. */
static void set_value(struct nf_expect *exp, const struct attr *a)
{
	struct nf_conntrack ct;

	switch (a->kind) {
	case HEAD:
		ct = connection((uint8_t)(10 + a->type));
		nfexp_set_attr(exp, a->type, &ct);
		break;
	case U16:
		nfexp_set_attr_u16(exp, a->type, (uint16_t)(0x1100 + a->type));
		break;
	case U32:
		nfexp_set_attr_u32(exp, a->type, 0x11223300u + a->type);
		break;
	case TEXT:
		nfexp_set_attr(exp, a->type, long_text + a->type);
		break;
	}
}

static bool has_value(const struct nf_expect *exp, const struct attr *a)
{
	struct nf_conntrack ct = connection((uint8_t)(10 + a->type));
	const void *value = nfexp_get_attr(exp, a->type);
	char text[sizeof(long_text)] = "";
	uint32_t v32;
	uint16_t v16;

	if (nfexp_attr_is_set(exp, a->type) != 1 || !value)
		return false;
	switch (a->kind) {
	case HEAD:
		return memcmp(&((const struct nf_conntrack *)value)->flow.tuple[FLOW_ORIG],
			       &ct.flow.tuple[FLOW_ORIG], sizeof(struct flow_tuple)) == 0;
	case U16:
		memcpy(&v16, value, sizeof(v16));
		return v16 == 0x1100 + a->type && nfexp_get_attr_u16(exp, a->type) == v16;
	case U32:
		memcpy(&v32, value, sizeof(v32));
		return v32 == 0x11223300u + a->type && nfexp_get_attr_u32(exp, a->type) == v32;
	case TEXT:
		strncat(text, long_text + a->type, a->text_max);
		return strcmp(value, text) == 0;
	}
	return false;
}

static bool is_absent(const struct nf_expect *exp, enum nf_expect_attr type)
{
	errno = 0;
	return nfexp_attr_is_set(exp, type) == 0 && !nfexp_get_attr(exp, type) &&
	       errno == ENODATA && nfexp_get_attr_u32(exp, type) == 0;
}

static void each_attribute_by_itself(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		struct nf_expect *exp = nfexp_new();

		CU_ASSERT_PTR_NOT_NULL_FATAL(exp);
		for (size_t k = 0; k < ARRAY_SIZE(attrs); k++)
			CU_ASSERT_TRUE(is_absent(exp, attrs[k].type));
		set_value(exp, &attrs[i]);
		for (size_t k = 0; k < ARRAY_SIZE(attrs); k++)
			CU_ASSERT_TRUE(
				k == i ? has_value(exp, &attrs[k]) : is_absent(exp, attrs[k].type));
		CU_ASSERT_EQUAL(nfexp_attr_unset(exp, attrs[i].type), 0);
		CU_ASSERT_TRUE(is_absent(exp, attrs[i].type));
		nfexp_destroy(exp);
	}
}

static void all_attributes_side_by_side(void)
{
	struct nf_expect *exp = nfexp_new();

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		set_value(exp, &attrs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		CU_ASSERT_TRUE(has_value(exp, &attrs[i]));
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		nfexp_attr_unset(exp, attrs[i].type);
		for (size_t k = 0; k < ARRAY_SIZE(attrs); k++)
			CU_ASSERT_TRUE(
				k <= i ? is_absent(exp, attrs[k].type) : has_value(exp, &attrs[k]));
	}
	nfexp_destroy(exp);
}

static void numbers_of_any_width(void)
{
	struct nf_expect *exp = nfexp_new();
	struct {
		uint8_t odd;
		uint8_t value[4];
	} misaligned = {0, {1, 2, 3, 4}};
	uint32_t expected;

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].kind != U16 && attrs[i].kind != U32)
			continue;
		nfexp_set_attr_u32(exp, attrs[i].type, UINT32_MAX);
		nfexp_set_attr_u8(exp, attrs[i].type, 0xfe);
		CU_ASSERT_EQUAL(nfexp_get_attr_u32(exp, attrs[i].type), 0xfe);
		nfexp_set_attr_u16(exp, attrs[i].type, 0xfedc);
		CU_ASSERT_EQUAL(nfexp_get_attr_u32(exp, attrs[i].type), 0xfedc);
		CU_ASSERT_EQUAL(nfexp_get_attr_u8(exp, attrs[i].type), 0xdc);
		nfexp_set_attr_u32(exp, attrs[i].type, 0x12345678);
		CU_ASSERT_EQUAL(nfexp_get_attr_u32(exp, attrs[i].type),
			attrs[i].kind == U16 ? 0x5678 : 0x12345678);
		CU_ASSERT_EQUAL(nfexp_get_attr_u16(exp, attrs[i].type), 0x5678);
	}
	nfexp_set_attr(exp, ATTR_EXP_NAT_DIR, misaligned.value);
	memcpy(&expected, misaligned.value, sizeof(expected));
	CU_ASSERT_EQUAL(nfexp_get_attr_u32(exp, ATTR_EXP_NAT_DIR), expected);
	nfexp_destroy(exp);
}

static void texts_are_cut(void)
{
	struct nf_expect *exp = nfexp_new();

	nfexp_set_attr(exp, ATTR_EXP_HELPER_NAME, long_text);
	nfexp_set_attr(exp, ATTR_EXP_FN, long_text);
	CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME), "a-name-that-is-");
	CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_FN), "a-name-that-is-longer-t");
	nfexp_set_attr(exp, ATTR_EXP_FN, nfexp_get_attr(exp, ATTR_EXP_FN));
	CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_FN), "a-name-that-is-longer-t");
	nfexp_set_attr(exp, ATTR_EXP_HELPER_NAME, "ftp");
	CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME), "ftp");
	nfexp_set_attr(exp, ATTR_EXP_HELPER_NAME, "");
	CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME), "");
	CU_ASSERT_EQUAL(nfexp_attr_is_set(exp, ATTR_EXP_HELPER_NAME), 1);
	nfexp_destroy(exp);
}

/* A head as its tag promises: attributes of the original tuple, and no others. */
static void check_head(const struct nf_expect *exp, enum nf_expect_attr type)
{
	const struct nf_conntrack *head = nfexp_get_attr(exp, type);

	CU_ASSERT_PTR_NOT_NULL_FATAL(head);
	CU_ASSERT_EQUAL(object_tag(head), OBJECT_TAG_HEAD);
	for (enum flow_attr a = 0; a < FLOW_ATTR_COUNT; a++)
		CU_ASSERT_EQUAL(flow_has(&head->flow, a),
			a == FLOW_ORIG_L3PROTO || a == FLOW_ORIG_IPV4_SRC ||
				a == FLOW_ORIG_IPV4_DST || a == FLOW_ORIG_L4PROTO ||
				a == FLOW_ORIG_PORT_SRC || a == FLOW_ORIG_PORT_DST ||
				a == FLOW_ORIG_ZONE);
}

static void heads_have_the_original_tuple_alone(void)
{
	struct nf_expect *exp = nfexp_new(), *clone, copy;

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		set_value(exp, &attrs[i]);
	clone = nfexp_clone(exp);
	memcpy(&copy, exp, nfexp_maxsize());
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].kind != HEAD)
			continue;
		check_head(exp, attrs[i].type);
		check_head(clone, attrs[i].type);
		check_head(&copy, attrs[i].type);
		CU_ASSERT_PTR_NOT_EQUAL(
			nfexp_get_attr(exp, attrs[i].type), nfexp_get_attr(clone, attrs[i].type));
	}
	/* a head is as good a source as a whole object, its own one too */
	nfexp_set_attr(clone, ATTR_EXP_MASTER, nfexp_get_attr(exp, ATTR_EXP_NAT_TUPLE));
	nfexp_set_attr(exp, ATTR_EXP_MASTER, nfexp_get_attr(exp, ATTR_EXP_NAT_TUPLE));
	nfexp_set_attr(exp, ATTR_EXP_MASTER, nfexp_get_attr(exp, ATTR_EXP_MASTER));
	check_head(clone, ATTR_EXP_MASTER);
	check_head(exp, ATTR_EXP_MASTER);
	CU_ASSERT_EQUAL(
		memcmp(nfexp_get_attr(exp, ATTR_EXP_MASTER),
			nfexp_get_attr(clone, ATTR_EXP_NAT_TUPLE), sizeof(struct flow_head)),
		0);
	nfexp_destroy(clone);
	nfexp_destroy(exp);
}

static void heads_made_by_others_are_tagged(void)
{
	struct nf_expect exp = {.expect.set = 0};
	struct nf_conntrack ct = connection(1);

	flow_head_of(&exp.expect.mask, &ct.flow);
	flow_head_of(&exp.expect.nat, &ct.flow);
	expect_mark_set(&exp.expect, EXPECT_MASK);
	expect_mark_set(&exp.expect, EXPECT_NAT_TUPLE);
	exp_object_tag_heads(&exp);
	check_head(&exp, ATTR_EXP_MASK);
	check_head(&exp, ATTR_EXP_NAT_TUPLE);
	CU_ASSERT_TRUE(is_absent(&exp, ATTR_EXP_MASTER));
}

/* As programs do it that keep expectations in memory of their own. */
static void flat_copies(void)
{
	struct nf_expect *from = nfexp_new(), *to = nfexp_new();
	struct nf_expect *own = malloc(nfexp_maxsize());

	CU_ASSERT_PTR_NOT_NULL_FATAL(own);
	memset(own, 0, nfexp_maxsize());
	CU_ASSERT_EQUAL(nfexp_sizeof(own), nfexp_maxsize());
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		CU_ASSERT_TRUE(is_absent(own, attrs[i].type));
		set_value(own, &attrs[i]);
	}
	memcpy(from, own, nfexp_maxsize());
	memset(own, 0xff, nfexp_maxsize());
	free(own);
	memcpy(to, from, nfexp_maxsize());
	nfexp_destroy(from);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		CU_ASSERT_TRUE(has_value(to, &attrs[i]));
	from = nfexp_clone(to);
	nfexp_destroy(to);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		CU_ASSERT_TRUE(has_value(from, &attrs[i]));
	nfexp_destroy(from);
}

#define REFUSED(call) (errno = 0, (call), errno == EINVAL)

static void misuse_is_refused(void)
{
	const enum nf_expect_attr none = ATTR_EXP_MAX,
				  far = (enum nf_expect_attr)(ATTR_EXP_MAX * 64);
	const enum nf_expect_attr zone = ATTR_EXP_ZONE, fn = ATTR_EXP_FN, mask = ATTR_EXP_MASK;
	struct nf_expect *exp = nfexp_new(), *before;
	uint32_t value = 1;

	set_value(exp, &attrs[ATTR_EXP_MASK]);
	set_value(exp, &attrs[ATTR_EXP_FN]);
	before = nfexp_clone(exp);
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr(NULL, zone, &value)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr(exp, zone, NULL)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr(exp, none, &value)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr(exp, far, &value)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u8(NULL, zone, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u16(NULL, zone, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u32(NULL, zone, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u8(exp, mask, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u16(exp, fn, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_set_attr_u32(exp, none, 1)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr(NULL, zone)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr(exp, none)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr(exp, far)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr_u8(exp, mask)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr_u16(exp, fn)));
	CU_ASSERT_TRUE(REFUSED(nfexp_get_attr_u32(exp, none)));
	CU_ASSERT_TRUE(REFUSED(nfexp_attr_is_set(NULL, zone)));
	CU_ASSERT_EQUAL(nfexp_attr_is_set(exp, none), -1);
	CU_ASSERT_TRUE(REFUSED(nfexp_attr_unset(NULL, zone)));
	CU_ASSERT_EQUAL(nfexp_attr_unset(exp, far), -1);
	CU_ASSERT_TRUE(REFUSED(nfexp_clone(NULL)));
	CU_ASSERT_TRUE(REFUSED(nfexp_sizeof(NULL)));
	CU_ASSERT_EQUAL(memcmp(exp, before, nfexp_maxsize()), 0);
	nfexp_destroy(NULL);
	nfexp_destroy(before);
	nfexp_destroy(exp);
}

static const struct unit_test tests[] = {
	{"each attribute by itself", each_attribute_by_itself},
	{"all attributes side by side", all_attributes_side_by_side},
	{"numbers of any width", numbers_of_any_width},
	{"texts are cut", texts_are_cut},
	{"heads have the original tuple alone", heads_have_the_original_tuple_alone},
	{"heads made by others are tagged", heads_made_by_others_are_tagged},
	{"flat copies", flat_copies},
	{"misuse is refused", misuse_is_refused},
};

UNIT_MAIN("nfct_expect", tests)
