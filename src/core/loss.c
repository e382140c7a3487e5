/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/loss.h"

#include "core/bulk.h"
#include "core/event.h"
#include "core/peer.h"
#include "core/remote.h"

void loss_reset(struct engine *e, struct peer *p)
{
	p->gap = false;
	p->gap_at = p->since = p->expire_began = e->now;
	p->pause_ms = LIMIT_RESYNC_INTERVAL_MS;
	p->asked = 0;
}

void loss_gap(struct engine *e, struct peer *p)
{
	if (mono_diff_ms(e->now, p->gap_at) > LIMIT_LOSS_PAUSE_MS)
		p->pause_ms = LIMIT_RESYNC_INTERVAL_MS;
	p->gap = true;
	p->gap_at = e->now;
	if (e->config.mode == ENGINE_MODE_ALARM)
		return;
	/* the table that is being received is not complete either */
	p->bulk_nack = true;
	remote_epoch(p);
	p->sure_epoch = p->epoch;
	p->sweep_at = MONO_NEVER;
	peer_want_resync(e, p, LIMIT_RESYNC_DELAY_MS);
}

void loss_asked(struct engine *e, struct peer *p)
{
	if (p->gap) {
		p->resync_next = mono_add_ms(e->now, p->pause_ms);
		p->pause_ms *= 2;
		if (p->pause_ms > LIMIT_LOSS_PAUSE_MS)
			p->pause_ms = LIMIT_LOSS_PAUSE_MS;
	}
	if (p->is_ctsync)
		return; /* its marks will tell what is in its table */
	/* it never asks, be it that it has lost something too, or that it has restarted */
	if (p->gap)
		bulk_want_for(e, p);
	remote_epoch(p);
	p->data_since = false;
	p->old = table_count(&p->remote);
	p->renamed = 0;
	p->sweep_at = mono_add_ms(e->now, LIMIT_SWEEP_MS);
	p->asked++;
}

void loss_await(struct engine *e, struct peer *p)
{
	p->synced = false;
	p->since = e->now;
}

/*
 * Data has come, but was it the table? Our request may be lost, and the data be that of a few
 * events. A table names most of what is here.
 */
static bool is_told(const struct peer *p)
{
	return p->data_since && p->renamed >= p->old - p->old / 2;
}

/*
 * conntrackd has had time to send its table, and nothing was lost meanwhile. If it has not, then it
 * may not have heard us; or it has nothing, and what is here of it gets the time that it has left.
 */
static void settle(struct engine *e, struct peer *p)
{
	bool told = is_told(p);

	p->sweep_at = MONO_NEVER;
	if (!told && p->asked < LIMIT_RESYNC_TRIES) {
		peer_want_resync(e, p, 0);
		return;
	}
	if (!told && table_count(&p->remote) > 0) {
		p->unconfirmed = true;
		peer_want_resync(e, p, LIMIT_LOSS_PAUSE_MS);
		return;
	}
	p->asked = 0;
	p->gap = false;
	if (!p->synced)
		event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, table_count(&p->remote));
	p->synced = true;
	remote_sweep(e, p);
}

void loss_alive(struct engine *e, struct peer *p)
{
	mono asked_at;

	if (engine_acknowledges(e) || p->is_ctsync || mono_is_never(p->sweep_at) || !is_told(p))
		return;
	asked_at = mono_add_ms(p->sweep_at, -LIMIT_SWEEP_MS);
	if (mono_diff_ms(e->now, asked_at) >= LIMIT_SETTLE_MS)
		settle(e, p);
}

/* When all that lives has been said since it was awaited; and what had ended is forgotten. */
static mono refreshed_at(const struct engine *e, const struct peer *p)
{
	return mono_add_sec(p->since, e->config.refresh_s);
}

static mono forgotten_at(const struct engine *e, const struct peer *p)
{
	return mono_add_sec(p->gap_at, e->config.cache_timeout_s);
}

static void tick_alarm(struct engine *e, struct peer *p)
{
	if (p->gap && mono_reached(e->now, forgotten_at(e, p)))
		p->gap = false;
	if (p->synced || p->silent || mono_before(e->now, refreshed_at(e, p)))
		return;
	p->synced = true;
	event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, table_count(&p->remote));
}

void loss_tick(struct engine *e, struct peer *p)
{
	if (e->config.mode == ENGINE_MODE_ALARM)
		tick_alarm(e, p);
	else if (!p->is_ctsync && !p->silent && mono_reached(e->now, p->sweep_at))
		settle(e, p);
}

mono loss_deadline(const struct engine *e, const struct peer *p)
{
	mono at = MONO_NEVER;

	if (e->config.mode == ENGINE_MODE_ALARM) {
		if (p->gap)
			at = forgotten_at(e, p);
		return p->synced || p->silent ? at : mono_min(at, refreshed_at(e, p));
	}
	return p->is_ctsync || p->silent ? at : p->sweep_at;
}
