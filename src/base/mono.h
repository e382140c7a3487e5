/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_MONO_H
#define CTSYNC_BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A moment on the monotonic clock [ns since an arbitrary zero]. A struct, so that it cannot be
 * mixed up with a duration or with a wall-clock time. Whoever owns the clock makes these; the
 * engine only compares them.
 */
typedef struct {
	int64_t ns;
} mono;

#define MONO_NEVER ((mono){INT64_MAX})
#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

static inline bool mono_is_never(mono a)
{
	return a.ns == INT64_MAX;
}

/* a is earlier than b */
static inline bool mono_before(mono a, mono b)
{
	return a.ns < b.ns;
}

/* now has reached t */
static inline bool mono_reached(mono now, mono t)
{
	return now.ns >= t.ns;
}

static inline mono mono_min(mono a, mono b)
{
	return a.ns < b.ns ? a : b;
}

/* Saturates at MONO_NEVER. */
static inline mono mono_add_ns(mono a, int64_t ns)
{
	int64_t sum;

	if (__builtin_add_overflow(a.ns, ns, &sum))
		return MONO_NEVER;
	return (mono){sum};
}

static inline mono mono_add_ms(mono a, int64_t ms)
{
	return mono_add_ns(a, ms * NS_PER_MS);
}

static inline mono mono_add_sec(mono a, int64_t sec)
{
	return mono_add_ns(a, sec * NS_PER_SEC);
}

/* a - b [ns] */
static inline int64_t mono_diff_ns(mono a, mono b)
{
	return a.ns - b.ns;
}

static inline int64_t mono_diff_ms(mono a, mono b)
{
	return mono_diff_ns(a, b) / NS_PER_MS;
}

static inline int64_t mono_diff_sec(mono a, mono b)
{
	return mono_diff_ns(a, b) / NS_PER_SEC;
}

#endif
