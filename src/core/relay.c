/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/relay.h"

#include "core/bulk.h"
#include "core/command.h"
#include "core/dumper.h"
#include "core/link.h"
#include "core/sender.h"

bool engine_takes_dump(const struct engine *e)
{
	/* without a link nothing would ever make room, and more than the peers waits for its end */
	return !e->config.internal_cache_off || e->relay.collecting || !link_is_usable(e) ||
	       e->queued.count < LIMIT_RELAY_QUEUE;
}

void relay_dump_begin(struct engine *e)
{
	struct relay *r = &e->relay;
	struct bulk *b = &e->bulk;

	r->collecting = relay_is_collecting(e);
	if (r->collecting)
		return;
	/* one whose end has not been said is void: the new one names all again */
	b->state = BULK_RUNNING;
	b->again = false;
	b->gen++;
	b->began = e->now;
	b->flows = 0;
	r->begin_due = true;
	r->end_due = false;
	r->stale = r->stale || e->peers_know_more;
	e->peers_know_more = false;
	engine_count(e, COUNTER_BULKS_SENT);
}

void relay_dump_end(struct engine *e)
{
	struct relay *r = &e->relay;

	/* whoever asks for one table after the other: the kernel has other things to do, too */
	e->dump.not_before = mono_min(
		mono_add_ns(e->now, e->dump.took_ns), mono_add_ms(e->now, LIMIT_DUMP_RETRY_MS));
	if (r->collecting) {
		r->collecting = false;
		r->collected = true;
		return;
	}
	r->end_due = true;
	r->left = e->queued.count;
}

bool relay_put_begin(struct engine *e, struct wbuf *w)
{
	struct control mark = {
		.kind = CONTROL_BULK_BEGIN, .a = e->bulk.gen, .b = BULK_FLOWS_UNKNOWN};

	if (!e->relay.begin_due)
		return true;
	if (!sender_put_control(e, w, mark))
		return false;
	e->relay.begin_due = false;
	return true;
}

bool relay_put_end(struct engine *e, struct wbuf *w)
{
	struct relay *r = &e->relay;
	struct bulk *b = &e->bulk;
	struct control mark = {.kind = CONTROL_BULK_END, .a = b->gen, .b = b->flows};

	if (!r->end_due || (r->left > 0 && e->queued.head))
		return true;
	if (!sender_put_control(e, w, mark))
		return false;
	r->end_due = r->stale = false;
	b->state = BULK_NONE;
	command_bulk_sent(e);
	if (b->again)
		bulk_want(e);
	return true;
}

void relay_sent(struct engine *e)
{
	struct relay *r = &e->relay;

	if (r->end_due && r->left > 0)
		r->left--;
}

void relay_missed(struct engine *e)
{
	e->relay.missed = true;
}

void relay_purge(struct engine *e)
{
	e->relay.collected = false;
	dumper_want(e);
}

bool relay_is_stale(const struct engine *e)
{
	return e->relay.stale || e->peers_know_more;
}

bool relay_is_collecting(const struct engine *e)
{
	return e->config.internal_cache_off && e->purge.running && !e->relay.collected;
}

static bool has_room(const struct engine *e)
{
	return table_count(&e->local) <= e->config.flows_max / 2;
}

void relay_tick(struct engine *e)
{
	if (!e->relay.missed || !has_room(e))
		return;
	e->relay.missed = false;
	bulk_want(e);
}

mono relay_deadline(const struct engine *e)
{
	return e->relay.missed ? mono_add_ms(e->now, LIMIT_TICK_MS) : MONO_NEVER;
}

void relay_flushed(struct engine *e)
{
	/* a purge whose list is gone ends; one that waits for it gets it by the next dump */
	e->relay = (struct relay){.collected = e->relay.collected, .stale = e->relay.stale};
}
