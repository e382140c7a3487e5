/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_POISON_H
#define CTSYNC_BASE_POISON_H

#include <stddef.h>

/*
 * Under AddressSanitizer, memory that holds nothing now: whoever touches it is stopped there and
 * then. Otherwise nothing. What is given out again, or returned to another owner, is unpoisoned
 * first. Addresses and lengths are multiples of 8.
 */
#if defined(__SANITIZE_ADDRESS__)
#define POISON_WORKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_WORKS 1
#endif
#endif

#ifdef POISON_WORKS
/* its header is none of the C library's */
void __asan_poison_memory_region(const volatile void *, size_t);
void __asan_unpoison_memory_region(const volatile void *, size_t);

static inline void poison(const void *at, size_t bytes)
{
	__asan_poison_memory_region(at, bytes);
}

static inline void unpoison(const void *at, size_t bytes)
{
	__asan_unpoison_memory_region(at, bytes);
}
#else
static inline void poison(const void *at, size_t bytes)
{
	(void)at;
	(void)bytes;
}

static inline void unpoison(const void *at, size_t bytes)
{
	(void)at;
	(void)bytes;
}
#endif

#endif
