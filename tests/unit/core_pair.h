/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_UNIT_CORE_PAIR_H
#define CTSYNC_TESTS_UNIT_CORE_PAIR_H

#include "core/engine.h"
#include "flow/flow.h"
#include "wire/v1.h"

/*
 * One or two engines for unit tests, with a clock that the test turns and a wire whose datagrams
 * the test may lose. Whoever wants more uses tests/sim.
 */
enum { PAIR_NODES = 2, PAIR_OPS_MAX = 4096, PAIR_EVENTS_MAX = 256 };

struct pair_node {
	struct engine *engine;
	void *memory;
	size_t memory_bytes;
	size_t released_bytes;
	struct engine_config config;
	struct engine_addr addr;
	struct kernel_op ops[PAIR_OPS_MAX]; /* pulled, not yet answered by the test */
	unsigned ops_count;
	struct engine_event events[PAIR_EVENTS_MAX];
	unsigned events_count;
};

struct pair {
	struct pair_node node[PAIR_NODES];
	mono now;
	/* true: this datagram, the n-th of its sender, is lost; NULL: none is */
	bool (*lose)(unsigned from, unsigned n);
	unsigned sent[PAIR_NODES];
	bool cut[PAIR_NODES][LIMIT_LINKS]; /* what this node sends by this link is lost */
	unsigned link[PAIR_NODES]; /* where the last datagram went */
	uint8_t last[PAIR_NODES][2048]; /* the last datagram that each has sent */
	size_t last_len[PAIR_NODES];
};

struct pair *pair_new(const struct engine_config *); /* NULL: defaults */
void pair_free(struct pair *);
struct engine_config pair_config(void);

/* A node's address on a link. */
struct engine_addr pair_addr(const struct pair *, unsigned n, unsigned link);

/* To node 1, what a node that is neither of the two says of a flow. */
void pair_third_says(struct pair *, enum wire_v1_type, const struct flow *, uint32_t seq);

/* Both IPv4. */
void pair_set_master(struct flow *, const struct flow *master);

/* Puts a new engine in node n's place: another boot, the next first sequence number. */
void pair_restart(struct pair *, unsigned n, uint32_t first_seq);

/* Sends what both have to say until neither has more; the clock stands. */
void pair_exchange(struct pair *);

/* Turns the clock by steps of 100 ms, with ticks and exchanges; memory is given back. */
void pair_run(struct pair *, int64_t ms);

/* Answers a node's dumps with nothing and drops its other operations into ops. */
void pair_pull_ops(struct pair *, unsigned n);

/* An empty dump for both, so that bulks may go. */
void pair_dump_empty(struct pair *, unsigned n);

void pair_event(struct pair *, unsigned n, enum kernel_event, const struct flow *);
void pair_command(struct pair *, unsigned n, enum engine_command_kind, uint64_t id);

/* The first event of a kind that the node has told since the last pair_forget(); or NULL. */
const struct engine_event *pair_told(struct pair *, unsigned n, enum engine_event_kind);
void pair_forget(struct pair *);

uint64_t pair_counter(const struct pair *, unsigned n, enum counter);
bool pair_has(const struct pair *, unsigned n, enum engine_table, const struct flow *);
struct engine_status pair_status(const struct pair *, unsigned n);

/* flowgen_numbered() with an id. */
struct flow pair_flow(uint32_t n);

#endif
