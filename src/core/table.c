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

void table_reset(struct table *t)
{
	index_reset(&t->index);
	t->expects = 0;
}

struct table_key table_key_of(const struct store *s, const struct flow *f)
{
	struct table_key k;

	k.len = flow_key_make(f, k.bytes);
	k.hash = k.len ? index_hash(s, k.bytes, k.len) : 0;
	return k;
}

struct table_key table_key_of_expect(const struct store *s, const struct expect *x)
{
	struct table_key k;

	k.len = expect_key_make(x, k.bytes);
	k.hash = k.len ? index_hash(s, k.bytes, k.len) : 0;
	return k;
}

void table_key_of_plain(const struct store *s, const struct flow_plain *f, struct table_key *k)
{
	k->len = flow_plain_key(f, k->bytes);
	k->hash = index_hash(s, k->bytes, k->len);
}

struct table_key table_key_at(const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);
	struct table_key k;

	k.len = entry_key_len(e);
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

void table_pack(struct table_packed *p, const struct flow *f)
{
	p->len = flow_pack(f, p->bytes);
	p->flags = master_flag(f);
	CHECK(p->len > 0);
}

void table_pack_plain(struct table_packed *p, const struct flow_plain *f)
{
	p->len = flow_plain_pack(f, p->bytes);
	p->flags = 0;
}

void table_pack_expect(struct table_packed *p, const struct expect *x)
{
	p->len = expect_pack(x, p->bytes);
	p->flags = 0;
	CHECK(p->len > 0);
}

enum table_result table_add(struct table *t, struct store *s, const struct table_key *k,
	const struct flow *f, uint32_t now, uint32_t *handle)
{
	struct table_packed p;

	if (table_count(t) >= t->entries_max)
		return TABLE_FULL;
	table_pack(&p, f);
	return table_add_packed(t, s, k, &p, now, handle);
}

enum table_result table_add_packed(struct table *t, struct store *s, const struct table_key *k,
	const struct table_packed *p, uint32_t now, uint32_t *handle)
{
	struct entry *e;

	if (table_count(t) >= t->entries_max)
		return TABLE_FULL;
	*handle = arena_alloc(&s->arena, sizeof(*e) + p->len);
	if (!*handle)
		return TABLE_NO_MEMORY;
	e = entry_at(s, *handle);
	memset(e, 0, sizeof(*e));
	e->table = t->id & 15;
	e->len = p->len & 511;
	e->born = e->touched = now;
	e->flags = p->flags;
	memcpy(e->packed, p->bytes, p->len);
	if (!index_add(&t->index, s, k->hash, *handle)) {
		arena_free(&s->arena, *handle);
		return TABLE_FULL;
	}
	t->expects += entry_is_expect(e);
	return TABLE_OK;
}

enum table_result table_write(struct table *t, struct store *s, const struct table_key *k,
	const struct flow *f, uint32_t *handle)
{
	struct table_packed p;

	table_pack(&p, f);
	return table_write_packed(t, s, k, &p, handle);
}

enum table_result table_write_packed(struct table *t, struct store *s, const struct table_key *k,
	const struct table_packed *p, uint32_t *handle)
{
	struct entry *e = entry_at(s, *handle);
	uint32_t moved;

	if (arena_class(sizeof(*e) + p->len) != arena_class(sizeof(*e) + e->len)) {
		moved = arena_alloc(&s->arena, sizeof(*e) + p->len);
		if (!moved)
			return TABLE_NO_MEMORY;
		memcpy(entry_at(s, moved), e, sizeof(*e));
		index_replace(&t->index, k->hash, *handle, moved);
		arena_free(&s->arena, *handle);
		*handle = moved;
		e = entry_at(s, moved);
	}
	e->len = p->len & 511;
	e->flags = (uint8_t)((e->flags & ~ENTRY_HAS_MASTER) | p->flags);
	memcpy(e->packed, p->bytes, p->len);
	return TABLE_OK;
}

void table_moved(struct table *t, const struct store *s, uint32_t old, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);

	index_replace(&t->index, index_hash(s, e->packed, entry_key_len(e)), old, handle);
}

void table_detach(struct table *t, const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);

	index_remove(&t->index, index_hash(s, e->packed, entry_key_len(e)), handle);
	t->expects -= entry_is_expect(e);
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

void table_read_expect(const struct store *s, uint32_t handle, struct expect *x)
{
	const struct entry *e = entry_at(s, handle);

	expect_unpack(e->packed, e->len, x);
}

uint32_t table_timeout(const struct store *s, uint32_t handle, uint32_t otherwise)
{
	struct expect x;
	struct flow f;

	if (entry_is_expect(entry_at(s, handle))) {
		table_read_expect(s, handle, &x);
		return expect_has(&x, EXPECT_TIMEOUT) ? x.timeout : otherwise;
	}
	table_read(s, handle, &f);
	return flow_has(&f, FLOW_TIMEOUT) ? f.timeout : otherwise;
}

void table_check(const struct table *t, const struct store *s)
{
	uint64_t cursor = 0;
	uint32_t handle, count = 0, expects = 0;

	index_check(&t->index, s);
	CHECK(table_count(t) <= t->entries_max);
	while ((handle = table_next(t, s, &cursor)) != 0) {
		const struct entry *e = entry_at(s, handle);
		struct table_key k = table_key_at(s, handle);

		expects += entry_is_expect(e);
		CHECK(e->table == t->id && e->len >= k.len);
		CHECK(table_find(t, s, &k) == handle);
		count++;
	}
	CHECK(count == table_count(t) && expects == t->expects);
}
