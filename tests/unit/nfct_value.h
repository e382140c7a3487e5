/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_NFCT_VALUE_H
#define CTSYNC_TESTS_NFCT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "nfct/object.h"

/* What is known of every attribute, written down apart from the library's own table. */
enum nfct_fact_kind {
	FACT_INTEGER,
	FACT_READ_ONLY, /* an integer */
	FACT_KERNEL, /* an integer that no setter even marks */
	FACT_ADDRESS,
	FACT_NAME,
	FACT_TEXT,
	FACT_BYTES,
	FACT_LABELS,
};

struct nfct_fact {
	uint8_t kind; /* enum nfct_fact_kind */
	uint8_t size; /* [bytes]; 0: of no fixed size */
	uint8_t copied; /* the flag of nfct_copy() that takes it */
};

extern const struct nfct_fact nfct_facts[ATTR_MAX];

static inline bool nfct_fact_is_integer(const struct nfct_fact *f)
{
	return f->kind <= FACT_KERNEL;
}

/* The number that an integer attribute is given; n below 256. 0 gives 0. */
uint64_t nfct_value_number(enum nf_conntrack_attr, unsigned n);

/*
 * Gives an attribute the value numbered n (below 256; others for others) and marks it, the ones
 * that only the kernel gives from within.
 */
void nfct_value_give(struct nf_conntrack *, enum nf_conntrack_attr, unsigned n);

/* Both have the attribute, with the same value and nothing shared. */
bool nfct_value_same(
	const struct nf_conntrack *, const struct nf_conntrack *, enum nf_conntrack_attr);

/* The tuple of an expectation, in memory that is not a byte larger; free() frees it. */
struct nf_conntrack *nfct_value_new_head(void);

/* It belongs to the original tuple of an expectation. */
bool nfct_value_is_in_head(enum nf_conntrack_attr);

#endif
