/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/chance.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"

static void chance_run(struct sim *s)
{
	unsigned nodes = s->params.nodes;

	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = rng_permille(&s->rng_traffic, 700)
					? 0
					: (unsigned)rng_below(&s->rng_traffic, nodes);
	chance_traffic_round(s, s->params.prefilled);
	for (unsigned i = 0; i < nodes; i++) {
		s->nodes[i].kernel.refuse_permille = s->params.refuse_permille;
		node_start(s, &s->nodes[i], false);
		sim_run_ms(s, (int64_t)rng_below(&s->rng_fault, 400));
	}
	chance_traffic(s);
	chance_faults(s);
	sim_run_until(s, mono_add_ms((mono){NS_PER_SEC}, s->params.faults_ms));
	chance_settle(s);
}

const struct scenario scenario_chance = {"chance", NULL, chance_run};
