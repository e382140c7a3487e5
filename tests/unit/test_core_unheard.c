/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "unit.h"

/* NewEvents off: no NEW event is ever heard, and a dump each poll_s finds what nothing else told.
 */

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { POLL_MS = 5000, DELAY_MS = 250 };

static struct pair *started_with(struct engine_config config)
{
	struct pair *p;

	config.births_unheard = true;
	p = pair_new(&config);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	p->node[0].ops_count = 0;
	return p;
}

static struct pair *started(void)
{
	return started_with(pair_config());
}

static void dump(struct pair *p, const struct flow *f, size_t count)
{
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	for (size_t i = 0; i < count; i++)
		pair_event(p, 0, KERNEL_DUMP_FLOW, &f[i]);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
}

/* A related flow, as a dump tells it; related_event() is what an event tells of it. */
static struct flow related_flow(uint32_t n)
{
	struct flow f = pair_flow(n), master = pair_flow(1000);

	f.status |= FLOW_STATUS_EXPECTED;
	flow_mark_set(&f, FLOW_STATUS);
	f.master = master.tuple[FLOW_ORIG];
	flow_mark_set(&f, FLOW_MASTER_L3PROTO);
	flow_mark_set(&f, FLOW_MASTER_L4PROTO);
	flow_mark_set(&f, FLOW_MASTER_IPV4_SRC);
	flow_mark_set(&f, FLOW_MASTER_IPV4_DST);
	flow_mark_set(&f, FLOW_MASTER_PORT_SRC);
	flow_mark_set(&f, FLOW_MASTER_PORT_DST);
	return f;
}

static struct flow related_event(struct flow f)
{
	for (int attr = FLOW_MASTER_IPV4_SRC; attr <= FLOW_MASTER_L4PROTO; attr++)
		flow_mark_unset(&f, (enum flow_attr)attr);
	f.timeout += 100; /* newer than what a dump read before it */
	return f;
}

static bool peer_knows_master(struct pair *p, const struct flow *f)
{
	struct engine_flow_view v;

	return engine_find(p->node[1].engine, REMOTE, f, &v) &&
	       flow_has(&v.flow, FLOW_MASTER_L4PROTO);
}

static void births_are_never_wanted(void)
{
	struct pair *p = started();

	CU_ASSERT_FALSE(engine_wants_births(p->node[0].engine));
	CU_ASSERT_TRUE(pair_status(p, 0).kernel_synced);
	pair_free(p);
}

static void an_update_makes_a_flow_known(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

static unsigned dumps_asked(const struct pair *p)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->node[0].ops_count; i++)
		count += p->node[0].ops[i].kind == KERNEL_OP_DUMP;
	return count;
}

static void the_table_is_looked_at_again_and_again(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);

	pair_run(p, POLL_MS);
	CU_ASSERT_EQUAL(dumps_asked(p), 1);
	dump(p, &f, 1);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	/* it will tell its end: somebody listens to those when it is born */
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 0);
	pair_run(p, POLL_MS + 200);
	CU_ASSERT_EQUAL(dumps_asked(p), 2);
	pair_free(p);
}

/* What was there before anybody listened is another matter. */
static void of_the_first_look_a_flow_is_silent(void)
{
	struct engine_config c = pair_config();
	struct flow f = pair_flow(1);
	struct pair *p;

	c.births_unheard = true;
	p = pair_new(&c);
	dump(p, &f, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 1);
	pair_free(p);
}

static void the_end_of_what_was_never_seen_is_nobodys_news(void)
{
	struct pair *p = started();
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

static void a_related_flow_waits_for_its_master(void)
{
	struct pair *p = started();
	struct flow whole = related_flow(1), f = related_event(whole);

	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_TRUE(pair_counter(p, 0, COUNTER_KERNEL_PARTS) > 0);
	dump(p, &whole, 1);
	CU_ASSERT_TRUE(peer_knows_master(p, &f));
	pair_free(p);
}

/* The event comes between the dump's begin and the record, which is older. */
static void a_dump_completes_what_is_newer_than_it(void)
{
	struct pair *p = started();
	struct flow whole = related_flow(1), f = related_event(whole);
	struct engine_flow_view v;

	f.mark = 7;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &whole);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	CU_ASSERT_TRUE(peer_knows_master(p, &f));
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 7);
	pair_free(p);
}

/* A kernel that says expected and never of what: it is told as it is. */
static void no_more_than_one_look_is_waited_for(void)
{
	struct pair *p = started();
	struct flow f = related_event(related_flow(1)), g = related_event(related_flow(2));

	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	dump(p, &f, 1);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &g);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &g);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &g));
	pair_free(p);
}

static void with_births_heard_nothing_waits(void)
{
	struct pair *p = pair_new(NULL);
	struct flow f = related_event(related_flow(1));

	pair_dump_empty(p, 0);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_KERNEL_PARTS), 0);
	pair_free(p);
}

static void sync_delay_begins_when_a_flow_is_seen(void)
{
	struct engine_config c = pair_config();
	struct flow updated = pair_flow(1), dumped[2] = {pair_flow(1), pair_flow(2)};
	uint64_t sent;
	struct pair *p;

	c.sync_delay_ms = DELAY_MS;
	p = started_with(c);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &updated);
	dump(p, dumped, 2);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &updated);
	pair_run(p, 2 * DELAY_MS);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &updated));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &dumped[1]));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent + 1);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"births are never wanted", births_are_never_wanted},
	{"an update makes a flow known", an_update_makes_a_flow_known},
	{"the table is looked at again and again", the_table_is_looked_at_again_and_again},
	{"of the first look a flow is silent", of_the_first_look_a_flow_is_silent},
	{"the end of what was never seen is nobody's news",
		the_end_of_what_was_never_seen_is_nobodys_news},
	{"a related flow waits for its master", a_related_flow_waits_for_its_master},
	{"a dump completes what is newer than it", a_dump_completes_what_is_newer_than_it},
	{"no more than one look is waited for", no_more_than_one_look_is_waited_for},
	{"with births heard nothing waits", with_births_heard_nothing_waits},
	{"SyncDelay begins when a flow is seen", sync_delay_begins_when_a_flow_is_seen},
};

UNIT_MAIN("core_unheard", tests)
