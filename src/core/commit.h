/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COMMIT_H
#define CTSYNC_CORE_COMMIT_H

#include "core/state.h"

/*
 * Writing what peers hold into the kernel: first flows that stand alone, then related ones, whose
 * masters are there by then, then expectations (commit_expect.c). A promotion also takes them over:
 * they leave the peers' tables.
 */
void commit_start(struct engine *, bool promote, enum engine_scope);
void commit_cancel(struct engine *);

bool commit_next_op(struct engine *, struct kernel_op *);
bool commit_repeat(struct engine *, struct op *, struct kernel_op *); /* false: not any more */
void commit_answered(struct engine *, struct op *, int err);

/* Ends it if all has been looked at and answered. */
void commit_settle(struct engine *);

/* What commit_expect.c shares: another peer has told the same later, so that copy is to be written;
 * and what tells whether a peer's entry is still what it was when its write was built. */
bool commit_is_outdated(const struct engine *, const struct table_key *, uint32_t touched);
uint64_t commit_state_hash(const struct engine *, uint32_t handle);

#endif
