/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_BUCKET_H
#define CTSYNC_BASE_BUCKET_H

#include <stdint.h>

#include "base/mono.h"

/* A token bucket: at most rate a second on the long run, at most one second's worth at once. */
struct bucket {
	uint32_t rate; /* [1/s] */
	uint32_t tokens;
	mono filled; /* up to here tokens have been handed out */
};

static inline void bucket_init(struct bucket *b, uint32_t rate, mono now)
{
	b->rate = rate;
	b->tokens = rate;
	b->filled = now;
}

/* What can be taken now. */
static inline uint32_t bucket_fill(struct bucket *b, mono now)
{
	int64_t ms = mono_diff_ms(now, b->filled);
	uint64_t more;

	if (ms <= 0)
		return b->tokens;
	if ((uint64_t)b->rate * (uint64_t)ms < 1000)
		return b->tokens; /* the part of a token grows on */
	if (ms > 1000) {
		ms = 1000;
		b->filled = now;
	} else {
		b->filled = mono_add_ms(b->filled, ms);
	}
	more = b->tokens + (uint64_t)b->rate * (uint64_t)ms / 1000;
	b->tokens = more > b->rate ? b->rate : (uint32_t)more;
	return b->tokens;
}

/* n is at most what bucket_fill() said. */
static inline void bucket_take(struct bucket *b, uint32_t n)
{
	b->tokens -= n < b->tokens ? n : b->tokens;
}

#endif
