/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_PURGE_H
#define CTSYNC_CORE_PURGE_H

#include "core/state.h"

/*
 * Deleting our flows from the kernel, now or some time after a node has ceased to be the active
 * one. Peers are not told: the flows live on where they are active now. With external_cache_off, a
 * purge by the timer spares what peers have told, so that the kernel of a node that stands by now
 * keeps their flows; one that is asked for deletes those as well.
 */
void purge_schedule(struct engine *); /* once, after purge_timeout_s */
void purge_cancel(struct engine *); /* a scheduled or a running one */
void purge_unschedule(struct engine *);
void purge_start(struct engine *, bool by_timer, enum engine_scope);

bool purge_next_op(struct engine *, struct kernel_op *);
void purge_answered(struct engine *, struct op *, int err);
void purge_tick(struct engine *);
mono purge_deadline(const struct engine *);

#endif
