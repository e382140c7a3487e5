/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/peer.h"

#include <string.h>

#include "base/check.h"
#include "core/ack.h"
#include "core/addr.h"
#include "core/bulk.h"
#include "core/event.h"
#include "core/handshake.h"
#include "core/local.h"
#include "core/loss.h"
#include "core/remote.h"
#include "core/repair.h"
#include "core/sender.h"

/* ---- coming into being ---- */

static void reset(struct engine *e, struct peer *p)
{
	p->seen = p->last_hello = false;
	p->before_since = MONO_NEVER;
	p->boot_known = p->is_ctsync = p->partial = false;
	p->ack_set = false;
	p->window = e->config.ack_window;
	p->nack_wait = p->nack_sent = p->bulk_nack = false;
	p->hello_open = p->hello_gap = false;
	sender_forget_peer(e, p);
	p->answered = p->acked_set = p->island_set = false;
	p->acked = e->sender.next_seq - 1; /* what came before, it gets by the bulk */
	p->calm_since = e->now;
	p->lag_seq = e->sender.next_seq;
	p->lag_at = e->now;
	p->repair_pending = p->ahead = false;
	p->bulk_next = e->now;
	loss_reset(e, p);
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

struct peer *peer_get(struct engine *e, unsigned link, const struct engine_addr *addr,
	const struct wire_v1_message *m)
{
	struct peer *p = addr_find(e, link, addr, m);
	struct table remote;

	if (p)
		return p;
	p = place(e);
	if (!p) {
		refuse(e, addr);
		return NULL;
	}
	remote = p->remote;
	memset(p, 0, sizeof(*p));
	p->remote = remote;
	p->used = true;
	addr_init(p, link, addr);
	p->heard = e->now;
	p->sweep_at = MONO_NEVER;
	p->resync_next = p->introduce_next = e->now;
	bucket_init(&p->repair, LIMIT_REPAIR_PER_SEC, e->now);
	bucket_init(&p->told, LIMIT_EVENTS_PER_SEC, e->now);
	reset(e, p);
	event_peer(e, ENGINE_EVENT_PEER_NEW, p, 0);
	handshake_greet(e, p);
	return p;
}

void peer_want_resync(struct engine *e, struct peer *p, int64_t delay_ms)
{
	mono at = mono_add_ms(e->now, delay_ms);

	if (!engine_has_control(e)) {
		loss_await(e, p);
		return;
	}
	if (!p->resync_wanted || mono_before(at, p->resync_at))
		p->resync_at = at;
	p->resync_wanted = true;
}

void peer_restarted(struct engine *e, struct peer *p)
{
	engine_count(e, COUNTER_PEER_RESTARTS);
	if (p->boot_known)
		handshake_retire_boot(p);
	reset(e, p);
	remote_unconfirm(e, p);
	event_peer(e, ENGINE_EVENT_PEER_RESTARTED, p, remote_flows(p));
	handshake_greet(e, p);
}

/* ---- one message ---- */

/*
 * A bulk's begin that is in sequence is of the process that is there now, whatever a HELLO mark,
 * late or forged, has made us believe.
 */
static void mark_heard(struct engine *e, struct peer *p, const struct wire_v1_mark *mark)
{
	if (mark->kind == WIRE_V1_MARK_BULK_BEGIN && p->boot_known && p->boot_id != mark->boot_id) {
		handshake_retire_boot(p);
		p->boot_known = false;
	}
	handshake_adopt_boot(p, mark->boot_id);
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
		if (!handshake_is_known(e, target))
			handshake_introduce(e, p);
		return;
	}
	if (m->flags & WIRE_V1_ACK) {
		ack_heard(e, p, m->from, m->to);
	} else if (m->flags & WIRE_V1_NACK) {
		ack_nack_heard(e, p, m->from, m->to);
	} else if (m->flags & WIRE_V1_RESYNC) {
		engine_count(e, COUNTER_RESYNCS_RECEIVED);
		p->ahead = false; /* whatever it has missed, it gets all */
		event_peer(e, ENGINE_EVENT_RESYNC_ASKED, p, local_flows(e));
		bulk_want_for(e, p);
	} else if (mark) {
		mark_heard(e, p, mark);
	} else if (m->flags & WIRE_V1_ALIVE) {
		loss_alive(e, p);
	}
}

void peer_lose_track(struct engine *e, struct peer *p)
{
	p->ack_set = p->seen = false;
	p->before_since = MONO_NEVER;
	if (!engine_acknowledges(e))
		loss_gap(e, p);
	if (e->config.mode == ENGINE_MODE_ALARM)
		return;
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
	p->hello_gap = p->hello_open;
	if (!engine_acknowledges(e)) {
		loss_gap(e, p);
		if (missing > LIMIT_GAP_MAX)
			peer_lose_track(e, p);
		return;
	}
	ack_send(e, p);
	p->ack_set = false;
	if (missing > LIMIT_GAP_MAX) {
		peer_lose_track(e, p);
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
		peer_restarted(e, p);
	else
		peer_lose_track(e, p);
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
		peer_restarted(e, p);
	} else if (seq != p->last_recv + 1) {
		gap(e, p, seq);
	}
	return true;
}

bool peer_message(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	bool hello = engine_acknowledges(e) && m->flags & WIRE_V1_HELLO, has_mark, taken;
	struct wire_v1_mark mark;

	has_mark = m->type == WIRE_V1_CTL && m->flags & WIRE_V1_ALIVE && wire_v1_get_mark(m, &mark);
	/* whatever is not a plain continuation may mean something to the table */
	if (m->type == WIRE_V1_CTL || m->flags || !p->seen || m->seq != p->last_recv + 1)
		remote_settle(e);
	p->heard = e->now;
	if (p->silent) {
		p->silent = p->superseded = false;
		if (p->leaving) {
			p->leaving = false;
			remote_unconfirm(e, p);
			peer_want_resync(e, p, 0);
		} else if (!engine_has_control(e)) {
			loss_await(e, p);
		}
		event_peer(e, ENGINE_EVENT_PEER_BACK, p, 0);
	}
	if (has_mark && !handshake_boot_heard(e, p, m->seq, mark.boot_id)) {
		engine_count(e, COUNTER_BEFORE);
		return false;
	}
	taken = in_sequence(e, p, m->seq, hello);
	if (has_mark && mark.kind == WIRE_V1_MARK_HELLO)
		handshake_adopt_boot(p, mark.boot_id);
	if (!taken) {
		/* nobody would say it again; what else comes late may be older than what is here */
		if (m->flags & WIRE_V1_RESYNC && !engine_acknowledges(e))
			deliver(e, p, m, NULL);
		return false;
	}
	if (hello)
		e->sender.hello_back = true;
	if (m->flags & WIRE_V1_HELLO_BACK && engine_acknowledges(e)) {
		p->answered = true;
		handshake_done(e);
	}
	p->last_hello = hello;
	p->last_recv = m->seq;
	p->seen = true;
	p->before_since = MONO_NEVER;
	if (engine_acknowledges(e))
		ack_taken(e, p, m);
	deliver(e, p, m, has_mark ? &mark : NULL);
	return true;
}

/* ---- time ---- */

static mono silence_at(const struct engine *e, const struct peer *p)
{
	if (e->config.mode == ENGINE_MODE_ALARM)
		return mono_add_sec(p->heard, e->config.cache_timeout_s);
	return mono_add_ms(p->heard, LIMIT_PEER_SILENCE_MS);
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
	if (!engine_acknowledges(e))
		loss_asked(e, p);
}

/*
 * conntrackd does not tell what its purge removes, and gives its table to whoever asks before the
 * purge. So what is here may have ended long since on the node that has taken it over, and is not
 * to be trusted until it is named again.
 */
void peer_ask_all(struct engine *e)
{
	bool asked;

	if (!engine_has_control(e))
		return; /* ALARM: they say all by themselves */
	asked = sender_control(e, CONTROL_RESYNC, NULL, 0, 0);
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
	if (!p->silent && mono_reached(e->now, silence_at(e, p))) {
		p->silent = true;
		event_peer(e, ENGINE_EVENT_PEER_LOST, p, 0);
		repair_release(e);
	}
	addr_tick(e, p);
	if (engine_acknowledges(e))
		ack_tick(e, p);
	else
		loss_tick(e, p);
	tick_resync(e, p);
}

mono peer_deadline(const struct engine *e, const struct peer *p)
{
	mono at = engine_acknowledges(e) ? ack_deadline(p) : loss_deadline(e, p);

	if (!p->silent)
		at = mono_min(at, silence_at(e, p));
	if (p->resync_wanted && !p->silent)
		at = mono_min(at,
			mono_before(p->resync_at, p->resync_next) ? p->resync_next : p->resync_at);
	return at;
}

enum engine_sync peer_sync(const struct engine *e, const struct peer *p, mono now)
{
	if (p->silent || mono_reached(now, silence_at(e, p)))
		return ENGINE_SYNC_SILENT;
	if (engine_acknowledges(e) && !p->answered)
		return ENGINE_SYNC_HANDSHAKE;
	if (!p->synced || p->missed || p->bulk_open || p->sweeping)
		return ENGINE_SYNC_BULK;
	if (p->nack_wait || p->gap)
		return ENGINE_SYNC_GAP;
	if (engine_acknowledges(e) && mono_diff_ms(now, p->lag_at) >= LIMIT_LAG_MS)
		return ENGINE_SYNC_LAGGING;
	return ENGINE_SYNCED;
}

void peer_check(const struct engine *e, const struct peer *p)
{
	CHECK(p->used);
	ack_check(e, p);
	addr_check(e, p);
}
