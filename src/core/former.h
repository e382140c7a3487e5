/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_FORMER_H
#define CTSYNC_CORE_FORMER_H

#include "core/state.h"

/*
 * A standby's kernel has what a former process of ours wrote for peers, and that process's record
 * says which flows those are (engine_config.former). They are not ours. Until a peer tells them
 * they stand in a table of their own, as if a peer of that name had told them and they had been
 * written (REMOTE_INJECTED); seq is when the kernel's entry was to run out. The first complete dump
 * fills that table, and the record is forgotten.
 *
 * - A flow that a peer tells goes to that peer, as one that we have made.
 * - A flow whose entry lives longer than it was written for has had packets here: it is ours.
 * - An event tells of packets here, too, or of the end: it is in the table no more.
 * - After a promotion or a flush all is ours: the next dump takes it.
 * - What no peer has told when all that were heard are in step has ended meanwhile, and is deleted;
 *   unless they tell nothing at all: who has lost its kernel's table may want what is here.
 */

void former_init(struct engine *);

/* The record is still to be compared with what the kernel has: nothing is written before. */
bool former_is_open(const struct engine *);

/* A flow of a dump that a peer tells as well: true if the former process has made it. */
bool former_has_made(const struct engine *, const struct table_key *, const struct flow *);

/*
 * A flow of a dump that neither a peer nor the local table has; ours: all of the dump is. True if
 * it is the former process's.
 */
bool former_dumped(struct engine *, const struct table_key *, const struct flow *, bool ours);

/* An event, or a deletion by us: true if the flow was the former process's. */
bool former_event(struct engine *, const struct table_key *);

/* True if it is, and our kernel has it. */
bool former_has(const struct engine *, const struct table_key *);

/*
 * A peer tells the flow, whose entry this is: true if it was the former process's. Then *same: the
 * kernel has it as it was told.
 */
bool former_told(struct engine *, uint32_t handle, const struct table_key *, bool *same);

/* After a dump; false if there is more to be done. */
bool former_sweep(struct engine *);

/* The operator's word: what our kernel holds is ours. */
void former_own(struct engine *);
void former_flushed(struct engine *);

void former_tick(struct engine *);
mono former_deadline(const struct engine *);
void former_check(const struct engine *);

#endif
