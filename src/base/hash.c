/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/hash.h"

#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

/* The last left bytes as a word: by one load of the last eight, where there are as many. */
static inline uint64_t tail(const void *data, size_t len, size_t left)
{
	const uint8_t *end = (const uint8_t *)data + len;
	uint64_t m = 0;

	if (left == 0)
		return 0;
	if (len < sizeof(m)) {
		memcpy(&m, data, len);
		return m;
	}
	memcpy(&m, end - sizeof(m), sizeof(m));
	return m >> 8 * (sizeof(m) - left);
}

/* Words are read in host order, which base/buf.h makes sure is little endian. */
uint64_t hash_sip13(const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len)
{
	const uint8_t *at = (const uint8_t *)data;
	uint64_t k0, k1, m;
	struct sip s;
	size_t left;

	memcpy(&k0, key, sizeof(k0));
	memcpy(&k1, key + 8, sizeof(k1));
	s.v0 = k0 ^ UINT64_C(0x736f6d6570736575);
	s.v1 = k1 ^ UINT64_C(0x646f72616e646f6d);
	s.v2 = k0 ^ UINT64_C(0x6c7967656e657261);
	s.v3 = k1 ^ UINT64_C(0x7465646279746573);
	for (left = len; left >= 8; left -= 8, at += 8) {
		memcpy(&m, at, sizeof(m));
		sip_word(&s, m);
	}
	sip_word(&s, tail(data, len, left) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
