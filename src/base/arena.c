/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <string.h>

#include "base/check.h"

enum { CHUNK_GRANULES = ARENA_CHUNK_BYTES / ARENA_GRANULE_BYTES };

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

/* Objects of a chunk; the first granules of chunk 0 stay unused, so that no handle is 0. */
static unsigned chunk_objects(unsigned class)
{
	return (unsigned)((ARENA_CHUNK_BYTES - ARENA_GRANULE_BYTES) / arena_class_bytes(class));
}

static uint32_t chunk_object(uint32_t chunk, unsigned class, unsigned n)
{
	return chunk * CHUNK_GRANULES + 1 +
	       n * (uint32_t)(arena_class_bytes(class) / ARENA_GRANULE_BYTES);
}

size_t arena_memory_bytes(size_t bytes)
{
	/* a chunk's rest that fits no object: less than one object, 1/128 of it */
	size_t chunks = (bytes + bytes / 128) / ARENA_CHUNK_BYTES + 1 + ARENA_CLASSES;

	if (chunks > UINT32_MAX / CHUNK_GRANULES)
		chunks = UINT32_MAX / CHUNK_GRANULES;
	return chunks * (ARENA_CHUNK_BYTES + sizeof(struct arena_chunk));
}

void arena_init(struct arena *a, void *memory, size_t memory_bytes)
{
	size_t chunks = memory_bytes / (ARENA_CHUNK_BYTES + sizeof(struct arena_chunk));

	CHECK((uintptr_t)memory % ARENA_GRANULE_BYTES == 0);
	if (chunks > UINT32_MAX / CHUNK_GRANULES)
		chunks = UINT32_MAX / CHUNK_GRANULES;
	memset(a, 0, sizeof(*a));
	a->base = (uint8_t *)memory;
	a->chunks_max = (uint32_t)chunks;
	/* the chunks come first: they are the ones that want to lie on whole pages */
	a->chunks = (struct arena_chunk *)(void *)(a->base + chunks * ARENA_CHUNK_BYTES);
}

void arena_reset(struct arena *a)
{
	a->chunks_used = 0;
	a->empty = 0;
	memset(a->room, 0, sizeof(a->room));
	a->objects = 0;
	a->bytes = 0;
}

static void room_add(struct arena *a, uint32_t chunk)
{
	struct arena_chunk *c = &a->chunks[chunk];

	c->prev = 0;
	c->next = a->room[c->class];
	if (c->next)
		a->chunks[c->next - 1].prev = chunk + 1;
	a->room[c->class] = chunk + 1;
}

static void room_remove(struct arena *a, uint32_t chunk)
{
	struct arena_chunk *c = &a->chunks[chunk];

	if (c->prev)
		a->chunks[c->prev - 1].next = c->next;
	else
		a->room[c->class] = c->next;
	if (c->next)
		a->chunks[c->next - 1].prev = c->prev;
}

/* A chunk that serves no class becomes one of this class. */
static bool chunk_take(struct arena *a, unsigned class)
{
	uint32_t chunk;

	if (a->empty) {
		chunk = a->empty - 1;
		a->empty = a->chunks[chunk].next;
	} else if (a->chunks_used < a->chunks_max) {
		chunk = a->chunks_used++;
	} else {
		return false;
	}
	memset(&a->chunks[chunk], 0, sizeof(a->chunks[chunk]));
	a->chunks[chunk].class = (uint8_t) class;
	room_add(a, chunk);
	return true;
}

uint32_t arena_alloc(struct arena *a, size_t bytes)
{
	unsigned class = arena_class(bytes);
	struct arena_chunk *c;
	uint32_t chunk, handle;

	if (!a->room[class] && !chunk_take(a, class))
		return 0;
	chunk = a->room[class] - 1;
	c = &a->chunks[chunk];
	if (c->free) {
		handle = c->free;
		memcpy(&c->free, arena_at(a, handle), sizeof(c->free));
	} else {
		handle = chunk_object(chunk, class, c->fresh++);
	}
	c->used++;
	if (c->used == chunk_objects(class))
		room_remove(a, chunk);
	a->objects++;
	a->bytes += arena_class_bytes(class);
	return handle;
}

void arena_free(struct arena *a, uint32_t handle)
{
	uint32_t chunk = handle / CHUNK_GRANULES;
	struct arena_chunk *c = &a->chunks[chunk];

	CHECK(handle && chunk < a->chunks_used && c->class < ARENA_CLASSES && c->used > 0);
	if (c->used == chunk_objects(c->class))
		room_add(a, chunk);
	memcpy(arena_at(a, handle), &c->free, sizeof(c->free));
	c->free = handle;
	c->used--;
	a->objects--;
	a->bytes -= arena_class_bytes(c->class);
	if (c->used == 0) {
		room_remove(a, chunk);
		c->class = ARENA_CLASSES;
		c->free = 0;
		c->next = a->empty;
		a->empty = chunk + 1;
	}
}

uint64_t arena_touched_bytes(const struct arena *a)
{
	return (uint64_t)a->chunks_used * (ARENA_CHUNK_BYTES + sizeof(struct arena_chunk));
}

static void chunk_check(const struct arena *a, uint32_t chunk)
{
	const struct arena_chunk *c = &a->chunks[chunk];
	uint32_t handle = c->free, freed = 0;

	while (handle) {
		CHECK(handle / CHUNK_GRANULES == chunk);
		CHECK((handle - chunk_object(chunk, c->class, 0)) %
				(arena_class_bytes(c->class) / ARENA_GRANULE_BYTES) ==
			0);
		CHECK(++freed <= c->fresh);
		memcpy(&handle, arena_at(a, handle), sizeof(handle));
	}
	CHECK(c->used + freed == c->fresh);
	CHECK(c->fresh <= chunk_objects(c->class));
}

void arena_check(const struct arena *a)
{
	uint64_t objects = 0, bytes = 0;
	uint32_t with_room = 0, listed = 0, empty = 0, listed_empty = 0;

	CHECK(a->chunks_used <= a->chunks_max);
	for (uint32_t i = 0; i < a->chunks_used; i++) {
		const struct arena_chunk *c = &a->chunks[i];

		if (c->class == ARENA_CLASSES) {
			empty++;
			continue;
		}
		CHECK(c->used > 0);
		chunk_check(a, i);
		objects += c->used;
		bytes += c->used * arena_class_bytes(c->class);
		with_room += c->used < chunk_objects(c->class);
	}
	for (unsigned class = 0; class < ARENA_CLASSES; class ++)
		for (uint32_t at = a->room[class], prev = 0; at; at = a->chunks[at - 1].next) {
			CHECK(a->chunks[at - 1].class == class && a->chunks[at - 1].prev == prev);
			CHECK(++listed <= with_room);
			prev = at;
		}
	for (uint32_t at = a->empty; at; at = a->chunks[at - 1].next) {
		CHECK(a->chunks[at - 1].class == ARENA_CLASSES);
		CHECK(++listed_empty <= empty);
	}
	CHECK(listed == with_room && listed_empty == empty);
	CHECK(objects == a->objects && bytes == a->bytes);
}
