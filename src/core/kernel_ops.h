/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_KERNEL_OPS_H
#define CTSYNC_CORE_KERNEL_OPS_H

#include "core/state.h"

/*
 * Kernel operations under way. An operation knows its flow by the key, so that its answer finds
 * the entry wherever that has moved to, or finds that it is gone.
 */
void kernel_ops_init(struct engine *);

/* A slot for a new operation, with its id and purpose set; NULL if all are under way. */
struct op *kernel_ops_take(struct engine *, enum op_purpose);

/* The answer is known, or nobody wants it any more. */
void kernel_ops_done(struct engine *, struct op *);

/*
 * Asks for a dump if an answer left doubt about what the kernel holds, once, behind the whole
 * commit or purge: batches are answered long before its end. To be called at that end.
 */
void kernel_ops_make_sure(struct engine *);

/* Is to be handed out again, as its kind says now. */
void kernel_ops_again(struct engine *, struct op *);

/* Another way to write the flow that the kernel has refused with err; false if there is none. */
bool kernel_ops_find_way(struct op *, int err);

/* An event says that a flow has ended, maybe one that an unanswered operation has made. */
void kernel_ops_destroyed(struct engine *, const struct table_key *);

/* Into the tally of a commit or a purge. */
void kernel_ops_refused(struct engine *, struct tally *, int err);

void kernel_ops_check(const struct engine *);

#endif
