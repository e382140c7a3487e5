/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "core_pair.h"
#include "unit.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { FLOWS = 30 };

static void dump_of(struct pair *p, unsigned n, uint32_t count)
{
	struct flow f;

	pair_event(p, n, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < count; i++) {
		f = pair_flow(i);
		pair_event(p, n, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, n, KERNEL_DUMP_END, NULL);
}

/* Node 0 is active with FLOWS flows, node 1 its standby. */
static struct pair *started_as(const struct engine_config *c)
{
	struct pair *p = pair_new(c);
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

static struct pair *started(void)
{
	return started_as(NULL);
}

static void command(struct pair *p, unsigned n, const struct engine_command *c)
{
	engine_command(p->node[n].engine, p->now, c);
	engine_check(p->node[n].engine);
	pair_pull_ops(p, n);
}

static void answer_all(struct pair *p, unsigned n)
{
	for (unsigned i = 0; i < p->node[n].ops_count; i++) {
		engine_kernel_result(p->node[n].engine, p->now, p->node[n].ops[i].id, 0);
		pair_pull_ops(p, n);
	}
	p->node[n].ops_count = 0;
}

static const struct engine_event *done(struct pair *p, unsigned n, uint64_t id)
{
	pair_told(p, n, ENGINE_EVENT_DONE);
	for (unsigned i = 0; i < p->node[n].events_count; i++)
		if (p->node[n].events[i].kind == ENGINE_EVENT_DONE &&
			p->node[n].events[i].command_id == id)
			return &p->node[n].events[i];
	return NULL;
}

/* ---- flush ---- */

static void a_flush_empties_the_tables_it_names(void)
{
	struct pair *p = started();
	struct flow own = pair_flow(1000);
	uint64_t sent;

	pair_event(p, 1, KERNEL_EVENT_NEW, &own);
	pair_exchange(p);
	sent = pair_counter(p, 1, COUNTER_SENT_FLOWS);
	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 1, .tables = ENGINE_TABLES_LOCAL});
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_SENT_FLOWS), sent); /* nobody is told */
	CU_ASSERT_TRUE(pair_has(p, 0, REMOTE, &own));
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &own);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	pair_run(p, 1000);

	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 2, .tables = ENGINE_TABLES_REMOTE});
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(p->node[1].ops_count, 0);
	command(p, 1, &(struct engine_command){ENGINE_RESYNC_PEERS, 3});
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);

	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 4});
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_PTR_NOT_NULL(done(p, 1, 4));
	pair_free(p);
}

static void a_flush_of_the_local_table_may_interrupt_a_commit(void)
{
	struct pair *p = started();

	command(p, 1, &(struct engine_command){ENGINE_COMMIT, 1});
	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 2, .tables = ENGINE_TABLES_REMOTE});
	CU_ASSERT_EQUAL(done(p, 1, 2)->outcome, ENGINE_BUSY);
	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 3, .tables = ENGINE_TABLES_LOCAL});
	CU_ASSERT_EQUAL(done(p, 1, 3)->outcome, ENGINE_OK);
	answer_all(p, 1);
	CU_ASSERT_EQUAL(done(p, 1, 1)->written, FLOWS);
	pair_free(p);
}

/* ---- purge ---- */

static void a_purge_has_a_scope(void)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.expect_filter.on = true;
	p = started_as(&c);
	command(p, 0, &(struct engine_command){ENGINE_PURGE, 1, ENGINE_SCOPE_EXPECTATIONS});
	CU_ASSERT_EQUAL(p->node[0].ops_count, 1);
	CU_ASSERT_EQUAL(p->node[0].ops[0].kind, KERNEL_OP_EXPECT_FLUSH);
	CU_ASSERT_PTR_NULL(done(p, 0, 1));
	answer_all(p, 0);
	CU_ASSERT_PTR_NOT_NULL(done(p, 0, 1));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, FLOWS);

	command(p, 0, &(struct engine_command){ENGINE_PURGE, 2, ENGINE_SCOPE_FLOWS});
	CU_ASSERT_EQUAL(p->node[0].ops_count, FLOWS);
	CU_ASSERT_EQUAL(p->node[0].ops[0].kind, KERNEL_OP_DELETE);
	answer_all(p, 0);
	CU_ASSERT_EQUAL(done(p, 0, 2)->written, FLOWS);

	dump_of(p, 0, FLOWS);
	pair_run(p, 200);
	p->node[0].ops_count = 0;
	command(p, 0, &(struct engine_command){ENGINE_PURGE, 3});
	CU_ASSERT_EQUAL(p->node[0].ops_count, FLOWS + 1);
	answer_all(p, 0);
	CU_ASSERT_EQUAL(done(p, 0, 3)->outcome, ENGINE_OK);
	pair_free(p);
}

static void what_is_not_replicated_is_not_purged(void)
{
	struct pair *p = started();

	command(p, 0, &(struct engine_command){ENGINE_PURGE, 1});
	CU_ASSERT_EQUAL(p->node[0].ops_count, FLOWS);
	answer_all(p, 0);
	/* but it is, if that is what was said */
	command(p, 0, &(struct engine_command){ENGINE_PURGE, 2, ENGINE_SCOPE_EXPECTATIONS});
	CU_ASSERT_EQUAL(p->node[0].ops_count, 1);
	engine_kernel_result(p->node[0].engine, p->now, p->node[0].ops[0].id, EPERM);
	CU_ASSERT_EQUAL(done(p, 0, 2)->outcome, ENGINE_PARTIAL);
	CU_ASSERT_EQUAL(done(p, 0, 2)->errnos[0].err, EPERM);
	pair_free(p);
}

/* conntrackd's -t: also of a node that never was promoted; a second one changes nothing. */
static void purge_later_needs_no_role(void)
{
	struct pair *p = started();

	command(p, 0, &(struct engine_command){ENGINE_PURGE_LATER, 1});
	CU_ASSERT_PTR_NOT_NULL(done(p, 0, 1));
	CU_ASSERT_TRUE(pair_status(p, 0).purge_scheduled);
	CU_ASSERT_EQUAL(pair_status(p, 0).role, ENGINE_ROLE_BACKUP);
	pair_run(p, 30000);
	command(p, 0, &(struct engine_command){ENGINE_PURGE_LATER, 2});
	pair_run(p, 29000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, 0);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, FLOWS);
	CU_ASSERT_EQUAL(p->node[0].ops[0].kind, KERNEL_OP_DELETE);
	answer_all(p, 0);
	CU_ASSERT_EQUAL(pair_told(p, 0, ENGINE_EVENT_PURGED)->written, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

static void a_scheduled_purge_is_cancelled(void)
{
	static const struct engine_command by[] = {
		{.kind = ENGINE_COMMIT},
		{.kind = ENGINE_PROMOTE},
		{.kind = ENGINE_FLUSH, .tables = ENGINE_TABLES_ALL},
		{.kind = ENGINE_FLUSH, .tables = ENGINE_TABLES_LOCAL},
	};
	static const struct engine_command not_by[] = {
		{.kind = ENGINE_FLUSH, .tables = ENGINE_TABLES_REMOTE},
		{.kind = ENGINE_RESYNC_PEERS},
		{.kind = ENGINE_RESYNC_KERNEL},
		{.kind = ENGINE_BULK},
		{.kind = ENGINE_DEMOTE},
	};

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		struct pair *p = started();

		command(p, 0, &(struct engine_command){ENGINE_PURGE_LATER, 1});
		CU_ASSERT_TRUE(pair_status(p, 0).purge_scheduled);
		command(p, 0, &by[i]);
		CU_ASSERT_FALSE(pair_status(p, 0).purge_scheduled);
		pair_free(p);
	}
	for (size_t i = 0; i < sizeof(not_by) / sizeof(not_by[0]); i++) {
		struct pair *p = started();

		command(p, 0, &(struct engine_command){ENGINE_PURGE_LATER, 1});
		command(p, 0, &not_by[i]);
		CU_ASSERT_TRUE(pair_status(p, 0).purge_scheduled);
		pair_free(p);
	}
}

/* ---- conntrackd's notify script: -c -f -R -B on the one node, -t -n on the other ---- */

static void the_scripts_commands_do_without_roles(void)
{
	struct pair *p = started();
	struct flow f;

	command(p, 0, &(struct engine_command){ENGINE_PURGE_LATER, 1});
	command(p, 0, &(struct engine_command){ENGINE_RESYNC_PEERS, 2});
	command(p, 1, &(struct engine_command){ENGINE_COMMIT, 1});
	CU_ASSERT_EQUAL(p->node[1].ops_count, FLOWS);
	answer_all(p, 1);
	CU_ASSERT_EQUAL(done(p, 1, 1)->written, FLOWS);
	command(p, 1, &(struct engine_command){ENGINE_FLUSH, 2});
	command(p, 1, &(struct engine_command){ENGINE_RESYNC_KERNEL, 3});
	command(p, 1, &(struct engine_command){ENGINE_BULK, 4});
	CU_ASSERT_PTR_NULL(done(p, 1, 3));
	CU_ASSERT_PTR_NULL(done(p, 1, 4));
	dump_of(p, 1, FLOWS);
	pair_run(p, 3000);
	CU_ASSERT_PTR_NOT_NULL(done(p, 1, 3));
	CU_ASSERT_PTR_NOT_NULL(done(p, 1, 4));
	CU_ASSERT_EQUAL(pair_status(p, 1).role, ENGINE_ROLE_BACKUP);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	/* the new active's flow goes over, and the old one empties its kernel and keeps its copy */
	f = pair_flow(FLOWS);
	pair_event(p, 1, KERNEL_EVENT_NEW, &f);
	p->node[0].ops_count = p->node[1].ops_count = 0;
	pair_run(p, 61000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, FLOWS);
	answer_all(p, 0);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS + 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS + 1);
	pair_free(p);
}

/* And back again, as keepalived does when the first node has returned. */
static void the_scripts_commands_work_both_ways(void)
{
	struct pair *p = started();

	for (unsigned turn = 0; turn < 4; turn++) {
		unsigned up = !(turn & 1), down = !up;

		p->node[0].ops_count = p->node[1].ops_count = 0;
		pair_forget(p);
		command(p, down, &(struct engine_command){ENGINE_PURGE_LATER, 10});
		command(p, down, &(struct engine_command){ENGINE_RESYNC_PEERS, 11});
		command(p, up, &(struct engine_command){ENGINE_COMMIT, 12});
		answer_all(p, up);
		CU_ASSERT_EQUAL(done(p, up, 12)->written, FLOWS);
		command(p, up, &(struct engine_command){ENGINE_FLUSH, 13});
		command(p, up, &(struct engine_command){ENGINE_RESYNC_KERNEL, 14});
		command(p, up, &(struct engine_command){ENGINE_BULK, 15});
		dump_of(p, up, FLOWS);
		pair_run(p, 5000);
		CU_ASSERT_EQUAL(pair_status(p, up).local_flows, FLOWS);
		CU_ASSERT_EQUAL(pair_status(p, down).remote_flows, FLOWS);
		p->node[down].ops_count = 0;
		pair_run(p, 60000);
		CU_ASSERT(p->node[down].ops_count >= FLOWS);
		answer_all(p, down);
		pair_dump_empty(p, down);
		pair_run(p, 3000);
		CU_ASSERT_EQUAL(pair_status(p, down).local_flows, 0);
		CU_ASSERT_EQUAL(pair_status(p, down).remote_flows, FLOWS);
	}
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a flush empties the tables it names", a_flush_empties_the_tables_it_names},
	{"a flush of the local table may interrupt a commit",
		a_flush_of_the_local_table_may_interrupt_a_commit},
	{"a purge has a scope", a_purge_has_a_scope},
	{"what is not replicated is not purged", what_is_not_replicated_is_not_purged},
	{"purge later needs no role", purge_later_needs_no_role},
	{"a scheduled purge is cancelled", a_scheduled_purge_is_cancelled},
	{"the script's commands do without roles", the_scripts_commands_do_without_roles},
	{"the script's commands work both ways", the_scripts_commands_work_both_ways},
};

UNIT_MAIN("core_command", tests)
