/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/status.h"
#include "tests/lib/expectgen.h"
#include "warm_pair.h"
#include "unit.h"

/* ---- what the kernel does by itself ---- */

static void what_the_kernel_ends_is_written_again(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(5);

	warm_kernel.flow[5].live = false;
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 1);
	warm_run(p, WARM_AGE_MS - 200);
	CU_ASSERT_FALSE(warm_kernel.flow[5].live); /* its peer's end may be on the way */
	warm_run(p, 400);
	CU_ASSERT_TRUE(warm_kernel.flow[5].live);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_LOST), 1);
	/* and its end is carried out as ever */
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(warm_kernel.flow[5].live);
	pair_free(p);
}

static void what_ended_unheard_is_found_by_a_dump(void)
{
	struct pair *p = warm_started();

	for (unsigned i = 0; i < 5; i++)
		warm_kernel.flow[i].live = false;
	engine_overrun(p->node[1].engine, p->now);
	warm_serve(p);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 5);
	warm_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_CREATE], 5);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	pair_free(p);
}

/*
 * The kernel's end of a flow is read after the flow was written anew: the entry that is found then
 * is our own.
 */
static void an_end_read_late_does_not_make_an_entry_a_strangers(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(6);

	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f); /* though it is there */
	warm_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_UPDATE], 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(warm_kernel.flow[6].live);
	pair_free(p);
}

/* Packets at the peer put a timeout forward, and nobody tells. */
static void no_timeout_runs_low(void)
{
	struct pair *p = warm_begin();

	for (uint32_t i = 0; i < WARM_FLOWS; i++) {
		struct flow f = pair_flow(i);

		f.timeout = 10 + 20 * i;
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	warm_run(p, WARM_AGE_MS + 200);
	for (int s = 0; s < 600; s++) {
		warm_run(p, 1000);
		for (unsigned i = 0; i < WARM_FLOWS; i++) {
			CU_ASSERT_TRUE(warm_kernel.flow[i].live);
			CU_ASSERT(mono_diff_sec(warm_kernel.flow[i].expires, p->now) >= 25);
		}
	}
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_LOST), 0);
	/* each no more often than it needs to be */
	for (unsigned i = 0; i < WARM_FLOWS; i++)
		CU_ASSERT(warm_kernel.flow[i].written <= 600 / 30 + 2);
	pair_free(p);
}

/* A short timeout was told last, and is still to be written: our kernel has the long one. */
static void what_is_to_be_written_is_not_left_to_its_timer(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0), last = warm_in_state(0, FLOW_TCP_TIME_WAIT);

	last.timeout = LIMIT_RUN_OUT_S;
	for (unsigned active = 0; active < 2; active++) {
		memset(&warm_kernel.flow[0], 0, sizeof(warm_kernel.flow[0]));
		/* there before it is told, or made by a node that carries packets */
		if (active)
			pair_command(p, 1, ENGINE_PROMOTE, 2);
		else
			warm_kernel.flow[0] = (struct warm_kernel_flow){
				.live = true, .expires = mono_add_sec(p->now, f.timeout)};
		pair_command(p, 1, ENGINE_RESYNC_KERNEL, 1);
		warm_run(p, 100);
		warm_tell(p, KERNEL_EVENT_NEW, &f);
		warm_run(p, WARM_AGE_MS + 300);
		warm_tell(p, KERNEL_EVENT_UPDATE, &last);
		CU_ASSERT(mono_diff_sec(warm_kernel.flow[0].expires, p->now) > 100);
		warm_tell(p, KERNEL_EVENT_DESTROY, &last);
		CU_ASSERT_TRUE(warm_kernel.flow[0].live);
		CU_ASSERT(
			mono_diff_sec(warm_kernel.flow[0].expires, p->now) <= LIMIT_DEAD_TIMEOUT_S);
	}
	pair_free(p);
}

/* It was active, and stands by: what its peer has now is there for the peer alone. */
static void what_was_handed_over_ends_with_its_peer(void)
{
	struct pair *p = warm_started();

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	warm_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, WARM_FLOWS);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	warm_run(p, 1000);
	for (uint32_t i = 0; i < WARM_FLOWS - 5; i++) {
		struct flow f = warm_marked(i, 7);

		warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	}
	for (uint32_t i = WARM_FLOWS - 5; i < WARM_FLOWS; i++) {
		struct flow f = pair_flow(i);

		warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	warm_run(p, 63000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS - 5);
	warm_forget_ops();
	for (uint32_t i = 0; i < WARM_FLOWS - 5; i++) {
		struct flow f = pair_flow(i);

		warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], WARM_FLOWS - 5);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_UPDATE], 0);
	CU_ASSERT_EQUAL(warm_alive(), 0);
	pair_free(p);
}

/* Node 1 was active, and has been told to stand by; what it had is told by its peer as it is. */
static struct pair *stood_down(void)
{
	struct pair *p = warm_started();

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	warm_run(p, 3000);
	for (uint32_t i = WARM_FLOWS; i < WARM_FLOWS + 5; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 1, KERNEL_EVENT_NEW, &f);
		warm_kernel.flow[i].live = true;
		warm_kernel.flow[i].tcp_state = FLOW_TCP_ESTABLISHED;
		warm_kernel.flow[i].expires = mono_add_sec(p->now, f.timeout);
	}
	warm_run(p, 500);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, WARM_FLOWS + 5);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	warm_forget_ops();
	for (uint32_t i = WARM_FLOWS; i < WARM_FLOWS + 5; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_command(p, 0, ENGINE_BULK, 3);
	return p;
}

/*
 * Packets that went through the peer's kernel have left our kernel's windows behind: it would call
 * the next ones invalid. What was written for a peer once does not look at windows.
 */
static void what_was_born_here_is_made_fit_to_come_back_to(void)
{
	struct pair *p = stood_down();

	warm_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, WARM_FLOWS + 5);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_UPDATE], 5);
	for (uint32_t i = 0; i < WARM_FLOWS + 5; i++) {
		const struct warm_kernel_flow *k = &warm_kernel.flow[i];

		CU_ASSERT(k->tcp_flags[0] & k->tcp_flags[1] & FLOW_TCP_FLAG_BE_LIBERAL);
		CU_ASSERT_EQUAL(k->tcp_state, FLOW_TCP_ESTABLISHED);
	}
	pair_command(p, 0, ENGINE_BULK, 4);
	warm_run(p, 3000);
	CU_ASSERT_EQUAL(warm_writes(), 5);
	pair_free(p);
}

/* As where the peer is promoted first, and tells so. */
static void what_was_taken_over_before_it_stood_down_is_made_fit_too(void)
{
	struct pair *p = stood_down();

	pair_command(p, 1, ENGINE_PROMOTE, 5);
	warm_run(p, 2000);
	for (uint32_t i = 100; i < 120; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 1, KERNEL_EVENT_NEW, &f);
		warm_kernel.flow[i].live = true;
		warm_kernel.flow[i].expires = mono_add_sec(p->now, f.timeout);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	warm_run(p, 500);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, WARM_FLOWS + 5 + 20);
	pair_command(p, 1, ENGINE_DEMOTE, 6);
	warm_run(p, 1000);
	for (uint32_t i = 100; i < 120; i++) {
		CU_ASSERT_EQUAL(warm_kernel.flow[i].written, 1);
		CU_ASSERT(warm_kernel.flow[i].tcp_flags[1] & FLOW_TCP_FLAG_BE_LIBERAL);
	}
	warm_forget_ops();
	warm_run(p, 40000);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	pair_free(p);
}

/* Packets have put timeouts forward: the next process must not take that for a sign of others. */
static void record_says_of_no_end(struct pair *p, size_t count)
{
	struct engine_record r[2 * WARM_FLOWS];
	size_t found;

	CU_ASSERT_TRUE_FATAL(engine_rewrite_begin(p->node[1].engine));
	engine_rewrite_next(p->node[1].engine, p->now, r, 2 * WARM_FLOWS, &found);
	CU_ASSERT_EQUAL_FATAL(found, count);
	for (size_t i = 0; i < found; i++)
		CU_ASSERT_EQUAL(r[i].until_s, UINT32_MAX);
}

/* The next promotion would have to wait for what is written. */
static void what_is_handed_over_as_it_is_told_is_not_written(void)
{
	struct pair *p = stood_down();

	warm_run(p, 3000);
	warm_forget_ops();
	warm_run(p, 60000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS + 5);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	record_says_of_no_end(p, WARM_FLOWS + 5);
	for (uint32_t i = 0; i < WARM_FLOWS + 5; i++) {
		struct flow f = pair_flow(i);

		warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	CU_ASSERT_EQUAL(warm_alive(), 0);
	pair_free(p);
}

/* It has not settled for its peer, but here it is in the kernel, and as nobody has it any more. */
static void what_is_handed_over_is_written_though_it_has_not_settled(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_in_state(30, FLOW_TCP_SYN_RECV), g = warm_marked(30, 7);

	f.status = FLOW_STATUS_CONFIRMED | FLOW_STATUS_SEEN_REPLY;
	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	pair_command(p, 1, ENGINE_PROMOTE, 1);
	warm_run(p, 3000);
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 1);
	pair_event(p, 1, KERNEL_EVENT_NEW, &g);
	warm_kernel.flow[30] = (struct warm_kernel_flow){
		.live = true, .mark = 7, .expires = mono_add_sec(p->now, g.timeout)};
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	warm_run(p, 63000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(warm_kernel.flow[30].mark, 9);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
	pair_free(p);
}

/* It would run out here while it does not there. */
static void what_is_handed_over_with_little_time_is_written(void)
{
	struct pair *p = stood_down();
	struct flow f = pair_flow(3);

	f.timeout = 200;
	pair_event(p, 1, KERNEL_EVENT_UPDATE, &f);
	warm_kernel.flow[3].expires = mono_add_sec(p->now, 200);
	warm_run(p, 3000);
	warm_forget_ops();
	warm_run(p, 60000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(warm_writes(), 1);
	warm_run(p, 200000);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS + 5);
	pair_free(p);
}

static void a_purge_makes_it_start_again(void)
{
	struct pair *p = warm_started();

	pair_command(p, 1, ENGINE_PURGE, 1);
	warm_serve(p);
	CU_ASSERT_EQUAL(warm_alive(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	warm_run(p, WARM_AGE_MS + 500);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS);
	pair_free(p);
}

/* ---- refusals ---- */

static void refusals_are_tried_again_after_a_growing_pause(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0);
	int64_t last = 0, pause = 0;
	unsigned tries = 0;

	warm_kernel.refuse = ENOMEM;
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	for (int64_t ms = 0; ms < 300000; ms += 100) {
		unsigned before = warm_kernel.count[KERNEL_OP_CREATE];

		warm_run(p, 100);
		if (warm_kernel.count[KERNEL_OP_CREATE] == before)
			continue;
		CU_ASSERT(tries < 2 || ms - last >= pause);
		CU_ASSERT(ms - last <= LIMIT_WARM_RETRY_MAX_MS + 500);
		pause = ms - last - 200;
		last = ms;
		tries++;
	}
	CU_ASSERT(tries >= 13 && tries < 20); /* 1, 2, 4, ... up to 30 s apart */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_RETRIED), tries - 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	CU_ASSERT(pair_status(p, 1).warm_behind_ms > 290000);
	warm_kernel.refuse = 0;
	warm_run(p, LIMIT_WARM_RETRY_MAX_MS + 200);
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	/* and then the pause is short again */
	warm_kernel.refuse = ENOMEM;
	f = pair_flow(1);
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, WARM_AGE_MS + 200);
	warm_kernel.refuse = 0;
	warm_run(p, LIMIT_WARM_RETRY_MS + 200);
	CU_ASSERT_TRUE(warm_kernel.flow[1].live);
	pair_free(p);
}

static void a_refused_change_is_tried_again(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_marked(3, 7);

	warm_kernel.refuse = ENOMEM;
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 1);
	warm_kernel.refuse = 0;
	warm_run(p, LIMIT_WARM_RETRY_MS + 200);
	CU_ASSERT_EQUAL(warm_kernel.flow[3].mark, 7);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS);
	/* what is told meanwhile need not wait */
	warm_kernel.refuse = ENOMEM;
	f = warm_marked(3, 8);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	warm_kernel.refuse = 0;
	f = warm_marked(3, 9);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(warm_kernel.flow[3].mark, 9);
	/* its end is carried out, refused or not */
	warm_kernel.refuse = ENOMEM;
	f = warm_marked(3, 10);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(warm_kernel.flow[3].live);
	pair_free(p);
}

static void a_refused_end_is_tried_again(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(3);

	warm_kernel.refuse_ends = LIMIT_KERNEL_RETRIES;
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(warm_kernel.flow[3].live);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1 + LIMIT_KERNEL_RETRIES);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETE_RETRIED), LIMIT_KERNEL_RETRIES);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETE_REFUSED), 0);
	/* but not for ever */
	f = pair_flow(4);
	warm_kernel.refuse_ends = 1 + LIMIT_KERNEL_RETRIES;
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	warm_run(p, 5000);
	CU_ASSERT_TRUE(warm_kernel.flow[4].live);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETE_REFUSED), 1);
	pair_free(p);
}

static void an_end_under_way_counts_as_nothing_to_be_written(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(3);

	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	pair_pull_ops(p, 1);
	f = warm_marked(5, 1);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	pair_pull_ops(p, 1);
	engine_check(p->node[1].engine);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, WARM_FLOWS - 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 2);
	pair_command(p, 1, ENGINE_FLUSH, 1);
	warm_kernel.refuse_ends = 1; /* and there is nothing left of it to be tried again */
	warm_serve(p);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1);
	pair_free(p);
}

/* The kernel was asked for the one before the other, and refuses the first alone. */
static void a_refused_end_does_not_end_what_has_come_since(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(3);

	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	pair_pull_ops(p, 1);
	f = warm_marked(3, 7);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	pair_pull_ops(p, 1);
	warm_kernel.refuse_ends = 1;
	warm_serve(p);
	CU_ASSERT_TRUE(warm_kernel.flow[3].live);
	CU_ASSERT_EQUAL(warm_kernel.flow[3].mark, 7);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(warm_kernel.flow[3].live);
	pair_free(p);
}

/* ---- the rate ---- */

static void writes_keep_to_the_rate_and_changes_go_first(void)
{
	struct pair *p = warm_begin_as(100);
	unsigned before;
	struct flow f;

	for (uint32_t i = 0; i < WARM_MANY; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	warm_run(p, WARM_AGE_MS + 100);
	before = warm_alive();
	for (int s = 1; s <= 4; s++) {
		warm_run(p, 1000);
		/* this clock's step is 100 ms, so that each burst is all that one step brings */
		CU_ASSERT(warm_alive() <= before + 100U * (unsigned)s);
		CU_ASSERT(warm_alive() > before);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, warm_alive());
	CU_ASSERT(pair_status(p, 1).warm_behind_ms > 4000);
	for (uint32_t i = 0; i < 2; i++) {
		f = warm_marked(i, 5);
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	}
	pair_exchange(p);
	before = warm_kernel.count[KERNEL_OP_CREATE];
	warm_run(p, 200);
	CU_ASSERT_EQUAL(warm_kernel.flow[0].mark, 5);
	CU_ASSERT_EQUAL(warm_kernel.flow[1].mark, 5);
	CU_ASSERT(warm_kernel.count[KERNEL_OP_CREATE] <= before + 20);
	pair_free(p);
}

/*
 * A burst is small, and the engine says when it goes on: driven by its own deadlines. Related flows
 * come last, and at the same rate.
 */
static void the_deadlines_spread_the_writes(void)
{
	struct pair *p = warm_begin_as(1000);
	struct flow master = pair_flow(0);
	mono began;
	unsigned most = 0;

	for (uint32_t i = 0; i < WARM_MANY; i++) {
		struct flow f = pair_flow(i);

		if (i >= WARM_MANY / 2)
			pair_set_master(&f, &master);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	p->now = mono_add_ms(p->now, WARM_AGE_MS + 100);
	began = p->now;
	while (warm_alive() < WARM_MANY && mono_diff_ms(p->now, began) < 5000) {
		mono at = engine_deadline(p->node[1].engine);
		unsigned before = warm_alive();

		CU_ASSERT_TRUE_FATAL(mono_before(at, mono_add_ms(p->now, 200)));
		p->now = mono_before(p->now, at) ? at : p->now;
		engine_tick(p->node[1].engine, p->now);
		warm_serve(p);
		most = warm_alive() - before > most ? warm_alive() - before : most;
	}
	CU_ASSERT_EQUAL(warm_alive(), WARM_MANY);
	CU_ASSERT(mono_diff_ms(p->now, began) >= 950);
	CU_ASSERT(mono_diff_ms(p->now, began) <= 1100);
	CU_ASSERT(most <= 1000 * LIMIT_WARM_BURST_MS / 1000);
	pair_free(p);
}

/* ---- others ---- */

static struct pair *begin_with_expectations(void)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.standby_warm = true;
	c.warm_age_ms = WARM_AGE_MS;
	c.warm_rate = 1000;
	c.expect_filter.on = true;
	p = pair_new(&c);
	memset(&warm_kernel, 0, sizeof(warm_kernel));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	warm_run(p, 1000);
	return p;
}

static void expectations_are_written_too(void)
{
	struct pair *p = begin_with_expectations();
	struct flow f = pair_flow(0);
	struct expect x;

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	expectgen_of(&f, 4711, &x);
	engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_NEW, &x);
	warm_run(p, WARM_AGE_MS + 400);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_EXPECT_CREATE], 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_DESTROY, &x);
	warm_run(p, 200);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_EXPECT_DELETE], 1);
	pair_free(p);
}

/* Whatever its bytes would say of a flow's state. */
static void an_orphan_that_is_told_again_is_written(void)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct pair *p = begin_with_expectations();
		struct flow f = warm_in_state(i, FLOW_TCP_SYN_SENT);
		struct expect x;

		warm_tell(p, KERNEL_EVENT_NEW, &f);
		expectgen_of(&f, 4711 + 256 * i, &x);
		engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_NEW, &x);
		warm_run(p, 300);
		pair_command(p, 1, ENGINE_COMMIT, 1); /* leaves out both */
		warm_serve(p);
		CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_EXPECT_ORPHANS), 1);
		CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 2);
		f = warm_in_state(i, FLOW_TCP_ESTABLISHED);
		warm_tell(p, KERNEL_EVENT_UPDATE, &f);
		pair_command(p, 0, ENGINE_BULK, 2);
		warm_run(p, 2 * WARM_AGE_MS);
		CU_ASSERT_TRUE(warm_kernel.flow[i].live);
		CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_EXPECT_CREATE], 1);
		CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
		pair_free(p);
	}
}

/* The kernel has it as it was here; that it is there does not mean that it is as the peer tells. */
static void an_expectation_that_was_handed_over_is_made_anew(void)
{
	struct pair *p = begin_with_expectations();
	struct flow f = pair_flow(1);
	struct expect x;

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	warm_run(p, 500);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	warm_run(p, 500);
	expectgen_of(&f, 4711, &x);
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	engine_kernel_expect(p->node[1].engine, p->now, KERNEL_DUMP_FLOW, &x);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	warm_kernel.flow[1].live = true;
	warm_kernel.flow[1].expires = mono_add_sec(p->now, 600);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 1);
	warm_forget_ops();
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	x.class += 1;
	expect_mark_set(&x, EXPECT_CLASS);
	engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_NEW, &x);
	warm_run(p, WARM_AGE_MS + 400);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 0);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_EXPECT_DELETE], 1);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_EXPECT_CREATE], 1);
	pair_free(p);
}

static void emptied_tables_leave_nothing_behind(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_in_state(WARM_FLOWS, FLOW_TCP_SYN_SENT);

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 2 * WARM_AGE_MS);
	warm_kernel.refuse = ENOMEM;
	f = warm_marked(1, 1);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	pair_command(p, 1, ENGINE_FLUSH, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	engine_check(p->node[1].engine);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"what the kernel ends is written again", what_the_kernel_ends_is_written_again},
	{"what ended unheard is found by a dump", what_ended_unheard_is_found_by_a_dump},
	{"an end read late does not make an entry a stranger's",
		an_end_read_late_does_not_make_an_entry_a_strangers},
	{"no timeout runs low", no_timeout_runs_low},
	{"what is to be written is not left to its timer",
		what_is_to_be_written_is_not_left_to_its_timer},
	{"what was handed over ends with its peer", what_was_handed_over_ends_with_its_peer},
	{"what was born here is made fit to come back to",
		what_was_born_here_is_made_fit_to_come_back_to},
	{"what was taken over before it stood down is made fit too",
		what_was_taken_over_before_it_stood_down_is_made_fit_too},
	{"what is handed over as it is told is not written",
		what_is_handed_over_as_it_is_told_is_not_written},
	{"what is handed over is written though it has not settled",
		what_is_handed_over_is_written_though_it_has_not_settled},
	{"what is handed over with little time is written",
		what_is_handed_over_with_little_time_is_written},
	{"a purge makes it start again", a_purge_makes_it_start_again},
	{"refusals are tried again after a growing pause",
		refusals_are_tried_again_after_a_growing_pause},
	{"a refused change is tried again", a_refused_change_is_tried_again},
	{"a refused end is tried again", a_refused_end_is_tried_again},
	{"an end under way counts as nothing to be written",
		an_end_under_way_counts_as_nothing_to_be_written},
	{"a refused end does not end what has come since",
		a_refused_end_does_not_end_what_has_come_since},
	{"writes keep to the rate and changes go first",
		writes_keep_to_the_rate_and_changes_go_first},
	{"the deadlines spread the writes", the_deadlines_spread_the_writes},
	{"expectations are written too", expectations_are_written_too},
	{"an orphan that is told again is written", an_orphan_that_is_told_again_is_written},
	{"an expectation that was handed over is made anew",
		an_expectation_that_was_handed_over_is_made_anew},
	{"emptied tables leave nothing behind", emptied_tables_leave_nothing_behind},
};

UNIT_MAIN("core_warm_kernel", tests)
