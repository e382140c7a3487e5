/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_ACK_H
#define CTSYNC_CORE_ACK_H

#include "core/state.h"

/* What has arrived, on either side: acknowledging, and asking for what is missing. */

/* Queues an ACK for what has come and is not acknowledged yet, if anything. */
void ack_send(struct engine *, struct peer *);

/* An ACK was lost: the next one, in its time, begins where that did. */
void ack_again(struct engine *, struct peer *, uint32_t from, uint32_t to);

/* A message has been taken. */
void ack_taken(struct engine *, struct peer *, const struct wire_v1_message *);

/* The peer says that it has, or misses, messages of ours. */
void ack_heard(struct engine *, struct peer *, uint32_t from, uint32_t to);
void ack_nack_heard(struct engine *, struct peer *, uint32_t from, uint32_t to);

/* All of ours up to here has arrived, or will be said again. */
void ack_up_to(struct engine *, struct peer *, uint32_t to);

void ack_tick(struct engine *, struct peer *);
mono ack_deadline(const struct peer *);
void ack_check(const struct engine *, const struct peer *);

#endif
