/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/process.h"

static uint64_t ms_of(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
}

static uint64_t resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages;
}

void process_usage(struct process_usage *u)
{
	struct rusage usage;

	*u = (struct process_usage){.memory_bytes = resident_pages() * (uint64_t)getpagesize()};
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return;
	u->memory_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
	/* The kernel notes a peak when memory is given back, and some pages late. */
	if (u->memory_peak_bytes < u->memory_bytes)
		u->memory_peak_bytes = u->memory_bytes;
	u->cpu_user_ms = ms_of(usage.ru_utime);
	u->cpu_system_ms = ms_of(usage.ru_stime);
}
