/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tests/lib/seed.h"
#include "unit.h"

static struct arena arena;
static void *memory;

static void begin(size_t bytes)
{
	size_t len = arena_memory_bytes(bytes);

	memory = aligned_alloc(4096, (len + 4095) / 4096 * 4096);
	memset(memory, 0, len);
	arena_init(&arena, memory, len);
}

static void end(void)
{
	arena_check(&arena);
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

static const struct unit_test tests[] = {
	{"every size has a class that holds it", every_size_has_a_class_that_holds_it},
	{"what was reserved can be had", what_was_reserved_can_be_had},
	{"a freed chunk serves another class", a_freed_chunk_serves_another_class},
	{"objects do not overlap", objects_do_not_overlap},
};

UNIT_MAIN("arena", tests)
