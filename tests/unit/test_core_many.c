/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"
#include "unit.h"

/* What shows with many flows only. */
enum { FLOWS = 20000 };

/* Both in step, and node 1 holds node 0's flows. */
static struct pair *replicated(void)
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
	return p;
}

/* The kernel takes what was pulled, and more is pulled; returns the number of dumps among it. */
static unsigned answer_round(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];
	unsigned dumps = 0;

	for (unsigned i = 0; i < node->ops_count; i++) {
		if (node->ops[i].kind == KERNEL_OP_DUMP)
			dumps++;
		else
			engine_kernel_result(node->engine, p->now, node->ops[i].id, 0);
	}
	node->ops_count = 0;
	pair_pull_ops(p, n);
	return dumps;
}

/* engine_check() counts how far entries stand from their homes. */
static void a_table_filled_from_anothers_walk_is_spread(void)
{
	struct pair *p = replicated();

	pair_command(p, 1, ENGINE_COMMIT, 1);
	/* half-way the local table holds the first part of the walk alone */
	for (unsigned n = 0; n < 5; n++) {
		answer_round(p, 1);
		engine_check(p->node[1].engine);
	}
	CU_ASSERT(pair_status(p, 1).local_flows < FLOWS);
	while (p->node[1].ops_count > 0)
		answer_round(p, 1);
	engine_check(p->node[1].engine);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

static void a_commit_dumps_once_behind_its_end(void)
{
	struct pair *p = replicated();
	unsigned dumps = 0;

	pair_command(p, 1, ENGINE_COMMIT, 1);
	while (pair_status(p, 1).committing) {
		CU_ASSERT_EQUAL(dumps, 0);
		dumps += answer_round(p, 1);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	while (p->node[1].ops_count > 0)
		dumps += answer_round(p, 1);
	CU_ASSERT_EQUAL(dumps, 1);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a table filled from another's walk is spread",
		a_table_filled_from_anothers_walk_is_spread},
	{"a commit dumps once, behind its end", a_commit_dumps_once_behind_its_end},
};

UNIT_MAIN("core_many", tests)
