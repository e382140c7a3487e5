/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"
#include "base/rng.h"
#include "core_pair.h"
#include "tests/lib/seed.h"
#include "unit.h"

/* Memory after a burst: it goes back, and nobody notices. */
enum { BURST = 12000 };

static struct engine_config config(void)
{
	struct engine_config c = pair_config();

	c.chunk_bytes = ARENA_CHUNK_BYTES_MIN;
	c.memory_keep_bytes = 0;
	return c;
}

static struct pair *in_step(const struct engine_config *c)
{
	struct pair *p = pair_new(c);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

static void tell(struct pair *p, enum kernel_event kind, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, kind, &f);
	}
}

static void all_comes_and_goes(void)
{
	struct engine_config c = config();
	struct pair *p = in_step(&c);
	uint64_t before[PAIR_NODES];

	tell(p, KERNEL_EVENT_NEW, 0, 100);
	pair_run(p, 5000);
	for (unsigned n = 0; n < PAIR_NODES; n++)
		before[n] = pair_status(p, n).memory_bytes;
	for (unsigned round = 0; round < 2; round++) {
		tell(p, KERNEL_EVENT_NEW, 100, BURST);
		pair_run(p, 1000);
		for (unsigned n = 0; n < PAIR_NODES; n++)
			CU_ASSERT(pair_status(p, n).memory_bytes > 10 * before[n]);
		tell(p, KERNEL_EVENT_DESTROY, 100, BURST);
		pair_run(p, 30000);
		for (unsigned n = 0; n < PAIR_NODES; n++) {
			/* what describes chunks stays, 20 bytes for each */
			CU_ASSERT(pair_status(p, n).memory_bytes <
				  before[n] + before[n] / 5 + BURST * 140 / 4096 * 20);
			CU_ASSERT(p->node[n].released_bytes > (round + 1) * BURST * 64);
		}
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 100);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	pair_free(p);
}

/* The least that is left anywhere keeps no page: so what is left has to move. */
static void what_stays_moves_together(void)
{
	static bool stays[BURST];
	struct rng r = rng_of(seed_get("test_core_release"));
	struct engine_config c = config();
	struct pair *p = in_step(&c);
	uint32_t left = 0;

	tell(p, KERNEL_EVENT_NEW, 0, BURST);
	pair_run(p, 1000);
	for (uint32_t i = 0; i < BURST; i++) {
		stays[i] = rng_chance(&r, 1, 10);
		left += stays[i];
		if (!stays[i])
			tell(p, KERNEL_EVENT_DESTROY, i, i + 1);
	}
	/* on every list: some are to be sent still, and tombstones wait for their acknowledgement
	 */
	for (uint32_t i = 0; i < BURST; i += 3)
		if (stays[i])
			tell(p, KERNEL_EVENT_UPDATE, i, i + 1);
	engine_tick(p->node[0].engine, p->now);
	engine_check(p->node[0].engine);
	pair_run(p, 30000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_MEMORY_MOVED) > left / 2);
	CU_ASSERT(pair_counter(p, 1, COUNTER_MEMORY_MOVED) > left / 2);
	for (unsigned n = 0; n < PAIR_NODES; n++)
		CU_ASSERT(pair_status(p, n).memory_bytes < left * 170 + 100000);
	for (uint32_t i = 0; i < BURST; i++) {
		struct flow f = pair_flow(i);

		CU_ASSERT_EQUAL(pair_has(p, 0, ENGINE_TABLE_LOCAL, &f), stays[i]);
		CU_ASSERT_EQUAL(pair_has(p, 1, ENGINE_TABLE_REMOTE, &f), stays[i]);
	}
	pair_free(p);
}

static bool lose_all(unsigned from, unsigned n)
{
	(void)n;
	return from == 0;
}

/* What a gap asks for is found by its number, wherever it is now. */
static void what_has_moved_is_resent(void)
{
	struct engine_config c = config();
	struct pair *p = in_step(&c);

	tell(p, KERNEL_EVENT_NEW, 0, BURST);
	pair_run(p, 1000);
	p->lose = lose_all;
	for (uint32_t i = 0; i < BURST; i++)
		if (i % 10)
			tell(p, KERNEL_EVENT_DESTROY, i, i + 1);
		else
			tell(p, KERNEL_EVENT_UPDATE, i, i + 1);
	pair_run(p, 2000);
	p->lose = NULL;
	pair_run(p, 20000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_MEMORY_MOVED) > 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, BURST / 10);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

/* What waits to be written, or to be ended, in the kernel. */
static void what_waits_for_the_kernel_moves(void)
{
	struct engine_config c = config();
	struct pair *p;
	uint32_t written = 0, ended = 0;

	c.external_cache_off = true;
	p = in_step(&c);
	tell(p, KERNEL_EVENT_NEW, 0, BURST);
	pair_run(p, 1000);
	for (uint32_t i = 0; i < BURST; i++)
		if (i % 10)
			tell(p, KERNEL_EVENT_DESTROY, i, i + 1);
	pair_run(p, 10000);
	CU_ASSERT(pair_counter(p, 1, COUNTER_MEMORY_MOVED) > 0);
	CU_ASSERT(p->node[1].ops_count > 0);
	while (p->node[1].ops_count > 0) {
		for (unsigned i = 0; i < p->node[1].ops_count; i++) {
			written += p->node[1].ops[i].kind == KERNEL_OP_CREATE;
			ended += p->node[1].ops[i].kind == KERNEL_OP_DELETE;
			engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[i].id, 0);
		}
		p->node[1].ops_count = 0;
		pair_pull_ops(p, 1);
	}
	CU_ASSERT_EQUAL(written - ended, BURST / 10);
	pair_run(p, 10000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, BURST / 10);
	pair_free(p);
}

/* Where there is nothing to look for, nobody is woken for it. */
static void a_calm_engine_sleeps(void)
{
	struct engine_config c = config();
	struct pair *p;
	struct engine *e;

	c.links = 0;
	p = pair_new(&c);
	e = p->node[0].engine;
	pair_pull_ops(p, 0);
	pair_dump_empty(p, 0);
	pair_run(p, 1000);
	CU_ASSERT_TRUE(mono_is_never(engine_deadline(e)));
	tell(p, KERNEL_EVENT_NEW, 0, BURST);
	tell(p, KERNEL_EVENT_DESTROY, 0, BURST);
	for (unsigned n = 0; n < 1000 && !mono_is_never(engine_deadline(e)); n++)
		pair_run(p, 100);
	CU_ASSERT_TRUE(mono_is_never(engine_deadline(e)));
	CU_ASSERT(p->node[0].released_bytes > BURST * 64);
	pair_free(p);
}

/* Whoever does not ask for pages to give back is not woken each time for nothing. */
static void nobody_has_to_ask(void)
{
	struct engine_config c = config();
	struct pair *p = in_step(&c);
	struct engine *e = p->node[0].engine;
	unsigned ticks = 0;

	tell(p, KERNEL_EVENT_NEW, 0, BURST);
	tell(p, KERNEL_EVENT_DESTROY, 0, BURST);
	pair_exchange(p);
	for (int64_t ms = 0; ms < 60000; ms++) {
		p->now = mono_add_ms(p->now, 1);
		if (!mono_reached(p->now, engine_deadline(e)))
			continue;
		engine_tick(e, p->now);
		pair_exchange(p);
		ticks++;
	}
	CU_ASSERT(ticks < 1000);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"all comes and goes", all_comes_and_goes},
	{"what stays moves together", what_stays_moves_together},
	{"what has moved is resent", what_has_moved_is_resent},
	{"what waits for the kernel moves", what_waits_for_the_kernel_moves},
	{"a calm engine sleeps", a_calm_engine_sleeps},
	{"nobody has to ask", nobody_has_to_ask},
};

UNIT_MAIN("core_release", tests)
