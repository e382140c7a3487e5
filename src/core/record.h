/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_RECORD_H
#define CTSYNC_CORE_RECORD_H

#include "core/state.h"

/*
 * What the next process has to know: which flows in our kernel were written for a peer
 * (REMOTE_INJECTED). What becomes of that is put on a ring as it happens, and a creation or an
 * update before it is carried out; see engine_next_record(). Only flows: expectations go by
 * themselves soon. Nothing happens without config.keeps_record.
 */

/* The operation that is about to be carried out, and what became of one. */
void record_op(struct engine *, const struct kernel_op *);
void record_answer(struct engine *, const struct op *, int err);

/* The entry has got REMOTE_INJECTED, if it has, though the kernel had the flow before. */
void record_made(struct engine *, uint32_t handle);

/* The same of what packets have had to do with here: how long it lives, nobody knows. */
void record_left(struct engine *, const struct table_key *);

/*
 * The entry leaves its table, or another one will say what it says: a rewriting that is under way
 * might come to neither. Before that is done.
 */
void record_moved(struct engine *, uint32_t handle);

/* The entry of a peer's table loses REMOTE_INJECTED, if it has it. */
void record_unmade(struct engine *, const struct entry *, const struct table_key *);
void record_gone(struct engine *, const struct table_key *);

/* All that the kernel has is ours, which ends a rewriting, too; or is to be told anew. */
void record_empty(struct engine *);
void record_again(struct engine *);

/* There is room for what an operation says. */
bool record_has_room(const struct engine *);

/* The clock's seconds in which a timeout from now on ends. */
uint32_t record_until(const struct engine *, int64_t timeout_s);

void record_check(const struct engine *);

#endif
