/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said again, and whole tables, where a peer's receive buffer holds little: here a node has
 * said all that it has to say before the other one reads, and what the buffer does not hold is
 * lost.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core_pair.h"
#include "unit.h"

enum { STANDING = 5000, CHURNED = 60000, SLOTS_MAX = 3000 };

struct buffer {
	uint8_t bytes[SLOTS_MAX][2048];
	size_t len[SLOTS_MAX];
	unsigned used, slots; /* slots: what it holds now */
	unsigned most; /* that was there at once */
};

struct buffered {
	struct pair *p;
	struct buffer in[PAIR_NODES]; /* what each is to read */
};

static void say_all(struct buffered *b, unsigned n)
{
	struct buffer *in = &b->in[!n];
	uint8_t buf[2048];
	unsigned link;
	size_t len;

	while ((len = engine_next_datagram(
			b->p->node[n].engine, b->p->now, buf, sizeof(buf), &link)) > 0) {
		if (in->used == in->slots)
			continue;
		memcpy(in->bytes[in->used], buf, len);
		in->len[in->used++] = len;
	}
	in->most = in->used > in->most ? in->used : in->most;
}

static void read_all(struct buffered *b, unsigned n)
{
	struct engine_addr from = pair_addr(b->p, !n, 0);
	struct buffer *in = &b->in[n];

	for (unsigned i = 0; i < in->used; i++)
		engine_datagram(
			b->p->node[n].engine, b->p->now, 0, &from, in->bytes[i], in->len[i]);
	in->used = 0;
}

static void turn(struct buffered *b)
{
	for (unsigned n = 0; n < PAIR_NODES; n++)
		say_all(b, n);
	for (unsigned n = 0; n < PAIR_NODES; n++)
		read_all(b, n);
	b->p->now = mono_add_ms(b->p->now, 1);
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		struct engine *e = b->p->node[n].engine;

		if (mono_reached(b->p->now, engine_deadline(e)))
			engine_tick(e, b->p->now);
		pair_pull_ops(b->p, n);
	}
}

static void turns(struct buffered *b, unsigned ms)
{
	while (ms-- > 0)
		turn(b);
	pair_forget(b->p);
}

static struct buffered *started(unsigned slots)
{
	struct buffered *b = (struct buffered *)calloc(1, sizeof(*b));
	struct engine_config config = pair_config();

	config.flows_max = 200000;
	config.resend_max = 131072;
	b->p = pair_new(&config);
	b->in[0].slots = b->in[1].slots = slots;
	pair_dump_empty(b->p, 0);
	pair_dump_empty(b->p, 1);
	turns(b, 3000);
	return b;
}

static void ended(struct buffered *b)
{
	pair_free(b->p);
	free(b);
}

/* Events as many as a buffer takes in the meantime. */
static void events(struct buffered *b, enum kernel_event kind, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		pair_event(b->p, 0, kind, &f);
		if (i % 100 == 99)
			turn(b);
	}
}

static bool in_step(const struct buffered *b)
{
	struct engine_status s = pair_status(b->p, 1);

	return s.peers[0].sync == ENGINE_SYNCED && pair_status(b->p, 0).tombstones == 0 &&
	       pair_status(b->p, 0).peers[0].sync == ENGINE_SYNCED;
}

/* The peer was away while much was born and ended; what is said again may overflow it as well. */
static void all_that_was_lost_gets_through(unsigned slots)
{
	struct buffered *b = started(slots);
	uint64_t lost, resent;
	unsigned looks = 0;

	events(b, KERNEL_EVENT_NEW, 0, STANDING);
	events(b, KERNEL_EVENT_NEW, STANDING, CHURNED);
	turns(b, 2000);
	CU_ASSERT_TRUE(in_step(b));
	b->in[1].slots = 0;
	events(b, KERNEL_EVENT_DESTROY, STANDING, CHURNED);
	b->in[1].slots = slots;
	lost = pair_counter(b->p, 1, COUNTER_LOST);
	resent = pair_counter(b->p, 0, COUNTER_RESENT);
	do
		turns(b, 100);
	while (!in_step(b) && ++looks < 200);
	lost = pair_counter(b->p, 1, COUNTER_LOST) - lost;
	resent = pair_counter(b->p, 0, COUNTER_RESENT) - resent;
	CU_ASSERT_TRUE(in_step(b));
	CU_ASSERT_EQUAL(pair_status(b->p, 1).remote_flows, STANDING);
	/* nor did it take many attempts */
	CU_ASSERT(resent >= CHURNED && resent < 3 * CHURNED);
	CU_ASSERT(lost < 3 * CHURNED);
	CU_ASSERT(pair_counter(b->p, 0, COUNTER_PACE_WAITS) > 0);
	ended(b);
}

/* What is lost narrows the window, what arrives widens it again; and events do not wait. */
static void the_window_follows_the_losses(void)
{
	struct buffered *b = started(48);
	uint64_t cuts;

	events(b, KERNEL_EVENT_NEW, 0, STANDING);
	turns(b, 1000);
	CU_ASSERT_TRUE(in_step(b));
	CU_ASSERT_EQUAL(pair_counter(b->p, 0, COUNTER_PACE_CUTS), 0);
	pair_command(b->p, 0, ENGINE_BULK, 1);
	turns(b, 1000);
	CU_ASSERT_TRUE(in_step(b));
	cuts = pair_counter(b->p, 0, COUNTER_PACE_CUTS);
	CU_ASSERT(cuts >= 2);
	/* what has been learned serves the next table */
	pair_command(b->p, 0, ENGINE_BULK, 2);
	turns(b, 1000);
	CU_ASSERT_TRUE(in_step(b));
	CU_ASSERT(pair_counter(b->p, 0, COUNTER_PACE_CUTS) - cuts <= 2);
	ended(b);
}

/* A buffer that holds more is made use of, but no more than is waited for. */
static void the_window_grows_while_it_is_full(void)
{
	struct buffered *b = started(SLOTS_MAX);
	uint64_t sent;
	unsigned first;

	events(b, KERNEL_EVENT_NEW, 0, CHURNED);
	turns(b, 2000);
	CU_ASSERT_TRUE(in_step(b));
	b->in[1].most = 0;
	sent = pair_counter(b->p, 0, COUNTER_SENT_FLOWS);
	pair_command(b->p, 0, ENGINE_BULK, 1);
	turn(b);
	sent = pair_counter(b->p, 0, COUNTER_SENT_FLOWS) - sent;
	CU_ASSERT(sent > LIMIT_PACE_WINDOW - 1000 && sent < LIMIT_PACE_WINDOW + 1000);
	CU_ASSERT_TRUE(engine_is_paced(b->p->node[0].engine));
	first = b->in[1].most;
	turns(b, 1000);
	CU_ASSERT_TRUE(in_step(b));
	CU_ASSERT_FALSE(engine_is_paced(b->p->node[0].engine));
	CU_ASSERT(b->in[1].most > 2 * first);
	CU_ASSERT(b->in[1].most <= first * (LIMIT_PACE_WINDOW_MAX / LIMIT_PACE_WINDOW) * 5 / 4);
	CU_ASSERT_EQUAL(pair_counter(b->p, 1, COUNTER_LOST), 0);
	ended(b);
}

/* The caller may want a datagram no longer than the one before: what does not fit comes next. */
static void less_room_is_no_loss(void)
{
	struct buffered *b = started(SLOTS_MAX);
	struct engine *e = b->p->node[0].engine;
	struct engine_addr from = pair_addr(b->p, 0, 0);
	uint8_t buf[2048];
	size_t len, room = sizeof(buf);
	unsigned link, empty = 0;

	for (uint32_t i = 0; i < STANDING; i++) {
		struct flow f = pair_flow(i);

		pair_event(b->p, 0, KERNEL_EVENT_NEW, &f);
	}
	while (empty < 2) {
		len = engine_next_datagram(e, b->p->now, buf, room, &link);
		CU_ASSERT(len <= room);
		empty = len ? 0 : empty + 1;
		if (len)
			engine_datagram(b->p->node[1].engine, b->p->now, 0, &from, buf, len);
		room = len > 50 ? len - 50 : sizeof(buf);
	}
	CU_ASSERT_EQUAL(pair_counter(b->p, 0, COUNTER_TOO_BIG), 0);
	CU_ASSERT_EQUAL(pair_counter(b->p, 1, COUNTER_LOST), 0);
	CU_ASSERT_EQUAL(pair_status(b->p, 1).remote_flows, STANDING);
	ended(b);
}

/* A table that began empty need not be looked at for what was not named; another is. */
static void a_fresh_table_is_complete_with_its_last_flow(void)
{
	struct buffered *b = started(SLOTS_MAX);
	unsigned last = 0;

	events(b, KERNEL_EVENT_NEW, 0, STANDING);
	events(b, KERNEL_EVENT_NEW, STANDING, 4 * LIMIT_SWEEP_SLICE);
	turns(b, 1000);
	pair_restart(b->p, 1, 1);
	pair_dump_empty(b->p, 1);
	while (pair_status(b->p, 1).remote_flows < STANDING + 4 * LIMIT_SWEEP_SLICE &&
		last++ < 5000)
		turn(b);
	turn(b);
	turn(b);
	CU_ASSERT_EQUAL(pair_status(b->p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_EQUAL(pair_counter(b->p, 1, COUNTER_REMOTE_SWEPT), 0);
	ended(b);
}

/* Nothing follows it by itself for a second. */
static void a_loss_at_the_end_is_noticed_soon(void)
{
	struct buffered *b = started(48);
	struct flow f = pair_flow(1);

	b->in[1].slots = 0;
	pair_event(b->p, 0, KERNEL_EVENT_NEW, &f);
	turn(b);
	b->in[1].slots = 48;
	turns(b, LIMIT_PROBE_MS / 2);
	CU_ASSERT_FALSE(pair_has(b->p, 1, ENGINE_TABLE_REMOTE, &f));
	turns(b, LIMIT_PROBE_MS);
	CU_ASSERT_TRUE(pair_has(b->p, 1, ENGINE_TABLE_REMOTE, &f));
	ended(b);
}

static void a_small_buffer(void)
{
	all_that_was_lost_gets_through(48);
}

static void a_very_small_buffer(void)
{
	all_that_was_lost_gets_through(10);
}

static const struct unit_test tests[] = {
	{"the window grows while it is full", the_window_grows_while_it_is_full},
	{"less room is no loss", less_room_is_no_loss},
	{"a fresh table is complete with its last flow",
		a_fresh_table_is_complete_with_its_last_flow},
	{"a loss at the end is noticed soon", a_loss_at_the_end_is_noticed_soon},
	{"the window follows the losses", the_window_follows_the_losses},
	{"a small buffer", a_small_buffer},
	{"a very small buffer", a_very_small_buffer},
};

UNIT_MAIN("core_pace", tests)
