/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_hand.h"
#include "unit.h"

static void hello_is_answered_by_the_very_next_message(void)
{
	struct hand h;
	struct wire_v1_message m;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO, 100);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_HELLO_BACK, &m));
	CU_ASSERT(m.flags & WIRE_V1_HELLO);
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 101);
	hand_wait_ms(&h, 1100);
	CU_ASSERT_FALSE(hand_heard(&h, WIRE_V1_HELLO, &m));
	pair_free(h.p);
}

static void a_restart_ahead_is_noticed_by_its_hello(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO, 100);
	hand_say_alive(&h, WIRE_V1_HELLO, 102); /* still the same process: a gap */
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 0);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 1);
	hand_say_alive(&h, 0, 103);
	hand_say_alive(&h, WIRE_V1_HELLO, 5000);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 1);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 1);
	pair_free(h.p);
}

static void a_restart_behind_is_noticed_in_time(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_alive(&h, 0, 5000);
	hand_say_alive(&h, WIRE_V1_HELLO, 100); /* could be a relic */
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 0);
	hand_wait_ms(&h, 1000);
	hand_say_alive(&h, 0, 5001); /* it was one */
	hand_wait_ms(&h, 1500);
	hand_say_alive(&h, WIRE_V1_HELLO, 101);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 0);
	hand_wait_ms(&h, 2000);
	hand_say_alive(&h, WIRE_V1_HELLO, 102);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 1);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 103, 1);
	CU_ASSERT_TRUE(hand_has(&h, 1));
	pair_free(h.p);
}

static void a_new_boot_id_is_a_restart_and_an_old_one_a_relic(void)
{
	struct hand h;

	hand_new(&h);
	hand_say_mark(&h, WIRE_V1_HELLO, 5000, WIRE_V1_MARK_HELLO, 1, 1, 0);
	hand_say_mark(&h, WIRE_V1_HELLO, 100, WIRE_V1_MARK_HELLO, 2, 2, 0);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 1);
	hand_say_mark(&h, WIRE_V1_HELLO, 5001, WIRE_V1_MARK_HELLO, 1, 1, 0);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 1);
	hand_say_flow(&h, WIRE_V1_CT_NEW, WIRE_V1_HELLO, 101, 1);
	CU_ASSERT_TRUE(hand_has(&h, 1));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_LOST), 0);
	pair_free(h.p);
}

/* conntrackd forgets a NACK that it has queued when it hears a HELLO. */
static void what_is_neither_acknowledged_nor_asked_for_is_said_again(void)
{
	struct wire_v1_message m;
	struct flow f = pair_flow(5);
	struct hand h;
	uint32_t lost;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 100);
	pair_event(h.p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	hand_ack(&h, 101, m.seq - 1, m.seq);
	pair_event(h.p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	lost = m.seq; /* its deletion */
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CT_DEL);
	hand_wait_ms(&h, 1000);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	hand_ack(&h, 102, lost + 1, m.seq);
	for (unsigned i = 0; i < 40 && !hand_count(&h, COUNTER_RESENT); i++) {
		hand_wait_ms(&h, 100);
		if (hand_heard(&h, 0, &m) && i % 5 == 0)
			hand_say_alive(&h, 0, 103 + i / 5);
	}
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESENT), 1);
	pair_free(h.p);
}

/* conntrackd acknowledges what it missed before a message with HELLO, and asks for none of it. */
static void what_was_said_with_hello_is_said_again_without(void)
{
	struct wire_v1_message m;
	struct flow f = pair_flow(5);
	struct hand h;
	uint32_t with_hello;

	hand_new(&h);
	hand_say_alive(&h, 0, 100);
	pair_event(h.p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	pair_event(h.p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CT_DEL);
	CU_ASSERT_TRUE(m.flags & WIRE_V1_HELLO);
	with_hello = m.seq;
	hand_ack(&h, 101, h.p->node[0].config.first_seq, with_hello); /* though it was lost */
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 1);
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 102);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESENT), 1);
	CU_ASSERT_FALSE(m.flags & WIRE_V1_HELLO);
	hand_ack(&h, 103, with_hello + 1, m.seq);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 0);
	pair_free(h.p);
}

/* conntrackd forgets what it has sent when it hears a HELLO, also one that crosses its answer. */
static void what_is_lost_while_a_hello_is_under_way_comes_with_the_table(void)
{
	struct wire_v1_message m;
	struct hand h;
	uint32_t last;
	uint64_t asked;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO, 100);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, WIRE_V1_HELLO, &m));
	hand_wait_ms(&h, 3000);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, WIRE_V1_HELLO, &m));
	last = m.seq;
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 101);
	hand_wait_ms(&h, 3000);
	hand_heard(&h, 0, &m);
	asked = hand_count(&h, COUNTER_RESYNCS_ASKED);
	hand_say_flow(&h, WIRE_V1_CT_NEW, 0, 105, 1); /* 102 to 104 are missing */
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, WIRE_V1_NACK, &m));
	hand_wait_ms(&h, 3000);
	hand_heard(&h, 0, &m);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESYNCS_ASKED), asked);
	hand_ack(&h, 106, last, last);
	hand_wait_ms(&h, 3000);
	CU_ASSERT_TRUE(hand_heard(&h, WIRE_V1_RESYNC, &m));
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESYNCS_ASKED), asked + 1);
	/* from here on a gap is repaired by what it sends again */
	hand_ack(&h, 110, last + 1, m.seq);
	hand_wait_ms(&h, 3000);
	hand_heard(&h, 0, &m);
	hand_ack(&h, 115, last + 1, m.seq);
	hand_wait_ms(&h, 3000);
	hand_heard(&h, 0, &m);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_RESYNCS_ASKED), asked + 1);
	pair_free(h.p);
}

/* True if the engine has said that a flow ended. */
static bool heard_an_end(struct hand *h)
{
	struct pair_node *node = &h->p->node[0];
	struct wire_v1_message m;
	uint8_t buf[2048];
	unsigned link;
	size_t len;
	bool found = false;

	while ((len = engine_next_datagram(node->engine, h->p->now, buf, sizeof(buf), &link)) > 0) {
		struct rbuf r = rbuf_of(buf, len);

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			found |= m.type == WIRE_V1_CT_DEL;
	}
	return found;
}

/*
 * A process that has just started hears what was said to the one before it: of a flow, but not of
 * its end, which was lost. Its first message comes behind both, and no table tells it of an end.
 */
static void what_ended_before_a_restart_was_noticed_is_said_again(void)
{
	struct wire_v1_message m;
	struct flow f = pair_flow(5);
	struct hand h;
	uint32_t named;

	hand_new(&h);
	hand_say_alive(&h, WIRE_V1_HELLO_BACK, 100);
	pair_event(h.p, 0, KERNEL_EVENT_NEW, &f);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	named = m.seq;
	pair_event(h.p, 0, KERNEL_EVENT_DESTROY, &f);
	CU_ASSERT_TRUE_FATAL(heard_an_end(&h));
	hand_say_alive(&h, WIRE_V1_HELLO, 5000);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_PEER_RESTARTS), 1);
	CU_ASSERT_FALSE(heard_an_end(&h));
	hand_ack(&h, 5001, named, named);
	CU_ASSERT_TRUE(heard_an_end(&h));
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 1);
	wire_v1_put_range(&h.w, WIRE_V1_NACK, 5002, named + 1, named + 1);
	hand_deliver(&h);
	hand_wait_ms(&h, 1000);
	CU_ASSERT_TRUE_FATAL(hand_heard(&h, 0, &m));
	hand_ack(&h, 5003, named + 2, m.seq);
	CU_ASSERT_EQUAL(pair_status(h.p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(hand_count(&h, COUNTER_TOMBSTONES_DROPPED), 0);
	pair_free(h.p);
}

static const struct unit_test tests[] = {
	{"HELLO is answered by the very next message", hello_is_answered_by_the_very_next_message},
	{"a restart ahead is noticed by its HELLO", a_restart_ahead_is_noticed_by_its_hello},
	{"a restart behind is noticed in time", a_restart_behind_is_noticed_in_time},
	{"a new boot id is a restart and an old one a relic",
		a_new_boot_id_is_a_restart_and_an_old_one_a_relic},
	{"what is neither acknowledged nor asked for is said again",
		what_is_neither_acknowledged_nor_asked_for_is_said_again},
	{"what was said with HELLO is said again without",
		what_was_said_with_hello_is_said_again_without},
	{"what is lost while a HELLO is under way comes with the table",
		what_is_lost_while_a_hello_is_under_way_comes_with_the_table},
	{"what ended before a restart was noticed is said again",
		what_ended_before_a_restart_was_noticed_is_said_again},
};

UNIT_MAIN("core_handshake", tests)
