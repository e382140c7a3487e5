/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_INJECT_LIST_H
#define CTSYNC_CORE_INJECT_LIST_H

#include "core/state.h"

/*
 * The chains on which entries of peers' tables hang that the kernel does not have as they were
 * told: what is on none of them, and is not being written, is as it should be. An entry hangs on
 * one at the most (enum inject_list in state.h). All of it costs O(1).
 */

static inline enum inject_list inject_list_of(const struct entry *x)
{
	return (enum inject_list)(x->list | (x->flags & REMOTE_LATER) >> 5);
}

static inline uint32_t inject_list_count(const struct engine *e, enum inject_list list)
{
	return e->inject.chain[list].count;
}

/* The first one, or 0. */
static inline uint32_t inject_list_head(const struct engine *e, enum inject_list list)
{
	return e->inject.chain[list].head;
}

/* Of an entry that hangs on none. */
void inject_list_append(struct engine *, uint32_t handle, enum inject_list);
void inject_list_prepend(struct engine *, uint32_t handle, enum inject_list);

void inject_unlist(struct engine *, uint32_t handle); /* nothing, if it hangs on none */

/* Off its chain and to the end of another one, or of the same. */
void inject_list_move(struct engine *, uint32_t handle, enum inject_list);

/* table_write() has moved an entry that was at old. */
void inject_moved(struct engine *, uint32_t old, uint32_t handle);

/* On all chains together: flows and expectations, and of them the expectations. */
uint32_t inject_waiting(const struct engine *);
uint32_t inject_waiting_expects(const struct engine *);

/* A related one whose master was not there: to be tried once more. */
void inject_list_append_late(struct engine *, uint32_t handle);

/* Returns how many of the entries on the chains are in no table any more. O(their number). */
uint32_t inject_list_check(const struct engine *);

#endif
