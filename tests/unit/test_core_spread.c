/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"
#include "unit.h"

/* Tables stay well spread however they are filled; engine_check() counts how far entries stand from
 * their homes. */
enum { FLOWS = 20000 };

static void kernel_takes_all(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];

	do {
		for (unsigned i = 0; i < node->ops_count; i++)
			engine_kernel_result(node->engine, p->now, node->ops[i].id, 0);
		node->ops_count = 0;
		pair_pull_ops(p, n);
	} while (node->ops_count > 0);
}

static void a_table_filled_from_anothers_walk_is_spread(void)
{
	struct pair *p = pair_new(NULL);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	/* half-way the local table holds the first part of the walk alone */
	for (unsigned n = 0; n < 5; n++) {
		struct pair_node *node = &p->node[1];

		for (unsigned i = 0; i < node->ops_count; i++)
			engine_kernel_result(node->engine, p->now, node->ops[i].id, 0);
		node->ops_count = 0;
		pair_pull_ops(p, 1);
		engine_check(node->engine);
	}
	CU_ASSERT(pair_status(p, 1).local_flows < FLOWS);
	kernel_takes_all(p, 1);
	engine_check(p->node[1].engine);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a table filled from another's walk is spread",
		a_table_filled_from_anothers_walk_is_spread},
};

UNIT_MAIN("core_spread", tests)
