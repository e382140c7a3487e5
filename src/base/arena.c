/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <string.h>

#include "base/check.h"
#include "base/poison.h"

/* 32..128 in steps of 8, ..256 in steps of 16, ..384 in steps of 32 */
unsigned arena_class(size_t bytes)
{
	CHECK(bytes <= ARENA_OBJECT_BYTES_MAX);
	if (bytes <= 32)
		return 0;
	if (bytes <= 128)
		return (unsigned)((bytes - 32 + 7) / 8);
	if (bytes <= 256)
		return 12 + (unsigned)((bytes - 128 + 15) / 16);
	return 20 + (unsigned)((bytes - 256 + 31) / 32);
}

size_t arena_class_bytes(unsigned class)
{
	CHECK(class < ARENA_CLASSES);
	if (class <= 12)
		return 32 + 8 * (size_t) class;
	if (class <= 20)
		return 128 + 16 * ((size_t) class - 12);
	return 256 + 32 * ((size_t) class - 20);
}

/* The first granule of a chunk stays unused, so that no handle is 0. */
static uint32_t chunk_object(const struct arena *a, uint32_t chunk, unsigned class, unsigned n)
{
	return (chunk << a->chunk_shift) + 1 +
	       n * (uint32_t)(arena_class_bytes(class) / ARENA_GRANULE_BYTES);
}

static uint32_t object_number(const struct arena *a, uint32_t handle, unsigned class)
{
	uint32_t offset = handle & ((UINT32_C(1) << a->chunk_shift) - 1);

	return (offset - 1) / (uint32_t)(arena_class_bytes(class) / ARENA_GRANULE_BYTES);
}

static uint8_t *chunk_at(const struct arena *a, uint32_t chunk)
{
	return a->base + chunk * arena_chunk_bytes(a);
}

static size_t chunks_limit(size_t chunks, size_t chunk_bytes)
{
	size_t max = UINT32_MAX / (chunk_bytes / ARENA_GRANULE_BYTES);

	return chunks < max ? chunks : max;
}

size_t arena_memory_bytes(size_t bytes, size_t chunk_bytes)
{
	/* a chunk's first granule, and the rest of it that fits no object */
	size_t payload = chunk_bytes - ARENA_GRANULE_BYTES - (ARENA_OBJECT_BYTES_MAX - 1);
	size_t chunks = bytes / payload + 1 + ARENA_CLASSES;

	return chunks_limit(chunks, chunk_bytes) * (chunk_bytes + sizeof(struct arena_chunk));
}

void arena_init(struct arena *a, void *memory, size_t memory_bytes, size_t chunk_bytes)
{
	size_t chunks = memory_bytes / (chunk_bytes + sizeof(struct arena_chunk));

	CHECK((uintptr_t)memory % ARENA_GRANULE_BYTES == 0);
	CHECK((chunk_bytes & (chunk_bytes - 1)) == 0 && chunk_bytes >= ARENA_CHUNK_BYTES_MIN &&
		chunk_bytes <= ARENA_CHUNK_BYTES);
	memset(a, 0, sizeof(*a));
	a->base = (uint8_t *)memory;
	a->chunk_shift = (uint8_t)__builtin_ctzl(chunk_bytes / ARENA_GRANULE_BYTES);
	a->chunks_max = (uint32_t)chunks_limit(chunks, chunk_bytes);
	for (unsigned class = 0; class < ARENA_CLASSES; class ++)
		a->class_objects[class] =
			(uint16_t)((chunk_bytes - ARENA_GRANULE_BYTES) / arena_class_bytes(class));
	/* the chunks come first: they are the ones that want to lie on whole pages */
	a->chunks = (struct arena_chunk *)(void *)(a->base + a->chunks_max * chunk_bytes);
}

void arena_fini(struct arena *a)
{
	unpoison(a->base, a->chunks_used * arena_chunk_bytes(a));
}

/* ---- lists of chunks ---- */

static unsigned group_of(const struct arena *a, const struct arena_chunk *c)
{
	unsigned used = c->used, all = a->class_objects[c->class];

	if (used == all)
		return ARENA_GROUPS;
	if (2 * used >= all)
		return 4 * used >= 3 * all ? 0 : 1;
	return 4 * used >= all ? 2 : 3;
}

static void group_add(struct arena *a, uint32_t chunk, unsigned group)
{
	struct arena_chunk *c = &a->chunks[chunk];
	uint32_t *first = &a->room[c->class][group];

	c->group = (uint8_t)group;
	c->prev = 0;
	c->next = *first;
	if (c->next)
		a->chunks[c->next - 1].prev = chunk + 1;
	else
		a->room_last[c->class][group] = chunk + 1;
	*first = chunk + 1;
}

static void group_remove(struct arena *a, uint32_t chunk)
{
	struct arena_chunk *c = &a->chunks[chunk];

	if (c->group == ARENA_GROUPS)
		return;
	if (c->prev)
		a->chunks[c->prev - 1].next = c->next;
	else
		a->room[c->class][c->group] = c->next;
	if (c->next)
		a->chunks[c->next - 1].prev = c->prev;
	else
		a->room_last[c->class][c->group] = c->prev;
	c->group = ARENA_GROUPS;
}

/* It has become fuller or emptier. */
static void group_settle(struct arena *a, uint32_t chunk)
{
	unsigned group = group_of(a, &a->chunks[chunk]);

	if (group == a->chunks[chunk].group || a->thin.chunk == chunk + 1)
		return;
	group_remove(a, chunk);
	if (group < ARENA_GROUPS)
		group_add(a, chunk, group);
}

static void empty_add(struct arena *a, uint32_t chunk)
{
	struct arena_chunk *c = &a->chunks[chunk];

	c->class = ARENA_CLASSES;
	c->group = ARENA_GROUPS;
	c->free = 0;
	c->next = a->empty;
	a->empty = chunk + 1;
	a->empty_count++;
}

static uint32_t empty_take(struct arena *a)
{
	uint32_t chunk = a->empty - 1;

	a->empty = a->chunks[chunk].next;
	a->empty_count--;
	if (a->empty_count < a->empty_least)
		a->empty_least = a->empty_count;
	return chunk;
}

/* A chunk that serves no class becomes one of this class; 0, or its number + 1. */
static uint32_t chunk_take(struct arena *a, unsigned class)
{
	uint32_t chunk;

	if (a->empty) {
		chunk = empty_take(a);
	} else if (a->clean) {
		chunk = a->clean - 1;
		a->clean = a->chunks[chunk].next;
		a->clean_count--;
	} else if (a->chunks_used < a->chunks_max) {
		chunk = a->chunks_used++;
		poison(chunk_at(a, chunk), arena_chunk_bytes(a));
	} else {
		return 0;
	}
	memset(&a->chunks[chunk], 0, sizeof(a->chunks[chunk]));
	a->chunks[chunk].class = (uint8_t) class;
	group_add(a, chunk, ARENA_GROUPS - 1);
	a->class_chunks[class]++;
	return chunk + 1;
}

static void chunk_leave(struct arena *a, uint32_t chunk)
{
	group_remove(a, chunk);
	a->class_chunks[a->chunks[chunk].class]--;
	if (a->thin.chunk == chunk + 1)
		a->thin.chunk = 0;
	empty_add(a, chunk);
}

/* ---- objects ---- */

/* A freed object begins with the handle of the next one. */
static uint32_t link_of(const struct arena *a, uint32_t handle)
{
	uint32_t next;

	unpoison(arena_at(a, handle), ARENA_GRANULE_BYTES);
	memcpy(&next, arena_at(a, handle), sizeof(next));
	poison(arena_at(a, handle), ARENA_GRANULE_BYTES);
	return next;
}

static uint32_t room_of(struct arena *a, unsigned class)
{
	for (unsigned group = 0; group < ARENA_GROUPS; group++)
		if (a->room[class][group])
			return a->room[class][group];
	return chunk_take(a, class);
}

uint32_t arena_alloc(struct arena *a, size_t bytes)
{
	unsigned class = arena_class(bytes);
	uint32_t chunk = room_of(a, class), handle;
	struct arena_chunk *c;

	if (!chunk)
		return 0;
	c = &a->chunks[chunk - 1];
	if (c->free) {
		handle = c->free;
		c->free = link_of(a, handle);
	} else {
		handle = chunk_object(a, chunk - 1, class, c->fresh++);
	}
	unpoison(arena_at(a, handle), arena_class_bytes(class));
	c->used++;
	group_settle(a, chunk - 1);
	a->class_used[class]++;
	a->objects++;
	a->bytes += arena_class_bytes(class);
	return handle;
}

void arena_free(struct arena *a, uint32_t handle)
{
	uint32_t chunk = handle >> a->chunk_shift;
	struct arena_chunk *c = &a->chunks[chunk];
	unsigned class = c->class;

	CHECK(handle && chunk < a->chunks_used && class < ARENA_CLASSES && c->used > 0);
	memcpy(arena_at(a, handle), &c->free, sizeof(c->free));
	poison(arena_at(a, handle), arena_class_bytes(class));
	c->free = handle;
	c->used--;
	a->class_used[class]--;
	a->objects--;
	a->bytes -= arena_class_bytes(class);
	if (a->thin.chunk == chunk + 1) {
		uint32_t n = object_number(a, handle, class);

		a->thin.free[n / 64] |= UINT64_C(1) << n % 64;
	}
	if (c->used == 0)
		chunk_leave(a, chunk);
	else
		group_settle(a, chunk);
}

void arena_reset(struct arena *a)
{
	memset(a->room, 0, sizeof(a->room));
	memset(a->room_last, 0, sizeof(a->room_last));
	memset(a->class_chunks, 0, sizeof(a->class_chunks));
	memset(a->class_used, 0, sizeof(a->class_used));
	a->thin.chunk = 0;
	a->objects = a->bytes = 0;
	for (uint32_t chunk = 0; chunk < a->chunks_used; chunk++)
		if (a->chunks[chunk].class < ARENA_CLASSES) {
			poison(chunk_at(a, chunk), arena_chunk_bytes(a));
			empty_add(a, chunk);
		}
}

/* ---- what is more than needed ---- */

uint64_t arena_touched_bytes(const struct arena *a)
{
	return (uint64_t)(a->chunks_used - a->clean_count) * arena_chunk_bytes(a) +
	       (uint64_t)a->chunks_used * sizeof(struct arena_chunk);
}

uint64_t arena_wasted_bytes(const struct arena *a)
{
	uint64_t chunks = a->chunks_used - a->clean_count - a->empty_count;

	return chunks * arena_chunk_bytes(a) - a->bytes;
}

uint32_t arena_spare(struct arena *a)
{
	uint32_t least = a->empty_least;

	a->empty_least = a->empty_count;
	return least;
}

void *arena_next_spare(struct arena *a, size_t *bytes)
{
	struct arena_chunk *c;
	uint32_t chunk;

	if (!a->empty)
		return NULL;
	chunk = empty_take(a);
	c = &a->chunks[chunk];
	c->next = a->clean;
	a->clean = chunk + 1;
	a->clean_count++;
	*bytes = arena_chunk_bytes(a);
	return chunk_at(a, chunk);
}

/* Objects of the class that could be had from its chunks, but for this one. */
static uint32_t room_beside(const struct arena *a, unsigned class, const struct arena_chunk *c)
{
	uint32_t all = a->class_objects[class];

	return a->class_chunks[class] * all - a->class_used[class] - (all - c->used);
}

/* Of the emptiest ones, not the one that is being filled. */
static uint32_t emptiest_of(const struct arena *a, unsigned class)
{
	for (unsigned group = ARENA_GROUPS; group-- > 0;)
		if (a->room[class][group])
			return a->room_last[class][group];
	return 0;
}

static bool is_wasteful(const struct arena *a, unsigned class)
{
	uint64_t all = (uint64_t)a->class_chunks[class] * a->class_objects[class];
	uint64_t unused = all - a->class_used[class];

	return unused >= a->class_objects[class] && 8 * unused > all;
}

bool arena_thin_begin(struct arena *a)
{
	struct arena_thin *t = &a->thin;

	for (unsigned class = 0; class < ARENA_CLASSES && !t->chunk; class ++) {
		if (is_wasteful(a, class))
			t->chunk = emptiest_of(a, class);
	}
	if (!t->chunk)
		return false;
	group_remove(a, t->chunk - 1);
	t->next = 0;
	memset(t->free, 0, sizeof(t->free));
	for (uint32_t h = a->chunks[t->chunk - 1].free; h; h = link_of(a, h)) {
		uint32_t n = object_number(a, h, a->chunks[t->chunk - 1].class);

		t->free[n / 64] |= UINT64_C(1) << n % 64;
	}
	return true;
}

uint32_t arena_thin_next(struct arena *a)
{
	struct arena_thin *t = &a->thin;
	const struct arena_chunk *c;
	uint32_t chunk = t->chunk - 1;

	if (!t->chunk)
		return 0;
	c = &a->chunks[chunk];
	if (room_beside(a, c->class, c) > 0)
		for (; t->next < c->fresh; t->next++)
			if (!(t->free[t->next / 64] >> t->next % 64 & 1))
				return chunk_object(a, chunk, c->class, t->next++);
	t->chunk = 0;
	group_settle(a, chunk);
	return 0;
}

/* ---- checks ---- */

static void chunk_check(const struct arena *a, uint32_t chunk)
{
	const struct arena_chunk *c = &a->chunks[chunk];
	uint32_t handle = c->free, freed = 0;

	while (handle) {
		CHECK(handle >> a->chunk_shift == chunk);
		CHECK(handle ==
			chunk_object(a, chunk, c->class, object_number(a, handle, c->class)));
		CHECK(++freed <= c->fresh);
		handle = link_of(a, handle);
	}
	CHECK(c->used + freed == c->fresh);
	CHECK(c->fresh <= a->class_objects[c->class]);
	CHECK(c->group == (a->thin.chunk == chunk + 1 ? ARENA_GROUPS : group_of(a, c)));
}

static void classes_check(const struct arena *a)
{
	uint32_t chunks[ARENA_CLASSES] = {0}, used[ARENA_CLASSES] = {0};
	uint64_t objects = 0, bytes = 0;

	for (uint32_t i = 0; i < a->chunks_used; i++) {
		const struct arena_chunk *c = &a->chunks[i];

		if (c->class == ARENA_CLASSES)
			continue;
		CHECK(c->used > 0);
		chunk_check(a, i);
		chunks[c->class]++;
		used[c->class] += c->used;
		objects += c->used;
		bytes += c->used * arena_class_bytes(c->class);
	}
	CHECK(memcmp(chunks, a->class_chunks, sizeof(chunks)) == 0);
	CHECK(memcmp(used, a->class_used, sizeof(used)) == 0);
	CHECK(objects == a->objects && bytes == a->bytes);
}

static uint32_t empty_check(const struct arena *a, uint32_t first, uint32_t count)
{
	uint32_t listed = 0;

	for (uint32_t at = first; at; at = a->chunks[at - 1].next) {
		CHECK(a->chunks[at - 1].class == ARENA_CLASSES);
		CHECK(++listed <= count);
	}
	CHECK(listed == count);
	return listed;
}

static uint32_t group_check(const struct arena *a, unsigned class, unsigned group, uint32_t most)
{
	uint32_t prev = 0, listed = 0;

	for (uint32_t at = a->room[class][group]; at; at = a->chunks[at - 1].next) {
		const struct arena_chunk *c = &a->chunks[at - 1];

		CHECK(c->class == class && c->group == group && c->prev == prev);
		CHECK(++listed <= most);
		prev = at;
	}
	CHECK(listed == 0 || a->room_last[class][group] == prev);
	return listed;
}

void arena_check(const struct arena *a)
{
	uint32_t with_room = 0, listed = 0, empty = 0;

	CHECK(a->chunks_used <= a->chunks_max);
	classes_check(a);
	for (uint32_t i = 0; i < a->chunks_used; i++) {
		empty += a->chunks[i].class == ARENA_CLASSES;
		with_room +=
			a->chunks[i].class < ARENA_CLASSES && a->chunks[i].group < ARENA_GROUPS;
	}
	for (unsigned class = 0; class < ARENA_CLASSES; class ++)
		for (unsigned group = 0; group < ARENA_GROUPS; group++)
			listed += group_check(a, class, group, with_room - listed);
	CHECK(listed == with_room);
	CHECK(empty_check(a, a->empty, a->empty_count) + empty_check(a, a->clean, a->clean_count) ==
		empty);
	CHECK(a->empty_least <= a->empty_count);
}
