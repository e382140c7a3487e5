/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_BITMASK_H
#define CTSYNC_NFCT_BITMASK_H

#include <stddef.h>
#include <stdint.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

enum { BITMASK_BITS_MAX = 65536 };

struct nfct_bitmask {
	uint32_t words; /* of 32 bits each */
	uint32_t bits[]; /* host order, word 0 = bits 0..31: what CTA_LABELS holds */
};

/* A bitmask of the CTA_LABELS payload; the last word is filled up with zeros. NULL: no memory. */
struct nfct_bitmask *bitmask_of_payload(const void *payload, size_t len);

/* Equal but for zero words that only one of them has; NULL is an empty one. */
bool bitmask_same_bits(const struct nfct_bitmask *, const struct nfct_bitmask *);

#endif
