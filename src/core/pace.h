/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_PACE_H
#define CTSYNC_CORE_PACE_H

#include "core/state.h"

/*
 * How fast goes what nobody waits for this very moment: whole tables, and what is said again.
 * Both can leave faster than some peers take them, and what overflows a peer's receive buffer
 * would have to be said once more. So they go no further ahead of what the peers have
 * acknowledged than a window, which grows while it is what holds them up, and which a loss halves,
 * as in RFC 5681. Events do not wait; they count, for they are in the same buffer.
 */
void pace_init(struct engine *);

/* Nothing of the kind may be sent now. An acknowledgement, or time, ends that. */
bool pace_waits(struct engine *);

/* A peer has asked for messages up to this one. */
void pace_lost(struct engine *, uint32_t to);

/* A peer that had acknowledged all before this number has done so up to that one now. */
void pace_acked(struct engine *, uint32_t from, uint32_t to);

void pace_tick(struct engine *);
mono pace_deadline(const struct engine *);
void pace_check(const struct engine *);

#endif
