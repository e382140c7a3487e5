/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "core_pair.h"
#include "flow/status.h"
#include "unit.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

static struct pair *started(void)
{
	struct pair *p = pair_new(NULL);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

static void a_change_is_sent_once_with_its_last_state(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);
	struct engine_flow_view v;
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	for (uint32_t mark = 1; mark <= 5; mark++) {
		f.mark = mark;
		flow_mark_set(&f, FLOW_MARK);
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	}
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS) - sent, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_COALESCED), 5);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 5);
	pair_free(p);
}

static void born_and_dead_unsent_costs_nothing(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

static void a_flow_reborn_before_its_end_was_sent_is_alive_at_the_peer(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	f.id = 99;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	/* and if the new one ends unsent, the peer still has to hear of an end */
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	f.id = 100;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

static void the_end_of_a_former_flow_does_not_end_the_present_one(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1), old = f;

	f.id = 77;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &old);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	pair_free(p);
}

static void a_filter_refuses_and_removes(void)
{
	struct engine_config c = pair_config();
	struct pair *p;
	struct flow f = pair_flow(1);

	c.filter.state_policy = FLOW_FILTER_ACCEPT;
	flow_filter_add_tcp_state(&c.filter, FLOW_TCP_ESTABLISHED);
	p = pair_new(&c);
	f.tcp.state = FLOW_TCP_SYN_SENT;
	flow_mark_set(&f, FLOW_TCP_STATE);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &f));
	f.tcp.state = FLOW_TCP_ESTABLISHED;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	f.tcp.state = FLOW_TCP_FIN_WAIT;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_KERNEL_FILTERED), 2);
	pair_free(p);
}

static void an_event_without_addresses_is_counted(void)
{
	struct pair *p = started();
	struct flow f = {0};

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_KERNEL_NO_KEY), 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

static void a_dump_does_not_bring_back_what_ended_meanwhile(void)
{
	struct pair *p = started();
	struct flow known = pair_flow(1), unknown = pair_flow(2), reborn = pair_flow(3);

	pair_event(p, 0, KERNEL_EVENT_NEW, &known);
	pair_exchange(p);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &known);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &unknown);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &reborn);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &known);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &unknown);
	reborn.id = 1234;
	pair_event(p, 0, KERNEL_DUMP_FLOW, &reborn);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 3000);
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &known));
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &unknown));
	/* Whether that record is older or newer than the end, its event will tell. */
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &reborn));
	pair_event(p, 0, KERNEL_EVENT_NEW, &reborn);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &reborn));
	pair_run(p, 3000);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &known));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &reborn));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

static void a_dump_does_not_put_back_an_older_state(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1), old = f;
	struct engine_flow_view v;

	flow_mark_set(&f, FLOW_MARK);
	flow_mark_set(&old, FLOW_MARK);
	old.mark = 1;
	f.mark = 2;
	pair_event(p, 0, KERNEL_EVENT_NEW, &old);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &old);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	CU_ASSERT_TRUE(engine_find(p->node[0].engine, LOCAL, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 2);
	pair_free(p);
}

static void a_dump_sweeps_what_it_does_not_name(void)
{
	struct pair *p = started();
	struct flow stays = pair_flow(1), gone = pair_flow(2), fresh = pair_flow(3);

	pair_event(p, 0, KERNEL_EVENT_NEW, &stays);
	pair_event(p, 0, KERNEL_EVENT_NEW, &gone);
	pair_exchange(p);
	engine_overrun(p->node[0].engine, p->now);
	CU_ASSERT_FALSE(pair_status(p, 0).kernel_synced);
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops[p->node[0].ops_count - 1].kind, KERNEL_OP_DUMP);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_NEW, &fresh);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &stays);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_status(p, 0).kernel_synced);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &stays));
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &fresh));
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &gone));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &gone));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_KERNEL_SWEPT), 1);
	pair_free(p);
}

static void an_aborted_dump_sweeps_nothing_and_comes_again(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);
	unsigned ops;

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	engine_overrun(p->node[0].engine, p->now);
	pair_pull_ops(p, 0);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_DUMP_ABORT, NULL);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_FALSE(pair_status(p, 0).kernel_synced);
	ops = p->node[0].ops_count;
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops);
	pair_run(p, 1100);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_free(p);
}

static void an_overrun_during_a_dump_asks_for_another(void)
{
	struct pair *p = started();
	unsigned ops;

	engine_overrun(p->node[0].engine, p->now);
	pair_pull_ops(p, 0);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	engine_overrun(p->node[0].engine, p->now);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	CU_ASSERT_FALSE(pair_status(p, 0).kernel_synced);
	ops = p->node[0].ops_count;
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_dump_empty(p, 0);
	CU_ASSERT_TRUE(pair_status(p, 0).kernel_synced);
	pair_free(p);
}

/* A dump of so long, with events lost in it. */
static void dump_in_overload(struct pair *p, int64_t ms)
{
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	p->now = mono_add_ms(p->now, ms);
	engine_overrun(p->node[0].engine, p->now);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
}

static void in_an_overload_dumps_take_a_share_of_the_time(void)
{
	struct pair *p = started();
	unsigned ops;

	engine_overrun(p->node[0].engine, p->now);
	pair_pull_ops(p, 0);
	dump_in_overload(p, 500);
	ops = p->node[0].ops_count;
	/* events are lost all the time: nothing for four times as long as the last one took */
	for (int64_t ms = 0; ms < 1900; ms += 100) {
		pair_run(p, 100);
		engine_overrun(p->node[0].engine, p->now);
	}
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	/* it is over: the next one begins as soon as that is seen */
	dump_in_overload(p, 500);
	CU_ASSERT_FALSE(pair_status(p, 0).kernel_synced);
	pair_run(p, LIMIT_CALM_MS - 150);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 2);
	pair_dump_empty(p, 0);
	CU_ASSERT_TRUE(pair_status(p, 0).kernel_synced);
	pair_free(p);
}

/* What has ended unheard takes the place of what is new until a dump tells. */
static void in_an_overload_a_full_table_does_not_wait(void)
{
	struct engine_config config = pair_config();
	struct pair *p;
	unsigned ops;

	config.flows_max = 4;
	p = pair_new(&config);
	pair_dump_empty(p, 0);
	engine_overrun(p->node[0].engine, p->now);
	pair_pull_ops(p, 0);
	dump_in_overload(p, 500);
	ops = p->node[0].ops_count;
	for (uint32_t i = 1; i <= 5; i++) {
		struct flow f = pair_flow(i);

		pair_pull_ops(p, 0);
		CU_ASSERT_EQUAL(p->node[0].ops_count, ops);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LOCAL_FULL), 1);
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_free(p);
}

static void silent_flows_are_polled_until_none_is_left(void)
{
	struct pair *p = started();
	struct flow heard = pair_flow(1), unheard = pair_flow(2);
	unsigned ops;

	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &heard);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &unheard);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 2);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &heard);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 1);
	ops = p->node[0].ops_count;
	pair_run(p, 4000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops);
	pair_run(p, 1500);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &heard);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 100);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &unheard));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 0);
	pair_run(p, 20000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, ops + 1);
	pair_free(p);
}

static void an_unchanged_dump_sends_nothing(void)
{
	struct pair *p = started();
	struct flow f;
	uint64_t sent;

	for (uint32_t n = 0; n < 100; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t n = 0; n < 100; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	pair_free(p);
}

static void a_full_table_refuses_and_says_so(void)
{
	struct engine_config c = pair_config();
	struct pair *p;
	struct flow f;

	c.flows_max = 100;
	p = pair_new(&c);
	for (uint32_t n = 0; n < 150; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 100);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LOCAL_FULL), 50);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_TABLE_FULL));
	pair_free(p);
}

static void a_flow_is_shown_once_in_a_walk(void)
{
	struct pair *p = started();
	struct engine_flow_view v;
	uint64_t cursor = 0;
	unsigned shown = 0;
	struct flow f;

	for (uint32_t n = 0; n < 500; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	p->now = mono_add_sec(p->now, 2);
	while (engine_show_next(p->node[1].engine, p->now, REMOTE, &cursor, &v)) {
		CU_ASSERT_EQUAL(v.peer, 0);
		CU_ASSERT(v.flow.timeout <= pair_flow(0).timeout - 2);
		shown++;
	}
	CU_ASSERT_EQUAL(shown, 500);
	CU_ASSERT_FALSE(engine_show_next(p->node[1].engine, p->now, REMOTE, &cursor, &v));
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a change is sent once with its last state", a_change_is_sent_once_with_its_last_state},
	{"born and dead unsent costs nothing", born_and_dead_unsent_costs_nothing},
	{"a flow reborn before its end was sent is alive at the peer",
		a_flow_reborn_before_its_end_was_sent_is_alive_at_the_peer},
	{"the end of a former flow does not end the present one",
		the_end_of_a_former_flow_does_not_end_the_present_one},
	{"a filter refuses and removes", a_filter_refuses_and_removes},
	{"an event without addresses is counted", an_event_without_addresses_is_counted},
	{"a dump does not bring back what ended meanwhile",
		a_dump_does_not_bring_back_what_ended_meanwhile},
	{"a dump does not put back an older state", a_dump_does_not_put_back_an_older_state},
	{"a dump sweeps what it does not name", a_dump_sweeps_what_it_does_not_name},
	{"an aborted dump sweeps nothing and comes again",
		an_aborted_dump_sweeps_nothing_and_comes_again},
	{"an overrun during a dump asks for another", an_overrun_during_a_dump_asks_for_another},
	{"in an overload dumps take a share of the time",
		in_an_overload_dumps_take_a_share_of_the_time},
	{"in an overload a full table does not wait", in_an_overload_a_full_table_does_not_wait},
	{"silent flows are polled until none is left", silent_flows_are_polled_until_none_is_left},
	{"an unchanged dump sends nothing", an_unchanged_dump_sends_nothing},
	{"a full table refuses and says so", a_full_table_refuses_and_says_so},
	{"a flow is shown once in a walk", a_flow_is_shown_once_in_a_walk},
};

UNIT_MAIN("core_kernel", tests)
