/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COMMIT_EXPECT_H
#define CTSYNC_CORE_COMMIT_EXPECT_H

#include "core/state.h"

/*
 * Expectations in a commit: a last pass over the peers' tables, once all writes of flows are
 * answered. The kernel wants the master to be there, and changes nothing of an expectation that is
 * there already but its timeout: one that differs is deleted and created again.
 */

/* Looks at one of the peer the commit is at; true if there is something to write. */
bool commit_expect_consider(struct engine *, uint32_t handle, struct kernel_op *);

/* The operation again, as the peer's entry says now; false: there is none any more. */
bool commit_expect_repeat(struct engine *, struct op *, struct kernel_op *);

/* True: it is to be repeated. */
bool commit_expect_answered(struct engine *, struct op *, int err);

#endif
