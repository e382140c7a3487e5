/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/peer.h"

#include <string.h>

#include "base/check.h"
#include "core/bulk.h"
#include "core/event.h"
#include "core/remote.h"
#include "core/sender.h"

/* ---- coming into being ---- */

/* A message that says who we are waits to be sent already. */
static bool hello_is_queued(const struct engine *e)
{
	const struct sender *s = &e->sender;

	for (uint32_t i = 0; i < s->queue_count; i++)
		if (s->queue[(s->queue_head + i) % LIMIT_CONTROL_QUEUE].kind == CONTROL_MARK_HELLO)
			return true;
	return false;
}

/* The peer takes us for a process that is gone: its mail does not reach us. */
static void introduce(struct engine *e, struct peer *p)
{
	if (mono_before(e->now, p->introduce_next) || hello_is_queued(e))
		return;
	if (sender_control(e, CONTROL_MARK_HELLO, NULL, 0, 0))
		p->introduce_next = mono_add_ms(e->now, LIMIT_ALIVE_MS);
}

static bool is_known_boot(const struct engine *e, uint32_t boot_id)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].boot_known && e->peers[i].boot_id == boot_id)
			return true;
	return false;
}

/* A new or restarted peer: we tell it who we are and what we have, and want to know the same. */
static void greet(struct engine *e, struct peer *p)
{
	if (!hello_is_queued(e))
		sender_control(e, CONTROL_MARK_HELLO, NULL, 0, 0);
	peer_want_resync(e, p, LIMIT_RESYNC_DELAY_MS);
	bulk_want_for(e, p);
}

static void reset(struct engine *e, struct peer *p)
{
	p->seen = p->last_hello = false;
	p->before_since = MONO_NEVER;
	p->boot_known = p->is_ctsync = false;
	p->ack_set = false;
	p->window = e->config.ack_window;
	p->nack_wait = p->nack_sent = p->bulk_nack = false;
	sender_forget_peer(e, p);
	p->answered = p->acked_set = p->island_set = false;
	p->acked = e->sender.next_seq - 1; /* what came before, it gets by the bulk */
	p->calm_since = e->now;
	p->lag_seq = e->sender.next_seq;
	p->lag_at = e->now;
	p->repair_pending = p->ahead = false;
	p->bulk_next = e->now;
}

static void refuse(struct engine *e, const struct engine_addr *addr)
{
	struct engine_event event = {.kind = ENGINE_EVENT_PEER_REFUSED, .addr = *addr};

	engine_count(e, COUNTER_PEERS_REFUSED);
	if (mono_before(e->now, e->refused_next))
		return;
	e->refused_next = mono_add_sec(e->now, 60);
	event_put(e, &event);
}

/*
 * A place for a new peer: an unused one, or that of one that is gone and holds nothing. If those
 * that are gone all hold flows, the one with the fewest has to leave: a node that has died holds
 * more than strangers do. The new one finds its place when it is heard again.
 */
static struct peer *place(struct engine *e)
{
	struct peer *fewest = NULL;

	if (e->peers_count < LIMIT_PEERS)
		return &e->peers[e->peers_count++];
	for (unsigned i = 0; i < LIMIT_PEERS; i++) {
		struct peer *p = &e->peers[i];

		if (!p->silent)
			continue;
		if (!fewest || table_count(&p->remote) < table_count(&fewest->remote))
			fewest = p;
	}
	if (!fewest || table_count(&fewest->remote) == 0)
		return fewest;
	if (!fewest->leaving && !e->commit.running) {
		fewest->leaving = true;
		fewest->sweeping = false;
		fewest->sweep_cursor = 0;
	}
	return NULL;
}

struct peer *peer_get(struct engine *e, const struct engine_addr *addr)
{
	struct peer *p;
	struct table remote;

	for (unsigned i = 0; i < e->peers_count; i++)
		if (memcmp(&e->peers[i].addr, addr, sizeof(*addr)) == 0)
			return &e->peers[i];
	p = place(e);
	if (!p) {
		refuse(e, addr);
		return NULL;
	}
	remote = p->remote;
	memset(p, 0, sizeof(*p));
	p->remote = remote;
	p->used = true;
	p->addr = *addr;
	p->heard = e->now;
	p->sweep_at = MONO_NEVER;
	p->resync_next = p->introduce_next = e->now;
	bucket_init(&p->repair, LIMIT_REPAIR_PER_SEC, e->now);
	bucket_init(&p->told, LIMIT_EVENTS_PER_SEC, e->now);
	reset(e, p);
	event_peer(e, ENGINE_EVENT_PEER_NEW, p, 0);
	greet(e, p);
	return p;
}

void peer_want_resync(struct engine *e, struct peer *p, int64_t delay_ms)
{
	mono at = mono_add_ms(e->now, delay_ms);

	if (!p->resync_wanted || mono_before(at, p->resync_at))
		p->resync_at = at;
	p->resync_wanted = true;
}

static bool is_old_boot(const struct peer *p, uint32_t boot_id)
{
	for (unsigned i = 0; i < p->old_boots_count; i++)
		if (p->old_boots[i] == boot_id)
			return true;
	return false;
}

static void retire_boot(struct peer *p)
{
	p->old_boots[p->old_boots_next] = p->boot_id;
	p->old_boots_next = (p->old_boots_next + 1) % PEER_OLD_BOOTS;
	if (p->old_boots_count < PEER_OLD_BOOTS)
		p->old_boots_count++;
}

static void restarted(struct engine *e, struct peer *p)
{
	engine_count(e, COUNTER_PEER_RESTARTS);
	if (p->boot_known)
		retire_boot(p);
	reset(e, p);
	remote_unconfirm(e, p);
	event_peer(e, ENGINE_EVENT_PEER_RESTARTED, p, table_count(&p->remote));
	greet(e, p);
}

/* ---- boots ---- */

/*
 * A mark. False if it is a relic of a process that is gone, to be dropped. A boot id that is
 * neither the peer's present one nor a former one tells of a restart, wherever the message stands
 * in the sequence, and whatever the mark says: the first ones may be lost. While no boot id is
 * known it may only be late itself.
 */
static bool boot_heard(struct engine *e, struct peer *p, uint32_t seq, uint32_t boot_id)
{
	if (p->boot_known && p->boot_id == boot_id)
		return true;
	/* a relic would not be next in the sequence: then the mark that had retired it was false */
	if (is_old_boot(p, boot_id) && !(p->seen && seq == p->last_recv + 1))
		return false;
	if (p->boot_known)
		restarted(e, p);
	return true;
}

static void boot_adopt(struct peer *p, uint32_t boot_id)
{
	if (p->boot_known)
		return;
	p->boot_known = true;
	p->boot_id = boot_id;
	if (!p->is_ctsync)
		p->synced = false;
	p->is_ctsync = true;
}

/* ---- what the peer acknowledges ---- */

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

static void acked_up_to(struct engine *e, struct peer *p, uint32_t to)
{
	if (wire_v1_seq_before(p->acked, to))
		p->acked = to;
	p->acked_set = true;
	join_island(p);
	if (p->nack_sent && !p->nacks_queued && !wire_v1_seq_before(p->acked, p->nack_seq))
		nack_arrived(e, p);
	sender_release(e);
}

/*
 * An ACK names a range. Behind a hole it does not count yet: the NACK for the hole may be on its
 * way, or be lost and on its way again, and what it asks for has to be kept until then. A hole
 * that stays though nothing of the peer's is missing any more means nothing.
 */
static void acked(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;

	sender_ahead_check(e, p);
	if (!wire_v1_seq_before(to, s->next_seq)) {
		engine_count(e, COUNTER_BAD_HEADER);
		return;
	}
	if (wire_v1_seq_before(to, s->first_seq))
		return; /* of an earlier process of ours */
	p->answered = true;
	if (!s->hello_done && !p->is_ctsync)
		return; /* worth nothing: see handshake_done() */
	if (p->nack_sent && !p->nacks_queued && p->nack_seq - from <= to - from)
		nack_arrived(e, p);
	if (!wire_v1_seq_before(p->acked + 1, from)) {
		acked_up_to(e, p, to);
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
		event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, table_count(&p->remote));
	}
}

void peer_acknowledge(struct engine *e, struct peer *p)
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
void peer_acknowledge_again(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
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

static void nacked(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	const struct sender *s = &e->sender;

	sender_ahead_check(e, p);
	if (!wire_v1_seq_before(to, s->next_seq)) {
		engine_count(e, COUNTER_BAD_HEADER);
		if (!wire_v1_seq_before(from, s->first_seq))
			sender_ahead(e, p, from, to + 1);
		return;
	}
	engine_count(e, COUNTER_NACKS_RECEIVED);
	if (wire_v1_seq_before(to, s->first_seq))
		return;
	if (wire_v1_seq_before(from, s->first_seq))
		from = s->first_seq;
	/* ahead of the repair: a bulk's end counts only once the NACK is known to have arrived */
	if (bulk_is_hit(e, from, to))
		peer_acknowledge(e, p);
	else if (p->ack_set)
		p->ack_at = mono_min(p->ack_at, mono_add_ms(e->now, LIMIT_TICK_MS));
	sender_repair(e, p, from, to);
	if (!wire_v1_seq_before(p->acked + 1, from))
		acked_up_to(e, p, to);
}

/* ---- one message ---- */

/*
 * A bulk's begin that is in sequence is of the process that is there now, whatever a HELLO mark,
 * late or forged, has made us believe.
 */
static void mark_heard(struct engine *e, struct peer *p, const struct wire_v1_mark *mark)
{
	if (mark->kind == WIRE_V1_MARK_BULK_BEGIN && p->boot_known && p->boot_id != mark->boot_id) {
		retire_boot(p);
		p->boot_known = false;
	}
	boot_adopt(p, mark->boot_id);
	if (p->boot_id != mark->boot_id)
		return;
	switch ((enum wire_v1_mark_kind)mark->kind) {
	case WIRE_V1_MARK_HELLO:
		break;
	case WIRE_V1_MARK_BULK_BEGIN:
		remote_bulk_begin(e, p, mark->value, mark->value2);
		break;
	case WIRE_V1_MARK_BULK_END:
		remote_bulk_end(e, p, mark->value, mark->value2);
		break;
	}
}

static void deliver(struct engine *e, struct peer *p, const struct wire_v1_message *m,
	const struct wire_v1_mark *mark)
{
	uint32_t target;

	if (m->type != WIRE_V1_CTL) {
		remote_message(e, p, m);
		return;
	}
	engine_count(e, COUNTER_RECEIVED_CONTROL);
	if (wire_v1_get_target(m, &target) && target != e->config.boot_id) {
		if (!is_known_boot(e, target))
			introduce(e, p);
		return;
	}
	if (m->flags & WIRE_V1_ACK) {
		acked(e, p, m->from, m->to);
	} else if (m->flags & WIRE_V1_NACK) {
		nacked(e, p, m->from, m->to);
	} else if (m->flags & WIRE_V1_RESYNC) {
		engine_count(e, COUNTER_RESYNCS_RECEIVED);
		p->ahead = false; /* whatever it has missed, it gets all */
		event_peer(e, ENGINE_EVENT_RESYNC_ASKED, p, table_count(&e->local) - e->dead);
		bulk_want_for(e, p);
	} else if (mark) {
		mark_heard(e, p, mark);
	}
}

/* Where the peer stands in its sequence is not known any more; its table is asked for. */
static void lose_track(struct engine *e, struct peer *p)
{
	p->ack_set = p->seen = false;
	p->before_since = MONO_NEVER;
	p->nack_wait = p->nack_sent = false;
	sender_forget_peer(e, p);
	remote_unconfirm(e, p);
	peer_want_resync(e, p, 0);
}

/* Messages from last_recv + 1 to seq - 1 are missing. */
static void gap(struct engine *e, struct peer *p, uint32_t seq)
{
	uint32_t missing = seq - p->last_recv - 1;

	e->counters[COUNTER_LOST] += missing;
	p->lost += missing;
	peer_acknowledge(e, p);
	p->ack_set = false;
	if (missing > LIMIT_GAP_MAX) {
		lose_track(e, p);
		return;
	}
	if (!sender_nack(e, p, p->last_recv + 1, seq - 1))
		peer_want_resync(e, p, 0);
}

/*
 * A message older than what was taken already. A few come late or twice; if nothing else comes for
 * a while, then they are right: the peer has restarted (it says HELLO), or a wild number was taken
 * for one of its. True if it is to be taken.
 */
static bool before(struct engine *e, struct peer *p, bool hello)
{
	if (mono_is_never(p->before_since))
		p->before_since = e->now;
	if (mono_diff_ms(e->now, p->before_since) < LIMIT_RESTART_MS) {
		engine_count(e, COUNTER_BEFORE);
		return false;
	}
	if (hello)
		restarted(e, p);
	else
		lose_track(e, p);
	return true;
}

/*
 * True if the message is to be taken; what its place in the sequence tells is done then. A HELLO of
 * a peer that had stopped saying it tells of a restart, also where the new process's numbers, which
 * conntrackd begins with the time of day, have just come up to the old one's.
 */
static bool in_sequence(struct engine *e, struct peer *p, uint32_t seq, bool hello)
{
	if (!p->seen)
		return true;
	if (wire_v1_seq_before(seq, p->last_recv + 1))
		return before(e, p, hello);
	if (hello && !p->last_hello) {
		restarted(e, p);
	} else if (seq != p->last_recv + 1) {
		gap(e, p, seq);
	}
	return true;
}

/*
 * The message is taken. What only keeps the conversation up does not force an acknowledgement:
 * with a small window two peers would answer each other's for ever.
 */
static void account(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	bool forces = m->type != WIRE_V1_CTL || !(m->flags & WIRE_V1_ACK);
	uint32_t seq = m->seq;

	p->last_recv = seq;
	p->seen = true;
	p->before_since = MONO_NEVER;
	if (!p->ack_set) {
		p->ack_set = true;
		p->ack_from = seq;
		p->ack_at = mono_add_ms(e->now, LIMIT_ALIVE_MS);
	}
	if (forces && p->window > 0)
		p->window--;
	if (p->window == 0) {
		peer_acknowledge(e, p);
		p->window = e->config.ack_window;
	}
}

/*
 * conntrackd looks for no gap before a message with HELLO, acknowledges what it missed there with
 * the rest, and forgets what it has sent and what it was about to ask for. So with a peer of that
 * kind, whatever was said with HELLO is said again without, and what it said meanwhile is asked
 * for again if any of it was lost.
 */
static void handshake_done(struct engine *e)
{
	struct sender *s = &e->sender;
	uint32_t last = s->next_seq - 1;
	bool said = s->hello_done;

	s->hello_done = true;
	for (unsigned i = 0; i < LIMIT_PEERS && !said; i++) {
		struct peer *p = &e->peers[i];

		if (!p->used || p->is_ctsync || s->next_seq == s->first_seq)
			continue;
		sender_repair(e, p, s->first_seq, last);
		p->island_set = false;
		acked_up_to(e, p, last);
		if (p->lost > 0)
			lose_track(e, p);
	}
}

void peer_message(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	bool hello = m->flags & WIRE_V1_HELLO, has_mark, taken;
	struct wire_v1_mark mark;

	has_mark = m->type == WIRE_V1_CTL && m->flags & WIRE_V1_ALIVE && wire_v1_get_mark(m, &mark);
	/* whatever is not a plain continuation may mean something to the table */
	if (m->type == WIRE_V1_CTL || m->flags || !p->seen || m->seq != p->last_recv + 1)
		remote_settle(e);
	p->heard = e->now;
	if (p->silent) {
		p->silent = false;
		if (p->leaving) {
			p->leaving = false;
			remote_unconfirm(e, p);
			peer_want_resync(e, p, 0);
		}
		event_peer(e, ENGINE_EVENT_PEER_BACK, p, 0);
	}
	if (has_mark && !boot_heard(e, p, m->seq, mark.boot_id)) {
		engine_count(e, COUNTER_BEFORE);
		return;
	}
	taken = in_sequence(e, p, m->seq, hello);
	if (has_mark && mark.kind == WIRE_V1_MARK_HELLO)
		boot_adopt(p, mark.boot_id);
	if (!taken)
		return;
	if (hello)
		e->sender.hello_back = true;
	if (m->flags & WIRE_V1_HELLO_BACK) {
		p->answered = true;
		handshake_done(e);
	}
	p->last_hello = hello;
	account(e, p, m);
	deliver(e, p, m, has_mark ? &mark : NULL);
}

/* ---- time ---- */

static mono silence_at(const struct peer *p)
{
	return mono_add_ms(p->heard, LIMIT_PEER_SILENCE_MS);
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
	sender_repair(e, p, p->acked + 1, p->island_from - 1);
	acked_up_to(e, p, p->island_to);
}

static mono hole_until(const struct peer *p)
{
	mono from = mono_before(p->island_at, p->calm_since) ? p->calm_since : p->island_at;

	return mono_add_ms(from, LIMIT_HOLE_MS);
}

/* It has been asked, so that whatever wish there was is fulfilled. */
static void resync_asked(struct engine *e, struct peer *p)
{
	p->resync_wanted = false;
	p->resync_next = mono_add_ms(e->now, LIMIT_RESYNC_INTERVAL_MS);
	if (p->unconfirmed && mono_is_never(p->sweep_at))
		p->sweep_at = mono_add_ms(e->now, LIMIT_SWEEP_MS);
	if (p->is_ctsync)
		peer_want_resync(e, p, LIMIT_RESYNC_RETRY_MS); /* called off by its bulk */
}

/*
 * conntrackd does not tell what its purge removes, and gives its table to whoever asks before the
 * purge. So what is here may have ended long since on the node that has taken it over, and is not
 * to be trusted until it is named again.
 */
void peer_ask_all(struct engine *e)
{
	bool asked = sender_control(e, CONTROL_RESYNC, NULL, 0, 0);

	if (asked)
		engine_count(e, COUNTER_RESYNCS_ASKED);
	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *p = &e->peers[i];

		if (!asked || p->silent) {
			peer_want_resync(e, p, 0);
			continue;
		}
		if (!p->is_ctsync)
			remote_unconfirm(e, p);
		resync_asked(e, p);
	}
}

/* A silent peer is asked when it is heard again: what it is told now piles up, or gets lost. */
static void tick_resync(struct engine *e, struct peer *p)
{
	if (!p->resync_wanted || p->silent || mono_before(e->now, p->resync_at) ||
		mono_before(e->now, p->resync_next))
		return;
	if (!sender_control(e, CONTROL_RESYNC, p, 0, 0)) {
		p->resync_next = mono_add_ms(e->now, LIMIT_RESYNC_INTERVAL_MS);
		return;
	}
	engine_count(e, COUNTER_RESYNCS_ASKED);
	resync_asked(e, p);
}

void peer_tick(struct engine *e, struct peer *p)
{
	if (!p->silent && mono_reached(e->now, silence_at(p))) {
		p->silent = true;
		event_peer(e, ENGINE_EVENT_PEER_LOST, p, 0);
		sender_release(e);
	}
	if (p->ack_set && mono_reached(e->now, p->ack_at))
		peer_acknowledge(e, p);
	tick_nack(e, p);
	tick_resync(e, p);
	if (p->island_set && !p->nack_wait && !p->silent && mono_reached(e->now, hole_until(p)))
		fill_hole(e, p);
	if (p->acked_set && !wire_v1_seq_before(p->acked, p->lag_seq)) {
		p->lag_seq = e->sender.next_seq - 1;
		p->lag_at = e->now;
	}
}

mono peer_deadline(const struct peer *p)
{
	mono at = MONO_NEVER;

	if (!p->silent)
		at = silence_at(p);
	if (p->ack_set)
		at = mono_min(at, p->ack_at);
	if (p->nack_sent && !p->nacks_queued && p->island_set && !p->silent)
		at = mono_min(at, mono_add_ms(p->nack_at, LIMIT_HOLE_MS));
	if (p->resync_wanted && !p->silent)
		at = mono_min(at,
			mono_before(p->resync_at, p->resync_next) ? p->resync_next : p->resync_at);
	if (p->island_set && !p->nack_wait && !p->silent)
		at = mono_min(at, hole_until(p));
	return at;
}

enum engine_sync peer_sync(const struct peer *p, mono now)
{
	if (p->silent || mono_reached(now, silence_at(p)))
		return ENGINE_SYNC_SILENT;
	if (!p->answered)
		return ENGINE_SYNC_HANDSHAKE;
	if (!p->synced || p->missed || p->bulk_open || p->sweeping)
		return ENGINE_SYNC_BULK;
	if (p->nack_wait)
		return ENGINE_SYNC_GAP;
	if (mono_diff_ms(now, p->lag_at) >= LIMIT_LAG_MS)
		return ENGINE_SYNC_LAGGING;
	return ENGINE_SYNCED;
}

void peer_check(const struct engine *e, const struct peer *p)
{
	CHECK(p->used);
	CHECK(p->nack_wait == (p->nack_sent || p->nacks_queued > 0));
	CHECK(!p->acked_set || wire_v1_seq_before(p->acked, e->sender.next_seq));
	CHECK(!p->island_set || !wire_v1_seq_before(p->island_to, p->island_from));
	CHECK(!p->ack_set || p->seen);
	for (unsigned i = 0; i < e->peers_count; i++)
		CHECK(&e->peers[i] == p ||
			memcmp(&e->peers[i].addr, &p->addr, sizeof(p->addr)) != 0);
}
