/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inject_ours.h"

#include <netinet/in.h>

#include "core/record.h"
#include "core/warm.h"
#include "flow/merge.h"
#include "flow/status.h"

enum { LAST_SLACK_S = 2 };

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

bool inject_ours_is_strict(const struct engine *e, const struct flow *known)
{
	if (e->config.tcp_window_tracking || !warm_is_idle(e) || !e->inject.stood_down)
		return false;
	if (known->tuple[FLOW_ORIG].l4 != IPPROTO_TCP || !flow_has(known, FLOW_TCP_STATE))
		return false;
	for (unsigned dir = 0; dir < FLOW_DIRS; dir++)
		if (!flow_has(
			    known, dir == FLOW_ORIG ? FLOW_TCP_FLAGS_ORIG : FLOW_TCP_FLAGS_REPL) ||
			!(known->tcp.flags[dir] & FLOW_TCP_FLAG_BE_LIBERAL))
			return true;
	return false;
}

static bool differ(const struct engine *e, const struct flow *known, const struct flow *told)
{
	struct flow merged = *known;

	flow_merge(&merged, told);
	return !flow_same_state(known, &merged) || inject_ours_is_strict(e, known);
}

bool inject_ours_differs(const struct engine *e, uint32_t local, uint32_t handle)
{
	struct flow known, told;

	table_read(&e->store, local, &known);
	table_read(&e->store, handle, &told);
	return differ(e, &known, &told);
}

/*
 * Our kernel has the flow as it is told, and will have it for as long as that says, or long enough.
 * Packets have put the timeout forward without a word, so that it has no less than is known here.
 */
static bool is_as_told(const struct engine *e, uint32_t local, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	struct flow known, told;
	int64_t left, wanted;

	table_read(&e->store, local, &known);
	table_read(&e->store, handle, &told);
	if (x->flags & (REMOTE_BEHIND | REMOTE_RENEW) || differ(e, &known, &told) ||
		!flow_has(&known, FLOW_TIMEOUT) || !flow_has(&told, FLOW_TIMEOUT))
		return false;
	left = engine_timeout_left(e, at(e, local)->touched, known.timeout);
	wanted = engine_timeout_left(e, x->touched, told.timeout);
	return left > LIMIT_WARM_REFRESH_S || wanted <= left + LAST_SLACK_S;
}

/*
 * Who has been told to stand by ends it as anything that was written for a peer. Who has not may
 * carry packets of it. ADOPTED: how long our kernel's entry lives is not known.
 */
enum inject_news inject_ours_leave(struct engine *e, uint32_t local, uint32_t handle,
	const struct table_key *k, enum inject_news otherwise)
{
	struct entry *x = at(e, handle);

	x->flags |= REMOTE_ADOPTED;
	if (at(e, local)->dump_gen == e->dump.gen) /* it will not be named a second time */
		x->dump_gen = e->dump.gen;
	if (!warm_is_idle(e) || !e->inject.stood_down)
		return otherwise;
	x->flags |= REMOTE_INJECTED;
	record_left(e, k);
	if (entry_is_expect(x)) { /* there is no update */
		x->flags |= REMOTE_RENEW;
		return INJECT_NEWS;
	}
	return is_as_told(e, local, handle) ? INJECT_SAME : INJECT_NEWS;
}
