/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_ARENA_H
#define CTSYNC_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory for many small objects of a few sizes, on address space that the caller reserved. It is
 * cut into chunks; a chunk serves one size class from its first object to its last, then any
 * other. A page is first touched when an object in it is first handed out.
 *
 * An object is named by a 32-bit handle: its offset in granules of 8 bytes. 0 names nothing.
 */
enum {
	ARENA_GRANULE_BYTES = 8,
	ARENA_CHUNK_BYTES = 64 * 1024,
	ARENA_OBJECT_BYTES_MAX = 384,
	ARENA_CLASSES = 25,
};

struct arena_chunk {
	uint32_t next,
		prev; /* of the class's chunks with room; or of the empty chunks (next only) */
	uint32_t free; /* handle of the first freed object, 0: none */
	uint16_t used; /* objects handed out */
	uint16_t fresh; /* objects never handed out begin here */
	uint8_t class; /* ARENA_CLASSES: serves none */
};

struct arena {
	uint8_t *base;
	struct arena_chunk *chunks;
	uint32_t chunks_max;
	uint32_t chunks_used; /* chunks beyond have never been touched */
	uint32_t empty; /* chunk + 1 of the first one that serves no class now */
	uint32_t room[ARENA_CLASSES]; /* chunk + 1 of the first chunk with room */
	uint64_t objects;
	uint64_t bytes; /* handed out */
};

/* Address space wanted for a payload of at least bytes, whatever the mix of classes. */
size_t arena_memory_bytes(size_t bytes);

/* memory is zero-filled or what an arena used before, and aligned to ARENA_GRANULE_BYTES. */
void arena_init(struct arena *, void *memory, size_t memory_bytes);

/* A new object of at least bytes (at most ARENA_OBJECT_BYTES_MAX), contents undefined; 0: full. */
uint32_t arena_alloc(struct arena *, size_t bytes);
void arena_free(struct arena *, uint32_t handle);

/* The size class that bytes fall into: an object need not move while its class stays. */
unsigned arena_class(size_t bytes);
size_t arena_class_bytes(unsigned class);

/* All objects at once. */
void arena_reset(struct arena *);

/* Address space of the chunks in use [bytes]; an upper bound of what is resident. */
uint64_t arena_touched_bytes(const struct arena *);

/* Invariants, by CHECK; O(chunks + freed objects). */
void arena_check(const struct arena *);

static inline void *arena_at(const struct arena *a, uint32_t handle)
{
	return a->base + (size_t)handle * ARENA_GRANULE_BYTES;
}

#endif
