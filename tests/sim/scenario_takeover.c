/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "flow/status.h"
#include "tests/sim/chance.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

enum { FLOWS = 48 };

static void params_calm(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
}

static void params_lossy(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 100;
	p->jitter_us = 5000;
}

static void params_refusing(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->refuse_permille = 300;
}

/* Two nodes, FLOWS settled connections through the first. */
static void begin(struct sim *s)
{
	scenario_start(s);
	chance_fill(s, &s->nodes[0], 0, FLOWS);
	sim_run_ms(s, 4000);
}

/* An established connection with a long life: one that a user would miss. */
static bool is_settled(const struct kernel_entry *e)
{
	return e->live &&
	       !(flow_has(&e->flow, FLOW_TCP_STATE) && flow_tcp_is_half_open(e->flow.tcp.state));
}

static void failover_keeps_every_settled_flow(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	bool settled[FLOWS];
	uint64_t held;

	begin(s);
	for (int i = 0; i < 100; i++) { /* traffic, also short-lived and half-open */
		chance_traffic_round(s, 3);
		sim_run_ms(s, 20);
	}
	sim_run_ms(s, 3000); /* what was lost on the way has been repaired */
	for (unsigned i = 0; i < FLOWS; i++)
		settled[i] = is_settled(&a->kernel.entries[i]);
	node_reboot(s, a);
	sim_run_ms(s, 300);
	held = scenario_remote_flows(s, b, a);
	scenario_command(s, b, ENGINE_PROMOTE, 2000);
	scenario_expect(s, b->done.written + b->done.refused + b->done.skipped, ==, held);
	scenario_expect(s, b->done.refused, ==, 0);
	scenario_expect(s, b->done.outcome, ==, ENGINE_OK);
	scenario_expect(s, kernel_count(&b->kernel), >=, b->done.written);
	for (unsigned i = 0; i < FLOWS; i++)
		if (settled[i] && !b->kernel.entries[i].live)
			sim_fail(s, "slot %u did not survive the failover", i);
	chance_settle(s);
}

/* The kernel of the node that was promoted last has every flow, how often ever it went. */
static void roles_may_change_again_and_again(struct sim *s)
{
	begin(s);
	for (int turn = 1; turn <= 12; turn++) {
		struct sim_node *up = &s->nodes[turn % 2], *down = &s->nodes[(turn + 1) % 2];

		node_command(s, down, ENGINE_DEMOTE);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 300));
		scenario_command(s, up, ENGINE_PROMOTE, 5000);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 9000));
		scenario_expect(s, kernel_count(&up->kernel), ==, FLOWS);
	}
	chance_settle(s);
	scenario_expect(s, kernel_count(&s->nodes[0].kernel), ==, FLOWS);
}

static void promote_may_be_repeated(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	uint64_t first, second;

	begin(s);
	node_reboot(s, a);
	first = node_command(s, b, ENGINE_PROMOTE);
	second = node_command(s, b, ENGINE_PROMOTE);
	sim_run_ms(s, 1000);
	scenario_expect(s, node_has_done(b, first) && node_has_done(b, second), ==, true);
	scenario_expect(s, kernel_count(&b->kernel), ==, FLOWS);
	scenario_command(s, b, ENGINE_PROMOTE, 1000);
	scenario_expect(s, b->done.written, ==, 0);
	scenario_expect(s, kernel_count(&b->kernel), ==, FLOWS);
	chance_settle(s);
}

static void demote_cancels_promote(struct sim *s)
{
	struct sim_node *b = &s->nodes[1];
	struct engine_status st;
	uint64_t id;

	begin(s);
	id = node_command(s, b, ENGINE_PROMOTE);
	sim_run_ms(s, 1);
	node_command(s, b, ENGINE_DEMOTE);
	sim_run_ms(s, 500);
	scenario_expect(s, node_has_done(b, id), ==, true);
	scenario_status(s, b, &st);
	scenario_expect(s, st.role, ==, ENGINE_ROLE_BACKUP);
	scenario_expect(s, st.committing, ==, false);
	chance_settle(s);
}

static void refusals_are_counted(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	uint64_t sum = 0;

	begin(s);
	node_reboot(s, a);
	scenario_command(s, b, ENGINE_PROMOTE, 2000);
	scenario_expect(s, b->done.outcome, ==, ENGINE_PARTIAL);
	scenario_expect(s, b->done.written + b->done.refused + b->done.skipped, ==, FLOWS);
	scenario_expect(s, b->done.written, ==, kernel_count(&b->kernel));
	for (unsigned i = 0; i < ENGINE_ERRNOS_MAX; i++)
		sum += b->done.errnos[i].count;
	scenario_expect(s, sum, ==, b->done.refused);
	b->kernel.refuse_permille = 0;
	scenario_command(s, b, ENGINE_PROMOTE, 2000);
	scenario_expect(s, kernel_count(&b->kernel), ==, FLOWS);
	chance_settle(s);
}

/* A node that was the active one, and comes back empty, must not make its flows disappear. */
static void reboot_leaves_flows_with_the_standby(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	node_reboot(s, a);
	sim_run_ms(s, 1000);
	node_start(s, a, false);
	sim_run_ms(s, 2500);
	scenario_command(s, b, ENGINE_PROMOTE, 2000);
	scenario_expect(s, kernel_count(&b->kernel), ==, FLOWS);
	chance_settle(s);
	scenario_expect(s, scenario_remote_flows(s, a, b), ==, FLOWS);
}

static void demote_at_start_purges_nothing(struct sim *s)
{
	struct sim_node *a = &s->nodes[0];

	chance_fill(s, a, 0, FLOWS);
	node_start(s, a, false);
	node_command(s, a, ENGINE_DEMOTE);
	node_start(s, &s->nodes[1], false);
	sim_run_ms(s, 20000);
	node_command(s, a, ENGINE_DEMOTE);
	sim_run_ms(s, 20000);
	scenario_expect(s, kernel_count(&a->kernel), ==, FLOWS);
	chance_settle(s);
}

/* After the purge the old active's kernel is empty; its peer keeps what it has taken over. */
static void demoted_node_is_purged(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	node_command(s, a, ENGINE_DEMOTE);
	scenario_command(s, b, ENGINE_PROMOTE, 2000);
	sim_run_ms(s, 9000);
	scenario_expect(s, kernel_count(&a->kernel), ==, 0);
	scenario_expect(s, kernel_count(&b->kernel), ==, FLOWS);
	chance_settle(s);
	scenario_expect(s, scenario_remote_flows(s, a, b), ==, FLOWS);
}

static void promote_cancels_the_purge(struct sim *s)
{
	struct sim_node *a = &s->nodes[0];

	begin(s);
	node_command(s, a, ENGINE_DEMOTE);
	sim_run_ms(s, 3000);
	scenario_command(s, a, ENGINE_PROMOTE, 2000);
	sim_run_ms(s, 9000);
	scenario_expect(s, kernel_count(&a->kernel), ==, FLOWS);
	chance_settle(s);
}

static const struct scenario takeover[] = {
	{"failover keeps every settled flow", params_lossy, failover_keeps_every_settled_flow},
	{"roles may change again and again", params_calm, roles_may_change_again_and_again},
	{"promote may be repeated", params_calm, promote_may_be_repeated},
	{"demote cancels promote", params_calm, demote_cancels_promote},
	{"refusals are counted", params_refusing, refusals_are_counted},
	{"reboot leaves flows with the standby", params_calm, reboot_leaves_flows_with_the_standby},
	{"demote at start purges nothing", params_calm, demote_at_start_purges_nothing},
	{"demoted node is purged", params_calm, demoted_node_is_purged},
	{"promote cancels the purge", params_calm, promote_cancels_the_purge},
};

const struct scenario_group scenarios_takeover = {takeover, ARRAY_SIZE(takeover)};
