/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COMMAND_H
#define CTSYNC_CORE_COMMAND_H

#include "core/state.h"

/* What ends commands that could not be answered at once; each tells ENGINE_EVENT_DONE. */

void command_committed(struct engine *, enum engine_outcome, const struct tally *);
void command_purged(struct engine *, enum engine_outcome, const struct tally *);
void command_dumped(struct engine *, mono began); /* a dump that began then */
void command_bulk_sent(struct engine *);

#endif
