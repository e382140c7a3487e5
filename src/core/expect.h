/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_EXPECT_H
#define CTSYNC_CORE_EXPECT_H

#include "base/buf.h"
#include "core/state.h"

/*
 * Expectations are entries of the same tables as flows, so that queue, sequence numbers,
 * tombstones, bulks, repairs, sweeps and dumps serve both. What is special to them is here, and,
 * of commits, in commit_expect.c.
 */

/* Its master's entry in the local table, or 0; alive. */
struct table_key expect_master_key(const struct engine *, const struct expect *);
uint32_t expect_master(const struct engine *, const struct expect *);

/*
 * Whether the entry may be said to peers: it is a tombstone, or its master is in the local table.
 * Asked when it is sent and not when the kernel tells of it: a helper that expects something at a
 * flow's first packet is heard before the flow itself. Counts those that may not.
 */
bool expect_may_go(struct engine *, uint32_t handle);

/* Appends its message; type is that of a flow in the same state. 0: no room. */
size_t expect_put(struct engine *, struct wbuf *, enum wire_v1_type, uint32_t handle,
	const struct wire_v1_options *);

/* We have written it into the kernel: into the local table; peers are not told. */
void expect_written(struct engine *, const struct table_key *, const struct expect *);

#endif
