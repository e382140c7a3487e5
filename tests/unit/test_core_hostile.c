/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

/* What a forged, corrupted or delayed message does is bounded, and is over when it stops. */

static struct pair *started(void)
{
	struct pair *p = pair_new(NULL);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

static void link_down_costs_no_processor(void)
{
	struct pair *p = started();
	unsigned ticks = 0;
	mono end;

	pair_command(p, 0, ENGINE_DEMOTE, 1);
	/* nothing is pulled from here on */
	end = mono_add_sec(p->now, 3600);
	while (mono_before(p->now, end) && ticks < 100000) {
		mono at = engine_deadline(p->node[0].engine);

		if (mono_before(p->now, at))
			p->now = at;
		engine_tick(p->node[0].engine, p->now);
		ticks++;
	}
	CU_ASSERT(ticks < 100000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_CONTROL_FULL), 0);
	engine_check(p->node[0].engine);
	pair_free(p);
}

static void commands_without_end_leave_room_for_a_promotion(void)
{
	struct pair *p = started();

	for (unsigned i = 0; i < 2 * LIMIT_COMMANDS; i++) {
		struct engine_command c = {ENGINE_BULK, 100 + i};

		engine_command(p->node[0].engine, p->now, &c); /* nothing is pulled */
	}
	pair_forget(p);
	pair_command(p, 0, ENGINE_PROMOTE, 7);
	CU_ASSERT_EQUAL(pair_status(p, 0).role, ENGINE_ROLE_PRIMARY);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"link down costs no processor", link_down_costs_no_processor},
	{"commands without end leave room for a promotion",
		commands_without_end_leave_room_for_a_promotion},
};

UNIT_MAIN("core_hostile", tests)
