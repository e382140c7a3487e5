/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COMMIT_H
#define CTSYNC_CORE_COMMIT_H

#include "core/state.h"

/*
 * Writing what peers hold into the kernel: first flows that stand alone, then related ones, whose
 * masters are there by then. A promotion also takes the flows over: they leave the peers' tables.
 */
void commit_start(struct engine *, bool promote);
void commit_cancel(struct engine *);

bool commit_next_op(struct engine *, struct kernel_op *);
bool commit_repeat(struct engine *, struct op *, struct kernel_op *); /* false: not any more */
void commit_answered(struct engine *, struct op *, int err);

/* Ends it if all has been looked at and answered. */
void commit_settle(struct engine *);

#endif
