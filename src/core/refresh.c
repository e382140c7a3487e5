/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/refresh.h"

#include "core/local.h"
#include "core/queue.h"
#include "core/remote.h"
#include "core/sender.h"

enum { EXPIRE_WALKS = 8, EXPIRE_WALK_MS_MIN = 1000 }; /* walks in a cache's timeout */

static bool is_alarm(const struct engine *e)
{
	return e->config.mode == ENGINE_MODE_ALARM && e->config.links > 0;
}

void refresh_init(struct engine *e)
{
	struct refresh *r = &e->refresh;

	r->began = r->tick_at = e->now;
	r->again_at = mono_add_ms(e->now, LIMIT_AGAIN_MS);
	r->again_seq = e->config.first_seq;
}

/* How far a walk that began then, and lasts so long, should be by now: a table's cursor. */
static uint64_t due(const struct engine *e, mono began, int64_t length_ms)
{
	int64_t gone = mono_diff_ms(e->now, began) / LIMIT_TICK_MS;
	int64_t all = length_ms / LIMIT_TICK_MS;

	if (gone >= all)
		return UINT64_MAX;
	return (((uint64_t)gone << 32) / (uint64_t)all) << 32;
}

static int64_t round_ms(const struct engine *e)
{
	return (int64_t)e->config.refresh_s * 1000;
}

static bool put(struct engine *e, struct wbuf *w, uint32_t handle)
{
	const struct entry *x = entry_at(&e->store, handle);

	if (x->dead || x->list == ENTRY_QUEUED)
		return true;
	if (!sender_put_entry(e, w, handle))
		return false;
	engine_count(e, COUNTER_REFRESHED);
	return true;
}

/* A round that the link has held up is not made up for: the next one begins when it ends. */
static void next_round(struct engine *e)
{
	struct refresh *r = &e->refresh;
	mono at = mono_add_ms(r->began, round_ms(e));

	r->began = mono_before(mono_add_ms(at, round_ms(e)), e->now) ? e->now : at;
	r->cursor = 0;
}

bool refresh_put(struct engine *e, struct wbuf *w)
{
	struct refresh *r = &e->refresh;
	uint64_t until;

	if (!is_alarm(e))
		return true;
	until = due(e, r->began, round_ms(e));
	for (;;) {
		uint64_t cursor = r->cursor;
		uint32_t handle = table_next(&e->local, &e->store, &cursor);

		if (!handle || cursor > until)
			break;
		if (!put(e, w, handle))
			return false;
		r->cursor = cursor;
	}
	if (until == UINT64_MAX)
		next_round(e);
	return true;
}

static int64_t expire_walk_ms(const struct engine *e)
{
	int64_t ms = (int64_t)e->config.cache_timeout_s * 1000 / EXPIRE_WALKS;

	if (ms < EXPIRE_WALK_MS_MIN)
		return EXPIRE_WALK_MS_MIN;
	return ms < LIMIT_EXPIRE_WALK_MS ? ms : LIMIT_EXPIRE_WALK_MS;
}

void refresh_expire(struct engine *e, struct peer *p)
{
	uint64_t until = due(e, p->expire_began, expire_walk_ms(e));
	uint64_t age_max = (uint64_t)e->config.cache_timeout_s * (1000 / LIMIT_TICK_MS);

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint64_t cursor = p->expire_cursor;
		uint32_t handle = table_next(&p->remote, &e->store, &cursor);

		if (!handle || cursor > until) {
			if (until == UINT64_MAX) {
				p->expire_cursor = 0;
				p->expire_began = e->now;
			}
			return;
		}
		p->expire_cursor = cursor;
		if (engine_coarse(e, e->now) - entry_at(&e->store, handle)->touched < age_max)
			continue;
		engine_count(e, COUNTER_REMOTE_EXPIRED);
		remote_remove(e, p, handle);
	}
}

/* A lost deletion would leave the flow with the peers for CacheTimeout: it is said twice. */
static void say_deletions_again(struct engine *e)
{
	struct refresh *r = &e->refresh;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = e->tomb.head;

		if (!handle ||
			!wire_v1_seq_before(entry_at(&e->store, handle)->seq, r->again_seq)) {
			r->again_seq = e->sender.next_seq;
			r->again_at = mono_add_ms(e->now, LIMIT_AGAIN_MS);
			return;
		}
		queue_put_repair(e, handle);
	}
}

void refresh_tick(struct engine *e)
{
	struct refresh *r = &e->refresh;

	if (!is_alarm(e))
		return;
	r->tick_at = mono_add_ms(e->now, LIMIT_TICK_MS);
	if (mono_reached(e->now, r->again_at))
		say_deletions_again(e);
	for (unsigned i = 0; i < e->peers_count; i++)
		refresh_expire(e, &e->peers[i]);
}

mono refresh_deadline(const struct engine *e)
{
	bool busy = table_count(&e->local) > 0;

	if (!is_alarm(e))
		return MONO_NEVER;
	for (unsigned i = 0; i < e->peers_count; i++)
		busy = busy || table_count(&e->peers[i].remote) > 0;
	return busy ? e->refresh.tick_at : MONO_NEVER;
}
