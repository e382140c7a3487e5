/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_OBJECT_H
#define CTSYNC_NFCT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/expect.h"
#include "flow/flow.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/*
 * What nfct_* functions are given: a flow and what it owns. A zeroed one is the valid empty one.
 *
 * flow.helper_info.data and flow.secctx.data, where not NULL, are heap blocks of the object, the
 * latter with a NUL behind its len bytes. Labels are in the bitmasks, whose pointers programs may
 * change through; flow.labels is not used. FLOW_LABELS and FLOW_LABELS_MASK say whether they are
 * present, as for every attribute.
 *
 * The spare bits at the end of the presence set hold a tag, which no other function may change:
 * what is known of the memory behind the pointer.
 */
struct nf_conntrack {
	struct flow flow;
	struct nfct_bitmask *labels, *labels_mask;
};

enum { OBJECT_SIZE_MAX = 392 }; /* of the library that programs were built against before */
_Static_assert(sizeof(struct nf_conntrack) <= OBJECT_SIZE_MAX, "no larger than it used to be");

#define OBJECT_TAG_WORD (FLOW_SET_WORDS - 1)
#define OBJECT_TAG_MASK UINT32_C(0xfffff000)
_Static_assert(FLOW_ATTR_COUNT % 32 == 12 && FLOW_ATTR_COUNT / 32 == OBJECT_TAG_WORD,
	"the tag has the bits that no attribute has");
#define OBJECT_TAG_MADE UINT32_C(0x5c7a1000) /* by nfct_new(): its pointers are valid or NULL */
#define OBJECT_TAG_HEAD UINT32_C(0xa3e85000) /* a struct flow_head in an expectation, no more */

static inline uint32_t object_tag(const struct nf_conntrack *ct)
{
	return ct->flow.set[OBJECT_TAG_WORD] & OBJECT_TAG_MASK;
}

/*
 * The object itself or, if ct points at the head of an expectation's tuple, a whole object with
 * what that has, made in *room. For whoever looks beyond the original tuple.
 */
const struct nf_conntrack *object_whole(const struct nf_conntrack *ct, struct nf_conntrack *room);

/* Frees what the object owns; it is empty then, its tag remains. */
void object_release(struct nf_conntrack *ct);

/*
 * Gives the object its own copy of the text (len bytes, a NUL is added) or of the bytes; with NULL
 * it has none. false: no memory, and the object is as it was. Neither marks the attribute as set.
 */
bool object_set_secctx(struct nf_conntrack *ct, const void *text, size_t len);
bool object_set_helper_info(struct nf_conntrack *ct, const void *data, size_t len);

#endif
