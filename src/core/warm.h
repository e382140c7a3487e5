/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_WARM_H
#define CTSYNC_CORE_WARM_H

#include "core/state.h"

/*
 * A warm standby (standby_warm) has in its kernel what peers tell and what has settled: an
 * established TCP connection, a flow that is assured, or where there is no such thing one that was
 * answered, and told warm_age_ms ago. The machinery is that of inject.h; here is what it waits for.
 *
 * What is told for the first time waits for its age, in the order in which it came (WAITING). What
 * has not settled by then is put aside (AGED) until its peer tells more, or a promotion writes it.
 * Of what is in the kernel, changes are written at once, but for the steps of a TCP connection that
 * closes: these wait as well, since the next step or the end follows within moments.
 *
 * What the kernel has ended by itself while the peer has it waits again. What the kernel refuses is
 * tried again, after a pause that grows (REFUSED). A walk looks at each flow once in
 * LIMIT_WARM_ROUND_MS and writes anew what is about to run out: packets at the peer's put timeouts
 * forward without a word.
 *
 * All writes together keep to warm_rate. Changes and ends go first.
 *
 * The functions are to be called with standby_warm alone, where nothing else is said.
 */

/* An entry of a peer's table is to be written, or looked at; ours: the local table has it as well.
 */
void warm_told(struct engine *, uint32_t handle, bool ours);

/* The kernel does not have it any more, and its peer does. */
void warm_lost(struct engine *, uint32_t handle);

/* The kernel has refused it; written: it has taken it. */
void warm_refused(struct engine *, uint32_t handle);
void warm_written(struct engine *, bool after_refusal);

/* The next one that has its age and has settled, off its chain; 0: none now. */
uint32_t warm_pull(struct engine *);
uint32_t warm_pull_refused(struct engine *); /* likewise, of what was refused */

/*
 * It was pulled, but is not to be written: what another peer has told since is in the kernel, or
 * will be; or it is not there any more, and has not settled. May be called always.
 */
bool warm_puts_off(struct engine *, uint32_t handle);

/*
 * A commit, or a promotion, looks at what hangs on the chains once; what is told meanwhile is
 * waited for as far as LIMIT_COMMIT_LATE says. 0: it has seen all, or (of what needs a master)
 * answers are to come first.
 */
void warm_commit_start(struct engine *);
uint32_t warm_pull_hurried(struct engine *);
bool warm_commits(const struct engine *); /* one is under way, and has not seen all. Always. */

/* Of a flow: a commit leaves it alone. */
bool warm_is_half_open(const struct engine *, uint32_t handle);

/* Of a flow: it may be written, but for its age. */
bool warm_has_settled(const struct engine *, uint32_t handle);

/* Another peer has told the flow later: its word counts. */
bool warm_is_outdated(const struct engine *, const struct table_key *, uint32_t handle);

/* Another peer tells the flow with another state, so that our kernel may have it that way. */
bool warm_is_told_otherwise(const struct engine *, const struct table_key *, uint32_t handle);

/*
 * This node does not carry traffic: what peers tell of their flows' ends holds without a doubt. May
 * be asked always.
 */
bool warm_is_idle(const struct engine *);

/* These may be called always. A write may be made now: warm_rate allows for it; it was made. */
bool warm_may_write(struct engine *);
void warm_wrote(struct engine *);

/* The walk over the timeouts begins anew, and does not take its time. May be called always. */
void warm_look_soon(struct engine *);

void warm_init(struct engine *);
void warm_set_rate(struct engine *, uint32_t rate); /* [1/s]; 0: 1 */
void warm_flushed(struct engine *);
void warm_tick(struct engine *);
mono warm_deadline(const struct engine *);
void warm_get_status(const struct engine *, mono now, struct engine_status *);

#endif
