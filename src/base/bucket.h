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

/* What can be taken now, by the millisecond. The part of a token that time has brought grows on. */
static inline uint32_t bucket_fill(struct bucket *b, mono now)
{
	int64_t ns = mono_diff_ns(now, b->filled);
	uint64_t more;

	if (ns < NS_PER_MS || b->rate == 0)
		return b->tokens;
	if (ns >= NS_PER_SEC) {
		b->filled = now;
		b->tokens = b->rate;
		return b->tokens;
	}
	more = (uint64_t)b->rate * (uint64_t)ns / (uint64_t)NS_PER_SEC;
	/* rounded up, so that they cost no less than they are worth */
	b->filled = mono_add_ns(
		b->filled, (int64_t)((more * (uint64_t)NS_PER_SEC + b->rate - 1) / b->rate));
	more += b->tokens;
	b->tokens = more > b->rate ? b->rate : (uint32_t)more;
	return b->tokens;
}

/* n is at most what bucket_fill() said. */
static inline void bucket_take(struct bucket *b, uint32_t n)
{
	b->tokens -= n < b->tokens ? n : b->tokens;
}

#endif
