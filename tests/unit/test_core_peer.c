/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core_hand.h"
#include "unit.h"

static void a_gap_is_counted_exactly_and_asked_for(void)
{
	struct hand h;
	struct wire_v1_message m;

	hand_new(&h);
	hand_say_alive(&h, 0, 100);
	hand_heard(&h, 0, &m);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 104, 1);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 3);
	CU_ASSERT_TRUE(hand_has(&h, 1)); /* it is taken at once */
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_NACK, &m));
	CU_ASSERT_EQUAL(m.from, 101);
	CU_ASSERT_EQUAL(m.to, 103);
	pair_free(h.p);
}

static void a_late_message_is_dropped(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 100, 1);
	hand_say_flow(&h, WIRE_V1_CT_DEL, 0, 101, 1);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 100, 1);
	CU_ASSERT_FALSE(hand_has(&h, 1));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BEFORE), 1);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 0);
	pair_free(h.p);
}

static void a_window_of_messages_is_acknowledged_at_once(void)
{
	struct hand h;
	struct wire_v1_message m;

	hand_new(&h);
	for (uint32_t i = 0; i < 299; i++)
		hand_say_alive(&h, 0, 100 + i);
	CU_ASSERT_FALSE(hand_heard(&h, WIRE_V1_ACK, &m));
	hand_say_alive(&h, 0, 399);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_ACK, &m));
	CU_ASSERT_EQUAL(m.from, 100);
	CU_ASSERT_EQUAL(m.to, 399);
	hand_say_alive(&h, 0, 400);
	CU_ASSERT_FALSE(hand_heard(&h, WIRE_V1_ACK, &m));
	hand_wait_ms(&h, 1100);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_ACK, &m));
	CU_ASSERT_EQUAL(m.to, 400);
	pair_free(h.p);
}

static void a_window_of_one_is_acknowledged_behind_a_gap(void)
{
	struct engine_config c = pair_config();
	struct wire_v1_message m;
	struct hand h;

	c.ack_window = 1;
	hand_with(&h, &c);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 100, 1);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_ACK, &m));
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 104, 2);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_NACK, &m));
	for (uint32_t seq = 105; seq < 110; seq++) {
		hand_say_flow(&h, WIRE_V1_CT_NEW, 0, seq, seq);
		CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_ACK, &m));
		CU_ASSERT_EQUAL(m.to, seq);
	}
	pair_free(h.p);
}

/* A ctsync peer, boot 1, that holds flows 0 to 9. */
static void ctsync_peer(struct hand *h)
{
	hand_new(h);
	hand_say_mark(h, WIRE_V1_HELLO, 1, WIRE_V1_MARK_HELLO, 1, 1, 0);
	hand_say_mark(h, 0, 2, WIRE_V1_MARK_BULK_BEGIN, 1, 1, 10);
	for (uint32_t n = 0; n < 10; n++)
		hand_say_flow(h, WIRE_V1_CT_NEW, 0, 3 + n, n);
	hand_say_mark(h, 0, 13, WIRE_V1_MARK_BULK_END, 1, 1, 10);
}

static void a_bulk_sweeps_what_it_does_not_name(void)
{
	struct hand h;

	ctsync_peer(&h);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	CU_ASSERT_PTR_NOT_NULL(pair_told(h.p, 0, ENGINE_EVENT_PEER_SYNCED));
	hand_say_mark(&h, 0, 14, WIRE_V1_MARK_BULK_BEGIN, 1, 2, 2);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 15, 3);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 16, 4);
	hand_say_mark(&h, 0, 17, WIRE_V1_MARK_BULK_END, 1, 2, 2);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 2);
	CU_ASSERT_TRUE(hand_has(&h, 3) && hand_has(&h, 4));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_REMOTE_SWEPT), 8);
	pair_free(h.p);
}

static void a_bulk_with_a_gap_waits_for_the_repair(void)
{
	struct hand h;
	struct wire_v1_message nack;

	ctsync_peer(&h);
	hand_heard(&h, 0, &nack);
	hand_say_mark(&h, 0, 14, WIRE_V1_MARK_BULK_BEGIN, 1, 2, 2);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 16, 4); /* 15, flow 3, is lost */
	hand_say_mark(&h, 0, 17, WIRE_V1_MARK_BULK_END, 1, 2, 2);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_NACK, &nack));
	wire_v1_put_range(&h.w, WIRE_V1_ACK, 18, nack.seq, nack.seq);
	hand_deliver(&h);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 19, 3);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	hand_say_mark(&h, 0, 20, WIRE_V1_MARK_BULK_END, 1, 2, 2);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 2);
	CU_ASSERT_TRUE(hand_has(&h, 3) && hand_has(&h, 4));
	pair_free(h.p);
}

static void an_end_without_its_begin_sweeps_nothing(void)
{
	struct hand h;

	ctsync_peer(&h);
	hand_say_mark(&h, 0, 15, WIRE_V1_MARK_BULK_END, 1, 2, 0); /* 14 was the begin */
	hand_say_mark(&h, 0, 16, WIRE_V1_MARK_BULK_END, 1, 1, 0); /* an old one once more */
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	pair_free(h.p);
}

/* The peer has lost its kernel's table: ours may be the last copy. */
static void an_empty_bulk_after_a_restart_keeps_flows_until_they_expire(void)
{
	struct hand h;

	ctsync_peer(&h);
	hand_say_mark(&h, WIRE_V1_HELLO, 900, WIRE_V1_MARK_HELLO, 2, 2, 0);
	hand_say_mark(&h, 0, 901, WIRE_V1_MARK_BULK_BEGIN, 2, 1, 0);
	hand_say_mark(&h, 0, 902, WIRE_V1_MARK_BULK_END, 2, 1, 0);
	hand_wait_ms(&h, 2000);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	h.p->now = mono_add_sec(h.p->now, pair_flow(0).timeout + 1);
	hand_wait_ms(&h, 2000);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 0);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_REMOTE_EXPIRED), 10);
	pair_free(h.p);
}

static void an_old_peer_is_swept_in_time(void)
{
	struct hand h;

	hand_new(&h);
	for (uint32_t n = 0; n < 10; n++)
		hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 1 + n, n);
	hand_say_flow(&h, WIRE_V1_CT_NEW, WIRE_V1_HELLO, 900, 3); /* restarted */
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	hand_wait_ms(&h, 35000);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 1);
	CU_ASSERT_TRUE(hand_has(&h, 3));
	pair_free(h.p);
}

/* What it sends on request before its purge is said by nobody to have ended. */
static void a_demotion_makes_an_old_peer_name_its_flows_again(void)
{
	struct wire_v1_message m;
	struct hand h;

	hand_new(&h);
	for (uint32_t n = 0; n < 10; n++)
		hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 1 + n, n);
	pair_command(h.p, 0, ENGINE_DEMOTE, 1);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 11, 3);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 10);
	hand_wait_ms(&h, LIMIT_SWEEP_MS + 1000);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_REMOTE_SWEPT), 9);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 1);
	CU_ASSERT_TRUE(hand_has(&h, 3));
	/* one that names nothing is swept of nothing: what is here may be the last copy */
	pair_command(h.p, 0, ENGINE_DEMOTE, 2);
	hand_say_alive(&h, 0, 12);
	hand_wait_ms(&h, LIMIT_SWEEP_MS + 1000);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_REMOTE_SWEPT), 9);
	pair_free(h.p);
}

/* An answer to a second request may come when the peer has stepped down, and is about to purge. */
static void a_demotion_asks_for_what_was_to_be_asked_for(void)
{
	struct wire_v1_message m;
	struct hand h;

	hand_new(&h);
	hand_say_alive(&h, 0, 100); /* a new peer: it is to be asked in a moment */
	hand_heard(&h, 0, &m);
	pair_command(h.p, 0, ENGINE_DEMOTE, 1);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESYNCS_ASKED), 2); /* the first by the start */
	hand_wait_ms(&h, LIMIT_RESYNC_INTERVAL_MS + 1000);
	CU_ASSERT_FALSE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESYNCS_ASKED), 2);
	/* a silent one does not hear it, so that it is asked when it is back */
	hand_wait_ms(&h, LIMIT_PEER_SILENCE_MS);
	pair_command(h.p, 0, ENGINE_DEMOTE, 2);
	hand_heard(&h, 0, &m);
	hand_wait_ms(&h, LIMIT_RESYNC_INTERVAL_MS);
	CU_ASSERT_FALSE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	hand_say_alive(&h, 0, 101);
	hand_wait_ms(&h, 100);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	pair_free(h.p);
}

static void a_wild_number_does_not_make_deaf(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_alive(&h, 0, 100);
	hand_say_alive(&h, 0, 60000);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 101, 1);
	CU_ASSERT_FALSE(hand_has(&h, 1));
	hand_wait_ms(&h, 2100);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 102, 1);
	CU_ASSERT_TRUE(hand_has(&h, 1));
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 103, 2);
	CU_ASSERT_TRUE(hand_has(&h, 2));
	pair_free(h.p);
}

static void malformed_datagrams_change_nothing(void)
{
	struct hand h;
	uint8_t bad[] = {0x10, 0x00, 0x00, 0x0c, 0, 0, 0, 101, 0x00, 0x09, 0x00, 0x02};

	hand_new(&h);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 100, 1);
	for (size_t len = 1; len < sizeof(bad); len++) {
		memcpy(h.buf, bad, len);
		h.w.used = len;
		hand_deliver(&h);
	}
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_TRUNCATED), 7);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_SIZE), 4);
	memcpy(h.buf, bad, sizeof(bad));
	h.buf[0] = 0x20;
	h.w.used = sizeof(bad);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_VERSION), 1);
	memcpy(h.buf, bad, sizeof(bad));
	h.buf[0] = 0x1f;
	h.w.used = sizeof(bad);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_HEADER), 1);
	/* a bad attribute: the number counts, the content does not */
	memcpy(h.buf, bad, sizeof(bad));
	h.w.used = sizeof(bad);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_PAYLOAD), 1);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, 1);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 102, 2);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 0);
	/* ranges that nobody can mean */
	wire_v1_put_range(&h.w, WIRE_V1_ACK, 103, 0x10000000, 0x20000000);
	wire_v1_put_range(&h.w, WIRE_V1_NACK, 104, 0x10000000, 0x20000000);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BAD_HEADER), 3);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESENT), 0);
	pair_free(h.p);
}

static void garbage_makes_no_peer(void)
{
	struct hand h;

	hand_new(&h);
	memset(h.buf, 0xff, 100);
	h.w.used = 100;
	hand_deliver(&h);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).peers_count, 0);
	pair_free(h.p);
}

static void too_many_peers_are_refused(void)
{
	struct hand h;

	hand_new(&h);
	for (unsigned i = 0; i < LIMIT_PEERS + 5; i++) {
		h.addr.bytes[15] = (uint8_t)(100 + i);
		hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 100, i);
	}
	CU_ASSERT_EQUAL(pair_status(h.p, 0).peers_count, LIMIT_PEERS);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).remote_flows, LIMIT_PEERS);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEERS_REFUSED), 5);
	CU_ASSERT_PTR_NOT_NULL(pair_told(h.p, 0, ENGINE_EVENT_PEER_REFUSED));
	pair_free(h.p);
}

static void a_peer_is_lost_and_comes_back(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_alive(&h, 0, 100);
	hand_wait_ms(&h, 4900);
	CU_ASSERT_PTR_NULL(pair_told(h.p, 0, ENGINE_EVENT_PEER_LOST));
	hand_wait_ms(&h, 200);
	CU_ASSERT_PTR_NOT_NULL(pair_told(h.p, 0, ENGINE_EVENT_PEER_LOST));
	CU_ASSERT_EQUAL(pair_status(h.p, 0).peers[0].sync, ENGINE_SYNC_SILENT);
	hand_say_alive(&h, 0, 101);
	CU_ASSERT_PTR_NOT_NULL(pair_told(h.p, 0, ENGINE_EVENT_PEER_BACK));
	pair_free(h.p);
}

static void a_nack_brings_the_present_state(void)
{
	struct hand h;
	struct flow f = pair_flow(1);
	struct wire_v1_message m, nacked;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 100);
	hand_heard(&h, 0, &m);
	pair_event(h.p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_TRUE(hand_heard(&h, 0, &nacked));
	CU_ASSERT_EQUAL(nacked.type, WIRE_V1_CT_NEW);
	pair_event(h.p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE(hand_heard(&h, 0, &m));
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CT_DEL);
	/* the first message is superseded; the second one is said again, once, under a new number
	 */
	wire_v1_put_range(&h.w, WIRE_V1_NACK, 101, nacked.seq, nacked.seq);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESENT), 0);
	nacked = m;
	for (uint32_t i = 0; i < 2; i++) {
		wire_v1_put_range(&h.w, WIRE_V1_NACK, 102 + i, nacked.seq, nacked.seq);
		hand_deliver(&h);
	}
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESENT), 1);
	CU_ASSERT_TRUE(hand_heard(&h, 0, &m));
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CT_DEL);
	CU_ASSERT_EQUAL(m.seq, nacked.seq + 1);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 1);
	wire_v1_put_range(&h.w, WIRE_V1_ACK, 104, 1000, m.seq);
	hand_deliver(&h);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 0);
	pair_free(h.p);
}

static void bulks_on_request_are_limited_but_not_forgotten(void)
{
	struct hand h;
	uint64_t sent;
	struct wire_v1_message m;

	hand_new(&h);
	hand_say_alive(&h, 0, 100);
	hand_heard(&h, 0, &m);
	sent = hand_count(&h, COUNTER_BULKS_SENT);
	CU_ASSERT_EQUAL(sent, 1); /* a new peer gets one unasked */
	for (uint32_t i = 0; i < 10; i++) {
		wire_v1_put_range(&h.w, WIRE_V1_RESYNC, 101 + i, 0, 0);
		hand_deliver(&h);
		hand_heard(&h, 0, &m);
	}
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BULKS_SENT), sent);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BULKS_LIMITED), 1);
	hand_wait_ms(&h, 2100);
	hand_heard(&h, 0, &m);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_BULKS_SENT), sent + 1);
	pair_free(h.p);
}

static const struct unit_test tests[] = {
	{"a gap is counted exactly and asked for", a_gap_is_counted_exactly_and_asked_for},
	{"a late message is dropped", a_late_message_is_dropped},
	{"a window of messages is acknowledged at once",
		a_window_of_messages_is_acknowledged_at_once},
	{"a window of one is acknowledged behind a gap",
		a_window_of_one_is_acknowledged_behind_a_gap},
	{"a bulk sweeps what it does not name", a_bulk_sweeps_what_it_does_not_name},
	{"a bulk with a gap waits for the repair", a_bulk_with_a_gap_waits_for_the_repair},
	{"an end without its begin sweeps nothing", an_end_without_its_begin_sweeps_nothing},
	{"an empty bulk after a restart keeps flows until they expire",
		an_empty_bulk_after_a_restart_keeps_flows_until_they_expire},
	{"an old peer is swept in time", an_old_peer_is_swept_in_time},
	{"a demotion makes an old peer name its flows again",
		a_demotion_makes_an_old_peer_name_its_flows_again},
	{"a demotion asks for what was to be asked for",
		a_demotion_asks_for_what_was_to_be_asked_for},
	{"a wild number does not make deaf", a_wild_number_does_not_make_deaf},
	{"malformed datagrams change nothing", malformed_datagrams_change_nothing},
	{"garbage makes no peer", garbage_makes_no_peer},
	{"too many peers are refused", too_many_peers_are_refused},
	{"a peer is lost and comes back", a_peer_is_lost_and_comes_back},
	{"a NACK brings the present state", a_nack_brings_the_present_state},
	{"bulks on request are limited but not forgotten",
		bulks_on_request_are_limited_but_not_forgotten},
};

UNIT_MAIN("core_peer", tests)
