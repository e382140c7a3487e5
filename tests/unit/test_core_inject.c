/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/expectgen.h"
#include "unit.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { FLOWS = 20 };

/* The operations of a node that are not answered yet begin here. */
static unsigned answered[PAIR_NODES];

static struct pair *pair_off(void (*set)(struct engine_config *))
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.external_cache_off = true;
	if (set)
		set(&c);
	p = pair_new(&c);
	answered[0] = answered[1] = 0;
	return p;
}

static void dump_of(struct pair *p, unsigned n, uint32_t first, uint32_t count)
{
	struct flow f;

	pair_event(p, n, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = first; i < first + count; i++) {
		f = pair_flow(i);
		pair_event(p, n, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, n, KERNEL_DUMP_END, NULL);
}

static const struct kernel_op *last_op(const struct pair *p, unsigned n)
{
	static const struct kernel_op none = {.kind = KERNEL_OP_DUMP};
	const struct pair_node *node = &p->node[n];

	return node->ops_count > answered[n] ? &node->ops[node->ops_count - 1] : &none;
}

static unsigned waiting(const struct pair *p, unsigned n, enum kernel_op_kind kind)
{
	unsigned count = 0;

	for (unsigned i = answered[n]; i < p->node[n].ops_count; i++)
		count += p->node[n].ops[i].kind == kind;
	return count;
}

/* Answers what is unanswered now; what follows from that is unanswered then. */
static void answer(struct pair *p, unsigned n, int err)
{
	unsigned until = p->node[n].ops_count;

	for (; answered[n] < until; answered[n]++)
		if (p->node[n].ops[answered[n]].kind != KERNEL_OP_DUMP)
			engine_kernel_result(
				p->node[n].engine, p->now, p->node[n].ops[answered[n]].id, err);
	pair_pull_ops(p, n);
	engine_check(p->node[n].engine);
}

static void answer_everything(struct pair *p, unsigned n)
{
	while (answered[n] < p->node[n].ops_count)
		answer(p, n, 0);
}

/* Both kernels are read and empty; node 0 gets FLOWS flows, whose creation node 1 answers. */
static struct pair *started_as(void (*set)(struct engine_config *))
{
	struct pair *p = pair_off(set);
	struct flow f;

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	for (uint32_t n = 0; n < FLOWS; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, 2000);
	answer_everything(p, 1);
	pair_forget(p);
	return p;
}

static struct pair *started(void)
{
	return started_as(NULL);
}

static void tell(struct pair *p, unsigned n, enum kernel_event kind, const struct flow *f)
{
	pair_event(p, n, kind, f);
	pair_exchange(p);
}

/* ---- writing ---- */

static void what_peers_tell_is_written_at_once(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);
	uint64_t sent = pair_counter(p, 1, COUNTER_SENT_FLOWS);

	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_CREATED), FLOWS);
	f.tcp.state = FLOW_TCP_SYN_SENT; /* packets of a connection may take different ways */
	tell(p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 1);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.tcp.state, FLOW_TCP_SYN_SENT);
	CU_ASSERT(last_op(p, 1)->flow.timeout >= LIMIT_DEAD_TIMEOUT_S);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 1);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_CREATED), FLOWS + 1);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	/* they are not ours, and are not announced */
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), sent);
	pair_free(p);
}

static void changes_are_updates_and_coalesce(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(3);

	f.mark = 1;
	flow_mark_set(&f, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_UPDATE), 1);
	f.mark = 2;
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	f.mark = 3;
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_UPDATE), 1);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_UPDATE), 1);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.mark, 3);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	pair_free(p);
}

static void a_repeated_table_writes_nothing(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_RESYNC_PEERS, 1);
	pair_run(p, 3000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_BULKS_SENT) > 1);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	pair_free(p);
}

static void refusals_find_another_way_or_are_counted(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	tell(p, 0, KERNEL_EVENT_NEW, &f);
	answer(p, 1, EEXIST);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_UPDATE);
	answer(p, 1, EBUSY);
	CU_ASSERT_FALSE(flow_has(&last_op(p, 1)->flow, FLOW_STATUS));
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_UPDATED), 1);

	f = pair_flow(1);
	f.mark = 7;
	flow_mark_set(&f, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	answer(p, 1, ENOENT);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_CREATE);
	answer(p, 1, ENOMEM);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_CREATE_REFUSED), 1);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	/* told again, it is tried again */
	f.mark = 8;
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_CREATE);
	answer(p, 1, 0);
	pair_free(p);
}

static void another_reply_tuple_wants_another_entry(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(2);

	f.tuple[FLOW_REPL].dport_be = htons(4711);
	f.status |= FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE;
	f.id = 1000;
	tell(p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_DELETE);
	CU_ASSERT_FALSE(flow_has(&last_op(p, 1)->flow, FLOW_ID));
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_CREATE);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.snat_port_be, htons(4711));
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	pair_free(p);
}

static void related_flows_wait_for_their_masters(void)
{
	struct pair *p = started();
	struct flow master = pair_flow(FLOWS), f = pair_flow(FLOWS + 1);
	unsigned first = answered[1];

	pair_set_master(&f, &master);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	tell(p, 0, KERNEL_EVENT_NEW, &master);
	CU_ASSERT_EQUAL(p->node[1].ops_count, first + 2);
	CU_ASSERT_FALSE(flow_has(&p->node[1].ops[first].flow, FLOW_MASTER_L4PROTO));
	CU_ASSERT_TRUE(flow_has(&p->node[1].ops[first + 1].flow, FLOW_MASTER_L4PROTO));
	answer(p, 1, 0);
	/* a master that is late is waited for, once */
	f = pair_flow(FLOWS + 3);
	pair_set_master(&f, &master);
	tell(p, 0, KERNEL_EVENT_NEW, &f);
	answer(p, 1, ENOENT);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 1);
	pair_run(p, LIMIT_RELATED_RETRY_MS + 200);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 1);
	answer(p, 1, ENOENT);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	pair_free(p);
}

/* A master may never come: who waits for one does not hold up those whose masters are there. */
static void a_late_master_holds_up_no_other(void)
{
	struct pair *p = started();
	struct flow master = pair_flow(FLOWS), f;

	for (uint32_t i = 1; i <= 4; i++) {
		f = pair_flow(FLOWS + i);
		pair_set_master(&f, &master);
		tell(p, 0, KERNEL_EVENT_NEW, &f);
		CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 1);
		answer(p, 1, i % 2 ? ENOENT : 0);
		pair_run(p, LIMIT_RELATED_RETRY_MS / 4);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 2);
	pair_run(p, LIMIT_RELATED_RETRY_MS);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 2);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	pair_free(p);
}

/* ---- ends ---- */

static void an_end_is_carried_out(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(4);

	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.tuple[FLOW_ORIG].sport_be, f.tuple[FLOW_ORIG].sport_be);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	answer(p, 1, ENOENT); /* it has ended here as well */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETE_REFUSED), 0);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	pair_free(p);
}

static void an_end_during_the_write_is_carried_out_after_it(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS), g = pair_flow(FLOWS + 1), h = pair_flow(FLOWS + 2);

	tell(p, 0, KERNEL_EVENT_NEW, &f);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 0);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	answer(p, 1, 0);
	/* what was there before is not ours to delete */
	tell(p, 0, KERNEL_EVENT_NEW, &g);
	tell(p, 0, KERNEL_EVENT_DESTROY, &g);
	answer(p, 1, EEXIST);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	/* told once more: it stays */
	tell(p, 0, KERNEL_EVENT_NEW, &h);
	tell(p, 0, KERNEL_EVENT_DESTROY, &h);
	h.id++;
	h.mark = 5;
	flow_mark_set(&h, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_NEW, &h);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 1);
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &h));
	pair_free(p);
}

/* Refused once and to be tried anew when its end comes: what was written before is still there. */
static void an_end_between_two_tries_is_carried_out(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(3);

	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL_FATAL(waiting(p, 1, KERNEL_OP_UPDATE), 1);
	engine_kernel_result(p->node[1].engine, p->now, last_op(p, 1)->id, EBUSY);
	answered[1] = p->node[1].ops_count;
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 1);
	pair_free(p);
}

static void what_was_never_written_is_not_deleted(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	tell(p, 0, KERNEL_EVENT_NEW, &f);
	answer(p, 1, ENOMEM);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	pair_free(p);
}

/* An entry that was in our kernel before we wrote to it may carry packets: it gets a minute. */
static void what_was_there_before_is_given_time(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	tell(p, 0, KERNEL_EVENT_NEW, &f);
	answer(p, 1, EEXIST);
	answer(p, 1, 0);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_UPDATE);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.timeout, LIMIT_DEAD_TIMEOUT_S);
	CU_ASSERT_FALSE(flow_has(&last_op(p, 1)->flow, FLOW_TCP_STATE));
	answer(p, 1, 0);
	pair_free(p);
}

/*
 * Packets put a timeout forward and no event tells. So an entry that the peer let run out may be
 * alive here, and our kernel's own timer knows.
 */
static void an_idle_copys_end_deletes_nothing(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	f.timeout = 20;
	tell(p, 0, KERNEL_EVENT_NEW, &f);
	answer(p, 1, 0);
	pair_run(p, 20000);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_RUN_OUT), 1);
	pair_free(p);
}

/* Node 0 comes back with another boot and knows less; it may have lost its kernel. */
static void what_a_bulk_does_not_name_is_given_time(void)
{
	struct pair *p = started();
	unsigned first;

	pair_restart(p, 0, 500000);
	answered[0] = 0;
	dump_of(p, 0, 0, FLOWS - 5);
	pair_run(p, 3000);
	first = answered[1];
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS - 5);
	CU_ASSERT_EQUAL(p->node[1].ops_count, first + 5);
	for (unsigned i = first; i < p->node[1].ops_count; i++) {
		CU_ASSERT_EQUAL(p->node[1].ops[i].kind, KERNEL_OP_UPDATE);
		CU_ASSERT_EQUAL(p->node[1].ops[i].flow.timeout, LIMIT_DEAD_TIMEOUT_S);
	}
	answer_everything(p, 1);
	pair_free(p);
}

/* ---- whose is it? ---- */

static void dumps_and_ends_do_not_make_it_ours(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(5);
	uint64_t sent = pair_counter(p, 1, COUNTER_SENT_FLOWS);

	dump_of(p, 1, 0, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	tell(p, 1, KERNEL_EVENT_DESTROY, &f);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	/* it is not in our kernel any more: told again, it is made again */
	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 1);
	answer(p, 1, 0);
	pair_free(p);
}

static void packets_make_it_ours(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(6);

	f.tcp.state = FLOW_TCP_FIN_WAIT;
	tell(p, 1, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_TRUE(pair_has(p, 1, LOCAL, &f));
	CU_ASSERT_TRUE(pair_has(p, 0, REMOTE, &f));
	/* node 0 sees packets of it too: what is newer is written there */
	CU_ASSERT_EQUAL(last_op(p, 0)->kind, KERNEL_OP_UPDATE);
	CU_ASSERT_EQUAL(last_op(p, 0)->flow.tcp.state, FLOW_TCP_FIN_WAIT);
	answer(p, 0, 0);
	/* the end of node 0's copy ends nothing here */
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_KEPT), 1);
	CU_ASSERT_TRUE(pair_has(p, 1, LOCAL, &f));
	pair_free(p);
}

/* A state that is older than what our kernel has seen itself is not written over it. */
static void ours_is_not_set_back(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(7), old = pair_flow(7);

	f.tcp.state = FLOW_TCP_TIME_WAIT;
	f.timeout = 120;
	tell(p, 1, KERNEL_EVENT_UPDATE, &f);
	old.mark = 4;
	flow_mark_set(&old, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &old);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_UPDATE);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.mark, 4);
	CU_ASSERT_FALSE(flow_has(&last_op(p, 1)->flow, FLOW_TCP_STATE));
	answer_everything(p, 1);
	answer_everything(p, 0);
	/* a new connection after it is written */
	old.tcp.state = FLOW_TCP_SYN_SENT;
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	tell(p, 0, KERNEL_EVENT_NEW, &old);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_UPDATE);
	CU_ASSERT_EQUAL(last_op(p, 1)->flow.tcp.state, FLOW_TCP_SYN_SENT);
	pair_free(p);
}

/* After a restart: what our kernel has is another's, if another knows it. */
static void a_restarted_standby_owns_nothing(void)
{
	struct pair *p = started();
	uint64_t bulks;

	pair_restart(p, 1, 700000);
	answered[1] = 0;
	dump_of(p, 1, 0, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	bulks = pair_counter(p, 1, COUNTER_BULKS_SENT);
	pair_run(p, 4000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_YIELDED), FLOWS);
	CU_ASSERT(pair_counter(p, 1, COUNTER_BULKS_SENT) > bulks);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 0);
	answer_everything(p, 1);
	answer_everything(p, 0);
	/* the other one has not lost any of them by that */
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 0);
	pair_free(p);
}

/* ---- takeover ---- */

static void a_commit_has_nothing_to_write(void)
{
	struct pair *p = started();
	const struct engine_event *done;

	pair_command(p, 1, ENGINE_COMMIT, 3);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done);
	CU_ASSERT_EQUAL(done->outcome, ENGINE_OK);
	CU_ASSERT_EQUAL(done->written, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	pair_free(p);
}

static void a_commit_writes_what_is_missing(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(8);

	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f); /* our copy ran out; the peer's did not */
	pair_command(p, 1, ENGINE_COMMIT, 3);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 1);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->written, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	/* and of that, too, the end is carried out */
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	answer(p, 1, 0);
	pair_free(p);
}

static void a_promotion_makes_all_ours(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(9);

	pair_command(p, 1, ENGINE_PROMOTE, 3);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DUMP), 1);
	/* what is told before the dump has come does not keep it from being taken */
	f.mark = 1;
	flow_mark_set(&f, FLOW_MARK);
	tell(p, 0, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 0);
	dump_of(p, 1, 0, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	answer_everything(p, 1);
	/* the former active's copies end: nothing is deleted here */
	for (uint32_t n = 0; n < FLOWS; n++) {
		f = pair_flow(n);
		tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

/* What conntrackd's notify script does, and no role is ever said: see test_core_command. */
static void the_scripts_commands_make_all_ours(void)
{
	struct pair *p = started();
	struct flow f;

	pair_command(p, 1, ENGINE_COMMIT, 1);
	pair_command(p, 1, ENGINE_FLUSH, 2);
	pair_command(p, 1, ENGINE_RESYNC_KERNEL, 3);
	pair_command(p, 1, ENGINE_BULK, 4);
	pair_command(p, 0, ENGINE_PURGE_LATER, 5);
	pair_command(p, 0, ENGINE_RESYNC_PEERS, 6);
	pair_run(p, 500);
	dump_of(p, 1, 0, FLOWS);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	CU_ASSERT_TRUE(pair_status(p, 0).purge_scheduled);
	/* the purge spares what is the other's now */
	answer_everything(p, 0);
	answer_everything(p, 1);
	f = pair_flow(FLOWS + 1);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 70000);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 1); /* the one whose deletion waits */
	CU_ASSERT_EQUAL(waiting(p, 0, KERNEL_OP_DELETE), 1);
	CU_ASSERT_TRUE(
		last_op(p, 0)->kind == KERNEL_OP_DELETE || last_op(p, 0)->kind == KERNEL_OP_DUMP);
	answer_everything(p, 0);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	pair_free(p);
}

static void a_purge_that_is_asked_for_takes_all(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	pair_command(p, 1, ENGINE_PURGE, 3);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), FLOWS + 1);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->written, FLOWS + 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	/* the other still has them: a commit brings them back */
	pair_command(p, 1, ENGINE_COMMIT, 4);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), FLOWS);
	answer_everything(p, 1);
	pair_free(p);
}

/* What was written and is gone unheard (events were lost) is found out by the next dump. */
static void a_dump_finds_out_what_is_gone(void)
{
	struct pair *p = started();

	dump_of(p, 1, 0, FLOWS - 3);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_CREATE), 3);
	answer_everything(p, 1);
	pair_free(p);
}

static void flushes_leave_the_kernel_alone(void)
{
	struct pair *p = started();
	struct engine_command c = {ENGINE_FLUSH, 1, .tables = ENGINE_TABLES_REMOTE};
	struct flow f = pair_flow(FLOWS), g = pair_flow(0);

	/* with writes and an end on their way */
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &g);
	pair_exchange(p);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	engine_command(p->node[1].engine, p->now, &c);
	engine_check(p->node[1].engine);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	answer_everything(p, 1);
	pair_run(p, 1000);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	c.tables = ENGINE_TABLES_ALL;
	engine_command(p->node[1].engine, p->now, &c);
	engine_check(p->node[1].engine);
	pair_free(p);
}

/* ---- expectations ---- */

static void set_expectations(struct engine_config *c)
{
	c->expect_filter.on = true;
}

static struct expect expected(uint32_t n, uint32_t class)
{
	struct flow master = pair_flow(n);
	struct expect x;

	expectgen_of(&master, 40000, &x);
	x.class = class;
	expect_mark_set(&x, EXPECT_CLASS);
	return x;
}

static void tell_expect(struct pair *p, enum kernel_event kind, const struct expect *x)
{
	engine_kernel_expect(p->node[0].engine, p->now, kind, x);
	pair_exchange(p);
}

static void expectations_go_the_same_way(void)
{
	struct pair *p = started_as(set_expectations);
	struct expect x = expected(0, 1), y = expected(1, 0);

	tell_expect(p, KERNEL_EVENT_NEW, &x);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_EXPECT_CREATE), 1);
	CU_ASSERT_EQUAL(last_op(p, 1)->expect.class, 1);
	answer(p, 1, 0);
	/* another one of the same key: there is no update */
	x.class = 2;
	tell_expect(p, KERNEL_EVENT_NEW, &x);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_EXPECT_DELETE);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_EXPECT_CREATE);
	CU_ASSERT_EQUAL(last_op(p, 1)->expect.class, 2);
	answer(p, 1, 0);
	/* our kernel's own dump and events do not make it ours */
	engine_kernel_expect(p->node[1].engine, p->now, KERNEL_EVENT_DESTROY, &x);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 1);
	x.class = 3;
	tell_expect(p, KERNEL_EVENT_NEW, &x);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_EXPECT_CREATE);
	answer(p, 1, 0);
	tell_expect(p, KERNEL_EVENT_DESTROY, &x);
	CU_ASSERT_EQUAL(last_op(p, 1)->kind, KERNEL_OP_EXPECT_DELETE);
	answer(p, 1, ENOENT);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_EXPECT_CREATED), 3);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_EXPECT_DELETED), 1);
	/* one that is there already is left as it is, and not deleted either */
	tell_expect(p, KERNEL_EVENT_NEW, &y);
	answer(p, 1, EEXIST);
	tell_expect(p, KERNEL_EVENT_DESTROY, &y);
	CU_ASSERT_EQUAL(answered[1], p->node[1].ops_count);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_EXPECT_REFUSED), 0);
	pair_free(p);
}

/* Carries out what a node wants of its kernel, which has the flow 0 with a mark. */
static unsigned serve_mark(struct pair *p, unsigned n, uint32_t *mark)
{
	unsigned writes = 0;

	pair_pull_ops(p, n);
	for (; answered[n] < p->node[n].ops_count; answered[n]++) {
		const struct kernel_op *op = &p->node[n].ops[answered[n]];

		if (op->kind == KERNEL_OP_DUMP)
			continue;
		*mark = op->flow.mark;
		writes++;
		engine_kernel_result(p->node[n].engine, p->now, op->id, 0);
	}
	return writes;
}

static void look_at_mark(struct pair *p, unsigned n, uint32_t mark)
{
	struct flow f = pair_flow(0);

	f.mark = mark;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, n, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, n, KERNEL_DUMP_FLOW, &f);
	pair_event(p, n, KERNEL_DUMP_END, NULL);
}

/* What a dump had read before our own deletion is not in the kernel any more. */
static void a_dump_brings_back_nothing_that_we_ended(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(3);

	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	answer(p, 1, 0);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	/* packets may make it anew all the same */
	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	f = pair_flow(4);
	tell(p, 0, KERNEL_EVENT_DESTROY, &f);
	answer(p, 1, 0);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	engine_check(p->node[1].engine);
	pair_free(p);
}

/*
 * Each has written what the other one had. Who looks first tells so, and the other one has nothing
 * to write then, since it knows that.
 */
static void two_owners_come_to_one_mark(void)
{
	struct pair *p = pair_off(NULL);
	uint32_t mark[PAIR_NODES] = {1, 2};
	struct engine_flow_view v;
	unsigned writes = 0;

	for (unsigned n = 0; n < PAIR_NODES; n++)
		pair_dump_empty(p, n);
	pair_run(p, 1000);
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		struct flow f = pair_flow(0);

		f.mark = mark[n];
		flow_mark_set(&f, FLOW_MARK);
		pair_event(p, n, KERNEL_EVENT_NEW, &f);
	}
	for (unsigned look = 0; look < 8; look++) {
		writes = 0;
		for (unsigned step = 0; step < 4; step++) {
			pair_run(p, 100);
			for (unsigned n = 0; n < PAIR_NODES; n++)
				writes += serve_mark(p, n, &mark[n]);
		}
		look_at_mark(p, look % 2, mark[look % 2]);
	}
	CU_ASSERT_EQUAL(writes, 0);
	CU_ASSERT_EQUAL(mark[0], mark[1]);
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		struct flow f = pair_flow(0);

		CU_ASSERT_TRUE_FATAL(engine_find(p->node[n].engine, LOCAL, &f, &v));
		CU_ASSERT_EQUAL(v.flow.mark, mark[0]);
		CU_ASSERT_TRUE_FATAL(engine_find(p->node[n].engine, REMOTE, &f, &v));
		CU_ASSERT_EQUAL(v.flow.mark, mark[0]);
	}
	pair_free(p);
}

/* While the dump that takes all is waited for ends wait, too, and a commit writes as ever. */
static void what_a_commit_writes_anew_ends_once(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(9);

	pair_command(p, 1, ENGINE_PROMOTE, 3);
	for (unsigned i = 0; i < 3; i++) {
		f.id++;
		tell(p, 0, KERNEL_EVENT_NEW, &f);
		pair_command(p, 1, ENGINE_COMMIT, 4 + i);
		answer_everything(p, 1);
		tell(p, 0, KERNEL_EVENT_DESTROY, &f);
		CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 0);
		CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 1);
		engine_check(p->node[1].engine);
	}
	dump_of(p, 1, 0, FLOWS);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(waiting(p, 1, KERNEL_OP_DELETE), 1);
	answer_everything(p, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).inject_queue, 0);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"what peers tell is written at once", what_peers_tell_is_written_at_once},
	{"changes are updates and coalesce", changes_are_updates_and_coalesce},
	{"a repeated table writes nothing", a_repeated_table_writes_nothing},
	{"refusals find another way or are counted", refusals_find_another_way_or_are_counted},
	{"another reply tuple wants another entry", another_reply_tuple_wants_another_entry},
	{"related flows wait for their masters", related_flows_wait_for_their_masters},
	{"a late master holds up no other", a_late_master_holds_up_no_other},
	{"an end is carried out", an_end_is_carried_out},
	{"an end during the write is carried out after it",
		an_end_during_the_write_is_carried_out_after_it},
	{"an end between two tries is carried out", an_end_between_two_tries_is_carried_out},
	{"what was never written is not deleted", what_was_never_written_is_not_deleted},
	{"what was there before is given time", what_was_there_before_is_given_time},
	{"an idle copy's end deletes nothing", an_idle_copys_end_deletes_nothing},
	{"what a bulk does not name is given time", what_a_bulk_does_not_name_is_given_time},
	{"dumps and ends do not make it ours", dumps_and_ends_do_not_make_it_ours},
	{"packets make it ours", packets_make_it_ours},
	{"ours is not set back", ours_is_not_set_back},
	{"a restarted standby owns nothing", a_restarted_standby_owns_nothing},
	{"a commit has nothing to write", a_commit_has_nothing_to_write},
	{"a commit writes what is missing", a_commit_writes_what_is_missing},
	{"a promotion makes all ours", a_promotion_makes_all_ours},
	{"the script's commands make all ours", the_scripts_commands_make_all_ours},
	{"a purge that is asked for takes all", a_purge_that_is_asked_for_takes_all},
	{"a dump finds out what is gone", a_dump_finds_out_what_is_gone},
	{"flushes leave the kernel alone", flushes_leave_the_kernel_alone},
	{"expectations go the same way", expectations_go_the_same_way},
	{"a dump brings back nothing that we ended", a_dump_brings_back_nothing_that_we_ended},
	{"two owners come to one mark", two_owners_come_to_one_mark},
	{"what a commit writes anew ends once", what_a_commit_writes_anew_ends_once},
};

UNIT_MAIN("core_inject", tests)
