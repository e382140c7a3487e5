/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_RNG_H
#define CTSYNC_BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A small generator: all it gives is a function of its seed, so that a run can be repeated. Fast
 * and evenly spread, but predictable: nothing that an attacker must not guess may come from it.
 */
struct rng {
	uint64_t state;
};

struct rng rng_of(uint64_t seed);
uint64_t rng_u64(struct rng *);
uint32_t rng_u32(struct rng *);

/* 0 to bound - 1, evenly but for a bias below bound / 2^32; 0 if bound is 0. */
uint32_t rng_below(struct rng *, uint32_t bound);

/* True in n of out_of cases. */
bool rng_chance(struct rng *, uint32_t n, uint32_t out_of);

#endif
