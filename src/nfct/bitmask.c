/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfct/bitmask.h"
#include "nfct/export.h"

enum { WORD_BITS = 32 };

static struct nfct_bitmask *bitmask_of_words(size_t words)
{
	struct nfct_bitmask *b = calloc(1, sizeof(*b) + words * sizeof(b->bits[0]));

	if (b)
		b->words = (uint32_t)words;
	return b;
}

static size_t bits_bytes(const struct nfct_bitmask *b)
{
	return b->words * sizeof(b->bits[0]);
}

static bool has_room_for(const struct nfct_bitmask *b, unsigned int bit)
{
	return bit / WORD_BITS < b->words;
}

struct nfct_bitmask *bitmask_of_payload(const void *payload, size_t len)
{
	size_t words = len / sizeof(uint32_t) + (len % sizeof(uint32_t) != 0);
	struct nfct_bitmask *b = bitmask_of_words(words > 0 ? words : 1);

	if (b && len > 0)
		memcpy(b->bits, payload, len);
	return b;
}

bool bitmask_same_bits(const struct nfct_bitmask *a, const struct nfct_bitmask *b)
{
	uint32_t a_words = a ? a->words : 0, b_words = b ? b->words : 0;

	for (uint32_t i = 0; i < a_words || i < b_words; i++) {
		uint32_t a_word = i < a_words ? a->bits[i] : 0;
		uint32_t b_word = i < b_words ? b->bits[i] : 0;

		if (a_word != b_word)
			return false;
	}
	return true;
}

/**
 * Makes a bitmask with no bit set, as connection labels are held in.
 *
 * @param maxbit highest bit that it shall have, 0 to 65535; it gets whole words of 32 bits, so
 *	that nfct_bitmask_maxbit() may be higher
 * @return the bitmask, which is the caller's to destroy or to give away with
 *	nfct_set_attr(ct, ATTR_CONNLABELS, bitmask); NULL on error
 * @errors EINVAL: maxbit is above 65535; ENOMEM
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT struct nfct_bitmask *nfct_bitmask_new(unsigned int maxbit)
{
	if (maxbit >= BITMASK_BITS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	return bitmask_of_words(maxbit / WORD_BITS + 1);
}

/**
 * Makes a copy of a bitmask. Cost: its size.
 *
 * @param b the bitmask
 * @return the copy, which is the caller's to destroy or to give away; NULL on error
 * @errors EINVAL: b is NULL; ENOMEM
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT struct nfct_bitmask *nfct_bitmask_clone(const struct nfct_bitmask *b)
{
	struct nfct_bitmask *copy;

	if (!b) {
		errno = EINVAL;
		return NULL;
	}
	copy = bitmask_of_words(b->words);
	if (copy)
		memcpy(copy->bits, b->bits, bits_bytes(b));
	return copy;
}

/**
 * Tells the highest bit that a bitmask has room for.
 *
 * @param b the bitmask
 * @return the number of the bit: a multiple of 32, less 1; 0 on error
 * @errors EINVAL: b is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT unsigned int nfct_bitmask_maxbit(const struct nfct_bitmask *b)
{
	if (!b) {
		errno = EINVAL;
		return 0;
	}
	return b->words * WORD_BITS - 1;
}

/**
 * Sets a bit; nothing changes if the bitmask has no room for it.
 *
 * @param b the bitmask
 * @param bit number of the bit, from 0
 * @errors EINVAL: b is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_bitmask_set_bit(struct nfct_bitmask *b, unsigned int bit)
{
	if (!b)
		errno = EINVAL;
	else if (has_room_for(b, bit))
		b->bits[bit / WORD_BITS] |= UINT32_C(1) << bit % WORD_BITS;
}

/**
 * Tells whether a bit is set.
 *
 * @param b the bitmask
 * @param bit number of the bit, from 0; what is above nfct_bitmask_maxbit() is not set
 * @return 1 if it is set, 0 if not or on error
 * @errors EINVAL: b is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_bitmask_test_bit(const struct nfct_bitmask *b, unsigned int bit)
{
	if (!b) {
		errno = EINVAL;
		return 0;
	}
	return has_room_for(b, bit) && b->bits[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

/**
 * Clears a bit; nothing changes if the bitmask has no room for it.
 *
 * @param b the bitmask
 * @param bit number of the bit, from 0
 * @errors EINVAL: b is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_bitmask_unset_bit(struct nfct_bitmask *b, unsigned int bit)
{
	if (!b)
		errno = EINVAL;
	else if (has_room_for(b, bit))
		b->bits[bit / WORD_BITS] &= ~(UINT32_C(1) << bit % WORD_BITS);
}

/**
 * Frees a bitmask. One that was given to an object is the object's to free.
 *
 * @param b the bitmask, or NULL
 * @errors none
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_bitmask_destroy(struct nfct_bitmask *b)
{
	free(b);
}

/**
 * Clears all bits. Cost: the bitmask's size.
 *
 * @param b the bitmask
 * @errors EINVAL: b is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_bitmask_clear(struct nfct_bitmask *b)
{
	if (!b) {
		errno = EINVAL;
		return;
	}
	memset(b->bits, 0, bits_bytes(b));
}

/**
 * Tells whether two bitmasks are the same: of the same size, with the same bits set. Cost: their
 * size.
 *
 * @param b1 a bitmask
 * @param b2 another
 * @return whether they are the same; false on error
 * @errors EINVAL: b1 or b2 is NULL
 * @source CTA_LABELS of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT bool nfct_bitmask_equal(const struct nfct_bitmask *b1, const struct nfct_bitmask *b2)
{
	if (!b1 || !b2) {
		errno = EINVAL;
		return false;
	}
	return b1->words == b2->words && memcmp(b1->bits, b2->bits, bits_bytes(b1)) == 0;
}
