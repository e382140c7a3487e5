/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"
#include "nfct/exp_object.h"
#include "tests/lib/seed.h"
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

/* As programs do it, which see a connection. */
static void heads_are_read_as_connections(void)
{
	struct nf_expect *exp = nfexp_new();
	struct nf_conntrack *whole = nfct_new(), *clone;
	struct nfct_attr_grp_port ports;
	const struct nf_conntrack *head;
	union nfct_attr_grp_addr addr;

	set_value(
		exp, &attrs[ATTR_EXP_NAT_TUPLE]); /* the last one: nothing behind it but numbers */
	head = nfexp_get_attr(exp, ATTR_EXP_NAT_TUPLE);
	CU_ASSERT_EQUAL(nfct_get_attr_u32(head, ATTR_IPV4_SRC), htonl(0x0a000012));
	CU_ASSERT_EQUAL(nfct_get_attr_u32(head, ATTR_IPV4_DST), htonl(0x0b000012));
	CU_ASSERT_EQUAL(nfct_get_attr_u16(head, ATTR_PORT_SRC), htons(1018));
	CU_ASSERT_EQUAL(nfct_get_attr_u8(head, ATTR_L3PROTO), AF_INET);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(head, ATTR_L4PROTO), IPPROTO_TCP);
	CU_ASSERT_EQUAL(nfct_get_attr_grp(head, ATTR_GRP_ORIG_PORT, &ports), 0);
	CU_ASSERT_TRUE(ports.sport == htons(1018) && ports.dport == htons(2018));
	CU_ASSERT_EQUAL(nfct_get_attr_grp(head, ATTR_GRP_ORIG_ADDR_SRC, &addr), 0);
	CU_ASSERT_EQUAL(addr.ip, htonl(0x0a000012));
	for (enum nf_conntrack_attr a = ATTR_TCP_STATE; a < ATTR_MAX; a++) {
		if (a == ATTR_ORIG_ZONE)
			continue;
		CU_ASSERT_EQUAL(nfct_attr_is_set(head, a), 0);
		CU_ASSERT_PTR_NULL(nfct_get_attr(head, a));
		CU_ASSERT_EQUAL(nfct_get_attr_u64(head, a), 0);
	}
	nfct_getobjopt(head, NFCT_GOPT_IS_SNAT);
	clone = nfct_clone(head);
	nfct_copy(whole, head, NFCT_CP_ALL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(clone);
	CU_ASSERT_EQUAL(nfct_cmp(head, clone, NFCT_CMP_ALL | NFCT_CMP_STRICT), 1);
	CU_ASSERT_EQUAL(nfct_cmp(whole, head, NFCT_CMP_ALL | NFCT_CMP_STRICT), 1);
	nfct_set_attr_u16(clone, ATTR_PORT_SRC, 1);
	nfct_set_attr_u32(clone, ATTR_MARK, 1);
	CU_ASSERT_EQUAL(nfct_cmp(clone, head, NFCT_CMP_ORIG), 0);
	nfct_destroy(clone);
	nfct_destroy(whole);
	nfexp_destroy(exp);
}

/* What nfexp_cmp() is to find, told by a model: values by number, with a table of what has them. */
enum { HEAD_ATTRS = 9 };

static const enum nf_conntrack_attr head_attrs[HEAD_ATTRS] = {ATTR_L3PROTO, ATTR_L4PROTO,
	ATTR_IPV4_SRC, ATTR_IPV4_DST, ATTR_PORT_SRC, ATTR_PORT_DST, ATTR_ICMP_CODE, ATTR_ICMP_ID,
	ATTR_ORIG_ZONE};

struct model_head {
	bool has[HEAD_ATTRS];
	uint8_t value[HEAD_ATTRS];
};

struct model {
	bool has[ATTR_EXP_MAX];
	uint8_t value[ATTR_EXP_MAX];
	struct model_head head[ATTR_EXP_MAX];
};

static bool is_key(enum nf_conntrack_attr attr, uint8_t l4)
{
	if (l4 == IPPROTO_ICMP)
		return attr == ATTR_ICMP_CODE || attr == ATTR_ICMP_ID;
	return (l4 == IPPROTO_TCP || l4 == IPPROTO_SCTP) &&
	       (attr == ATTR_PORT_SRC || attr == ATTR_PORT_DST);
}

/* Few values, so that two are the same often. */
static void random_head(struct rng *r, struct model_head *h)
{
	static const uint8_t l4[] = {IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_GRE};

	for (unsigned i = 0; i < HEAD_ATTRS; i++) {
		h->has[i] = rng_below(r, 8) > 0;
		h->value[i] = (uint8_t)(rng_below(r, 16) == 0);
	}
	h->value[1] = l4[rng_below(r, 16) ? 0 : rng_below(r, 4)];
	/* they share their room with ports */
	for (unsigned i = 4; i < 8; i++)
		h->has[i] = h->has[i] && (h->value[1] == IPPROTO_ICMP) == (i >= 6);
}

static struct nf_expect *random_expect(struct rng *r, struct model *m)
{
	struct nf_expect *exp = nfexp_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(exp);
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < ARRAY_SIZE(attrs); i++) {
		struct nf_conntrack *ct = nfct_new();
		char text[2] = "";

		m->has[i] = rng_below(r, 8) > 0;
		m->value[i] = (uint8_t)(rng_below(r, 24) == 0);
		random_head(r, &m->head[i]);
		for (unsigned k = 0; k < HEAD_ATTRS; k++)
			if (m->head[i].has[k])
				nfct_set_attr_u32(ct, head_attrs[k], m->head[i].value[k]);
		text[0] = (char)('a' + m->value[i]);
		if (m->has[i] && attrs[i].kind == HEAD)
			nfexp_set_attr(exp, attrs[i].type, ct);
		else if (m->has[i] && attrs[i].kind == TEXT)
			nfexp_set_attr(exp, attrs[i].type, text);
		else if (m->has[i])
			nfexp_set_attr_u8(exp, attrs[i].type, m->value[i]);
		nfct_destroy(ct);
	}
	return exp;
}

static bool presence_agrees(bool in_a, bool in_b, unsigned flags)
{
	if (flags & NFCT_CMP_STRICT)
		return in_a == in_b;
	return !(flags & NFCT_CMP_MASK) || !in_a || in_b;
}

static bool model_heads_agree(
	const struct model_head *a, const struct model_head *b, unsigned flags)
{
	for (unsigned i = 0; i < HEAD_ATTRS; i++) {
		bool is_zone = head_attrs[i] == ATTR_ORIG_ZONE;
		uint8_t value_a = a->has[i] ? a->value[i] : 0,
			value_b = b->has[i] ? b->value[i] : 0;

		if (i >= 4 && !is_zone &&
			!(a->has[1] && b->has[1] && is_key(head_attrs[i], a->value[1])))
			continue;
		if (a->has[i] && b->has[i] ? value_a != value_b
					   : !presence_agrees(a->has[i], b->has[i], flags) &&
						     (!is_zone || value_a != value_b))
			return false;
	}
	return true;
}

static bool model_agree(const struct model *a, const struct model *b, unsigned flags)
{
	for (unsigned i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].type == ATTR_EXP_TIMEOUT)
			continue;
		if (!a->has[i] || !b->has[i]) {
			if (!presence_agrees(a->has[i], b->has[i], flags))
				return false;
		} else if (attrs[i].kind == HEAD) {
			if (!model_heads_agree(&a->head[i], &b->head[i], flags))
				return false;
		} else if (a->value[i] != b->value[i]) {
			return false;
		}
	}
	return true;
}

/* Differs from m, if at all, in one attribute: values are then looked at, not presence alone. */
static struct nf_expect *changed(struct rng *r, const struct nf_expect *exp, struct model *m)
{
	struct nf_expect *twin = nfexp_clone(exp), *other;
	struct model from;
	unsigned i = rng_below(r, ATTR_EXP_MAX);

	other = random_expect(r, &from);
	if (from.has[i] && attrs[i].kind != U16 && attrs[i].kind != U32)
		nfexp_set_attr(twin, attrs[i].type, nfexp_get_attr(other, attrs[i].type));
	else if (from.has[i])
		nfexp_set_attr_u8(twin, attrs[i].type, from.value[i]);
	else
		nfexp_attr_unset(twin, attrs[i].type);
	m->has[i] = from.has[i];
	m->value[i] = from.value[i];
	m->head[i] = from.head[i];
	nfexp_destroy(other);
	return twin;
}

static void comparison_and_model_agree(void)
{
	static const unsigned flags[] = {NFCT_CMP_ALL, NFCT_CMP_MASK, NFCT_CMP_STRICT,
		NFCT_CMP_MASK | NFCT_CMP_STRICT, NFCT_CMP_ORIG, NFCT_CMP_REPL | NFCT_CMP_MASK,
		NFCT_CMP_TIMEOUT_EQ, NFCT_CMP_TIMEOUT_GT | NFCT_CMP_STRICT};
	struct rng r = rng_of(seed_get("comparison_and_model_agree"));
	unsigned verdicts[2] = {0, 0};

	for (unsigned round = 0; round < 5000; round++) {
		struct model ma, mb;
		struct nf_expect *a = random_expect(&r, &ma), *b;

		mb = ma;
		b = round % 4 ? changed(&r, a, &mb) : random_expect(&r, &mb);
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
			bool wanted = model_agree(&ma, &mb, flags[i]);

			CU_ASSERT_EQUAL(nfexp_cmp(a, b, flags[i]), wanted);
			verdicts[wanted]++;
		}
		nfexp_destroy(a);
		nfexp_destroy(b);
	}
	CU_ASSERT_TRUE(verdicts[false] > 5000 && verdicts[true] > 5000);
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
	CU_ASSERT_TRUE(REFUSED(nfexp_cmp(NULL, exp, NFCT_CMP_ALL)));
	CU_ASSERT_EQUAL(nfexp_cmp(exp, NULL, NFCT_CMP_ALL), 0);
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
	{"heads are read as connections", heads_are_read_as_connections},
	{"comparison and model agree", comparison_and_model_agree},
	{"flat copies", flat_copies},
	{"misuse is refused", misuse_is_refused},
};

UNIT_MAIN("nfct_expect", tests)
