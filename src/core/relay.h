/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_RELAY_H
#define CTSYNC_CORE_RELAY_H

#include "base/buf.h"
#include "core/state.h"

/*
 * No internal cache (internal_cache_off): an entry is in the local table from its event until it
 * has been sent, and no longer. There is no table to send, so a bulk is a dump of the kernel whose
 * flows pass through; and as long as it runs, what events told meanwhile stays, lest an older
 * record of the dump follows it.
 */

/* A dump has begun or ended well. It is a bulk, unless a purge has asked for it. */
void relay_dump_begin(struct engine *);
void relay_dump_end(struct engine *);

/* The bulk's marks: the begin comes before its flows, the end after the last of them. */
bool relay_put_begin(struct engine *, struct wbuf *);
bool relay_put_end(struct engine *, struct wbuf *);

/* An entry of the queue has been sent. */
void relay_sent(struct engine *);

/* There was no room for a change: only a bulk can tell it. */
void relay_missed(struct engine *);

/* Peers may have flows of ours that are gone: no bulk has put that right yet. */
bool relay_is_stale(const struct engine *);

/* A purge begins, and needs to know what the kernel holds. */
void relay_purge(struct engine *);

/* What a purge has to delete is still being collected. */
bool relay_is_collecting(const struct engine *);

void relay_tick(struct engine *);
mono relay_deadline(const struct engine *);
void relay_flushed(struct engine *);

#endif
