/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_PROCESS_H
#define CTSYNC_IO_PROCESS_H

#include <stdint.h>

/* What this process has taken of the machine. */
struct process_usage {
	uint64_t memory_bytes, memory_peak_bytes; /* resident */
	uint64_t cpu_user_ms, cpu_system_ms;
};

/* What cannot be learned is 0. */
void process_usage(struct process_usage *);

#endif
