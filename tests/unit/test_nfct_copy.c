/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "nfct_value.h"
#include "unit.h"

/* Objects own memory; the sanitizers' leak check is a part of every test here. */

static struct nf_conntrack *full(unsigned n)
{
	struct nf_conntrack *ct = nfct_new();

	for (unsigned a = 0; a < ATTR_MAX; a++)
		nfct_value_give(ct, a, n);
	return ct;
}

static bool same_attrs(const struct nf_conntrack *ct1, const struct nf_conntrack *ct2)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		int set = nfct_attr_is_set(ct1, a);

		if (set != nfct_attr_is_set(ct2, a) || (set && !nfct_value_same(ct1, ct2, a))) {
			printf("attribute %u differs\n", a);
			return false;
		}
	}
	return true;
}

static void every_attribute_is_copied_alone(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		struct nf_conntrack *src = nfct_new(), *dst = nfct_new();

		nfct_value_give(src, a, 1);
		nfct_copy_attr(dst, src, a);
		CU_ASSERT_TRUE(nfct_value_same(dst, src, a));
		CU_ASSERT_TRUE(same_attrs(dst, src));
		nfct_value_give(src, a, 2);
		CU_ASSERT_FALSE(nfct_value_same(dst, src, a));
		nfct_copy_attr(dst, src, a);
		CU_ASSERT_TRUE(nfct_value_same(dst, src, a));
		nfct_attr_unset(src, a);
		nfct_value_give(dst, a, 3);
		nfct_copy_attr(dst, src, a);
		CU_ASSERT_EQUAL(nfct_attr_is_set(dst, a), 1); /* what src has not is left alone */
		nfct_destroy(src);
		nfct_destroy(dst);
	}
}

static void flags_say_what_is_copied(void)
{
	for (unsigned flags = 0; flags < NFCT_CP_OVERRIDE; flags++) {
		struct nf_conntrack *src = full(1), *dst = nfct_new();

		nfct_copy(dst, src, flags);
		for (unsigned a = 0; a < ATTR_MAX; a++) {
			bool copied = flags == NFCT_CP_ALL || (flags & nfct_facts[a].copied);

			CU_ASSERT_EQUAL(nfct_attr_is_set(dst, a), copied);
			if (copied && !nfct_value_same(dst, src, a))
				printf("attribute %u, flags %u\n", a, flags);
			CU_ASSERT_EQUAL(nfct_value_same(dst, src, a), copied);
		}
		nfct_destroy(src);
		nfct_destroy(dst);
	}
}

static void what_only_the_destination_has_remains(void)
{
	struct nf_conntrack *src = nfct_new(), *dst = full(1), *was = nfct_clone(dst);

	nfct_value_give(src, ATTR_MARK, 9);
	nfct_copy(dst, src, NFCT_CP_ALL);
	CU_ASSERT_TRUE(nfct_value_same(dst, src, ATTR_MARK));
	nfct_value_give(was, ATTR_MARK, 9);
	CU_ASSERT_TRUE(same_attrs(dst, was));
	nfct_destroy(src);
	nfct_destroy(dst);
	nfct_destroy(was);
}

static void override_makes_a_duplicate(void)
{
	struct nf_conntrack *src = nfct_new(), *dst = full(1);

	nfct_value_give(src, ATTR_MARK, 2);
	nfct_value_give(src, ATTR_SECCTX, 2);
	nfct_value_give(src, ATTR_CONNLABELS, 2);
	nfct_copy(dst, src, NFCT_CP_OVERRIDE | NFCT_CP_ORIG);
	CU_ASSERT_TRUE(same_attrs(dst, src));
	CU_ASSERT_EQUAL(object_tag(dst), OBJECT_TAG_MADE);
	CU_ASSERT_PTR_NULL(dst->flow.helper_info.data);
	nfct_destroy(src); /* nothing is shared */
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(dst, ATTR_SECCTX), "value-AC");
	nfct_destroy(dst);
}

static void override_takes_memory_full_of_garbage(void)
{
	struct nf_conntrack *src = full(3), *dst = malloc(sizeof(*dst));

	memset(dst, 0xd7, sizeof(*dst));
	nfct_copy(dst, src, NFCT_CP_OVERRIDE);
	CU_ASSERT_TRUE(same_attrs(dst, src));
	CU_ASSERT_EQUAL(object_tag(dst), 0);
	nfct_destroy(src);
	nfct_destroy(dst);
}

static void copying_to_itself_changes_nothing(void)
{
	struct nf_conntrack *ct = full(5), *was = nfct_clone(ct);

	for (unsigned flags = 0; flags < 2 * NFCT_CP_OVERRIDE; flags++)
		nfct_copy(ct, ct, flags);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		nfct_copy_attr(ct, ct, a);
	CU_ASSERT_TRUE(same_attrs(ct, was));
	nfct_destroy(ct);
	nfct_destroy(was);
}

/* Of memory that nfct_new() did not make nothing is freed, so it must not be replaced at all. */
static void overriding_itself_leaks_nothing(void)
{
	struct nf_conntrack *ct = calloc(1, sizeof(*ct));

	nfct_value_give(ct, ATTR_SECCTX, 1);
	nfct_value_give(ct, ATTR_CONNLABELS, 1);
	nfct_copy(ct, ct, NFCT_CP_OVERRIDE);
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_SECCTX), "value-AB");
	nfct_destroy(ct);
}

static void a_clone_shares_nothing(void)
{
	struct nf_conntrack *ct = full(7), *clone = nfct_clone(ct), *again = nfct_clone(ct);
	struct nfct_bitmask *labels;

	CU_ASSERT_TRUE(same_attrs(ct, clone));
	/* Programs change labels in place. */
	labels = (struct nfct_bitmask *)(uintptr_t)nfct_get_attr(clone, ATTR_CONNLABELS);
	nfct_bitmask_set_bit(labels, 30);
	for (unsigned a = 0; a < ATTR_MAX; a++)
		if (a != ATTR_CONNLABELS)
			nfct_value_give(clone, a, 8);
	CU_ASSERT_TRUE(same_attrs(ct, again));
	nfct_destroy(ct);
	CU_ASSERT_EQUAL(nfct_bitmask_test_bit(nfct_get_attr(clone, ATTR_CONNLABELS), 30), 1);
	CU_ASSERT_EQUAL(nfct_bitmask_test_bit(nfct_get_attr(again, ATTR_CONNLABELS), 30), 0);
	nfct_destroy(clone);
	nfct_destroy(again);
}

static void helper_information_keeps_its_length(void)
{
	static const unsigned how[] = {NFCT_CP_ALL, NFCT_CP_META, NFCT_CP_OVERRIDE};
	struct nf_conntrack *src = nfct_new();

	nfct_set_attr_l(src, ATTR_HELPER_INFO, "a\0b\0c", 5);
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct nf_conntrack *dst = nfct_new();

		nfct_copy(dst, src, how[i]);
		CU_ASSERT_EQUAL(dst->flow.helper_info.len, 5);
		CU_ASSERT_EQUAL(memcmp(nfct_get_attr(dst, ATTR_HELPER_INFO), "a\0b\0c", 5), 0);
		nfct_destroy(dst);
	}
	nfct_destroy(src);
}

static void a_context_without_text_is_copied_as_such(void)
{
	struct nf_conntrack *src = nfct_new(), *dst = full(1);

	nfct_set_attr(src, ATTR_SECCTX, "ignored");
	nfct_copy(dst, src, NFCT_CP_ALL);
	CU_ASSERT_EQUAL(nfct_attr_is_set(dst, ATTR_SECCTX), 1);
	CU_ASSERT_PTR_NULL(nfct_get_attr(dst, ATTR_SECCTX));
	nfct_destroy(src);
	nfct_destroy(dst);
}

static void icmp_of_the_reply_goes_with_its_ports(void)
{
	struct nf_conntrack *src = nfct_new(), *tuples = nfct_new(), *orig = nfct_new();

	nfct_set_attr_u8(src, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(src, ATTR_L4PROTO, IPPROTO_ICMP);
	nfct_set_attr_u8(src, ATTR_ICMP_TYPE, 13);
	nfct_set_attr_u16(src, ATTR_ICMP_ID, htons(99));
	nfct_setobjopt(src, NFCT_SOPT_SETUP_REPLY);
	nfct_copy(tuples, src, NFCT_CP_ORIG | NFCT_CP_REPL);
	CU_ASSERT_EQUAL(tuples->flow.tuple[FLOW_REPL].icmp_type, 14);
	CU_ASSERT_EQUAL(tuples->flow.tuple[FLOW_REPL].icmp_id_be, htons(99));
	nfct_copy(orig, src, NFCT_CP_ORIG);
	CU_ASSERT_EQUAL(orig->flow.tuple[FLOW_ORIG].icmp_type, 13);
	CU_ASSERT_EQUAL(orig->flow.tuple[FLOW_REPL].icmp_type, 0);
	CU_ASSERT_EQUAL(orig->flow.tuple[FLOW_REPL].icmp_id_be, 0);
	nfct_destroy(src);
	nfct_destroy(tuples);
	nfct_destroy(orig);
}

/* The head's memory ends where it must: a byte beyond is the sanitizer's to find. */
static void an_expectations_tuple_gives_what_it_has(void)
{
	static const unsigned how[] = {NFCT_CP_ALL, NFCT_CP_ORIG | NFCT_CP_META, NFCT_CP_OVERRIDE};
	struct nf_conntrack *head = nfct_value_new_head(), *clone;

	for (unsigned a = 0; a < ATTR_MAX; a++)
		if (nfct_value_is_in_head(a))
			nfct_value_give(head, a, 1);
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct nf_conntrack *dst = nfct_new();

		nfct_copy(dst, head, how[i]);
		CU_ASSERT_TRUE(same_attrs(dst, head));
		CU_ASSERT_EQUAL(object_tag(dst), OBJECT_TAG_MADE);
		nfct_destroy(dst);
	}
	clone = nfct_clone(head);
	CU_ASSERT_TRUE(same_attrs(clone, head));
	CU_ASSERT_EQUAL(object_tag(clone), OBJECT_TAG_MADE);
	nfct_destroy(clone);
	free(head);
}

static void an_expectations_tuple_takes_what_it_has_room_for(void)
{
	struct nf_conntrack *src = full(4);

	for (unsigned flags = 0; flags < 2 * NFCT_CP_OVERRIDE; flags++) {
		struct nf_conntrack *head = nfct_value_new_head();

		errno = 0;
		nfct_copy(head, src, flags);
		if (flags != NFCT_CP_ORIG)
			CU_ASSERT_EQUAL(errno, EINVAL);
		for (unsigned a = 0; a < ATTR_MAX; a++) {
			bool taken = nfct_value_is_in_head(a) &&
				     (flags == NFCT_CP_ALL || (flags & NFCT_CP_OVERRIDE) ||
					     (flags & nfct_facts[a].copied));

			CU_ASSERT_EQUAL(nfct_attr_is_set(head, a), taken);
			CU_ASSERT_EQUAL(nfct_value_same(head, src, a), taken);
		}
		CU_ASSERT_EQUAL(object_tag(head), OBJECT_TAG_HEAD);
		free(head);
	}
	nfct_destroy(src);
}

static const struct unit_test tests[] = {
	{"every_attribute_is_copied_alone", every_attribute_is_copied_alone},
	{"flags_say_what_is_copied", flags_say_what_is_copied},
	{"what_only_the_destination_has_remains", what_only_the_destination_has_remains},
	{"override_makes_a_duplicate", override_makes_a_duplicate},
	{"override_takes_memory_full_of_garbage", override_takes_memory_full_of_garbage},
	{"copying_to_itself_changes_nothing", copying_to_itself_changes_nothing},
	{"overriding_itself_leaks_nothing", overriding_itself_leaks_nothing},
	{"a_clone_shares_nothing", a_clone_shares_nothing},
	{"helper_information_keeps_its_length", helper_information_keeps_its_length},
	{"a_context_without_text_is_copied_as_such", a_context_without_text_is_copied_as_such},
	{"icmp_of_the_reply_goes_with_its_ports", icmp_of_the_reply_goes_with_its_ports},
	{"an_expectations_tuple_gives_what_it_has", an_expectations_tuple_gives_what_it_has},
	{"an_expectations_tuple_takes_what_it_has_room_for",
		an_expectations_tuple_takes_what_it_has_room_for},
};

UNIT_MAIN("nfct_copy", tests)
