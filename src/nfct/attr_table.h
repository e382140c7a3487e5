/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_ATTR_TABLE_H
#define CTSYNC_NFCT_ATTR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "nfct/object.h"

enum attr_kind {
	ATTR_INTEGER,
	ATTR_INTEGER_READ_ONLY, /* set: marked as present, but the value stays */
	ATTR_INTEGER_FROM_KERNEL, /* set: nothing happens */
	ATTR_INTEGER_ICMP, /* set: the reply tuple's follows */
	ATTR_ADDRESS, /* 16 bytes */
	ATTR_NAME, /* text in the object, cut to fit */
	ATTR_TEXT_READ_ONLY, /* struct flow_span of the object's own; set: as above */
	ATTR_BYTES, /* struct flow_span of the object's own */
	ATTR_BITMASK, /* a pointer to one of the object's own */
};

/* Where an object has an attribute, by its number. */
struct attr_place {
	uint16_t offset; /* [bytes] into struct nf_conntrack */
	uint8_t size; /* [bytes] there */
	uint8_t kind; /* enum attr_kind */
};

extern const struct attr_place attr_table[FLOW_ATTR_COUNT];

static inline bool attr_is_integer(const struct attr_place *a)
{
	return a->kind <= ATTR_INTEGER_ICMP;
}

static inline void *attr_at(struct nf_conntrack *ct, const struct attr_place *a)
{
	return (uint8_t *)ct + a->offset;
}

static inline const void *attr_at_const(const struct nf_conntrack *ct, const struct attr_place *a)
{
	return (const uint8_t *)ct + a->offset;
}

/* Is there memory for it? An expectation's tuple has only what stands in its head. */
static inline bool attr_has_room(const struct nf_conntrack *ct, const struct attr_place *a)
{
	return a->offset + a->size <= sizeof(struct flow_head) || object_tag(ct) != OBJECT_TAG_HEAD;
}

/*
 * What nfct_set_attr_l() does, for arguments that are sound but for the room: value has as many
 * bytes as the attribute, or len if it is of no fixed size. errno: EINVAL, no room; ENOMEM.
 */
void attr_set(struct nf_conntrack *, enum flow_attr, const void *value, size_t len);

#endif
