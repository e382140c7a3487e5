/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ack.h"

#include "base/check.h"
#include "core/bulk.h"
#include "core/event.h"
#include "core/handshake.h"
#include "core/pace.h"
#include "core/peer.h"
#include "core/remote.h"
#include "core/repair.h"
#include "core/sender.h"

/* What of ours had been lost behind this is known now: the island is joined to the land. */
static void join_island(struct peer *p)
{
	if (!p->island_set || wire_v1_seq_before(p->acked + 1, p->island_from))
		return;
	if (wire_v1_seq_before(p->acked, p->island_to))
		p->acked = p->island_to;
	p->island_set = false;
}

static void nack_arrived(struct engine *e, struct peer *p)
{
	p->nack_wait = p->nack_sent = p->bulk_nack = false;
	p->calm_since = e->now;
}

/*
 * What was said before a peer was first heard, it gets by a bulk, except the ends of flows: a bulk
 * tells conntrackd of none. But it may have heard such a flow named, in what was said to the
 * process before it, and have missed the end. The ACK of what it did hear comes before its NACK and
 * must not bury what that asks for.
 */
static void first_ack(struct engine *e, struct peer *p)
{
	if (!p->is_ctsync)
		repair_tombstones(e, p, p->acked);
	p->acked_set = true;
}

void ack_up_to(struct engine *e, struct peer *p, uint32_t to)
{
	if (!p->acked_set)
		first_ack(e, p);
	if (wire_v1_seq_before(p->acked, to))
		p->acked = to;
	join_island(p);
	if (p->nack_sent && !p->nacks_queued && !wire_v1_seq_before(p->acked, p->nack_seq))
		nack_arrived(e, p);
	repair_release(e);
}

/*
 * An ACK names a range. Behind a hole it does not count yet: the NACK for the hole may be on its
 * way, or be lost and on its way again, and what it asks for has to be kept until then. A hole
 * that stays though nothing of the peer's is missing any more means nothing.
 */
void ack_heard(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;
	uint32_t acked = p->acked;

	repair_ahead_check(e, p);
	if (!wire_v1_seq_before(to, s->next_seq)) {
		engine_count(e, COUNTER_BAD_HEADER);
		return;
	}
	if (wire_v1_seq_before(to, s->first_seq))
		return; /* of an earlier process of ours */
	p->answered = true;
	if (!s->hello_done && !p->is_ctsync)
		return; /* worth nothing: see handshake_done() */
	handshake_acked(e, p, to);
	if (p->nack_sent && !p->nacks_queued && p->nack_seq - from <= to - from)
		nack_arrived(e, p);
	if (!wire_v1_seq_before(p->acked + 1, from)) {
		ack_up_to(e, p, to);
		if (p->acked != acked)
			pace_acked(e, acked, p->acked);
	} else if (p->island_set && !wire_v1_seq_before(p->island_to + 1, from)) {
		if (wire_v1_seq_before(p->island_to, to))
			p->island_to = to;
	} else {
		p->island_set = true;
		p->island_from = from;
		p->island_to = to;
		p->island_at = e->now;
	}
	if (!p->is_ctsync && !p->synced && !p->nack_wait && e->sender.hello_done) {
		p->synced = true;
		event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, remote_flows(p));
	}
}

void ack_send(struct engine *e, struct peer *p)
{
	if (!p->ack_set)
		return;
	if (sender_control(e, CONTROL_ACK, p, p->ack_from, p->last_recv))
		p->ack_set = false;
	else
		p->ack_at = mono_add_ms(e->now, LIMIT_ALIVE_MS); /* no room: later */
}

/*
 * What lies between and was missing has been asked for, and comes under other numbers: it may be
 * acknowledged with the rest as soon as the peer is known to have been asked.
 */
void ack_again(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	if (!p->seen || wire_v1_seq_before(p->last_recv, from))
		return;
	if (p->nack_wait) {
		sender_control(e, CONTROL_ACK, p, from, to);
		return;
	}
	if (!p->ack_set)
		p->ack_at = mono_add_ms(e->now, LIMIT_ALIVE_MS);
	if (!p->ack_set || wire_v1_seq_before(from, p->ack_from))
		p->ack_from = from;
	p->ack_set = true;
}

void ack_nack_heard(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;

	repair_ahead_check(e, p);
	if (!wire_v1_seq_before(to, s->next_seq)) {
		engine_count(e, COUNTER_BAD_HEADER);
		if (!wire_v1_seq_before(from, s->first_seq))
			repair_ahead(e, p, from, to + 1);
		return;
	}
	engine_count(e, COUNTER_NACKS_RECEIVED);
	if (wire_v1_seq_before(to, s->first_seq))
		return;
	if (wire_v1_seq_before(from, s->first_seq))
		from = s->first_seq;
	/* ahead of the repair: a bulk's end counts only once the NACK is known to have arrived */
	if (bulk_is_hit(e, from, to))
		ack_send(e, p);
	else if (p->ack_set)
		p->ack_at = mono_min(p->ack_at, mono_add_ms(e->now, LIMIT_TICK_MS));
	pace_lost(e, to);
	repair_range(e, p, from, to);
	if (!wire_v1_seq_before(p->acked + 1, from))
		ack_up_to(e, p, to);
}

/*
 * What only keeps the conversation up does not force an acknowledgement: with a small window two
 * peers would answer each other's for ever.
 */
void ack_taken(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	bool forces = m->type != WIRE_V1_CTL || !(m->flags & WIRE_V1_ACK);

	if (!p->ack_set) {
		p->ack_set = true;
		p->ack_from = m->seq;
		p->ack_at = mono_add_ms(e->now, LIMIT_ALIVE_MS);
	}
	if (forces && p->window > 0)
		p->window--;
	if (p->window == 0) {
		ack_send(e, p);
		p->window = e->config.ack_window;
	}
}

/* A NACK that stays unacknowledged for so long has met a peer that knows nothing of its loss. */
static void tick_nack(struct engine *e, struct peer *p)
{
	if (!p->nack_sent || p->nacks_queued || p->silent || !p->island_set ||
		mono_before(e->now, mono_add_ms(p->nack_at, LIMIT_HOLE_MS)))
		return;
	nack_arrived(e, p);
	peer_want_resync(e, p, 0);
}

/*
 * The peer has acknowledged what came behind the hole, but neither acknowledged nor asked for what
 * is in it. Its NACK is gone for good: conntrackd forgets those it has queued when it hears a
 * HELLO. What is in the hole is said again unasked; where only an ACK was lost, that is for
 * nothing.
 */
static void fill_hole(struct engine *e, struct peer *p)
{
	repair_range(e, p, p->acked + 1, p->island_from - 1);
	ack_up_to(e, p, p->island_to);
}

static mono hole_until(const struct peer *p)
{
	mono from = mono_before(p->island_at, p->calm_since) ? p->calm_since : p->island_at;

	return mono_add_ms(from, LIMIT_HOLE_MS);
}

void ack_tick(struct engine *e, struct peer *p)
{
	if (p->ack_set && mono_reached(e->now, p->ack_at))
		ack_send(e, p);
	tick_nack(e, p);
	if (p->island_set && !p->nack_wait && !p->silent && mono_reached(e->now, hole_until(p)))
		fill_hole(e, p);
	if (p->acked_set && !wire_v1_seq_before(p->acked, p->lag_seq)) {
		p->lag_seq = e->sender.next_seq - 1;
		p->lag_at = e->now;
	}
}

mono ack_deadline(const struct peer *p)
{
	mono at = MONO_NEVER;

	if (p->ack_set)
		at = p->ack_at;
	if (p->nack_sent && !p->nacks_queued && p->island_set && !p->silent)
		at = mono_min(at, mono_add_ms(p->nack_at, LIMIT_HOLE_MS));
	if (p->island_set && !p->nack_wait && !p->silent)
		at = mono_min(at, hole_until(p));
	return at;
}

void ack_check(const struct engine *e, const struct peer *p)
{
	CHECK(p->nack_wait == (p->nack_sent || p->nacks_queued > 0));
	CHECK(!p->acked_set || wire_v1_seq_before(p->acked, e->sender.next_seq));
	CHECK(!p->island_set || !wire_v1_seq_before(p->island_to, p->island_from));
	CHECK(!p->ack_set || p->seen);
}
