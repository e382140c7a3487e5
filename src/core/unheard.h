/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_UNHEARD_H
#define CTSYNC_CORE_UNHEARD_H

#include "core/state.h"

/*
 * Without NEW events (births_unheard) a flow becomes known by its first other event, or by the next
 * look at the kernel's table, whichever comes first.
 */

/* What is not known now was born since the last look, or nearly so, and will tell its end. */
bool unheard_is_young(const struct engine *);

/*
 * An event tells of a related flow all but its master, which only a NEW one would have told. Peers
 * that know nothing of it yet do not learn of it before the next look: what is not made with its
 * master cannot be given one. f: what is known of the entry.
 */
bool unheard_is_part(const struct engine *, uint32_t handle, const struct flow *f);

#endif
