/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_INVARIANTS_H
#define CTSYNC_TESTS_SIM_INVARIANTS_H

#include "tests/sim/sim.h"

/* What must always hold. Each ends the run with a reason if it does not. */

/* Around every datagram that a node gets: the flows that it names are compared. */
void invariants_before_datagram(
	struct sim *, struct sim_node *, unsigned from, const uint8_t *, size_t);
void invariants_after_datagram(
	struct sim *, struct sim_node *, unsigned from, const uint8_t *, size_t);

/* Both tables of a node against the histories, its counters and its own checks. O(everything). */
void invariants_check(struct sim *, struct sim_node *);

/* A write that an engine asks for is one that may be made. */
void invariants_check_op(struct sim *, struct sim_node *, const struct kernel_op *);

/* A node forgets what it showed of others: it started or was flushed. */
void invariants_forget(struct sim *, struct sim_node *);

/* Only of the peers that are not the present ones of their nodes. */
void invariants_leave(struct sim_node *);

/* A purge is over: what is a peer's alone now, and was made by packets, has been left to it. */
void invariants_purged(struct sim_node *);

/* True if everything agrees; else *why tells what does not. Only sensible when all is quiet. */
bool invariants_converged(struct sim *, char *why, size_t cap);

#endif
