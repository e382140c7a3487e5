/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_COPY_H
#define CTSYNC_NFCT_COPY_H

#include <stdbool.h>

#include "nfct/object.h"

/*
 * Makes dst a duplicate of src, which may be an expectation's tuple. What dst owned is freed if
 * nfct_new() made it; of others it is not known whether they hold anything but garbage. false: no
 * memory, and dst is as it was.
 */
bool object_replace(struct nf_conntrack *dst, const struct nf_conntrack *src);

#endif
