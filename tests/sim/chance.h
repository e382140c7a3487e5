/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_CHANCE_H
#define CTSYNC_TESTS_SIM_CHANCE_H

#include "tests/sim/sim.h"

/* The random scenario: everything that a seed decides. */

/* A cluster with nothing wrong: what targeted scenarios start from. */
void chance_params_calm(struct sim_params *);
void chance_params(uint64_t seed, struct sim_params *);

/* Starts traffic and faults; they stop by themselves at params.faults_ms. */
void chance_traffic(struct sim *);
void chance_faults(struct sim *);

/* One round of traffic now: count changes of connections that go through any node. */
void chance_traffic_round(struct sim *, unsigned count);

/* Fills a node's kernel with count established connections that live long. */
void chance_fill(struct sim *, struct sim_node *, unsigned first_slot, unsigned count);

/* Ends all faults and traffic, then waits until all agree; fails if that takes too long. */
void chance_settle(struct sim *);

#endif
