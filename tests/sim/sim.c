/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/invariants.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"

enum { CHECK_EVERY_MS = 500 };

struct engine_addr sim_addr(const struct sim_node *n, unsigned link)
{
	struct engine_addr addr = n->addr;

	addr.bytes[14] = (uint8_t)link;
	return addr;
}

int sim_node_of(const struct sim *s, const struct engine_addr *addr)
{
	for (unsigned i = 0; i < s->params.nodes; i++) {
		struct engine_addr on_its_link = sim_addr(&s->nodes[i], addr->bytes[14]);

		if (memcmp(&on_its_link, addr, sizeof(*addr)) == 0)
			return (int)i;
	}
	return -1;
}

int sim_node_of_peer(const struct sim *s, const struct engine_status *st, unsigned peer)
{
	int node = sim_node_of(s, &st->peers[peer].addr);

	for (unsigned i = 0; i < st->peers_count && node >= 0; i++)
		if (i != peer && sim_node_of(s, &st->peers[i].addr) == node &&
			st->peers[i].heard_ago_ms < st->peers[peer].heard_ago_ms)
			return -1;
	return node;
}

void sim_later(struct sim *s, int64_t delay_ns, const struct job *j)
{
	struct job copy = *j;

	copy.at = mono_add_ns(s->now, delay_ns);
	agenda_add(&s->agenda, &copy);
}

void sim_init(struct sim *s, uint64_t seed, const struct sim_params *p, bool verbose)
{
	s->seed = seed;
	s->params = *p;
	s->now = (mono){NS_PER_SEC};
	s->trace.verbose = verbose;
	s->trace.hash = seed;
	s->rng_net = dice_of(seed, 1);
	s->rng_kernel = dice_of(seed, 2);
	s->rng_traffic = dice_of(seed, 3);
	s->rng_fault = dice_of(seed, 4);
	s->rng_node = dice_of(seed, 5);
	s->rng_expect = dice_of(seed, 6);
	s->rng_keeper = dice_of(seed, 8);
	s->relaxed = p->corrupt_permille > 0 && p->corruption == SIM_CORRUPT_DELIVERED;
	agenda_init(&s->agenda);
	for (unsigned i = 0; i < p->nodes; i++)
		node_init(s, i);
}

void sim_fini(struct sim *s)
{
	agenda_fini(&s->agenda);
	free(s->job_data);
	s->job_data = NULL;
	for (unsigned i = 0; i < s->params.nodes; i++)
		node_fini(&s->nodes[i]);
}

static void check_everything(struct sim *s)
{
	s->checked = s->now;
	for (unsigned i = 0; i < s->params.nodes; i++)
		if (s->nodes[i].running)
			invariants_check(s, &s->nodes[i]);
}

void sim_run_until(struct sim *s, mono until)
{
	struct job j;

	while (mono_reached(until, agenda_when(&s->agenda)) && agenda_next(&s->agenda, &j)) {
		s->now = s->trace.now = j.at;
		if (++s->steps > SIM_STEPS_MAX)
			sim_fail(s, "more than %u steps", SIM_STEPS_MAX);
		s->job_data = j.data;
		j.run(s, &j);
		s->job_data = NULL;
		free(j.data);
		if (mono_diff_ms(s->now, s->checked) >= CHECK_EVERY_MS)
			check_everything(s);
	}
	s->now = s->trace.now = until;
}
