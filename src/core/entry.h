/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_ENTRY_H
#define CTSYNC_CORE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "flow/expect_pack.h"
#include "flow/pack.h"

/* Which list an entry of the local table hangs on. */
enum entry_list {
	ENTRY_UNLISTED,
	ENTRY_QUEUED, /* to be sent */
	ENTRY_SENT, /* alive and sent, in the order of seq */
	ENTRY_TOMB, /* dead and sent, in the order of seq, until acknowledged */
};

enum entry_flag {
	ENTRY_SILENT = 1 << 0, /* known from dumps alone: its end may come without an event */
	ENTRY_ANNOUNCED = 1 << 1, /* has been sent since it was born */
	ENTRY_CHANGED = 1 << 2, /* has changed since it was first sent */
	ENTRY_EVENTED = 1 << 3, /* an event came since the begin of the dump dump_gen */
	ENTRY_BULKED = 1 << 4, /* which bulk it was last sent in: the low bit of its generation */
	ENTRY_REPAIR = 1 << 5, /* is queued because a peer missed it */
	ENTRY_HAS_MASTER = 1 << 6,
	ENTRY_HELD = 1 << 7, /* is queued, but to be sent later: queue.h */
};

/*
 * Of an entry of a peer's table, where what peers tell goes into the kernel at once (inject.h).
 * ENTRY_HAS_MASTER is as above.
 */
enum entry_remote_flag {
	REMOTE_INJECTED = 1 << 0, /* our kernel has it because we made it */
	REMOTE_ADOPTED = 1 << 1, /* our kernel has it, and had it before we wrote to it; with both,
				    it is there for the peer alone, but not as it was written */
	REMOTE_WRITING = 1 << 2, /* a write is unanswered */
	REMOTE_RENEW = 1 << 3, /* its reply tuple has changed, which no update can bring */
	REMOTE_RETRIED = 1 << 4, /* its master was not there; it is tried a second time */
	REMOTE_BEHIND = 1 << 5, /* the kernel has refused what was told last */
	REMOTE_LATER = 1 << 7, /* of its place on a chain: enum inject_list */
	REMOTE_WRITTEN = REMOTE_INJECTED | REMOTE_ADOPTED,
};

/*
 * One flow or expectation of a table: a fixed header, then flow_pack()'s or expect_pack()'s bytes,
 * whose first one tells which. prev and next link entries of the local table, or those of peers'
 * tables that wait to be written; seq is the number it was last sent under (of one that is held,
 * and so never was: when that began), or, in a peer's table, the epoch in which the peer last named
 * it.
 */
struct entry {
	uint32_t prev, next;
	uint32_t seq;
	uint32_t born; /* when it was first seen [100 ms since the engine's start] */
	uint32_t touched; /* when its timeout was last learned, in the same unit */
	uint16_t len : 9; /* of packed [bytes] */
	uint16_t table : 4; /* 0: local, else peer's index + 1 */
	uint16_t list : 2; /* enum entry_list */
	uint16_t dead : 1; /* a tombstone */
	uint8_t dump_gen; /* the last dump that named it, or that it was born or changed in */
	uint8_t flags; /* enum entry_flag */
	uint8_t packed[];
};

_Static_assert(sizeof(struct entry) == 24, "the memory budget counts on it");
_Static_assert(sizeof(struct entry) + FLOW_PACKED_BYTES_MAX <= ARENA_OBJECT_BYTES_MAX,
	"the largest flow fits the largest size class");
_Static_assert((int)EXPECT_PACKED_BYTES_MAX <= (int)FLOW_PACKED_BYTES_MAX,
	"and so does the largest expectation");

enum { ENTRY_KEY_BYTES_MAX = EXPECT_KEY_BYTES_MAX };

_Static_assert((int)FLOW_KEY_BYTES_MAX <= (int)ENTRY_KEY_BYTES_MAX, "either's key fits");

static inline bool entry_is_expect(const struct entry *e)
{
	return expect_is_packed(e->packed);
}

/* Of the key that the packed bytes start with. */
static inline size_t entry_key_len(const struct entry *e)
{
	return entry_is_expect(e) ? expect_key_len(e->packed) : flow_key_len(e->packed);
}

/*
 * Where the entries of all tables live, and the secret they are hashed with. A handle that is kept
 * from call to call has to be one that release.c can put right when it moves the entry.
 */
struct store {
	struct arena arena;
	uint8_t hash_key[HASH_KEY_BYTES];
};

static inline struct entry *entry_at(const struct store *s, uint32_t handle)
{
	return (struct entry *)arena_at(&s->arena, handle);
}

/*
 * Whoever takes the entry off its list writes to those beside it. Always inline: gcc takes a
 * function that only fetches for one that does nothing, and its call out.
 */
__attribute__((always_inline)) static inline void entry_fetch_neighbours(
	const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);

	__builtin_prefetch(entry_at(s, e->prev), 1);
	__builtin_prefetch(entry_at(s, e->next), 1);
}

/* A list of entries of the local table. */
struct entry_chain {
	uint32_t head, tail;
	uint32_t count;
};

static inline void chain_append(struct store *s, struct entry_chain *c, uint32_t handle)
{
	struct entry *e = entry_at(s, handle);

	e->next = 0;
	e->prev = c->tail;
	if (c->tail)
		entry_at(s, c->tail)->next = handle;
	else
		c->head = handle;
	c->tail = handle;
	c->count++;
}

static inline void chain_prepend(struct store *s, struct entry_chain *c, uint32_t handle)
{
	struct entry *e = entry_at(s, handle);

	e->prev = 0;
	e->next = c->head;
	if (c->head)
		entry_at(s, c->head)->prev = handle;
	else
		c->tail = handle;
	c->head = handle;
	c->count++;
}

static inline void chain_remove(struct store *s, struct entry_chain *c, uint32_t handle)
{
	struct entry *e = entry_at(s, handle);

	if (e->prev)
		entry_at(s, e->prev)->next = e->next;
	else
		c->head = e->next;
	if (e->next)
		entry_at(s, e->next)->prev = e->prev;
	else
		c->tail = e->prev;
	e->prev = e->next = 0;
	c->count--;
}

/* The entry has moved: its neighbours and the chain's ends learn its new handle. */
static inline void chain_moved(struct store *s, struct entry_chain *c, uint32_t handle)
{
	struct entry *e = entry_at(s, handle);

	if (e->prev)
		entry_at(s, e->prev)->next = handle;
	else
		c->head = handle;
	if (e->next)
		entry_at(s, e->next)->prev = handle;
	else
		c->tail = handle;
}

#endif
