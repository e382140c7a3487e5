/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/poison.h"
#include "base/rng.h"
#include "tests/lib/seed.h"
#include "unit.h"

static struct arena arena;
static void *memory;

static void begin(size_t bytes)
{
	size_t len = arena_memory_bytes(bytes, ARENA_CHUNK_BYTES);

	memory = aligned_alloc(4096, (len + 4095) / 4096 * 4096);
	memset(memory, 0, len);
	arena_init(&arena, memory, len, ARENA_CHUNK_BYTES);
}

static void end(void)
{
	arena_check(&arena);
	arena_fini(&arena);
	free(memory);
}

static void every_size_has_a_class_that_holds_it(void)
{
	for (size_t n = 1; n <= ARENA_OBJECT_BYTES_MAX; n++) {
		unsigned class = arena_class(n);

		CU_ASSERT(class < ARENA_CLASSES);
		CU_ASSERT(arena_class_bytes(class) >= n);
		CU_ASSERT(class == 0 || arena_class_bytes(class - 1) < n);
	}
}

static void what_was_reserved_can_be_had(void)
{
	const size_t want = 4 * 1024 * 1024;

	for (unsigned class = 0; class < ARENA_CLASSES; class ++) {
		size_t size = arena_class_bytes(class), got = 0;

		begin(want);
		while (arena_alloc(&arena, size))
			got += size;
		CU_ASSERT(got >= want);
		end();
	}
}

static void a_freed_chunk_serves_another_class(void)
{
	uint32_t *handles;
	size_t n = 0, got = 0;

	begin(1024 * 1024);
	handles = (uint32_t *)calloc(1 << 20, sizeof(*handles));
	while ((handles[n] = arena_alloc(&arena, 32)) != 0)
		n++;
	CU_ASSERT_EQUAL(arena_alloc(&arena, 384), 0);
	arena_check(&arena);
	while (n > 0)
		arena_free(&arena, handles[--n]);
	CU_ASSERT_EQUAL(arena.objects, 0);
	while (arena_alloc(&arena, 384))
		got++;
	CU_ASSERT(got * 384 >= 1024 * 1024);
	free(handles);
	end();
}

struct object {
	uint32_t handle;
	uint16_t bytes;
	uint8_t fill;
};

static void check_object(const struct object *o)
{
	const uint8_t *p = (const uint8_t *)arena_at(&arena, o->handle);

	for (unsigned i = 0; i < o->bytes; i++)
		if (p[i] != o->fill) {
			CU_FAIL("an object was overwritten");
			return;
		}
}

static void objects_do_not_overlap(void)
{
	static struct object objects[4000];
	struct rng r = rng_of(seed_get("test_arena"));
	unsigned count = 0;

	begin(1024 * 1024);
	for (int step = 0; step < 40000; step++) {
		struct object *o;

		if (count < 4000 && rng_chance(&r, 11, 20)) {
			o = &objects[count];
			o->bytes = (uint16_t)(1 + rng_below(&r, ARENA_OBJECT_BYTES_MAX));
			o->fill = (uint8_t)rng_u32(&r);
			o->handle = arena_alloc(&arena, o->bytes);
			if (!o->handle)
				continue;
			memset(arena_at(&arena, o->handle), o->fill, o->bytes);
			count++;
		} else if (count > 0) {
			o = &objects[rng_below(&r, count)];
			check_object(o);
			arena_free(&arena, o->handle);
			*o = objects[--count];
		}
		if (step % 1000 == 0)
			arena_check(&arena);
	}
	for (unsigned i = 0; i < count; i++)
		check_object(&objects[i]);
	CU_ASSERT_EQUAL(arena.objects, count);
	arena_reset(&arena);
	CU_ASSERT_EQUAL(arena.objects, 0);
	CU_ASSERT_NOT_EQUAL(arena_alloc(&arena, 100), 0);
	end();
}

/* Whoever owns the objects gives back what may be given back; the content is gone then. */
static unsigned give_back(unsigned max)
{
	unsigned count = 0;
	size_t bytes;
	void *at;

	while (count < max && (at = arena_next_spare(&arena, &bytes)) != NULL) {
		CU_ASSERT_EQUAL(bytes, arena_chunk_bytes(&arena));
		CU_ASSERT_EQUAL(((uintptr_t)at - (uintptr_t)memory) % bytes, 0);
		unpoison(at, bytes);
		memset(at, 0, bytes);
		poison(at, bytes);
		count++;
	}
	return count;
}

static void what_is_empty_is_given_back_once_and_serves_again(void)
{
	enum { OBJECTS = 3000 };
	static uint32_t handles[OBJECTS];
	unsigned chunks;

	begin(1024 * 1024);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			handles[i] = arena_alloc(&arena, 64 + 64 * round);
			CU_ASSERT_NOT_EQUAL_FATAL(handles[i], 0);
			memset(arena_at(&arena, handles[i]), 0xff, 64 + 64 * round);
		}
		CU_ASSERT_EQUAL(give_back(100), 0);
		chunks = arena.chunks_used - arena.clean_count;
		for (unsigned i = 0; i < OBJECTS; i++)
			arena_free(&arena, handles[i]);
		CU_ASSERT_EQUAL(give_back(1), 1);
		arena_check(&arena);
		CU_ASSERT_EQUAL(give_back(100), chunks - 1);
		CU_ASSERT(arena_touched_bytes(&arena) < 1024);
		arena_check(&arena);
	}
	end();
}

/* Spare is what nobody has needed between two questions. */
static void what_is_taken_between_two_looks_is_not_spare(void)
{
	enum { OBJECTS = 3000 };
	static uint32_t handles[OBJECTS];

	begin(1024 * 1024);
	for (unsigned wave = 0; wave < 3; wave++) {
		for (unsigned i = 0; i < OBJECTS; i++)
			handles[i] = arena_alloc(&arena, 100);
		for (unsigned i = 0; i < OBJECTS; i++)
			arena_free(&arena, handles[i]);
		CU_ASSERT_EQUAL(arena_spare(&arena), 0);
	}
	CU_ASSERT_EQUAL(arena_spare(&arena), arena.chunks_used);
	end();
}

/* Moves everything out of chunks that are to be emptied, as long as there are any. */
static unsigned thin(struct object *objects, unsigned count, uint16_t *number_of)
{
	unsigned moved = 0;

	while (arena_thin_begin(&arena)) {
		uint32_t handle;

		while ((handle = arena_thin_next(&arena)) != 0) {
			struct object *o = &objects[number_of[handle]];
			uint32_t to = arena_alloc(&arena, o->bytes);

			CU_ASSERT_EQUAL_FATAL(o->handle, handle);
			CU_ASSERT_NOT_EQUAL_FATAL(to, 0);
			memcpy(arena_at(&arena, to), arena_at(&arena, handle), o->bytes);
			arena_free(&arena, handle);
			o->handle = to;
			number_of[to] = number_of[handle];
			moved++;
		}
		arena_check(&arena);
	}
	for (unsigned i = 0; i < count; i++)
		if (objects[i].handle)
			check_object(&objects[i]);
	return moved;
}

static void few_that_are_left_move_together(void)
{
	enum { OBJECTS = 20000, BYTES = 4 << 20 };
	static struct object objects[OBJECTS];
	static uint16_t number_of[BYTES]; /* wide enough: a granule is 8 bytes */
	struct rng r = rng_of(seed_get("test_arena"));
	uint64_t before;
	unsigned left = 0;

	begin(BYTES);
	for (unsigned i = 0; i < OBJECTS; i++) {
		objects[i].bytes = (uint16_t)(i % 3 ? 72 : 100 + i % 70);
		objects[i].fill = (uint8_t)i;
		objects[i].handle = arena_alloc(&arena, objects[i].bytes);
		CU_ASSERT_FATAL(objects[i].handle != 0);
		memset(arena_at(&arena, objects[i].handle), (uint8_t)i, objects[i].bytes);
		number_of[objects[i].handle] = (uint16_t)i;
	}
	CU_ASSERT_FALSE(arena_thin_begin(&arena));
	before = arena_touched_bytes(&arena);
	for (unsigned i = 0; i < OBJECTS; i++) {
		if (rng_chance(&r, 1, 50)) {
			left++;
			continue;
		}
		arena_free(&arena, objects[i].handle);
		objects[i].handle = 0;
	}
	CU_ASSERT(arena.empty_count < 3); /* each chunk still has one or the other */
	CU_ASSERT(thin(objects, OBJECTS, number_of) < left);
	CU_ASSERT_EQUAL(arena.objects, left);
	give_back(1000);
	CU_ASSERT(arena_touched_bytes(&arena) < before / 2);
	/* of each class, one chunk that is not full, and an eighth */
	CU_ASSERT(arena_wasted_bytes(&arena) < arena.bytes / 7 + 14 * ARENA_CHUNK_BYTES);
	CU_ASSERT_FALSE(arena_thin_begin(&arena));
	end();
}

/* Objects come and go while a chunk is emptied: none comes into it. */
static void a_chunk_is_emptied_while_others_fill(void)
{
	enum { OBJECTS = 3000 };
	static uint32_t handles[OBJECTS];
	uint32_t per_chunk, handle, chunk, found = 0;

	begin(1024 * 1024);
	for (unsigned i = 0; i < OBJECTS; i++)
		handles[i] = arena_alloc(&arena, 128);
	per_chunk = arena.class_objects[arena_class(128)];
	for (unsigned i = 0; i < OBJECTS; i++)
		if (i % per_chunk > 9)
			arena_free(&arena, handles[i]);
	CU_ASSERT_TRUE_FATAL(arena_thin_begin(&arena));
	chunk = arena.thin.chunk - 1;
	handle = arena_thin_next(&arena);
	CU_ASSERT_EQUAL(handle >> arena.chunk_shift, chunk);
	/* the next but one ends by itself */
	for (unsigned i = 0; i < OBJECTS; i++)
		if (handles[i] == handle + 2 * 128 / ARENA_GRANULE_BYTES)
			arena_free(&arena, handles[i]);
	arena_check(&arena);
	for (unsigned i = 0; i < 40; i++)
		CU_ASSERT_NOT_EQUAL(arena_alloc(&arena, 128) >> arena.chunk_shift, chunk);
	arena_free(&arena, handle);
	while ((handle = arena_thin_next(&arena)) != 0) {
		arena_free(&arena, handle);
		found++;
	}
	CU_ASSERT_EQUAL(found, 8);
	CU_ASSERT_EQUAL(arena.chunks[chunk].class, ARENA_CLASSES);
	arena_check(&arena);
	/* what is not moved stays, and the chunk serves as before */
	CU_ASSERT_TRUE_FATAL(arena_thin_begin(&arena));
	while (arena_thin_next(&arena))
		;
	arena_check(&arena);
	arena_reset(&arena);
	CU_ASSERT_EQUAL(arena_thin_next(&arena), 0);
	end();
}

static const struct unit_test tests[] = {
	{"every size has a class that holds it", every_size_has_a_class_that_holds_it},
	{"what was reserved can be had", what_was_reserved_can_be_had},
	{"a freed chunk serves another class", a_freed_chunk_serves_another_class},
	{"objects do not overlap", objects_do_not_overlap},
	{"what is empty is given back once, and serves again",
		what_is_empty_is_given_back_once_and_serves_again},
	{"what is taken between two looks is not spare",
		what_is_taken_between_two_looks_is_not_spare},
	{"few that are left move together", few_that_are_left_move_together},
	{"a chunk is emptied while others fill", a_chunk_is_emptied_while_others_fill},
};

UNIT_MAIN("arena", tests)
