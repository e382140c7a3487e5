/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_EXPECT_H
#define CTSYNC_FLOW_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"

/*
 * An expectation: a connection that a helper foresees, as the kernel tells of it. Flat, without
 * pointers: it may be copied as bytes. A zeroed one is the valid empty one.
 *
 * The numbers are those of libnetfilter_conntrack's public enum nf_expect_attr.
 */
enum expect_attr {
	EXPECT_MASTER = 0,
	EXPECT_EXPECTED = 1,
	EXPECT_MASK = 2,
	EXPECT_TIMEOUT = 3,
	EXPECT_ZONE = 4,
	EXPECT_FLAGS = 5,
	EXPECT_HELPER_NAME = 6,
	EXPECT_CLASS = 7,
	EXPECT_NAT_TUPLE = 8,
	EXPECT_NAT_DIR = 9,
	EXPECT_FN = 10,
	EXPECT_ATTR_COUNT = 11,
};

enum expect_flags {
	EXPECT_FLAG_PERMANENT = 1 << 0,
	EXPECT_FLAG_INACTIVE = 1 << 1,
	EXPECT_FLAG_USERSPACE = 1 << 2,
};

enum { EXPECT_FN_MAX = 24 }; /* with its NUL: what the kernel's names need */

/*
 * The heads are read as the beginning of a struct flow, and so are aligned as one; the words
 * between them fill what that leaves.
 */
struct expect {
	_Alignas(struct flow) struct flow_head master; /* the master's original tuple */
	uint32_t set; /* which attributes are present */
	_Alignas(struct flow) struct flow_head expected;
	uint32_t timeout; /* [s] left */
	_Alignas(struct flow) struct flow_head mask;
	uint32_t flags; /* EXPECT_FLAG_* */
	_Alignas(struct flow) struct flow_head nat; /* to what the expected flow is mapped */
	uint32_t class; /* of the helper's expectation policies */
	uint32_t nat_dir; /* enum flow_dir */
	uint16_t zone;
	char helper_name[FLOW_HELPER_NAME_MAX];
	char fn[EXPECT_FN_MAX]; /* what the kernel calls when the flow comes */
};

static inline bool expect_has(const struct expect *e, enum expect_attr a)
{
	return e->set >> a & 1;
}

static inline void expect_mark_set(struct expect *e, enum expect_attr a)
{
	e->set |= UINT32_C(1) << a;
}

static inline void expect_mark_unset(struct expect *e, enum expect_attr a)
{
	e->set &= ~(UINT32_C(1) << a);
}

static inline bool flow_head_has(const struct flow_head *h, enum flow_attr a)
{
	return h->set[a / 32] >> (a % 32) & 1;
}

/* Takes the original tuple of f and the presence of its attributes, nothing else. */
void flow_head_of(struct flow_head *, const struct flow *f);

#endif
