/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/status.h"
#include "warm_pair.h"
#include "unit.h"
#include "wire/v1.h"

/* Another protocol than TCP. */
static struct flow of_protocol(uint32_t n, uint8_t l4, uint32_t status, uint32_t timeout)
{
	static const uint8_t tcp[] = {FLOW_TCP_STATE, FLOW_TCP_FLAGS_ORIG, FLOW_TCP_FLAGS_REPL,
		FLOW_TCP_MASK_ORIG, FLOW_TCP_MASK_REPL, FLOW_TCP_WSCALE_ORIG, FLOW_TCP_WSCALE_REPL};
	struct flow f = pair_flow(n);

	for (size_t i = 0; i < sizeof(tcp); i++)
		flow_mark_unset(&f, (enum flow_attr)tcp[i]);
	f.tuple[FLOW_ORIG].l4 = f.tuple[FLOW_REPL].l4 = l4;
	f.status = status | FLOW_STATUS_CONFIRMED;
	f.timeout = timeout;
	flow_mark_set(&f, FLOW_TIMEOUT);
	return f;
}

/* ---- what is written, and when ---- */

static void what_has_settled_is_written_when_it_has_its_age(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0);
	struct engine_status s;

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, WARM_AGE_MS - 200);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.remote_flows, 1);
	CU_ASSERT_EQUAL(s.warm_flows, 0);
	CU_ASSERT_EQUAL(s.warm_unsettled, 0);
	CU_ASSERT(s.warm_behind_ms >= WARM_AGE_MS - 200 && s.warm_behind_ms <= WARM_AGE_MS);
	warm_run(p, 300);
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.warm_flows, 1);
	CU_ASSERT_EQUAL(s.warm_behind_ms, 0);
	CU_ASSERT_EQUAL(s.local_flows, 0); /* it is the peer's */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), 0);
	/* at its moment, not at the next tick of something else */
	warm_run(p, 60000);
	CU_ASSERT_EQUAL(warm_kernel.flow[0].written, 1);
	pair_free(p);
}

static void the_deadline_is_when_the_next_one_has_its_age(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0);
	mono told = p->now;

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	while (!warm_kernel.flow[0].live && mono_diff_ms(p->now, told) < 10 * WARM_AGE_MS) {
		mono at = engine_deadline(p->node[1].engine);

		CU_ASSERT_FALSE(mono_before(mono_add_ms(p->now, 1000), at));
		p->now = mono_before(p->now, at) ? at : p->now;
		engine_tick(p->node[1].engine, p->now);
		warm_serve(p);
	}
	CU_ASSERT(mono_diff_ms(p->now, told) >= WARM_AGE_MS - 100);
	CU_ASSERT(mono_diff_ms(p->now, told) <= WARM_AGE_MS + 100);
	pair_free(p);
}

static void what_dies_young_costs_nothing(void)
{
	struct pair *p = warm_begin();

	for (uint32_t i = 0; i < WARM_FLOWS; i++) {
		struct flow f = pair_flow(i);

		warm_tell(p, KERNEL_EVENT_NEW, &f);
		warm_run(p, 100);
		warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	warm_run(p, 5000);
	CU_ASSERT_EQUAL(warm_writes() + warm_kernel.count[KERNEL_OP_DELETE], 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	pair_free(p);
}

static void what_has_not_settled_waits_for_its_peer(void)
{
	struct pair *p = warm_begin();
	struct flow f = warm_in_state(0, FLOW_TCP_SYN_SENT),
		    g = warm_in_state(1, FLOW_TCP_SYN_RECV);

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_tell(p, KERNEL_EVENT_NEW, &g);
	warm_run(p, 5 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 2);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_behind_ms, 0); /* nothing is to be written */
	f = warm_in_state(0, FLOW_TCP_SYN_RECV);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	f = warm_in_state(0, FLOW_TCP_ESTABLISHED);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f); /* it has had its age long since */
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	CU_ASSERT_EQUAL(warm_kernel.flow[0].tcp_state, FLOW_TCP_ESTABLISHED);
	warm_tell(p, KERNEL_EVENT_DESTROY, &g);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 0);
	pair_free(p);
}

static void each_protocol_settles_in_its_way(void)
{
	const struct {
		uint8_t l4;
		uint32_t status;
		bool settled;
	} cases[] = {
		{IPPROTO_UDP, 0, false},
		{IPPROTO_UDP, FLOW_STATUS_SEEN_REPLY, false},
		{IPPROTO_UDP, FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED, true},
		{IPPROTO_SCTP, FLOW_STATUS_SEEN_REPLY, false},
		{IPPROTO_SCTP, FLOW_STATUS_ASSURED, true},
		{IPPROTO_GRE, FLOW_STATUS_SEEN_REPLY, false},
		{IPPROTO_ICMP, 0, false},
		{IPPROTO_ICMP, FLOW_STATUS_SEEN_REPLY, true},
		{IPPROTO_ESP, 0, false},
		{IPPROTO_ESP, FLOW_STATUS_SEEN_REPLY, true},
	};
	struct pair *p = warm_begin();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow f = of_protocol((uint32_t)i, cases[i].l4, cases[i].status, 600);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, WARM_AGE_MS + 200);
	for (unsigned i = 0; i < p->node[1].ops_count; i++) {
		const struct kernel_op *op = &p->node[1].ops[i];
		bool found = false;

		CU_ASSERT_EQUAL(op->kind, KERNEL_OP_CREATE);
		for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
			found = found ||
				(cases[c].l4 == op->flow.tuple[FLOW_ORIG].l4 && cases[c].settled);
		CU_ASSERT_TRUE(found);
	}
	CU_ASSERT_EQUAL(p->node[1].ops_count, 4);
	pair_free(p);
}

static void changes_are_written_at_once(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_marked(3, 7);

	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(warm_kernel.flow[3].mark, 7);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_UPDATE], 1);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_CREATE], 0);
	pair_free(p);
}

/* A connection that closes goes through several states within moments. */
static void the_steps_of_an_end_are_one_write_or_none(void)
{
	static const uint8_t steps[] = {FLOW_TCP_FIN_WAIT, FLOW_TCP_LAST_ACK, FLOW_TCP_TIME_WAIT};
	struct pair *p = warm_started();
	struct flow f;

	for (uint32_t n = 0; n < 2; n++)
		for (size_t i = 0; i < sizeof(steps); i++) {
			f = warm_in_state(n, steps[i]);
			warm_tell(p, KERNEL_EVENT_UPDATE, &f);
			warm_run(p, 100);
		}
	CU_ASSERT_EQUAL(warm_writes(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 2);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1);
	warm_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL(warm_writes(), 1);
	CU_ASSERT_EQUAL(warm_kernel.flow[0].tcp_state, FLOW_TCP_TIME_WAIT);
	CU_ASSERT_FALSE(warm_kernel.flow[1].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, WARM_FLOWS - 1);
	pair_free(p);
}

static void a_repeated_table_writes_nothing(void)
{
	struct pair *p = warm_started();

	warm_run(p, 20000);
	pair_command(p, 1, ENGINE_RESYNC_PEERS, 1);
	warm_run(p, 3000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_BULKS_SENT) > 1);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	pair_free(p);
}

static void related_flows_wait_for_their_masters(void)
{
	struct pair *p = warm_begin();
	struct flow master = pair_flow(1), f = pair_flow(0);

	f.master = master.tuple[FLOW_ORIG];
	flow_mark_set(&f, FLOW_MASTER_IPV4_SRC);
	flow_mark_set(&f, FLOW_MASTER_IPV4_DST);
	flow_mark_set(&f, FLOW_MASTER_L3PROTO);
	flow_mark_set(&f, FLOW_MASTER_L4PROTO);
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_tell(p, KERNEL_EVENT_NEW, &master);
	pair_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, 2);
	CU_ASSERT_EQUAL(warm_number(&p->node[1].ops[0].flow), 1);
	CU_ASSERT_EQUAL(warm_number(&p->node[1].ops[1].flow), 0);
	/* where its master is not, the kernel refuses it, until it is there */
	engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[0].id, 0);
	engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[1].id, ENOENT);
	p->node[1].ops_count = 0;
	warm_kernel.flow[1].live = true;
	warm_kernel.flow[1].expires = MONO_NEVER;
	warm_kernel.refuse = ENOENT;
	warm_run(p, 10000);
	CU_ASSERT_FALSE(warm_kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	warm_kernel.refuse = 0;
	warm_run(p, LIMIT_WARM_RETRY_MAX_MS + 1000);
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	pair_free(p);
}

/* ---- ends ---- */

static void ends_are_carried_out_without_a_doubt(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(2), short_lived = pair_flow(WARM_FLOWS);

	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1);
	CU_ASSERT_FALSE(warm_kernel.flow[2].live);
	/* an idle copy that ran out means here what any end does */
	short_lived.timeout = 20;
	warm_tell(p, KERNEL_EVENT_NEW, &short_lived);
	warm_run(p, 20000);
	CU_ASSERT_TRUE(warm_kernel.flow[WARM_FLOWS].live);
	warm_tell(p, KERNEL_EVENT_DESTROY, &short_lived);
	CU_ASSERT_FALSE(warm_kernel.flow[WARM_FLOWS].live);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_RUN_OUT), 0);
	pair_free(p);
}

/* Many ends at once take their time; a dump reads meanwhile what is still to be ended. */
static void what_waits_for_its_end_is_not_ours(void)
{
	struct pair *p = warm_begin_as(2000);

	for (uint32_t i = 0; i < 100; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	warm_run(p, WARM_AGE_MS + 3000);
	CU_ASSERT_EQUAL(warm_alive(), 100);
	for (uint32_t i = 0; i < 100; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	pair_exchange(p);
	CU_ASSERT(warm_alive() > 50);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	pair_command(p, 1, ENGINE_RESYNC_KERNEL, 1);
	warm_serve(p);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	warm_run(p, 5000);
	CU_ASSERT_EQUAL(warm_alive(), 0);
	pair_free(p);
}

/* Node 0's daemon comes back and knows less. */
static void what_a_bulk_does_not_name_is_deleted(void)
{
	struct pair *p = warm_started();

	pair_restart(p, 0, 500000);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < WARM_FLOWS - 5; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	warm_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, WARM_FLOWS - 5);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 5);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS - 5);
	pair_free(p);
}

/* What packets here have made ours as well is not ended by a peer. */
static void what_lives_here_is_kept(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_marked(4, 9);

	pair_event(p, 1, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_TRUE(pair_has(p, 1, ENGINE_TABLE_LOCAL, &f));
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	warm_run(p, 3000);
	CU_ASSERT_TRUE(warm_kernel.flow[4].live);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 0);
	pair_free(p);
}

/* The active node knows of packets: there an end that may be a timeout's proves nothing. */
static void on_an_active_node_ends_are_doubted(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0);

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	warm_run(p, 2000);
	f.timeout = 20;
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 20000);
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE(warm_kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_RUN_OUT), 1);
	pair_free(p);
}

static void an_end_during_the_write_is_carried_out_after_it(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0);
	uint64_t id;

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, WARM_AGE_MS + 200);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, 1);
	id = p->node[1].ops[0].id;
	p->node[1].ops_count = 0;
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(p->node[1].ops_count, 0);
	engine_kernel_result(p->node[1].engine, p->now, id, 0);
	warm_kernel.flow[0].live = true;
	warm_serve(p);
	CU_ASSERT_FALSE(warm_kernel.flow[0].live);
	CU_ASSERT_EQUAL(warm_kernel.count[KERNEL_OP_DELETE], 1);
	pair_free(p);
}

/* As a node that stands down is told what it had by the one that has taken over. */
static void what_is_ours_and_told_as_it_is_costs_nothing(void)
{
	struct pair *p = warm_begin();
	struct flow f = pair_flow(0), g = warm_marked(1, 5);

	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	f = pair_flow(1);
	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	f = pair_flow(0);
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_writes(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1);
	warm_tell(p, KERNEL_EVENT_NEW, &g);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT(warm_writes() > 0); /* what is new in it */
	pair_free(p);
}

/* A kernel that says 0 to all, but knows whether it has the flow 0, and with which mark. */
static struct {
	bool live;
	uint32_t mark;
	unsigned answered;
} watched;

static int watch(const struct kernel_op *op)
{
	if (op->kind >= KERNEL_OP_DUMP || warm_number(&op->flow) != 0)
		return 0;
	if (watched.live == (op->kind == KERNEL_OP_CREATE))
		return watched.live ? EEXIST : ENOENT;
	watched.live = op->kind != KERNEL_OP_DELETE;
	watched.mark = op->flow.mark;
	return 0;
}

static void serve_watched(struct pair *p)
{
	struct pair_node *n = &p->node[1];

	pair_pull_ops(p, 1);
	while (watched.answered < n->ops_count) {
		const struct kernel_op *op = &n->ops[watched.answered++];

		if (op->kind != KERNEL_OP_DUMP)
			engine_kernel_result(n->engine, p->now, op->id, watch(op));
		if (watched.answered == n->ops_count)
			watched.answered = n->ops_count = 0;
		pair_pull_ops(p, 1);
	}
	engine_check(n->engine);
}

static void tell_many(
	struct pair *p, enum kernel_event kind, uint32_t first, uint32_t count, uint32_t mark)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = warm_marked(i, mark);

		pair_event(p, 0, kind, &f);
		if (i % 100 == 99)
			pair_exchange(p);
	}
	pair_exchange(p);
}

/* So much changes while it is under way that it does not wait for all of it. */
static void a_commit_does_not_overtake_the_end_of_what_was_there(void)
{
	enum { CHANGES = LIMIT_COMMIT_LATE + 500 };
	struct engine_config c = pair_config();
	struct flow f = pair_flow(0);
	struct pair *p;

	c.standby_warm = true;
	c.warm_age_ms = WARM_AGE_MS;
	c.warm_rate = 50000;
	c.flows_max = 1 << 15;
	p = pair_new(&c);
	memset(&watched, 0, sizeof(watched));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	tell_many(p, KERNEL_EVENT_NEW, 0, 1 + CHANGES, 1);
	for (unsigned i = 0; i < 60; i++) {
		pair_run(p, 100);
		serve_watched(p);
	}
	CU_ASSERT_TRUE(watched.live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1 + CHANGES);
	tell_many(p, KERNEL_EVENT_NEW, 1 + CHANGES, 2 * LIMIT_KERNEL_OPS_IN_FLIGHT, 1);
	pair_command(p, 1, ENGINE_COMMIT, 7);
	pair_pull_ops(p, 1);
	tell_many(p, KERNEL_EVENT_UPDATE, 1, CHANGES, 2);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	tell_many(p, KERNEL_EVENT_NEW, 0, 1, 3);
	serve_watched(p);
	pair_run(p, 3 * WARM_AGE_MS);
	serve_watched(p);
	CU_ASSERT_TRUE(watched.live);
	CU_ASSERT_EQUAL(watched.mark, 3);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, pair_status(p, 1).remote_flows);
	pair_free(p);
}

static void third_tells(struct pair *p, const struct flow *f, uint32_t seq)
{
	pair_third_says(p, WIRE_V1_CT_UPD, f, seq);
}

/* The kernel has a flow as the one of two peers told it that spoke last, though it said no news. */
static void who_repeats_itself_last_counts_too(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_marked(5, 11), g = warm_marked(5, 22);

	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	warm_run(p, 1000);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 11);
	third_tells(p, &f, 5000); /* and is greeted, which has node 0 tell all as well */
	warm_run(p, 3000);
	third_tells(p, &g, 5001);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 22);
	pair_command(p, 0, ENGINE_BULK, 1);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 11);
	/* and what it comes to own is what its kernel has */
	third_tells(p, &g, 5002);
	warm_run(p, 1000);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 22);
	p->cut[0][0] = true;
	pair_command(p, 1, ENGINE_PROMOTE, 2);
	warm_serve(p);
	for (unsigned i = 0; i < 20; i++) {
		struct engine_flow_view v;

		engine_tick(p->node[1].engine, p->now);
		CU_ASSERT(!engine_find(p->node[1].engine, ENGINE_TABLE_LOCAL, &f, &v) ||
			  v.flow.mark == 22);
	}
	pair_free(p);
}

static struct pair *polling(uint32_t warm_age_ms)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.standby_warm = c.polling = true;
	c.warm_age_ms = warm_age_ms;
	c.poll_s = 1;
	p = pair_new(&c);
	memset(&warm_kernel, 0, sizeof(warm_kernel));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	warm_run(p, 1000);
	return p;
}

/* Who polls takes for its own what is not as it was told; but two may have told it differently. */
static void what_one_of_two_peers_told_is_not_ours(void)
{
	struct pair *p = polling(WARM_AGE_MS);
	struct flow f = warm_marked(5, 11), g = warm_marked(5, 22);

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 11);
	third_tells(p, &g, 5000);
	warm_run(p, 4000);
	CU_ASSERT(warm_kernel.flow[5].mark == 11 || warm_kernel.flow[5].mark == 22);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 2);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	/* packets are another matter */
	warm_kernel.flow[5].mark = 33;
	warm_run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	pair_free(p);
}

/* What a peer has told, and is not written yet: the kernel has what that one told before. */
static void what_is_still_to_be_written_is_not_ours(void)
{
	struct pair *p = polling(3 * WARM_AGE_MS);
	struct flow f = warm_marked(5, 11), g = warm_marked(5, 22);

	third_tells(p, &g, 5000);
	warm_run(p, 4 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 22);
	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 4 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 11);
	/* what closes is written when it has its age */
	f = warm_in_state(5, FLOW_TCP_FIN_WAIT);
	f.mark = 33;
	flow_mark_set(&f, FLOW_MARK);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	for (unsigned i = 0; i < 5; i++) {
		warm_run(p, WARM_AGE_MS);
		CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	}
	CU_ASSERT_EQUAL(warm_kernel.flow[5].mark, 33);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 2);
	pair_free(p);
}

/* What is ours as well need not settle, whenever it has become ours. */
static void what_is_ours_is_written_though_it_has_not_settled(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_in_state(WARM_FLOWS, FLOW_TCP_SYN_SENT);

	warm_tell(p, KERNEL_EVENT_NEW, &f);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_FALSE(warm_kernel.flow[WARM_FLOWS].live);
	warm_kernel.flow[WARM_FLOWS] = (struct warm_kernel_flow){
		.live = true, .tcp_state = FLOW_TCP_SYN_SENT, .expires = mono_add_sec(p->now, 60)};
	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	f = warm_in_state(WARM_FLOWS, FLOW_TCP_SYN_RECV);
	warm_tell(p, KERNEL_EVENT_UPDATE, &f);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[WARM_FLOWS].tcp_state, FLOW_TCP_SYN_RECV);
	pair_free(p);
}

/* Of node 1's kernel, which has what node 0 has told. */
static void begin_dump(struct pair *p)
{
	pair_command(p, 1, ENGINE_RESYNC_KERNEL, 1);
	pair_pull_ops(p, 1);
	CU_ASSERT_EQUAL(p->node[1].ops[warm_kernel.answered].kind, KERNEL_OP_DUMP);
	warm_kernel.answered++;
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < WARM_FLOWS; i++) {
		struct flow dumped = pair_flow(i);

		pair_event(p, 1, KERNEL_DUMP_FLOW, &dumped);
	}
}

/* The dump named it as that of the one, and will not name it again as that of the other. */
static void what_changes_hands_during_a_dump_is_ended(void)
{
	struct pair *p = warm_started();
	struct flow f = pair_flow(5);

	begin_dump(p);
	third_tells(p, &f, 5000);
	warm_tell(p, KERNEL_EVENT_DESTROY, &f);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	warm_serve(p);
	CU_ASSERT_TRUE(warm_kernel.flow[5].live);
	pair_third_says(p, WIRE_V1_CT_DEL, &f, 5001);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_FALSE(warm_kernel.flow[5].live);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS - 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	pair_free(p);
}

/* The dump named it as what is ours, and it is left to the peer before the dump has ended. */
static void what_is_left_during_a_dump_is_still_there(void)
{
	struct pair *p = warm_started();
	struct flow f = warm_marked(WARM_FLOWS, 11),
		    g = warm_in_state(WARM_FLOWS, FLOW_TCP_SYN_SENT);

	warm_kernel.flow[WARM_FLOWS] = (struct warm_kernel_flow){
		.live = true, .mark = 11, .expires = mono_add_sec(p->now, 60)};
	begin_dump(p);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	g.mark = 22;
	flow_mark_set(&g, FLOW_MARK);
	third_tells(p, &g, 5000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	warm_run(p, 2 * WARM_AGE_MS);
	CU_ASSERT_EQUAL(warm_kernel.flow[WARM_FLOWS].mark, 22);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"what has settled is written when it has its age",
		what_has_settled_is_written_when_it_has_its_age},
	{"the deadline is when the next one has its age",
		the_deadline_is_when_the_next_one_has_its_age},
	{"what dies young costs nothing", what_dies_young_costs_nothing},
	{"what has not settled waits for its peer", what_has_not_settled_waits_for_its_peer},
	{"each protocol settles in its way", each_protocol_settles_in_its_way},
	{"changes are written at once", changes_are_written_at_once},
	{"the steps of an end are one write or none", the_steps_of_an_end_are_one_write_or_none},
	{"a repeated table writes nothing", a_repeated_table_writes_nothing},
	{"related flows wait for their masters", related_flows_wait_for_their_masters},
	{"ends are carried out without a doubt", ends_are_carried_out_without_a_doubt},
	{"what waits for its end is not ours", what_waits_for_its_end_is_not_ours},
	{"what a bulk does not name is deleted", what_a_bulk_does_not_name_is_deleted},
	{"what lives here is kept", what_lives_here_is_kept},
	{"on an active node ends are doubted", on_an_active_node_ends_are_doubted},
	{"what is ours and told as it is costs nothing",
		what_is_ours_and_told_as_it_is_costs_nothing},
	{"who repeats itself last counts, too", who_repeats_itself_last_counts_too},
	{"what one of two peers told is not ours", what_one_of_two_peers_told_is_not_ours},
	{"what is still to be written is not ours", what_is_still_to_be_written_is_not_ours},
	{"what is ours is written though it has not settled",
		what_is_ours_is_written_though_it_has_not_settled},
	{"what changes hands during a dump is ended", what_changes_hands_during_a_dump_is_ended},
	{"what is left during a dump is still there", what_is_left_during_a_dump_is_still_there},
	{"an end during the write is carried out after it",
		an_end_during_the_write_is_carried_out_after_it},
	{"a commit does not overtake the end of what was there",
		a_commit_does_not_overtake_the_end_of_what_was_there},
};

UNIT_MAIN("core_warm", tests)
