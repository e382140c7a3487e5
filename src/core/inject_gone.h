/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_INJECT_GONE_H
#define CTSYNC_CORE_INJECT_GONE_H

#include "core/inject_list.h"

/*
 * What has ended for its peer, and is to be ended in our kernel: entries that are in no table any
 * more, but can be found by their key until that is done, or a dump would take the flow for ours.
 */

/* Out of its table and off its chain; returns the handle. */
uint32_t inject_gone_detach(struct engine *, struct table *, uint32_t handle);
void inject_gone_queue(struct engine *, uint32_t handle); /* detached, to be ended */
void inject_gone_free(struct engine *, uint32_t handle);

/*
 * The flow has been told, or written, again before its former end had its turn: the entry stands
 * for both. False if there is no such end, or it is under way.
 */
bool inject_gone_replace(struct engine *, uint32_t handle);

/*
 * An event tells of packets. If the flow waits to be ended, it is ours, and stays. That is for who
 * has no internal cache: else the local table tells it when the end has its turn.
 */
void inject_gone_keep(struct engine *, const struct table_key *);

#endif
