/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_EVENT_H
#define CTSYNC_CORE_EVENT_H

#include "core/state.h"

/*
 * Facts for the log. When nobody fetches them, what somebody waits for keeps its room and the
 * others are lost.
 */
void event_put(struct engine *, const struct engine_event *);

/* At most LIMIT_EVENTS_PER_SEC of a peer. */
void event_peer(struct engine *, enum engine_event_kind, struct peer *, uint64_t flows);
void event_table_full(struct engine *); /* at most once a minute */

#endif
