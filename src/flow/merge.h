/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_MERGE_H
#define CTSYNC_FLOW_MERGE_H

#include "flow/flow.h"

/*
 * Takes into dst everything that src has; what only dst has stays. For updates: a kernel event or
 * a peer's message names only what it knows. What makes the key (the original tuple, the zones) is
 * left alone. Helper info and secctx are borrowed: dst then points at src's bytes. Of TCP, SCTP
 * and DCCP state, which share memory, dst should have the same as src.
 */
void flow_merge(struct flow *dst, const struct flow *src);

/*
 * True if a and b, two views of one flow (equal keys), say the same in all that is replicated,
 * the timeout apart. Used to find out whether an update is worth sending.
 *
 * Compared: reply tuple, status, mark, secmark, protocol state, master, sequence adjustment, helper
 * name, labels, SYN proxy. Not compared: what makes the key, timeout, id (two entries of one key
 * that follow each other may be in the same state), use count, counters, timestamps, requested NAT,
 * helper info, secctx. What only one of them has makes a difference, unless it is a mark of 0 or a
 * SYN proxy of all zeros: the kernel reports those or does not, depending on who made the entry.
 */
bool flow_same_state(const struct flow *a, const struct flow *b);

#endif
