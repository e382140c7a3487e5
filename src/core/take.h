/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_TAKE_H
#define CTSYNC_CORE_TAKE_H

#include "core/state.h"

/*
 * A warm standby's promotion. The kernel has nearly all that peers told already, and what it has is
 * ours from that moment on. The command is done when the difference is written (commit.c pulls it
 * from the chains of inject_list.h, whatever their age and rate); behind it a walk in slices moves
 * what the kernel has from the peers' tables into the local one, and then peers are told.
 *
 * Whoever comes upon an entry before the walk has (an event, a dump, its peer's message) has it
 * moved at once: so all goes on as if the walk had been over with the command.
 *
 * The functions are to be called with standby_warm alone, where nothing else is said.
 */
void take_start(struct engine *);

/* Not the active node any more: what the walk has not reached stays its peers'. Always. */
void take_stop(struct engine *);

/* Now, all of it, before something is done with whole tables. O(entries). Always. */
void take_finish(struct engine *);

/* Moves an entry, if it is ours. True if it is in the peer's table no more. Always. */
bool take_reach(struct engine *, struct peer *, uint32_t handle);

/* The same of whoever tells it. Always. */
void take_reach_key(struct engine *, const struct table_key *);

/* These may be called always. */
void take_tick(struct engine *);
mono take_deadline(const struct engine *);
void take_check(const struct engine *);

#endif
