/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_BULK_H
#define CTSYNC_CORE_BULK_H

#include "base/buf.h"
#include "core/state.h"

/*
 * Sending the whole local table between two marks. All peers get the same bulk; it is pulled
 * entry by entry as datagrams are built, and waits for the kernel's first dump, since a bulk that
 * names half of the flows would make the peers sweep the other half.
 */

/* Said instead of the number of flows by who has no table, and whose updates tell only changes. */
#define BULK_FLOWS_UNKNOWN UINT32_MAX

void bulk_init(struct engine *);

/* Everything is to be sent, beginning from now on. */
void bulk_want(struct engine *);

/* Because the link has changed: not more often than LIMIT_BULK_INTERVAL_MS, but in the end. */
void bulk_want_spaced(struct engine *);

/* On behalf of a peer: not more often than LIMIT_BULK_INTERVAL_MS, but in the end. */
void bulk_want_for(struct engine *, struct peer *);

/* Appends what fits; false if there is more. */
bool bulk_put(struct engine *, struct wbuf *);

/* Messages in [from, to] belong to the last bulk, or to what was said again of it. */
bool bulk_is_hit(const struct engine *, uint32_t from, uint32_t to);

/* Messages in [from, to] were lost. */
void bulk_lost(struct engine *, struct peer *, uint32_t from, uint32_t to);

void bulk_tick(struct engine *);
mono bulk_deadline(const struct engine *);
void bulk_check(const struct engine *);

#endif
