/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COMMIT_FLOW_H
#define CTSYNC_CORE_COMMIT_FLOW_H

#include <stdbool.h>

#include "flow/flow.h"

/*
 * From a flow as a peer holds it to what the kernel takes. All change *f in place; its timeout is
 * set already.
 */

/* As a creation has put it into our own kernel's table. */
void commit_flow_local(struct flow *);

/*
 * What an update has made of an entry in our kernel's table: what it does not change is left out
 * of *f. known is the entry before, or NULL; then the reply tuple is left in as the best guess.
 */
void commit_flow_updated(struct flow *f, const struct flow *known);

/*
 * For an exclusive creation. The kernel wants the reply tuple as it is without NAT and applies
 * the requested NAT itself (ctnetlink_setup_nat): with a translated reply tuple it would find
 * nothing to do and leave the NAT bits of the status unset.
 */
void commit_flow_create(struct flow *, bool liberal);

/*
 * For an existing entry, of which the kernel refuses changes of NAT, master and helper and a
 * status that takes bits back (EBUSY, EOPNOTSUPP). known is what the kernel told of it, or NULL.
 */
void commit_flow_update(struct flow *, const struct flow *known, bool liberal, bool without_status);

#endif
