/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_RNG_H
#define CTSYNC_TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The simulation's only source of chance (splitmix64). Each concern has a stream of its own, so
 * that one more draw in one of them does not reshuffle the others.
 */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline struct rng rng_of(uint64_t seed, uint64_t stream)
{
	struct rng r = {seed * UINT64_C(0xd1342543de82ef95) + stream};

	r.state = rng_u64(&r);
	return r;
}

/* 0..n-1; n > 0 */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng_u64(r) * n) >> 64);
}

/* lo..hi, both included */
static inline int64_t rng_range(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)rng_below(r, (uint64_t)(hi - lo) + 1);
}

static inline bool rng_permille(struct rng *r, unsigned permille)
{
	return rng_below(r, 1000) < permille;
}

#endif
