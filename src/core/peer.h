/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_PEER_H
#define CTSYNC_CORE_PEER_H

#include "core/state.h"

/* The receiving side, a state for each sender's address: sequence, acknowledgement, restarts. */

/* The sender of a message; an unknown one becomes a peer. NULL: there is no room for it. */
struct peer *peer_get(
	struct engine *, unsigned link, const struct engine_addr *, const struct wire_v1_message *);

/* A message whose framing and header are sound. False if it is too old to be taken. */
bool peer_message(struct engine *, struct peer *, const struct wire_v1_message *);

/* Its table is to be asked for, in delay_ms at the earliest. */
void peer_want_resync(struct engine *, struct peer *, int64_t delay_ms);

/* It is another process now. */
void peer_restarted(struct engine *, struct peer *);

/* Where the peer stands in its sequence is not known any more; its table is asked for. */
void peer_lose_track(struct engine *, struct peer *);

/* All peers are asked for their tables at once; what they do not name any more goes. */
void peer_ask_all(struct engine *);

enum engine_sync peer_sync(const struct engine *, const struct peer *, mono now);

void peer_tick(struct engine *, struct peer *);
mono peer_deadline(const struct engine *, const struct peer *);
void peer_check(const struct engine *, const struct peer *);

#endif
