/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inject_gone.h"

#include "base/check.h"
#include "core/record.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

bool inject_gone_replace(struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);
	uint32_t gone = 0;

	if (e->inject.gone > 0)
		gone = index_find(&e->inject.ended, &e->store, k.hash, k.bytes, k.len);
	if (!gone || at(e, gone)->list == ENTRY_UNLISTED)
		return false;
	at(e, handle)->flags |= at(e, gone)->flags & REMOTE_WRITTEN;
	inject_unlist(e, gone);
	inject_gone_free(e, gone);
	return true;
}

/* A commit may have written it anew while its former end waits for the dump that takes all. */
uint32_t inject_gone_detach(struct engine *e, struct table *t, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);

	inject_gone_replace(e, handle);
	record_moved(e, handle);
	inject_unlist(e, handle);
	table_detach(t, &e->store, handle);
	at(e, handle)->dead = 1;
	at(e, handle)->born = engine_coarse(e, e->now);
	CHECK(index_add(&e->inject.ended, &e->store, k.hash, handle));
	e->inject.gone++;
	return handle;
}

void inject_gone_queue(struct engine *e, uint32_t handle)
{
	inject_list_append(e, handle, INJECT_QUEUE);
}

void inject_gone_free(struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);

	CHECK(at(e, handle)->dead && at(e, handle)->list == ENTRY_UNLISTED);
	index_remove(&e->inject.ended, k.hash, handle);
	arena_free(&e->store.arena, handle);
	e->inject.gone--;
}

void inject_gone_keep(struct engine *e, const struct table_key *k)
{
	uint32_t gone = 0;

	if (e->config.internal_cache_off && e->inject.gone > 0)
		gone = index_find(&e->inject.ended, &e->store, k->hash, k->bytes, k->len);
	if (!gone || at(e, gone)->list == ENTRY_UNLISTED)
		return; /* none, or the kernel has been asked to */
	engine_count(e, COUNTER_INJECT_KEPT);
	inject_unlist(e, gone);
	inject_gone_free(e, gone);
}
