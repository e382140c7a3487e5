/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "core_pair.h"
#include "flow/status.h"
#include "tests/lib/recordset.h"
#include "unit.h"

/* Node 1 is a warm standby with a record, of which this is what a file would come to. */
enum { FLOWS = 20, PATIENCE_MS = 8000 };

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

static struct recordset kept, former; /* former: what node 1 was started with */
static unsigned answered;

static size_t hear(struct pair *p)
{
	struct engine_record r;
	size_t heard = 0;

	while (engine_next_record(p->node[1].engine, &r)) {
		recordset_take(&kept, &r);
		heard++;
	}
	return heard;
}

static struct engine_config warm_config(void)
{
	struct engine_config c = pair_config();

	c.standby_warm = true;
	c.warm_rate = 100000;
	c.keeps_record = true;
	return c;
}

static struct pair *new_pair_as(const struct engine_config *c)
{
	kept.count = 0;
	answered = 0;
	return pair_new(c);
}

static struct pair *new_pair(void)
{
	struct engine_config c = warm_config();

	return new_pair_as(&c);
}

static void answer(struct pair *p, int err)
{
	unsigned until = p->node[1].ops_count;

	for (; answered < until; answered++)
		if (p->node[1].ops[answered].kind != KERNEL_OP_DUMP)
			engine_kernel_result(
				p->node[1].engine, p->now, p->node[1].ops[answered].id, err);
	pair_pull_ops(p, 1);
	engine_check(p->node[1].engine);
}

static void answer_all(struct pair *p)
{
	while (answered < p->node[1].ops_count)
		answer(p, 0);
}

static unsigned waiting(const struct pair *p, enum kernel_op_kind kind)
{
	unsigned count = 0;

	for (unsigned i = answered; i < p->node[1].ops_count; i++)
		count += p->node[1].ops[i].kind == kind;
	return count;
}

/* Time for whatever node 1 writes of itself. */
static void settle(struct pair *p)
{
	for (unsigned n = 0; n < 20; n++) {
		pair_run(p, 100);
		answer_all(p);
	}
	hear(p);
}

static void tell(struct pair *p, enum kernel_event kind, uint32_t n)
{
	struct flow f = pair_flow(n);

	pair_event(p, 0, kind, &f);
}

static struct pair *written_in(struct pair *p)
{
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	for (uint32_t n = 0; n < FLOWS; n++)
		tell(p, KERNEL_EVENT_NEW, n);
	settle(p);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_CREATED), FLOWS);
	return p;
}

static struct pair *written(void)
{
	return written_in(new_pair());
}

static struct recordset all_anew(struct pair *p)
{
	struct engine_record r[3];
	struct recordset s = {0};
	bool more = true;
	size_t count;

	hear(p);
	CU_ASSERT_TRUE(engine_rewrite_begin(p->node[1].engine));
	while (more) {
		more = engine_rewrite_next(p->node[1].engine, p->now, r, 3, &count);
		for (size_t i = 0; i < count; i++)
			recordset_take(&s, &r[i]);
	}
	CU_ASSERT_FALSE(engine_wants_rewrite(p->node[1].engine));
	for (struct engine_record one; engine_next_record(p->node[1].engine, &one);)
		recordset_take(&s, &one);
	return s;
}

static size_t count_anew(struct pair *p)
{
	struct recordset s = all_anew(p);
	size_t count = s.count;

	recordset_fini(&s);
	return count;
}

static void same_as_anew(struct pair *p)
{
	struct recordset s = all_anew(p);
	bool is_writing = p->node[1].ops_count > answered;

	CU_ASSERT(s.count >= kept.count); /* what is being written counts as written */
	CU_ASSERT_FATAL(is_writing || s.count == kept.count);
	recordset_sort(&s);
	recordset_sort(&kept);
	for (size_t i = 0; i < kept.count && !is_writing; i++) {
		CU_ASSERT_EQUAL(s.record[i].hash, kept.record[i].hash);
		CU_ASSERT(s.record[i].until_s + 1ULL >= kept.record[i].until_s);
	}
	recordset_fini(&s);
}

/* ---- the record ---- */

static void what_is_written_is_told_before(void)
{
	struct pair *p = new_pair();
	struct flow f = pair_flow(0);
	uint32_t until;

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	hear(p);
	tell(p, KERNEL_EVENT_NEW, 0);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE), 1);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 1);
	until = (uint32_t)(p->now.ns / NS_PER_SEC) + f.timeout;
	CU_ASSERT(kept.record[0].until_s <= until && kept.record[0].until_s + 3 > until);
	answer_all(p);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 1);
	f.timeout += 1000;
	f.mark = 5;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	settle(p);
	CU_ASSERT_EQUAL(kept.count, 1);
	CU_ASSERT(kept.record[0].until_s > until + 900);
	tell(p, KERNEL_EVENT_DESTROY, 0);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_DELETE), 1);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 1); /* until it is gone */
	answer_all(p);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	pair_free(p);
}

static void what_the_kernel_refuses_is_not_written(void)
{
	struct pair *p = new_pair();

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	tell(p, KERNEL_EVENT_NEW, 0);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE), 1);
	answer(p, EEXIST); /* a standby made it, and did not know */
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 1);
	CU_ASSERT_EQUAL(kept.record[0].until_s, UINT32_MAX);
	answer_all(p);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 1);
	settle(p);
	same_as_anew(p);
	tell(p, KERNEL_EVENT_DESTROY, 0);
	settle(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	tell(p, KERNEL_EVENT_NEW, 1);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE), 1);
	answer(p, ENOMEM);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	tell(p, KERNEL_EVENT_NEW, 2);
	pair_run(p, 2000);
	CU_ASSERT(waiting(p, KERNEL_OP_CREATE) > 0);
	answer(p, ENOBUFS); /* the answer was lost: it may be there */
	hear(p);
	CU_ASSERT(kept.count > 0);
	pair_free(p);
}

static void what_has_packets_here_is_gone_from_it(void)
{
	struct pair *p = written();
	struct flow f = pair_flow(3);

	CU_ASSERT_EQUAL(kept.count, FLOWS);
	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 1, KERNEL_EVENT_UPDATE, &f);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, FLOWS - 1);
	f = pair_flow(4);
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, FLOWS - 2);
	pair_free(p);
}

static void what_a_dump_does_not_name_is_gone_from_it(void)
{
	struct pair *p = written();

	pair_dump_empty(p, 1);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	CU_ASSERT_EQUAL(count_anew(p), 0);
	pair_free(p);
}

static void a_promotion_empties_it(void)
{
	struct pair *p = written();

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	CU_ASSERT_TRUE(engine_wants_rewrite(p->node[1].engine));
	pair_free(p);
}

/* What is the node's own is not written back. */
static void a_promotion_ends_a_rewrite(void)
{
	struct pair *p = written();
	struct engine *e = p->node[1].engine;
	struct engine_record r[3];
	size_t count;

	CU_ASSERT_TRUE_FATAL(engine_rewrite_begin(e));
	CU_ASSERT_TRUE(engine_rewrite_next(e, p->now, r, 3, &count));
	pair_command(p, 1, ENGINE_PROMOTE, 1);
	CU_ASSERT_TRUE(pair_status(p, 1).remote_flows > 0); /* the walk is still to come */
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	CU_ASSERT_FALSE(engine_rewrite_next(e, p->now, r, 3, &count));
	CU_ASSERT_EQUAL(count, 0);
	CU_ASSERT_FALSE(engine_wants_rewrite(e));
	CU_ASSERT_FALSE(engine_rewrite_begin(e));
	settle(p);
	CU_ASSERT_TRUE(engine_wants_rewrite(e));
	CU_ASSERT_EQUAL(count_anew(p), 0);
	CU_ASSERT_EQUAL(kept.count, 0);
	pair_free(p);
}

static void a_flush_empties_it(void)
{
	struct pair *p = written();

	pair_command(p, 1, ENGINE_FLUSH, 1);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, 0);
	pair_free(p);
}

static void a_full_ring_holds_the_writes_up(void)
{
	struct engine_record r;
	struct pair *p;
	struct flow f;

	p = written();
	while (engine_next_record(p->node[1].engine, &r))
		;
	/* flows that come and go, and nobody listens */
	for (uint32_t n = 0; n < LIMIT_RECORDS; n++) {
		f = pair_flow(FLOWS + n);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		if (n % 32 == 31) {
			pair_run(p, 100);
			p->node[1].ops_count =
				p->node[1].ops_count > 3000 ? 0 : p->node[1].ops_count;
			answered = answered > p->node[1].ops_count ? 0 : answered;
			answer_all(p);
		}
	}
	for (unsigned n = 0; n < 30; n++) {
		pair_run(p, 100);
		p->node[1].ops_count = answered = 0;
		pair_pull_ops(p, 1);
		answer_all(p);
	}
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_RECORDS_LOST), 0);
	tell(p, KERNEL_EVENT_NEW, 50000);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE), 0);
	f = pair_flow(0);
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_RECORDS_LOST), 1);
	CU_ASSERT_TRUE(engine_wants_rewrite(p->node[1].engine));
	while (engine_next_record(p->node[1].engine, &r))
		;
	pair_pull_ops(p, 1);
	CU_ASSERT(p->node[1].ops_count > 0);
	pair_free(p);
}

static void told_anew_it_is_the_same(void)
{
	struct rng r = rng_of(7);
	struct pair *p = written();
	struct flow f;

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned n = rng_below(&r, 4); n > 0; n--) {
			f = pair_flow(rng_below(&r, 2 * FLOWS));
			f.timeout = 300 + rng_below(&r, 5000);
			pair_event(p, 0,
				rng_below(&r, 3) ? KERNEL_EVENT_UPDATE : KERNEL_EVENT_DESTROY, &f);
		}
		if (rng_below(&r, 5) == 0) {
			f = pair_flow(rng_below(&r, 2 * FLOWS));
			pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
		}
		pair_run(p, 300);
		if (p->node[1].ops_count == answered)
			p->node[1].ops_count = answered = 0;
		if (rng_below(&r, 2)) /* else with writes under way */
			answer_all(p);
		same_as_anew(p);
	}
	pair_free(p);
}

/* With CommitTimeout no timeout is on the wire, and what is written has the longest there is. */
static void told_anew_it_ends_no_earlier(void)
{
	struct engine_config c = warm_config();
	struct pair *p;

	c.commit_timeout_s = 20;
	p = written_in(new_pair_as(&c));
	same_as_anew(p);
	pair_free(p);
}

/* ---- the next process ---- */

/* Node 1 ends, and starts with what it has kept; its peer goes on. */
static void start_again(struct pair *p)
{
	struct engine_config *c = &p->node[1].config;

	recordset_copy(&former, &kept);
	recordset_sort(&former);
	c->former = former.record;
	c->former_count = former.count;
	pair_restart(p, 1, 300000);
	answered = 0;
	pair_forget(p);
}

/* The kernel has these flows; with timeouts as they were written, and some more [s]. */
static void dump(struct pair *p, uint32_t first, uint32_t count, uint32_t more_s)
{
	struct flow f;

	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t n = first; n < first + count; n++) {
		f = pair_flow(n);
		f.timeout = f.timeout - 20 + more_s;
		pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	pair_pull_ops(p, 1);
}

static void what_was_written_is_the_peers(void)
{
	struct pair *p = written();
	struct engine_status s;

	start_again(p);
	pair_exchange(p);
	CU_ASSERT_TRUE(engine_wants_former(p->node[1].engine));
	CU_ASSERT_FALSE(engine_rewrite_begin(p->node[1].engine)); /* it would say less */
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE), 0); /* not before the dump */
	dump(p, 0, FLOWS + 5, 0);
	CU_ASSERT_FALSE(engine_wants_former(p->node[1].engine));
	CU_ASSERT_TRUE(engine_wants_rewrite(p->node[1].engine));
	settle(p);
	pair_run(p, PATIENCE_MS);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.local_flows, 5);
	CU_ASSERT_EQUAL(s.remote_flows, FLOWS);
	CU_ASSERT_EQUAL(s.former_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 5);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_CREATE) + waiting(p, KERNEL_OP_DELETE), 0);
	CU_ASSERT_EQUAL(count_anew(p), FLOWS);
	/* they are as good as written by this one */
	tell(p, KERNEL_EVENT_DESTROY, 2);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_DELETE), 1);
	pair_free(p);
}

static void what_no_peer_tells_any_more_is_ended(void)
{
	struct pair *p = written();

	p->cut[0][0] = p->cut[1][0] = true; /* nothing is heard while it is dead */
	tell(p, KERNEL_EVENT_DESTROY, 1);
	tell(p, KERNEL_EVENT_DESTROY, 2);
	tell(p, KERNEL_EVENT_NEW, FLOWS);
	pair_exchange(p);
	start_again(p);
	dump(p, 0, FLOWS, 0);
	pair_run(p, 3 * PATIENCE_MS);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_DELETE), 0); /* nobody was heard */
	p->cut[0][0] = p->cut[1][0] = false;
	pair_run(p, 3000);
	answer_all(p);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 2);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 0); /* others may be near */
	for (unsigned n = 0; n < 2; n++) {
		pair_run(p, PATIENCE_MS);
		answer_all(p);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_DELETED), 2);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_FORMER_ENDED), 2);
	hear(p);
	CU_ASSERT_EQUAL(kept.count, FLOWS - 2 + 1);
	pair_free(p);
}

static void a_peer_that_tells_nothing_ends_nothing(void)
{
	struct pair *p = written();

	start_again(p);
	pair_restart(p, 0, 500000); /* its machine fell: its kernel is empty */
	pair_dump_empty(p, 0);
	dump(p, 0, FLOWS, 0);
	pair_run(p, 5 * PATIENCE_MS);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers_count, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_DELETE), 0);
	/* and a promotion has them */
	pair_command(p, 1, ENGINE_PROMOTE, 1);
	pair_run(p, 100);
	dump(p, 0, FLOWS, 0);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	pair_free(p);
}

static void what_lives_longer_than_written_is_ours(void)
{
	struct pair *p = written();

	start_again(p);
	dump(p, 0, FLOWS, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_FORMER_OURS), FLOWS);
	pair_free(p);

	p = written(); /* also if it is seen later */
	p->cut[0][0] = p->cut[1][0] = true;
	start_again(p);
	dump(p, 0, FLOWS, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS);
	dump(p, 0, FLOWS, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

/* Our kernel's entry would outlive what is told, and what the record says of it. */
static void what_is_told_with_less_time_is_written(void)
{
	struct pair *p = written();

	for (uint32_t n = 0; n < 5; n++) {
		struct flow f = pair_flow(n);

		f.timeout = 300;
		pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	}
	p->cut[0][0] = true;
	pair_exchange(p);
	start_again(p);
	dump(p, 0, FLOWS, 18);
	p->cut[0][0] = false;
	pair_command(p, 0, ENGINE_BULK, 9);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_UPDATE), 5);
	hear(p);
	for (size_t i = 0; i < kept.count; i++)
		CU_ASSERT(kept.record[i].until_s < UINT32_MAX);
	pair_free(p);
}

static void an_event_ends_the_doubt(void)
{
	struct pair *p = written();
	struct flow f;

	p->cut[0][0] = p->cut[1][0] = true;
	start_again(p);
	dump(p, 0, FLOWS, 0);
	f = pair_flow(0);
	pair_event(p, 1, KERNEL_EVENT_UPDATE, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS - 1);
	CU_ASSERT_TRUE(pair_has(p, 1, LOCAL, &f));
	f = pair_flow(1);
	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS - 2);
	CU_ASSERT_FALSE(pair_has(p, 1, LOCAL, &f));
	dump(p, 10, FLOWS - 10, 0); /* what a dump does not name is gone */
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS - 10);
	engine_check(p->node[1].engine);
	pair_free(p);
}

static void the_operators_word_counts(void)
{
	static const enum engine_command_kind kinds[] = {
		ENGINE_PROMOTE, ENGINE_FLUSH, ENGINE_PURGE};

	for (unsigned early = 0; early < 2; early++)
		for (unsigned k = 0; k < 3; k++) {
			struct pair *p = written();

			p->cut[0][0] = p->cut[1][0] = true;
			start_again(p);
			if (!early)
				dump(p, 0, FLOWS, 0);
			pair_command(p, 1, kinds[k], 1);
			if (kinds[k] == ENGINE_PURGE && !early) {
				CU_ASSERT_EQUAL(waiting(p, KERNEL_OP_DELETE), FLOWS);
				answer_all(p);
				CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
				pair_free(p);
				continue;
			}
			dump(p, 0, FLOWS, 0);
			pair_run(p, 1000);
			CU_ASSERT_EQUAL(pair_status(p, 1).former_flows,
				kinds[k] == ENGINE_PURGE ? FLOWS : 0);
			CU_ASSERT_EQUAL(pair_status(p, 1).local_flows,
				kinds[k] == ENGINE_PURGE ? 0 : FLOWS);
			pair_free(p);
		}
}

/* It ends again, before anything is clear. */
static void the_record_goes_on(void)
{
	struct pair *p = written();

	p->cut[0][0] = p->cut[1][0] = true;
	for (unsigned n = 0; n < 3; n++) {
		start_again(p);
		dump(p, 0, FLOWS, 0);
		CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS);
		hear(p);
		CU_ASSERT_EQUAL(kept.count, FLOWS);
		same_as_anew(p);
	}
	pair_free(p);
}

static void without_warmth_there_is_none(void)
{
	struct engine_config c = warm_config();
	struct pair *p;

	c.standby_warm = false;
	c.external_cache_off = true;
	p = pair_new(&c);
	kept.count = 0;
	answered = 0;
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 1000);
	tell(p, KERNEL_EVENT_NEW, 0);
	settle(p);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_CREATED), 1);
	CU_ASSERT_EQUAL(kept.count, 0);
	CU_ASSERT_FALSE(engine_wants_rewrite(p->node[1].engine));
	pair_free(p);
}

static bool part_anew(struct pair *p, struct recordset *s)
{
	struct engine_record r[3];
	size_t count;
	bool more = engine_rewrite_next(p->node[1].engine, p->now, r, 3, &count);

	for (size_t i = 0; i < count; i++)
		recordset_take(s, &r[i]);
	return more;
}

static void rest_anew(struct pair *p, struct recordset *s)
{
	bool more = true;

	while (more) {
		for (struct engine_record r; engine_next_record(p->node[1].engine, &r);)
			recordset_take(s, &r);
		more = part_anew(p, s);
	}
}

/* From the table that is visited last to one that has been. */
static void what_is_told_during_a_rewrite_stays_in_it(void)
{
	struct pair *p = written();
	struct recordset s = {0};

	p->cut[0][0] = true;
	start_again(p);
	pair_exchange(p);
	dump(p, 0, FLOWS, 18); /* as it is told: nothing has to be written */
	pair_run(p, 100);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, FLOWS);
	hear(p);
	CU_ASSERT_TRUE_FATAL(engine_rewrite_begin(p->node[1].engine));
	CU_ASSERT_TRUE(part_anew(p, &s));
	p->cut[0][0] = false;
	pair_run(p, 1000);
	pair_command(p, 0, ENGINE_BULK, 9);
	pair_run(p, 2500);
	CU_ASSERT_EQUAL(pair_status(p, 1).former_flows, 0);
	rest_anew(p, &s);
	CU_ASSERT_EQUAL(s.count, FLOWS);
	recordset_fini(&s);
	pair_free(p);
}

/* What waits to be deleted is in no table. */
static void what_ends_during_a_rewrite_stays_in_it(void)
{
	struct pair *p = written();
	struct recordset s = {0};

	hear(p);
	CU_ASSERT_TRUE_FATAL(engine_rewrite_begin(p->node[1].engine));
	CU_ASSERT_TRUE(part_anew(p, &s));
	for (uint32_t n = 0; n < FLOWS; n++)
		tell(p, KERNEL_EVENT_DESTROY, n);
	pair_run(p, 100);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	rest_anew(p, &s);
	CU_ASSERT_EQUAL(s.count, FLOWS);
	recordset_fini(&s);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a promotion ends a rewrite", a_promotion_ends_a_rewrite},
	{"what is told during a rewrite stays in it", what_is_told_during_a_rewrite_stays_in_it},
	{"what ends during a rewrite stays in it", what_ends_during_a_rewrite_stays_in_it},
	{"what is written is told before", what_is_written_is_told_before},
	{"what the kernel refuses is not written", what_the_kernel_refuses_is_not_written},
	{"what has packets here is gone from it", what_has_packets_here_is_gone_from_it},
	{"what a dump does not name is gone from it", what_a_dump_does_not_name_is_gone_from_it},
	{"a promotion empties it", a_promotion_empties_it},
	{"a flush empties it", a_flush_empties_it},
	{"a full ring holds the writes up", a_full_ring_holds_the_writes_up},
	{"told anew it is the same", told_anew_it_is_the_same},
	{"told anew it ends no earlier", told_anew_it_ends_no_earlier},
	{"what was written is the peer's", what_was_written_is_the_peers},
	{"what no peer tells any more is ended", what_no_peer_tells_any_more_is_ended},
	{"a peer that tells nothing ends nothing", a_peer_that_tells_nothing_ends_nothing},
	{"what lives longer than written is ours", what_lives_longer_than_written_is_ours},
	{"what is told with less time is written", what_is_told_with_less_time_is_written},
	{"an event ends the doubt", an_event_ends_the_doubt},
	{"the operator's word counts", the_operators_word_counts},
	{"the record goes on", the_record_goes_on},
	{"without warmth there is none", without_warmth_there_is_none},
};

UNIT_MAIN("core record", tests)
