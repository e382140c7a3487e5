/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_REMOTE_H
#define CTSYNC_CORE_REMOTE_H

#include "core/state.h"

/*
 * What peers hold, a table for each: only the peer's own messages change it, and it is swept by
 * what the peer's bulk did not name.
 */

/* The numbers of flows and of expectations in its table. */
static inline uint32_t remote_flows(const struct peer *p)
{
	return table_count(&p->remote) - p->remote.expects;
}

static inline uint32_t remote_expects(const struct peer *p)
{
	return p->remote.expects;
}

/*
 * A data message, which has been accepted in its sequence. The table has it after
 * remote_settle() at the latest, which has to come before anything but the peer's next data
 * message.
 */
void remote_message(struct engine *, struct peer *, const struct wire_v1_message *);
void remote_settle(struct engine *);

void remote_bulk_begin(struct engine *, struct peer *, uint32_t gen, uint32_t flows);
void remote_bulk_end(struct engine *, struct peer *, uint32_t gen, uint32_t flows);

/* From here on it can be told what the peer has named and what was there before. */
void remote_epoch(struct peer *);

/* What was named last in an epoch before the present one goes. */
void remote_sweep(struct engine *, struct peer *);

/* Nothing that the table holds is sure any more: a bulk, or time, will tell. */
void remote_unconfirm(struct engine *, struct peer *);

/* What a peer has told of an expectation; its key is k. */
void remote_expect_put(
	struct engine *, struct peer *, const struct table_key *k, const struct expect *);
void remote_expect_drop(struct engine *, struct peer *, const struct table_key *k);

void remote_remove(struct engine *, struct peer *, uint32_t handle);

void remote_tick(struct engine *, struct peer *);
mono remote_deadline(const struct engine *, const struct peer *);
void remote_check(const struct engine *, const struct peer *);

#endif
