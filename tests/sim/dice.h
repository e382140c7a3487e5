/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_DICE_H
#define CTSYNC_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/*
 * Each concern of the simulation draws from a stream of its own, so that one more draw in one of
 * them does not reshuffle the others.
 */
static inline struct rng dice_of(uint64_t seed, uint64_t stream)
{
	return rng_of(seed * UINT64_C(0xd1342543de82ef95) + stream);
}

/* lo..hi, both included; they are less than 2^32 - 1 apart */
static inline int64_t dice_range(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)rng_below(r, (uint32_t)(hi - lo) + 1);
}

static inline bool dice_permille(struct rng *r, unsigned permille)
{
	return rng_chance(r, permille, 1000);
}

#endif
