/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "io/memory.h"

int memory_reserve(size_t bytes, void **out)
{
	void *start;

	*out = NULL;
	if (bytes == 0)
		return -EINVAL;
	start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return -errno;
	/* Only a wish: a kernel without core dumps refuses it, and nothing depends on it. */
	(void)madvise(start, bytes, MADV_DONTDUMP);
	*out = start;
	return 0;
}

int memory_empty(void *start, size_t bytes)
{
	return madvise(start, bytes, MADV_DONTNEED) ? -errno : 0;
}

void memory_release(void *start, size_t bytes)
{
	if (start)
		(void)munmap(start, bytes);
}
