/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tests/sim/chance.h"
#include "tests/sim/invariants.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

void scenario_start(struct sim *s)
{
	for (unsigned i = 0; i < s->params.nodes; i++) {
		s->nodes[i].kernel.refuse_permille = s->params.refuse_permille;
		node_start(s, &s->nodes[i], false);
		sim_run_ms(s, 100);
		node_command(s, &s->nodes[i], i == 0 ? ENGINE_PROMOTE : ENGINE_DEMOTE);
	}
}

void scenario_command(
	struct sim *s, struct sim_node *n, enum engine_command_kind kind, int64_t limit_ms)
{
	mono end = mono_add_ms(s->now, limit_ms);
	uint64_t id = node_command(s, n, kind);

	while (!node_has_done(n, id)) {
		if (mono_reached(s->now, end))
			sim_fail(s, "command %u did not end within %lld ms", kind,
				(long long)limit_ms);
		sim_run_ms(s, 1);
	}
}

void scenario_agree(struct sim *s, int64_t limit_ms)
{
	mono begin = s->now;
	char why[200];

	while (!invariants_converged(s, why, sizeof(why))) {
		if (mono_diff_ms(s->now, begin) >= limit_ms)
			sim_fail(s, "no agreement after %lld ms: %s", (long long)limit_ms, why);
		sim_run_ms(s, 10);
	}
}

void scenario_status(struct sim *s, struct sim_node *n, struct engine_status *st)
{
	engine_get_status(n->engine, s->now, st);
}

uint64_t scenario_counter(const struct sim_node *n, enum counter c)
{
	return engine_counters(n->engine)[c];
}

uint64_t scenario_remote_flows(struct sim *s, struct sim_node *n, const struct sim_node *owner)
{
	struct engine_status st;

	scenario_status(s, n, &st);
	for (unsigned i = 0; i < st.peers_count; i++)
		if (sim_node_of_peer(s, &st, i) == (int)owner->index)
			return st.peers[i].flows;
	return 0;
}

static void chance_run(struct sim *s)
{
	unsigned nodes = s->params.nodes;

	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] =
			dice_permille(&s->rng_traffic, 700) ? 0 : rng_below(&s->rng_traffic, nodes);
	chance_traffic_round(s, s->params.prefilled);
	for (unsigned i = 0; i < nodes; i++) {
		s->nodes[i].kernel.refuse_permille = s->params.refuse_permille;
		node_start(s, &s->nodes[i], false);
		sim_run_ms(s, rng_below(&s->rng_fault, 400));
	}
	chance_traffic(s);
	chance_faults(s);
	sim_run_until(s, mono_add_ms((mono){NS_PER_SEC}, s->params.faults_ms));
	chance_settle(s);
}

const struct scenario scenario_chance = {"chance", chance_params, chance_run};
