/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_RELEASE_H
#define CTSYNC_CORE_RELEASE_H

#include "core/state.h"

/*
 * Memory that a burst has left behind goes back. Once a second, while there is much more than is
 * used, it is looked at what has not been needed since the look before; then, a little every
 * LIMIT_RELEASE_STEP_MS, indexes are halved, entries of nearly empty chunks move together, and
 * engine_next_release() tells the pages that hold nothing.
 *
 * So an entry's handle is good until the next engine_tick(), and no longer, for whoever is not told
 * that it has moved: the index, the chains, and what release.c knows of.
 */
void release_init(struct engine *);
void release_tick(struct engine *);
mono release_deadline(const struct engine *);

#endif
