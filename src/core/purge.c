/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/purge.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "core/bulk.h"
#include "core/command.h"
#include "core/event.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/relay.h"

void purge_schedule(struct engine *e)
{
	struct purge *p = &e->purge;

	if (p->scheduled || p->running || e->config.purge_timeout_s == 0)
		return;
	p->scheduled = true;
	p->at = mono_add_sec(e->now, e->config.purge_timeout_s);
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

static void settle(struct engine *e)
{
	struct purge *p = &e->purge;
	struct engine_event event = {.kind = ENGINE_EVENT_PURGED};

	if (!p->running || e->ops.by_purpose[OP_PURGE] > 0)
		return;
	if (!p->walked && (local_flows(e) > 0 || relay_is_collecting(e)))
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

void purge_start(struct engine *e, bool by_timer)
{
	struct purge *p = &e->purge;

	p->scheduled = false;
	if (p->running)
		return;
	memset(p, 0, sizeof(*p));
	p->running = true;
	p->by_timer = by_timer;
	p->tally.began = e->now;
	if (e->config.internal_cache_off)
		relay_purge(e);
	settle(e);
}

bool purge_next_op(struct engine *e, struct kernel_op *out)
{
	struct purge *p = &e->purge;

	p->more = false;
	if (!p->running || p->walked || e->ops.free_count == 0 || relay_is_collecting(e))
		return false;
	for (unsigned n = 0; n < LIMIT_COMMIT_SLICE; n++) {
		uint32_t handle = table_next(&e->local, &e->store, &p->cursor);
		struct op *op;

		if (!handle) {
			p->walked = true;
			settle(e);
			return false;
		}
		/* the kernel removes what a flow expects with the flow, and tells so */
		if (entry_at(&e->store, handle)->dead ||
			entry_is_expect(entry_at(&e->store, handle)))
			continue;
		op = kernel_ops_take(e, OP_PURGE);
		CHECK(op);
		op->kind = KERNEL_OP_DELETE;
		op->key = table_key_at(&e->store, handle);
		table_read(&e->store, handle, &out->flow);
		op->flow_id = flow_has(&out->flow, FLOW_ID) ? out->flow.id : 0;
		out->kind = KERNEL_OP_DELETE;
		out->id = op->id;
		return true;
	}
	p->more = true;
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
	if (!handle || entry_at(&e->store, handle)->dead)
		return;
	table_read(&e->store, handle, &f);
	if (op->flow_id && flow_has(&f, FLOW_ID) && f.id != op->flow_id)
		return;
	/* what had ended before, and unheard, ended as any flow does: peers are told */
	local_kill(e, handle, !was_there);
}

void purge_answered(struct engine *e, struct op *op, int err)
{
	if (err && err != ENOENT)
		kernel_ops_refused(e, &e->purge.tally, err);
	else
		deleted(e, op, !err);
	kernel_ops_done(e, op);
	settle(e);
}

void purge_tick(struct engine *e)
{
	if (e->purge.scheduled && mono_reached(e->now, e->purge.at))
		purge_start(e, true);
}

mono purge_deadline(const struct engine *e)
{
	if (e->purge.more)
		return e->now;
	return e->purge.scheduled ? e->purge.at : MONO_NEVER;
}
