/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_LOSS_H
#define CTSYNC_CORE_LOSS_H

#include "core/state.h"

/*
 * What is lost where nobody acknowledges. NOTRACK asks for the peer's whole table, the more seldom
 * the more is lost. ALARM waits: what lives is said again within a refresh, and what does not is
 * forgotten within the cache's timeout.
 */

void loss_reset(struct engine *, struct peer *);

/* A message of the peer has not come. */
void loss_gap(struct engine *, struct peer *);

/* The peer has been asked for its table (NOTRACK). */
void loss_asked(struct engine *, struct peer *);

/* It has had nothing to say for a second: of conntrackd, its table has been said (NOTRACK). */
void loss_alive(struct engine *, struct peer *);

/* All that the peer holds will come by itself (ALARM). */
void loss_await(struct engine *, struct peer *);

void loss_tick(struct engine *, struct peer *);
mono loss_deadline(const struct engine *, const struct peer *);

#endif
