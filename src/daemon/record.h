/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_RECORD_H
#define CTSYNC_DAEMON_RECORD_H

#include "core/engine.h"
#include "io/journal.h"
#include "parser/config.h"

/*
 * The record of a warm standby: which flows in the kernel were written for a peer. It is in a file
 * beside the lock file, with ".record" behind its name, and is read by the next process of the same
 * boot in the same network namespace. Without it (no such place, no room) everything goes on, and
 * the next process cannot tell those flows from its own.
 */
struct record {
	struct journal journal; /* closed: there is none */
	struct engine *engine;
	struct engine_record *former; /* what the former process left */
	size_t former_count;
	bool rewriting;
	uint64_t whole_bytes; /* when it was last written as a whole */
	mono rewrite_next; /* not before */
	int64_t pause_ms; /* after the next failure */
	uint64_t rewrites;
	uint64_t cleared; /* times that there was no room behind what the file said */
};

/*
 * Before the engine is made: opens the file, and tells the engine's configuration what it says. A
 * problem is logged.
 */
void record_open(struct record *, const struct config *, struct engine_config *);
void record_start(struct record *, struct engine *);
void record_close(struct record *);

/* Takes what the engine has to add: after each operation that it gives. */
void record_keep(struct record *);

/* It is in the file when this returns: before these operations are carried out. */
void record_flush(struct record *, mono now);

/* One turn, and when the next is wanted at the latest. */
void record_run(struct record *, mono now);
mono record_deadline(const struct record *, mono now);

#endif
