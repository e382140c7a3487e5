/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sender.h"

#include <string.h>

#include "base/check.h"
#include "core/ack.h"
#include "core/bulk.h"
#include "core/expect.h"
#include "core/link.h"
#include "core/local.h"
#include "core/pace.h"
#include "core/queue.h"
#include "core/refresh.h"
#include "core/relay.h"
#include "core/repair.h"

void sender_init(struct engine *e)
{
	struct sender *s = &e->sender;

	s->first_seq = s->next_seq = e->config.first_seq;
	s->said_seq = s->first_seq - 1;
	s->alive_at = e->now;
	s->hello_done = !engine_acknowledges(e);
	if (!engine_has_control(e))
		return;
	/* the first that anybody hears of us: who we are, and that we want to know */
	sender_control(e, CONTROL_MARK_HELLO, NULL, 0, 0);
	sender_control(e, CONTROL_RESYNC, NULL, 0, 0);
	engine_count(e, COUNTER_RESYNCS_ASKED);
}

bool sender_control(
	struct engine *e, enum control_kind kind, const struct peer *p, uint32_t a, uint32_t b)
{
	struct sender *s = &e->sender;
	struct control *c;

	if (!engine_has_control(e))
		return true;
	if (s->queue_count == LIMIT_CONTROL_QUEUE) {
		engine_count(e, COUNTER_CONTROL_FULL);
		return false;
	}
	c = &s->queue[(s->queue_head + s->queue_count++) % LIMIT_CONTROL_QUEUE];
	memset(c, 0, sizeof(*c));
	c->kind = (uint8_t)kind;
	c->peer = p ? (uint8_t)(p - e->peers) : 0;
	c->a = a;
	c->b = b;
	return true;
}

void sender_control_first(struct engine *e, enum control_kind kind)
{
	struct sender *s = &e->sender;

	if (s->queue_count == LIMIT_CONTROL_QUEUE) {
		engine_count(e, COUNTER_CONTROL_FULL);
		return;
	}
	s->queue_head = (s->queue_head + LIMIT_CONTROL_QUEUE - 1) % LIMIT_CONTROL_QUEUE;
	s->queue_count++;
	s->queue[s->queue_head] = (struct control){.kind = (uint8_t)kind};
}

bool sender_nack(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	if (!sender_control(e, CONTROL_NACK, p, from, to))
		return false;
	engine_count(e, COUNTER_NACKS_SENT);
	p->nack_wait = p->bulk_nack = true;
	p->nacks_queued++;
	p->nack_at = e->now;
	return true;
}

static void forget_in(struct control *c, const struct engine *e, const struct peer *p)
{
	if ((c->kind == CONTROL_ACK || c->kind == CONTROL_NACK) && &e->peers[c->peer] == p)
		c->kind = CONTROL_ALIVE;
}

void sender_forget_peer(struct engine *e, struct peer *p)
{
	struct sender *s = &e->sender;

	for (uint32_t i = 0; i < s->queue_count; i++)
		forget_in(&s->queue[(s->queue_head + i) % LIMIT_CONTROL_QUEUE], e, p);
	for (uint32_t i = 0; i < s->sent_count; i++)
		forget_in(&s->sent[(s->sent_head + i) % LIMIT_CONTROL_RESEND], e, p);
	p->nacks_queued = 0;
}

uint8_t sender_flags(const struct engine *e)
{
	return (uint8_t)((e->sender.hello_done ? 0 : WIRE_V1_HELLO) |
			 (e->sender.hello_back ? WIRE_V1_HELLO_BACK : 0));
}

void sender_appended(struct engine *e)
{
	e->sender.next_seq++;
	e->sender.hello_back = false;
}

static size_t put_mark(struct engine *e, struct wbuf *w, enum wire_v1_mark_kind kind,
	uint32_t value, uint32_t value2)
{
	struct wire_v1_mark mark = {(uint8_t)kind, e->config.boot_id, value, value2};

	return wire_v1_put_mark(w, sender_flags(e) | WIRE_V1_ALIVE, e->sender.next_seq, &mark);
}

/* With more than one peer in the group it has to be said whom an ACK or a NACK is meant for. */
static size_t put_range(
	struct engine *e, struct wbuf *w, enum wire_v1_flag kind, const struct control *c)
{
	uint8_t flags = (uint8_t)(sender_flags(e) | kind);
	const struct peer *p = &e->peers[c->peer];

	if (e->peers_count > 1 && p->boot_known)
		return wire_v1_put_range_to(w, flags, e->sender.next_seq, c->a, c->b, p->boot_id);
	return wire_v1_put_range(w, flags, e->sender.next_seq, c->a, c->b);
}

static size_t put_control(struct engine *e, struct wbuf *w, const struct control *c)
{
	switch ((enum control_kind)c->kind) {
	case CONTROL_ALIVE:
		return wire_v1_put_alive(w, sender_flags(e) | WIRE_V1_ALIVE, e->sender.next_seq);
	case CONTROL_ACK:
		return put_range(e, w, WIRE_V1_ACK, c);
	case CONTROL_NACK:
		return put_range(e, w, WIRE_V1_NACK, c);
	case CONTROL_RESYNC:
		return wire_v1_put_range(
			w, sender_flags(e) | WIRE_V1_RESYNC, e->sender.next_seq, 0, 0);
	case CONTROL_MARK_HELLO:
		return put_mark(e, w, WIRE_V1_MARK_HELLO, e->config.boot_id, 0);
	case CONTROL_BULK_BEGIN:
		return put_mark(e, w, WIRE_V1_MARK_BULK_BEGIN, c->a, c->b);
	case CONTROL_BULK_END:
		return put_mark(e, w, WIRE_V1_MARK_BULK_END, c->a, c->b);
	}
	return 0;
}

bool sender_put_control(struct engine *e, struct wbuf *w, struct control c)
{
	struct sender *s = &e->sender;

	if (!put_control(e, w, &c))
		return false;
	c.seq = s->next_seq;
	if (c.kind != CONTROL_ALIVE && c.kind != CONTROL_ACK)
		s->said_seq = c.seq;
	if (c.kind == CONTROL_NACK) {
		struct peer *p = &e->peers[c.peer];

		p->nacks_queued--;
		p->nack_sent = true;
		p->nack_seq = c.seq;
	}
	sender_appended(e);
	engine_count(e, COUNTER_SENT_CONTROL);
	if (c.kind == CONTROL_ALIVE || !engine_acknowledges(e))
		return true;
	if (s->sent_count == LIMIT_CONTROL_RESEND) {
		s->gone_known = true;
		s->gone_seq = s->sent[s->sent_head].seq;
		s->sent_head = (s->sent_head + 1) % LIMIT_CONTROL_RESEND;
		s->sent_count--;
	}
	s->sent[(s->sent_head + s->sent_count++) % LIMIT_CONTROL_RESEND] = c;
	return true;
}

static bool put_control_queue(struct engine *e, struct wbuf *w)
{
	struct sender *s = &e->sender;

	while (s->queue_count > 0) {
		if (!sender_put_control(e, w, s->queue[s->queue_head]))
			return false;
		s->queue_head = (s->queue_head + 1) % LIMIT_CONTROL_QUEUE;
		s->queue_count--;
	}
	return true;
}

/* What is left of it by now: at least a second, if there is one. */
static uint32_t timeout_now(
	const struct engine *e, const struct entry *x, bool has, uint32_t timeout)
{
	int64_t left = has ? engine_timeout_left(e, x->touched, timeout) : 1;

	return left > 0 ? (uint32_t)left : 1;
}

static size_t put_flow(struct engine *e, struct wbuf *w, enum wire_v1_type type, uint32_t handle,
	const struct wire_v1_options *options)
{
	const struct entry *x = entry_at(&e->store, handle);
	struct flow_plain plain;
	struct flow f;

	/* nearly every one; a struct flow would cost more than all the rest */
	if (!options->tcp_window_tracking && flow_plain_unpack(x->packed, x->len, &plain)) {
		plain.timeout = timeout_now(e, x, plain.has & FLOW_PLAIN_TIMEOUT, plain.timeout);
		return wire_v1_put_plain(
			w, type, sender_flags(e), e->sender.next_seq, &plain, options);
	}
	table_read(&e->store, handle, &f);
	f.timeout = timeout_now(e, x, flow_has(&f, FLOW_TIMEOUT), f.timeout);
	return wire_v1_put_flow(w, type, sender_flags(e), e->sender.next_seq, &f, options);
}

bool sender_put_entry(struct engine *e, struct wbuf *w, uint32_t handle)
{
	const struct entry *x = entry_at(&e->store, handle);
	struct wire_v1_options options = {
		.without_timeout = e->config.commit_timeout_s != 0,
		.tcp_window_tracking = e->config.tcp_window_tracking,
	};
	enum wire_v1_type type = x->dead		    ? WIRE_V1_CT_DEL
				 : x->flags & ENTRY_CHANGED ? WIRE_V1_CT_UPD
							    : WIRE_V1_CT_NEW;
	bool is_expect = entry_is_expect(x);

	if (is_expect && !expect_may_go(e, handle)) {
		local_kill(e, handle, true);
		return true;
	}
	if (!(is_expect ? expect_put(e, w, type, handle, &options)
			: put_flow(e, w, type, handle, &options))) {
		if (w->used > 0 || w->cap < e->config.datagram_bytes)
			return false;
		engine_count(e, COUNTER_TOO_BIG);
		local_give_up(e, handle);
		return true;
	}
	local_sent(e, handle, e->sender.next_seq);
	e->sender.said_seq = e->sender.next_seq;
	sender_appended(e);
	e->sender.probe_due = true;
	engine_count(e, is_expect ? COUNTER_SENT_EXPECTATIONS : COUNTER_SENT_FLOWS);
	if (type == WIRE_V1_CT_DEL) {
		if (e->tomb.count > e->config.resend_max)
			repair_drop_tombstone(e);
	} else if (e->bulk.state == BULK_RUNNING) {
		e->bulk.flows++;
	}
	return true;
}

static bool put_entry_queue(struct engine *e, struct wbuf *w)
{
	unsigned put = 0;

	for (; e->queued.head; put++)
		if (!sender_put_entry(e, w, e->queued.head)) {
			e->sender.filled = true;
			e->sender.fill = put;
			return false;
		}
	return true;
}

/*
 * Behind a full datagram the rest of a reading waits for the next one, which is to come in any case
 * and pushes it out first. So nothing waits twice, and what waits is what was read last.
 */
static bool waits(const struct engine *e)
{
	const struct sender *s = &e->sender;

	return s->gathering && s->filled && e->queued.count < s->fill && s->queue_count == 0 &&
	       e->repairs.count == 0 && e->bulk.state == BULK_NONE && !e->bulk.end_again;
}

void engine_gathering(struct engine *e, bool more)
{
	e->sender.gathering = more;
	e->sender.filled = false;
}

/* Events may come as fast as they are sent: the end of a bulk does not wait for an empty queue. */
static void put_relayed(struct engine *e, struct wbuf *w)
{
	bool room = relay_put_begin(e, w);

	while (room && e->queued.head)
		room = relay_put_end(e, w) && sender_put_entry(e, w, e->queued.head);
	if (room)
		relay_put_end(e, w);
}

/* What was lost, and then a whole table. False: there is more, and it may go. */
static bool put_paced(struct engine *e, struct wbuf *w)
{
	if (e->repairs.head && pace_waits(e))
		return true;
	while (e->repairs.head)
		if (!sender_put_entry(e, w, e->repairs.head))
			return false;
	return bulk_put(e, w);
}

static void put_all(struct engine *e, struct wbuf *w)
{
	/* these get a share, however many events there are */
	bool paced_first = (e->counters[COUNTER_SENT_DATAGRAMS] & 3) == 3;

	if (!put_control_queue(e, w))
		return;
	if (e->config.internal_cache_off) {
		put_relayed(e, w);
		return;
	}
	if ((!paced_first || put_paced(e, w)) && put_entry_queue(e, w) && put_paced(e, w))
		refresh_put(e, w);
}

/*
 * A peer notices by the next number that the one before is missing. Behind the last datagram of a
 * burst that is a probe's, soon, as RFC 8985 has it.
 */
static void set_alive(struct engine *e)
{
	struct sender *s = &e->sender;

	s->alive_at = mono_add_ms(e->now, s->probe_due ? LIMIT_PROBE_MS : LIMIT_ALIVE_MS);
}

size_t engine_next_datagram(struct engine *e, mono now, uint8_t *buf, size_t cap, unsigned *link)
{
	struct wbuf w =
		wbuf_of(buf, cap < e->config.datagram_bytes ? cap : e->config.datagram_bytes);

	engine_set_now(e, now);
	*link = e->links.current;
	queue_release(e);
	if (e->config.links == 0 || !link_is_usable(e) || waits(e))
		return 0;
	put_all(e, &w);
	if (w.used == 0)
		return 0;
	set_alive(e);
	engine_count(e, COUNTER_SENT_DATAGRAMS);
	e->counters[COUNTER_SENT_BYTES] += w.used;
	return w.used;
}

void sender_tick(struct engine *e)
{
	struct sender *s = &e->sender;

	repair_tick(e);
	if (!mono_reached(e->now, s->alive_at) || !engine_has_control(e))
		return;
	/* better an acknowledgement now than a message of its own a moment later */
	for (unsigned i = 0; i < e->peers_count; i++)
		ack_send(e, &e->peers[i]);
	if (s->queue_count == 0)
		sender_control(e, CONTROL_ALIVE, NULL, 0, 0);
	s->probe_due = false;
	set_alive(e);
}

mono sender_deadline(const struct engine *e)
{
	return engine_has_control(e) ? mono_min(e->sender.alive_at, repair_deadline(e))
				     : MONO_NEVER;
}

void sender_check(const struct engine *e)
{
	const struct sender *s = &e->sender;

	CHECK(s->queue_count <= LIMIT_CONTROL_QUEUE && s->sent_count <= LIMIT_CONTROL_RESEND);
	for (uint32_t i = 0; i < s->sent_count; i++) {
		const struct control *c = &s->sent[(s->sent_head + i) % LIMIT_CONTROL_RESEND];
		const struct control *next =
			&s->sent[(s->sent_head + i + 1) % LIMIT_CONTROL_RESEND];

		CHECK(wire_v1_seq_before(c->seq, s->next_seq));
		CHECK(i + 1 == s->sent_count || wire_v1_seq_before(c->seq, next->seq));
	}
}
