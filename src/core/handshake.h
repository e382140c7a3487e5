/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_HANDSHAKE_H
#define CTSYNC_CORE_HANDSHAKE_H

#include "core/state.h"

/* Who the other one is: greetings, and the boot ids by which a process is told from its successor.
 */

/* A new or restarted peer: we tell it who we are and what we have, and want to know the same. */
void handshake_greet(struct engine *, struct peer *);

/* The peer takes us for a process that is gone: its mail does not reach us. */
void handshake_introduce(struct engine *, struct peer *);

/* The next message says who we are. */
void handshake_present(struct engine *);

/* One of the peers has this boot id. */
bool handshake_is_known(const struct engine *, uint32_t boot_id);

/* The peer had this boot id before. */
bool handshake_is_former(const struct peer *, uint32_t boot_id);

/* A mark. False if it is a relic of a process that is gone, to be dropped. */
bool handshake_boot_heard(struct engine *, struct peer *, uint32_t seq, uint32_t boot_id);

/* The peer's boot id, unless one is known; and the one that is known is a former one now. */
void handshake_adopt_boot(struct peer *, uint32_t boot_id);
void handshake_retire_boot(struct peer *);

/* A peer has said HELLO_BACK. */
void handshake_done(struct engine *);

/* It has acknowledged what we said up to to. */
void handshake_acked(struct engine *, struct peer *, uint32_t to);

#endif
