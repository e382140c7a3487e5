/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "nfct_value.h"
#include "unit.h"

/* What no program should do, and what happens: nothing but errno. */

#define SAYS(expected_errno, expression)                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		expression;                                                                        \
		if (errno != (expected_errno))                                                     \
			printf("%s: errno %d\n", #expression, errno);                              \
		CU_ASSERT_EQUAL(errno, expected_errno);                                            \
	} while (0)

static const unsigned beyond[] = {ATTR_MAX, ATTR_MAX + 1, 127, 255, 65536, INT32_MAX, UINT32_MAX};

static struct nf_conntrack *full(void)
{
	struct nf_conntrack *ct = nfct_new();

	for (unsigned a = 0; a < ATTR_MAX; a++)
		nfct_value_give(ct, a, 1);
	return ct;
}

static bool is_empty(const struct nf_conntrack *ct)
{
	for (unsigned a = 0; a < ATTR_MAX; a++)
		if (nfct_attr_is_set(ct, a) != 0)
			return false;
	return true;
}

static void no_object(void)
{
	uint64_t data[4] = {0};
	enum nf_conntrack_attr attr = ATTR_MARK;

	SAYS(EINVAL, nfct_destroy(NULL));
	SAYS(EINVAL, CU_ASSERT_PTR_NULL(nfct_clone(NULL)));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_sizeof(NULL), 0));
	SAYS(EINVAL, nfct_set_attr(NULL, attr, data));
	SAYS(EINVAL, nfct_set_attr_l(NULL, attr, data, 4));
	SAYS(EINVAL, nfct_set_attr_u8(NULL, attr, 1));
	SAYS(EINVAL, nfct_set_attr_u16(NULL, attr, 1));
	SAYS(EINVAL, nfct_set_attr_u32(NULL, attr, 1));
	SAYS(EINVAL, nfct_set_attr_u64(NULL, attr, 1));
	SAYS(EINVAL, CU_ASSERT_PTR_NULL(nfct_get_attr(NULL, attr)));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_u8(NULL, attr), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_u16(NULL, attr), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_u32(NULL, attr), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_u64(NULL, attr), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_is_set(NULL, attr), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_is_set_array(NULL, &attr, 1), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_unset(NULL, attr), -1));
	SAYS(EINVAL, nfct_set_attr_grp(NULL, ATTR_GRP_ICMP, data));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_grp(NULL, ATTR_GRP_ICMP, data), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_grp_is_set(NULL, ATTR_GRP_ICMP), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_grp_unset(NULL, ATTR_GRP_ICMP), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_setobjopt(NULL, NFCT_SOPT_UNDO_SNAT), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_getobjopt(NULL, NFCT_GOPT_IS_SNAT), -1));
}

static void one_object_of_two(void)
{
	struct nf_conntrack *ct = nfct_new();

	SAYS(EINVAL, nfct_copy(NULL, ct, NFCT_CP_ALL));
	SAYS(EINVAL, nfct_copy(ct, NULL, NFCT_CP_OVERRIDE));
	SAYS(EINVAL, nfct_copy_attr(NULL, ct, ATTR_MARK));
	SAYS(EINVAL, nfct_copy_attr(ct, NULL, ATTR_MARK));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_cmp(NULL, ct, NFCT_CMP_ALL), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_cmp(ct, NULL, NFCT_CMP_ORIG), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_compare(NULL, ct), 0));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_compare(ct, NULL), 0));
	CU_ASSERT_TRUE(is_empty(ct));
	nfct_destroy(ct);
}

static void no_value(void)
{
	struct nf_conntrack *ct = nfct_new();

	for (unsigned a = 0; a < ATTR_MAX; a++) {
		SAYS(EINVAL, nfct_set_attr(ct, a, NULL));
		SAYS(EINVAL, nfct_set_attr_l(ct, a, NULL, 4));
	}
	for (unsigned g = 0; g < ATTR_GRP_MAX; g++) {
		SAYS(EINVAL, nfct_set_attr_grp(ct, g, NULL));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, g, NULL), -1));
	}
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, NULL, 1), -1));
	CU_ASSERT_TRUE(is_empty(ct));
	nfct_destroy(ct);
}

static void unknown_attributes(void)
{
	struct nf_conntrack *ct = full(), *was = nfct_clone(ct), *empty = nfct_new();

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		enum nf_conntrack_attr a = beyond[i];

		/* Setters are silent: programs may know more attributes than the library. */
		SAYS(0, nfct_set_attr(ct, a, "a value of any length"));
		SAYS(0, nfct_set_attr_l(ct, a, "a value", 7));
		SAYS(0, nfct_set_attr_u8(ct, a, 1));
		SAYS(0, nfct_set_attr_u16(ct, a, 1));
		SAYS(0, nfct_set_attr_u32(ct, a, 1));
		SAYS(0, nfct_set_attr_u64(ct, a, 1));
		SAYS(EINVAL, CU_ASSERT_PTR_NULL(nfct_get_attr(ct, a)));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, a), 0));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), -1));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, &a, 1), -1));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_unset(ct, a), -1));
		SAYS(EINVAL, nfct_copy_attr(empty, ct, a));
	}
	for (unsigned a = 0; a < ATTR_MAX; a++)
		CU_ASSERT_TRUE(nfct_value_same(ct, was, a));
	CU_ASSERT_EQUAL(object_tag(ct), OBJECT_TAG_MADE);
	CU_ASSERT_TRUE(is_empty(empty));
	nfct_destroy(ct);
	nfct_destroy(was);
	nfct_destroy(empty);
}

static void unknown_groups_and_options(void)
{
	struct nf_conntrack *ct = nfct_new();
	uint64_t data[4] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		SAYS(EINVAL, nfct_set_attr_grp(ct, beyond[i], data));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, beyond[i], data), -1));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_grp_is_set(ct, beyond[i]), -1));
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_grp_unset(ct, beyond[i]), -1));
		SAYS(EOPNOTSUPP, CU_ASSERT_EQUAL(nfct_setobjopt(ct, beyond[i]), -1));
		SAYS(EOPNOTSUPP, CU_ASSERT_EQUAL(nfct_getobjopt(ct, beyond[i]), -1));
	}
	SAYS(EOPNOTSUPP, CU_ASSERT_EQUAL(nfct_setobjopt(ct, NFCT_SOPT_MAX + 1), -1));
	SAYS(EOPNOTSUPP, CU_ASSERT_EQUAL(nfct_getobjopt(ct, NFCT_GOPT_MAX + 1), -1));
	SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_attr_grp_is_set(ct, ATTR_GRP_MAX), -1));
	CU_ASSERT_TRUE(is_empty(ct));
	nfct_destroy(ct);
}

static void unknown_flags(void)
{
	struct nf_conntrack *src = full(), *dst = nfct_new();

	nfct_copy(dst, src, 1u << 4 | 1u << 31);
	CU_ASSERT_TRUE(is_empty(dst));
	CU_ASSERT_EQUAL(nfct_cmp(src, dst, 1u << 7 | NFCT_CMP_STRICT), 1); /* nothing is chosen */
	nfct_destroy(src);
	nfct_destroy(dst);
}

/* Integers for what is none; the getters give first bytes, or nothing. */
static void integers_of_what_is_none(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		struct nf_conntrack *ct = nfct_new();

		if (!nfct_fact_is_integer(&nfct_facts[a])) {
			SAYS(EINVAL, nfct_set_attr_u8(ct, a, 1));
			SAYS(EINVAL, nfct_set_attr_u16(ct, a, 1));
			SAYS(EINVAL, nfct_set_attr_u32(ct, a, 1));
			SAYS(EINVAL, nfct_set_attr_u64(ct, a, 1));
			CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), 0);
		}
		nfct_value_give(ct, a, 1);
		nfct_get_attr_u8(ct, a);
		nfct_get_attr_u16(ct, a);
		nfct_get_attr_u32(ct, a);
		nfct_get_attr_u64(ct, a);
		nfct_destroy(ct);
	}
}

/* Shorter than the integer that is asked for. */
static void integers_of_short_bytes(void)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr(ct, ATTR_HELPER_INFO, "nothing of it");
	CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, ATTR_HELPER_INFO), 0);
	nfct_set_attr_l(ct, ATTR_HELPER_INFO, "\x07", 1);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_HELPER_INFO), 7);
	nfct_set_attr(ct, ATTR_SECCTX, "ignored");
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_SECCTX), 0);
	nfct_destroy(ct);
}

/* nfct_maxsize() zeroed bytes of a program's own are an object. */
static void zeroed_memory_is_an_empty_object(void)
{
	_Alignas(8) uint8_t memory[OBJECT_SIZE_MAX] = {0};
	struct nf_conntrack *ct = (struct nf_conntrack *)memory, *clone, *other = full();

	CU_ASSERT_TRUE(nfct_maxsize() <= sizeof(memory));
	CU_ASSERT_EQUAL(nfct_sizeof(ct), nfct_maxsize());
	CU_ASSERT_TRUE(is_empty(ct));
	CU_ASSERT_EQUAL(nfct_compare(ct, ct), 1);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		nfct_value_give(ct, a, 2);
	clone = nfct_clone(ct);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		CU_ASSERT_TRUE(nfct_value_same(ct, clone, a));
	nfct_copy(ct, other, NFCT_CP_ALL);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		CU_ASSERT_TRUE(nfct_value_same(ct, other, a));
	CU_ASSERT_EQUAL(object_tag(ct), 0);
	CU_ASSERT_EQUAL(object_tag(clone), OBJECT_TAG_MADE);
	object_release(ct);
	CU_ASSERT_TRUE(is_empty(ct));
	nfct_destroy(clone);
	nfct_destroy(other);
}

static void allocated_memory_may_be_destroyed(void)
{
	struct nf_conntrack *ct = calloc(1, nfct_maxsize());

	for (unsigned a = 0; a < ATTR_MAX; a++)
		nfct_value_give(ct, a, 2);
	nfct_destroy(ct);
}

/* A write or read beyond the head is the sanitizer's to find: its memory ends there. */
static void an_expectations_tuple_has_its_own_attributes_only(void)
{
	struct nf_conntrack *head = nfct_value_new_head();
	static const uint8_t value[16] = {2, 2, 2, 2};

	CU_ASSERT_EQUAL(nfct_sizeof(head), sizeof(struct flow_head));
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		int error = nfct_value_is_in_head(a) ? 0 : EINVAL;

		if (nfct_facts[a].kind == FACT_LABELS) {
			struct nfct_bitmask *labels = nfct_bitmask_new(9);

			SAYS(EINVAL, nfct_set_attr(head, a, labels));
			nfct_bitmask_destroy(labels); /* it is still the caller's */
		} else {
			SAYS(error, nfct_set_attr(head, a, value));
		}
		if (nfct_fact_is_integer(&nfct_facts[a]))
			SAYS(error, nfct_set_attr_u32(head, a, 2));
		CU_ASSERT_EQUAL(nfct_attr_is_set(head, a), error == 0);
		SAYS(error ? ENODATA : 0, nfct_get_attr(head, a));
		SAYS(error ? ENODATA : 0, nfct_get_attr_u64(head, a));
	}
	CU_ASSERT_EQUAL(object_tag(head), OBJECT_TAG_HEAD);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		CU_ASSERT_EQUAL(nfct_attr_unset(head, a), 0);
	CU_ASSERT_TRUE(is_empty(head));
	CU_ASSERT_EQUAL(object_tag(head), OBJECT_TAG_HEAD);
	free(head);
}

static void an_expectations_tuple_has_its_own_groups_only(void)
{
	static const unsigned in_head = 1u << ATTR_GRP_ORIG_IPV4 | 1u << ATTR_GRP_ORIG_IPV6 |
					1u << ATTR_GRP_ORIG_PORT | 1u << ATTR_GRP_ICMP |
					1u << ATTR_GRP_ORIG_ADDR_SRC | 1u << ATTR_GRP_ORIG_ADDR_DST;
	static const uint8_t value[32] = {8, 8, 8, 8};

	for (unsigned g = 0; g < ATTR_GRP_MAX; g++) {
		struct nf_conntrack *head = nfct_value_new_head();
		bool has = in_head >> g & 1;
		uint8_t data[32];

		SAYS(has ? 0 : EINVAL, nfct_set_attr_grp(head, g, value));
		CU_ASSERT_EQUAL(nfct_attr_grp_is_set(head, g), has);
		CU_ASSERT_EQUAL(nfct_get_attr_grp(head, g, data), has ? 0 : -1);
		CU_ASSERT_EQUAL(nfct_attr_grp_unset(head, g), 0);
		CU_ASSERT_TRUE(is_empty(head));
		free(head);
	}
}

static void an_expectations_tuple_is_the_expectations(void)
{
	struct nf_conntrack *head = nfct_value_new_head();

	for (unsigned option = 0; option <= NFCT_SOPT_MAX; option++)
		SAYS(EINVAL, CU_ASSERT_EQUAL(nfct_setobjopt(head, option), -1));
	for (unsigned option = 0; option <= NFCT_GOPT_MAX; option++)
		SAYS(0, CU_ASSERT_EQUAL(nfct_getobjopt(head, option), 0));
	SAYS(EINVAL, nfct_destroy(head));
	CU_ASSERT_TRUE(is_empty(head));
	nfct_value_give(head, ATTR_PORT_SRC, 1);
	object_release(head);
	CU_ASSERT_TRUE(is_empty(head));
	CU_ASSERT_EQUAL(object_tag(head), OBJECT_TAG_HEAD);
	free(head);
}

static const struct unit_test tests[] = {
	{"no_object", no_object},
	{"one_object_of_two", one_object_of_two},
	{"no_value", no_value},
	{"unknown_attributes", unknown_attributes},
	{"unknown_groups_and_options", unknown_groups_and_options},
	{"unknown_flags", unknown_flags},
	{"integers_of_what_is_none", integers_of_what_is_none},
	{"integers_of_short_bytes", integers_of_short_bytes},
	{"zeroed_memory_is_an_empty_object", zeroed_memory_is_an_empty_object},
	{"allocated_memory_may_be_destroyed", allocated_memory_may_be_destroyed},
	{"an_expectations_tuple_has_its_own_attributes_only",
		an_expectations_tuple_has_its_own_attributes_only},
	{"an_expectations_tuple_has_its_own_groups_only",
		an_expectations_tuple_has_its_own_groups_only},
	{"an_expectations_tuple_is_the_expectations", an_expectations_tuple_is_the_expectations},
};

UNIT_MAIN("nfct_misuse", tests)
