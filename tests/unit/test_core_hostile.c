/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

/* What a forged, corrupted or delayed message does is bounded, and is over when it stops. */

#define REMOTE ENGINE_TABLE_REMOTE

static struct pair *started(void)
{
	struct pair *p = pair_new(NULL);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

/* The newest number that node n has used, as its peer knows it. */
static uint32_t newest(struct pair *p, unsigned n)
{
	struct rbuf r;
	struct wire_v1_message m;
	uint32_t seq = 0;

	pair_run(p, 100);
	CU_ASSERT_FATAL(p->last_len[n] > 0);
	r = rbuf_of(p->last[n], p->last_len[n]);
	while (wire_v1_next(&r, &m) == WIRE_V1_OK)
		seq = m.seq;
	return seq;
}

/* Puts bytes into node `to` as if the other node, or number `addr`, had sent them. */
static void inject(struct pair *p, unsigned to, unsigned addr, const struct wbuf *w)
{
	struct engine_addr from = {{0}};

	from.bytes[15] = (uint8_t)addr;
	engine_datagram(p->node[to].engine, p->now, 0, &from, w->start, w->used);
}

static void add_flows(struct pair *p, unsigned n, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, n, KERNEL_EVENT_NEW, &f);
	}
	pair_exchange(p);
}

static void check_step(struct pair *p, uint32_t flows)
{
	for (unsigned n = 0; n < 2; n++)
		CU_ASSERT_EQUAL(pair_status(p, n).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, flows);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, flows);
}

static void a_forged_hello_does_not_lock_the_peer_out(void)
{
	struct pair *p = started();
	struct wire_v1_mark mark = {WIRE_V1_MARK_HELLO, 4711, 4711, 0};
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	add_flows(p, 0, 0, 10);
	wire_v1_put_mark(&w, WIRE_V1_ALIVE, newest(p, 0) + 5, &mark);
	inject(p, 1, 1, &w);
	pair_run(p, 1000);
	add_flows(p, 0, 10, 10);
	pair_run(p, 60000);
	check_step(p, 20);
	pair_free(p);
}

/* Node 0 sends to nobody; returns how many messages of a type, and their first and last number. */
static unsigned pump(struct pair *p, enum wire_v1_type type, uint32_t *first, uint32_t *last)
{
	uint8_t out[2048];
	unsigned link, count = 0;
	size_t len;

	while ((len = engine_next_datagram(p->node[0].engine, p->now, out, sizeof(out), &link))) {
		struct rbuf r = rbuf_of(out, len);
		struct wire_v1_message m;

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			if (m.type == type) {
				if (count++ == 0)
					*first = m.seq;
				*last = m.seq;
			}
	}
	return count;
}

static void send_range(
	struct pair *p, enum wire_v1_flag kind, uint32_t seq, uint32_t from, uint32_t to)
{
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	wire_v1_put_range(&w, kind, seq, from, to);
	inject(p, 0, 77, &w);
}

/* More is asked for than a second's allowance: the deletions put off are not forgotten. */
static void a_deletion_put_off_survives_the_acknowledgement(void)
{
	struct pair *p = pair_new(NULL);
	uint32_t first = 0, last = 0, seq = 1, flows = 900;
	unsigned dels = 0;

	pair_dump_empty(p, 0);
	for (uint32_t i = 0; i < flows; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	CU_ASSERT_EQUAL(pump(p, WIRE_V1_CT_NEW, &first, &last), flows);
	send_range(p, WIRE_V1_ACK, seq++, first, last);
	/* this uses the allowance up */
	for (unsigned i = 0; i <= LIMIT_REPAIR_PER_SEC / flows; i++) {
		send_range(p, WIRE_V1_NACK, seq++, first, last);
		pump(p, WIRE_V1_CT_NEW, &first, &last);
	}
	for (uint32_t i = 0; i < flows; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	CU_ASSERT_EQUAL(pump(p, WIRE_V1_CT_DEL, &first, &last), flows);
	/* all of it is lost, and nothing before it is */
	send_range(p, WIRE_V1_ACK, seq++, 1000, first - 1);
	send_range(p, WIRE_V1_NACK, seq++, first, last);
	for (unsigned i = 0; i < 30; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
		dels += pump(p, WIRE_V1_CT_DEL, &first, &last);
	}
	CU_ASSERT_EQUAL(dels, flows);
	pair_free(p);
}

/* Our NACK is lost, and so much is said behind it that it cannot be said again. */
static void a_nack_lost_for_good_is_made_good(void)
{
	struct pair *p = pair_new(NULL);
	uint32_t seq = 1, first = 0, last = 0, resyncs;
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	pair_dump_empty(p, 0);
	pump(p, WIRE_V1_CTL, &first, &last);
	send_range(p, WIRE_V1_ACK, seq++, first, last);
	for (unsigned i = 0; i < 50; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
		pump(p, WIRE_V1_CTL, &first, &last);
	}
	send_range(p, WIRE_V1_ACK, seq++, last, last);
	seq += 10; /* lost */
	wire_v1_put_alive(&w, WIRE_V1_ALIVE, seq++);
	inject(p, 0, 77, &w);
	CU_ASSERT(pump(p, WIRE_V1_CTL, &first, &resyncs) > 0); /* the NACK among it is lost */
	for (unsigned i = 0; i < 2 * LIMIT_CONTROL_RESEND; i++) {
		send_range(p, WIRE_V1_RESYNC, seq++, 0, 0);
		p->now = mono_add_ms(p->now, 1000);
		engine_tick(p->node[0].engine, p->now);
		pump(p, WIRE_V1_CTL, &resyncs, &last);
	}
	resyncs = (uint32_t)pair_counter(p, 0, COUNTER_RESYNCS_ASKED);
	send_range(p, WIRE_V1_NACK, seq++, first, last);
	for (unsigned i = 0; i < 30; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
		pump(p, WIRE_V1_CTL, &first, &last);
	}
	CU_ASSERT(pair_counter(p, 0, COUNTER_RESYNCS_ASKED) > resyncs);
	pair_free(p);
}

static void link_down_costs_no_processor(void)
{
	struct pair *p = started();
	unsigned ticks = 0;
	mono end;

	pair_command(p, 0, ENGINE_DEMOTE, 1);
	/* nothing is pulled from here on */
	end = mono_add_sec(p->now, 3600);
	while (mono_before(p->now, end) && ticks < 100000) {
		mono at = engine_deadline(p->node[0].engine);

		if (mono_before(p->now, at))
			p->now = at;
		engine_tick(p->node[0].engine, p->now);
		ticks++;
	}
	CU_ASSERT(ticks < 100000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_CONTROL_FULL), 0);
	engine_check(p->node[0].engine);
	pair_free(p);
}

static void commands_without_end_leave_room_for_a_promotion(void)
{
	struct pair *p = started();

	for (unsigned i = 0; i < 2 * LIMIT_COMMANDS; i++) {
		struct engine_command c = {ENGINE_BULK, 100 + i};

		engine_command(p->node[0].engine, p->now, &c); /* nothing is pulled */
	}
	pair_forget(p);
	pair_command(p, 0, ENGINE_PROMOTE, 7);
	CU_ASSERT_EQUAL(pair_status(p, 0).role, ENGINE_ROLE_PRIMARY);
	pair_free(p);
}

static unsigned count_told(struct pair *p, unsigned n)
{
	struct engine_event event;
	unsigned count = 0;

	while (engine_next_event(p->node[n].engine, &event))
		count++;
	return count;
}

static void asking_again_and_again_is_not_told_each_time(void)
{
	struct pair *p = started();
	uint32_t seq = newest(p, 0);
	uint8_t buf[1472];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	for (unsigned i = 0; i < 80; i++)
		wire_v1_put_range(&w, WIRE_V1_RESYNC, ++seq, 0, 0);
	pair_forget(p);
	inject(p, 1, 1, &w);
	CU_ASSERT(count_told(p, 1) <= 10);
	pair_free(p);
}

static void new_boots_again_and_again_are_not_told_each_time(void)
{
	struct pair *p = started();
	uint32_t seq = newest(p, 0);
	uint8_t buf[1472];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	for (unsigned i = 0; i < 50; i++) {
		struct wire_v1_mark mark = {WIRE_V1_MARK_HELLO, 5000 + i, 5000 + i, 0};

		wire_v1_put_mark(&w, WIRE_V1_ALIVE, ++seq, &mark);
	}
	pair_forget(p);
	inject(p, 1, 1, &w);
	CU_ASSERT(count_told(p, 1) <= 10);
	pair_free(p);
}

static void nacks_make_no_bulk_after_bulk(void)
{
	struct pair *p = pair_new(NULL);
	uint32_t first, last = 0;

	pair_dump_empty(p, 0);
	for (unsigned i = 0; i < 100; i++) {
		send_range(p, WIRE_V1_NACK, 1 + i, 1000, last ? last : 1000);
		pump(p, WIRE_V1_CTL, &first, &last);
	}
	CU_ASSERT(pair_counter(p, 0, COUNTER_BULKS_SENT) <= 3);
	pair_free(p);
}

static void eight_strangers_do_not_keep_the_peer_out(void)
{
	struct pair *p = pair_new(NULL);
	struct flow f = pair_flow(1);
	struct wire_v1_options options = {0};

	for (unsigned i = 0; i < LIMIT_PEERS; i++) {
		uint8_t buf[512];
		struct wbuf w = wbuf_of(buf, sizeof(buf));

		wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, 1, &f, &options);
		inject(p, 1, 100 + i, &w);
	}
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	add_flows(p, 0, 0, 10);
	pair_run(p, 60000);
	CU_ASSERT(pair_status(p, 1).remote_flows >= 10);
	{
		bool found = false;
		struct engine_status s = pair_status(p, 1);

		for (unsigned i = 0; i < s.peers_count; i++)
			if (s.peers[i].addr.bytes[15] == 1) {
				found = true;
				CU_ASSERT_EQUAL(s.peers[i].sync, ENGINE_SYNCED);
				CU_ASSERT_EQUAL(s.peers[i].flows, 10);
			}
		CU_ASSERT_TRUE(found);
	}
	pair_free(p);
}

static void a_flushed_table_is_not_in_sync(void)
{
	struct pair *p = started();

	add_flows(p, 0, 0, 10);
	pair_run(p, 2000);
	pair_command(p, 1, ENGINE_FLUSH, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_command(p, 1, ENGINE_RESYNC_PEERS, 2);
	pair_run(p, 5000);
	check_step(p, 10);
	pair_free(p);
}

static void what_ended_while_flushed_ends_at_the_peer(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(3);

	add_flows(p, 0, 0, 10);
	pair_run(p, 2000);
	pair_command(p, 0, ENGINE_FLUSH, 1);
	pair_command(p, 0, ENGINE_RESYNC_PEERS, 2);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = 0; i < 10; i++) {
		struct flow g = pair_flow(i);

		if (i != 3)
			engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_FLOW, &g);
	}
	engine_kernel_event(p->node[0].engine, p->now, KERNEL_DUMP_END, NULL);
	pair_run(p, 30000);
	check_step(p, 9);
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	pair_free(p);
}

static void what_was_purged_is_gone_at_the_peer(void)
{
	struct pair *p = started();

	pair_command(p, 0, ENGINE_PROMOTE, 1);
	add_flows(p, 0, 0, 10);
	pair_run(p, 2000);
	check_step(p, 10);
	pair_command(p, 0, ENGINE_DEMOTE, 2);
	p->node[0].ops_count = 0;
	pair_run(p, 61000);
	CU_ASSERT_EQUAL(p->node[0].ops_count, 10);
	for (unsigned i = 0; i < p->node[0].ops_count; i++)
		engine_kernel_result(p->node[0].engine, p->now, p->node[0].ops[i].id, 0);
	pair_run(p, 30000);
	check_step(p, 0);
	pair_free(p);
}

static struct flow timed(uint32_t n, uint32_t timeout)
{
	struct flow f = pair_flow(n);

	f.tuple[FLOW_ORIG].l4 = f.tuple[FLOW_REPL].l4 = 17;
	flow_mark_unset(&f, FLOW_TCP_STATE);
	f.timeout = timeout;
	flow_mark_set(&f, FLOW_TIMEOUT);
	return f;
}

static const struct kernel_op *promoted(struct pair *p, unsigned n)
{
	p->node[n].ops_count = 0;
	pair_command(p, n, ENGINE_PROMOTE, 1);
	CU_ASSERT_EQUAL_FATAL(p->node[n].ops_count, 1);
	return &p->node[n].ops[0];
}

/* Packets kept it alive, and no event told. */
static void a_stream_is_committed_with_time_to_go_on(void)
{
	struct pair *p = started();
	struct flow f = timed(1, 120);
	const struct kernel_op *op;

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 118000);
	op = promoted(p, 1);
	CU_ASSERT_EQUAL(op->kind, KERNEL_OP_CREATE);
	CU_ASSERT(op->flow.timeout >= LIMIT_DEAD_TIMEOUT_S);
	pair_free(p);
}

static void a_live_entry_is_not_cut_short(void)
{
	struct pair *p = started();
	struct flow mine = timed(1, 5000), theirs = timed(1, 10);
	const struct kernel_op *op;

	pair_event(p, 1, KERNEL_EVENT_NEW, &mine);
	pair_run(p, 1000);
	pair_event(p, 0, KERNEL_EVENT_NEW, &theirs);
	pair_run(p, 1000);
	op = promoted(p, 1);
	CU_ASSERT_EQUAL(op->kind, KERNEL_OP_UPDATE);
	CU_ASSERT(op->flow.timeout > 4900);
	pair_free(p);
}

static void a_table_that_does_not_fit_is_not_in_sync(void)
{
	struct pair *p = pair_new(NULL);

	p->node[1].config.flows_max = 500;
	pair_restart(p, 1, 5000000);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	add_flows(p, 0, 0, 600);
	pair_run(p, 30000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 500);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	/* when there is room again, what is missing is asked for */
	for (uint32_t i = 0; i < 300; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	pair_run(p, 30000);
	check_step(p, 300);
	pair_free(p);
}

/* What one peer makes us look through is bounded a second, not for each of many NACKs. */
static void many_nacks_walk_no_more_than_one(void)
{
	struct engine_config c = pair_config();
	struct pair *p;
	uint32_t first = 0, last = 0;
	uint8_t buf[1472];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	c.flows_max = 20000;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pump(p, WIRE_V1_CT_NEW, &first, &last);
	/* a range before all flows: each walk would pass all of them */
	for (unsigned i = 0; i < 90; i++)
		wire_v1_put_range(&w, WIRE_V1_NACK, 1 + i, 1000, 1000);
	inject(p, 0, 77, &w);
	CU_ASSERT(pair_counter(p, 0, COUNTER_REPAIR_LIMITED) > 0);
	/* what was put off is looked at later, and the peer can ask again */
	for (unsigned i = 0; i < 50; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
	}
	wire_v1_put_range(&w, WIRE_V1_NACK, 91, first, first);
	send_range(p, WIRE_V1_NACK, 91, first, first);
	CU_ASSERT(pair_counter(p, 0, COUNTER_RESENT) > 0);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"a forged HELLO does not lock the peer out", a_forged_hello_does_not_lock_the_peer_out},
	{"a deletion put off survives the acknowledgement",
		a_deletion_put_off_survives_the_acknowledgement},
	{"a NACK lost for good is made good", a_nack_lost_for_good_is_made_good},
	{"link down costs no processor", link_down_costs_no_processor},
	{"commands without end leave room for a promotion",
		commands_without_end_leave_room_for_a_promotion},
	{"asking again and again is not told each time",
		asking_again_and_again_is_not_told_each_time},
	{"new boots again and again are not told each time",
		new_boots_again_and_again_are_not_told_each_time},
	{"NACKs make no bulk after bulk", nacks_make_no_bulk_after_bulk},
	{"eight strangers do not keep the peer out", eight_strangers_do_not_keep_the_peer_out},
	{"a flushed table is not in sync", a_flushed_table_is_not_in_sync},
	{"what ended while flushed ends at the peer", what_ended_while_flushed_ends_at_the_peer},
	{"what was purged is gone at the peer", what_was_purged_is_gone_at_the_peer},
	{"a stream is committed with time to go on", a_stream_is_committed_with_time_to_go_on},
	{"a live entry is not cut short", a_live_entry_is_not_cut_short},
	{"a table that does not fit is not in sync", a_table_that_does_not_fit_is_not_in_sync},
	{"many NACKs walk no more than one", many_nacks_walk_no_more_than_one},
};

UNIT_MAIN("core_hostile", tests)
