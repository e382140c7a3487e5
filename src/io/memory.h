/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_MEMORY_H
#define CTSYNC_IO_MEMORY_H

#include <stddef.h>

/*
 * Address space: zero-filled, page-aligned, not counted against the commit limit and left out of
 * core dumps; a page costs memory from its first touch on. Returns 0 or -ENOMEM, -EINVAL (bytes
 * is 0). *out is NULL after a failure.
 */
int memory_reserve(size_t bytes, void **out);

/*
 * Whole pages of it go back, and read as zeros when they are touched again. Returns 0 or -errno;
 * after a failure they are as they were.
 */
int memory_empty(void *start, size_t bytes);

/* Gives back what memory_reserve() gave; NULL is nothing. */
void memory_release(void *start, size_t bytes);

#endif
