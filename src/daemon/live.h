/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_LIVE_H
#define CTSYNC_DAEMON_LIVE_H

#include "flow/expect_filter.h"
#include "flow/filter.h"
#include "io/nldump.h"

/*
 * The kernel's own table, read for one who asks and passed on in steps: what `show local` shows of
 * a node that keeps no table itself (DisableInternalCache). Flows, or expectations.
 */
struct live {
	const struct flow_filter *filter;
	const struct expect_filter *expect_filter; /* of expectations; NULL: flows are read */
	struct nldump dump;
	bool over, short_of_memory;
	size_t count, cap, at; /* of what the last step brought */
	struct flow *flows;
	struct expect *expects;
};

enum live_next { LIVE_ONE, LIVE_LATER, LIVE_END, LIVE_FAILED };

/*
 * expect_filter is NULL for the flows; both filters must outlive it. 0 or a negative errno. To be
 * closed in any case.
 */
int live_open(struct live *, const struct flow_filter *, const struct expect_filter *);
void live_close(struct live *);

/*
 * ONE: *flow or *expect is the next, until the next call. LATER: this step brought none, there may
 * be more. END, or FAILED: the kernel's dump failed, or memory is short.
 */
enum live_next live_next(struct live *, const struct flow **flow, const struct expect **expect);

#endif
