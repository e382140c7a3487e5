/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/buf.h"
#include "base/mono.h"
#include "base/rng.h"
#include "base/text.h"
#include "unit.h"

static void rbuf_fails_once_and_for_all(void)
{
	const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
	struct rbuf r = rbuf_of(bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(rbuf_u8(&r), 1);
	CU_ASSERT_EQUAL(rbuf_u32_be(&r), 0x02030405);
	CU_ASSERT_FALSE(r.bad);
	CU_ASSERT_EQUAL(rbuf_u16(&r), 0);
	CU_ASSERT_TRUE(r.bad);
	CU_ASSERT_EQUAL(rbuf_u8(&r), 0); /* one byte is left, but the cursor has failed */
}

static void wbuf_never_writes_past_its_end(void)
{
	uint8_t bytes[4] = {9, 9, 9, 9};
	struct wbuf w = wbuf_of(bytes, 3);

	wbuf_u16_be(&w, 0x0102);
	wbuf_u16_be(&w, 0x0304);
	wbuf_u8(&w, 5);
	CU_ASSERT_TRUE(w.bad);
	CU_ASSERT_EQUAL(w.used, 2);
	CU_ASSERT_EQUAL(memcmp(bytes, "\1\2\11\11", 4), 0);
}

static void text_counts_what_it_cut(void)
{
	char buf[8];
	struct text t = text_of(buf, sizeof(buf));

	text_puts(&t, "port=");
	text_u64(&t, 65535);
	CU_ASSERT_STRING_EQUAL(buf, "port=65");
	CU_ASSERT_EQUAL(t.len, 10);
	text_trim(&t, 8);
	CU_ASSERT_STRING_EQUAL(buf, "po");
}

static void text_formats_numbers(void)
{
	char buf[80];
	struct text t = text_of(buf, sizeof(buf));

	text_u64(&t, UINT64_MAX);
	text_putc(&t, ' ');
	text_i64(&t, INT64_MIN);
	text_putc(&t, ' ');
	text_hex(&t, 0xdeadbeef);
	text_hex(&t, 0);
	text_left(&t, "ab", 4);
	text_right(&t, "cd", 4);
	CU_ASSERT_STRING_EQUAL(buf, "18446744073709551615 -9223372036854775808 deadbeef0ab    cd");
}

static void text_copy_cuts_and_says_so(void)
{
	char buf[4];

	CU_ASSERT_TRUE(text_copy(buf, sizeof(buf), "abc"));
	CU_ASSERT_STRING_EQUAL(buf, "abc");
	CU_ASSERT_FALSE(text_copy(buf, sizeof(buf), "abcd"));
	CU_ASSERT_STRING_EQUAL(buf, "abc");
}

static void mono_saturates(void)
{
	mono t = {5 * NS_PER_SEC};

	CU_ASSERT_TRUE(mono_is_never(mono_add_sec(MONO_NEVER, 1)));
	CU_ASSERT_TRUE(mono_before(t, mono_add_ms(t, 1)));
	CU_ASSERT_EQUAL(mono_diff_ms(mono_add_sec(t, 2), t), 2000);
	CU_ASSERT_TRUE(mono_reached(t, t));
}

static void rng_repeats_by_its_seed(void)
{
	struct rng a = rng_of(42), b = rng_of(42), other = rng_of(43);
	unsigned same = 0;

	for (int i = 0; i < 100; i++) {
		uint64_t v = rng_u64(&a);

		CU_ASSERT_EQUAL(v, rng_u64(&b));
		same += v == rng_u64(&other);
	}
	CU_ASSERT_EQUAL(same, 0);
}

static void rng_matches_the_published_sequence(void)
{
	struct rng r = rng_of(1234567);

	CU_ASSERT_EQUAL(rng_u64(&r), UINT64_C(6457827717110365317));
	CU_ASSERT_EQUAL(rng_u64(&r), UINT64_C(3203168211198807973));
}

static void rng_below_spreads_over_its_range(void)
{
	struct rng r = rng_of(7);
	unsigned hits[10] = {0}, chances = 0;

	for (int i = 0; i < 10000; i++) {
		uint32_t v = rng_below(&r, 10);

		CU_ASSERT_FATAL(v < 10);
		hits[v]++;
		chances += rng_chance(&r, 1, 4);
	}
	for (int i = 0; i < 10; i++)
		CU_ASSERT_TRUE(hits[i] > 850 && hits[i] < 1150);
	CU_ASSERT_TRUE(chances > 2300 && chances < 2700);
	CU_ASSERT_EQUAL(rng_below(&r, 0), 0);
}

static const struct unit_test tests[] = {
	{"rbuf fails once and for all", rbuf_fails_once_and_for_all},
	{"wbuf never writes past its end", wbuf_never_writes_past_its_end},
	{"text counts what it cut", text_counts_what_it_cut},
	{"text formats numbers", text_formats_numbers},
	{"text copy cuts and says so", text_copy_cuts_and_says_so},
	{"mono saturates", mono_saturates},
	{"rng repeats by its seed", rng_repeats_by_its_seed},
	{"rng matches the published sequence", rng_matches_the_published_sequence},
	{"rng below spreads over its range", rng_below_spreads_over_its_range},
};

UNIT_MAIN("base", tests)
