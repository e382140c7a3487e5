/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_INJECT_OURS_H
#define CTSYNC_CORE_INJECT_OURS_H

#include "core/inject.h"

/*
 * What is in the local table (local) and a peer tells as well (handle). A node that has stood down
 * is told all that was its own by the one that took over; what of that were written, the next
 * promotion would have to wait for. So it is compared with what an update would make of it.
 */

/*
 * The node has stood down, and the flow is TCP that our kernel measures by its windows: it would
 * call invalid what comes back here after packets have gone another way. known: the local entry.
 */
bool inject_ours_is_strict(const struct engine *, const struct flow *known);

/* An update would make our kernel's entry another one; of its timeout nothing is said. */
bool inject_ours_differs(const struct engine *, uint32_t local, uint32_t handle);

/*
 * The flow is left to its peer; the local entry goes after this. Returns whether it is to be
 * written as it is told; otherwise: what is returned if our kernel's entry is not for the peer
 * alone.
 */
enum inject_news inject_ours_leave(struct engine *, uint32_t local, uint32_t handle,
	const struct table_key *, enum inject_news otherwise);

#endif
