/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"
#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

static struct pair *started(void)
{
	struct pair *p = pair_new(NULL);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	return p;
}

static void two_nodes_come_into_step(void)
{
	struct pair *p = started();

	for (unsigned n = 0; n < 2; n++) {
		struct engine_status s = pair_status(p, n);

		CU_ASSERT_EQUAL(s.peers_count, 1);
		CU_ASSERT_TRUE(s.peers[0].is_ctsync);
		CU_ASSERT_EQUAL(s.peers[0].sync, ENGINE_SYNCED);
		CU_ASSERT_PTR_NOT_NULL(pair_told(p, n, ENGINE_EVENT_PEER_SYNCED));
		CU_ASSERT_EQUAL(pair_counter(p, n, COUNTER_LOST), 0);
		CU_ASSERT_EQUAL(pair_counter(p, n, COUNTER_BULKS_SENT), 1);
	}
	pair_free(p);
}

static void events_reach_the_peers_table(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_TRUE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, LOCAL, &f));
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(pair_has(p, 0, LOCAL, &f));
	CU_ASSERT_FALSE(pair_has(p, 1, REMOTE, &f));
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 1);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	pair_free(p);
}

/* Whoever polls for it would hardly ever meet the moment between an ACK and our own next one. */
static void what_keeps_the_talk_up_is_not_unacknowledged(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT(pair_status(p, 0).peers[0].unacked >= 1);
	pair_run(p, 3000);
	for (unsigned i = 0; i < 30; i++) {
		pair_run(p, 100);
		CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].unacked, 0);
		CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].unacked, 0);
	}
	p->cut[0][0] = true;
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 1);
	CU_ASSERT(pair_status(p, 0).peers[0].unacked >= 1);
	p->cut[0][0] = false;
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].unacked, 0);
	pair_free(p);
}

static bool lose_from_third_to_tenth(unsigned from, unsigned n)
{
	(void)from;
	return n >= 2 && n < 10;
}

static void what_was_lost_is_repaired(void)
{
	struct pair *p = pair_new(NULL);
	struct flow f;

	p->lose = lose_from_third_to_tenth;
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	for (uint32_t i = 0; i < 2000; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		if (i % 50 == 0)
			pair_exchange(p);
	}
	pair_run(p, 10000);
	CU_ASSERT(pair_counter(p, 1, COUNTER_LOST) > 0);
	CU_ASSERT(pair_counter(p, 0, COUNTER_RESENT) > 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* It goes ahead of what the peer has acknowledged, but not by more than a buffer holds. */
static void a_bulk_waits_for_acknowledgements(void)
{
	struct pair *p = started();
	const uint32_t flows = 3 * LIMIT_PACE_WINDOW;
	uint64_t before, sent;
	struct flow f;

	for (uint32_t i = 0; i < flows; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		if (i % 1000 == 0)
			pair_exchange(p);
	}
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PACE_WAITS), 0);
	p->cut[1][0] = true;
	before = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	pair_command(p, 0, ENGINE_BULK, 1);
	pair_exchange(p);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS) - before;
	CU_ASSERT(sent >= LIMIT_PACE_WINDOW - 1 && sent <= LIMIT_PACE_WINDOW + 100);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PACE_WAITS), 1);
	/* nothing new is known, but it is not for ever */
	p->now = mono_add_ms(p->now, LIMIT_PACE_MS - 1);
	engine_tick(p->node[0].engine, p->now);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS) - before, sent);
	CU_ASSERT(!mono_before(mono_add_ms(p->now, 1), engine_deadline(p->node[0].engine)));
	pair_run(p, 100);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS) - before;
	CU_ASSERT(sent > LIMIT_PACE_WINDOW + 100 && sent <= 2 * LIMIT_PACE_WINDOW + 200);
	/* and an acknowledgement lets it go on at once */
	p->cut[1][0] = false;
	pair_run(p, 1100);
	CU_ASSERT(pair_counter(p, 0, COUNTER_SENT_FLOWS) - before >= flows);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, flows);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* Ends are remembered for a peer that is away, but not for ever; and later it is told all the same.
 */
static void deletions_are_not_kept_for_nobody(void)
{
	struct pair *p = started();
	struct flow f;

	for (uint32_t i = 0; i < 100; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, 2000);
	p->cut[0][0] = p->cut[1][0] = true;
	for (uint32_t i = 0; i < 60; i++) {
		f = pair_flow(i);
		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	pair_run(p, LIMIT_LONELY_MS - 5000);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 60);
	pair_run(p, 6000);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_TOMBSTONES_DROPPED), 60);
	f = pair_flow(60);
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	p->cut[0][0] = p->cut[1][0] = false;
	pair_run(p, 5000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 39);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* A control message of a conntrackd, which has no marks. */
static void hear(struct pair *p, uint8_t flags, uint32_t seq)
{
	struct engine_addr conntrackd = {.bytes = {[15] = 9}};
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	wire_v1_put_alive(&w, flags | WIRE_V1_ALIVE, seq);
	engine_datagram(p->node[0].engine, p->now, 0, &conntrackd, buf, w.used);
	pair_exchange(p);
}

/* Its first numbers are the time of day: they may be those the old process has come to. */
static void a_hello_where_the_old_process_stopped_is_a_restart(void)
{
	struct pair *p = started();

	hear(p, WIRE_V1_HELLO, 5000);
	hear(p, 0, 5001);
	hear(p, 0, 5002);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	hear(p, WIRE_V1_HELLO, 5003);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 1);
	hear(p, WIRE_V1_HELLO, 5004);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 1);
	pair_free(p);
}

static void a_hello_that_climbs_to_where_the_old_process_stopped_is_a_restart(void)
{
	struct pair *p = started();

	hear(p, WIRE_V1_HELLO, 5000);
	hear(p, 0, 5001);
	for (uint32_t seq = 4990; seq <= 5001; seq++)
		hear(p, WIRE_V1_HELLO, seq);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	hear(p, WIRE_V1_HELLO, 5002);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 1);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_PEER_RESTARTED));
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"two nodes come into step", two_nodes_come_into_step},
	{"events reach the peer's table", events_reach_the_peers_table},
	{"what keeps the talk up is not unacknowledged",
		what_keeps_the_talk_up_is_not_unacknowledged},
	{"what was lost is repaired", what_was_lost_is_repaired},
	{"a bulk waits for acknowledgements", a_bulk_waits_for_acknowledgements},
	{"deletions are not kept for nobody", deletions_are_not_kept_for_nobody},
	{"a HELLO where the old process stopped is a restart",
		a_hello_where_the_old_process_stopped_is_a_restart},
	{"a HELLO that climbs to where the old process stopped is a restart",
		a_hello_that_climbs_to_where_the_old_process_stopped_is_a_restart},
};

UNIT_MAIN("core_sync", tests)
