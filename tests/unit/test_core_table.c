/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

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
	arena_bytes =
		arena_memory_bytes((size_t)entries_max * ARENA_OBJECT_BYTES_MAX, ARENA_CHUNK_BYTES);
	arena_memory = reserve(arena_bytes);
	arena_init(&store.arena, arena_memory, arena_bytes, ARENA_CHUNK_BYTES);
	index_bytes = table_memory_bytes(entries_max);
	index_memory = reserve(index_bytes);
	table_init(&table, index_memory, entries_max, 3);
}

static void end(void)
{
	table_check(&table, &store);
	arena_check(&store.arena);
	arena_fini(&store.arena);
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

/* What the index does not use is zero already; whoever uses it later finds zeros. */
static void give_back(void)
{
	size_t bytes;
	void *at;

	while (index_next_spare(&table.index, 8192, &at, &bytes)) {
		CHECK((uintptr_t)at % 4096 == 0 && bytes % 4096 == 0);
		for (size_t i = 0; i < bytes; i++)
			CHECK(((const uint8_t *)at)[i] == 0);
		CHECK(madvise(at, bytes, MADV_DONTNEED) == 0);
	}
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
		if (rng_chance(&r, 1, 200))
			index_slim(&table.index);
		if (rng_chance(&r, 1, 100))
			index_step(&table.index, (uint32_t)rng_below(&r, 500));
		if (rng_chance(&r, 1, 100))
			give_back();
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

/* Shrinking under a walk: the same, of those that are there to the end. */
static void a_walk_meets_each_entry_once_while_the_table_shrinks(void)
{
	enum { ALL = 30000, STAY = 1000 };
	static uint8_t met[ALL];
	static uint32_t number_of[4 * ALL * 16];
	uint32_t handle, next = ALL;
	unsigned steps = 0;
	int bits;
	uint64_t cursor = 0;

	memset(met, 0, sizeof(met));
	begin(ALL);
	for (uint32_t n = 0; n < ALL; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	bits = table.index.bits;
	for (uint32_t n = 0; n < STAY; n++) {
		CHECK(find(n) < sizeof(number_of) / sizeof(number_of[0]));
		number_of[find(n)] = n + 1;
	}
	while ((handle = table_next(&table, &store, &cursor)) != 0) {
		CHECK(handle < sizeof(number_of) / sizeof(number_of[0]));
		if (number_of[handle])
			met[number_of[handle] - 1]++;
		for (unsigned i = 0; i < 60 && next > (uint32_t)STAY; i++)
			table_remove(&table, &store, find(--next));
		if (++steps % 8 == 0) {
			index_slim(&table.index);
			index_step(&table.index, 700);
		}
	}
	for (uint32_t n = 0; n < STAY; n++)
		CU_ASSERT_EQUAL(met[n], 1);
	CU_ASSERT(table.index.bits + 3 <= bits);
	end();
}

static void an_index_shrinks_to_what_it_holds(void)
{
	uint64_t most;

	begin(100000);
	for (uint32_t n = 0; n < 100000; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	most = index_touched_bytes(&table.index);
	for (uint32_t n = 100; n < 100000; n++)
		table_remove(&table, &store, find(n));
	CU_ASSERT_EQUAL(index_touched_bytes(&table.index), most);
	CU_ASSERT_TRUE(index_is_fat(&table.index));
	/* one look finds that it is too large, one that it has come to rest */
	for (unsigned look = 0; look < 3; look++) {
		index_slim(&table.index);
		while (index_step(&table.index, 1000))
			;
		give_back();
		table_check(&table, &store);
	}
	CU_ASSERT_FALSE(index_is_fat(&table.index));
	CU_ASSERT(index_touched_bytes(&table.index) <= 5 * 4096);
	for (uint32_t n = 0; n < 200; n++)
		CU_ASSERT_EQUAL(find(n) != 0, n < 100);
	for (uint32_t n = 100; n < 100000; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	CU_ASSERT_EQUAL(index_touched_bytes(&table.index), most);
	end();
}

/*
 * A commit's walk takes entries out in the order of the index: what is left stands close together,
 * and would not fit in an index of half the size, although that has twice as many slots.
 */
static void what_is_left_of_a_walk_is_not_squeezed(void)
{
	enum { ALL = 100000, LEFT = 30000 };
	uint64_t cursor = 0;
	uint32_t handle;
	unsigned bits, looks = 0;

	begin(ALL);
	for (uint32_t n = 0; n < ALL; n++)
		CU_ASSERT_EQUAL(add(n), TABLE_OK);
	while (table_count(&table) > LEFT && (handle = table_next(&table, &store, &cursor)) != 0)
		table_remove(&table, &store, handle);
	bits = table.index.bits;
	for (; looks < 8; looks++) {
		index_slim(&table.index);
		while (index_step(&table.index, 1000))
			;
		table_check(&table, &store);
	}
	CU_ASSERT_EQUAL(table.index.bits, bits - 1);
	/* once they are spread evenly again, it shrinks to what they need */
	for (uint32_t n = 0; n < ALL; n++)
		if (find(n) == 0 && n % 4 == 0)
			CU_ASSERT_EQUAL(add(n), TABLE_OK);
	for (cursor = 0; (handle = table_next(&table, &store, &cursor)) != 0;)
		if (handle % 16 != 0)
			table_remove(&table, &store, handle);
	for (looks = 0; looks < 8; looks++) {
		index_slim(&table.index);
		while (index_step(&table.index, 1000))
			;
		table_check(&table, &store);
	}
	end();
}

/* A wave a second: what is needed again soon is not moved to and fro. */
static void an_index_in_waves_keeps_its_size(void)
{
	unsigned bits = 0;

	begin(20000);
	for (unsigned wave = 0; wave < 5; wave++) {
		for (uint32_t n = 0; n < 20000; n++)
			CU_ASSERT_EQUAL(add(n), TABLE_OK);
		for (uint32_t n = 0; n < 20000; n++)
			table_remove(&table, &store, find(n));
		CU_ASSERT(bits == 0 || table.index.bits == bits);
		bits = table.index.bits;
		index_slim(&table.index);
		CU_ASSERT_FALSE(table.index.moving);
	}
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

/* The same flow between IPv6 addresses that no prefix would shorten. */
static void to_ipv6(struct flow *f)
{
	static const enum flow_attr v4[] = {
		FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST, FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST};
	static const enum flow_attr v6[] = {
		FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST, FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST};

	for (unsigned dir = 0; dir < FLOW_DIRS; dir++) {
		struct flow_tuple *t = &f->tuple[dir];

		t->l3 = AF_INET6;
		for (unsigned i = 0; i < 3; i++) {
			memcpy(&t->src.bytes[4 + 4 * i], &t->src.v4_be, 4);
			memcpy(&t->dst.bytes[4 + 4 * i], &t->dst.v4_be, 4);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		flow_mark_unset(f, v4[i]);
		flow_mark_set(f, v6[i]);
	}
}

/* The budgets of a TCP flow: entry and index together. */
static uint64_t bytes_per_flow(bool ipv6)
{
	enum { FLOWS = 100000 };
	struct table_key k;
	struct flow f;
	uint32_t handle;
	uint64_t bytes;

	begin(FLOWS);
	for (uint32_t n = 0; n < FLOWS; n++) {
		flowgen_numbered(n, &f);
		f.id = n;
		flow_mark_set(&f, FLOW_ID);
		if (ipv6)
			to_ipv6(&f);
		k = table_key_of(&store, &f);
		CU_ASSERT_EQUAL(table_add(&table, &store, &k, &f, 7, &handle), TABLE_OK);
	}
	bytes = (arena_touched_bytes(&store.arena) + index_touched_bytes(&table.index)) / FLOWS;
	printf("%llu bytes per flow ", (unsigned long long)bytes);
	end();
	return bytes;
}

static void a_tcp_flow_fits_its_budget(void)
{
	CU_ASSERT(bytes_per_flow(false) <= 160);
}

static void an_ipv6_flow_fits_its_budget(void)
{
	CU_ASSERT(bytes_per_flow(true) <= 200);
}

static const struct unit_test tests[] = {
	{"table agrees with a model", table_agrees_with_a_model},
	{"a full table refuses and recovers", a_full_table_refuses_and_recovers},
	{"a walk meets each entry once while the table grows",
		a_walk_meets_each_entry_once_while_the_table_grows},
	{"a walk meets each entry once while the table shrinks",
		a_walk_meets_each_entry_once_while_the_table_shrinks},
	{"an index shrinks to what it holds", an_index_shrinks_to_what_it_holds},
	{"what is left of a walk is not squeezed", what_is_left_of_a_walk_is_not_squeezed},
	{"an index in waves keeps its size", an_index_in_waves_keeps_its_size},
	{"an entry that grows keeps its header", an_entry_that_grows_keeps_its_header},
	{"a TCP flow fits its budget", a_tcp_flow_fits_its_budget},
	{"an IPv6 flow fits its budget", an_ipv6_flow_fits_its_budget},
};

UNIT_MAIN("core_table", tests)
