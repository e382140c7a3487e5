/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_REPAIR_H
#define CTSYNC_CORE_REPAIR_H

#include "core/state.h"

/*
 * What was said and did not arrive: tombstones are kept until it is known, and what peers miss is
 * said again as it is now, under new numbers.
 */

/* A peer has acknowledged, or does not count any more: buries what nobody waits for. */
void repair_release(struct engine *);

/* Gives the oldest sent tombstone up, though a peer may not know of it. There is one. */
void repair_drop_tombstone(struct engine *);

/* Sends again what was sent under [from, to]; the range is sound. */
void repair_range(struct engine *, struct peer *, uint32_t from, uint32_t to);

/* Sends again the tombstones that were sent up to that number. */
void repair_tombstones(struct engine *, struct peer *, uint32_t to);

/*
 * A peer asks for numbers that are still to come: it has taken a wild number for one of ours, and
 * will drop what we say up to to. Once that has been said it is said again.
 */
void repair_ahead(struct engine *, struct peer *, uint32_t from, uint32_t to);
void repair_ahead_check(struct engine *, struct peer *);

void repair_tick(struct engine *);
mono repair_deadline(const struct engine *);
void repair_flushed(struct engine *);

#endif
