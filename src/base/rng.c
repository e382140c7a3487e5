/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/rng.h"

struct rng rng_of(uint64_t seed)
{
	return (struct rng){seed};
}

/*
 * SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a
 * counter with an odd step, whose bits are then mixed. Any seed will do, 0 included.
 */
uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t rng_u32(struct rng *r)
{
	return (uint32_t)(rng_u64(r) >> 32);
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
	return (uint32_t)((uint64_t)rng_u32(r) * bound >> 32);
}

bool rng_chance(struct rng *r, uint32_t n, uint32_t out_of)
{
	return rng_below(r, out_of) < n;
}
