/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

/* Which link is used, and who speaks on it. */

enum { FOLLOW_MS_MAX = LIMIT_FOLLOW_MS + LIMIT_FOLLOW_SPREAD_MS + 200 };

static struct pair *with_links(unsigned links)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.links = links;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 5000);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	pair_forget(p);
	return p;
}

static void down(struct pair *p, unsigned n, unsigned link)
{
	engine_link(p->node[n].engine, p->now, link, false);
	p->cut[n][link] = p->cut[!n][link] = true;
}

static void up(struct pair *p, unsigned n, unsigned link)
{
	engine_link(p->node[n].engine, p->now, link, true);
	p->cut[n][link] = p->cut[!n][link] = false;
}

static unsigned current(const struct pair *p, unsigned n)
{
	return pair_status(p, n).link;
}

static void the_default_link_comes_first(void)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.links = 3;
	c.link_default = 2;
	p = pair_new(&c);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(p->link[0], 2);
	CU_ASSERT_EQUAL(p->link[1], 2);
	CU_ASSERT_EQUAL(current(p, 0), 2);
	CU_ASSERT_PTR_NULL(pair_told(p, 0, ENGINE_EVENT_LINK));
	pair_free(p);
}

static void the_first_usable_one_takes_a_failed_ones_place(void)
{
	struct pair *p = with_links(3);

	engine_link(p->node[0].engine, p->now, 1, false);
	CU_ASSERT_EQUAL(current(p, 0), 0);
	CU_ASSERT_PTR_NULL(pair_told(p, 0, ENGINE_EVENT_LINK));
	down(p, 0, 0);
	CU_ASSERT_EQUAL(current(p, 0), 2);
	CU_ASSERT_EQUAL(pair_told(p, 0, ENGINE_EVENT_LINK)->link, 2);
	pair_run(p, 100);
	CU_ASSERT_EQUAL(p->link[0], 2);
	CU_ASSERT_EQUAL(current(p, 1), 2); /* it follows */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_LINK_FOLLOWED), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LINK_CHANGES), 1);
	up(p, 0, 0);
	engine_link(p->node[0].engine, p->now, 1, true);
	pair_run(p, 5000);
	CU_ASSERT_EQUAL(current(p, 0), 2); /* and nobody goes back */
	CU_ASSERT_EQUAL(current(p, 1), 2);
	pair_free(p);
}

static void who_speaks_on_a_new_link_is_known(void)
{
	struct pair *p = with_links(2);
	struct flow f = pair_flow(1);
	struct engine_status s;

	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 100);
	down(p, 0, 0);
	f.mark = 77;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_run(p, 3000);
	s = pair_status(p, 1);
	CU_ASSERT_EQUAL(s.peers_count, 1);
	CU_ASSERT_EQUAL(s.peers[0].link, 1);
	CU_ASSERT_EQUAL(s.peers[0].addr.bytes[14], 1);
	CU_ASSERT_EQUAL(s.peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(s.remote_flows, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_PEER_RESTARTS), 0);
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_ADDR_GUESSES), 0); /* the boot id said so */
	pair_free(p);
}

static void while_there_is_no_link_changes_coalesce(void)
{
	struct pair *p = with_links(2);
	unsigned sent, link;
	uint8_t buf[2048];

	down(p, 0, 1);
	down(p, 0, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_NO_LINK));
	CU_ASSERT_FALSE(pair_status(p, 0).link_usable);
	CU_ASSERT_FALSE(engine_current_link(p->node[0].engine, &link));
	sent = p->sent[0];
	for (uint32_t i = 0; i < 50; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
		pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	}
	pair_run(p, 8000);
	CU_ASSERT_EQUAL(p->sent[0], sent);
	CU_ASSERT_EQUAL(engine_next_datagram(p->node[0].engine, p->now, buf, 2048, &link), 0);
	pair_forget(p);
	up(p, 0, 1);
	CU_ASSERT_EQUAL(pair_told(p, 0, ENGINE_EVENT_LINK)->link, 1);
	pair_run(p, 8000);
	CU_ASSERT_EQUAL(current(p, 1), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers_count, 1);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void the_only_link_comes_back(void)
{
	struct pair *p = with_links(1);

	down(p, 0, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_NO_LINK));
	engine_link(p->node[0].engine, p->now, 0, false); /* said twice */
	pair_forget(p);
	up(p, 0, 0);
	CU_ASSERT_EQUAL(pair_told(p, 0, ENGINE_EVENT_LINK)->link, 0);
	pair_free(p);
}

/* They cross on the way: each goes where the other was. */
static void two_that_change_places_meet(void)
{
	struct pair *p = with_links(2);
	unsigned follows;

	p->node[0].config.boot_id = 0;
	engine_link(p->node[0].engine, p->now, 0, false);
	engine_link(p->node[0].engine, p->now, 0, true);
	pair_run(p, FOLLOW_MS_MAX);
	CU_ASSERT_EQUAL(current(p, 0), current(p, 1));
	follows = (unsigned)(pair_counter(p, 0, COUNTER_LINK_FOLLOWED) +
			     pair_counter(p, 1, COUNTER_LINK_FOLLOWED));
	pair_run(p, 20000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LINK_FOLLOWED) +
				pair_counter(p, 1, COUNTER_LINK_FOLLOWED),
		follows);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void an_unusable_link_is_not_followed(void)
{
	struct pair *p = with_links(2);

	engine_link(p->node[1].engine, p->now, 1, false);
	engine_link(p->node[0].engine, p->now, 0, false);
	pair_run(p, 3000);
	CU_ASSERT_EQUAL(current(p, 0), 1);
	CU_ASSERT_EQUAL(current(p, 1), 0);
	pair_free(p);
}

/* Nobody asks again there; a table that is said again repairs what was under way. */
static void without_acknowledgements_the_table_is_said_again(void)
{
	struct engine_config c = pair_config();
	struct flow f = pair_flow(1);
	struct pair *p;

	c.links = 2;
	c.mode = ENGINE_MODE_NOTRACK;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 5000);
	p->cut[0][0] = true;
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 100);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), 1);
	down(p, 0, 0);
	pair_run(p, 100);
	CU_ASSERT_TRUE(pair_has(p, 1, ENGINE_TABLE_REMOTE, &f));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_RESYNCS_RECEIVED), 1); /* at the start */
	pair_free(p);
}

/* ---- addresses ---- */

static void hear(struct pair *p, unsigned link, uint8_t who, const struct wbuf *w)
{
	struct engine_addr from = {.bytes = {[13] = who, [14] = (uint8_t)link, [15] = 9}};

	engine_datagram(p->node[0].engine, p->now, link, &from, w->start, w->used);
	engine_check(p->node[0].engine);
}

static void hear_flow(struct pair *p, unsigned link, uint8_t who, uint32_t seq, uint32_t flow)
{
	uint8_t bytes[512];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct wire_v1_options options = {0};
	struct flow f = pair_flow(flow);

	wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, seq, &f, &options);
	hear(p, link, who, &w);
}

static void hear_alive(struct pair *p, unsigned link, uint8_t who, uint32_t seq)
{
	uint8_t bytes[64];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));

	wire_v1_put_alive(&w, WIRE_V1_ALIVE, seq);
	hear(p, link, who, &w);
}

static void hear_mark(struct pair *p, unsigned link, uint8_t who, uint32_t seq, uint32_t boot_id)
{
	const struct wire_v1_mark mark = {WIRE_V1_MARK_HELLO, boot_id, boot_id, 0};
	uint8_t bytes[64];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));

	wire_v1_put_mark(&w, WIRE_V1_ALIVE, seq, &mark);
	hear(p, link, who, &w);
}

/* Node 0 alone; the test is its peers. */
static struct pair *alone(bool one_peer)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.links = 2;
	c.one_peer = one_peer;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	return p;
}

static void a_sequence_that_goes_on_is_the_same_peer(void)
{
	struct pair *p = alone(false);

	hear_flow(p, 0, 1, 5000, 1);
	hear_flow(p, 0, 2, 5100, 1);
	hear_flow(p, 1, 1, 5001, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].flows, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].link, 1);
	hear_flow(p, 1, 2, 5105, 2); /* the nearest without an address there */
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[1].flows, 2);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_ADDR_GUESSES), 2);
	hear_flow(p, 1, 3, 5106, 3); /* nobody is left that it could be */
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 3);
	pair_free(p);
}

static void numbers_far_off_are_another_peer(void)
{
	struct pair *p = alone(false);

	hear_flow(p, 0, 1, 5000, 1);
	hear_flow(p, 1, 1, 5000, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	hear_flow(p, 1, 2, 5001 + LIMIT_GAP_MAX, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 3);
	pair_free(p);
}

static void a_boot_id_is_known_on_every_link(void)
{
	struct pair *p = alone(false);

	hear_mark(p, 0, 1, 5000, 71);
	hear_mark(p, 0, 2, 900000, 72);
	hear_mark(p, 1, 2, 900001, 72);
	hear_mark(p, 1, 1, 5001, 71);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].link, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[1].link, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	hear_mark(p, 1, 3, 5002, 73); /* one that is new here */
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 3);
	pair_free(p);
}

static void a_wrong_guess_is_taken_back_by_a_mark(void)
{
	struct pair *p = alone(false);
	struct engine_status s;

	hear_mark(p, 0, 1, 5000, 71);
	hear_flow(p, 0, 1, 5001, 1);
	hear_flow(p, 1, 2, 5050, 2); /* another node, just started */
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	hear_mark(p, 1, 2, 5051, 72);
	hear_flow(p, 1, 2, 5052, 2);
	s = pair_status(p, 0);
	CU_ASSERT_EQUAL(s.peers_count, 2);
	CU_ASSERT_EQUAL(s.peers[1].flows, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_ADDR_GUESSES_WRONG), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	hear_flow(p, 0, 1, 5002, 3); /* the first one goes on where it was */
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_BEFORE), 0);
	hear_mark(p, 1, 1, 5003, 71); /* and has its own address there, later */
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].link, 1);
	pair_free(p);
}

/* Neither says who it is; one is always behind the other. */
static void two_processes_under_one_name_are_parted(void)
{
	struct pair *p = alone(false);

	hear_flow(p, 0, 1, 5000, 1);
	hear_flow(p, 1, 2, 5050, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	for (uint32_t i = 1; i < 100; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
		hear_flow(p, 0, 1, 5000 + i, i);
		hear_flow(p, 1, 2, 5050 + i, i);
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_ADDR_GUESSES_WRONG), 1);
	CU_ASSERT(pair_status(p, 0).peers[0].flows > 50);
	CU_ASSERT(pair_status(p, 0).peers[1].flows > 30);
	pair_free(p);
}

/* What was on its way when the peer moved. */
static void late_messages_of_the_other_link_part_nobody(void)
{
	struct pair *p = alone(false);

	hear_alive(p, 0, 1, 5000);
	hear_alive(p, 1, 1, 5002);
	hear_alive(p, 0, 1, 5001);
	for (unsigned i = 0; i < 10; i++) {
		p->now = mono_add_ms(p->now, 5000);
		hear_alive(p, 0, 1, 5001);
		hear_alive(p, 1, 1, 5003 + i);
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_ADDR_GUESSES_WRONG), 0);
	pair_free(p);
}

static void a_restarted_peer_keeps_its_addresses(void)
{
	struct pair *p = alone(false);

	hear_mark(p, 0, 1, 5000, 71);
	hear_mark(p, 1, 1, 5001, 71);
	hear_mark(p, 1, 1, 9000, 72);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 1);
	hear_mark(p, 0, 1, 9001, 72);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	pair_free(p);
}

/* It restarted and spoke first where nobody had heard it before: its former life ends. */
static void a_restart_on_a_new_link_is_found_out(void)
{
	struct pair *p = alone(false);

	hear_mark(p, 0, 1, 5000, 71);
	hear_flow(p, 0, 1, 5001, 1);
	hear_mark(p, 1, 1, 9000, 72);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	hear_mark(p, 0, 1, 9001, 72);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].sync, ENGINE_SYNC_SILENT);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[1].link, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].flows, 1);
	const struct wire_v1_mark marks[] = {
		{WIRE_V1_MARK_BULK_BEGIN, 72, 1, 0}, {WIRE_V1_MARK_BULK_END, 72, 1, 0}};
	uint8_t bytes[128];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));

	wire_v1_put_mark(&w, WIRE_V1_ALIVE, 9002, &marks[0]);
	wire_v1_put_mark(&w, WIRE_V1_ALIVE, 9003, &marks[1]);
	hear(p, 0, 1, &w);
	for (unsigned i = 0; i < 10; i++) {
		p->now = mono_add_ms(p->now, 100);
		engine_tick(p->node[0].engine, p->now);
	}
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].flows, 0);
	pair_free(p);
}

/* The mark by which it had said who it is was lost, and so was much behind it. */
static void a_peer_taken_for_a_new_one_is_recognised_later(void)
{
	struct pair *p = alone(false);

	hear_mark(p, 0, 1, 5000, 71);
	hear_flow(p, 0, 1, 5001, 1);
	hear_flow(p, 1, 1, 5002 + LIMIT_GUESS_MAX, 2);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 2);
	hear_mark(p, 1, 1, 5003 + LIMIT_GUESS_MAX, 71);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].link, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[1].sync, ENGINE_SYNC_SILENT);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_PEER_RESTARTS), 0);
	pair_free(p);
}

static void with_one_peer_everybody_is_it(void)
{
	struct pair *p = alone(true);

	hear_flow(p, 0, 1, 5000, 1);
	hear_flow(p, 1, 7, 800000, 2);
	hear_mark(p, 1, 7, 800001, 99);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers_count, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).peers[0].link, 1);
	pair_free(p);
}

/* Nobody acknowledges in this mode, and a peer of old asks for nothing. */
static void notrack_says_its_table_on_the_next_link(void)
{
	struct engine_config c = pair_config();
	uint64_t sent;
	struct pair *p;

	c.links = 2;
	c.mode = ENGINE_MODE_NOTRACK;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	for (uint32_t i = 0; i < 20; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	pair_run(p, 5000);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	down(p, 0, 0);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(current(p, 0), 1);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent + 20);
	/* and so it is when the only one that is left breaks and comes back */
	down(p, 0, 1);
	pair_run(p, 1000);
	up(p, 0, 1);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent + 40);
	pair_free(p);
}

/* Whoever can speak on two links can have us change between them; that must not cost a table each.
 */
static void links_that_take_turns_make_no_table_after_table(void)
{
	struct engine_config c = pair_config();
	struct flow f = pair_flow(0);
	uint64_t bulks;
	struct pair *p;

	c.links = 2;
	c.mode = ENGINE_MODE_NOTRACK;
	p = pair_new(&c);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_run(p, 5000);
	bulks = pair_counter(p, 0, COUNTER_BULKS_SENT);
	for (unsigned i = 0; i < 25; i++) {
		engine_link(p->node[0].engine, p->now, i % 2, false);
		pair_run(p, 100);
		engine_link(p->node[0].engine, p->now, i % 2, true);
		pair_run(p, 100);
	}
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_LOST), 0);
	CU_ASSERT_EQUAL(
		pair_counter(p, 0, COUNTER_BULKS_SENT), bulks + 1 + 5000 / LIMIT_BULK_INTERVAL_MS);
	pair_run(p, 2 * LIMIT_BULK_INTERVAL_MS);
	/* the one that was put off, and no other */
	CU_ASSERT_EQUAL(
		pair_counter(p, 0, COUNTER_BULKS_SENT), bulks + 2 + 5000 / LIMIT_BULK_INTERVAL_MS);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"links that take turns make no table after table",
		links_that_take_turns_make_no_table_after_table},
	{"the default link comes first", the_default_link_comes_first},
	{"the first usable one takes a failed one's place",
		the_first_usable_one_takes_a_failed_ones_place},
	{"who speaks on a new link is known", who_speaks_on_a_new_link_is_known},
	{"while there is no link changes coalesce", while_there_is_no_link_changes_coalesce},
	{"the only link comes back", the_only_link_comes_back},
	{"two that change places meet", two_that_change_places_meet},
	{"an unusable link is not followed", an_unusable_link_is_not_followed},
	{"without acknowledgements the table is said again",
		without_acknowledgements_the_table_is_said_again},
	{"a sequence that goes on is the same peer", a_sequence_that_goes_on_is_the_same_peer},
	{"numbers far off are another peer", numbers_far_off_are_another_peer},
	{"a boot id is known on every link", a_boot_id_is_known_on_every_link},
	{"a wrong guess is taken back by a mark", a_wrong_guess_is_taken_back_by_a_mark},
	{"two processes under one name are parted", two_processes_under_one_name_are_parted},
	{"late messages of the other link part nobody",
		late_messages_of_the_other_link_part_nobody},
	{"a restarted peer keeps its addresses", a_restarted_peer_keeps_its_addresses},
	{"a restart on a new link is found out", a_restart_on_a_new_link_is_found_out},
	{"a peer taken for a new one is recognised later",
		a_peer_taken_for_a_new_one_is_recognised_later},
	{"with one peer everybody is it", with_one_peer_everybody_is_it},
	{"NOTRACK says its table on the next link", notrack_says_its_table_on_the_next_link},
};

UNIT_MAIN("core_link", tests)
