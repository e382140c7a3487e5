/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

enum {
	FLOWS = 48,
	/* On a net without faults, from a start to equal tables. */
	AGREE_MS = 6000,
};

static void params_calm(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
}

static void params_three(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->nodes = 3;
	p->slots = 3 * FLOWS;
}

static void params_links(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->config.links = 2;
}

static void params_slow_links(uint64_t seed, struct sim_params *p)
{
	params_links(seed, p);
	p->delay_us = 4000;
}

static void params_three_links(uint64_t seed, struct sim_params *p)
{
	params_three(seed, p);
	p->config.links = 2;
	p->config.link_default = 1;
	p->seq_apart = 100000000;
}

static void begin(struct sim *s)
{
	scenario_start(s);
	chance_fill(s, &s->nodes[0], 0, FLOWS);
	scenario_agree(s, AGREE_MS);
}

static void standby_gets_the_table_after_its_restart(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int i = 0; i < 3; i++) {
		node_crash(s, b);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 8000));
		node_start(s, b, i == 1);
		scenario_agree(s, AGREE_MS);
		scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS);
	}
	chance_settle(s);
}

/* The active's daemon dies and comes back: the standby holds the whole table all the time. */
static void restart_of_the_active(struct sim *s, bool lower_seq)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	for (int i = 0; i < 3; i++) {
		node_crash(s, a);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 8000));
		node_start(s, a, lower_seq);
		for (int ms = 0; ms < 4000; ms += 20) {
			sim_run_ms(s, 20);
			scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS);
		}
		scenario_agree(s, AGREE_MS);
	}
	chance_settle(s);
}

static void standby_keeps_the_table_over_a_restart(struct sim *s)
{
	restart_of_the_active(s, false);
}

static void sequence_may_start_lower_than_before(struct sim *s)
{
	restart_of_the_active(s, true);
}

/* The number differs from what the peer expects by all that 32 bits allow. */
static void sequence_may_start_anywhere(struct sim *s)
{
	static const uint32_t steps[] = {0x7fffffff, 0x80000000, 0x80000001, 0x10000000, -70000u};
	struct sim_node *a = &s->nodes[0];

	begin(s);
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		node_crash(s, a);
		a->config.first_seq += steps[i];
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 8000));
		node_start(s, a, false);
		scenario_agree(s, 2 * AGREE_MS);
	}
	chance_settle(s);
}

static void both_nodes_start_at_once(struct sim *s)
{
	begin(s);
	for (int i = 0; i < 3; i++) {
		node_crash(s, &s->nodes[0]);
		node_crash(s, &s->nodes[1]);
		node_start(s, &s->nodes[0], i == 1);
		node_start(s, &s->nodes[1], i == 2);
		scenario_agree(s, 2 * AGREE_MS);
	}
	chance_settle(s);
}

static void long_partition_is_repaired(struct sim *s)
{
	begin(s);
	net_cut(s, 0, 1);
	net_cut(s, 1, 0);
	for (int i = 0; i < 400; i++) {
		chance_traffic_round(s, 5);
		sim_run_ms(s, 50);
	}
	net_heal(s);
	scenario_agree(s, AGREE_MS);
	net_cut(s, 0, 1); /* one way only: acknowledgements go on, data does not */
	for (int i = 0; i < 400; i++) {
		chance_traffic_round(s, 5);
		sim_run_ms(s, 50);
	}
	net_heal(s);
	scenario_agree(s, AGREE_MS);
	chance_settle(s);
}

/* No table is asked for, none is sent: a fail-over is a gap, and that is repaired. */
static void links_fail_in_turn(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	uint64_t bulks;
	struct engine_status st;

	begin(s);
	sim_run_ms(s, 3000);
	bulks = scenario_counter(a, COUNTER_BULKS_SENT) + scenario_counter(b, COUNTER_BULKS_SENT);
	for (unsigned turn = 0; turn < 12; turn++) {
		unsigned link = turn % 2;
		bool both = dice_permille(&s->rng_fault, 500);

		for (int i = 0; i < 40; i++) {
			chance_traffic_round(s, 4);
			sim_run_ms(s, dice_range(&s->rng_fault, 1, 20));
			if (i == 15)
				net_link(s, turn / 2 % 2, link, false);
			if (i == 15 && both)
				net_link(s, 1 - turn / 2 % 2, link, false);
		}
		scenario_agree(s, AGREE_MS);
		net_link(s, 0, link, true);
		net_link(s, 1, link, true);
		sim_run_ms(s, dice_range(&s->rng_fault, 1, 200));
	}
	for (unsigned i = 0; i < 2; i++) {
		scenario_status(s, &s->nodes[i], &st);
		scenario_expect(s, st.peers_count, ==, 1);
		scenario_expect(s, scenario_counter(&s->nodes[i], COUNTER_PEER_RESTARTS), ==, 0);
		scenario_expect(s,
			scenario_counter(&s->nodes[i], COUNTER_LINK_CHANGES) +
				scenario_counter(&s->nodes[i], COUNTER_LINK_FOLLOWED),
			>=, 6);
	}
	scenario_expect(s,
		scenario_counter(a, COUNTER_BULKS_SENT) + scenario_counter(b, COUNTER_BULKS_SENT),
		==, bulks);
	chance_settle(s);
}

/* Nothing is sent while there is no link; what is said afterwards is what is true then. */
static void no_link_is_waited_for(struct sim *s)
{
	struct sim_node *a = &s->nodes[0];
	uint64_t sent;

	begin(s);
	net_link(s, 0, 0, false);
	net_link(s, 0, 1, false);
	sim_run_ms(s, 100);
	sent = scenario_counter(a, COUNTER_SENT_DATAGRAMS);
	for (int i = 0; i < 300; i++) {
		chance_traffic_round(s, 5);
		sim_run_ms(s, 40);
	}
	scenario_expect(s, scenario_counter(a, COUNTER_SENT_DATAGRAMS), ==, sent);
	net_link(s, 0, 1, true);
	scenario_agree(s, AGREE_MS);
	scenario_expect(s, scenario_counter(a, COUNTER_SENT_DATAGRAMS) - sent, <, 60);
	chance_settle(s);
}

/* Each hears the other on the link that it does not use itself, and goes there: both at once. */
static void two_that_change_places_meet(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	struct engine_status sa, sb;

	begin(s);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = slot % 2;
	net_cut(s, 0, 1);
	net_cut(s, 1, 0);
	net_link(s, 0, 0, false);
	sim_run_ms(s, 100);
	net_link(s, 0, 0, true);
	sim_run_ms(s, 2000);
	net_heal(s);
	for (int ms = 0; ms < 6000; ms += 2) {
		chance_traffic_round(s, 8);
		sim_run_ms(s, 2);
	}
	scenario_status(s, a, &sa);
	scenario_status(s, b, &sb);
	scenario_expect(s, sa.link, ==, sb.link);
	scenario_expect(s,
		scenario_counter(a, COUNTER_LINK_FOLLOWED) +
			scenario_counter(b, COUNTER_LINK_FOLLOWED),
		<=, 8);
	chance_settle(s);
}

static void three_nodes_know_each_other(struct sim *s)
{
	scenario_start(s);
	for (unsigned i = 0; i < 3; i++)
		chance_fill(s, &s->nodes[i], i * FLOWS, FLOWS);
	scenario_agree(s, AGREE_MS);
	node_crash(s, &s->nodes[1]);
	sim_run_ms(s, 6000);
	chance_traffic_round(s, 100);
	sim_run_ms(s, 2000); /* a dead peer's acknowledgement is not waited for */
	node_start(s, &s->nodes[1], true);
	scenario_agree(s, 2 * AGREE_MS);
	chance_settle(s);
}

/* Flows born before the daemon never send events; they still end on the peer. */
static void silent_flows_do_not_stay(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	struct engine_status st;

	chance_fill(s, a, 0, FLOWS);
	scenario_start(s);
	scenario_agree(s, AGREE_MS);
	scenario_status(s, a, &st);
	scenario_expect(s, st.local_silent, ==, FLOWS);
	for (unsigned slot = 0; slot < FLOWS; slot += 2)
		kernel_end(&a->kernel, s->now, slot);
	sim_run_ms(s, (int64_t)(s->params.config.poll_s + 2) * 1000);
	scenario_agree(s, AGREE_MS);
	scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS / 2);
	chance_settle(s);
}

static const struct scenario restart[] = {
	{"standby gets the table after its restart", params_calm,
		standby_gets_the_table_after_its_restart},
	{"standby keeps the table over a restart", params_calm,
		standby_keeps_the_table_over_a_restart},
	{"sequence may start lower than before", params_calm, sequence_may_start_lower_than_before},
	{"sequence may start anywhere", params_calm, sequence_may_start_anywhere},
	{"both nodes start at once", params_calm, both_nodes_start_at_once},
	{"long partition is repaired", params_calm, long_partition_is_repaired},
	{"links fail in turn", params_links, links_fail_in_turn},
	{"two that change places meet", params_slow_links, two_that_change_places_meet},
	{"no link is waited for", params_links, no_link_is_waited_for},
	{"three nodes know each other on every link", params_three_links,
		three_nodes_know_each_other},
	{"three nodes know each other", params_three, three_nodes_know_each_other},
	{"silent flows do not stay", params_calm, silent_flows_do_not_stay},
};

const struct scenario_group scenarios_restart = {restart, ARRAY_SIZE(restart)};
