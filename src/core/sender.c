/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sender.h"

#include <string.h>

#include "base/check.h"
#include "core/bulk.h"
#include "core/local.h"
#include "core/peer.h"

void sender_init(struct engine *e)
{
	struct sender *s = &e->sender;

	s->first_seq = s->next_seq = e->config.first_seq;
	s->alive_at = e->now;
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
	if (c.kind == CONTROL_NACK) {
		struct peer *p = &e->peers[c.peer];

		p->nacks_queued--;
		p->nack_sent = true;
		p->nack_seq = c.seq;
	}
	sender_appended(e);
	engine_count(e, COUNTER_SENT_CONTROL);
	if (c.kind == CONTROL_ALIVE)
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
	struct flow f;

	table_read(&e->store, handle, &f);
	if (flow_has(&f, FLOW_TIMEOUT)) {
		int64_t left = engine_timeout_left(e, x->touched, f.timeout);

		f.timeout = left > 0 ? (uint32_t)left : 1;
	}
	if (!wire_v1_put_flow(w, type, sender_flags(e), e->sender.next_seq, &f, &options)) {
		if (w->used > 0 || w->cap < e->config.datagram_bytes)
			return false;
		engine_count(e, COUNTER_TOO_BIG);
		local_give_up(e, handle);
		return true;
	}
	local_sent(e, handle, e->sender.next_seq);
	sender_appended(e);
	engine_count(e, COUNTER_SENT_FLOWS);
	if (type == WIRE_V1_CT_DEL) {
		if (e->tomb.count > e->config.resend_max)
			sender_drop_tombstone(e);
	} else if (e->bulk.state == BULK_RUNNING) {
		e->bulk.flows++;
	}
	return true;
}

static bool put_entry_queue(struct engine *e, struct wbuf *w)
{
	while (e->queued.head)
		if (!sender_put_entry(e, w, e->queued.head))
			return false;
	return true;
}

size_t engine_next_datagram(struct engine *e, mono now, uint8_t *buf, size_t cap, unsigned *link)
{
	struct wbuf w =
		wbuf_of(buf, cap < e->config.datagram_bytes ? cap : e->config.datagram_bytes);
	bool bulk_first = (e->counters[COUNTER_SENT_DATAGRAMS] & 3) == 3;

	engine_set_now(e, now);
	/* a bulk gets a share, however many events there are */
	if (put_control_queue(e, &w) && (!bulk_first || bulk_put(e, &w)) && put_entry_queue(e, &w))
		bulk_put(e, &w);
	*link = e->sender.link;
	if (w.used == 0)
		return 0;
	e->sender.alive_at = mono_add_ms(e->now, LIMIT_ALIVE_MS);
	engine_count(e, COUNTER_SENT_DATAGRAMS);
	e->counters[COUNTER_SENT_BYTES] += w.used;
	return w.used;
}

/* ---- acknowledgements and repair ---- */

void sender_drop_tombstone(struct engine *e)
{
	uint32_t handle = e->tomb.head;

	e->sender.stale_known = true;
	e->sender.stale_seq = entry_at(&e->store, handle)->seq;
	engine_count(e, COUNTER_TOMBSTONES_DROPPED);
	local_bury(e, handle);
}

void sender_release(struct engine *e)
{
	uint32_t floor = 0;
	bool any = false, silent_waits = false;

	for (unsigned i = 0; i < e->peers_count; i++) {
		const struct peer *p = &e->peers[i];
		uint32_t acked;

		if (p->silent) {
			silent_waits = true;
			continue;
		}
		if (!p->acked_set)
			return;
		acked = p->acked;
		/* what is put off of a repair has not arrived, whatever was acknowledged since */
		if (p->repair_pending && !wire_v1_seq_before(acked, p->repair_from))
			acked = p->repair_from - 1;
		if (!any || wire_v1_seq_before(acked, floor))
			floor = acked;
		any = true;
	}
	if (!any)
		return;
	while (e->tomb.head) {
		uint32_t seq = entry_at(&e->store, e->tomb.head)->seq;

		if (wire_v1_seq_before(floor, seq))
			break;
		if (silent_waits) {
			/* should the silent one come back, only a bulk can tell it */
			e->sender.stale_known = true;
			e->sender.stale_seq = seq;
		}
		local_bury(e, e->tomb.head);
	}
}

static void repair_bulk(struct engine *e, struct peer *p)
{
	engine_count(e, COUNTER_REPAIR_BULK);
	bulk_want_for(e, p);
}

/* The younger one of two sent entries, of which not both are 0. */
static uint32_t younger(const struct engine *e, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	return wire_v1_seq_before(entry_at(&e->store, a)->seq, entry_at(&e->store, b)->seq) ? b : a;
}

static void put_off(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	engine_count(e, COUNTER_REPAIR_LIMITED);
	p->repair_pending = true;
	p->repair_from = from;
	p->repair_to = to;
}

static void repair_entries(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	uint32_t live = e->sent.tail, dead = e->tomb.tail, steps = 0;

	if (bucket_fill(&p->repair, e->now) == 0) {
		put_off(e, p, from, to);
		return;
	}
	while (live || dead) {
		uint32_t handle = younger(e, live, dead);
		const struct entry *x = entry_at(&e->store, handle);

		if (handle == live)
			live = x->prev;
		else
			dead = x->prev;
		if (wire_v1_seq_before(x->seq, from))
			return;
		if (++steps > LIMIT_REPAIR_WALK) {
			repair_bulk(e, p);
			return;
		}
		if (steps % LIMIT_REPAIR_LOOKS == 0)
			bucket_take(&p->repair, 1);
		if (x->seq - from > to - from)
			continue;
		if (p->repair.tokens == 0) {
			put_off(e, p, from, x->seq);
			return;
		}
		bucket_take(&p->repair, 1);
		local_queue_repair(e, handle);
		engine_count(e, COUNTER_RESENT);
	}
}

/* What was lost of control messages is said again if it still makes sense. */
static void repair_control(struct engine *e, uint32_t from, uint32_t to)
{
	struct sender *s = &e->sender;

	for (uint32_t i = 0; i < s->sent_count; i++) {
		struct control *c = &s->sent[(s->sent_head + i) % LIMIT_CONTROL_RESEND];

		if (c->seq - from > to - from)
			continue;
		switch ((enum control_kind)c->kind) {
		case CONTROL_NACK:
			sender_nack(e, &e->peers[c->peer], c->a, c->b);
			break;
		case CONTROL_ACK:
			peer_acknowledge_again(e, &e->peers[c->peer], c->a, c->b);
			break;
		case CONTROL_RESYNC:
		case CONTROL_MARK_HELLO:
			sender_control(
				e, (enum control_kind)c->kind, &e->peers[c->peer], c->a, c->b);
			break;
		case CONTROL_BULK_BEGIN: /* bulk_lost() sees to them */
		case CONTROL_BULK_END:
		case CONTROL_ALIVE:
			break;
		}
		c->kind = CONTROL_ALIVE; /* once is enough, should the same range be asked for again
					  */
	}
}

void sender_repair(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;

	if (p->repair_pending) {
		/* one range that holds both; what was served of it has other numbers now */
		from = wire_v1_seq_before(p->repair_from, from) ? p->repair_from : from;
		to = wire_v1_seq_before(to, p->repair_to) ? p->repair_to : to;
		p->repair_pending = false;
	}
	if (s->stale_known && !wire_v1_seq_before(s->stale_seq, from))
		repair_bulk(e, p);
	repair_entries(e, p, from, to);
	repair_control(e, from, to);
	/* a NACK of ours may be among what is lost and cannot be said again */
	if (s->gone_known && !wire_v1_seq_before(s->gone_seq, from)) {
		p->synced = p->synced && !p->is_ctsync;
		peer_want_resync(e, p, 0);
	}
	bulk_lost(e, p, from, to);
}

void sender_ahead(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	if (to - e->sender.next_seq > LIMIT_GAP_MAX)
		return;
	if (!p->ahead || wire_v1_seq_before(from, p->ahead_from))
		p->ahead_from = from;
	if (!p->ahead || wire_v1_seq_before(p->ahead_to, to))
		p->ahead_to = to;
	p->ahead = true;
	p->ahead_until = mono_add_ms(e->now, 2 * LIMIT_RESTART_MS);
}

void sender_ahead_check(struct engine *e, struct peer *p)
{
	if (!p->ahead)
		return;
	if (!wire_v1_seq_before(p->ahead_to, e->sender.next_seq)) {
		/* by now it has noticed by itself that it hears old numbers alone */
		p->ahead = !mono_reached(e->now, p->ahead_until);
		return;
	}
	p->ahead = false;
	sender_repair(e, p, p->ahead_from, p->ahead_to);
}

void sender_tick(struct engine *e)
{
	struct sender *s = &e->sender;

	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *p = &e->peers[i];

		sender_ahead_check(e, p);
		if (p->repair_pending && bucket_fill(&p->repair, e->now) > 0)
			sender_repair(e, p, p->repair_from, p->repair_to);
	}
	if (mono_reached(e->now, s->alive_at)) {
		/* better an acknowledgement now than a message of its own a moment later */
		for (unsigned i = 0; i < e->peers_count; i++)
			peer_acknowledge(e, &e->peers[i]);
		if (s->queue_count == 0)
			sender_control(e, CONTROL_ALIVE, NULL, 0, 0);
		s->alive_at = mono_add_ms(e->now, LIMIT_ALIVE_MS);
	}
}

mono sender_deadline(const struct engine *e)
{
	mono at = e->sender.alive_at;

	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].repair_pending || e->peers[i].ahead)
			at = mono_min(at, mono_add_ms(e->now, LIMIT_TICK_MS));
	return at;
}

void sender_flushed(struct engine *e)
{
	e->sender.repairs = 0;
	for (unsigned i = 0; i < e->peers_count; i++)
		e->peers[i].repair_pending = e->peers[i].ahead = false;
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
