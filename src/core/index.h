/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_INDEX_H
#define CTSYNC_CORE_INDEX_H

#include "core/entry.h"

/*
 * From a key's hash to an entry's handle: open addressing, but with the slots kept in the order of
 * the hash (linear probing from the hash's upper bits, larger hashes pushed on, no wrap-around).
 * So a walk in the order of hashes is a walk over memory, and a cursor, being a hash, stays good
 * while entries come, go or move and while the index grows.
 *
 * It doubles at 3/4 load, a few slots with each change, so that no call costs more than another
 * for a table's being large: entries below the frontier are in the new region, the others still in
 * the old one. It halves in the same way, but only when its owner asks for that from time to time
 * (index_slim), so that what comes and goes in waves is not moved to and fro. The region that is
 * not in use holds zeros, and its pages may be given back.
 *
 * What fills one index in the order of another's walk must not find the same order here: ascending
 * places fill a small index's beginning to a single run, and looking anything up becomes a walk
 * along it. So one of the two is turned: it takes the hash's lower half for the upper.
 */
enum {
	INDEX_BITS_MIN = 6,
	INDEX_BITS_MAX = 27,
	INDEX_TAIL_SLOTS = 1024, /* behind the last home slot, for entries that were pushed on */
	INDEX_MIGRATE_SLOTS = 32, /* moved with each change while it grows or shrinks */
	INDEX_PAGE_BYTES = 4096,
	INDEX_FETCH_SLOTS = 16, /* a walk fetches the entries of so many ahead together */
	INDEX_PUSHED_MEAN_MAX = 32, /* slots from home, the mean; 1.5 is usual at full load */
};

struct index_slot {
	uint32_t tag; /* upper half of the hash (turned: the lower one), never UINT32_MAX */
	uint32_t handle; /* 0: empty */
};

struct index {
	struct index_slot *region[2];
	uint32_t touched[2]; /* no page beyond so many bytes of a region was ever used */
	uint32_t count;
	uint32_t count_most; /* since index_slim() */
	uint32_t count_before; /* the most between its last two calls */
	uint32_t old_slot; /* while moving: the first slot of the old region not yet moved */
	uint32_t old_tag; /* and the least tag that is still looked for there */
	uint8_t bits; /* log2 of the home slots of the new region */
	uint8_t old_bits;
	uint8_t bits_max;
	uint8_t live; /* which region is the new one */
	bool moving;
	bool spare; /* the other region has not been in use since index_slim() */
	bool turned;
};

static const uint64_t INDEX_END = UINT64_C(0xffffffff) << 32;

/* Address space for an index of at most entries: whole pages. */
size_t index_memory_bytes(uint32_t entries);

/* The memory is zero-filled and begins with a page. */
void index_init(struct index *, void *memory, uint32_t entries, bool turned);
void index_reset(struct index *); /* O(size) */
uint64_t index_touched_bytes(const struct index *);

uint64_t index_hash(const struct store *, const uint8_t *key, size_t len);

/*
 * Hints for a look-up that comes soon: its slot, and then its entry, are fetched into the cache.
 * The entry is the one that will be found, with near certainty (its handle), or there is none (0).
 * Of a large table both are in memory that nobody has touched for long, which costs more than all
 * else that is done with a flow.
 */
void index_fetch_slot(const struct index *, uint64_t hash);
uint32_t index_fetch_entry(const struct index *, const struct store *, uint64_t hash);

/* 0 if it is not there. */
uint32_t index_find(
	const struct index *, const struct store *, uint64_t hash, const uint8_t *key, size_t len);

/* The key must not be there. False if it is full. */
bool index_add(struct index *, const struct store *, uint64_t hash, uint32_t handle);
void index_remove(struct index *, uint64_t hash, uint32_t handle);
void index_replace(struct index *, uint64_t hash, uint32_t old_handle, uint32_t new_handle);

/*
 * To be called from time to time: begins to halve it if it has been much too large ever since the
 * last call, and finds out what may be given back. It goes on with the index's changes, and with
 * index_step(), which moves so many slots at once, and halves it again if that is still too large;
 * false: there is nothing to move.
 */
void index_slim(struct index *);
bool index_step(struct index *, uint32_t slots);

/* It is to be halved, or is on its way, or has pages that it does not use. */
bool index_is_fat(const struct index *);

/*
 * Pages that hold nothing, at most so many bytes: they are to be given back, or to be left as they
 * are, but not to be written to. False if there are none.
 */
bool index_next_spare(struct index *, size_t bytes_max, void **at, size_t *bytes);

/* The first entry whose hash is not below *cursor, which then stands behind it; 0 at the end. */
uint32_t index_next(const struct index *, const struct store *, uint64_t *cursor);

void index_check(const struct index *, const struct store *);

#endif
