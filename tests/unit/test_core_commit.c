/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/commit_flow.h"
#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "unit.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { FLOWS = 50 };

/* Node 0 is active with FLOWS flows, node 1 its standby. */
static struct pair *started(void)
{
	struct pair *p = pair_new(NULL);
	struct flow f;

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	for (uint32_t n = 0; n < FLOWS; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, 3000);
	pair_forget(p);
	p->node[0].ops_count = p->node[1].ops_count = 0;
	return p;
}

static void answer(struct pair *p, unsigned n, unsigned op, int err)
{
	engine_kernel_result(p->node[n].engine, p->now, p->node[n].ops[op].id, err);
	pair_pull_ops(p, n);
}

static void answer_all(struct pair *p, unsigned n, int err)
{
	for (unsigned i = 0; i < p->node[n].ops_count; i++)
		answer(p, n, i, err);
}

static void a_commit_writes_and_keeps(void)
{
	struct pair *p = started();
	const struct engine_event *done;
	uint64_t sent;

	sent = pair_counter(p, 1, COUNTER_SENT_FLOWS);
	pair_command(p, 1, ENGINE_COMMIT, 42);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS);
	CU_ASSERT_TRUE(pair_status(p, 1).committing);
	CU_ASSERT_PTR_NULL(pair_told(p, 1, ENGINE_EVENT_DONE));
	answer_all(p, 1, 0);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done);
	CU_ASSERT_EQUAL(done->command_id, 42);
	CU_ASSERT_EQUAL(done->outcome, ENGINE_OK);
	CU_ASSERT_EQUAL(done->written, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_silent, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), sent);
	pair_free(p);
}

static void a_promotion_takes_over_and_tells(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).role, ENGINE_ROLE_PRIMARY);
	answer_all(p, 1, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	/* again: nothing is left to be written */
	pair_forget(p);
	pair_command(p, 1, ENGINE_PROMOTE, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pair_told(p, 1, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->written, 0);
	pair_free(p);
}

static void an_existing_entry_is_updated(void)
{
	struct pair *p = started();
	const struct engine_event *done;

	pair_command(p, 1, ENGINE_COMMIT, 1);
	for (unsigned i = 0; i < FLOWS; i++)
		answer(p, 1, i, i < 10 ? EEXIST : 0);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS + 10);
	for (unsigned i = FLOWS; i < FLOWS + 10; i++) {
		const struct kernel_op *op = &p->node[1].ops[i];

		CU_ASSERT_EQUAL(op->kind, KERNEL_OP_UPDATE);
		CU_ASSERT_FALSE(flow_has(&op->flow, FLOW_SNAT_IPV4));
		CU_ASSERT_FALSE(flow_has(&op->flow, FLOW_HELPER_NAME));
		CU_ASSERT(op->flow.status & FLOW_STATUS_CONFIRMED);
		answer(p, 1, i, 0);
	}
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done);
	CU_ASSERT_EQUAL(done->written, FLOWS);
	CU_ASSERT_EQUAL(done->refused, 0);
	pair_free(p);
}

static void a_busy_update_goes_without_a_status(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_COMMIT, 1);
	answer(p, 1, 0, EEXIST);
	answer(p, 1, FLOWS, EBUSY);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS + 2);
	CU_ASSERT_FALSE(flow_has(&p->node[1].ops[FLOWS + 1].flow, FLOW_STATUS));
	answer(p, 1, FLOWS + 1, EBUSY);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS + 2);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_KERNEL_REFUSED), 1);
	pair_free(p);
}

static void refusals_are_counted_by_errno_and_stay_remote(void)
{
	struct pair *p = started();
	const struct engine_event *done;

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	for (unsigned i = 0; i < FLOWS; i++)
		answer(p, 1, i, i < 3 ? EINVAL : i < 5 ? ENOMEM : 0);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done);
	CU_ASSERT_EQUAL(done->outcome, ENGINE_PARTIAL);
	CU_ASSERT_EQUAL(done->refused, 5);
	CU_ASSERT_EQUAL(done->errnos[0].err, EINVAL);
	CU_ASSERT_EQUAL(done->errnos[0].count, 3);
	CU_ASSERT_EQUAL(done->errnos[1].err, ENOMEM);
	CU_ASSERT_EQUAL(done->errnos[1].count, 2);
	CU_ASSERT_EQUAL(done->errnos[2].count, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 5);
	pair_free(p);
}

static void half_open_flows_are_skipped(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(FLOWS);

	f.tcp.state = FLOW_TCP_SYN_RECV;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS);
	answer_all(p, 1, 0);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->skipped, 1);
	pair_free(p);
}

static void masters_are_written_first(void)
{
	struct pair *p = started();
	struct flow f, master = pair_flow(0);

	for (uint32_t n = FLOWS; n < FLOWS + 20; n++) {
		f = pair_flow(n);
		f.master = master.tuple[FLOW_ORIG];
		flow_mark_set(&f, FLOW_MASTER_IPV4_SRC);
		flow_mark_set(&f, FLOW_MASTER_IPV4_DST);
		flow_mark_set(&f, FLOW_MASTER_L3PROTO);
		flow_mark_set(&f, FLOW_MASTER_L4PROTO);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS + 20);
	for (unsigned i = 0; i < FLOWS + 20; i++)
		CU_ASSERT_EQUAL(flow_has(&p->node[1].ops[i].flow, FLOW_MASTER_L4PROTO), i >= FLOWS);
	pair_free(p);
}

static void a_demotion_cancels_and_purges_later(void)
{
	struct pair *p = started();
	unsigned ops;

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	answer(p, 1, 0, 0);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->command_id, 1);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->outcome, ENGINE_CANCELLED);
	CU_ASSERT_TRUE(pair_status(p, 1).purge_scheduled);
	answer_all(p, 1, 0); /* what is answered late is still true */
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	ops = p->node[1].ops_count;
	pair_run(p, 59000);
	CU_ASSERT_EQUAL(p->node[1].ops_count, ops);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(p->node[1].ops_count, ops + FLOWS);
	CU_ASSERT_EQUAL(p->node[1].ops[ops].kind, KERNEL_OP_DELETE);
	for (unsigned i = ops; i < ops + FLOWS; i++)
		answer(p, 1, i, i % 2 ? ENOENT : 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pair_told(p, 1, ENGINE_EVENT_PURGED));
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_PURGED)->written, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).tombstones, 0);
	pair_free(p);
}

static void a_first_demotion_purges_nothing(void)
{
	struct pair *p = started();

	pair_command(p, 0, ENGINE_DEMOTE, 1);
	CU_ASSERT_FALSE(pair_status(p, 0).purge_scheduled);
	pair_command(p, 0, ENGINE_FAULT, 2);
	CU_ASSERT_FALSE(pair_status(p, 0).purge_scheduled);
	pair_free(p);
}

static void a_promotion_cancels_the_purge(void)
{
	struct pair *p = started();

	pair_command(p, 0, ENGINE_PROMOTE, 1);
	pair_command(p, 0, ENGINE_DEMOTE, 2);
	CU_ASSERT_TRUE(pair_status(p, 0).purge_scheduled);
	pair_command(p, 0, ENGINE_PROMOTE, 3);
	CU_ASSERT_FALSE(pair_status(p, 0).purge_scheduled);
	pair_run(p, 65000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, 0);
	pair_free(p);
}

static void busy_commands_say_so(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_COMMIT, 1);
	pair_command(p, 1, ENGINE_COMMIT, 2);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->command_id, 2);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->outcome, ENGINE_BUSY);
	pair_forget(p);
	pair_command(p, 1, ENGINE_FLUSH, 3);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->outcome, ENGINE_BUSY);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	pair_free(p);
}

static void a_promotion_takes_a_running_commit_over(void)
{
	struct pair *p = started();

	pair_command(p, 1, ENGINE_COMMIT, 1);
	pair_command(p, 1, ENGINE_PROMOTE, 2);
	answer_all(p, 1, 0);
	pair_run(p, 500);
	answer_all(p, 1, 0);
	CU_ASSERT_FALSE(pair_status(p, 1).committing);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

static void a_flow_that_ended_before_the_answer_stays_ended(void)
{
	struct pair *p = started();
	struct flow f;

	pair_command(p, 1, ENGINE_COMMIT, 1);
	f = p->node[1].ops[0].flow;
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	answer_all(p, 1, 0);
	CU_ASSERT_FALSE(pair_has(p, 1, LOCAL, &f));
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS - 1);
	pair_free(p);
}

static void operations_in_flight_are_bounded(void)
{
	struct pair *p = started();
	struct flow f;

	for (uint32_t n = 0; n < 3000; n++) {
		f = pair_flow(n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_EQUAL(p->node[1].ops_count, LIMIT_KERNEL_OPS_IN_FLIGHT);
	answer_all(p, 1, 0);
	CU_ASSERT_EQUAL(pair_told(p, 1, ENGINE_EVENT_DONE)->written, 3000);
	/* answers that nobody waits for change nothing */
	engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[0].id, EINVAL);
	engine_kernel_result(p->node[1].engine, p->now, 0, 0);
	engine_kernel_result(p->node[1].engine, p->now, UINT64_MAX, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 3000);
	pair_free(p);
}

static void a_created_flow_asks_for_its_nat(void)
{
	struct flow f = pair_flow(7);

	f.status = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_CONFIRMED | FLOW_STATUS_SRC_NAT |
		   FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE | FLOW_STATUS_OFFLOAD |
		   FLOW_STATUS_EXPECTED;
	flow_mark_set(&f, FLOW_STATUS);
	f.tuple[FLOW_REPL].dst.v4_be = htonl(0xc0000263);
	f.tuple[FLOW_REPL].dport_be = htons(40000);
	commit_flow_create(&f, true);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_SNAT_IPV4));
	CU_ASSERT_EQUAL(f.snat.v4_be, htonl(0xc0000263));
	CU_ASSERT_EQUAL(f.snat_port_be, htons(40000));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_DNAT_IPV4));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, f.tuple[FLOW_ORIG].src.v4_be);
	CU_ASSERT_EQUAL(f.status & (FLOW_STATUS_OFFLOAD | FLOW_STATUS_EXPECTED), 0);
	CU_ASSERT(f.status & FLOW_STATUS_CONFIRMED);
	CU_ASSERT(f.tcp.flags[0] & f.tcp.flags_mask[1] & FLOW_TCP_FLAG_BE_LIBERAL);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_ID));
}

static const struct unit_test tests[] = {
	{"a commit writes and keeps", a_commit_writes_and_keeps},
	{"a promotion takes over and tells", a_promotion_takes_over_and_tells},
	{"an existing entry is updated", an_existing_entry_is_updated},
	{"a busy update goes without a status", a_busy_update_goes_without_a_status},
	{"refusals are counted by errno and stay remote",
		refusals_are_counted_by_errno_and_stay_remote},
	{"half-open flows are skipped", half_open_flows_are_skipped},
	{"masters are written first", masters_are_written_first},
	{"a demotion cancels and purges later", a_demotion_cancels_and_purges_later},
	{"a first demotion purges nothing", a_first_demotion_purges_nothing},
	{"a promotion cancels the purge", a_promotion_cancels_the_purge},
	{"busy commands say so", busy_commands_say_so},
	{"a promotion takes a running commit over", a_promotion_takes_a_running_commit_over},
	{"a flow that ended before the answer stays ended",
		a_flow_that_ended_before_the_answer_stays_ended},
	{"operations in flight are bounded", operations_in_flight_are_bounded},
	{"a created flow asks for its NAT", a_created_flow_asks_for_its_nat},
};

UNIT_MAIN("core_commit", tests)
