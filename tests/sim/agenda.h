/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_AGENDA_H
#define CTSYNC_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

struct sim;
struct job;

typedef void (*job_run)(struct sim *, struct job *);

/* Something that is going to happen. What the numbers mean is up to run. */
struct job {
	mono at;
	uint64_t order; /* among jobs of one moment: first in, first out */
	job_run run;
	unsigned node;
	uint64_t a, b;
	size_t len;
	void *data; /* owned by the job; NULL to keep it from being freed */
};

/* What is going to happen, by time: a binary heap. */
struct agenda {
	struct job *jobs;
	size_t count, cap;
	uint64_t order;
};

void agenda_init(struct agenda *);
void agenda_fini(struct agenda *);

/* Copies the job; its order is set here. */
void agenda_add(struct agenda *, const struct job *);

/* Takes the next job out; false if there is none. The caller frees data. */
bool agenda_next(struct agenda *, struct job *);

/* The time of the next job; MONO_NEVER if there is none. */
mono agenda_when(const struct agenda *);

#endif
