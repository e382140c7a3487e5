/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/release.h"

#include <string.h>

#include "base/check.h"
#include "core/inject.h"
#include "core/queue.h"

/* Of the tables, the former process's included, and of what is still to be ended. */
static unsigned indexes(const struct engine *e)
{
	return e->peers_count + 3;
}

static const struct index *index_at(const struct engine *e, unsigned i)
{
	if (i == 0)
		return &e->local.index;
	if (i <= e->peers_count)
		return &e->peers[i - 1].remote.index;
	return i == e->peers_count + 1 ? &e->former.table.index : &e->inject.ended;
}

static struct index *nth_index(struct engine *e, unsigned i)
{
	if (i <= e->peers_count)
		return &engine_table_of(e, i)->index;
	return i == e->peers_count + 1 ? &e->former.table.index : &e->inject.ended;
}

static bool wastes(const struct engine *e)
{
	const struct arena *a = &e->store.arena;

	return arena_wasted_bytes(a) > a->bytes / 8 + e->config.memory_keep_bytes;
}

static bool is_fat(const struct engine *e)
{
	const struct arena *a = &e->store.arena;
	uint64_t empty = (uint64_t)a->empty_count * arena_chunk_bytes(a);
	bool fat = empty > e->config.memory_keep_bytes || wastes(e);

	for (unsigned i = 0; !fat && i < indexes(e); i++)
		fat = index_is_fat(index_at(e, i));
	return fat;
}

/* ---- entries of nearly empty chunks move together ---- */

/*
 * False if it has to stay: it is in no table and on no list, and an operation under way knows where
 * it is; or there is no memory.
 */
static bool move(struct engine *e, uint32_t old)
{
	const struct entry *x = entry_at(&e->store, old);
	size_t bytes = sizeof(*x) + x->len;
	bool detached = x->table != TABLE_LOCAL && x->dead;
	uint32_t handle;

	if (detached && x->list == ENTRY_UNLISTED)
		return false;
	handle = arena_alloc(&e->store.arena, bytes);
	if (!handle)
		return false;
	memcpy(entry_at(&e->store, handle), x, bytes);
	if (!detached)
		table_moved(engine_table_of(e, x->table), &e->store, old, handle);
	if (x->table == TABLE_LOCAL)
		queue_moved(e, handle);
	else if (engine_injects(e))
		inject_moved(e, old, handle);
	arena_free(&e->store.arena, old);
	engine_count(e, COUNTER_MEMORY_MOVED);
	return true;
}

/* The price of choosing a chunk: a walk over what is free in it [moves]. */
enum { CHOICE_COST = 64 };

static void thin(struct engine *e)
{
	struct release *r = &e->release;
	struct arena *a = &e->store.arena;

	for (unsigned n = 0; r->thins && n < LIMIT_RELEASE_MOVES; n++) {
		uint32_t handle = arena_thin_next(a);

		if (handle) {
			r->moved |= move(e, handle);
			continue;
		}
		/* a chunk of which nothing could be moved would be chosen again */
		r->thins = r->moved && wastes(e) && arena_thin_begin(a);
		r->moved = false;
		n += CHOICE_COST;
	}
}

/* ---- time ---- */

static void look(struct engine *e)
{
	struct release *r = &e->release;
	uint32_t keep =
		(uint32_t)(e->config.memory_keep_bytes / arena_chunk_bytes(&e->store.arena));
	uint32_t spare = arena_spare(&e->store.arena);

	r->chunks = spare > keep ? spare - keep : 0;
	for (unsigned i = 0; i < indexes(e); i++)
		index_slim(nth_index(e, i));
	r->thins = r->moved = true;
	r->look_at = mono_add_ms(e->now, LIMIT_RELEASE_LOOK_MS);
}

void release_init(struct engine *e)
{
	e->release.look_at = e->now;
	e->release.step_at = MONO_NEVER;
}

void release_tick(struct engine *e)
{
	struct release *r = &e->release;
	bool more = false;

	if (!mono_reached(e->now, release_deadline(e)))
		return;
	if (mono_reached(e->now, r->look_at))
		look(e);
	thin(e);
	for (unsigned i = 0; i < indexes(e); i++)
		more |= index_step(nth_index(e, i), LIMIT_RELEASE_SLOTS);
	more |= r->thins || r->ranges == 0;
	r->ranges = LIMIT_RELEASE_RANGES;
	r->step_at = more ? mono_add_ms(e->now, LIMIT_RELEASE_STEP_MS) : MONO_NEVER;
}

mono release_deadline(const struct engine *e)
{
	const struct release *r = &e->release;

	if (!is_fat(e))
		return r->step_at;
	return mono_min(mono_before(r->look_at, e->now) ? e->now : r->look_at, r->step_at);
}

bool engine_next_release(struct engine *e, void **addr, size_t *bytes)
{
	struct release *r = &e->release;

	if (r->ranges == 0)
		return false;
	r->ranges--;
	for (unsigned i = 0; i < indexes(e); i++)
		if (index_next_spare(nth_index(e, i), LIMIT_RELEASE_BYTES, addr, bytes))
			return true;
	if (r->chunks > 0 && (*addr = arena_next_spare(&e->store.arena, bytes)) != NULL) {
		r->chunks--;
		return true;
	}
	r->ranges++;
	return false;
}
