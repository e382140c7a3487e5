/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "nfct/bitmask.h"
#include "unit.h"

static void a_bitmask_has_whole_words(void)
{
	static const struct {
		unsigned maxbit, has;
	} cases[] = {{0, 31}, {31, 31}, {32, 63}, {64, 95}, {127, 127}, {65535, 65535}};
	struct nfct_bitmask *b;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b = nfct_bitmask_new(cases[i].maxbit);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL(nfct_bitmask_maxbit(b), cases[i].has);
		for (unsigned bit = 0; bit <= cases[i].has; bit++)
			CU_ASSERT_FALSE_FATAL(nfct_bitmask_test_bit(b, bit));
		nfct_bitmask_destroy(b);
	}
	errno = 0;
	CU_ASSERT_PTR_NULL(nfct_bitmask_new(65536));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_PTR_NULL(nfct_bitmask_new(~0u));
}

static void bits_are_set_and_unset_one_by_one(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(95);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned bit = 0; bit <= 95; bit++) {
		nfct_bitmask_set_bit(b, bit);
		for (unsigned other = 0; other <= 95; other++)
			CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, other), other <= bit);
	}
	for (unsigned bit = 0; bit <= 95; bit++) {
		nfct_bitmask_unset_bit(b, bit);
		for (unsigned other = 0; other <= 95; other++)
			CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, other), other > bit);
	}
	nfct_bitmask_set_bit(b, 3);
	nfct_bitmask_set_bit(b, 94);
	nfct_bitmask_clear(b);
	CU_ASSERT_FALSE(nfct_bitmask_test_bit(b, 3));
	CU_ASSERT_FALSE(nfct_bitmask_test_bit(b, 94));
	nfct_bitmask_destroy(b);
}

static void bits_without_room_are_ignored(void)
{
	static const unsigned beyond[] = {32, 63, 64, 65535, 65536, 1u << 31, ~0u};
	struct nfct_bitmask *b = nfct_bitmask_new(31);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		nfct_bitmask_set_bit(b, beyond[i]);
		CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, beyond[i]), 0);
		nfct_bitmask_unset_bit(b, beyond[i]);
	}
	CU_ASSERT_EQUAL(b->bits[0], 0);
	nfct_bitmask_destroy(b);
}

static void a_clone_is_equal_until_one_changes(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(127), *copy;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	nfct_bitmask_set_bit(b, 5);
	nfct_bitmask_set_bit(b, 127);
	copy = nfct_bitmask_clone(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	CU_ASSERT(nfct_bitmask_equal(b, copy) && nfct_bitmask_equal(copy, b));
	CU_ASSERT(nfct_bitmask_test_bit(copy, 127));
	nfct_bitmask_unset_bit(copy, 127);
	CU_ASSERT_FALSE(nfct_bitmask_equal(b, copy));
	CU_ASSERT(nfct_bitmask_test_bit(b, 127));
	nfct_bitmask_destroy(b);
	nfct_bitmask_destroy(copy);
}

/* The public test wants the same size, the one behind nfct_cmp() the same bits. */
static void size_matters_to_equal_alone(void)
{
	struct nfct_bitmask *small = nfct_bitmask_new(31), *large = nfct_bitmask_new(127);

	CU_ASSERT_PTR_NOT_NULL_FATAL(small);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	CU_ASSERT_FALSE(nfct_bitmask_equal(small, large));
	CU_ASSERT(bitmask_same_bits(small, large) && bitmask_same_bits(large, small));
	CU_ASSERT(bitmask_same_bits(NULL, large) && bitmask_same_bits(large, NULL));
	CU_ASSERT(bitmask_same_bits(NULL, NULL));
	nfct_bitmask_set_bit(small, 7);
	nfct_bitmask_set_bit(large, 7);
	CU_ASSERT(bitmask_same_bits(small, large) && bitmask_same_bits(large, small));
	CU_ASSERT_FALSE(bitmask_same_bits(NULL, small) || bitmask_same_bits(large, NULL));
	nfct_bitmask_set_bit(large, 96);
	CU_ASSERT_FALSE(bitmask_same_bits(small, large) || bitmask_same_bits(large, small));
	nfct_bitmask_destroy(small);
	nfct_bitmask_destroy(large);
}

static void a_payload_fills_whole_words(void)
{
	static const uint8_t payload[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	for (size_t len = 0; len <= sizeof(payload); len++) {
		struct nfct_bitmask *b = bitmask_of_payload(len ? payload : NULL, len);
		uint8_t want[12] = {0};

		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL_FATAL(b->words, len > 8 ? 3 : len > 4 ? 2 : 1);
		memcpy(want, payload, len);
		CU_ASSERT_EQUAL(memcmp(b->bits, want, b->words * sizeof(uint32_t)), 0);
		nfct_bitmask_destroy(b);
	}
}

static void no_bitmask_is_an_error_and_no_crash(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(31);

	nfct_bitmask_destroy(NULL);
#define REFUSED(call)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		CU_ASSERT_FALSE(call);                                                             \
		CU_ASSERT_EQUAL(errno, EINVAL);                                                    \
	} while (0)
	REFUSED(nfct_bitmask_clone(NULL));
	REFUSED(nfct_bitmask_maxbit(NULL));
	REFUSED(nfct_bitmask_test_bit(NULL, 0));
	REFUSED(nfct_bitmask_equal(NULL, NULL));
	REFUSED(nfct_bitmask_equal(b, NULL));
	REFUSED(nfct_bitmask_equal(NULL, b));
	REFUSED((nfct_bitmask_set_bit(NULL, 0), 0));
	REFUSED((nfct_bitmask_unset_bit(NULL, 0), 0));
	REFUSED((nfct_bitmask_clear(NULL), 0));
	nfct_bitmask_destroy(b);
}

static const struct unit_test tests[] = {
	{"a bitmask has whole words", a_bitmask_has_whole_words},
	{"bits are set and unset one by one", bits_are_set_and_unset_one_by_one},
	{"bits without room are ignored", bits_without_room_are_ignored},
	{"a clone is equal until one changes", a_clone_is_equal_until_one_changes},
	{"size matters to equal alone", size_matters_to_equal_alone},
	{"a payload fills whole words", a_payload_fills_whole_words},
	{"no bitmask is an error and no crash", no_bitmask_is_an_error_and_no_crash},
};

UNIT_MAIN("nfct labels", tests)
