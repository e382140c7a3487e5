/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dumper.h"

#include <string.h>

#include "core/command.h"
#include "core/event.h"
#include "core/inject.h"
#include "core/local.h"
#include "core/relay.h"

void dumper_init(struct engine *e)
{
	e->dump.wanted = true;
	e->dump.overrun = true;
	e->dump.not_before = e->dump.ended = e->now;
	e->dump.poll_at = MONO_NEVER;
}

void dumper_want(struct engine *e)
{
	struct dump *d = &e->dump;

	/* one that was asked for but has not begun will see all that there is now */
	if (!d->asked || d->running)
		d->wanted = true;
}

void dumper_overrun(struct engine *e)
{
	struct engine_event event = {.kind = ENGINE_EVENT_OVERRUN};

	engine_count(e, COUNTER_KERNEL_OVERRUNS);
	if (e->kernel_synced) /* told once, however often until it is repaired */
		event_put(e, &event);
	e->kernel_synced = false;
	e->dump.overrun = true;
	e->dump.lost_at = e->now;
	/* one that was asked for but has not begun will see all that there is now */
	if (!e->dump.asked || e->dump.running)
		e->dump.repair = true;
}

void dumper_hurry(struct engine *e)
{
	if (e->dump.repair)
		dumper_want(e);
}

/*
 * In an overload each dump makes more events be lost, and is outdated when it ends: one after the
 * other would take the time in which half of the events could have been read. So they take a share
 * of it at the most, and the one that counts begins when it is over.
 */
static mono repair_at(const struct engine *e)
{
	const struct dump *d = &e->dump;

	return mono_min(mono_add_ms(d->lost_at, LIMIT_CALM_MS),
		mono_add_ns(d->ended, d->took_ns * LIMIT_REPAIR_PAUSE));
}

void dumper_doubt(struct engine *e)
{
	e->kernel_synced = false;
	e->dump.overrun = true;
	e->dump.complete = false;
	dumper_want(e);
}

void dumper_flushed(struct engine *e)
{
	e->kernel_synced = false;
	e->dump.overrun = true;
	e->dump.complete = false;
	/* of a running dump nobody knows any more which records an event has outdated */
	e->dump.flushed = e->dump.running;
}

void dumper_deafen(struct engine *e, bool deaf)
{
	struct dump *d = &e->dump;

	if (deaf && !d->deaf) {
		engine_count(e, COUNTER_KERNEL_DEAFENED);
		e->kernel_synced = false;
		d->overrun = d->wanted = true;
	}
	d->deaf = deaf;
}

bool engine_wants_births(const struct engine *e)
{
	return !e->dump.deaf && !e->config.births_unheard;
}

bool dumper_next_op(struct engine *e, struct kernel_op *op)
{
	struct dump *d = &e->dump;

	if (d->repair && mono_reached(e->now, repair_at(e)))
		d->wanted = true;
	if (!d->wanted || d->deaf || d->asked || d->running || d->sweeping ||
		mono_before(e->now, d->not_before))
		return false;
	d->wanted = d->repair = false;
	d->asked = true;
	memset(op, 0, sizeof(*op));
	op->kind = KERNEL_OP_DUMP;
	op->id = d->id = ++e->ops.ids * LIMIT_KERNEL_OPS_IN_FLIGHT;
	return true;
}

/* Until the next look at flows that send no events. Without events (polling) it may cost more. */
static int64_t poll_pause_ns(const struct engine *e)
{
	int64_t ns = (int64_t)e->config.poll_s * NS_PER_SEC;
	int64_t least = e->dump.took_ns * (e->config.polling ? 1 : LIMIT_POLL_PAUSE);

	return ns < least ? least : ns;
}

static bool polls(const struct engine *e)
{
	return e->config.polling || e->config.births_unheard || e->local_silent > 0 ||
	       e->inject.unsure;
}

static void sweep(struct engine *e)
{
	struct dump *d = &e->dump;
	struct engine_event event = {.kind = ENGINE_EVENT_KERNEL_SYNCED};
	uint32_t handle;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		handle = table_next(&e->local, &e->store, &d->cursor);
		if (!handle) {
			d->sweeping = engine_injects(e) && !inject_sweep(e);
			break;
		}
		local_sweep(e, handle);
	}
	if (d->sweeping)
		return;
	engine_count(e, COUNTER_KERNEL_DUMPS);
	if (!d->overrun)
		d->complete = true;
	d->poll_at = mono_add_ns(e->now, poll_pause_ns(e));
	if (!d->overrun && !e->kernel_synced) {
		e->kernel_synced = true;
		event.flows = local_flows(e);
		event.silent = e->local_silent;
		event_put(e, &event);
	}
	command_dumped(e, d->began);
}

void dumper_begin(struct engine *e)
{
	struct dump *d = &e->dump;

	if (d->running)
		dumper_abort(e); /* a begin without an end: what came of it is void */
	while (d->sweeping)
		sweep(e);
	d->asked = true;
	d->running = true;
	d->flushed = false;
	/* it was asked for before they were not listened to any more, and has begun since */
	d->wanted = d->overrun = d->deaf;
	d->repair = false;
	e->inject.unsure = false;
	d->gen++;
	d->began = e->now;
	if (e->config.internal_cache_off)
		relay_dump_begin(e);
}

void dumper_flow(struct engine *e, const struct flow *f)
{
	engine_count(e, COUNTER_KERNEL_DUMPED);
	if (e->dump.running && !e->dump.flushed)
		local_dumped(e, f);
}

void dumper_end(struct engine *e)
{
	struct dump *d = &e->dump;

	if (!d->running)
		return;
	if (d->flushed) {
		dumper_abort(e);
		return;
	}
	d->running = d->asked = false;
	d->ended = e->now;
	d->took_ns = mono_diff_ns(e->now, d->began);
	if (e->config.internal_cache_off)
		relay_dump_end(e);
	d->sweeping = true;
	d->cursor = 0;
	sweep(e);
}

void dumper_abort(struct engine *e)
{
	struct dump *d = &e->dump;

	if (!d->asked)
		return;
	engine_count(e, COUNTER_KERNEL_DUMP_ABORTS);
	d->running = d->asked = false;
	d->wanted = true;
	if (!e->kernel_synced)
		d->overrun = true;
	d->not_before = mono_add_ms(e->now, LIMIT_DUMP_RETRY_MS);
}

void dumper_tick(struct engine *e)
{
	struct dump *d = &e->dump;

	if (d->sweeping)
		sweep(e);
	if (polls(e) && !d->asked && !d->sweeping && mono_reached(e->now, d->poll_at)) {
		d->wanted = true;
		d->poll_at = MONO_NEVER;
	}
}

mono dumper_deadline(const struct engine *e)
{
	const struct dump *d = &e->dump;
	mono at = MONO_NEVER;

	if (d->sweeping)
		return e->now;
	if (d->wanted && !d->asked && !d->deaf)
		at = d->not_before;
	else if (d->repair && !d->asked && !d->deaf)
		at = repair_at(e);
	if (polls(e) && !d->asked && !d->deaf)
		at = mono_min(at, d->poll_at);
	return at;
}
