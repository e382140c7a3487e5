/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_UNIT_WARM_PAIR_H
#define CTSYNC_TESTS_UNIT_WARM_PAIR_H

#include "core_pair.h"

/*
 * A warm standby, node 1, of an active node, node 0. The standby's kernel is a small model: flows
 * by number, timeouts that run, events of what runs out. There is one at a time.
 */
enum { WARM_FLOWS = 20, WARM_MANY = 1000, WARM_AGE_MS = 1000 };

struct warm_kernel_flow {
	bool live;
	uint32_t mark;
	uint8_t tcp_state;
	uint8_t tcp_flags[FLOW_DIRS];
	mono expires;
	unsigned written; /* times */
};

struct warm_kernel {
	struct warm_kernel_flow flow[WARM_MANY];
	unsigned answered; /* of the node's operations */
	unsigned count[KERNEL_OP_EXPECT_FLUSH + 1];
	int refuse; /* errno of each creation and update, or 0 */
	unsigned refuse_ends; /* so many deletions are refused */
};

extern struct warm_kernel warm_kernel;

/* A pair whose tables are empty; rate: WarmRate. */
struct pair *warm_begin_as(uint32_t rate);
struct pair *warm_begin(void);

/* WARM_FLOWS settled flows at node 0, all in node 1's kernel. */
struct pair *warm_started(void);

/* Carries out what node 1 wants of its kernel, and what follows from the answers. */
void warm_serve(struct pair *);

/* pair_run() with that, and with timeouts. */
void warm_run(struct pair *, int64_t ms);

/* An event of node 0's kernel. */
void warm_tell(struct pair *, enum kernel_event, const struct flow *);

/* How many flows live in node 1's kernel; creations and updates asked of it, since they were
 * forgotten. */
unsigned warm_alive(void);
unsigned warm_writes(void);
void warm_forget_ops(void);

/* pair_flow() with a mark, or in another state, and its number. */
struct flow warm_marked(uint32_t n, uint32_t mark);
struct flow warm_in_state(uint32_t n, uint8_t tcp_state);
unsigned warm_number(const struct flow *);

#endif
