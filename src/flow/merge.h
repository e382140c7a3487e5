/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_MERGE_H
#define CTSYNC_FLOW_MERGE_H

#include "flow/flow.h"

/*
 * Takes into dst everything that src has; what only dst has stays. For updates: a kernel event or
 * a peer's message names only what it knows. The original tuple is left alone (it is the key).
 */
void flow_merge(struct flow *dst, const struct flow *src);

/*
 * True if a and b say the same in all that is replicated, the timeout apart. Used to find out
 * whether an update is worth sending.
 */
bool flow_same_state(const struct flow *a, const struct flow *b);

#endif
