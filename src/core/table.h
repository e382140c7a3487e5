/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_TABLE_H
#define CTSYNC_CORE_TABLE_H

#include "core/index.h"
#include "core/limits.h"
#include "flow/plain.h"

/* One table of flows and expectations: the local one, or what one peer told. All share a store. */
struct table {
	struct index index;
	uint32_t expects; /* of the entries: expectations */
	uint32_t entries_max;
	uint8_t id; /* goes into each entry's header */
};

/* A flow's or an expectation's key and hash, made once and handed around. */
struct table_key {
	uint64_t hash;
	size_t len; /* 0: it has no key */
	uint8_t bytes[ENTRY_KEY_BYTES_MAX];
};

/* What an entry holds, made once: the packed bytes, and the flags that follow from them. */
struct table_packed {
	size_t len;
	uint8_t flags;
	uint8_t bytes[FLOW_PACKED_BYTES_MAX];
};

/* The id of the local table; peers' follow, and behind them that of former.h. */
enum { TABLE_LOCAL = 0, TABLE_FORMER = LIMIT_PEERS + 1 };

enum table_result { TABLE_OK, TABLE_FULL, TABLE_NO_MEMORY };

size_t table_memory_bytes(uint32_t entries_max);
void table_init(struct table *, void *memory, uint32_t entries_max, uint8_t id);

void table_reset(struct table *); /* its entries are gone already; O(size) */

struct table_key table_key_of(const struct store *, const struct flow *);
void table_key_of_plain(const struct store *, const struct flow_plain *, struct table_key *);
struct table_key table_key_of_expect(const struct store *, const struct expect *);
struct table_key table_key_at(const struct store *, uint32_t handle);

static inline uint32_t table_count(const struct table *t)
{
	return t->index.count;
}

/* index_fetch_slot() and index_fetch_entry() */
static inline void table_fetch_slot(const struct table *t, const struct table_key *k)
{
	index_fetch_slot(&t->index, k->hash);
}

static inline uint32_t table_fetch_entry(
	const struct table *t, const struct store *s, const struct table_key *k)
{
	return index_fetch_entry(&t->index, s, k->hash);
}

/* The entry with this key, or 0. */
uint32_t table_find(const struct table *, const struct store *, const struct table_key *);

/* Of what has a key. */
void table_pack(struct table_packed *, const struct flow *);
void table_pack_plain(struct table_packed *, const struct flow_plain *);
void table_pack_expect(struct table_packed *, const struct expect *);

/*
 * Adds an entry for a flow whose key is not there: its header is zero but for table, len, master
 * flag and times (both are now).
 */
enum table_result table_add(struct table *, struct store *, const struct table_key *,
	const struct flow *, uint32_t now, uint32_t *handle);
enum table_result table_add_packed(struct table *, struct store *, const struct table_key *,
	const struct table_packed *, uint32_t now, uint32_t *handle);

/*
 * Puts another state into an entry (the key stays). It may move: *handle is the new one, and the
 * caller tells the chain that it hangs on (chain_moved). Without memory it keeps what it had.
 */
enum table_result table_write(struct table *, struct store *, const struct table_key *,
	const struct flow *, uint32_t *handle);
enum table_result table_write_packed(struct table *, struct store *, const struct table_key *,
	const struct table_packed *, uint32_t *handle);

/* Its entry has been copied to another place: the index learns where it is. */
void table_moved(struct table *, const struct store *, uint32_t old, uint32_t handle);

void table_remove(struct table *, struct store *, uint32_t handle);

/* Takes an entry out of the table and leaves it in the store: the caller frees it (arena_free). */
void table_detach(struct table *, const struct store *, uint32_t handle);

/* What a flow's, or an expectation's, entry holds. */
void table_read(const struct store *, uint32_t handle, struct flow *);
void table_read_expect(const struct store *, uint32_t handle, struct expect *);

/* The timeout of either as it was learned, or otherwise [s] where there is none. */
uint32_t table_timeout(const struct store *, uint32_t handle, uint32_t otherwise);

static inline uint32_t table_next(const struct table *t, const struct store *s, uint64_t *cursor)
{
	return index_next(&t->index, s, cursor);
}

void table_check(const struct table *, const struct store *);

#endif
