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
 *
 * Memory goes back when chunks are empty (arena_next_spare). That they become so, after much has
 * gone that was there at the same time, is helped twice: a new object goes into one of the fullest
 * chunks that have room, and the owner of the objects may move what a nearly empty one still has
 * (arena_thin_begin). Under AddressSanitizer what is not handed out cannot be touched.
 */
enum {
	ARENA_GRANULE_BYTES = 8,
	ARENA_CHUNK_BYTES = 64 * 1024,
	ARENA_CHUNK_BYTES_MIN = 4096,
	ARENA_OBJECT_BYTES_MAX = 384,
	ARENA_CLASSES = 25,
	ARENA_GROUPS = 4, /* chunks with room: at least 3/4, 1/2, 1/4 full, and the others */
	ARENA_CHUNK_OBJECTS_MAX = ARENA_CHUNK_BYTES / 32,
};

struct arena_chunk {
	uint32_t next, prev; /* of the group's chunks; or of the empty chunks (next only) */
	uint32_t free; /* handle of the first freed object, 0: none */
	uint16_t used; /* objects handed out */
	uint16_t fresh; /* objects never handed out begin here */
	uint8_t class; /* ARENA_CLASSES: serves none */
	uint8_t group; /* ARENA_GROUPS: on no list, being full or the one that is thinned */
};

/* The chunk whose objects are being moved elsewhere. */
struct arena_thin {
	uint32_t chunk; /* + 1; 0: none */
	uint32_t next; /* objects before are done with */
	uint64_t free[ARENA_CHUNK_OBJECTS_MAX / 64]; /* which hold nothing */
};

struct arena {
	uint8_t *base;
	struct arena_chunk *chunks;
	uint32_t chunks_max;
	uint32_t chunks_used; /* chunks beyond have never been touched */
	uint32_t empty; /* chunk + 1 of the first one that serves no class now, and has pages */
	uint32_t empty_count;
	uint32_t empty_least; /* since arena_spare() was last asked */
	uint32_t clean; /* the same of those whose pages have been given back */
	uint32_t clean_count;
	uint32_t room[ARENA_CLASSES][ARENA_GROUPS]; /* chunk + 1 of the first one with room */
	uint32_t room_last[ARENA_CLASSES][ARENA_GROUPS]; /* and of the last one */
	uint32_t class_chunks[ARENA_CLASSES]; /* that serve it */
	uint32_t class_used[ARENA_CLASSES]; /* objects handed out */
	uint16_t class_objects[ARENA_CLASSES]; /* of one chunk */
	uint8_t chunk_shift; /* log2 of a chunk's granules */
	uint64_t objects;
	uint64_t bytes; /* handed out */
	struct arena_thin thin;
};

/* Address space wanted for a payload of at least bytes, whatever the mix of classes. */
size_t arena_memory_bytes(size_t bytes, size_t chunk_bytes);

/*
 * memory is zero-filled or what an arena used before, and aligned to ARENA_GRANULE_BYTES;
 * chunk_bytes is a power of 2 from ARENA_CHUNK_BYTES_MIN to ARENA_CHUNK_BYTES.
 */
void arena_init(struct arena *, void *memory, size_t memory_bytes, size_t chunk_bytes);

/* The memory may serve something else. O(chunks used). */
void arena_fini(struct arena *);

/* A new object of at least bytes (at most ARENA_OBJECT_BYTES_MAX), contents undefined; 0: full. */
uint32_t arena_alloc(struct arena *, size_t bytes);
void arena_free(struct arena *, uint32_t handle);

/* The size class that bytes fall into: an object need not move while its class stays. */
unsigned arena_class(size_t bytes);
size_t arena_class_bytes(unsigned class);

/* All objects at once. O(chunks used). */
void arena_reset(struct arena *);

/* Address space of the chunks that have pages [bytes]; an upper bound of what is resident. */
uint64_t arena_touched_bytes(const struct arena *);

/* Of these, what chunks in use have beyond their objects [bytes]. */
uint64_t arena_wasted_bytes(const struct arena *);

/* Chunks that have been empty, and had pages, ever since this was last asked. */
uint32_t arena_spare(struct arena *);

/*
 * A chunk that is empty: its pages may be given back, since what they hold is not looked at again.
 * NULL if there is none.
 */
void *arena_next_spare(struct arena *, size_t *bytes);

/*
 * Chooses a chunk to be emptied; the objects that it has find room in others of the same class.
 * False if that would gain too little: where no class wastes an eighth of its chunks.
 */
bool arena_thin_begin(struct arena *);

/*
 * The next object of the chosen chunk, in ascending order. Its owner moves it: arena_alloc() with
 * its size, then arena_free(). 0: there is none left, or no room for it any more, and nothing is
 * chosen. What was not moved stays.
 */
uint32_t arena_thin_next(struct arena *);

/* Invariants, by CHECK; O(chunks + freed objects). */
void arena_check(const struct arena *);

static inline size_t arena_chunk_bytes(const struct arena *a)
{
	return (size_t)ARENA_GRANULE_BYTES << a->chunk_shift;
}

static inline void *arena_at(const struct arena *a, uint32_t handle)
{
	return a->base + (size_t)handle * ARENA_GRANULE_BYTES;
}

#endif
