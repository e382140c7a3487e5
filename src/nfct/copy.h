/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_COPY_H
#define CTSYNC_NFCT_COPY_H

#include <stdbool.h>

#include "nfct/object.h"

/*
 * Makes a duplicate of src, which may be an expectation's tuple, in memory that may hold anything.
 * It has no tag. false: no memory, and dst is an empty object.
 */
bool object_duplicate(struct nf_conntrack *dst, const struct nf_conntrack *src);

#endif
