/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/expectgen.h"
#include "unit.h"

/*
 * A warm standby, node 1, of an active node, node 0. The standby's kernel is a small model here:
 * flows by number, timeouts that run, events of what runs out.
 */

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { FLOWS = 20, MANY = 1000, AGE_MS = 1000 };

struct kernel_flow {
	bool live;
	uint32_t mark;
	uint8_t tcp_state;
	mono expires;
	unsigned written; /* times */
};

static struct {
	struct kernel_flow flow[MANY];
	unsigned answered; /* of the node's operations */
	unsigned count[KERNEL_OP_EXPECT_FLUSH + 1];
	int refuse; /* errno of each creation and update, or 0 */
} kernel;

static unsigned number(const struct flow *f)
{
	return ntohs(f->tuple[FLOW_ORIG].sport_be) - 1024U;
}

static int write_flow(const struct pair *p, const struct kernel_op *op)
{
	struct kernel_flow *k = &kernel.flow[number(&op->flow)];

	if (op->kind == KERNEL_OP_DELETE) {
		int err = k->live ? 0 : ENOENT;

		k->live = false;
		return err;
	}
	if (kernel.refuse)
		return kernel.refuse;
	if (k->live == (op->kind == KERNEL_OP_CREATE))
		return k->live ? EEXIST : ENOENT;
	k->live = true;
	k->mark = op->flow.mark;
	if (flow_has(&op->flow, FLOW_TCP_STATE))
		k->tcp_state = op->flow.tcp.state;
	k->expires = mono_add_sec(p->now, op->flow.timeout);
	k->written++;
	return 0;
}

/* Of node 1's kernel, as it is. */
static void dump(struct pair *p)
{
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		struct flow f = pair_flow(i);

		f.mark = kernel.flow[i].mark;
		if (kernel.flow[i].live)
			pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
}

/* Carries out what node 1 wants of its kernel, and what follows from the answers. */
static void serve(struct pair *p)
{
	struct pair_node *n = &p->node[1];

	pair_pull_ops(p, 1);
	while (kernel.answered < n->ops_count) {
		const struct kernel_op *op = &n->ops[kernel.answered++];
		int err = 0;

		kernel.count[op->kind]++;
		if (op->kind == KERNEL_OP_DUMP) {
			dump(p);
			continue;
		}
		if (op->kind < KERNEL_OP_DUMP)
			err = write_flow(p, op);
		engine_kernel_result(n->engine, p->now, op->id, err);
		if (kernel.answered == n->ops_count)
			kernel.answered = n->ops_count = 0;
		pair_pull_ops(p, 1);
	}
	engine_check(n->engine);
}

static void expire(struct pair *p)
{
	for (unsigned i = 0; i < MANY; i++) {
		struct flow f = pair_flow(i);

		if (!kernel.flow[i].live || !mono_reached(p->now, kernel.flow[i].expires))
			continue;
		kernel.flow[i].live = false;
		pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	}
}

static void run(struct pair *p, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += 100) {
		pair_run(p, 100);
		expire(p);
		serve(p);
	}
}

static unsigned alive(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MANY; i++)
		count += kernel.flow[i].live;
	return count;
}

static void forget_ops(void)
{
	memset(kernel.count, 0, sizeof(kernel.count));
}

static unsigned writes(void)
{
	return kernel.count[KERNEL_OP_CREATE] + kernel.count[KERNEL_OP_UPDATE];
}

static struct pair *begin_as(uint32_t rate)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.standby_warm = true;
	c.warm_age_ms = AGE_MS;
	c.warm_rate = rate;
	p = pair_new(&c);
	memset(&kernel, 0, sizeof(kernel));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	run(p, 1000);
	return p;
}

static struct pair *begin(void)
{
	return begin_as(50000);
}

static void tell(struct pair *p, enum kernel_event kind, const struct flow *f)
{
	pair_event(p, 0, kind, f);
	pair_exchange(p);
	serve(p);
}

/* FLOWS settled flows at node 0, all in node 1's kernel. */
static struct pair *started(void)
{
	struct pair *p = begin();

	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	run(p, AGE_MS + 300);
	CU_ASSERT_EQUAL(alive(), FLOWS);
	pair_forget(p);
	forget_ops();
	return p;
}

static struct flow marked(uint32_t n, uint32_t mark)
{
	struct flow f = pair_flow(n);

	f.mark = mark;
	flow_mark_set(&f, FLOW_MARK);
	return f;
}

static struct flow in_state(uint32_t n, uint8_t state)
{
	struct flow f = pair_flow(n);

	f.tcp.state = state;
	if (state < FLOW_TCP_ESTABLISHED)
		f.status &= ~(uint32_t)FLOW_STATUS_ASSURED;
	return f;
}

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
	struct pair *p = begin();
	struct flow f = pair_flow(0);
	struct engine_status s;

	tell(p, KERNEL_EVENT_NEW, &f);
	run(p, AGE_MS - 200);
	CU_ASSERT_EQUAL(writes(), 0);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.remote_flows, 1);
	CU_ASSERT_EQUAL(s.warm_flows, 0);
	CU_ASSERT_EQUAL(s.warm_unsettled, 0);
	CU_ASSERT(s.warm_behind_ms >= AGE_MS - 200 && s.warm_behind_ms <= AGE_MS);
	run(p, 300);
	CU_ASSERT_TRUE(kernel.flow[0].live);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.warm_flows, 1);
	CU_ASSERT_EQUAL(s.warm_behind_ms, 0);
	CU_ASSERT_EQUAL(s.local_flows, 0); /* it is the peer's */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), 0);
	/* at its moment, not at the next tick of something else */
	run(p, 60000);
	CU_ASSERT_EQUAL(kernel.flow[0].written, 1);
	pair_free(p);
}

static void the_deadline_is_when_the_next_one_has_its_age(void)
{
	struct pair *p = begin();
	struct flow f = pair_flow(0);
	mono told = p->now;

	tell(p, KERNEL_EVENT_NEW, &f);
	while (!kernel.flow[0].live && mono_diff_ms(p->now, told) < 10 * AGE_MS) {
		mono at = engine_deadline(p->node[1].engine);

		CU_ASSERT_FALSE(mono_before(mono_add_ms(p->now, 1000), at));
		p->now = mono_before(p->now, at) ? at : p->now;
		engine_tick(p->node[1].engine, p->now);
		serve(p);
	}
	CU_ASSERT(mono_diff_ms(p->now, told) >= AGE_MS - 100);
	CU_ASSERT(mono_diff_ms(p->now, told) <= AGE_MS + 100);
	pair_free(p);
}

static void what_dies_young_costs_nothing(void)
{
	struct pair *p = begin();

	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow f = pair_flow(i);

		tell(p, KERNEL_EVENT_NEW, &f);
		run(p, 100);
		tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	run(p, 5000);
	CU_ASSERT_EQUAL(writes() + kernel.count[KERNEL_OP_DELETE], 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	pair_free(p);
}

static void what_has_not_settled_waits_for_its_peer(void)
{
	struct pair *p = begin();
	struct flow f = in_state(0, FLOW_TCP_SYN_SENT), g = in_state(1, FLOW_TCP_SYN_RECV);

	tell(p, KERNEL_EVENT_NEW, &f);
	tell(p, KERNEL_EVENT_NEW, &g);
	run(p, 5 * AGE_MS);
	CU_ASSERT_EQUAL(writes(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 2);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_behind_ms, 0); /* nothing is to be written */
	f = in_state(0, FLOW_TCP_SYN_RECV);
	tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(writes(), 0);
	f = in_state(0, FLOW_TCP_ESTABLISHED);
	tell(p, KERNEL_EVENT_UPDATE, &f); /* it has had its age long since */
	CU_ASSERT_TRUE(kernel.flow[0].live);
	CU_ASSERT_EQUAL(kernel.flow[0].tcp_state, FLOW_TCP_ESTABLISHED);
	tell(p, KERNEL_EVENT_DESTROY, &g);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 0);
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
	struct pair *p = begin();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow f = of_protocol((uint32_t)i, cases[i].l4, cases[i].status, 600);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, AGE_MS + 200);
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
	struct pair *p = started();
	struct flow f = marked(3, 7);

	tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(kernel.flow[3].mark, 7);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_UPDATE], 1);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_CREATE], 0);
	pair_free(p);
}

/* A connection that closes goes through several states within moments. */
static void the_steps_of_an_end_are_one_write_or_none(void)
{
	static const uint8_t steps[] = {FLOW_TCP_FIN_WAIT, FLOW_TCP_LAST_ACK, FLOW_TCP_TIME_WAIT};
	struct pair *p = started();
	struct flow f;

	for (uint32_t n = 0; n < 2; n++)
		for (size_t i = 0; i < sizeof(steps); i++) {
			f = in_state(n, steps[i]);
			tell(p, KERNEL_EVENT_UPDATE, &f);
			run(p, 100);
		}
	CU_ASSERT_EQUAL(writes(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS - 2);
	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 1);
	run(p, AGE_MS + 200);
	CU_ASSERT_EQUAL(writes(), 1);
	CU_ASSERT_EQUAL(kernel.flow[0].tcp_state, FLOW_TCP_TIME_WAIT);
	CU_ASSERT_FALSE(kernel.flow[1].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS - 1);
	pair_free(p);
}

static void a_repeated_table_writes_nothing(void)
{
	struct pair *p = started();

	run(p, 20000);
	pair_command(p, 1, ENGINE_RESYNC_PEERS, 1);
	run(p, 3000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_BULKS_SENT) > 1);
	CU_ASSERT_EQUAL(writes(), 0);
	pair_free(p);
}

static void related_flows_wait_for_their_masters(void)
{
	struct pair *p = begin();
	struct flow master = pair_flow(1), f = pair_flow(0);

	f.master = master.tuple[FLOW_ORIG];
	flow_mark_set(&f, FLOW_MASTER_IPV4_SRC);
	flow_mark_set(&f, FLOW_MASTER_IPV4_DST);
	flow_mark_set(&f, FLOW_MASTER_L3PROTO);
	flow_mark_set(&f, FLOW_MASTER_L4PROTO);
	tell(p, KERNEL_EVENT_NEW, &f);
	tell(p, KERNEL_EVENT_NEW, &master);
	pair_run(p, AGE_MS + 200);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, 2);
	CU_ASSERT_EQUAL(number(&p->node[1].ops[0].flow), 1);
	CU_ASSERT_EQUAL(number(&p->node[1].ops[1].flow), 0);
	/* where its master is not, the kernel refuses it, until it is there */
	engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[0].id, 0);
	engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[1].id, ENOENT);
	p->node[1].ops_count = 0;
	kernel.flow[1].live = true;
	kernel.flow[1].expires = MONO_NEVER;
	kernel.refuse = ENOENT;
	run(p, 10000);
	CU_ASSERT_FALSE(kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	kernel.refuse = 0;
	run(p, LIMIT_WARM_RETRY_MAX_MS + 1000);
	CU_ASSERT_TRUE(kernel.flow[0].live);
	pair_free(p);
}

/* ---- ends ---- */

static void ends_are_carried_out_without_a_doubt(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(2), short_lived = pair_flow(FLOWS);

	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 1);
	CU_ASSERT_FALSE(kernel.flow[2].live);
	/* an idle copy that ran out means here what any end does */
	short_lived.timeout = 20;
	tell(p, KERNEL_EVENT_NEW, &short_lived);
	run(p, 20000);
	CU_ASSERT_TRUE(kernel.flow[FLOWS].live);
	tell(p, KERNEL_EVENT_DESTROY, &short_lived);
	CU_ASSERT_FALSE(kernel.flow[FLOWS].live);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_RUN_OUT), 0);
	pair_free(p);
}

/* Node 0's daemon comes back and knows less. */
static void what_a_bulk_does_not_name_is_deleted(void)
{
	struct pair *p = started();

	pair_restart(p, 0, 500000);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < FLOWS - 5; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS - 5);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 5);
	CU_ASSERT_EQUAL(alive(), FLOWS - 5);
	pair_free(p);
}

/* What packets here have made ours as well is not ended by a peer. */
static void what_lives_here_is_kept(void)
{
	struct pair *p = started();
	struct flow f = marked(4, 9);

	pair_event(p, 1, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_TRUE(pair_has(p, 1, LOCAL, &f));
	tell(p, KERNEL_EVENT_DESTROY, &f);
	run(p, 3000);
	CU_ASSERT_TRUE(kernel.flow[4].live);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 0);
	pair_free(p);
}

/* The active node knows of packets: there an end that may be a timeout's proves nothing. */
static void on_an_active_node_ends_are_doubted(void)
{
	struct pair *p = begin();
	struct flow f = pair_flow(0);

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	run(p, 2000);
	f.timeout = 20;
	tell(p, KERNEL_EVENT_NEW, &f);
	run(p, 20000);
	CU_ASSERT_TRUE(kernel.flow[0].live);
	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE(kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_RUN_OUT), 1);
	pair_free(p);
}

static void an_end_during_the_write_is_carried_out_after_it(void)
{
	struct pair *p = begin();
	struct flow f = pair_flow(0);
	uint64_t id;

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, AGE_MS + 200);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, 1);
	id = p->node[1].ops[0].id;
	p->node[1].ops_count = 0;
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_EQUAL(p->node[1].ops_count, 0);
	engine_kernel_result(p->node[1].engine, p->now, id, 0);
	kernel.flow[0].live = true;
	serve(p);
	CU_ASSERT_FALSE(kernel.flow[0].live);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], 1);
	pair_free(p);
}

/* ---- what the kernel does by itself ---- */

static void what_the_kernel_ends_is_written_again(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(5);

	kernel.flow[5].live = false;
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS - 1);
	run(p, AGE_MS - 200);
	CU_ASSERT_FALSE(kernel.flow[5].live); /* its peer's end may be on the way */
	run(p, 400);
	CU_ASSERT_TRUE(kernel.flow[5].live);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_LOST), 1);
	/* and its end is carried out as ever */
	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(kernel.flow[5].live);
	pair_free(p);
}

static void what_ended_unheard_is_found_by_a_dump(void)
{
	struct pair *p = started();

	for (unsigned i = 0; i < 5; i++)
		kernel.flow[i].live = false;
	engine_overrun(p->node[1].engine, p->now);
	serve(p);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS - 5);
	run(p, AGE_MS + 200);
	CU_ASSERT_EQUAL(alive(), FLOWS);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_CREATE], 5);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	pair_free(p);
}

/*
 * The kernel's end of a flow is read after the flow was written anew: the entry that is found then
 * is our own.
 */
static void an_end_read_late_does_not_make_an_entry_a_strangers(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(6);

	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f); /* though it is there */
	run(p, AGE_MS + 200);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_UPDATE], 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS);
	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(kernel.flow[6].live);
	pair_free(p);
}

/* Packets at the peer put a timeout forward, and nobody tells. */
static void no_timeout_runs_low(void)
{
	struct pair *p = begin();

	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow f = pair_flow(i);

		f.timeout = 10 + 20 * i;
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	run(p, AGE_MS + 200);
	for (int s = 0; s < 600; s++) {
		run(p, 1000);
		for (unsigned i = 0; i < FLOWS; i++) {
			CU_ASSERT_TRUE(kernel.flow[i].live);
			CU_ASSERT(mono_diff_sec(kernel.flow[i].expires, p->now) >= 25);
		}
	}
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_LOST), 0);
	/* each no more often than it needs to be */
	for (unsigned i = 0; i < FLOWS; i++)
		CU_ASSERT(kernel.flow[i].written <= 600 / 30 + 2);
	pair_free(p);
}

/* It was active, and stands by: what its peer has now is there for the peer alone. */
static void what_was_handed_over_ends_with_its_peer(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	run(p, 1000);
	for (uint32_t i = 0; i < FLOWS - 5; i++) {
		struct flow f = marked(i, 7);

		tell(p, KERNEL_EVENT_UPDATE, &f);
	}
	for (uint32_t i = FLOWS - 5; i < FLOWS; i++) {
		struct flow f = pair_flow(i);

		tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	run(p, 63000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(alive(), FLOWS - 5);
	forget_ops();
	for (uint32_t i = 0; i < FLOWS - 5; i++) {
		struct flow f = pair_flow(i);

		tell(p, KERNEL_EVENT_DESTROY, &f);
	}
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_DELETE], FLOWS - 5);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_UPDATE], 0);
	CU_ASSERT_EQUAL(alive(), 0);
	pair_free(p);
}

static void a_purge_makes_it_start_again(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_PURGE, 1);
	serve(p);
	CU_ASSERT_EQUAL(alive(), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	run(p, AGE_MS + 500);
	CU_ASSERT_EQUAL(alive(), FLOWS);
	pair_free(p);
}

/* ---- refusals ---- */

static void refusals_are_tried_again_after_a_growing_pause(void)
{
	struct pair *p = begin();
	struct flow f = pair_flow(0);
	int64_t last = 0, pause = 0;
	unsigned tries = 0;

	kernel.refuse = ENOMEM;
	tell(p, KERNEL_EVENT_NEW, &f);
	for (int64_t ms = 0; ms < 300000; ms += 100) {
		unsigned before = kernel.count[KERNEL_OP_CREATE];

		run(p, 100);
		if (kernel.count[KERNEL_OP_CREATE] == before)
			continue;
		CU_ASSERT(tries < 2 || ms - last >= pause);
		CU_ASSERT(ms - last <= LIMIT_WARM_RETRY_MAX_MS + 500);
		pause = ms - last - 200;
		last = ms;
		tries++;
	}
	CU_ASSERT(tries >= 10 && tries < 20);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_WARM_RETRIED), tries - 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	CU_ASSERT(pair_status(p, 1).warm_behind_ms > 290000);
	kernel.refuse = 0;
	run(p, LIMIT_WARM_RETRY_MAX_MS + 200);
	CU_ASSERT_TRUE(kernel.flow[0].live);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	/* and then the pause is short again */
	kernel.refuse = ENOMEM;
	f = pair_flow(1);
	tell(p, KERNEL_EVENT_NEW, &f);
	run(p, AGE_MS + 200);
	kernel.refuse = 0;
	run(p, LIMIT_WARM_RETRY_MS + 200);
	CU_ASSERT_TRUE(kernel.flow[1].live);
	pair_free(p);
}

static void a_refused_change_is_tried_again(void)
{
	struct pair *p = started();
	struct flow f = marked(3, 7);

	kernel.refuse = ENOMEM;
	tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS - 1);
	kernel.refuse = 0;
	run(p, LIMIT_WARM_RETRY_MS + 200);
	CU_ASSERT_EQUAL(kernel.flow[3].mark, 7);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, FLOWS);
	/* what is told meanwhile need not wait */
	kernel.refuse = ENOMEM;
	f = marked(3, 8);
	tell(p, KERNEL_EVENT_UPDATE, &f);
	kernel.refuse = 0;
	f = marked(3, 9);
	tell(p, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(kernel.flow[3].mark, 9);
	/* its end is carried out, refused or not */
	kernel.refuse = ENOMEM;
	f = marked(3, 10);
	tell(p, KERNEL_EVENT_UPDATE, &f);
	tell(p, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(kernel.flow[3].live);
	pair_free(p);
}

/* ---- the rate ---- */

static void writes_keep_to_the_rate_and_changes_go_first(void)
{
	struct pair *p = begin_as(100);
	unsigned before;
	struct flow f;

	for (uint32_t i = 0; i < MANY; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	run(p, AGE_MS + 100);
	before = alive();
	for (int s = 1; s <= 4; s++) {
		run(p, 1000);
		/* this clock's step is 100 ms, so that each burst is all that one step brings */
		CU_ASSERT(alive() <= before + 100U * (unsigned)s);
		CU_ASSERT(alive() > before);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, alive());
	CU_ASSERT(pair_status(p, 1).warm_behind_ms > 4000);
	for (uint32_t i = 0; i < 2; i++) {
		f = marked(i, 5);
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	}
	pair_exchange(p);
	before = kernel.count[KERNEL_OP_CREATE];
	run(p, 200);
	CU_ASSERT_EQUAL(kernel.flow[0].mark, 5);
	CU_ASSERT_EQUAL(kernel.flow[1].mark, 5);
	CU_ASSERT(kernel.count[KERNEL_OP_CREATE] <= before + 20);
	pair_free(p);
}

/* A burst is small, and the engine says when it goes on: driven by its own deadlines. */
static void the_deadlines_spread_the_writes(void)
{
	struct pair *p = begin_as(1000);
	mono began;
	unsigned most = 0;

	for (uint32_t i = 0; i < MANY; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	p->now = mono_add_ms(p->now, AGE_MS + 100);
	began = p->now;
	while (alive() < MANY && mono_diff_ms(p->now, began) < 5000) {
		mono at = engine_deadline(p->node[1].engine);
		unsigned before = alive();

		CU_ASSERT_TRUE_FATAL(mono_before(at, mono_add_ms(p->now, 200)));
		p->now = mono_before(p->now, at) ? at : p->now;
		engine_tick(p->node[1].engine, p->now);
		serve(p);
		most = alive() - before > most ? alive() - before : most;
	}
	CU_ASSERT_EQUAL(alive(), MANY);
	CU_ASSERT(mono_diff_ms(p->now, began) >= 950);
	CU_ASSERT(mono_diff_ms(p->now, began) <= 1100);
	CU_ASSERT(most <= 1000 * LIMIT_WARM_BURST_MS / 1000);
	pair_free(p);
}

/* ---- others ---- */

static void expectations_are_written_too(void)
{
	struct engine_config c = pair_config();
	struct pair *p;
	struct flow f = pair_flow(0);
	struct expect x;

	c.standby_warm = true;
	c.warm_age_ms = AGE_MS;
	c.warm_rate = 1000;
	c.expect_filter.on = true;
	p = pair_new(&c);
	memset(&kernel, 0, sizeof(kernel));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	run(p, 1000);
	tell(p, KERNEL_EVENT_NEW, &f);
	expectgen_of(&f, 4711, &x);
	engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_NEW, &x);
	run(p, AGE_MS + 400);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_CREATE], 1);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_EXPECT_CREATE], 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 1);
	engine_kernel_expect(p->node[0].engine, p->now, KERNEL_EVENT_DESTROY, &x);
	run(p, 200);
	CU_ASSERT_EQUAL(kernel.count[KERNEL_OP_EXPECT_DELETE], 1);
	pair_free(p);
}

static void emptied_tables_leave_nothing_behind(void)
{
	struct pair *p = started();
	struct flow f = in_state(FLOWS, FLOW_TCP_SYN_SENT);

	tell(p, KERNEL_EVENT_NEW, &f);
	run(p, 2 * AGE_MS);
	kernel.refuse = ENOMEM;
	f = marked(1, 1);
	tell(p, KERNEL_EVENT_UPDATE, &f);
	pair_command(p, 1, ENGINE_FLUSH, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_unsettled, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	engine_check(p->node[1].engine);
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
	{"what a bulk does not name is deleted", what_a_bulk_does_not_name_is_deleted},
	{"what lives here is kept", what_lives_here_is_kept},
	{"on an active node ends are doubted", on_an_active_node_ends_are_doubted},
	{"an end during the write is carried out after it",
		an_end_during_the_write_is_carried_out_after_it},
	{"what the kernel ends is written again", what_the_kernel_ends_is_written_again},
	{"what ended unheard is found by a dump", what_ended_unheard_is_found_by_a_dump},
	{"an end read late does not make an entry a stranger's",
		an_end_read_late_does_not_make_an_entry_a_strangers},
	{"no timeout runs low", no_timeout_runs_low},
	{"what was handed over ends with its peer", what_was_handed_over_ends_with_its_peer},
	{"a purge makes it start again", a_purge_makes_it_start_again},
	{"refusals are tried again after a growing pause",
		refusals_are_tried_again_after_a_growing_pause},
	{"a refused change is tried again", a_refused_change_is_tried_again},
	{"writes keep to the rate and changes go first",
		writes_keep_to_the_rate_and_changes_go_first},
	{"the deadlines spread the writes", the_deadlines_spread_the_writes},
	{"expectations are written too", expectations_are_written_too},
	{"emptied tables leave nothing behind", emptied_tables_leave_nothing_behind},
};

UNIT_MAIN("core_warm", tests)
