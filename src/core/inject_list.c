/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inject_list.h"

#include "base/check.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static void mark(struct engine *e, uint32_t handle, enum inject_list list)
{
	struct entry *x = at(e, handle);

	CHECK(x->list == ENTRY_UNLISTED && list != INJECT_UNLISTED);
	x->list = list & 3;
	x->flags = (uint8_t)(list > INJECT_WAITING ? x->flags | REMOTE_LATER
						   : x->flags & ~REMOTE_LATER);
	e->inject.expects += entry_is_expect(x);
}

void inject_list_append(struct engine *e, uint32_t handle, enum inject_list list)
{
	mark(e, handle, list);
	chain_append(&e->store, &e->inject.chain[list], handle);
}

void inject_list_prepend(struct engine *e, uint32_t handle, enum inject_list list)
{
	mark(e, handle, list);
	chain_prepend(&e->store, &e->inject.chain[list], handle);
}

void inject_unlist(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (x->list == ENTRY_UNLISTED)
		return;
	chain_remove(&e->store, &e->inject.chain[inject_list_of(x)], handle);
	x->list = ENTRY_UNLISTED;
	x->flags &= (uint8_t)~REMOTE_LATER;
	e->inject.expects -= entry_is_expect(x);
}

void inject_list_move(struct engine *e, uint32_t handle, enum inject_list list)
{
	inject_unlist(e, handle);
	inject_list_append(e, handle, list);
}

void inject_list_append_late(struct engine *e, uint32_t handle)
{
	at(e, handle)->flags |= REMOTE_RETRIED;
	if (inject_list_count(e, INJECT_LATE) == 0)
		e->inject.late_at = mono_add_ms(e->now, LIMIT_RELATED_RETRY_MS);
	inject_list_append(e, handle, INJECT_LATE);
}

/* Also of one that is in no table any more: see inject_gone_detach(). */
void inject_moved(struct engine *e, uint32_t old, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (handle != old && x->dead)
		index_replace(&e->inject.ended, index_hash(&e->store, x->packed, entry_key_len(x)),
			old, handle);
	if (handle != old && x->list != ENTRY_UNLISTED)
		chain_moved(&e->store, &e->inject.chain[inject_list_of(x)], handle);
}

uint32_t inject_waiting(const struct engine *e)
{
	uint32_t count = 0;

	for (unsigned list = 0; list < INJECT_LISTS; list++)
		count += e->inject.chain[list].count;
	return count;
}

uint32_t inject_waiting_expects(const struct engine *e)
{
	return e->inject.expects;
}

/* ---- checks ---- */

struct found {
	uint32_t gone, expects;
};

static void check_chain(const struct engine *e, enum inject_list list, struct found *found)
{
	const struct entry_chain *c = &e->inject.chain[list];
	uint32_t prev = 0, count = 0;

	for (uint32_t h = c->head; h; h = at(e, h)->next) {
		const struct entry *x = at(e, h);

		CHECK(x->prev == prev && inject_list_of(x) == list && x->table != TABLE_LOCAL);
		CHECK(!(x->flags & REMOTE_WRITING) || x->dead);
		CHECK(!x->dead || list == INJECT_QUEUE);
		found->gone += x->dead;
		found->expects += entry_is_expect(x);
		prev = h;
		CHECK(++count <= c->count);
	}
	CHECK(count == c->count && c->tail == prev);
}

uint32_t inject_list_check(const struct engine *e)
{
	struct found found = {0};
	uint32_t listed = 0;

	for (unsigned list = 0; list < INJECT_LISTS; list++)
		check_chain(e, (enum inject_list)list, &found);
	for (unsigned p = 0; p < e->peers_count; p++) {
		uint64_t cursor = 0;
		uint32_t h;

		while ((h = table_next(&e->peers[p].remote, &e->store, &cursor)) != 0) {
			const struct entry *x = at(e, h);

			listed += x->list != ENTRY_UNLISTED;
			CHECK(x->list != ENTRY_UNLISTED || !(x->flags & REMOTE_LATER));
		}
	}
	CHECK(listed + found.gone == inject_waiting(e));
	CHECK(found.expects == e->inject.expects);
	return found.gone;
}
