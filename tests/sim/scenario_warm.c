/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include "base/check.h"
#include "flow/status.h"
#include "tests/sim/chance.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

/* The standby's kernel has what has settled: StandbyTable Warm. */

enum { FLOWS = 48, AGE_MS = 500, TURNS = 8 };

static void params_warm(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
	p->config.standby_warm = true;
	p->config.warm_age_ms = AGE_MS;
	p->config.warm_rate = 2000;
}

static void params_lossy(uint64_t seed, struct sim_params *p)
{
	params_warm(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 100;
	p->jitter_us = 5000;
}

static void params_refusing(uint64_t seed, struct sim_params *p)
{
	params_warm(seed, p);
	p->refuse_permille = 200;
}

static void params_slow(uint64_t seed, struct sim_params *p)
{
	params_warm(seed, p);
	p->config.warm_rate = 30;
}

static void params_three(uint64_t seed, struct sim_params *p)
{
	params_lossy(seed, p);
	p->nodes = 3;
	p->loss_permille[2] = 100;
}

/* FLOWS settled connections through the first node, and the others' kernels have them. */
static void begin(struct sim *s)
{
	scenario_start(s);
	chance_fill(s, &s->nodes[0], 0, FLOWS);
	sim_run_ms(s, 4000);
}

static bool has_settled(const struct flow *f)
{
	uint32_t bits = FLOW_STATUS_ASSURED;
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	if (flow_has(f, FLOW_TCP_STATE) && flow_tcp_is_half_open(f->tcp.state))
		return false;
	if (l4 == IPPROTO_TCP && f->tcp.state == FLOW_TCP_ESTABLISHED)
		return true;
	if (!flow_l4_has_key(l4) || flow_l4_is_icmp(l4))
		bits |= FLOW_STATUS_SEEN_REPLY;
	return f->status & bits;
}

static unsigned alive(const struct sim_node *n)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < FLOWS; slot++)
		count += n->kernel.entries[slot].live;
	return count;
}

/* How many of them have settled: the others' kernels have no more than that. */
static unsigned settled(const struct sim_node *n)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < FLOWS; slot++)
		count += n->kernel.entries[slot].live && has_settled(&n->kernel.entries[slot].flow);
	return count;
}

static void traffic_through(struct sim *s, const struct sim_node *n, unsigned rounds)
{
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = n->index;
	for (unsigned i = 0; i < rounds; i++) {
		chance_traffic_round(s, 3);
		for (unsigned o = 0; o < s->params.nodes; o++) {
			kernel_expire(&s->nodes[o].kernel, s->now);
			node_events_ready(s, &s->nodes[o]);
		}
		sim_run_ms(s, 20);
	}
}

/* Packets that change nothing: what lives on the one node goes on living there. */
static void touch_all(struct sim *s, struct sim_node *a)
{
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		kernel_touch(&a->kernel, s->now, slot);
	for (unsigned i = 0; i < s->params.nodes; i++) {
		kernel_expire(&s->nodes[i].kernel, s->now);
		node_events_ready(s, &s->nodes[i]);
	}
}

/*
 * Traffic has stood still for a while: b's kernel has every flow of a's that has settled, as it is
 * there, and nothing else.
 */
static void expect_warm(struct sim *s, struct sim_node *a, struct sim_node *b)
{
	struct engine_status st;

	for (unsigned slot = 0; slot < TRAFFIC_WHOLE_SLOTS && slot < s->params.slots; slot++) {
		const struct kernel_entry *x = &a->kernel.entries[slot];
		const struct kernel_entry *y = &b->kernel.entries[slot];

		if (!x->live && !y->live)
			continue;
		if (x->live && y->live && x->flow.mark == y->flow.mark)
			continue;
		if (x->live && !y->live && !has_settled(&x->flow))
			continue;
		sim_fail(s, "slot %u: version %u in node %u's kernel, %u in node %u's", slot,
			x->live ? x->flow.mark : 0, a->index, y->live ? y->flow.mark : 0, b->index);
	}
	scenario_status(s, b, &st);
	scenario_expect(s, st.local_flows, ==, 0);
	/* what a dump of a's tells anew may be on its way */
	for (int i = 0; i < 50 && st.warm_flows + st.warm_unsettled < st.remote_flows; i++) {
		sim_run_ms(s, 10);
		scenario_status(s, b, &st);
	}
	scenario_expect(s, st.warm_flows + st.warm_unsettled, ==, st.remote_flows);
	scenario_expect(s, (uint64_t)st.warm_behind_ms, ==, 0);
}

/* Until nothing is to be written any more; what has been refused last may take longest. */
static void calm_for(struct sim *s, struct sim_node *a, int secs)
{
	for (int sec = 0; sec < secs; sec++) {
		touch_all(s, a);
		sim_run_ms(s, 1000);
	}
}

static void calm(struct sim *s, struct sim_node *a)
{
	calm_for(s, a, 40);
}

static void the_standbys_kernel_follows(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	scenario_expect(s, alive(b), ==, settled(a));
	for (int turn = 0; turn < 3; turn++) {
		traffic_through(s, a, 100);
		calm(s, a);
		expect_warm(s, a, b);
	}
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_DELETED), >, 0);
	chance_settle(s);
}

/* Packets put the timeouts forward on the one node, and the other one is told nothing. */
static void nothing_runs_out(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	traffic_through(s, a, 100);
	calm(s, a);
	expect_warm(s, a, b);
	for (int sec = 0; sec < 300; sec++) {
		touch_all(s, a);
		sim_run_ms(s, 1000);
		for (unsigned slot = 0; slot < s->params.slots; slot++)
			if (b->kernel.entries[slot].live &&
				mono_diff_sec(b->kernel.entries[slot].expires, s->now) < 20)
				sim_fail(s, "slot %u has less than 20 s left", slot);
	}
	expect_warm(s, a, b);
	scenario_expect(s, scenario_counter(b, COUNTER_WARM_LOST), ==, 0);
	chance_settle(s);
}

/* An operator's `conntrack -D` on the standby, or the kernel's own need for room. */
static void what_the_kernel_drops_comes_back(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int turn = 0; turn < TURNS; turn++) {
		for (unsigned slot = 0; slot < FLOWS; slot++)
			if (dice_permille(&s->rng_fault, 300))
				kernel_end(&b->kernel, s->now, slot);
		node_events_ready(s, b);
		sim_run_ms(s, 2 * AGE_MS + 500);
		scenario_expect(s, alive(b), ==, settled(a));
	}
	expect_warm(s, a, b);
	chance_settle(s);
}

/* Nobody has to give a command for it. */
static void refusals_are_made_good(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	traffic_through(s, a, 100);
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_CREATE_REFUSED), >, 0);
	a->kernel.refuse_permille = b->kernel.refuse_permille = 0;
	calm(s, a);
	for (unsigned slot = 0; slot < FLOWS; slot++) {
		const struct kernel_entry *x = &a->kernel.entries[slot];
		const struct kernel_entry *y = &b->kernel.entries[slot];

		if (x->live && has_settled(&x->flow) && (!y->live || y->flow.mark != x->flow.mark))
			sim_fail(s, "slot %u is not in the standby's kernel", slot);
	}
	chance_settle(s);
}

/* The rate is low: what has changed is written before what is new, and all of it in the end. */
static void a_low_rate_ends_in_the_same(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	traffic_through(s, a, 100);
	calm(s, a);
	expect_warm(s, a, b);
	chance_settle(s);
}

static void roles_change_again_and_again(struct sim *s)
{
	begin(s);
	for (int turn = 1; turn <= TURNS; turn++) {
		struct sim_node *up = &s->nodes[turn % 2], *down = &s->nodes[(turn + 1) % 2];

		node_command(s, down, ENGINE_DEMOTE);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 300));
		scenario_command(s, up, ENGINE_PROMOTE, 5000);
		scenario_expect(s, alive(up), ==, FLOWS);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 9000));
		scenario_expect(s, alive(up), ==, FLOWS);
	}
	sim_run_ms(s, 12000);
	scenario_expect(s, alive(&s->nodes[0]), ==, FLOWS);
	scenario_expect(s, alive(&s->nodes[1]), ==, FLOWS);
	expect_warm(s, &s->nodes[0], &s->nodes[1]);
	/* and what ends now ends on both */
	traffic_through(s, &s->nodes[0], 100);
	calm(s, &s->nodes[0]);
	expect_warm(s, &s->nodes[0], &s->nodes[1]);
	chance_settle(s);
}

/* The active node's daemon dies and comes back, and its flows go on meanwhile. */
static void the_active_daemon_may_die(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int turn = 0; turn < 4; turn++) {
		node_crash(s, a);
		traffic_through(s, a, 30);
		node_start(s, a, turn == 1);
		sim_run_ms(s, 100);
		node_command(s, a, ENGINE_PROMOTE);
		traffic_through(s, a, 30);
		calm(s, a);
		expect_warm(s, a, b);
	}
	chance_settle(s);
}

/*
 * The standby's daemon dies at any moment, while flows come and go, and its kernel keeps what it
 * had written. Sometimes it dies once more before anything is clear, or the active one with it.
 */
static void the_standbys_daemon_may_die(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int turn = 0; turn < TURNS; turn++) {
		traffic_through(s, a, (unsigned)dice_range(&s->rng_fault, 1, 30));
		sim_run_ms(s, dice_range(&s->rng_fault, 0, 1500));
		node_crash(s, b);
		if (turn % 3 == 1)
			node_crash(s, a);
		traffic_through(s, a, (unsigned)dice_range(&s->rng_fault, 1, 60));
		for (int again = turn % 2; again > 0; again--) {
			node_start(s, b, false);
			sim_run_ms(s, dice_range(&s->rng_fault, 0, 400));
			node_crash(s, b);
		}
		node_start(s, b, false);
		if (turn % 3 == 1)
			node_start(s, a, false);
		traffic_through(s, a, 10);
		calm(s, a);
		expect_warm(s, a, b);
	}
	chance_settle(s);
}

/* The former active node's daemon dies when it is the standby, and what it had is the peer's. */
static void who_stood_down_may_die(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1], *c;

	begin(s);
	for (int turn = 0; turn < 4; turn++) {
		node_command(s, a, ENGINE_DEMOTE);
		scenario_command(s, b, ENGINE_PROMOTE, 5000);
		/* the purge, by which it lets go of what was its own */
		calm_for(s, b, 10 + (int)s->params.config.purge_timeout_s);
		traffic_through(s, b, 50);
		node_crash(s, a);
		traffic_through(s, b, 50);
		node_start(s, a, false);
		traffic_through(s, b, 10);
		calm(s, b);
		expect_warm(s, b, a);
		c = a;
		a = b;
		b = c;
	}
	chance_settle(s);
}

/* The active one falls over, one of the others takes its place, and the third learns from it. */
static void the_third_follows_the_second(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1], *c = &s->nodes[2];
	bool taken[FLOWS];

	begin(s);
	traffic_through(s, a, 50);
	calm(s, a);
	expect_warm(s, a, b);
	expect_warm(s, a, c);
	node_reboot(s, a);
	sim_run_ms(s, 300);
	scenario_command(s, b, ENGINE_PROMOTE, 5000);
	sim_run_ms(s, 3000);
	for (unsigned slot = 0; slot < FLOWS; slot++)
		taken[slot] = b->kernel.entries[slot].live;
	traffic_through(s, b, 100);
	calm(s, b);
	/* a is gone, and what it told last of these is nobody's word any more */
	for (unsigned slot = 0; slot < FLOWS; slot++)
		if (taken[slot] && c->kernel.entries[slot].live && !b->kernel.entries[slot].live)
			sim_fail(s, "slot %u has ended, but not in the third kernel", slot);
	node_start(s, a, false);
	traffic_through(s, b, 50);
	/* a has come back with nothing: what c knows of it is held for its own time */
	calm_for(s, b, 650);
	expect_warm(s, b, a);
	expect_warm(s, b, c);
	chance_settle(s);
}

static const struct scenario warm[] = {
	{"a warm standby's daemon may die", params_lossy, the_standbys_daemon_may_die},
	{"who stood down may die", params_warm, who_stood_down_may_die},
	{"a warm standby's kernel follows", params_lossy, the_standbys_kernel_follows},
	{"nothing runs out in a warm standby's kernel", params_lossy, nothing_runs_out},
	{"what a warm standby's kernel drops comes back", params_warm,
		what_the_kernel_drops_comes_back},
	{"what a warm standby's kernel refuses is made good", params_refusing,
		refusals_are_made_good},
	{"a low WarmRate ends in the same", params_slow, a_low_rate_ends_in_the_same},
	{"warm nodes change roles again and again", params_warm, roles_change_again_and_again},
	{"the active daemon beside a warm standby may die", params_lossy,
		the_active_daemon_may_die},
	{"the third warm node follows the second", params_three, the_third_follows_the_second},
};

const struct scenario_group scenarios_warm = {warm, ARRAY_SIZE(warm)};
