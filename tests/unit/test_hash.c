/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/bucket.h"
#include "base/hash.h"
#include "unit.h"

/* Independent of hash.c: SipHash-1-3 written over bytes, straight from the paper's description. */
static uint64_t rol(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rol(v[1], 13) ^ v[0];
	v[0] = rol(v[0], 32);
	v[2] += v[3];
	v[3] = rol(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rol(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rol(v[1], 17) ^ v[2];
	v[2] = rol(v[2], 32);
}

static uint64_t word(const uint8_t *p, size_t len)
{
	uint64_t w = 0;

	for (size_t i = 0; i < len; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

static uint64_t reference(const uint8_t key[16], const uint8_t *p, size_t len)
{
	uint64_t k0 = word(key, 8), k1 = word(key + 8, 8), last;
	uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	size_t at;

	for (at = 0; at + 8 <= len; at += 8) {
		v[3] ^= word(p + at, 8);
		mix(v);
		v[0] ^= word(p + at, 8);
	}
	last = word(p + at, len - at) | (uint64_t)(len & 0xff) << 56;
	v[3] ^= last;
	mix(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void hash_is_siphash_1_3_for_every_length(void)
{
	uint8_t key[16], data[64];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(7 * i + 1);
	for (size_t len = 0; len <= sizeof(data); len++)
		CU_ASSERT_EQUAL(hash_sip13(key, data, len), reference(key, data, len));
}

static void hash_depends_on_key_length_and_every_byte(void)
{
	uint8_t key[16] = {0}, other[16] = {1}, data[24] = {0}, zeros[25] = {0};
	uint64_t h = hash_sip13(key, data, sizeof(data));

	CU_ASSERT_NOT_EQUAL(h, hash_sip13(other, data, sizeof(data)));
	CU_ASSERT_NOT_EQUAL(h, hash_sip13(key, zeros, sizeof(zeros)));
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] ^= 0x80;
		CU_ASSERT_NOT_EQUAL(h, hash_sip13(key, data, sizeof(data)));
		data[i] ^= 0x80;
	}
}

static void bucket_gives_its_rate_and_no_more(void)
{
	struct bucket b;
	mono t = {NS_PER_SEC};
	uint64_t taken = 0;

	bucket_init(&b, 100, t);
	for (int ms = 0; ms <= 10000; ms += 7) {
		uint32_t n = bucket_fill(&b, mono_add_ms(t, ms));

		CU_ASSERT(n <= 100);
		bucket_take(&b, n);
		taken += n;
	}
	/* a second's worth at the start, then the rate; rounding down is allowed */
	CU_ASSERT(taken <= 100 + 1000);
	CU_ASSERT_EQUAL(bucket_fill(&b, mono_add_sec(t, 3600)), 100);
}

/* However its tokens fall to the steps of whoever takes them. */
static void bucket_gives_all_of_its_rate(void)
{
	static const uint32_t rates[] = {1, 3, 8, 100, 501, 700, 999, 1001, 1999, 200000};
	mono t = {NS_PER_SEC};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (int64_t us = 300; us <= 20000; us += 1900) {
			uint64_t most = 11 * (uint64_t)rates[i], taken = 0;
			struct bucket b;

			bucket_init(&b, rates[i], t);
			for (int64_t at = 0; at <= 10000000; at += us) {
				uint32_t n = bucket_fill(&b, mono_add_ns(t, at * NS_PER_US));

				bucket_take(&b, n);
				taken += n;
			}
			CU_ASSERT(taken <= most);
			/* but for what the last step or millisecond brings */
			CU_ASSERT(taken + 2 + rates[i] * (uint64_t)(us + 1000) / 1000000 >= most);
		}
}

static const struct unit_test tests[] = {
	{"hash is SipHash-1-3 for every length", hash_is_siphash_1_3_for_every_length},
	{"hash depends on key, length and every byte", hash_depends_on_key_length_and_every_byte},
	{"bucket gives its rate and no more", bucket_gives_its_rate_and_no_more},
	{"bucket gives all of its rate", bucket_gives_all_of_its_rate},
};

UNIT_MAIN("hash", tests)
