/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/index.h"

#include <string.h>

#include "base/check.h"

/* One of the two regions as a call sees it. */
struct view {
	struct index_slot *slots;
	uint32_t first; /* no entry is before this slot */
	uint32_t end;
	unsigned bits;
	bool turned;
};

/* Where a hash stands in the order of the index. */
static inline uint64_t place_of(bool turned, uint64_t hash)
{
	if (turned)
		hash = hash << 32 | hash >> 32;
	/* no tag is all ones, so that "the tag after" always exists */
	return hash < INDEX_END ? hash : hash - (UINT64_C(1) << 32);
}

static inline uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static inline uint32_t home_of(uint32_t tag, unsigned bits)
{
	return tag >> (32 - bits);
}

static inline struct view view_new(const struct index *x)
{
	return (struct view){x->region[x->live], 0, (UINT32_C(1) << x->bits) + INDEX_TAIL_SLOTS,
		x->bits, x->turned};
}

static inline struct view view_old(const struct index *x)
{
	return (struct view){x->region[!x->live], x->old_slot,
		(UINT32_C(1) << x->old_bits) + INDEX_TAIL_SLOTS, x->old_bits, x->turned};
}

static inline struct view view_for(const struct index *x, uint32_t tag)
{
	return x->moving && tag >= x->old_tag ? view_old(x) : view_new(x);
}

static inline uint32_t view_start(const struct view *v, uint32_t tag)
{
	uint32_t home = home_of(tag, v->bits);

	return home > v->first ? home : v->first;
}

static unsigned bits_for(uint32_t entries)
{
	unsigned bits = INDEX_BITS_MIN;

	while (bits < INDEX_BITS_MAX && (UINT64_C(3) << bits) / 4 < entries)
		bits++;
	return bits;
}

/* Whole pages. */
static uint32_t region_bytes(unsigned bits)
{
	size_t bytes = (((size_t)1 << bits) + INDEX_TAIL_SLOTS) * sizeof(struct index_slot);

	return (uint32_t)((bytes + INDEX_PAGE_BYTES - 1) / INDEX_PAGE_BYTES * INDEX_PAGE_BYTES);
}

size_t index_memory_bytes(uint32_t entries)
{
	return 2 * (size_t)region_bytes(bits_for(entries));
}

static void touch(struct index *x)
{
	uint32_t bytes = region_bytes(x->bits);

	if (x->touched[x->live] < bytes)
		x->touched[x->live] = bytes;
}

void index_init(struct index *x, void *memory, uint32_t entries, bool turned)
{
	memset(x, 0, sizeof(*x));
	x->bits = INDEX_BITS_MIN;
	x->bits_max = (uint8_t)bits_for(entries);
	x->turned = turned;
	x->region[0] = (struct index_slot *)memory;
	x->region[1] = (struct index_slot *)(void *)((uint8_t *)memory + region_bytes(x->bits_max));
	touch(x);
}

/* Of a region [bytes]. */
static uint32_t in_use(const struct index *x, unsigned region)
{
	if (region == x->live)
		return region_bytes(x->bits);
	return x->moving ? region_bytes(x->old_bits) : 0;
}

void index_reset(struct index *x)
{
	for (unsigned region = 0; region < 2; region++)
		memset(x->region[region], 0, in_use(x, region));
	x->moving = x->spare = false;
	x->count = 0;
	x->bits = INDEX_BITS_MIN;
	touch(x);
}

uint64_t index_touched_bytes(const struct index *x)
{
	return (uint64_t)x->touched[0] + x->touched[1];
}

uint64_t index_hash(const struct store *s, const uint8_t *key, size_t len)
{
	return hash_sip13(s->hash_key, key, len);
}

static uint64_t slot_place(
	const struct view *v, const struct store *s, const struct index_slot *slot)
{
	const struct entry *e = entry_at(s, slot->handle);

	return place_of(v->turned, index_hash(s, e->packed, entry_key_len(e)));
}

void index_fetch_slot(const struct index *x, uint64_t hash)
{
	uint32_t tag = tag_of(place_of(x->turned, hash));
	struct view v = view_for(x, tag);

	__builtin_prefetch(&v.slots[view_start(&v, tag)]);
}

/* An entry is longer than a cache line. */
static void fetch_entry(const struct store *s, uint32_t handle)
{
	const struct entry *e = entry_at(s, handle);

	__builtin_prefetch(e, 1);
	__builtin_prefetch((const uint8_t *)e + 64, 1);
}

uint32_t index_fetch_entry(const struct index *x, const struct store *s, uint64_t hash)
{
	uint32_t tag = tag_of(place_of(x->turned, hash));
	struct view v = view_for(x, tag);

	for (uint32_t i = view_start(&v, tag); i < v.end; i++) {
		const struct index_slot *slot = &v.slots[i];

		if (!slot->handle || slot->tag > tag)
			break;
		if (slot->tag != tag)
			continue;
		fetch_entry(s, slot->handle);
		return slot->handle;
	}
	return 0;
}

uint32_t index_find(
	const struct index *x, const struct store *s, uint64_t hash, const uint8_t *key, size_t len)
{
	uint32_t tag = tag_of(place_of(x->turned, hash));
	struct view v = view_for(x, tag);

	for (uint32_t i = view_start(&v, tag); i < v.end; i++) {
		const struct index_slot *slot = &v.slots[i];
		const struct entry *e;

		if (!slot->handle || slot->tag > tag)
			return 0;
		if (slot->tag != tag)
			continue;
		e = entry_at(s, slot->handle);
		/* a key's length follows from its first byte: equal bytes are the whole of both */
		if (e->len >= len && memcmp(e->packed, key, len) == 0)
			return slot->handle;
	}
	return 0;
}

/* What the slot holds comes before the place. */
static bool slot_before(
	const struct view *v, const struct store *s, const struct index_slot *slot, uint64_t place)
{
	if (slot->tag != tag_of(place))
		return slot->tag < tag_of(place);
	return slot_place(v, s, slot) < place;
}

static bool view_add(struct view *v, const struct store *s, uint64_t place, uint32_t handle)
{
	uint32_t at = view_start(v, tag_of(place)), gap;

	while (at < v->end && v->slots[at].handle && slot_before(v, s, &v->slots[at], place))
		at++;
	for (gap = at; gap < v->end && v->slots[gap].handle;)
		gap++;
	if (gap == v->end)
		return false;
	memmove(&v->slots[at + 1], &v->slots[at], (gap - at) * sizeof(*v->slots));
	v->slots[at] = (struct index_slot){tag_of(place), handle};
	return true;
}

/*
 * Appends a slot that comes after all that the region holds: no order has to be looked at. False if
 * it would come to lie so many slots behind its home, or behind the end.
 */
static bool view_append(struct view *v, struct index_slot slot, uint32_t pushed_max)
{
	uint32_t at = home_of(slot.tag, v->bits);
	uint32_t end = v->end - at < pushed_max ? v->end : at + pushed_max;

	while (at < end && v->slots[at].handle)
		at++;
	if (at == end)
		return false;
	v->slots[at] = slot;
	return true;
}

/* From here on the other region is filled, which holds nothing but zeros. */
static void move_begin(struct index *x, unsigned bits)
{
	x->moving = true;
	x->spare = false;
	x->live = !x->live;
	x->old_bits = x->bits;
	x->bits = (uint8_t)bits;
	x->old_slot = 0;
	x->old_tag = 0;
	touch(x);
}

/* Puts a slot before all that the region holds, which is pushed on as far as need be. */
static void view_prepend(struct view *v, struct index_slot slot)
{
	uint32_t at = home_of(slot.tag, v->bits), gap = at;

	while (gap < v->end && v->slots[gap].handle)
		gap++;
	CHECK(gap < v->end);
	memmove(&v->slots[at + 1], &v->slots[at], (gap - at) * sizeof(*v->slots));
	v->slots[at] = slot;
}

/*
 * Half the size is not enough: what is left is not spread over all places, since a walk takes
 * entries out (a commit, a purge) in their order. What has moved goes back, and the next try has to
 * wait. O(what has moved), which is little: the first few thousand slots of a dense stretch tell.
 */
static void turn_back(struct index *x)
{
	struct view to = view_old(x), from = view_new(x);
	uint32_t end = home_of(x->old_tag, from.bits) + INDEX_TAIL_SLOTS;

	while (end < from.end && from.slots[end].handle)
		end++;
	for (uint32_t at = end < from.end ? end : from.end; at-- > 0;) {
		if (!from.slots[at].handle)
			continue;
		view_prepend(&to, from.slots[at]);
		from.slots[at] = (struct index_slot){0};
	}
	x->live = !x->live;
	x->bits = x->old_bits;
	x->moving = x->spare = false;
	x->count_most = UINT32_C(1) << x->bits;
}

static bool is_halving(const struct index *x)
{
	return x->moving && x->bits < x->old_bits;
}

/*
 * Moves some slots. All slots of one tag move together, so that old_tag separates the regions. The
 * new region has room: a doubled one's load is half of what the old one had, and that of a halved
 * one is 3/4 at the most, if each change on the way has added an entry; unless they stand close
 * together, and then it turns back.
 */
static void move_step(struct index *x, uint32_t slots)
{
	struct view to = view_new(x), from = view_old(x);
	uint32_t home_slots = UINT32_C(1) << from.bits;
	/* a walk looks INDEX_TAIL_SLOTS far; at 3/4 load 500 are not pushed on in any index */
	uint32_t pushed_max = is_halving(x) ? INDEX_TAIL_SLOTS / 2 : UINT32_MAX;

	for (uint32_t n = 0; n < slots; n++) {
		struct index_slot slot = from.slots[x->old_slot];

		if (slot.handle) {
			if (!view_append(&to, slot, pushed_max)) {
				CHECK(is_halving(x));
				turn_back(x);
				return;
			}
			from.slots[x->old_slot] = (struct index_slot){0};
			x->old_tag = slot.tag + 1;
		}
		x->old_slot++;
		if (x->old_slot == from.end || (!slot.handle && x->old_slot >= home_slots)) {
			x->moving = false;
			return;
		}
		if (!slot.handle)
			x->old_tag = x->old_slot << (32 - from.bits);
		else if (from.slots[x->old_slot].handle && from.slots[x->old_slot].tag == slot.tag)
			n--;
	}
}

/* ---- less than there was ---- */

/* At half the size, it would be a little less full than one that is to grow. */
static bool is_sparse(const struct index *x, uint32_t count)
{
	return x->bits > INDEX_BITS_MIN && count < (UINT64_C(11) << x->bits) / 32;
}

void index_slim(struct index *x)
{
	x->count_before = x->count_most;
	x->count_most = x->count;
	if (!x->moving && is_sparse(x, x->count_before))
		move_begin(x, x->bits - 1U);
	else
		x->spare = !x->moving;
}

bool index_step(struct index *x, uint32_t slots)
{
	uint32_t most;

	if (!x->moving)
		return false;
	move_step(x, slots);
	most = x->count_most > x->count_before ? x->count_most : x->count_before;
	if (!x->moving && is_sparse(x, most))
		move_begin(x, x->bits - 1U);
	return x->moving;
}

bool index_is_fat(const struct index *x)
{
	return x->moving || is_sparse(x, x->count) || x->touched[x->live] > in_use(x, x->live) ||
	       x->touched[!x->live] > 0;
}

bool index_next_spare(struct index *x, size_t bytes_max, void **at, size_t *bytes)
{
	for (unsigned region = 0; region < 2 && x->spare; region++) {
		size_t more = x->touched[region] - in_use(x, region);

		if (more == 0)
			continue;
		*bytes = more < bytes_max ? more : bytes_max;
		x->touched[region] -= (uint32_t)*bytes;
		*at = (uint8_t *)x->region[region] + x->touched[region];
		return true;
	}
	return false;
}

bool index_add(struct index *x, const struct store *s, uint64_t hash, uint32_t handle)
{
	uint64_t place = place_of(x->turned, hash);
	struct view v;

	if (!x->moving && x->bits < x->bits_max && x->count >= (UINT64_C(3) << x->bits) / 4)
		move_begin(x, x->bits + 1U);
	if (x->moving)
		move_step(x, INDEX_MIGRATE_SLOTS);
	v = view_for(x, tag_of(place));
	if (!view_add(&v, s, place, handle)) {
		if (!is_halving(x))
			return false;
		turn_back(x);
		v = view_new(x);
		if (!view_add(&v, s, place, handle))
			return false;
	}
	x->count++;
	if (x->count > x->count_most)
		x->count_most = x->count;
	return true;
}

static struct index_slot *view_slot(const struct view *v, uint32_t tag, uint32_t handle)
{
	uint32_t at = view_start(v, tag);

	while (at < v->end && v->slots[at].handle && v->slots[at].handle != handle)
		at++;
	CHECK(at < v->end && v->slots[at].handle == handle && v->slots[at].tag == tag);
	return &v->slots[at];
}

void index_remove(struct index *x, uint64_t hash, uint32_t handle)
{
	uint32_t tag = tag_of(place_of(x->turned, hash));
	struct view v = view_for(x, tag);
	uint32_t at = (uint32_t)(view_slot(&v, tag, handle) - v.slots);

	/* what was pushed on comes back */
	for (; at + 1 < v.end; at++) {
		const struct index_slot *next = &v.slots[at + 1];

		if (!next->handle || home_of(next->tag, v.bits) > at)
			break;
		v.slots[at] = *next;
	}
	v.slots[at] = (struct index_slot){0};
	x->count--;
	if (x->moving)
		move_step(x, INDEX_MIGRATE_SLOTS);
}

void index_replace(struct index *x, uint64_t hash, uint32_t old_handle, uint32_t new_handle)
{
	uint32_t tag = tag_of(place_of(x->turned, hash));
	struct view v = view_for(x, tag);

	view_slot(&v, tag, old_handle)->handle = new_handle;
}

/* The first slot not below the cursor; NULL if the region has none. */
static const struct index_slot *view_next(
	const struct view *v, const struct store *s, uint64_t cursor)
{
	for (uint32_t at = view_start(v, tag_of(cursor)); at < v->end; at++) {
		const struct index_slot *slot = &v->slots[at];

		if (!slot->handle || slot->tag < tag_of(cursor))
			continue;
		if (slot->tag > tag_of(cursor) || !(uint32_t)cursor ||
			slot_place(v, s, slot) >= cursor)
			return slot;
	}
	return NULL;
}

/*
 * Entries lie anywhere, so that each fetch waits for the page's translation: in a loop of their own
 * these waits overlap. What a block of slots holds is fetched when a walk enters the one before.
 * Inline as entry_fetch_neighbours() is.
 */
__attribute__((always_inline)) static inline void fetch_ahead(
	const struct view *v, const struct store *s, uint32_t from, uint32_t at)
{
	uint32_t i = (at / INDEX_FETCH_SLOTS + 1) * INDEX_FETCH_SLOTS, end;

	if (from / INDEX_FETCH_SLOTS == at / INDEX_FETCH_SLOTS && at % INDEX_FETCH_SLOTS)
		return;
	end = v->end - at < 2 * INDEX_FETCH_SLOTS ? v->end : i + INDEX_FETCH_SLOTS;
	for (uint32_t n = i; n < end; n++)
		if (v->slots[n].handle)
			fetch_entry(s, v->slots[n].handle);
	/* a bulk moves each entry to the end of its chain */
	for (uint32_t n = at; n < i && n < v->end; n++)
		if (v->slots[n].handle)
			entry_fetch_neighbours(s, v->slots[n].handle);
}

uint32_t index_next(const struct index *x, const struct store *s, uint64_t *cursor)
{
	const struct index_slot *slot = NULL;
	struct view v;

	if (*cursor >= INDEX_END)
		return 0;
	if (!x->moving || tag_of(*cursor) < x->old_tag) {
		v = view_new(x);
		/* nothing of the new region lies far behind the frontier */
		if (x->moving) {
			uint32_t end = home_of(x->old_tag, v.bits) + INDEX_TAIL_SLOTS;

			v.end = end < v.end ? end : v.end;
		}
		slot = view_next(&v, s, *cursor);
	}
	if (!slot && x->moving) {
		v = view_old(x);
		slot = view_next(&v, s, *cursor);
	}
	if (!slot) {
		*cursor = INDEX_END;
		return 0;
	}
	fetch_ahead(&v, s, view_start(&v, tag_of(*cursor)), (uint32_t)(slot - v.slots));
	/* the next tag, unless another entry has the same one */
	if (slot + 1 < v.slots + v.end && slot[1].handle && slot[1].tag == slot->tag)
		*cursor = slot_place(&v, s, slot) + 1;
	else
		*cursor = (uint64_t)(slot->tag + 1) << 32;
	return slot->handle;
}

static uint32_t view_check(const struct view *v, const struct store *s)
{
	uint64_t last = 0, pushed = 0;
	uint32_t count = 0;

	for (uint32_t at = 0; at < v->end; at++) {
		const struct index_slot *slot = &v->slots[at];
		uint64_t place;

		if (!slot->handle)
			continue;
		place = slot_place(v, s, slot);
		CHECK(at >= v->first && tag_of(place) == slot->tag);
		CHECK(count == 0 || place > last);
		CHECK(home_of(slot->tag, v->bits) <= at);
		for (uint32_t i = view_start(v, slot->tag); i < at; i++)
			CHECK(v->slots[i].handle);
		pushed += at - home_of(slot->tag, v->bits);
		last = place;
		count++;
	}
	/* a few slots each, on the average; many more: what was put in was not spread */
	CHECK(pushed <= INDEX_PUSHED_MEAN_MAX * (uint64_t)count + INDEX_TAIL_SLOTS);
	return count;
}

void index_check(const struct index *x, const struct store *s)
{
	struct view v = view_new(x);
	uint32_t count = view_check(&v, s);

	if (x->moving) {
		v = view_old(x);
		count += view_check(&v, s);
		for (uint32_t at = v.first; at < v.end; at++)
			CHECK(!v.slots[at].handle || v.slots[at].tag >= x->old_tag);
		v = view_new(x);
		for (uint32_t at = 0; at < v.end; at++)
			CHECK(!v.slots[at].handle || v.slots[at].tag < x->old_tag);
	} else {
		const struct index_slot *spare = x->region[!x->live];

		for (size_t i = 0; i < x->touched[!x->live] / sizeof(*spare); i++)
			CHECK(!spare[i].handle);
	}
	CHECK(count == x->count);
}
