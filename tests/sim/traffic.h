/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_TRAFFIC_H
#define CTSYNC_TESTS_SIM_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "tests/sim/dice.h"

/*
 * The connections that the simulated traffic consists of. A connection is a slot: a number from
 * which its original tuple follows, and that can be read back from the original source address,
 * also after version 1 of the wire protocol has dropped layer 4 keys and zones. Its state carries
 * a version in the mark, larger for each later state of any connection in the run.
 */
enum {
	TRAFFIC_SLOTS_MAX = 1024,
	TRAFFIC_WHOLE_SLOTS = 64, /* the wire carries the whole key of those below */
	TRAFFIC_TIMEOUT_SLACK_S = 2, /* rounding and the way from node to node */
	TRAFFIC_TIMEOUT_MIN_S = 4,
	TRAFFIC_TIMEOUT_MAX_S = 30, /* so that a dead peer's flows expire within a run */
};

/* Sets *out to a new connection of the slot as the kernel would report it. */
void traffic_birth(struct rng *, unsigned slot, uint32_t version, struct flow *out);

/* Lets the connection go on: another state, timeout, sometimes labels and so on. */
void traffic_step(struct rng *, uint32_t version, struct flow *);

/* The original tuple and zone alone: for look-ups. */
void traffic_key(unsigned slot, struct flow *out);

/* The slot that a flow belongs to, or -1 if it is none of ours. */
int traffic_slot(const struct flow *);

/*
 * True if got says what want says. want is as the kernel reported it; over_wire limits the
 * comparison to what version 1 carries. The timeout of got may be less. *what names the first
 * difference.
 */
struct traffic_compare {
	bool over_wire;
	bool window_scale; /* the sender's option tcp_window_tracking */
	bool part; /* one side may not have heard of a master yet */
	bool leftovers; /* the sender may leave attributes of a former flow standing */
	bool moved; /* got is what is kept of a peer's word: what no update brings is not in it */
	bool rewritten; /* one side was written by an engine: only what it cannot adapt counts */
};

bool traffic_same(const struct flow *want, const struct flow *got, const struct traffic_compare *,
	const char **what);

#endif
