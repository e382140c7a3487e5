/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_RECORD_H
#define CTSYNC_DAEMON_RECORD_H

#include "core/engine.h"
#include "io/journal.h"
#include "parser/config.h"

#define RECORD_DIR "/run/ctsyncd"

/*
 * The record of a warm standby: which flows in the kernel were written for a peer. It is in a file
 * beside the lock file, with ".record" behind its name, or in a directory of its own
 * (record_place()), and is read by the next process of the same boot in the same network namespace.
 * Without it (no such place, no room) everything goes on, and
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

/* The places for it, the best first; which is empty where there is only one. */
struct record_places {
	char own[CONFIG_PATH_MAX + sizeof(RECORD_DIR) + sizeof("/.record")];
	char beside[CONFIG_PATH_MAX + sizeof(".record")];
};

/*
 * Locks lie in a file system that is small on purpose (5 MiB on Debian): from there the record goes
 * to a directory of its own. The rest of the lock file's path makes its name.
 */
struct record_places record_place(const char *lock_file);

/* Makes the directory, or finds it as it has to be. 0 or a negative errno. */
int record_make_dir(const char *dir);

/*
 * Before the engine is made, and privileges are given up: opens the file, and tells the engine's
 * configuration what it says. A problem is logged.
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
