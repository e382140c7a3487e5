/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_LOCAL_H
#define CTSYNC_CORE_LOCAL_H

#include "core/state.h"

/*
 * The local table: what the kernel holds, as events, dumps and our own writes tell. Each entry
 * is in one of these states:
 *   alive: queued to be sent, sent, or (learned while there was nothing to say) unlisted
 *   dead:  a tombstone, queued or sent, until the peers acknowledged the deletion; or unlisted,
 *          a mark that keeps a running dump from bringing the flow back
 */

/* KERNEL_EVENT_NEW, _UPDATE, _DESTROY */
void local_event(struct engine *, enum kernel_event, const struct flow *, const struct table_key *);
void local_dumped(struct engine *, const struct flow *);

/* One entry at a dump's end: what the dump did not name goes, and so do dead marks. */
void local_sweep(struct engine *, uint32_t handle);

/* A flow that we wrote into the kernel; it is not queued. */
void local_written(struct engine *, const struct table_key *, const struct flow *, bool created);

/* The entry with this key if it is alive, or 0. */
uint32_t local_find_alive(const struct engine *, const struct table_key *);

/* A flow or expectation has ended. Without announce, peers are not told. */
void local_kill(struct engine *, uint32_t handle, bool announce);

/* It was sent under this number: to the sent list, or to the tombstones waiting. */
void local_sent(struct engine *, uint32_t handle, uint32_t seq);

/* It can never be sent: off the queue, as if it had been. */
void local_give_up(struct engine *, uint32_t handle);

/* A tombstone has done its work. */
void local_bury(struct engine *, uint32_t handle);

/* The numbers of flows and of expectations alive, and of both. */
uint32_t local_flows(const struct engine *);
uint32_t local_expects(const struct engine *);
uint32_t local_entries(const struct engine *);

/*
 * What expect.c, too, does to an entry. local_take adds, revives or rewrites; returns the handle,
 * which may be another one then, or 0, which is counted. timed: what it holds has a timeout.
 * replaced: it is alive, but what it was has ended unheard.
 */
uint32_t local_take(struct engine *, const struct table_key *, uint32_t handle,
	const struct table_packed *, bool timed, bool replaced);

/* Queued; known: what was there before is the same flow or expectation, and so this is an update.
 */
void local_queue_changed(struct engine *, uint32_t handle, bool known);

/* An event, or the running dump, has named it. */
void local_set_evented(struct engine *, uint32_t handle, bool evented);
void local_set_silent(struct engine *, uint32_t handle, bool silent);

/* An event since the running dump's begin knows better than the dump does. */
bool local_is_fresher(const struct engine *, uint32_t handle);

/* The end of what is not alive here (handle: dead, or 0) was heard; tell: peers may have it. */
void local_ended(struct engine *, const struct table_key *, uint32_t handle,
	const struct table_packed *, bool tell);

void local_check(const struct engine *);

#endif
