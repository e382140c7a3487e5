/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_REFRESH_H
#define CTSYNC_CORE_REFRESH_H

#include "base/buf.h"
#include "core/state.h"

/*
 * ALARM: each flow is said again within RefreshTime, a deletion once more, and what a peer does not
 * say again for CacheTimeout is forgotten. Both are walks over a table that keep pace with the
 * clock: hashes are spread evenly, so the part of their range that is due is the part of the flows.
 */
void refresh_init(struct engine *);

/* Appends the flows whose turn it is; false if there is more. */
bool refresh_put(struct engine *, struct wbuf *);

/* Removes what a peer has not said for too long. */
void refresh_expire(struct engine *, struct peer *);

void refresh_tick(struct engine *);
mono refresh_deadline(const struct engine *);

#endif
