/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "unit.h"
#include "wire/v1.h"

#define REMOTE ENGINE_TABLE_REMOTE

enum { DELAY_MS = 250 };

static struct pair *started(uint32_t sync_delay_ms)
{
	struct engine_config config = pair_config();
	struct pair *p;

	config.sync_delay_ms = sync_delay_ms;
	p = pair_new(&config);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

/* A flow with a mark to be changed. */
static struct flow marked_flow(uint32_t n)
{
	struct flow f = pair_flow(n);

	f.mark = 1;
	flow_mark_set(&f, FLOW_MARK);
	return f;
}

/* Turns the clock to node 0's next deadline, but no further than ms; ticks and sends. */
static void step(struct pair *p, int64_t ms)
{
	mono at = engine_deadline(p->node[0].engine), end = mono_add_ms(p->now, ms);

	p->now = mono_before(at, end) ? at : end;
	for (unsigned n = 0; n < PAIR_NODES; n++)
		engine_tick(p->node[n].engine, p->now);
	pair_exchange(p);
}

static void step_until(struct pair *p, mono end)
{
	while (mono_before(p->now, end))
		step(p, mono_diff_ms(end, p->now));
}

/* ---- SyncDelay ---- */

static void a_new_flow_is_told_when_the_delay_has_passed(void)
{
	struct pair *p = started(DELAY_MS);
	mono born = p->now;
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 1);
	step_until(p, mono_add_ms(born, DELAY_MS - 1));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	step_until(p, mono_add_ms(born, DELAY_MS + LIMIT_HELD_GRAIN_MS));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_free(p);
}

static void without_a_delay_it_is_told_at_once(void)
{
	struct pair *p = started(0);
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

static void what_dies_young_costs_nothing(void)
{
	struct pair *p = started(DELAY_MS);
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);

	for (uint32_t i = 0; i < 100; i++) {
		struct flow f = marked_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		f.mark++;
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
		step(p, 1);
		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SHORT_LIVED), 100);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

/* Its entry stays in the kernel for minutes; nobody needs it. */
static void what_closes_young_is_not_told(void)
{
	struct pair *p = started(DELAY_MS);
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	struct flow f = pair_flow(1), g = pair_flow(2);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_event(p, 0, KERNEL_EVENT_NEW, &g);
	f.tcp.state = FLOW_TCP_TIME_WAIT;
	g.tcp.state = FLOW_TCP_CLOSE;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &g);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SHORT_LIVED), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	/* it lives on: the state that changes is told */
	g.tcp.state = FLOW_TCP_SYN_SENT;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &g);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &g));
	pair_free(p);
}

static void changes_meanwhile_need_no_message(void)
{
	struct pair *p = started(DELAY_MS);
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	struct engine_flow_view v;
	struct flow f = marked_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	for (unsigned i = 0; i < 10; i++) {
		f.mark++;
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
		step(p, 1);
	}
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent + 1);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, f.mark);
	/* from here on it is like any other */
	f.mark++;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, f.mark);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

/* The tuple's former flow is known to the peer: its successor must not be kept from it. */
static void a_reborn_flow_whose_end_is_not_acknowledged_is_not_held(void)
{
	struct pair *p = started(DELAY_MS);
	struct engine_flow_view v;
	struct flow f = marked_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 2000);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	f.id += 1000;
	f.mark = 5;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 5);
	pair_run(p, 3000);
	/* and one behind an acknowledged end is */
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	f.id += 1000;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

/* One that is held, and whose end went unheard, is another flow: it waits anew, and in its turn. */
static void a_replaced_flow_waits_anew(void)
{
	struct pair *p = started(DELAY_MS);
	mono born;
	struct flow f = pair_flow(1), g = pair_flow(2);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	step_until(p, mono_add_ms(p->now, DELAY_MS / 2));
	born = p->now;
	pair_event(p, 0, KERNEL_EVENT_NEW, &g);
	f.id += 1000;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	engine_check(p->node[0].engine);
	step_until(p, mono_add_ms(born, DELAY_MS - 1));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	step_until(p, mono_add_ms(born, DELAY_MS + LIMIT_HELD_GRAIN_MS));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &g));
	pair_free(p);
}

static void a_bulk_tells_all_that_there_is(void)
{
	struct pair *p = started(DELAY_MS);
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_command(p, 0, ENGINE_BULK, 1);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SHORT_LIVED), 0);
	pair_free(p);
}

static void a_flush_forgets_what_is_held(void)
{
	struct pair *p = started(DELAY_MS);
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_command(p, 0, ENGINE_FLUSH, 1);
	engine_check(p->node[0].engine);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_run(p, 1000);
	pair_free(p);
}

/* A dump cannot tell how long a flow has been there. */
static void dumped_flows_are_not_held(void)
{
	struct pair *p = started(DELAY_MS);
	struct flow f = pair_flow(1), g = pair_flow(2);

	pair_event(p, 0, KERNEL_EVENT_NEW, &g);
	pair_command(p, 0, ENGINE_RESYNC_KERNEL, 1);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_FLOW, &f);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_FLOW, &g);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &g));
	pair_run(p, 1000);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &g));
	pair_free(p);
}

/* One that a dump does not find any more has ended, and nobody has to know. */
static void a_held_flow_that_a_dump_misses_is_forgotten(void)
{
	struct pair *p = started(DELAY_MS);
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_command(p, 0, ENGINE_RESYNC_KERNEL, 1);
	pair_dump_empty(p, 0);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SHORT_LIVED), 1);
	pair_free(p);
}

/* ---- datagrams under load ---- */

static unsigned pull(struct pair *p, size_t *len)
{
	uint8_t buf[2048];
	unsigned link, datagrams = 0;
	size_t got;

	*len = 0;
	while ((got = engine_next_datagram(p->node[0].engine, p->now, buf, sizeof(buf), &link))) {
		*len = got;
		datagrams++;
	}
	return datagrams;
}

static void born(struct pair *p, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct flow f = pair_flow(first + i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
}

/* How many of pair_flow() a datagram takes; nothing is left behind. */
static uint32_t full_count(struct pair *p)
{
	uint64_t before = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	uint8_t buf[2048];
	unsigned link;
	uint32_t count;
	size_t len;

	born(p, 10000, 100);
	CU_ASSERT(engine_next_datagram(p->node[0].engine, p->now, buf, sizeof(buf), &link) > 1400);
	count = (uint32_t)(pair_counter(p, 0, COUNTER_SENT_FLOWS) - before);
	pull(p, &len);
	return count;
}

static void the_rest_of_a_reading_waits_for_the_next_one(void)
{
	struct pair *p = started(0);
	uint32_t full = full_count(p);
	size_t len;

	engine_gathering(p->node[0].engine, true);
	born(p, 0, 2 * full + 3);
	CU_ASSERT_EQUAL(pull(p, &len), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 3);
	/* the next reading fills it up */
	engine_gathering(p->node[0].engine, true);
	born(p, 100, full);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 3);
	/* one that brings little pushes it out as it is: nothing waits twice */
	engine_gathering(p->node[0].engine, true);
	born(p, 200, 2);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	CU_ASSERT(len < 1472 / 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_free(p);
}

static void nothing_waits_when_no_reading_follows(void)
{
	struct pair *p = started(0);
	uint32_t full = full_count(p);
	size_t len;

	engine_gathering(p->node[0].engine, true);
	born(p, 0, full + 3);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	engine_gathering(p->node[0].engine, false);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	born(p, 100, full + 3);
	CU_ASSERT_EQUAL(pull(p, &len), 2);
	pair_free(p);
}

static void a_reading_that_fills_no_datagram_does_not_wait(void)
{
	struct pair *p = started(0);
	uint32_t full = full_count(p);
	size_t len;

	engine_gathering(p->node[0].engine, true);
	born(p, 0, full - 1);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	pair_free(p);
}

static void control_messages_take_the_rest_along(void)
{
	struct pair *p = started(0);
	uint32_t full = full_count(p);
	size_t len;

	engine_gathering(p->node[0].engine, true);
	born(p, 0, full + 3);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	pair_command(p, 0, ENGINE_RESYNC_PEERS, 1);
	CU_ASSERT_EQUAL(pull(p, &len), 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a new flow is told when the delay has passed",
		a_new_flow_is_told_when_the_delay_has_passed},
	{"without a delay it is told at once", without_a_delay_it_is_told_at_once},
	{"what dies young costs nothing", what_dies_young_costs_nothing},
	{"what closes young is not told", what_closes_young_is_not_told},
	{"changes meanwhile need no message", changes_meanwhile_need_no_message},
	{"a reborn flow whose end is not acknowledged is not held",
		a_reborn_flow_whose_end_is_not_acknowledged_is_not_held},
	{"a replaced flow waits anew", a_replaced_flow_waits_anew},
	{"a bulk tells all that there is", a_bulk_tells_all_that_there_is},
	{"a flush forgets what is held", a_flush_forgets_what_is_held},
	{"dumped flows are not held", dumped_flows_are_not_held},
	{"a held flow that a dump misses is forgotten",
		a_held_flow_that_a_dump_misses_is_forgotten},
	{"the rest of a reading waits for the next one",
		the_rest_of_a_reading_waits_for_the_next_one},
	{"nothing waits when no reading follows", nothing_waits_when_no_reading_follows},
	{"a reading that fills no datagram does not wait",
		a_reading_that_fills_no_datagram_does_not_wait},
	{"control messages take the rest along", control_messages_take_the_rest_along},
};

UNIT_MAIN("core queue", tests)
