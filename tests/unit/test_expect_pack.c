/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/expect_pack.h"
#include "flow/pack.h"
#include "tests/lib/expectgen.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"

static bool same_head(const struct flow_head *a, const struct flow_head *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same(const struct expect *a, const struct expect *b)
{
	return a->set == b->set && same_head(&a->master, &b->master) &&
	       same_head(&a->expected, &b->expected) && same_head(&a->mask, &b->mask) &&
	       same_head(&a->nat, &b->nat) && a->timeout == b->timeout && a->flags == b->flags &&
	       a->class == b->class && a->nat_dir == b->nat_dir && a->zone == b->zone &&
	       memcmp(a->helper_name, b->helper_name, sizeof(a->helper_name)) == 0 &&
	       memcmp(a->fn, b->fn, sizeof(a->fn)) == 0;
}

static void a_packed_expectation_comes_back_as_it_was(void)
{
	struct rng r = rng_of(seed_get(__func__));
	size_t longest = 0;

	for (int i = 0; i < 20000; i++) {
		uint8_t packed[EXPECT_PACKED_BYTES_MAX], key[EXPECT_KEY_BYTES_MAX];
		struct expect x, back;
		size_t len, key_len;

		expectgen_random(&r, &x);
		CU_ASSERT_TRUE_FATAL(expect_has_key(&x));
		len = expect_pack(&x, packed);
		key_len = expect_key_make(&x, key);
		CU_ASSERT_FATAL(len > key_len && len <= sizeof(packed));
		longest = len > longest ? len : longest;
		CU_ASSERT_TRUE(expect_is_packed(packed));
		CU_ASSERT_EQUAL(expect_key_len(packed), key_len);
		CU_ASSERT_EQUAL(memcmp(packed, key, key_len), 0);
		expect_unpack(packed, len, &back);
		CU_ASSERT_TRUE_FATAL(same(&x, &back));
	}
	printf("longest: %zu bytes\n", longest);
}

/* No flow's key can be taken for an expectation's. */
static void keys_of_flows_and_expectations_differ_in_the_first_byte(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 5000; i++) {
		uint8_t key[FLOW_KEY_BYTES_MAX];
		struct flow f;

		flowgen_random(&r, &f);
		CU_ASSERT_FATAL(flow_key_make(&f, key) > 0);
		CU_ASSERT_FALSE(expect_is_packed(key));
	}
}

static bool same_key(const struct expect *a, const struct expect *b)
{
	uint8_t ka[EXPECT_KEY_BYTES_MAX], kb[EXPECT_KEY_BYTES_MAX];
	size_t len = expect_key_make(a, ka);

	return len == expect_key_make(b, kb) && memcmp(ka, kb, len) == 0;
}

static void a_key_is_the_tuples_the_mask_and_the_zone(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 2000; i++) {
		struct expect x, y;

		expectgen_random(&r, &x);
		y = x;
		y.timeout++;
		y.flags ^= EXPECT_FLAG_PERMANENT;
		y.class ++;
		y.nat_dir ^= 1;
		y.nat.tuple.src.v4_be++;
		y.helper_name[0] ^= 1;
		y.fn[0] ^= 1;
		y.set = 1 << EXPECT_MASTER | 1 << EXPECT_EXPECTED | 1 << EXPECT_MASK;
		if (expect_has(&x, EXPECT_ZONE))
			expect_mark_set(&y, EXPECT_ZONE);
		CU_ASSERT_TRUE_FATAL(same_key(&x, &y));
		y = x;
		y.master.tuple.src.bytes[3] ^= 1;
		CU_ASSERT_FALSE(same_key(&x, &y));
		y = x;
		y.expected.tuple.dst.bytes[0] ^= 1;
		CU_ASSERT_FALSE(same_key(&x, &y));
		y = x;
		y.mask.tuple.l4 ^= 1;
		CU_ASSERT_FALSE(same_key(&x, &y));
		y = x;
		y.zone ^= 1;
		expect_mark_set(&y, EXPECT_ZONE);
		CU_ASSERT_FALSE(same_key(&x, &y));
	}
}

static void zone_0_and_no_zone_are_one_key(void)
{
	struct rng r = rng_of(1);
	struct expect x, y;

	expectgen_random(&r, &x);
	expect_mark_unset(&x, EXPECT_ZONE);
	x.zone = 0;
	y = x;
	expect_mark_set(&y, EXPECT_ZONE);
	CU_ASSERT_TRUE(same_key(&x, &y));
	x.zone = 7; /* absent: it says nothing */
	CU_ASSERT_TRUE(same_key(&x, &y));
}

/* What is in a tuple's cells without being present is 0 in the key. */
static void absent_ports_do_not_count(void)
{
	struct rng r = rng_of(2);
	struct expect x, y;

	do
		expectgen_random(&r, &x);
	while (!flow_head_has(&x.expected, FLOW_ORIG_PORT_SRC));
	x.expected.set[0] &= ~(UINT32_C(3) << FLOW_ORIG_PORT_SRC);
	y = x;
	y.expected.tuple.sport_be ^= 0xffff;
	CU_ASSERT_TRUE(same_key(&x, &y));
}

static void without_a_part_of_the_key_there_is_none(void)
{
	uint8_t packed[EXPECT_PACKED_BYTES_MAX];
	struct rng r = rng_of(3);
	struct expect x, y;

	expectgen_random(&r, &x);
	for (enum expect_attr a = EXPECT_MASTER; a <= EXPECT_MASK; a++) {
		y = x;
		expect_mark_unset(&y, a);
		CU_ASSERT_EQUAL(expect_pack(&y, packed), 0);
	}
	y = x;
	y.mask.tuple.l3 = x.master.tuple.l3 == AF_INET ? AF_INET6 : AF_INET;
	CU_ASSERT_EQUAL(expect_key_make(&y, packed), 0);
	y = x;
	y.expected.set[0] &= ~(UINT32_C(1) << FLOW_ORIG_L4PROTO);
	CU_ASSERT_FALSE(expect_has_key(&y));
	y = x;
	y.master.set[0] &= ~(UINT32_C(1) << FLOW_ORIG_IPV4_SRC | UINT32_C(1) << FLOW_ORIG_IPV6_SRC);
	CU_ASSERT_FALSE(expect_has_key(&y));
	y = x;
	y.master.tuple.l3 = y.expected.tuple.l3 = y.mask.tuple.l3 = 0;
	CU_ASSERT_FALSE(expect_has_key(&y));
}

static void the_timeout_is_no_part_of_the_state(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 2000; i++) {
		struct expect x, y;

		expectgen_random(&r, &x);
		y = x;
		expect_mark_set(&y, EXPECT_TIMEOUT);
		y.timeout = 77;
		CU_ASSERT_TRUE(expect_same_state(&x, &y));
		y = x;
		y.flags++;
		expect_mark_set(&y, EXPECT_FLAGS);
		CU_ASSERT_FALSE(expect_same_state(&x, &y));
		y = x;
		expect_mark_set(&y, EXPECT_FN);
		y.fn[0] ^= 3;
		CU_ASSERT_FALSE(expect_same_state(&x, &y));
	}
}

static const struct unit_test tests[] = {
	{"a packed expectation comes back as it was", a_packed_expectation_comes_back_as_it_was},
	{"keys of flows and expectations differ in the first byte",
		keys_of_flows_and_expectations_differ_in_the_first_byte},
	{"a key is the tuples, the mask and the zone", a_key_is_the_tuples_the_mask_and_the_zone},
	{"zone 0 and no zone are one key", zone_0_and_no_zone_are_one_key},
	{"absent ports do not count", absent_ports_do_not_count},
	{"without a part of the key there is none", without_a_part_of_the_key_there_is_none},
	{"the timeout is no part of the state", the_timeout_is_no_part_of_the_state},
};

UNIT_MAIN("expect_pack", tests)
