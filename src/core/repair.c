/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/repair.h"

#include "core/ack.h"
#include "core/bulk.h"
#include "core/local.h"
#include "core/queue.h"
#include "core/peer.h"
#include "core/sender.h"

enum { FETCH_TOMBS = 16 };

void repair_drop_tombstone(struct engine *e)
{
	uint32_t handle = e->tomb.head;

	e->sender.stale_known = true;
	e->sender.stale_seq = entry_at(&e->store, handle)->seq;
	engine_count(e, COUNTER_TOMBSTONES_DROPPED);
	local_bury(e, handle);
}

/* The index slots of the oldest tombstones are fetched together; returns of how many. */
static unsigned fetch_tombs(const struct engine *e)
{
	unsigned n = 0;

	for (uint32_t h = e->tomb.head; h && n < FETCH_TOMBS; h = entry_at(&e->store, h)->next) {
		struct table_key k = table_key_at(&e->store, h);

		table_fetch_slot(&e->local, &k);
		n++;
	}
	return n;
}

void repair_release(struct engine *e)
{
	unsigned fetched = 0;
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
		if (fetched-- == 0)
			fetched = fetch_tombs(e) - 1;
		local_bury(e, e->tomb.head);
	}
}

/*
 * From when on tombstones serve nobody: a ctsyncd that comes back so late is told by a bulk as
 * well. A conntrackd is not, for it takes a bulk's end for nothing.
 */
static mono lonely_at(const struct engine *e)
{
	mono heard = e->start;

	if (!engine_acknowledges(e) || e->config.links == 0)
		return MONO_NEVER;
	for (unsigned i = 0; i < e->peers_count; i++) {
		const struct peer *p = &e->peers[i];

		if (!p->silent || !p->is_ctsync)
			return MONO_NEVER;
		if (mono_before(heard, p->heard))
			heard = p->heard;
	}
	return mono_add_ms(heard, LIMIT_LONELY_MS);
}

static void release_for_nobody(struct engine *e)
{
	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE && e->tomb.head; n++)
		repair_drop_tombstone(e);
}

static void whole_table(struct engine *e, struct peer *p)
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
	if (!p->repair_pending || wire_v1_seq_before(from, p->repair_from))
		p->repair_from = from;
	if (!p->repair_pending || wire_v1_seq_before(p->repair_to, to))
		p->repair_to = to;
	p->repair_pending = true;
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
			whole_table(e, p);
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
		queue_put_repair(e, handle);
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
			ack_again(e, &e->peers[c->peer], c->a, c->b);
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

void repair_range(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;

	if (p->repair_pending) {
		/* one range that holds both; what was served of it has other numbers now */
		from = wire_v1_seq_before(p->repair_from, from) ? p->repair_from : from;
		to = wire_v1_seq_before(to, p->repair_to) ? p->repair_to : to;
		p->repair_pending = false;
	}
	if (s->stale_known && !wire_v1_seq_before(s->stale_seq, from))
		whole_table(e, p);
	repair_entries(e, p, from, to);
	repair_control(e, from, to);
	/* a NACK of ours may be among what is lost and cannot be said again */
	if (s->gone_known && !wire_v1_seq_before(s->gone_seq, from)) {
		p->synced = p->synced && !p->is_ctsync;
		peer_want_resync(e, p, 0);
	}
	bulk_lost(e, p, from, to);
}

void repair_tombstones(struct engine *e, struct peer *p, uint32_t to)
{
	uint32_t handle = e->tomb.tail;

	bucket_fill(&p->repair, e->now);
	while (handle) {
		const struct entry *x = entry_at(&e->store, handle);
		uint32_t next = x->prev;

		if (!wire_v1_seq_before(to, x->seq)) {
			if (p->repair.tokens == 0) {
				put_off(e, p, entry_at(&e->store, e->tomb.head)->seq, x->seq);
				return;
			}
			bucket_take(&p->repair, 1);
			queue_put_repair(e, handle);
			engine_count(e, COUNTER_RESENT);
		}
		handle = next;
	}
}

void repair_ahead(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
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

void repair_ahead_check(struct engine *e, struct peer *p)
{
	if (!p->ahead)
		return;
	if (!wire_v1_seq_before(p->ahead_to, e->sender.next_seq)) {
		/* by now it has noticed by itself that it hears old numbers alone */
		p->ahead = !mono_reached(e->now, p->ahead_until);
		return;
	}
	p->ahead = false;
	repair_range(e, p, p->ahead_from, p->ahead_to);
}

void repair_tick(struct engine *e)
{
	if (e->tomb.head && mono_reached(e->now, lonely_at(e)))
		release_for_nobody(e);
	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *p = &e->peers[i];

		repair_ahead_check(e, p);
		if (p->repair_pending && bucket_fill(&p->repair, e->now) > 0)
			repair_range(e, p, p->repair_from, p->repair_to);
	}
}

mono repair_deadline(const struct engine *e)
{
	mono at = e->tomb.head ? lonely_at(e) : MONO_NEVER;

	if (mono_reached(e->now, at))
		at = mono_add_ms(e->now, LIMIT_TICK_MS);
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].repair_pending || e->peers[i].ahead)
			at = mono_min(at, mono_add_ms(e->now, LIMIT_TICK_MS));
	return at;
}

void repair_flushed(struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		e->peers[i].repair_pending = e->peers[i].ahead = false;
}
