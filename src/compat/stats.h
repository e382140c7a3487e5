/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_COMPAT_STATS_H
#define CTSYNC_COMPAT_STATS_H

#include <jansson.h>

#include "base/text.h"
#include "compat/options.h"

enum { COMPAT_STATS_BYTES = 8192 }; /* of any of the texts */

/*
 * Writes what conntrackd prints for one of the COMPAT_STATS actions, from the daemon's figures
 * ({"verb": "stats", "group": "all"}). Nothing if its mode has no such figures.
 */
void compat_stats(struct text *, enum compat_action, const json_t *figures);

#endif
