/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

enum { REFRESH_S = 4, CACHE_TIMEOUT_S = 12, CONNTRACKD_TIMEOUT_S = 180 };

static struct engine_config config_of(enum engine_mode mode)
{
	struct engine_config c = pair_config();

	c.mode = mode;
	c.refresh_s = REFRESH_S;
	c.cache_timeout_s = CACHE_TIMEOUT_S;
	return c;
}

static struct pair *pair_of(enum engine_mode mode)
{
	struct engine_config c = config_of(mode);
	struct pair *p = pair_new(&c);

	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	return p;
}

static void put(struct pair *p, unsigned n, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, n, KERNEL_EVENT_NEW, &f);
	}
}

static void end(struct pair *p, unsigned n, uint32_t number)
{
	struct flow f = pair_flow(number);

	pair_event(p, n, KERNEL_EVENT_DESTROY, &f);
}

static bool knows(struct pair *p, unsigned n, uint32_t number)
{
	struct flow f = pair_flow(number);

	return pair_has(p, n, REMOTE, &f);
}

/* A dump of the flows [first, first + count), each piece of it when the engine takes one. */
static void dump(struct pair *p, unsigned n, uint32_t first, uint32_t count)
{
	pair_event(p, n, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, n, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, n, KERNEL_DUMP_END, NULL);
}

/* The flags of all messages that a node has sent, or-ed; and how many there were of each kind. */
static struct said {
	unsigned flags, messages, control, data, deletions, marks, resyncs;
} said[PAIR_NODES];

static unsigned lose_from, lose_permille;
static uint32_t lose_state;

static bool hears(unsigned from, unsigned n)
{
	(void)n;
	lose_state = lose_state * 1664525 + 1013904223;
	return from == lose_from && (lose_state >> 16) % 1000 < lose_permille;
}

static struct pair *listened;

/* Reads what the last datagram of a node said. */
static void hear_all(unsigned from)
{
	struct rbuf r = rbuf_of(listened->last[from], listened->last_len[from]);
	struct wire_v1_message m;
	struct wire_v1_mark mark;

	while (wire_v1_next(&r, &m) == WIRE_V1_OK) {
		struct said *s = &said[from];

		s->flags |= m.flags;
		s->messages++;
		s->control += m.type == WIRE_V1_CTL;
		s->data += m.type != WIRE_V1_CTL;
		s->deletions += m.type == WIRE_V1_CT_DEL;
		s->resyncs += (m.flags & WIRE_V1_RESYNC) != 0;
		s->marks += m.type == WIRE_V1_CTL && m.flags & WIRE_V1_ALIVE &&
			    wire_v1_get_mark(&m, &mark);
	}
}

static bool listen_all(unsigned from, unsigned n)
{
	hear_all(from);
	return hears(from, n);
}

static void listen_to(struct pair *p)
{
	memset(said, 0, sizeof(said));
	listened = p;
	lose_permille = 0;
	lose_state = 1;
	p->lose = listen_all;
}

static void lose(unsigned from, unsigned permille)
{
	lose_from = from;
	lose_permille = permille;
}

/* A message that a conntrackd would send, from the address of node 1 to node 0. */
static void conntrackd_flow(
	struct pair *p, enum wire_v1_type type, uint8_t flags, uint32_t seq, uint32_t number)
{
	static const struct wire_v1_options options = {0};
	struct flow f = pair_flow(number);
	uint8_t buf[512];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	f.timeout = CONNTRACKD_TIMEOUT_S;
	flow_mark_set(&f, FLOW_TIMEOUT);
	CU_ASSERT_FATAL(wire_v1_put_flow(&w, type, flags, seq, &f, &options) > 0);
	engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, buf, w.used);
}

static void conntrackd_alive(struct pair *p, uint32_t seq)
{
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	wire_v1_put_alive(&w, WIRE_V1_ALIVE, seq);
	engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, buf, w.used);
}

/* Node 0 alone, with time, and a conntrackd that says ALIVE each second; the last number. */
static uint32_t alone(struct pair *p, unsigned seconds, uint32_t seq)
{
	uint8_t buf[2048];
	unsigned link;
	size_t len;

	listened = p;
	for (unsigned i = 0; i < seconds * 10; i++) {
		p->now = mono_add_ms(p->now, 100);
		if (seq && i % 10 == 9)
			conntrackd_alive(p, ++seq);
		engine_tick(p->node[0].engine, p->now);
		while ((len = engine_next_datagram(
				p->node[0].engine, p->now, buf, sizeof(buf), &link)) > 0) {
			memcpy(p->last[0], buf, len);
			p->last_len[0] = len;
			hear_all(0);
		}
		pair_pull_ops(p, 0);
	}
	engine_check(p->node[0].engine);
	return seq;
}

/* ---- NOTRACK ---- */

static void notrack_says_no_hello_and_no_ack(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	listen_to(p);
	put(p, 0, 0, 100);
	pair_run(p, 3000);
	put(p, 1, 1000, 10);
	end(p, 0, 5);
	pair_run(p, 3000);
	for (unsigned n = 0; n < 2; n++) {
		CU_ASSERT_EQUAL(said[n].flags, WIRE_V1_RESYNC | WIRE_V1_ALIVE);
		CU_ASSERT(said[n].marks >= 3);
		CU_ASSERT_EQUAL(pair_status(p, n).peers[0].sync, ENGINE_SYNCED);
		CU_ASSERT_EQUAL(pair_status(p, n).peers[0].unacked, 0);
		CU_ASSERT_EQUAL(pair_status(p, n).tombstones, 0);
	}
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 99);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 10);
	pair_free(p);
}

static void notrack_says_something_each_second(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	pair_run(p, 5000);
	listen_to(p);
	pair_run(p, 10000);
	for (unsigned n = 0; n < 2; n++) {
		CU_ASSERT(said[n].control >= 9 && said[n].control <= 11);
		CU_ASSERT_EQUAL(said[n].data, 0);
	}
	pair_free(p);
}

static void notrack_forgets_a_deletion_when_it_is_said(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	put(p, 0, 0, 50);
	pair_run(p, 3000);
	for (uint32_t i = 0; i < 50; i++)
		end(p, 0, i);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 50);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	pair_free(p);
}

/* What was lost is shown, and made good by the whole table, deletions included. */
static void notrack_asks_for_the_table_where_something_is_lost(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint64_t asked;

	put(p, 0, 0, 500);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	asked = pair_counter(p, 1, COUNTER_RESYNCS_ASKED);
	listen_to(p);
	lose(0, 1000);
	end(p, 0, 7);
	put(p, 0, 600, 5);
	pair_exchange(p);
	lose(0, 0);
	CU_ASSERT_TRUE(knows(p, 1, 7));
	put(p, 0, 700, 1);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_LOST), 6);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].lost, 6);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNC_GAP);
	pair_run(p, 1500);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_RESYNCS_ASKED), asked + 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 505);
	CU_ASSERT_FALSE(knows(p, 1, 7));
	CU_ASSERT_TRUE(knows(p, 1, 604));
	pair_free(p);
}

/* The end of a bulk that has lost messages means nothing. */
static void notrack_sweeps_nothing_by_a_bulk_with_losses(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	put(p, 0, 0, 2000);
	pair_run(p, 3000);
	listen_to(p);
	for (unsigned round = 0; round < 20; round++) {
		pair_command(p, 0, ENGINE_BULK, round + 1);
		lose(0, 300);
		pair_run(p, 300);
		CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 2000);
	}
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_REMOTE_SWEPT), 0);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	lose(0, 0);
	pair_run(p, LIMIT_LOSS_PAUSE_MS + 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void notrack_asks_more_seldom_while_losses_go_on(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	put(p, 0, 0, 2000);
	pair_run(p, 3000);
	listen_to(p);
	lose(0, 500);
	pair_run(p, 300000);
	CU_ASSERT(said[1].resyncs >= 8);
	CU_ASSERT(said[1].resyncs <= 5 + 300000 / LIMIT_LOSS_PAUSE_MS);
	lose(0, 0);
	pair_run(p, LIMIT_LOSS_PAUSE_MS + 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	/* and at once again after a calm time */
	pair_run(p, 2 * LIMIT_LOSS_PAUSE_MS);
	lose(0, 1000);
	end(p, 0, 3);
	pair_exchange(p);
	lose(0, 0);
	pair_run(p, 3000);
	CU_ASSERT_FALSE(knows(p, 1, 3));
	pair_free(p);
}

static void notrack_takes_nothing_that_comes_late_but_a_request(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));
	uint64_t bulks;

	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5000, 1);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5002, 2);
	conntrackd_flow(p, WIRE_V1_CT_DEL, 0, 5001, 1);
	CU_ASSERT_TRUE(knows(p, 0, 1));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BEFORE), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LOST), 1);
	alone(p, 3, 5002);
	bulks = pair_counter(p, 0, COUNTER_BULKS_SENT);
	wire_v1_put_range(&w, WIRE_V1_RESYNC, 4999, 0, 0);
	engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, buf, w.used);
	alone(p, 3, 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BULKS_SENT), bulks + 1);
	pair_free(p);
}

static void notrack_has_no_word_for_ack_and_nack(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint8_t buf[64];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	wire_v1_put_range(&w, WIRE_V1_ACK, 5000, 1, 2);
	wire_v1_put_range(&w, WIRE_V1_NACK, 5001, 1, 2);
	engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, buf, w.used);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BAD_HEADER), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 0);
	/* HELLO on data is tolerated, and means nothing */
	conntrackd_flow(p, WIRE_V1_CT_NEW, WIRE_V1_HELLO, 5002, 1);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5003, 2);
	conntrackd_flow(p, WIRE_V1_CT_NEW, WIRE_V1_HELLO | WIRE_V1_HELLO_BACK, 5004, 3);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 3);
	pair_free(p);
}

/* conntrackd has no mark for its table's end: what it does not name in time goes. */
static void notrack_with_conntrackd_sweeps_after_a_while(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint32_t seq = 5000;

	listen_to(p);
	for (uint32_t i = 0; i < 10; i++)
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, seq++, i);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNC_BULK);
	seq = alone(p, 2, seq - 1);
	CU_ASSERT_EQUAL(said[0].resyncs, 2);
	for (uint32_t i = 0; i < 10; i++)
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, i);
	seq = alone(p, LIMIT_SWEEP_MS / 1000, seq);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 10);

	seq += 3; /* the end of flow 4 among them */
	conntrackd_alive(p, ++seq);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNC_GAP);
	seq = alone(p, 2, seq);
	CU_ASSERT_EQUAL(said[0].resyncs, 3);
	for (uint32_t i = 0; i < 10; i++)
		if (i != 4)
			conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, i);
	CU_ASSERT_TRUE(knows(p, 0, 4));
	seq = alone(p, LIMIT_SWEEP_MS / 1000, seq);
	CU_ASSERT_FALSE(knows(p, 0, 4));
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 9);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* What lives there must not go because a request was lost. */
static void notrack_asks_a_conntrackd_that_says_nothing_again(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint32_t seq;

	listen_to(p);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5000, 1);
	seq = alone(p, 2, 5000);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, 1);
	seq = alone(p, LIMIT_SWEEP_MS / 1000, seq);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	seq += 2;
	seq = alone(p, 2 * LIMIT_SWEEP_MS / 1000, seq);
	CU_ASSERT_TRUE(knows(p, 0, 1));
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNC_GAP);
	CU_ASSERT(said[0].resyncs >= 4);
	/* it says nothing though it is there: its own time runs out, and that is all there is */
	alone(p, 6 * LIMIT_SWEEP_MS / 1000 + 700, seq);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* A few events are not the table: nothing that lives goes because our request was lost. */
static void notrack_does_not_take_events_for_the_table(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	uint32_t seq = 5000;

	for (uint32_t i = 0; i < 100; i++)
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, seq++, i);
	seq = alone(p, 4, seq - 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 100);
	seq += 2;
	for (unsigned i = 0; i < 2 * LIMIT_SWEEP_MS / 1000; i++) {
		conntrackd_flow(p, WIRE_V1_CT_UPD, 0, ++seq, i % 10);
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, 200 + i);
		seq = alone(p, 1, seq);
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 100 + 2 * LIMIT_SWEEP_MS / 1000);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	for (uint32_t i = 0; i < 90; i++)
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, i);
	for (unsigned i = 0; i < 2 * LIMIT_SWEEP_MS / 1000; i++)
		conntrackd_flow(p, WIRE_V1_CT_NEW, 0, ++seq, 200 + i);
	seq = alone(p, 3, seq);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_FALSE(knows(p, 0, 95));
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 90 + 2 * LIMIT_SWEEP_MS / 1000);
	pair_free(p);
}

static void notrack_notices_a_restart(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	put(p, 0, 0, 100);
	pair_run(p, 3000);
	pair_restart(p, 0, 77);
	dump(p, 0, 50, 100);
	pair_run(p, 5000);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_PEER_RESTARTS), 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	CU_ASSERT_TRUE(knows(p, 1, 149));
	CU_ASSERT_FALSE(knows(p, 1, 49));
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

/* A sender without an internal cache says no more of an update than its event does. */
static void notrack_merges_an_update(void)
{
	static const struct wire_v1_options options = {0};
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);
	struct flow f = pair_flow(1);
	struct engine_flow_view v;
	uint8_t buf[512];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	f.mark = 17;
	flow_mark_set(&f, FLOW_MARK);
	wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, 5000, &f, &options);
	flow_mark_unset(&f, FLOW_MARK);
	f.timeout = 4321;
	flow_mark_set(&f, FLOW_TIMEOUT);
	wire_v1_put_flow(&w, WIRE_V1_CT_UPD, 0, 5001, &f, &options);
	engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, buf, w.used);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[0].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.timeout, 4321);
	CU_ASSERT_TRUE(flow_has(&v.flow, FLOW_MARK));
	CU_ASSERT_EQUAL(v.flow.mark, 17);
	pair_free(p);
}

/* ---- ALARM ---- */

static void alarm_says_flows_and_nothing_else(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	listen_to(p);
	put(p, 0, 0, 100);
	pair_command(p, 0, ENGINE_RESYNC_PEERS, 1);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	pair_run(p, 30000);
	CU_ASSERT_EQUAL(said[0].flags, 0);
	CU_ASSERT_EQUAL(said[0].control, 0);
	CU_ASSERT(said[0].data >= 100);
	CU_ASSERT_EQUAL(said[1].messages, 0); /* it has nothing to say */
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_RESYNCS_ASKED), 0);
	pair_free(p);
}

/* Each flow once in a refresh, spread over it, and not in one burst. */
static void alarm_says_each_flow_again_in_time(void)
{
	enum { FLOWS = 4000, ROUNDS = 5 };
	struct pair *p = pair_of(ENGINE_MODE_ALARM);
	uint64_t before, last, most = 0;

	put(p, 0, 0, FLOWS);
	pair_run(p, REFRESH_S * 1000);
	before = last = pair_counter(p, 0, COUNTER_REFRESHED);
	for (unsigned i = 0; i < ROUNDS * REFRESH_S * 10; i++) {
		uint64_t now;

		pair_run(p, 100);
		now = pair_counter(p, 0, COUNTER_REFRESHED);
		most = now - last > most ? now - last : most;
		last = now;
	}
	CU_ASSERT_EQUAL(last - before, ROUNDS * FLOWS);
	CU_ASSERT(most < 3 * FLOWS / (REFRESH_S * 10));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, FLOWS);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_REMOTE_EXPIRED), 0);
	pair_free(p);
}

static void alarm_forgets_what_is_not_said_again(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	put(p, 0, 0, 1000);
	pair_run(p, 3000);
	listen_to(p);
	lose(0, 1000);
	for (uint32_t i = 0; i < 400; i++)
		end(p, 0, i);
	pair_run(p, 3000);
	lose(0, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1000);
	pair_run(p, (CACHE_TIMEOUT_S - REFRESH_S - 4) * 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1000);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_run(p, 10000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 600);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_REMOTE_EXPIRED), 400);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void alarm_says_a_deletion_twice(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	put(p, 0, 0, 10);
	pair_run(p, 1000);
	listen_to(p);
	end(p, 0, 3);
	pair_exchange(p);
	CU_ASSERT_EQUAL(said[0].deletions, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 1);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(said[0].deletions, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	/* unless it is there again */
	end(p, 0, 4);
	pair_exchange(p);
	put(p, 0, 4, 1);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(said[0].deletions, 3);
	CU_ASSERT_TRUE(knows(p, 1, 4));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 9);
	pair_free(p);
}

static void alarm_ignores_what_has_flags(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	conntrackd_flow(p, WIRE_V1_CT_NEW, WIRE_V1_HELLO, 5000, 1);
	conntrackd_alive(p, 5001);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_IGNORED), 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 0);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5002, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 1);
	pair_free(p);
}

static void alarm_is_in_step_after_a_refresh(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	put(p, 0, 0, 100);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNC_BULK);
	pair_run(p, REFRESH_S * 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_PEER_SYNCED));
	/* one that says nothing more is missed only when its flows are */
	listen_to(p);
	lose(0, 1000);
	pair_run(p, (CACHE_TIMEOUT_S - 1) * 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNC_SILENT);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 0);
	lose(0, 0);
	pair_run(p, 1000);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_PEER_BACK));
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_run(p, (CACHE_TIMEOUT_S + 1) * 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	pair_free(p);
}

static void alarm_lets_no_older_state_follow(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 5000, 1);
	conntrackd_flow(p, WIRE_V1_CT_DEL, 0, 5002, 1);
	conntrackd_flow(p, WIRE_V1_CT_UPD, 0, 5001, 1);
	CU_ASSERT_FALSE(knows(p, 0, 1));
	/* numbers that stay old are right */
	alone(p, 3, 0);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 100, 2);
	alone(p, 3, 0);
	conntrackd_flow(p, WIRE_V1_CT_NEW, 0, 101, 2);
	CU_ASSERT_TRUE(knows(p, 0, 2));
	pair_free(p);
}

static void alarm_sends_all_at_once_when_it_is_told_to(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	put(p, 0, 0, 3000);
	pair_run(p, 1000);
	listen_to(p);
	pair_command(p, 0, ENGINE_BULK, 9);
	pair_exchange(p);
	CU_ASSERT_EQUAL(said[0].data, 3000);
	CU_ASSERT_EQUAL(said[0].control, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	pair_free(p);
}

/* ---- what conntrackd has sent ---- */

/* Datagrams recorded by tests/lib/capture_wire.sh, into node 0; see tests/lib/wire_record.py. */
static void replay(struct pair *p, const char *name)
{
	const char *srcdir = getenv("srcdir");
	uint8_t header[4], bytes[2048];
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/lib/captures/wire/%s", srcdir ? srcdir : ".", name);
	f = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fread(header, sizeof(header), 1, f) == 1) {
		size_t len = (size_t)header[2] << 8 | header[3];

		CU_ASSERT_FATAL(len <= sizeof(bytes) && fread(bytes, 1, len, f) == len);
		if (header[0] == 1)
			engine_datagram(p->node[0].engine, p->now, 0, &p->node[1].addr, bytes, len);
	}
	fclose(f);
	engine_check(p->node[0].engine);
}

static void check_replayed(struct pair *p, uint64_t flows)
{
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_RECEIVED_FLOWS), flows);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BAD_HEADER), 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BAD_PAYLOAD), 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_IGNORED), 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LOST), 0);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BEFORE), 0);
	CU_ASSERT_FALSE(pair_status(p, 0).peers[0].is_ctsync);
}

static void recorded_notrack_is_taken(void)
{
	struct pair *p = pair_of(ENGINE_MODE_NOTRACK);

	replay(p, "notrack.bin");
	check_replayed(p, 136);
	pair_free(p);
}

static void recorded_alarm_is_taken(void)
{
	struct pair *p = pair_of(ENGINE_MODE_ALARM);

	replay(p, "alarm.bin");
	check_replayed(p, 104);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_RECEIVED_CONTROL), 0);
	pair_free(p);
}

/* ---- neither ---- */

static void without_links_nothing_is_sent(void)
{
	struct engine_config c = config_of(ENGINE_MODE_FTFW);
	struct pair *p;

	c.links = 0;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	put(p, 0, 0, 100);
	for (uint32_t i = 0; i < 50; i++)
		end(p, 0, i);
	end(p, 0, 4000);
	pair_command(p, 0, ENGINE_BULK, 1);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	pair_command(p, 0, ENGINE_PROMOTE, 2);
	pair_command(p, 0, ENGINE_DEMOTE, 3);
	pair_run(p, 10000);
	CU_ASSERT_EQUAL(p->sent[0], 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 50);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).control_queue, 0);
	pair_free(p);
}

static void ends_unheard_are_told_without_links(void)
{
	struct engine_config c = config_of(ENGINE_MODE_FTFW);
	bool told[100] = {false};
	struct pair *p;
	struct flow f;

	c.links = 0;
	c.tells_ended = true;
	p = pair_new(&c);
	put(p, 0, 0, 100);
	end(p, 0, 99);
	CU_ASSERT_FALSE(engine_next_ended(p->node[0].engine, &f));
	dump(p, 0, 0, 60);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 60);
	put(p, 0, 98, 1); /* alive again before its end was asked for */
	for (unsigned i = 0; i < 38; i++) {
		uint32_t n;

		CU_ASSERT_TRUE_FATAL(engine_next_ended(p->node[0].engine, &f));
		for (n = 60; n < 98; n++) {
			struct flow g = pair_flow(n);

			if (flow_has(&f, FLOW_ID) && f.id == g.id)
				break;
		}
		CU_ASSERT_TRUE_FATAL(n < 98 && !told[n]);
		told[n] = true;
		engine_check(p->node[0].engine);
	}
	CU_ASSERT_FALSE(engine_next_ended(p->node[0].engine, &f));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 61);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	pair_free(p);
}

static unsigned dumps_asked(struct pair *p, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->node[n].ops_count; i++)
		count += p->node[n].ops[i].kind == KERNEL_OP_DUMP;
	p->node[n].ops_count = 0;
	return count;
}

static void polling_looks_again_and_again(void)
{
	struct engine_config c = config_of(ENGINE_MODE_FTFW);
	struct pair *p;
	unsigned dumps;

	c.polling = true;
	c.poll_s = 2;
	p = pair_new(&c);
	pair_dump_empty(p, 1);
	for (unsigned round = 0; round < 5; round++) {
		dump(p, 0, round, 100);
		dumps_asked(p, 0);
		pair_run(p, 1500);
		CU_ASSERT_EQUAL(dumps_asked(p, 0), 0);
		CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
		CU_ASSERT_TRUE(knows(p, 1, round + 99));
		CU_ASSERT_FALSE(round && knows(p, 1, round - 1));
		pair_run(p, 700);
		dumps = dumps_asked(p, 0);
		CU_ASSERT_EQUAL(dumps, 1);
	}
	/* what has not changed is not said again */
	pair_run(p, 3000);
	CU_ASSERT(pair_counter(p, 0, COUNTER_SENT_FLOWS) < 300);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"NOTRACK says no HELLO and no ACK", notrack_says_no_hello_and_no_ack},
	{"NOTRACK says something each second", notrack_says_something_each_second},
	{"NOTRACK forgets a deletion when it is said", notrack_forgets_a_deletion_when_it_is_said},
	{"NOTRACK asks for the table where something is lost",
		notrack_asks_for_the_table_where_something_is_lost},
	{"NOTRACK sweeps nothing by a bulk with losses",
		notrack_sweeps_nothing_by_a_bulk_with_losses},
	{"NOTRACK asks more seldom while losses go on",
		notrack_asks_more_seldom_while_losses_go_on},
	{"NOTRACK takes nothing that comes late but a request",
		notrack_takes_nothing_that_comes_late_but_a_request},
	{"NOTRACK has no word for ACK and NACK", notrack_has_no_word_for_ack_and_nack},
	{"NOTRACK with conntrackd sweeps after a while",
		notrack_with_conntrackd_sweeps_after_a_while},
	{"NOTRACK asks a conntrackd that says nothing again",
		notrack_asks_a_conntrackd_that_says_nothing_again},
	{"NOTRACK does not take events for the table", notrack_does_not_take_events_for_the_table},
	{"NOTRACK notices a restart", notrack_notices_a_restart},
	{"NOTRACK merges an update", notrack_merges_an_update},
	{"ALARM says flows and nothing else", alarm_says_flows_and_nothing_else},
	{"ALARM says each flow again in time", alarm_says_each_flow_again_in_time},
	{"ALARM forgets what is not said again", alarm_forgets_what_is_not_said_again},
	{"ALARM says a deletion twice", alarm_says_a_deletion_twice},
	{"ALARM ignores what has flags", alarm_ignores_what_has_flags},
	{"ALARM is in step after a refresh", alarm_is_in_step_after_a_refresh},
	{"ALARM lets no older state follow", alarm_lets_no_older_state_follow},
	{"ALARM sends all at once when it is told to", alarm_sends_all_at_once_when_it_is_told_to},
	{"NOTRACK of conntrackd is taken", recorded_notrack_is_taken},
	{"ALARM of conntrackd is taken", recorded_alarm_is_taken},
	{"without links nothing is sent", without_links_nothing_is_sent},
	{"ends unheard are told without links", ends_unheard_are_told_without_links},
	{"polling looks again and again", polling_looks_again_and_again},
};

UNIT_MAIN("core_modes", tests)
