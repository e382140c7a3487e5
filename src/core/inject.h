/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_INJECT_H
#define CTSYNC_CORE_INJECT_H

#include "core/inject_list.h"

/*
 * With external_cache_off, what peers tell goes into the kernel at once. The peers' tables stay:
 * they are the record of what was written. An entry that is to be written hangs on a queue, so that
 * what changes twice before it is written is written once.
 *
 * Whose is a flow then? Our kernel tells of all it has in dumps, and of each end. So a flow that
 * a peer has told is ours only if it is in the local table, and it gets there by an event that
 * tells of packets here (our own writes send none), or by the operator's word: after a promotion,
 * or a flush of both tables, the next dump takes all. What is ours is never deleted because a peer
 * says so, and of a peer's message about it only what is newer is written.
 *
 * A flow that our kernel had before the daemon started, and that a peer tells, is left to the
 * peer, as long as the operator has not said that this node is the one that counts.
 *
 * The functions are to be called with external_cache_off alone, where nothing else is said.
 */

enum inject_news {
	INJECT_SAME, /* the peer repeats itself */
	INJECT_REFRESH, /* so it does, but with a timeout that our kernel's entry runs short of */
	INJECT_NEWS,
};

/* What a message says beyond what the entry held before it. */
enum inject_news inject_news(const struct engine *, uint32_t handle, const struct flow *);

/* The same of a flow's packed form; false: it does not tell, and nothing is set. */
bool inject_news_packed(
	const struct engine *, uint32_t handle, const struct table_packed *, enum inject_news *);
enum inject_news inject_news_expect(const struct engine *, uint32_t handle, const struct expect *);

/* An entry of a peer's table has been put, or put again. */
void inject_told(struct engine *, uint32_t handle, enum inject_news);

/*
 * The peer has said that the flow has ended (told), or has not named it in a bulk: its entry goes,
 * and what is written in the kernel is ended, unless it lives here, or elsewhere.
 */
void inject_ended(struct engine *, struct peer *, uint32_t handle, bool told);

/* The entry goes, and what the kernel has of it is left alone. */
void inject_forget(struct engine *, uint32_t handle);

/*
 * The kernel tells of a flow, not by a dump; ended: of its end. True if a peer has told it, so that
 * it is not ours unless the local table says so, or (with internal_cache_off) we have not made it.
 */
bool inject_event(struct engine *, const struct table_key *, bool ended);

/*
 * A dumped flow (NULL: an expectation) that the local table does not have: true if it is a peer's,
 * and not to be taken.
 */
bool inject_dumped(struct engine *, const struct table_key *, const struct flow *);

/* A dump has ended: what it did not name is not in the kernel. False if there is more to be done.
 */
bool inject_sweep(struct engine *);

/* The operator has said so, and the dump that takes it has not ended. */
bool inject_takes_all(const struct engine *);

/* The operator says that what our kernel holds is ours, and all of it; or that it is not. */
void inject_own(struct engine *);
void inject_disown(struct engine *);
void inject_stand_down(struct engine *); /* and that another node carries it now */

/* The kernel has the entry as the peer told it last; a commit need not write it. */
bool inject_is_written(const struct engine *, uint32_t handle);

/* A commit, or a purge, has written or deleted it. */
void inject_committed(struct engine *, uint32_t handle, bool created);
void inject_purged(struct engine *, const struct table_key *);

/* True if a peer has told this flow, and the kernel has it. */
bool inject_has(const struct engine *, const struct table_key *);

/* The kernel has no expectations any more. */
void inject_expects_purged(struct engine *);

/* A purge meets a flow of ours: true if a peer has it, too, and it is left to that one. */
bool inject_hand_over(struct engine *, const struct table_key *, uint32_t local);

/* All entries of all peers' tables, or of the store, are about to go. */
void inject_flushed(struct engine *);

/* These may be called always. */
void inject_tick(struct engine *);
mono inject_deadline(const struct engine *);
void inject_check(const struct engine *);

/* ---- inject_op.c ---- */

bool inject_next_op(struct engine *, struct kernel_op *);

/* The same for a commit that is under way, with no regard to age and rate. */
bool inject_next_hurried(struct engine *, struct kernel_op *);
bool inject_repeat(struct engine *, struct op *, struct kernel_op *); /* false: not any more */
void inject_answered(struct engine *, struct op *, int err);

/* What our kernel turns out to have, and neither table knows, we have written. */
bool inject_has_made(const struct engine *);

/* ---- for inject_op.c ---- */

void inject_queue(struct engine *, uint32_t handle);

/* The next entry to be written, off its queue; 0: none now. */
uint32_t inject_pull(struct engine *);

/* The entry by which a peer other than this one (LIMIT_PEERS: any) tells the flow, or 0. */
uint32_t inject_told_by(const struct engine *, const struct table_key *, unsigned but);

#endif
