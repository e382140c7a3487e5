/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_VIEW_H
#define CTSYNC_CORE_VIEW_H

#include "core/state.h"

/* What engine_show_next() and engine_show_next_expect() share. */

/* The next entry alive of a kind behind the cursor, or 0. */
uint32_t view_next(const struct engine *, enum engine_table, bool expects, uint64_t *cursor);

/* What is left at now of an entry's timeout [s]; at least 0. */
uint32_t view_timeout_left(const struct engine *, mono now, uint32_t handle, uint32_t timeout);

/* How long a peer's entry lives unless it is said again; -1: for ever, as far as that goes. */
int64_t view_expires_ms(const struct engine *, mono now, uint32_t handle);

#endif
