/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/table.h"

#include <string.h>

#include "base/check.h"

size_t table_memory_bytes(uint32_t entries_max)
{
	return index_memory_bytes(entries_max);
}

void table_init(struct table *t, void *memory, uint32_t entries_max, uint8_t id)
{
	/* a commit walks the remote tables and fills the local one */
	index_init(&t->index, memory, entries_max, id == TABLE_LOCAL);
	t->entries_max = entries_max;
	t->id = id;
}

struct table_key table_key_of(const struct store *s, const struct flow *f)
{
	struct table_key k;

	k.len = flow_key_make(f, k.bytes);
	k.hash = k.len ? index_hash(s, k.bytes, k.len) : 0;
	return k;
}

struct table_key table_key_at(const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);
	struct table_key k;

	k.len = flow_key_len(e->packed);
	memcpy(k.bytes, e->packed, k.len);
	k.hash = index_hash(s, k.bytes, k.len);
	return k;
}

uint32_t table_find(const struct table *t, const struct store *s, const struct table_key *k)
{
	return index_find(&t->index, s, k->hash, k->bytes, k->len);
}

static uint8_t master_flag(const struct flow *f)
{
	return flow_has(f, FLOW_MASTER_L3PROTO) || flow_has(f, FLOW_MASTER_IPV4_SRC) ||
			       flow_has(f, FLOW_MASTER_IPV6_SRC)
		       ? ENTRY_HAS_MASTER
		       : 0;
}

enum table_result table_add(struct table *t, struct store *s, const struct table_key *k,
	const struct flow *f, uint32_t now, uint32_t *handle)
{
	uint8_t packed[FLOW_PACKED_BYTES_MAX];
	size_t len;
	struct entry *e;

	if (table_count(t) >= t->entries_max)
		return TABLE_FULL;
	len = flow_pack(f, packed);
	CHECK(len > 0);
	*handle = arena_alloc(&s->arena, sizeof(*e) + len);
	if (!*handle)
		return TABLE_NO_MEMORY;
	e = entry_at(s, *handle);
	memset(e, 0, sizeof(*e));
	e->table = t->id & 15;
	e->len = len & 511;
	e->born = e->touched = now;
	e->flags = master_flag(f);
	memcpy(e->packed, packed, len);
	if (!index_add(&t->index, s, k->hash, *handle)) {
		arena_free(&s->arena, *handle);
		return TABLE_FULL;
	}
	return TABLE_OK;
}

enum table_result table_write(struct table *t, struct store *s, const struct table_key *k,
	const struct flow *f, uint32_t *handle)
{
	uint8_t packed[FLOW_PACKED_BYTES_MAX];
	size_t len = flow_pack(f, packed);
	struct entry *e = entry_at(s, *handle);
	uint32_t moved;

	CHECK(len > 0);
	if (arena_class(sizeof(*e) + len) != arena_class(sizeof(*e) + e->len)) {
		moved = arena_alloc(&s->arena, sizeof(*e) + len);
		if (!moved)
			return TABLE_NO_MEMORY;
		memcpy(entry_at(s, moved), e, sizeof(*e));
		index_replace(&t->index, k->hash, *handle, moved);
		arena_free(&s->arena, *handle);
		*handle = moved;
		e = entry_at(s, moved);
	}
	e->len = len & 511;
	e->flags = (uint8_t)((e->flags & ~ENTRY_HAS_MASTER) | master_flag(f));
	memcpy(e->packed, packed, len);
	return TABLE_OK;
}

void table_detach(struct table *t, const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);

	index_remove(&t->index, index_hash(s, e->packed, flow_key_len(e->packed)), handle);
}

void table_remove(struct table *t, struct store *s, uint32_t handle)
{
	table_detach(t, s, handle);
	arena_free(&s->arena, handle);
}

void table_read(const struct store *s, uint32_t handle, struct flow *f)
{
	const struct entry *e = entry_at(s, handle);

	flow_unpack(e->packed, e->len, f);
}

void table_check(const struct table *t, const struct store *s)
{
	uint64_t cursor = 0;
	uint32_t handle, count = 0;

	index_check(&t->index, s);
	CHECK(table_count(t) <= t->entries_max);
	while ((handle = table_next(t, s, &cursor)) != 0) {
		const struct entry *e = entry_at(s, handle);
		struct table_key k = table_key_at(s, handle);

		CHECK(e->table == t->id && e->len >= k.len);
		CHECK(table_find(t, s, &k) == handle);
		count++;
	}
	CHECK(count == table_count(t));
}
