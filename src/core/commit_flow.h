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

/* Of a TCP flow: packets are not measured by windows any more. */
void commit_flow_loosen(struct flow *);

/*
 * Version 1 of the wire carries no key of some protocols. Should the kernel take such a flow at
 * all, what is there already is another one.
 */
bool commit_flow_is_keyless(const struct flow *);

/*
 * Two nodes see packets of one flow, and one of them, which knows it as known, has *f from the
 * other. True if *f is further on, as a TCP connection goes from its handshake to its end, or
 * begins anew after it. If not, the protocol's state is taken out of *f.
 */
bool commit_flow_forward(struct flow *f, const struct flow *known);

/* What the kernel finds the flow by, and no more. */
void commit_flow_key(struct flow *out, const struct flow *);

#endif
