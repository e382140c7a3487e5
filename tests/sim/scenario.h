/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_SCENARIO_H
#define CTSYNC_TESTS_SIM_SCENARIO_H

#include "tests/sim/sim.h"

/* A named course of events with an end of its own to check. It runs under several seeds. */
struct scenario {
	const char *name;
	void (*params)(uint64_t seed, struct sim_params *);
	void (*run)(struct sim *);
};

struct scenario_group {
	const struct scenario *scenarios;
	unsigned count;
};

extern const struct scenario_group scenarios_takeover, scenarios_restart, scenarios_mixed,
	scenarios_modes, scenarios_stress, scenarios_inject, scenarios_warm;

/* The random one, of which --seeds runs many. */
extern const struct scenario scenario_chance;

/* ---- what scenarios are made of ---- */

/* Starts all nodes, 100 ms apart; the first is promoted, the others demoted. */
void scenario_start(struct sim *);

/* Gives a command and lets time pass until it has ended; fails after limit_ms. */
void scenario_command(struct sim *, struct sim_node *, enum engine_command_kind, int64_t limit_ms);

/* Lets time pass until everything agrees; fails after limit_ms. Faults and traffic may go on. */
void scenario_agree(struct sim *, int64_t limit_ms);

/* How many of owner's flows a node holds. */
uint64_t scenario_remote_flows(struct sim *, struct sim_node *, const struct sim_node *owner);

void scenario_status(struct sim *, struct sim_node *, struct engine_status *);
uint64_t scenario_counter(const struct sim_node *, enum counter);

/* Fails unless have is what it should be. */
#define scenario_expect(sim, have, op, want)                                                       \
	do {                                                                                       \
		uint64_t have_ = (have), want_ = (want);                                           \
		if (!(have_ op want_))                                                             \
			sim_fail((sim), "%s:%d: %s is %llu, not %s %llu", __func__, __LINE__,      \
				#have, (unsigned long long)have_, #op, (unsigned long long)want_); \
	} while (0)

#endif
