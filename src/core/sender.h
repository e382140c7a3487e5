/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_SENDER_H
#define CTSYNC_CORE_SENDER_H

#include "base/buf.h"
#include "core/state.h"

/*
 * What we say: one sequence space for all peers, datagrams built when they are pulled. The
 * tables are the resend buffer: a repair sends what is true now, under new numbers.
 */
void sender_init(struct engine *);

/* Queues a control message; false (counted) if there is no room. */
bool sender_control(
	struct engine *, enum control_kind, const struct peer *, uint32_t a, uint32_t b);

/* One without arguments, ahead of all others. */
void sender_control_first(struct engine *, enum control_kind);

/* Asks a peer for messages of its; false if there is no room. */
bool sender_nack(struct engine *, struct peer *, uint32_t from, uint32_t to);

/* The peer is another process now: nothing queued or sent to the old one is said to it. */
void sender_forget_peer(struct engine *, struct peer *);

/* The next message's flags; and what follows from its having been appended. */
uint8_t sender_flags(const struct engine *);
void sender_appended(struct engine *);

/* A control message put into the datagram without the queue; false: no room. */
bool sender_put_control(struct engine *, struct wbuf *, struct control);

/* Appends an entry's state and moves it to the list where it belongs; false: no room. */
bool sender_put_entry(struct engine *, struct wbuf *, uint32_t handle);

void sender_tick(struct engine *);
mono sender_deadline(const struct engine *);
void sender_check(const struct engine *);

#endif
