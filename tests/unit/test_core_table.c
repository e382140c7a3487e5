/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/rng.h"
#include "core/table.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"

static struct store store;
static struct table table;
static void *index_memory, *arena_memory;
static size_t index_bytes, arena_bytes;

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void begin(uint32_t entries_max)
{
	memset(&store, 0, sizeof(store));
	memset(&table, 0, sizeof(table));
	memcpy(store.hash_key, "fedcba9876543210", 16);
	arena_bytes = arena_memory_bytes((size_t)entries_max * ARENA_OBJECT_BYTES_MAX);
	arena_memory = reserve(arena_bytes);
	arena_init(&store.arena, arena_memory, arena_bytes);
	index_bytes = table_memory_bytes(entries_max);
	index_memory = reserve(index_bytes);
	table_init(&table, index_memory, entries_max, 3);
}

static void end(void)
{
	table_check(&table, &store);
	arena_check(&store.arena);
	munmap(arena_memory, arena_bytes);
	munmap(index_memory, index_bytes);
}

static uint32_t find(uint32_t n)
{
	struct flow f;
	struct table_key k;

	flowgen_numbered(n, &f);
	k = table_key_of(&store, &f);
	return table_find(&table, &store, &k);
}

static enum table_result add(uint32_t n)
{
	struct flow f;
	struct table_key k;
	uint32_t handle;

	flowgen_numbered(n, &f);
	k = table_key_of(&store, &f);
	return table_add(&table, &store, &k, &f, 7, &handle);
}

/* Inserts and deletes at every size on the way up and down, against a plain array of flags. */
static void table_agrees_with_a_model(void)
{
	enum { FLOWS = 20000 };
	static bool there[FLOWS];
	struct rng r = rng_of(seed_get("test_core_table"));
	uint32_t count = 0;

	memset(there, 0, sizeof(there));
	begin(FLOWS);
	for (unsigned step = 0; step < 120000; step++) {
		uint32_t n = rng_below(&r, FLOWS);
		bool grow = rng_chance(&r, step < 60000 ? 3 : 1, 4);

		CU_ASSERT_EQUAL(find(n) != 0, there[n]);
		if (grow && !there[n]) {
			CU_ASSERT_EQUAL(add(n), TABLE_OK);
			there[n] = true;
			count++;
		} else if (!grow && there[n]) {
			table_remove(&table, &store, find(n));
			there[n] = false;
			count--;
		}
		if (step % 5000 == 0 || (count > 40 && count < 60))
			table_check(&table, &store);
	}
	CU_ASSERT_EQUAL(table_count(&table), count);
	for (uint32_t n = 0; n < FLOWS; n++)
		CU_ASSERT_EQUAL(find(n) != 0, there[n]);
	end();
}

static void a_full_table_refuses_and_recovers(void)
{
	begin(1000);
	for (uint32_t n = 0; n < 1000; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	CU_ASSERT_EQUAL(add(1000), TABLE_FULL);
	CU_ASSERT_EQUAL(find(1000), 0);
	table_remove(&table, &store, find(5));
	CU_ASSERT_EQUAL(add(1000), TABLE_OK);
	CU_ASSERT_EQUAL(find(5), 0);
	end();
}

/* Growing under a walk: whoever is there all the time is met exactly once. */
static void a_walk_meets_each_entry_once_while_the_table_grows(void)
{
	enum { OLD = 3000, NEW = 30000 };
	static uint8_t met[OLD + NEW];
	static uint32_t number_of[4 * (OLD + NEW) * 16];
	uint64_t cursor = 0;
	uint32_t handle, next = OLD;

	memset(met, 0, sizeof(met));
	begin(OLD + NEW);
	for (uint32_t n = 0; n < OLD; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	for (uint32_t n = 0; n < OLD; n++) {
		CHECK(find(n) < sizeof(number_of) / sizeof(number_of[0]));
		number_of[find(n)] = n + 1;
	}
	while ((handle = table_next(&table, &store, &cursor)) != 0) {
		CHECK(handle < sizeof(number_of) / sizeof(number_of[0]));
		if (number_of[handle])
			met[number_of[handle] - 1]++;
		for (int i = 0; i < 8 && next < OLD + NEW; i++)
			CU_ASSERT_EQUAL(add(next++), TABLE_OK);
	}
	for (uint32_t n = 0; n < OLD; n++)
		CU_ASSERT_EQUAL(met[n], 1);
	CU_ASSERT(next > 10000);
	end();
}

static void an_entry_that_grows_keeps_its_header(void)
{
	struct flow f, back;
	struct table_key k;
	uint32_t handle, old;

	begin(100);
	CU_ASSERT_EQUAL(add(1), TABLE_OK);
	flowgen_numbered(1, &f);
	k = table_key_of(&store, &f);
	old = handle = table_find(&table, &store, &k);
	entry_at(&store, handle)->seq = 4711;
	f.labels_len = 16;
	memset(f.labels, 0x5a, sizeof(f.labels));
	flow_mark_set(&f, FLOW_LABELS);
	CU_ASSERT_EQUAL(table_write(&table, &store, &k, &f, &handle), TABLE_OK);
	CU_ASSERT_NOT_EQUAL(handle, old);
	CU_ASSERT_EQUAL(table_find(&table, &store, &k), handle);
	CU_ASSERT_EQUAL(entry_at(&store, handle)->seq, 4711);
	CU_ASSERT_EQUAL(entry_at(&store, handle)->born, 7);
	table_read(&store, handle, &back);
	CU_ASSERT_EQUAL(back.labels[15], 0x5a);
	end();
}

/* The budget of an IPv4 TCP flow: entry and index together. */
static void a_tcp_flow_fits_its_budget(void)
{
	enum { FLOWS = 100000 };
	uint64_t bytes;

	begin(FLOWS);
	for (uint32_t n = 0; n < FLOWS; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	bytes = arena_touched_bytes(&store.arena) + index_touched_bytes(&table.index);
	printf("%llu bytes per flow ", (unsigned long long)(bytes / FLOWS));
	CU_ASSERT(bytes / FLOWS <= 160);
	end();
}

static const struct unit_test tests[] = {
	{"table agrees with a model", table_agrees_with_a_model},
	{"a full table refuses and recovers", a_full_table_refuses_and_recovers},
	{"a walk meets each entry once while the table grows",
		a_walk_meets_each_entry_once_while_the_table_grows},
	{"an entry that grows keeps its header", an_entry_that_grows_keeps_its_header},
	{"a TCP flow fits its budget", a_tcp_flow_fits_its_budget},
};

UNIT_MAIN("core_table", tests)
