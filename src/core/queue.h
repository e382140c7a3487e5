/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_QUEUE_H
#define CTSYNC_CORE_QUEUE_H

#include "core/state.h"

/*
 * Which list an entry of the local table hangs on (enum entry_list), and what is to be sent when.
 * With SyncDelay a new flow waits on a list of its own first, e->held, in the order of birth
 * (ENTRY_QUEUED with ENTRY_HELD): what happens to it meanwhile needs no message, and what ends
 * meanwhile is never told of at all; nor is a TCP connection that has closed by then, unless it
 * changes once more or a bulk names it.
 */

/* Appends to the queue, unless it hangs there already. */
void queue_put(struct engine *, uint32_t handle);

/* The same of an entry that peers do not know: SyncDelay later. */
void queue_put_later(struct engine *, uint32_t handle);

/* One that is held goes to the queue now; others stay where they are. */
void queue_put_now(struct engine *, uint32_t handle);

/*
 * For a repair: to the front of a list of its own, e->repairs (ENTRY_QUEUED with ENTRY_REPAIR),
 * that goes as fast as peers take it; entries are handed over from the newest to the oldest. An
 * event takes one to the queue.
 */
void queue_put_repair(struct engine *, uint32_t handle);

/* To the end of ENTRY_QUEUED, _SENT or _TOMB, whoever wants to hear of it. It hangs on no list. */
void queue_append(struct engine *, uint32_t handle, enum entry_list);

/* Off whatever list it hangs on. */
void queue_remove(struct engine *, uint32_t handle);

/* The entry has moved. */
void queue_moved(struct engine *, uint32_t handle);

/* What was held long enough goes to the queue, a slice at a time. */
void queue_release(struct engine *);
mono queue_deadline(const struct engine *);

static inline bool queue_holds(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle)->flags & ENTRY_HELD;
}

#endif
