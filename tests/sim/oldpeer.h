/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_OLDPEER_H
#define CTSYNC_TESTS_SIM_OLDPEER_H

#include "tests/sim/sim.h"

/*
 * A peer that behaves as conntrackd 1.4 does in the mode of the run, written down from
 * doc/PROTOCOL.md: no marks, no bulk by itself, one receiving sequence whoever sends, gaps asked
 * for once only (FTFW), not at all (NOTRACK), or unnoticed (ALARM). It sits on a node in an
 * engine's place and follows that node's kernel.
 */
void oldpeer_start(struct sim *, struct sim_node *, uint32_t first_seq);
void oldpeer_stop(struct sim_node *); /* it dies; the kernel goes on */

void oldpeer_datagram(struct sim *, struct sim_node *, unsigned link, const uint8_t *, size_t len);

/* A link of its node has failed, or come back. */
void oldpeer_link(struct sim *, struct sim_node *);

/* The flow that it holds of its peer in a slot; NULL if none. */
const struct flow *oldpeer_external(const struct sim_node *, unsigned slot);

/* Nothing is waiting to be sent, and all it sent has been acknowledged. */
bool oldpeer_is_idle(const struct sim_node *);

#endif
