/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_DUMPER_H
#define CTSYNC_CORE_DUMPER_H

#include "core/state.h"

/* When the kernel is to be dumped, and what follows from a dump's end. */

void dumper_init(struct engine *);
void dumper_want(struct engine *); /* a dump that begins from now on */
void dumper_overrun(struct engine *);
void dumper_hurry(struct engine *); /* there is no room: one that is put off is to begin */

/*
 * Births are listened to, or not: then nothing is known to be complete, until a dump has been read
 * that begins when they are again.
 */
void dumper_deafen(struct engine *, bool deaf);

bool dumper_next_op(struct engine *, struct kernel_op *);

void dumper_begin(struct engine *);
void dumper_flow(struct engine *, const struct flow *);
void dumper_end(struct engine *);
void dumper_abort(struct engine *);

void dumper_tick(struct engine *);
mono dumper_deadline(const struct engine *);

/* What the kernel holds is to be read anew; until then nothing is complete. */
void dumper_doubt(struct engine *);

/* The table has been emptied: nothing is known until a dump has ended. */
void dumper_flushed(struct engine *);

#endif
