/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_COMPARE_H
#define CTSYNC_NFCT_COMPARE_H

#include <stdbool.h>

#include "flow/expect.h"

/* Two tuples as NFCT_CMP_ORIG does; of flags (NFCT_CMP_*) only MASK and STRICT count. */
bool compare_heads(const struct flow_head *, const struct flow_head *, unsigned flags);

#endif
