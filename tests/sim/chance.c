/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/invariants.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"

enum { FILL_TIMEOUT_S = 600 };

/* ---- traffic ---- */

static void flow_put(struct sim *s, struct sim_node *n, unsigned slot, const struct flow *f)
{
	kernel_put(&n->kernel, s->now, slot, f);
	node_events_ready(s, n);
}

/* ---- expectations ---- */

static bool expects(const struct sim *s, unsigned slot)
{
	return s->params.config.expect_filter.on && expect_model_may(slot);
}

static void expect_birth(struct sim *s, struct sim_node *n, unsigned index)
{
	trace_put(&s->trace, TRACE_EXPECT_BORN, n->index, index, s->version + 1, 0);
	s->coverage.count[COVERAGE_EXPECT_BORN]++;
	expect_model_birth(&n->kernel, s->now, &s->rng_expect, index, ++s->version);
}

/* What a helper may do when a packet of the flow passes, or what was expected comes. */
static void expect_touch(struct sim *s, struct sim_node *n, unsigned slot)
{
	unsigned index, dice;

	if (!expects(s, slot) || !n->kernel.entries[slot].live)
		return;
	index = slot * EXPECT_MODEL_PER_SLOT + rng_below(&s->rng_expect, EXPECT_MODEL_PER_SLOT);
	dice = rng_below(&s->rng_expect, 100);
	if (!n->kernel.expects.entries[index].live) {
		if (dice < 60)
			expect_birth(s, n, index);
	} else if (dice < 30) {
		s->coverage.count[COVERAGE_EXPECT_ENDED]++;
		expect_model_end(&n->kernel, index);
		if (dice < 10)
			expect_birth(s, n, index);
	} else if (dice < 50) {
		expect_model_refresh(&n->kernel, s->now, &s->rng_expect, index);
	}
	node_events_ready(s, n);
}

/* Some helpers expect something at a flow's first packet, before the flow is told of. */
static void expect_first(struct sim *s, struct sim_node *n, unsigned slot)
{
	unsigned index = slot * EXPECT_MODEL_PER_SLOT;

	if (expects(s, slot) && dice_permille(&s->rng_expect, 100) &&
		!n->kernel.expects.entries[index].live)
		expect_birth(s, n, index);
}

static void flow_birth(struct sim *s, struct sim_node *n, unsigned slot)
{
	struct flow f;

	expect_first(s, n, slot);

	traffic_birth(&s->rng_traffic, slot, ++s->version, &f);
	trace_put(&s->trace, TRACE_FLOW_BORN, n->index, slot, f.mark, 0);
	s->coverage.count[COVERAGE_BORN]++;
	s->coverage.count[COVERAGE_SILENT] += !n->kernel.listened;
	s->coverage.count[n->config.births_unheard ? COVERAGE_NEVER_HEARD : COVERAGE_UNHEARD] +=
		n->kernel.births_unheard;
	flow_put(s, n, slot, &f);
}

static void flow_step(struct sim *s, struct sim_node *n, unsigned slot)
{
	struct flow f = n->kernel.entries[slot].flow;

	traffic_step(&s->rng_traffic, ++s->version, &f);
	trace_put(&s->trace, TRACE_FLOW_CHANGED, n->index, slot, f.mark, 0);
	s->coverage.count[COVERAGE_CHANGED]++;
	flow_put(s, n, slot, &f);
}

static void flow_end(struct sim *s, struct sim_node *n, unsigned slot)
{
	trace_put(&s->trace, TRACE_FLOW_ENDED, n->index, slot, 0, 0);
	s->coverage.count[COVERAGE_ENDED]++;
	kernel_end(&n->kernel, s->now, slot);
	node_events_ready(s, n);
}

static void touch(struct sim *s, unsigned slot)
{
	struct sim_node *n = &s->nodes[s->home[slot]];
	unsigned dice = (unsigned)rng_below(&s->rng_traffic, 100);

	if (!n->kernel.entries[slot].live) {
		flow_birth(s, n, slot);
		return;
	}
	if (dice < 25) {
		flow_end(s, n, slot);
		return;
	}
	if (dice < 35) { /* the same tuple again, at once */
		flow_end(s, n, slot);
		flow_birth(s, n, slot);
		s->coverage.count[COVERAGE_REBORN]++;
		return;
	}
	flow_step(s, n, slot);
	expect_touch(s, n, slot);
}

void chance_traffic_round(struct sim *s, unsigned count)
{
	unsigned slot = 0;

	for (unsigned i = 0; i < count; i++) {
		/* Some connections change several times in a row, before anything is sent. */
		if (i == 0 || dice_permille(&s->rng_traffic, 800))
			slot = (unsigned)rng_below(&s->rng_traffic, s->params.slots);
		touch(s, slot);
	}
}

static bool faults_are_over(const struct sim *s)
{
	return s->quiet || mono_diff_ms(s->now, (mono){NS_PER_SEC}) >= s->params.faults_ms;
}

static void traffic_round(struct sim *s, struct job *j)
{
	unsigned most = s->params.traffic_round;

	if (faults_are_over(s))
		return;
	if (dice_permille(&s->rng_traffic, 20)) /* a burst */
		most = s->params.slots * 2;
	chance_traffic_round(s, (unsigned)dice_range(&s->rng_traffic, 0, most));
	for (unsigned i = 0; i < s->params.nodes; i++) {
		kernel_expire(&s->nodes[i].kernel, s->now);
		node_events_ready(s, &s->nodes[i]);
	}
	sim_later(s, (int64_t)s->params.traffic_ms * NS_PER_MS, j);
}

void chance_traffic(struct sim *s)
{
	sim_later(s, NS_PER_MS, &(struct job){.run = traffic_round});
}

void chance_fill(struct sim *s, struct sim_node *n, unsigned first_slot, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned slot = first_slot + i;
		struct flow f;

		s->home[slot] = n->index;
		flow_birth(s, n, slot);
		for (int step = 0; step < 3; step++)
			flow_step(s, n, slot);
		f = n->kernel.entries[slot].flow;
		f.mark = ++s->version;
		f.timeout = FILL_TIMEOUT_S;
		flow_put(s, n, slot, &f);
	}
}

/* ---- faults ---- */

static struct sim_node *any_running(struct sim *s)
{
	unsigned first = (unsigned)rng_below(&s->rng_fault, s->params.nodes);

	for (unsigned i = 0; i < s->params.nodes; i++) {
		struct sim_node *n = &s->nodes[(first + i) % s->params.nodes];

		if (n->running)
			return n;
	}
	return NULL;
}

static void start(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];

	if (n->running)
		return;
	s->coverage.count[COVERAGE_LOWER_SEQ] += j->a;
	node_start(s, n, j->a);
}

static void start_later(struct sim *s, struct sim_node *n)
{
	struct job j = {.run = start, .node = n->index};
	int64_t ms = dice_range(&s->rng_fault, 1, 3000);

	j.a = dice_permille(&s->rng_fault, s->params.lower_seq_permille);
	if (dice_permille(&s->rng_fault, 300))
		ms /= 20;
	sim_later(s, ms * NS_PER_MS, &j);
}

static void fault_crash(struct sim *s, struct sim_node *n)
{
	s->coverage.count[COVERAGE_CRASHED]++;
	node_crash(s, n);
	start_later(s, n);
}

/* The machine falls over; the routing moves its connections elsewhere. */
static void fault_reboot(struct sim *s, struct sim_node *n)
{
	unsigned other = (n->index + 1) % s->params.nodes;

	s->coverage.count[COVERAGE_REBOOTED]++;
	node_reboot(s, n);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		if (s->home[slot] == n->index)
			s->home[slot] = other;
	if (s->nodes[other].running && dice_permille(&s->rng_fault, 700))
		node_command(s, &s->nodes[other], ENGINE_PROMOTE);
	start_later(s, n);
}

static void fault_freeze(struct sim *s, struct sim_node *n)
{
	int64_t ms = dice_range(&s->rng_fault, 10, 7000);

	if (mono_before(s->now, n->frozen_until))
		return; /* what waits in its socket must keep its order */
	s->coverage.count[COVERAGE_FROZEN]++;
	trace_put(&s->trace, TRACE_FREEZE, n->index, (uint64_t)ms, 0, 0);
	n->frozen_until = mono_add_ms(s->now, ms);
	n->was_frozen = true;
}

static void heal(struct sim *s, struct job *j)
{
	(void)j;
	net_heal(s);
}

static void fault_cut(struct sim *s, struct sim_node *n)
{
	unsigned other = (n->index + 1) % s->params.nodes;

	s->coverage.count[COVERAGE_CUT]++;
	net_cut(s, n->index, other);
	if (dice_permille(&s->rng_fault, 600))
		net_cut(s, other, n->index);
	sim_later(s, dice_range(&s->rng_fault, 50, 9000) * NS_PER_MS, &(struct job){.run = heal});
}

static void link_back(struct sim *s, struct job *j)
{
	net_link(s, j->node, (unsigned)j->a, true);
}

/* A cable, of which both ends see it (two nodes), or one node's interface. */
static void fault_link(struct sim *s, struct sim_node *n)
{
	unsigned link = (unsigned)rng_below(&s->rng_fault, s->params.config.links);
	unsigned other =
		s->params.nodes == 2 && dice_permille(&s->rng_fault, 600) ? !n->index : n->index;
	int64_t ms = dice_range(&s->rng_fault, 5, 9000);

	net_link(s, n->index, link, false);
	net_link(s, other, link, false);
	sim_later(s, ms * NS_PER_MS, &(struct job){.run = link_back, .node = n->index, .a = link});
	sim_later(s, ms * NS_PER_MS, &(struct job){.run = link_back, .node = other, .a = link});
}

static void fault_block(struct sim *s, struct sim_node *n)
{
	int64_t ms = dice_range(&s->rng_fault, 10, 2000);

	s->coverage.count[COVERAGE_BLOCKED]++;
	trace_put(&s->trace, TRACE_BLOCK, n->index, (uint64_t)ms, 0, 0);
	n->blocked_until = mono_add_ms(s->now, ms);
}

static void fault_stall(struct sim *s, struct sim_node *n)
{
	int64_t ms = dice_range(&s->rng_fault, 10, 1500);

	s->coverage.count[COVERAGE_STALLED]++;
	trace_put(&s->trace, TRACE_STALL, n->index, (uint64_t)ms, 0, 0);
	n->stalled_until = mono_add_ms(s->now, ms);
}

static void fault_command(struct sim *s, struct sim_node *n)
{
	static const enum engine_command_kind kinds[] = {ENGINE_PROMOTE, ENGINE_PROMOTE,
		ENGINE_PROMOTE, ENGINE_DEMOTE, ENGINE_DEMOTE, ENGINE_DEMOTE, ENGINE_FAULT,
		ENGINE_COMMIT, ENGINE_COMMIT, ENGINE_RESYNC_KERNEL, ENGINE_RESYNC_PEERS,
		ENGINE_RESYNC_PEERS, ENGINE_BULK, ENGINE_PURGE, ENGINE_FLUSH};
	enum engine_command_kind kind =
		kinds[rng_below(&s->rng_fault, sizeof(kinds) / sizeof(kinds[0]))];

	if (n->commands_count >= LIMIT_COMMANDS - 2)
		return;
	node_command(s, n, kind);
	if (kind != ENGINE_PROMOTE || !dice_permille(&s->rng_fault, 600))
		return;
	for (unsigned slot = 0; slot < s->params.slots; slot++) /* a real failover */
		if (dice_permille(&s->rng_fault, 800))
			s->home[slot] = n->index;
}

static void fault(struct sim *s, struct job *j)
{
	const struct sim_params *p = &s->params;
	const struct {
		unsigned weight;
		void (*run)(struct sim *, struct sim_node *);
	} faults[] = {
		{p->weight_crash, fault_crash},
		{p->weight_reboot, fault_reboot},
		{p->weight_freeze, fault_freeze},
		{p->weight_cut, fault_cut},
		{p->weight_block, fault_block},
		{p->weight_stall, fault_stall},
		{p->weight_command, fault_command},
		{p->weight_link, fault_link},
	};
	struct sim_node *n = any_running(s);
	unsigned sum = 0, dice;

	if (faults_are_over(s))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sum += faults[i].weight;
	dice = sum ? (unsigned)rng_below(&s->rng_fault, sum) : 0;
	for (size_t i = 0; n && i < ARRAY_SIZE(faults); i++) {
		if (dice < faults[i].weight) {
			faults[i].run(s, n);
			break;
		}
		dice -= faults[i].weight;
	}
	sim_later(s, dice_range(&s->rng_fault, 1, 2 * (int64_t)p->fault_ms) * NS_PER_MS, j);
}

void chance_faults(struct sim *s)
{
	if (s->params.fault_ms > 0)
		sim_later(s, NS_PER_SEC, &(struct job){.run = fault});
}

/* ---- the end ---- */

static void quiet_begin(struct sim *s)
{
	s->quiet = true;
	s->params.jitter_us = 0;
	trace_put(&s->trace, TRACE_QUIET, 0, 0, 0, 0);
	net_heal(s);
	for (unsigned i = 0; i < s->params.nodes; i++) {
		struct sim_node *n = &s->nodes[i];

		n->blocked_until = n->stalled_until = s->now;
		kernel_freeze(&n->kernel);
		n->kernel.refuse_permille = 0;
		if (mono_before(s->now, n->frozen_until))
			sim_run_until(s, n->frozen_until);
		if (!n->running)
			node_start(s, n, false);
		node_wake(s, n);
	}
}

/*
 * A dump that takes long puts the next look at silent flows off by a multiple of its length. That a
 * stopped daemon's does is no business of the bound.
 */
static void polls_settle(struct sim *s)
{
	for (unsigned i = 0; i < s->params.nodes; i++)
		if (s->nodes[i].was_frozen)
			node_command(s, &s->nodes[i], ENGINE_RESYNC_KERNEL);
}

/*
 * What an operator has to do after a flush, or without UDP checksums. Without an internal cache
 * nobody notices that a silent flow has ended. With external_cache_off, what has run out in the
 * kernel of a node that does not own it, or was refused there, is written when its owner tells it
 * again.
 */
static void put_right(struct sim *s)
{
	bool flushed = s->relaxed || s->params.config.internal_cache_off ||
		       s->params.config.external_cache_off;

	for (unsigned i = 0; i < s->params.nodes; i++)
		flushed = flushed || s->nodes[i].flushed;
	if (!flushed)
		return;
	for (unsigned i = 0; i < s->params.nodes; i++)
		node_command(s, &s->nodes[i], ENGINE_RESYNC_KERNEL);
	sim_run_ms(s, 3000);
	for (unsigned i = 0; i < s->params.nodes; i++)
		node_command(s, &s->nodes[i], ENGINE_RESYNC_PEERS);
}

static void agree_within(struct sim *s, int64_t limit_s)
{
	mono begin = s->now;
	char why[200] = "";

	while (!invariants_converged(s, why, sizeof(why))) {
		if (mono_diff_sec(s->now, begin) >= limit_s)
			sim_fail(s, "no agreement after %lld s: %s", (long long)limit_s, why);
		sim_run_ms(s, 250);
	}
}

void chance_settle(struct sim *s)
{
	mono begin;
	int64_t took_ms;

	quiet_begin(s);
	polls_settle(s);
	begin = s->now;
	put_right(s);
	agree_within(s, SIM_CONVERGE_S);
	took_ms = mono_diff_ms(s->now, begin);
	trace_put(&s->trace, TRACE_CONVERGED, 0, (uint64_t)took_ms, 0, 0);
	if (took_ms > s->coverage.converge_ms_max)
		s->coverage.converge_ms_max = took_ms;
	s->relaxed = false;
	for (unsigned i = 0; i < s->params.nodes; i++)
		invariants_check(s, &s->nodes[i]);
	sim_run_ms(s, 3000);
	agree_within(s, SIM_AGREE_AGAIN_S); /* it lasts, but for a bulk that was still owed */
}
