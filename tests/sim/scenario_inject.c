/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

/* What peers tell goes into the kernel at once: DisableExternalCache. */

enum { FLOWS = 48 };

static void params_off(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
	p->config.external_cache_off = true;
}

static void params_lossy(uint64_t seed, struct sim_params *p)
{
	params_off(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 100;
	p->jitter_us = 5000;
}

static void params_refusing(uint64_t seed, struct sim_params *p)
{
	params_off(seed, p);
	p->refuse_permille = 200;
}

static void params_two_links(uint64_t seed, struct sim_params *p)
{
	params_refusing(seed, p);
	p->config.links = 2;
}

/* Two nodes, FLOWS settled connections through the first; nobody is told what its role is. */
static void begin(struct sim *s)
{
	for (unsigned i = 0; i < s->params.nodes; i++) {
		s->nodes[i].kernel.refuse_permille = s->params.refuse_permille;
		node_start(s, &s->nodes[i], false);
		sim_run_ms(s, 100);
	}
	chance_fill(s, &s->nodes[0], 0, FLOWS);
	sim_run_ms(s, 4000);
}

/* How many of the settled connections live in a node's kernel. */
static unsigned alive(const struct sim_node *n)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < FLOWS; slot++)
		count += n->kernel.entries[slot].live;
	return count;
}

static void traffic_through(struct sim *s, const struct sim_node *n, unsigned rounds)
{
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = n->index;
	for (unsigned i = 0; i < rounds; i++) {
		chance_traffic_round(s, 3);
		sim_run_ms(s, 20);
	}
}

/* While connections come, change and go on the one, the other's kernel goes with it. */
static void the_standbys_kernel_follows(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	struct engine_status st;

	begin(s);
	scenario_expect(s, alive(b), ==, FLOWS);
	scenario_status(s, b, &st);
	scenario_expect(s, st.local_flows, ==, 0);
	traffic_through(s, a, 200);
	sim_run_ms(s, 4000);
	for (unsigned slot = 0; slot < s->params.slots; slot++) {
		const struct kernel_entry *x = &a->kernel.entries[slot];
		const struct kernel_entry *y = &b->kernel.entries[slot];

		if (x->live && y->live && x->flow.mark == y->flow.mark)
			continue;
		if (x->live && mono_diff_sec(x->expires, s->now) > 5)
			sim_fail(s, "slot %u: version %u in the one kernel, %u in the other", slot,
				x->flow.mark, y->live ? y->flow.mark : 0);
	}
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_DELETED), >, 0);
	chance_settle(s);
}

/* The script that comes with conntrackd. */
static void script_primary(struct sim *s, struct sim_node *n)
{
	scenario_command(s, n, ENGINE_COMMIT, 2000);
	scenario_command(s, n, ENGINE_FLUSH, 100);
	scenario_command(s, n, ENGINE_RESYNC_KERNEL, 5000);
	scenario_command(s, n, ENGINE_BULK, 5000);
}

static void script_backup(struct sim *s, struct sim_node *n)
{
	scenario_command(s, n, ENGINE_PURGE_LATER, 100);
	scenario_command(s, n, ENGINE_RESYNC_PEERS, 100);
}

static void the_script_moves_everything_again_and_again(struct sim *s)
{
	begin(s);
	for (int turn = 1; turn <= 8; turn++) {
		struct sim_node *up = &s->nodes[turn % 2], *down = &s->nodes[(turn + 1) % 2];
		struct engine_status st;

		script_backup(s, down);
		script_primary(s, up);
		scenario_expect(s, alive(up), ==, FLOWS);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 12000));
		scenario_expect(s, alive(up), ==, FLOWS);
		scenario_status(s, up, &st);
		scenario_expect(s, st.local_flows, ==, FLOWS);
	}
	sim_run_ms(s, 12000);
	chance_settle(s);
	scenario_expect(s, alive(&s->nodes[0]), ==, FLOWS);
	scenario_expect(s, alive(&s->nodes[1]), ==, FLOWS); /* and the standby is warm */
}

static void roles_may_change_as_well(struct sim *s)
{
	begin(s);
	for (int turn = 1; turn <= 8; turn++) {
		struct sim_node *up = &s->nodes[turn % 2], *down = &s->nodes[(turn + 1) % 2];

		node_command(s, down, ENGINE_DEMOTE);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 300));
		scenario_command(s, up, ENGINE_PROMOTE, 5000);
		scenario_expect(s, alive(up), ==, FLOWS);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 9000));
		scenario_expect(s, alive(up), ==, FLOWS);
	}
	sim_run_ms(s, 12000);
	chance_settle(s);
	scenario_expect(s, alive(&s->nodes[0]), ==, FLOWS);
	scenario_expect(s, alive(&s->nodes[1]), ==, FLOWS);
}

/* Nothing has to be written when the active one dies. */
static void a_promotion_writes_nothing(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	struct engine_status st;

	begin(s);
	node_reboot(s, a);
	sim_run_ms(s, 300);
	scenario_command(s, b, ENGINE_PROMOTE, 1000);
	scenario_expect(s, b->done.written, ==, 0);
	scenario_expect(s, alive(b), ==, FLOWS);
	sim_run_ms(s, 2000);
	scenario_status(s, b, &st);
	scenario_expect(s, st.local_flows, ==, FLOWS);
	node_start(s, a, false);
	sim_run_ms(s, 4000);
	scenario_expect(s, alive(a), ==, FLOWS); /* and it is warm at once */
	chance_settle(s);
}

/*
 * Packets of a connection take both ways, here one, there one. Each node sees changes that the
 * other one does not; none of them ends what the other one carries.
 */
static void both_nodes_may_be_active(struct sim *s)
{
	begin(s);
	for (int i = 0; i < 300; i++) {
		for (unsigned slot = 0; slot < s->params.slots; slot++)
			s->home[slot] = (unsigned)rng_below(&s->rng_traffic, 2);
		chance_traffic_round(s, 3);
		sim_run_ms(s, 20);
	}
	sim_run_ms(s, 3000);
	chance_settle(s);
	scenario_expect(s, scenario_counter(&s->nodes[0], COUNTER_INJECT_KEPT), >, 0);
}

/*
 * The way of all packets changes, nobody says so, and no connection changes its state: our kernel
 * tells nothing. The copies that nobody uses any more run out on the one node, and those on the
 * other one live on.
 */
static void idle_copies_end_nothing(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int sec = 0; sec < 700; sec += 10) {
		for (unsigned slot = 0; slot < FLOWS; slot++)
			kernel_touch(&b->kernel, s->now, slot);
		for (unsigned i = 0; i < s->params.nodes; i++) {
			kernel_expire(&s->nodes[i].kernel, s->now);
			node_events_ready(s, &s->nodes[i]);
		}
		sim_run_ms(s, 10000);
		scenario_expect(s, alive(b), ==, FLOWS);
	}
	scenario_expect(s, alive(a), ==, 0);
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_RUN_OUT), ==, FLOWS);
	/* what nobody tells any more is found to be ours by the next look */
	chance_settle(s);
	scenario_expect(s, alive(b), ==, FLOWS);
}

static bool lives_by_traffic(const struct sim_node *n, unsigned slot)
{
	const struct history *h = &n->kernel.history[slot];

	return n->kernel.entries[slot].live && !h->states[h->count - 1].rewritten;
}

/* A standby's daemon that comes back finds its former life's flows in the kernel. */
static void a_restarted_standby_claims_nothing(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	struct engine_flow_view v;
	struct engine_status st;

	begin(s);
	for (int i = 0; i < 3; i++) {
		node_crash(s, b);
		traffic_through(s, a, 50);
		node_start(s, b, i == 1);
		sim_run_ms(s, 5000);
		scenario_status(s, b, &st);
		scenario_expect(s, st.remote_flows, >, 0);
		/* but what ended on the other node meanwhile: nobody tells what that is */
		for (unsigned slot = 0; slot < FLOWS; slot++)
			if (lives_by_traffic(a, slot) && engine_find(b->engine, ENGINE_TABLE_LOCAL,
								 &a->kernel.entries[slot].flow, &v))
				sim_fail(s, "slot %u is claimed", slot);
	}
	chance_settle(s);
}

static void refusals_are_made_good(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	traffic_through(s, a, 50);
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_CREATE_REFUSED), >, 0);
	b->kernel.refuse_permille = 0;
	scenario_command(s, b, ENGINE_COMMIT, 2000);
	for (unsigned slot = 0; slot < FLOWS; slot++)
		if (a->kernel.entries[slot].live && !b->kernel.entries[slot].live &&
			a->kernel.entries[slot].flow.tcp.state == 3)
			sim_fail(s, "slot %u is missing after a commit", slot);
	chance_settle(s);
}

/*
 * Who comes back on another link may be somebody else: what it told before stays, and nobody tells
 * it again. Of that the kernel lacks what it has refused, and no more.
 */
static void refusals_alone_leave_gaps(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	scenario_expect(s, scenario_counter(b, COUNTER_INJECT_CREATE_REFUSED), >, 0);
	chance_fill(s, a, FLOWS, s->params.slots - FLOWS);
	sim_run_ms(s, 4000);
	node_reboot(s, a);
	net_link(s, a->index, 0, false);
	node_start(s, a, false);
	sim_run_ms(s, 3000);
	scenario_expect(s, alive(b), >, 0);
	chance_settle(s);
}

static const struct scenario inject[] = {
	{"the standby's kernel follows", params_lossy, the_standbys_kernel_follows},
	{"the script moves everything again and again", params_off,
		the_script_moves_everything_again_and_again},
	{"injected flows change roles again and again", params_off, roles_may_change_as_well},
	{"a promotion of injected flows writes nothing", params_off, a_promotion_writes_nothing},
	{"both nodes may be active", params_lossy, both_nodes_may_be_active},
	{"idle copies end nothing", params_off, idle_copies_end_nothing},
	{"a restarted standby claims nothing", params_off, a_restarted_standby_claims_nothing},
	{"refused writes are made good", params_refusing, refusals_are_made_good},
	{"refusals alone leave gaps", params_two_links, refusals_alone_leave_gaps},
};

const struct scenario_group scenarios_inject = {inject, ARRAY_SIZE(inject)};
