/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core_pair.h"
#include "flow/expect_pack.h"
#include "tests/lib/expectgen.h"
#include "unit.h"
#include "wire/v1.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { MASTERS = 20 };

static struct engine_config config(void)
{
	struct engine_config c = pair_config();

	c.expect_filter.on = true;
	return c;
}

/* What a helper expects of flow n, at port 40000 + number. */
static struct expect expected(uint32_t n, uint16_t number)
{
	struct flow f = pair_flow(n);
	struct expect x;

	expectgen_of(&f, (uint16_t)(40000 + number), &x);
	return x;
}

static void event(struct pair *p, unsigned n, enum kernel_event kind, const struct expect *x)
{
	engine_kernel_expect(p->node[n].engine, p->now, kind, x);
}

static bool find(const struct pair *p, unsigned n, enum engine_table table, const struct expect *x,
	struct engine_expect_view *out)
{
	uint8_t key[EXPECT_KEY_BYTES_MAX], other[EXPECT_KEY_BYTES_MAX];
	size_t len = expect_key_make(x, key);
	uint64_t cursor = 0;

	while (engine_show_next_expect(p->node[n].engine, p->now, table, &cursor, out))
		if (expect_key_make(&out->expect, other) == len && memcmp(key, other, len) == 0)
			return true;
	return false;
}

static bool has(const struct pair *p, unsigned n, enum engine_table table, const struct expect *x)
{
	struct engine_expect_view v;

	return find(p, n, table, x, &v);
}

static void flow_event(struct pair *p, unsigned n, enum kernel_event kind, uint32_t number)
{
	struct flow f = pair_flow(number);

	pair_event(p, n, kind, &f);
}

/* Both kernels are dumped, and node 0 has the masters. */
static struct pair *started_with(const struct engine_config *c)
{
	struct pair *p = pair_new(c);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	for (uint32_t n = 0; n < MASTERS; n++)
		flow_event(p, 0, KERNEL_EVENT_NEW, n);
	pair_run(p, 3000);
	pair_forget(p);
	p->node[0].ops_count = p->node[1].ops_count = 0;
	return p;
}

static struct pair *started(void)
{
	struct engine_config c = config();

	return started_with(&c);
}

static void an_expectation_is_replicated_and_ends(void)
{
	struct pair *p = started();
	struct expect x = expected(3, 1);
	struct engine_expect_view v;

	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	CU_ASSERT_FATAL(find(p, 1, REMOTE, &x, &v));
	CU_ASSERT(expect_same_state(&x, &v.expect));
	CU_ASSERT(v.expect.timeout <= 300 && v.expect.timeout >= 298);
	CU_ASSERT(has(p, 0, LOCAL, &x));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, MASTERS);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, MASTERS);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].expectations, 1);
	event(p, 0, KERNEL_EVENT_DESTROY, &x);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	pair_run(p, 2000);
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x));
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, MASTERS);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_RECEIVED_EXPECTATIONS), 2);
	pair_free(p);
}

/* A walk over flows shows no expectation, and the other way round. */
static void shows_tell_flows_and_expectations_apart(void)
{
	struct pair *p = started();
	struct engine_flow_view fv;
	struct engine_expect_view xv;
	uint64_t cursor = 0;
	unsigned flows = 0, expects = 0;

	for (uint32_t n = 0; n < MASTERS; n++)
		for (uint16_t i = 0; i < 5; i++) {
			struct expect x = expected(n, i);

			event(p, 0, KERNEL_EVENT_NEW, &x);
		}
	pair_run(p, 1000);
	while (engine_show_next(p->node[1].engine, p->now, REMOTE, &cursor, &fv))
		flows++;
	cursor = 0;
	while (engine_show_next_expect(p->node[1].engine, p->now, REMOTE, &cursor, &xv))
		expects++;
	CU_ASSERT_EQUAL(flows, MASTERS);
	CU_ASSERT_EQUAL(expects, 5 * MASTERS);
	pair_free(p);
}

static void what_the_filter_leaves_out_stays(void)
{
	struct engine_config c = config();
	struct expect x = expected(0, 0);
	struct pair *p;

	CU_ASSERT_EQUAL(expect_filter_add(&c.expect_filter, "sip"), 0);
	p = started_with(&c);
	event(p, 0, KERNEL_EVENT_NEW, &x);
	memcpy(x.helper_name, "SIP-5060", 9);
	x.expected.tuple.dport_be++;
	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_EXPECT_FILTERED), 1);
	pair_free(p);
}

static void without_a_key_it_is_counted(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0);

	expect_mark_unset(&x, EXPECT_MASK);
	event(p, 0, KERNEL_EVENT_NEW, &x);
	event(p, 0, KERNEL_EVENT_DESTROY, &x);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_EXPECT_NO_KEY), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	pair_free(p);
}

static void without_its_master_it_is_not_sent(void)
{
	struct pair *p = started();
	struct expect x = expected(MASTERS + 1, 0);

	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x));
	CU_ASSERT_FALSE(has(p, 0, LOCAL, &x));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_EXPECT_NO_MASTER), 1);
	pair_free(p);
}

/* As TFTP's helper does it, at a flow's first packet. */
static void it_may_be_heard_before_its_master(void)
{
	struct pair *p = started();
	struct expect x = expected(MASTERS + 1, 0);

	event(p, 0, KERNEL_EVENT_NEW, &x);
	flow_event(p, 0, KERNEL_EVENT_NEW, MASTERS + 1);
	pair_run(p, 1000);
	CU_ASSERT(has(p, 1, REMOTE, &x));
	pair_free(p);
}

static void a_change_is_an_update_and_none_is_not_sent(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0);
	struct engine_expect_view v;
	uint64_t sent;

	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	sent = pair_counter(p, 0, COUNTER_SENT_EXPECTATIONS);
	x.timeout = 299; /* as it is by now */
	event(p, 0, KERNEL_EVENT_UPDATE, &x);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_EXPECTATIONS), sent);
	x.timeout = 600;
	event(p, 0, KERNEL_EVENT_UPDATE, &x);
	pair_exchange(p);
	CU_ASSERT_EQUAL(p->last[0][0], 0x14);
	CU_ASSERT(find(p, 1, REMOTE, &x, &v) && v.expect.timeout > 500);
	pair_free(p);
}

static bool lose_of_0(unsigned from, unsigned n)
{
	(void)n;
	return from == 0;
}

static void what_is_lost_is_repaired(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0), y = expected(1, 0);

	event(p, 0, KERNEL_EVENT_NEW, &y);
	pair_run(p, 1000);
	p->lose = lose_of_0;
	event(p, 0, KERNEL_EVENT_NEW, &x);
	event(p, 0, KERNEL_EVENT_DESTROY, &y);
	pair_exchange(p);
	p->lose = NULL;
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x));
	CU_ASSERT(has(p, 1, REMOTE, &y));
	pair_run(p, 3000);
	CU_ASSERT(has(p, 1, REMOTE, &x));
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &y));
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

/* The type of each data message of a datagram, in their order. */
static unsigned types_of(const uint8_t *bytes, size_t len, uint8_t *types, unsigned max)
{
	struct rbuf r = rbuf_of(bytes, len);
	struct wire_v1_message m;
	unsigned count = 0;

	while (wire_v1_next(&r, &m) == WIRE_V1_OK)
		if (m.type != WIRE_V1_CTL && count < max)
			types[count++] = m.type;
	return count;
}

static void a_bulk_names_flows_first_and_sweeps_both(void)
{
	struct engine_config c = config();
	struct pair *p;
	struct expect x[3] = {expected(0, 0), expected(1, 1), expected(2, 2)};
	uint8_t types[64];
	unsigned count;

	c.datagram_bytes = 2000; /* all in one */
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	for (uint32_t n = 0; n < 3; n++)
		flow_event(p, 0, KERNEL_EVENT_NEW, n);
	for (unsigned i = 0; i < 3; i++)
		event(p, 0, KERNEL_EVENT_NEW, &x[i]);
	pair_run(p, 3000);
	/* peers are not told of this end: only a bulk can take it from them */
	pair_command(p, 0, ENGINE_FLUSH, 1);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t n = 0; n < 3; n++)
		flow_event(p, 0, KERNEL_DUMP_FLOW, n);
	event(p, 0, KERNEL_DUMP_FLOW, &x[1]);
	event(p, 0, KERNEL_DUMP_FLOW, &x[2]);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_END, NULL);
	pair_run(p, 200);
	pair_command(p, 0, ENGINE_BULK, 2);
	pair_exchange(p);
	count = types_of(p->last[0], p->last_len[0], types, sizeof(types));
	CU_ASSERT_EQUAL_FATAL(count, 5);
	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_EQUAL(types[i] >= WIRE_V1_EXP_NEW, i >= 3);
	pair_run(p, 2000);
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x[0]));
	CU_ASSERT(has(p, 1, REMOTE, &x[1]) && has(p, 1, REMOTE, &x[2]));
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void dump(struct pair *p, unsigned n, const struct expect *x, unsigned count)
{
	engine_kernel_event(p->node[n].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < MASTERS; i++)
		flow_event(p, n, KERNEL_DUMP_FLOW, i);
	for (unsigned i = 0; i < count; i++)
		event(p, n, KERNEL_DUMP_FLOW, &x[i]);
	engine_kernel_event(p->node[n].engine, p->now, KERNEL_DUMP_END, NULL);
}

static void a_dump_brings_and_sweeps(void)
{
	struct pair *p = started();
	struct expect x[3] = {expected(0, 0), expected(1, 0), expected(MASTERS + 5, 0)};

	event(p, 0, KERNEL_EVENT_NEW, &x[0]);
	pair_run(p, 1000);
	dump(p, 0, &x[1], 2);
	pair_run(p, 1000);
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x[0])); /* ended unheard */
	CU_ASSERT(has(p, 1, REMOTE, &x[1]));
	CU_ASSERT_FALSE(has(p, 0, LOCAL, &x[2])); /* its master is not here */
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_EXPECT_SWEPT), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_EXPECT_DUMPED), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_silent, 1); /* known from a dump alone */
	pair_free(p);
}

/* The dump read it before it ended, and hands it over after. */
static void a_stale_dump_brings_nothing_back(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0), y = expected(1, 0);

	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < MASTERS; i++)
		flow_event(p, 0, KERNEL_DUMP_FLOW, i);
	event(p, 0, KERNEL_EVENT_DESTROY, &x);
	event(p, 0, KERNEL_EVENT_DESTROY, &y); /* born and ended unheard */
	event(p, 0, KERNEL_DUMP_FLOW, &x);
	event(p, 0, KERNEL_DUMP_FLOW, &y);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_END, NULL);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	pair_free(p);
}

/* Nor does it take a change back. */
static void a_stale_dump_changes_nothing(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0), older = x;
	struct engine_expect_view v;

	event(p, 0, KERNEL_EVENT_NEW, &older);
	pair_run(p, 1000);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	x.class = 1;
	event(p, 0, KERNEL_EVENT_UPDATE, &x);
	for (uint32_t i = 0; i < MASTERS; i++)
		flow_event(p, 0, KERNEL_DUMP_FLOW, i);
	event(p, 0, KERNEL_DUMP_FLOW, &older);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_END, NULL);
	pair_run(p, 1000);
	CU_ASSERT(find(p, 1, REMOTE, &x, &v) && v.expect.class == 1);
	pair_free(p);
}

static void while_off_peers_are_not_listened_to(void)
{
	struct engine_config c = config();
	struct expect x = expected(0, 0);
	struct pair *p = pair_new(&c);

	p->node[1].config.expect_filter.on = false;
	pair_restart(p, 1, 500000);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	flow_event(p, 0, KERNEL_EVENT_NEW, 0);
	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	CU_ASSERT(pair_counter(p, 1, COUNTER_EXPECTATIONS_IGNORED) > 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void a_flush_empties_both(void)
{
	struct pair *p = started();
	struct expect x = expected(0, 0);

	event(p, 0, KERNEL_EVENT_NEW, &x);
	pair_run(p, 1000);
	event(p, 0, KERNEL_EVENT_DESTROY, &x); /* a tombstone */
	pair_command(p, 0, ENGINE_FLUSH, 1);
	pair_command(p, 1, ENGINE_FLUSH, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	engine_check(p->node[0].engine);
	engine_check(p->node[1].engine);
	pair_free(p);
}

/* ---- commits ---- */

static void command(struct pair *p, unsigned n, enum engine_command_kind kind,
	enum engine_scope scope, uint64_t id)
{
	struct engine_command c = {.kind = kind, .id = id, .scope = scope};

	p->node[n].ops_count = 0;
	engine_command(p->node[n].engine, p->now, &c);
	pair_pull_ops(p, n);
}

static const struct kernel_op *op(const struct pair *p, unsigned i)
{
	CU_ASSERT_FATAL(i < p->node[1].ops_count);
	return &p->node[1].ops[i];
}

static void answer(struct pair *p, unsigned i, int err)
{
	engine_kernel_result(p->node[1].engine, p->now, op(p, i)->id, err);
	pair_pull_ops(p, 1);
}

/* Node 1 knows of the masters and of what two of them expect. */
static struct pair *ready(void)
{
	struct pair *p = started();

	for (uint32_t n = 0; n < 2; n++) {
		struct expect x = expected(n, 0);

		event(p, 0, KERNEL_EVENT_NEW, &x);
	}
	pair_run(p, 1000);
	pair_forget(p);
	return p;
}

static void a_commit_writes_expectations_behind_their_masters(void)
{
	struct pair *p = ready();
	const struct engine_event *done;
	struct expect x = expected(0, 0);

	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 7);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, MASTERS);
	for (unsigned i = 0; i < MASTERS; i++) {
		CU_ASSERT_EQUAL(p->node[1].ops_count, MASTERS); /* until all are answered */
		CU_ASSERT_EQUAL(op(p, i)->kind, KERNEL_OP_CREATE);
		answer(p, i, 0);
	}
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, MASTERS + 2);
	for (unsigned i = MASTERS; i < MASTERS + 2; i++) {
		const struct expect *out = &op(p, i)->expect;

		CU_ASSERT_EQUAL(op(p, i)->kind, KERNEL_OP_EXPECT_CREATE);
		CU_ASSERT(expect_has(out, EXPECT_CLASS) && expect_has(out, EXPECT_NAT_TUPLE));
		CU_ASSERT_STRING_EQUAL(out->fn, "nat-follow-master");
		CU_ASSERT_STRING_EQUAL(out->helper_name, "ftp");
		CU_ASSERT(out->timeout > 290 && out->timeout <= 300);
		answer(p, i, 0);
	}
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->outcome == ENGINE_OK);
	CU_ASSERT_EQUAL(done->written, MASTERS + 2);
	CU_ASSERT_EQUAL(done->expect_written, 2);
	CU_ASSERT(has(p, 1, LOCAL, &x) && has(p, 1, REMOTE, &x));
	CU_ASSERT_EQUAL(pair_status(p, 1).send_queue, 0); /* they are the peer's */
	/* what is written is not written again */
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_EXPECTATIONS, 8);
	for (unsigned i = 0; i < p->node[1].ops_count; i++)
		CU_ASSERT_EQUAL(op(p, i)->kind, KERNEL_OP_DUMP);
	pair_free(p);
}

static void answer_masters(struct pair *p)
{
	for (unsigned i = 0; i < MASTERS; i++)
		answer(p, i, 0);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, MASTERS + 2);
}

static void a_promotion_takes_them_over(void)
{
	struct pair *p = ready();
	struct expect x = expected(0, 0), y = expected(1, 0);

	command(p, 1, ENGINE_PROMOTE, ENGINE_SCOPE_ALL, 7);
	answer_masters(p);
	answer(p, MASTERS, 0);
	answer(p, MASTERS + 1, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 2);
	pair_dump_empty(p, 0);
	pair_run(p, 3000);
	CU_ASSERT(has(p, 0, REMOTE, &x) && has(p, 0, REMOTE, &y));
	pair_free(p);
}

static void scopes_limit_a_commit(void)
{
	struct pair *p = ready();
	const struct engine_event *done;

	/* no master is here yet */
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_EXPECTATIONS, 1);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->outcome == ENGINE_OK);
	CU_ASSERT_EQUAL(done->written, 0);
	CU_ASSERT_EQUAL(done->skipped, 2);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_EXPECT_ORPHANS), 2);
	pair_forget(p);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_FLOWS, 2);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, MASTERS);
	for (unsigned i = 0; i < MASTERS; i++)
		answer(p, i, 0);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->written == MASTERS && done->expect_written == 0);
	pair_forget(p);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_EXPECTATIONS, 3);
	for (unsigned i = 0, seen = 0; i < p->node[1].ops_count; i++) {
		if (op(p, i)->kind == KERNEL_OP_DUMP)
			continue;
		CU_ASSERT_EQUAL(op(p, i)->kind, KERNEL_OP_EXPECT_CREATE);
		CU_ASSERT(++seen <= 2);
		answer(p, i, 0);
	}
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->expect_written == 2);
	pair_free(p);
}

static void one_whose_master_was_refused_is_left_out(void)
{
	struct pair *p = ready();
	const struct engine_event *done;

	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	for (unsigned i = 0; i < MASTERS; i++)
		answer(p, i, ENOMEM);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done != NULL);
	CU_ASSERT_EQUAL(done->refused, MASTERS);
	CU_ASSERT_EQUAL(done->skipped, 2);
	CU_ASSERT_EQUAL(done->expect_written + done->expect_refused, 0);
	pair_free(p);
}

static void one_that_the_kernel_has_no_master_for_is_refused(void)
{
	struct pair *p = ready();
	const struct engine_event *done;

	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	answer_masters(p);
	answer(p, MASTERS, ENOENT);
	answer(p, MASTERS + 1, 0);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->outcome == ENGINE_PARTIAL);
	CU_ASSERT_EQUAL(done->expect_refused, 1);
	CU_ASSERT_EQUAL(done->expect_written, 1);
	CU_ASSERT_EQUAL(done->errnos[0].err, ENOENT);
	CU_ASSERT_EQUAL(done->errnos[0].count, 1);
	pair_free(p);
}

static void one_in_the_way_is_deleted_and_created_again(void)
{
	struct pair *p = ready();
	const struct engine_event *done;

	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	answer_masters(p);
	answer(p, MASTERS + 1, 0);
	answer(p, MASTERS, EEXIST);
	CU_ASSERT_EQUAL(op(p, MASTERS + 2)->kind, KERNEL_OP_EXPECT_DELETE);
	answer(p, MASTERS + 2, 0);
	CU_ASSERT_EQUAL(op(p, MASTERS + 3)->kind, KERNEL_OP_EXPECT_CREATE);
	answer(p, MASTERS + 3, EEXIST); /* but not for ever */
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->expect_refused == 1 && done->expect_written == 1);
	CU_ASSERT_EQUAL(done->errnos[0].err, EEXIST);
	pair_free(p);
}

/* Our kernel's own, by the same tuples: it differs, and is older. */
static void one_that_differs_is_replaced_and_an_equal_one_is_not(void)
{
	struct pair *p = started();
	struct expect x[2] = {expected(0, 0), expected(1, 0)}, other = x[0];

	for (uint32_t n = 0; n < MASTERS; n++)
		flow_event(p, 1, KERNEL_EVENT_NEW, n);
	other.class = 1;
	event(p, 1, KERNEL_EVENT_NEW, &other);
	event(p, 1, KERNEL_EVENT_NEW, &x[1]);
	pair_run(p, 1000);
	event(p, 0, KERNEL_EVENT_NEW, &x[0]);
	event(p, 0, KERNEL_EVENT_NEW, &x[1]);
	pair_run(p, 1000);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_EXPECTATIONS, 1);
	CU_ASSERT_EQUAL_FATAL(p->node[1].ops_count, 1);
	CU_ASSERT_EQUAL(op(p, 0)->kind, KERNEL_OP_EXPECT_DELETE);
	CU_ASSERT_EQUAL(op(p, 0)->expect.expected.tuple.dport_be, x[0].expected.tuple.dport_be);
	answer(p, 0, ENOENT); /* it ended meanwhile */
	CU_ASSERT_EQUAL(op(p, 1)->kind, KERNEL_OP_EXPECT_CREATE);
	CU_ASSERT_EQUAL(op(p, 1)->expect.class, 0);
	answer(p, 1, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_DONE));
	pair_free(p);
}

static void one_that_is_over_is_left_out(void)
{
	struct pair *p = ready();
	const struct engine_event *done;

	p->lose = lose_of_0; /* dead: what it expected ends here as it would have there */
	pair_run(p, 301000);
	pair_forget(p);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	CU_ASSERT_FATAL(p->node[1].ops_count >= MASTERS);
	for (unsigned i = 0; i < MASTERS; i++)
		answer(p, i, 0);
	done = pair_told(p, 1, ENGINE_EVENT_DONE);
	CU_ASSERT_FATAL(done && done->expect_written == 0 && done->skipped == 2);
	pair_free(p);
}

/* It is put forward without an event: the owner, which is heard, has not told its end. */
static void one_whose_owner_lives_is_not_over(void)
{
	struct pair *p = ready();

	pair_run(p, 301000);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	answer_masters(p);
	pair_free(p);
}

static void an_end_heard_meanwhile_stays(void)
{
	struct pair *p = ready();
	struct expect x;

	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	answer_masters(p);
	x = op(p, MASTERS)->expect;
	event(p, 1, KERNEL_EVENT_DESTROY, &x); /* fulfilled at once */
	answer(p, MASTERS, 0);
	answer(p, MASTERS + 1, 0);
	CU_ASSERT_FALSE(has(p, 1, LOCAL, &x));
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 1);
	pair_free(p);
}

/* Without a table of its own a node keeps nothing of what a commit has written. */
static void without_an_internal_cache_nothing_stays(void)
{
	struct engine_config c = config();
	struct expect x = expected(0, 0);
	struct pair *p;

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = true;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	flow_event(p, 0, KERNEL_EVENT_NEW, 0);
	event(p, 0, KERNEL_EVENT_NEW, &x); /* its master is not known any more when it goes */
	pair_run(p, 1000);
	CU_ASSERT(has(p, 1, REMOTE, &x));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	command(p, 1, ENGINE_COMMIT, ENGINE_SCOPE_ALL, 1);
	CU_ASSERT_EQUAL(op(p, 0)->kind, KERNEL_OP_CREATE);
	answer(p, 0, 0);
	CU_ASSERT_EQUAL(op(p, 1)->kind, KERNEL_OP_EXPECT_CREATE);
	answer(p, 1, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_expectations, 0);
	event(p, 0, KERNEL_EVENT_DESTROY, &x);
	pair_run(p, 1000);
	CU_ASSERT_FALSE(has(p, 1, REMOTE, &x));
	pair_free(p);
}

/* The kernel removes them with their masters. Alone, they go with one request. */
static void a_purge_deletes_flows_or_all(void)
{
	static const struct engine_command flows = {ENGINE_PURGE, 1, ENGINE_SCOPE_FLOWS};
	static const struct engine_command expects = {ENGINE_PURGE, 2, ENGINE_SCOPE_EXPECTATIONS};
	struct pair *p = ready();

	p->node[0].ops_count = 0;
	engine_command(p->node[0].engine, p->now, &flows);
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops_count, MASTERS);
	for (unsigned i = 0; i < p->node[0].ops_count; i++)
		CU_ASSERT_EQUAL(p->node[0].ops[i].kind, KERNEL_OP_DELETE);
	pair_free(p);

	p = ready();
	p->node[0].ops_count = 0;
	engine_command(p->node[0].engine, p->now, &expects);
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(p->node[0].ops_count, 1);
	CU_ASSERT_EQUAL(p->node[0].ops[0].kind, KERNEL_OP_EXPECT_FLUSH);
	CU_ASSERT(pair_status(p, 0).local_expectations > 0);
	engine_kernel_result(p->node[0].engine, p->now, p->node[0].ops[0].id, 0);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_expectations, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, MASTERS);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	pair_free(p);
}

/* A peer that came back without telling of them: their own time takes them. */
static void those_of_a_restarted_peer_expire(void)
{
	struct pair *p = ready();

	pair_restart(p, 0, 900000);
	pair_run(p, 305000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_expectations, 0);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"an expectation is replicated and ends", an_expectation_is_replicated_and_ends},
	{"shows tell flows and expectations apart", shows_tell_flows_and_expectations_apart},
	{"what the filter leaves out stays", what_the_filter_leaves_out_stays},
	{"without a key it is counted", without_a_key_it_is_counted},
	{"without its master it is not sent", without_its_master_it_is_not_sent},
	{"it may be heard before its master", it_may_be_heard_before_its_master},
	{"a change is an update, and none is not sent", a_change_is_an_update_and_none_is_not_sent},
	{"what is lost is repaired", what_is_lost_is_repaired},
	{"a bulk names flows first and sweeps both", a_bulk_names_flows_first_and_sweeps_both},
	{"a dump brings and sweeps", a_dump_brings_and_sweeps},
	{"a stale dump brings nothing back", a_stale_dump_brings_nothing_back},
	{"a stale dump changes nothing", a_stale_dump_changes_nothing},
	{"while off, peers are not listened to", while_off_peers_are_not_listened_to},
	{"a flush empties both", a_flush_empties_both},
	{"a commit writes expectations behind their masters",
		a_commit_writes_expectations_behind_their_masters},
	{"a promotion takes them over", a_promotion_takes_them_over},
	{"scopes limit a commit", scopes_limit_a_commit},
	{"one whose master was refused is left out", one_whose_master_was_refused_is_left_out},
	{"one that the kernel has no master for is refused",
		one_that_the_kernel_has_no_master_for_is_refused},
	{"one in the way is deleted and created again",
		one_in_the_way_is_deleted_and_created_again},
	{"one that differs is replaced, and an equal one is not",
		one_that_differs_is_replaced_and_an_equal_one_is_not},
	{"one that is over is left out", one_that_is_over_is_left_out},
	{"one whose owner lives is not over", one_whose_owner_lives_is_not_over},
	{"an end heard meanwhile stays", an_end_heard_meanwhile_stays},
	{"without an internal cache nothing stays", without_an_internal_cache_nothing_stays},
	{"a purge deletes flows, or all", a_purge_deletes_flows_or_all},
	{"those of a restarted peer expire", those_of_a_restarted_peer_expire},
};

UNIT_MAIN("core_expect", tests)
