/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_ADDR_H
#define CTSYNC_CORE_ADDR_H

#include "core/state.h"

/*
 * Which peer an address belongs to. A peer has one on each link; the first tells that there is a
 * peer, the others have to be recognised: by a boot id, or by a sequence that goes on. Such a guess
 * can be wrong, and is taken back when what is heard says so.
 */

/* The peer that sent this message; NULL: nobody that is known. */
struct peer *addr_find(
	struct engine *, unsigned link, const struct engine_addr *, const struct wire_v1_message *);

/* A new peer's first address. */
void addr_init(struct peer *, unsigned link, const struct engine_addr *);

/* The message was taken, and the peer's last one came by another link. */
void addr_moved(struct peer *, unsigned link);

/* The message was older than what the peer has said by another link. */
void addr_late(struct engine *, struct peer *, unsigned link);

void addr_tick(struct engine *, struct peer *);
void addr_check(const struct engine *, const struct peer *);

#endif
