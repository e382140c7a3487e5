/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_SCENARIO_H
#define CTSYNC_TESTS_SIM_SCENARIO_H

#include "tests/sim/sim.h"

/* A named course of events with an end of its own to check. It runs under several seeds. */
struct scenario {
	const char *name;
	void (*params)(struct sim_params *); /* NULL: calm */
	void (*run)(struct sim *);
};

extern const struct scenario scenarios[];
extern const unsigned scenarios_count;

/* The random one, of which --seeds runs many. */
extern const struct scenario scenario_chance;

#endif
