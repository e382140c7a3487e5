/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_DUMP_H
#define CTSYNC_CORE_DUMP_H

#include "core/state.h"

/* When the kernel is to be dumped, and what follows from a dump's end. */

void dump_init(struct engine *);
void dump_want(struct engine *); /* a dump that begins from now on */
void dump_overrun(struct engine *);
bool dump_next_op(struct engine *, struct kernel_op *);

void dump_begin(struct engine *);
void dump_flow(struct engine *, const struct flow *);
void dump_end(struct engine *);
void dump_abort(struct engine *);

void dump_tick(struct engine *);
mono dump_deadline(const struct engine *);

/* The table has been emptied: nothing is known until a dump has ended. */
void dump_flushed(struct engine *);

#endif
