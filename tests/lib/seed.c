/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "tests/lib/seed.h"

uint64_t seed_get(const char *test)
{
	static uint64_t seed;
	static bool known;

	if (!known) {
		const char *given = getenv("CTSYNC_SEED");
		struct timespec now;
		struct rng mix;

		clock_gettime(CLOCK_REALTIME, &now);
		mix = rng_of((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec ^
			     (uint64_t)getpid() << 50);
		seed = given ? strtoull(given, NULL, 0) : rng_u64(&mix) >> 16;
		known = true;
	}
	printf("\n%s: seed %llu (repeat with CTSYNC_SEED=%llu)\n", test, (unsigned long long)seed,
		(unsigned long long)seed);
	return seed;
}
