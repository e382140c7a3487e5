/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core_pair.h"
#include "flow/status.h"
#include "unit.h"
#include "wire/v1.h"

/*
 * A warm standby, node 1, is promoted: what is written then, what of the rest becomes its own, and
 * when. Its kernel takes everything, unless a test says otherwise.
 */

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { FLOWS = 3000, FEW = 30, AGE_MS = 1000 };

static unsigned answered, written[KERNEL_OP_EXPECT_FLUSH + 1];

/* Answers what node 1 wants of its kernel, dumps excepted, at most so many operations. */
static void answer(struct pair *p, unsigned most, int err)
{
	struct pair_node *n = &p->node[1];

	pair_pull_ops(p, 1);
	while (answered < n->ops_count && most-- > 0) {
		const struct kernel_op *op = &n->ops[answered++];

		written[op->kind]++;
		if (op->kind != KERNEL_OP_DUMP)
			engine_kernel_result(n->engine, p->now, op->id, err);
		if (answered == n->ops_count)
			answered = n->ops_count = 0;
		pair_pull_ops(p, 1);
	}
	engine_check(n->engine);
}

static void answer_all(struct pair *p)
{
	answer(p, UINT32_MAX, 0);
}

static void run(struct pair *p, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += 100) {
		pair_run(p, 100);
		answer_all(p);
	}
}

static void tell(struct pair *p, uint32_t first, uint32_t count, uint8_t tcp_state)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		f.tcp.state = tcp_state;
		f.timeout = 3600;
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		if (i % 100 == 99)
			pair_exchange(p);
	}
	pair_exchange(p);
}

static void dump_of(struct pair *p, uint32_t count)
{
	struct flow f;

	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < count; i++) {
		f = pair_flow(i);
		f.timeout = 3600;
		pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
}

/* The standby's kernel has count settled flows of node 0. */
static struct pair *warm(uint32_t count)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.standby_warm = true;
	c.warm_age_ms = AGE_MS;
	c.warm_rate = 50000;
	p = pair_new(&c);
	answered = 0;
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	tell(p, 0, count, FLOW_TCP_ESTABLISHED);
	run(p, 4000);
	memset(written, 0, sizeof(written));
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, count);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	p->cut[0][0] = p->cut[1][0] = true; /* the active node is dead */
	pair_forget(p);
	return p;
}

static const struct engine_event *done(struct pair *p)
{
	return pair_told(p, 1, ENGINE_EVENT_DONE);
}

/* ---- the difference ---- */

static void nothing_is_written_of_what_is_there(void)
{
	struct pair *p = warm(FLOWS);

	pair_command(p, 1, ENGINE_PROMOTE, 7);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p)); /* before anything has been answered, or walked */
	CU_ASSERT_EQUAL(done(p)->written, 0);
	CU_ASSERT_EQUAL(done(p)->outcome, ENGINE_OK);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	run(p, 2000);
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE] + written[KERNEL_OP_UPDATE], 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_silent, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_TAKEN), FLOWS);
	pair_free(p);
}

static void the_difference_is_written_whatever_its_age(void)
{
	struct pair *p = warm(FLOWS);
	struct flow f;

	p->cut[0][0] = p->cut[1][0] = false;
	tell(p, FLOWS, FEW, FLOW_TCP_ESTABLISHED); /* too young */
	tell(p, FLOWS + FEW, FEW, FLOW_TCP_SYN_SENT); /* half-open */
	f = pair_flow(0);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	f = pair_flow(1);
	f.mark = 99;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	for (unsigned n = 0; n < 2; n++) {
		struct engine_addr from = pair_addr(p, 0, 0);
		uint8_t buf[2048];
		unsigned link;
		size_t len =
			engine_next_datagram(p->node[0].engine, p->now, buf, sizeof(buf), &link);

		if (len > 0)
			engine_datagram(p->node[1].engine, p->now, 0, &from, buf, len);
	}
	p->cut[0][0] = p->cut[1][0] = true;
	pair_command(p, 1, ENGINE_PROMOTE, 7);
	CU_ASSERT_PTR_NULL(done(p));
	answer_all(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p));
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE], FEW);
	CU_ASSERT_EQUAL(written[KERNEL_OP_UPDATE], 1);
	CU_ASSERT_EQUAL(written[KERNEL_OP_DELETE], 1);
	CU_ASSERT_EQUAL(done(p)->written, FEW + 1);
	CU_ASSERT_EQUAL(done(p)->skipped, FEW);
	run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS + FEW - 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FEW);
	pair_free(p);
}

static void a_plain_commit_writes_the_difference_and_takes_nothing(void)
{
	struct pair *p = warm(FEW);

	p->cut[0][0] = p->cut[1][0] = false;
	tell(p, FEW, FEW, FLOW_TCP_ESTABLISHED);
	pair_command(p, 1, ENGINE_COMMIT, 7);
	answer_all(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p));
	CU_ASSERT_EQUAL(done(p)->written, FEW);
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE], FEW);
	run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, 2 * FEW);
	pair_free(p);
}

static void refusals_are_told(void)
{
	struct pair *p = warm(FEW);

	p->cut[0][0] = p->cut[1][0] = false;
	tell(p, FEW, FEW, FLOW_TCP_ESTABLISHED);
	p->cut[0][0] = p->cut[1][0] = true;
	pair_command(p, 1, ENGINE_PROMOTE, 7);
	answer(p, 10, ENOMEM);
	CU_ASSERT_PTR_NULL(done(p));
	answer_all(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p));
	CU_ASSERT_EQUAL(done(p)->outcome, ENGINE_PARTIAL);
	CU_ASSERT_EQUAL(done(p)->refused, 10);
	CU_ASSERT_EQUAL(done(p)->errnos[0].err, ENOMEM);
	CU_ASSERT_EQUAL(done(p)->written, FEW - 10);
	pair_free(p);
}

/* ---- before the walk has come to it ---- */

/* As far as it goes without a tick. */
static struct pair *promoted(void)
{
	struct pair *p = warm(FLOWS);

	pair_command(p, 1, ENGINE_PROMOTE, 7);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	return p;
}

static void an_event_finds_all_that_there_is(void)
{
	struct pair *p = promoted();
	struct flow f = pair_flow(5), part;
	struct engine_flow_view v;

	memset(&part, 0, sizeof(part));
	part.tuple[FLOW_ORIG] = f.tuple[FLOW_ORIG];
	memcpy(part.set, f.set, sizeof(part.set));
	flow_mark_unset(&part, FLOW_TCP_STATE);
	flow_mark_unset(&part, FLOW_TIMEOUT);
	part.tuple[FLOW_REPL] = f.tuple[FLOW_REPL];
	part.mark = 77;
	flow_mark_set(&part, FLOW_MARK);
	pair_event(p, 1, KERNEL_EVENT_UPDATE, &part);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[1].engine, LOCAL, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 77);
	CU_ASSERT_EQUAL(v.flow.tcp.state, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

static void what_the_kernel_ends_has_ended(void)
{
	struct pair *p = promoted();
	struct flow f = pair_flow(5);

	pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	run(p, 3000);
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE], 0);
	CU_ASSERT_FALSE(pair_has(p, 1, LOCAL, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS - 1);
	pair_free(p);
}

static void what_its_peer_ends_is_ours(void)
{
	struct pair *p = promoted();
	struct flow f = pair_flow(5);

	p->cut[0][0] = false;
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 1, LOCAL, &f));
	run(p, 3000);
	CU_ASSERT_EQUAL(written[KERNEL_OP_DELETE], 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

/* The kernel has the one's word of it by now, though the other's is all that is left. */
static void what_two_peers_told_is_for_the_dump_to_tell(void)
{
	struct pair *p = warm(FEW);
	struct flow f = pair_flow(5);
	struct engine_flow_view v;

	f.mark = 22;
	flow_mark_set(&f, FLOW_MARK);
	pair_third_says(p, WIRE_V1_CT_UPD, &f, 5000);
	pair_command(p, 1, ENGINE_PROMOTE, 7);
	answer(p, 1, EEXIST);
	answer_all(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p));
	CU_ASSERT_EQUAL(written[KERNEL_OP_UPDATE], 1);
	pair_third_says(p, WIRE_V1_CT_DEL, &f, 5001);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FEW);
	run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FEW - 1);
	CU_ASSERT_FALSE(engine_find(p->node[1].engine, LOCAL, &f, &v));
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[1].engine, LOCAL, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 22);
	pair_free(p);
}

static void a_demotion_leaves_the_rest_to_its_peer(void)
{
	struct pair *p = promoted();
	struct engine_status s;

	p->now = mono_add_ms(p->now, 1);
	engine_tick(p->node[1].engine, p->now);
	s = pair_status(p, 1);
	CU_ASSERT(s.local_flows > 0 && s.remote_flows > 0);
	CU_ASSERT_EQUAL(s.local_flows + s.remote_flows, FLOWS);
	pair_command(p, 1, ENGINE_DEMOTE, 8);
	run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, s.local_flows);
	CU_ASSERT_EQUAL(pair_status(p, 1).warm_flows, s.remote_flows);
	/* and once more the other way */
	pair_command(p, 1, ENGINE_PROMOTE, 9);
	run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE] + written[KERNEL_OP_DELETE], 0);
	pair_free(p);
}

static void a_repeated_promotion_is_done_at_once(void)
{
	struct pair *p = promoted();

	pair_forget(p);
	pair_command(p, 1, ENGINE_PROMOTE, 8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(done(p));
	CU_ASSERT_EQUAL(done(p)->written, 0);
	run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

static void a_purge_deletes_all_and_nothing_comes_back(void)
{
	struct pair *p = promoted();

	pair_command(p, 1, ENGINE_PURGE, 8);
	answer_all(p);
	run(p, 5000);
	CU_ASSERT_EQUAL(written[KERNEL_OP_DELETE], FLOWS);
	CU_ASSERT_EQUAL(written[KERNEL_OP_CREATE], 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows + pair_status(p, 1).remote_flows, 0);
	pair_free(p);
}

static void a_flush_leaves_it_to_the_dump(void)
{
	struct pair *p = promoted();

	pair_command(p, 1, ENGINE_FLUSH, 8);
	run(p, 200);
	dump_of(p, FLOWS);
	run(p, 500);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	pair_free(p);
}

static void peers_are_told_when_all_is_ours(void)
{
	struct pair *p = promoted();

	p->cut[0][0] = p->cut[1][0] = false;
	run(p, 500);
	dump_of(p, FLOWS);
	run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	pair_free(p);
}

static void no_bulk_begins_in_the_middle(void)
{
	struct pair *p = warm(FLOWS);
	uint64_t before = pair_counter(p, 1, COUNTER_BULKS_SENT);

	p->cut[0][0] = p->cut[1][0] = false;
	pair_command(p, 1, ENGINE_PROMOTE, 7);
	pair_command(p, 1, ENGINE_BULK, 8);
	for (unsigned i = 0; pair_status(p, 1).remote_flows > 0 && i < 10; i++) {
		pair_exchange(p);
		CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_BULKS_SENT), before);
		p->now = mono_add_ms(p->now, 1);
		engine_tick(p->node[1].engine, p->now);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, FLOWS);
	dump_of(p, FLOWS);
	run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_BULKS_SENT), before + 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, FLOWS);
	pair_free(p);
}

/* ---- births ---- */

static struct pair *cold(uint32_t large)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.commit_large = large;
	p = pair_new(&c);
	answered = 0;
	memset(written, 0, sizeof(written));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	tell(p, 0, FEW, FLOW_TCP_ESTABLISHED);
	run(p, 2000);
	return p;
}

static void a_large_commit_wants_no_births_until_its_end(void)
{
	struct pair *p = cold(FEW - 1);
	const struct engine *e = p->node[1].engine;

	CU_ASSERT_TRUE(engine_wants_births(e));
	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_FALSE(engine_wants_births(e));
	CU_ASSERT_FALSE(pair_status(p, 1).kernel_synced);
	answer(p, FEW - 1, 0);
	CU_ASSERT_FALSE(engine_wants_births(e));
	CU_ASSERT_EQUAL(written[KERNEL_OP_DUMP], 0);
	answer_all(p);
	CU_ASSERT_TRUE(engine_wants_births(e));
	CU_ASSERT_EQUAL(written[KERNEL_OP_DUMP], 1);
	CU_ASSERT_FALSE(pair_status(p, 1).kernel_synced);
	dump_of(p, FEW);
	CU_ASSERT_TRUE(pair_status(p, 1).kernel_synced);
	pair_free(p);
}

static void a_demotion_ends_the_deafness(void)
{
	struct pair *p = cold(FEW - 1);

	pair_command(p, 1, ENGINE_PROMOTE, 1);
	CU_ASSERT_FALSE(engine_wants_births(p->node[1].engine));
	pair_command(p, 1, ENGINE_DEMOTE, 2);
	CU_ASSERT_TRUE(engine_wants_births(p->node[1].engine));
	answer_all(p);
	CU_ASSERT_EQUAL(written[KERNEL_OP_DUMP], 1);
	pair_free(p);
}

static void a_small_commit_goes_on_listening(void)
{
	struct pair *p = cold(FEW);

	pair_command(p, 1, ENGINE_COMMIT, 1);
	CU_ASSERT_TRUE(engine_wants_births(p->node[1].engine));
	pair_free(p);
}

/* A change is told of a flow that was born unheard, after the dump has begun. */
static void a_dump_completes_what_a_change_told(void)
{
	struct pair *p = cold(FEW);
	struct flow f = pair_flow(500), part = f;
	struct engine_flow_view v;

	f.mark = 5;
	flow_mark_set(&f, FLOW_MARK);
	flow_mark_unset(&part, FLOW_MARK);
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 1, KERNEL_EVENT_UPDATE, &part);
	pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[1].engine, LOCAL, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 5);
	pair_exchange(p);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[0].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 5);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"nothing is written of what is there", nothing_is_written_of_what_is_there},
	{"the difference is written whatever its age", the_difference_is_written_whatever_its_age},
	{"a plain commit writes the difference and takes nothing",
		a_plain_commit_writes_the_difference_and_takes_nothing},
	{"refusals are told", refusals_are_told},
	{"an event finds all that there is", an_event_finds_all_that_there_is},
	{"what the kernel ends has ended", what_the_kernel_ends_has_ended},
	{"what its peer ends is ours", what_its_peer_ends_is_ours},
	{"what two peers told is for the dump to tell",
		what_two_peers_told_is_for_the_dump_to_tell},
	{"a demotion leaves the rest to its peer", a_demotion_leaves_the_rest_to_its_peer},
	{"a repeated promotion is done at once", a_repeated_promotion_is_done_at_once},
	{"a purge deletes all and nothing comes back", a_purge_deletes_all_and_nothing_comes_back},
	{"a flush leaves it to the dump", a_flush_leaves_it_to_the_dump},
	{"peers are told when all is ours", peers_are_told_when_all_is_ours},
	{"no bulk begins in the middle", no_bulk_begins_in_the_middle},
	{"a large commit wants no births until its end",
		a_large_commit_wants_no_births_until_its_end},
	{"a demotion ends the deafness", a_demotion_ends_the_deafness},
	{"a small commit goes on listening", a_small_commit_goes_on_listening},
	{"a dump completes what a change told", a_dump_completes_what_a_change_told},
};

UNIT_MAIN("core_take", tests)
