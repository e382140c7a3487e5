/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_HISTORY_H
#define CTSYNC_TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "flow/flow.h"
#include "tests/sim/traffic.h"

/*
 * What one kernel had in one slot, state by state, in the order in which it happened. Whoever
 * shows the flow elsewhere has to walk along this list: it may skip, but not go back.
 */
struct history_state {
	mono at;
	bool live; /* false: the slot became empty */
	bool rewritten; /* an engine wrote it */
	struct flow flow;
};

struct history {
	struct history_state *states;
	int count, cap;
};

void history_fini(struct history *);
void history_add(struct history *, mono at, const struct flow *, bool rewritten); /* NULL: ended */

enum history_find {
	HISTORY_FOUND,
	HISTORY_OLDER, /* it was there, but only before from */
	HISTORY_NEVER,
};

/*
 * Looks for got among the live states from index from on; *at is where it was found, also for
 * OLDER. *what names the difference of the nearest candidate (same mark, another content).
 */
enum history_find history_find(const struct history *, int from, const struct flow *got,
	const struct traffic_compare *, int *at, const char **what);

/* The first state from index from on where the slot was empty; -1 if there is none. */
int history_find_end(const struct history *, int from);

#endif
