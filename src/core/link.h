/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_LINK_H
#define CTSYNC_CORE_LINK_H

#include "core/state.h"

/*
 * Which of the dedicated links is used (engine_link() is the caller's end): the default until it
 * fails, then the first usable one; and whichever a peer moves to. There is no way back by itself.
 */
void link_init(struct engine *);

/* Anything may be sent now. */
bool link_is_usable(const struct engine *);

/* A peer was heard on another link than the current one, with something that was news. */
void link_follow(struct engine *, unsigned link);

#endif
