/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/purge.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "core/bulk.h"
#include "core/command.h"
#include "core/event.h"
#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/relay.h"
#include "core/remote.h"
#include "core/take.h"

void purge_schedule(struct engine *e)
{
	struct purge *p = &e->purge;

	if (p->scheduled || p->running || e->config.purge_timeout_s == 0)
		return;
	p->scheduled = true;
	p->at = mono_add_sec(e->now, e->config.purge_timeout_s);
}

void purge_unschedule(struct engine *e)
{
	e->purge.scheduled = false;
}

void purge_cancel(struct engine *e)
{
	struct purge *p = &e->purge;

	p->scheduled = false;
	if (!p->running)
		return;
	p->running = p->more = false;
	command_purged(e, ENGINE_CANCELLED, &p->tally);
	if (e->config.internal_cache_off)
		bulk_want(e); /* what was collected for it leaves the table with a dump's end */
	kernel_ops_make_sure(e);
}

/* Peers' flows are in our kernel as well, and are to go. */
static bool takes_peers(const struct engine *e)
{
	return engine_injects(e) && !e->purge.by_timer;
}

static bool is_empty(const struct engine *e)
{
	bool empty = local_flows(e) == 0 && (!takes_peers(e) || table_count(&e->former.table) == 0);

	for (unsigned i = 0; empty && takes_peers(e) && i < e->peers_count; i++)
		empty = remote_flows(&e->peers[i]) == 0;
	return empty;
}

static void settle(struct engine *e)
{
	struct purge *p = &e->purge;
	struct engine_event event = {.kind = ENGINE_EVENT_PURGED};

	if (!p->running || e->ops.by_purpose[OP_PURGE] > 0)
		return;
	if (p->flush_expect || (!p->walked && (!is_empty(e) || relay_is_collecting(e))))
		return;
	p->running = p->more = false;
	e->was_active = e->role == ENGINE_ROLE_PRIMARY;
	bulk_want(e); /* the peers' copies of what was removed go by its sweep */
	if (p->by_timer) {
		event.written = p->tally.written;
		event.refused = p->tally.refused;
		event_put(e, &event);
	}
	command_purged(e, p->tally.refused > 0 ? ENGINE_PARTIAL : ENGINE_OK, &p->tally);
	kernel_ops_make_sure(e);
}

void purge_start(struct engine *e, bool by_timer, enum engine_scope scope)
{
	struct purge *p = &e->purge;

	p->scheduled = false;
	if (p->running)
		return;
	take_finish(e);
	memset(p, 0, sizeof(*p));
	p->running = true;
	p->by_timer = by_timer;
	p->walked = scope == ENGINE_SCOPE_EXPECTATIONS;
	/* of all, what is not replicated is left alone, as with flows that the filter excludes */
	p->flush_expect = scope == ENGINE_SCOPE_EXPECTATIONS ||
			  (scope == ENGINE_SCOPE_ALL && !by_timer && e->config.expect_filter.on);
	p->tally.began = e->now;
	if (e->config.internal_cache_off && !p->walked)
		relay_purge(e);
	settle(e);
}

/* The next entry of the local table, and then of the peers'; 0 if all have been looked at. */
static uint32_t walk(struct engine *e)
{
	struct purge *p = &e->purge;

	for (;;) {
		uint32_t handle = table_next(engine_table_of(e, p->table), &e->store, &p->cursor);

		if (handle)
			return handle;
		if (!takes_peers(e) || p->table == TABLE_FORMER)
			return 0;
		p->table = (uint8_t)(p->table < e->peers_count ? p->table + 1 : TABLE_FORMER);
		p->cursor = 0;
	}
}

static bool is_to_go(struct engine *e, uint32_t handle, const struct table_key *k)
{
	const struct entry *x = entry_at(&e->store, handle);

	/* the kernel removes what a flow expects with the flow, and tells so */
	if (entry_is_expect(x))
		return false;
	if (x->table != TABLE_LOCAL)
		return x->flags & REMOTE_WRITTEN && !local_find_alive(e, k);
	if (x->dead)
		return false;
	return !(engine_injects(e) && e->purge.by_timer && inject_hand_over(e, k, handle));
}

static void flush_expect(struct engine *e, struct kernel_op *out)
{
	struct op *op = kernel_ops_take(e, OP_PURGE);

	CHECK(op);
	e->purge.flush_expect = false;
	op->kind = KERNEL_OP_EXPECT_FLUSH;
	memset(out, 0, sizeof(*out));
	out->kind = KERNEL_OP_EXPECT_FLUSH;
	out->id = op->id;
}

bool purge_next_op(struct engine *e, struct kernel_op *out)
{
	struct purge *p = &e->purge;

	p->more = false;
	if (!p->running || e->ops.free_count == 0)
		return false;
	if (p->flush_expect) {
		flush_expect(e, out);
		return true;
	}
	if (relay_is_collecting(e))
		return false;
	for (unsigned n = 0; !p->walked && n < LIMIT_COMMIT_SLICE; n++) {
		uint32_t handle = walk(e);
		struct table_key k;
		struct op *op;

		if (!handle) {
			p->walked = true;
			settle(e);
			return false;
		}
		k = table_key_at(&e->store, handle);
		if (!is_to_go(e, handle, &k))
			continue;
		op = kernel_ops_take(e, OP_PURGE);
		CHECK(op);
		op->kind = KERNEL_OP_DELETE;
		op->key = k;
		table_read(&e->store, handle, &out->flow);
		op->flow_id = flow_has(&out->flow, FLOW_ID) ? out->flow.id : 0;
		out->kind = KERNEL_OP_DELETE;
		out->id = op->id;
		return true;
	}
	p->more = !p->walked;
	return false;
}

/* The flow is gone from the kernel, unless its key belongs to another one by now. */
static void deleted(struct engine *e, const struct op *op, bool was_there)
{
	uint32_t handle = table_find(&e->local, &e->store, &op->key);
	struct flow f;

	e->purge.tally.written++;
	engine_count(e, COUNTER_KERNEL_DELETED);
	e->ops.unsure = true; /* a change that is read after the answer would bring it back */
	if (engine_injects(e))
		inject_purged(e, &op->key);
	if (!handle || entry_at(&e->store, handle)->dead)
		return;
	table_read(&e->store, handle, &f);
	if (op->flow_id && flow_has(&f, FLOW_ID) && f.id != op->flow_id)
		return;
	/* what had ended before, and unheard, ended as any flow does: peers are told */
	local_kill(e, handle, !was_there);
}

/* No event tells of what we have asked for ourselves. O(entries). */
static void expects_flushed(struct engine *e)
{
	uint64_t cursor = 0;
	uint32_t handle;

	e->ops.unsure = true;
	while (local_expects(e) > 0 && (handle = table_next(&e->local, &e->store, &cursor)) != 0)
		if (entry_is_expect(entry_at(&e->store, handle)) &&
			!entry_at(&e->store, handle)->dead)
			local_kill(e, handle, false);
	if (engine_injects(e))
		inject_expects_purged(e);
}

void purge_answered(struct engine *e, struct op *op, int err)
{
	if (err && err != ENOENT)
		kernel_ops_refused(e, &e->purge.tally, err);
	else if (op->kind == KERNEL_OP_EXPECT_FLUSH)
		expects_flushed(e);
	else
		deleted(e, op, !err);
	kernel_ops_done(e, op);
	settle(e);
}

void purge_tick(struct engine *e)
{
	if (e->purge.scheduled && mono_reached(e->now, e->purge.at))
		purge_start(e, true, ENGINE_SCOPE_FLOWS);
}

mono purge_deadline(const struct engine *e)
{
	if (e->purge.more)
		return e->now;
	return e->purge.scheduled ? e->purge.at : MONO_NEVER;
}
