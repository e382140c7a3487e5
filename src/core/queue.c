/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/queue.h"

#include "flow/status.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static struct entry_chain *chain_of(struct engine *e, const struct entry *x)
{
	if (x->flags & ENTRY_HELD)
		return &e->held;
	if (x->flags & ENTRY_REPAIR)
		return &e->repairs;
	return x->list == ENTRY_QUEUED ? &e->queued : x->list == ENTRY_SENT ? &e->sent : &e->tomb;
}

/* When an entry was put on the list of those held: its sequence number is free until then [ms]. */
static uint32_t clock_ms(const struct engine *e)
{
	return (uint32_t)mono_diff_ms(e->now, e->start);
}

void queue_append(struct engine *e, uint32_t handle, enum entry_list list)
{
	struct entry *x = at(e, handle);

	x->list = list & 3;
	chain_append(&e->store, chain_of(e, x), handle);
}

void queue_remove(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (x->list == ENTRY_UNLISTED)
		return;
	chain_remove(&e->store, chain_of(e, x), handle);
	x->list = ENTRY_UNLISTED;
	x->flags &= (uint8_t) ~(ENTRY_REPAIR | ENTRY_HELD);
}

void queue_put(struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (e->config.links == 0)
		return;
	if (x->list == ENTRY_QUEUED)
		engine_count(e, COUNTER_COALESCED);
	if (x->list == ENTRY_QUEUED && !(x->flags & ENTRY_REPAIR))
		return;
	queue_remove(e, handle); /* a repair has to wait, an event has not */
	queue_append(e, handle, ENTRY_QUEUED);
}

void queue_put_later(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (e->config.links == 0 || e->config.sync_delay_ms == 0 || x->flags & ENTRY_ANNOUNCED ||
		(x->list == ENTRY_QUEUED && !(x->flags & ENTRY_HELD))) {
		queue_put(e, handle);
		return;
	}
	queue_remove(e, handle); /* one that is held is another flow now, and waits anew */
	x->flags |= ENTRY_HELD;
	x->seq = clock_ms(e);
	queue_append(e, handle, ENTRY_QUEUED);
}

void queue_put_now(struct engine *e, uint32_t handle)
{
	if (!(at(e, handle)->flags & ENTRY_HELD))
		return;
	queue_remove(e, handle);
	queue_append(e, handle, ENTRY_QUEUED);
}

void queue_put_repair(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	queue_remove(e, handle);
	x->list = ENTRY_QUEUED;
	x->flags |= ENTRY_REPAIR;
	chain_prepend(&e->store, &e->repairs, handle);
}

void queue_moved(struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (x->list != ENTRY_UNLISTED)
		chain_moved(&e->store, chain_of(e, x), handle);
}

static uint32_t waited_ms(const struct engine *e, uint32_t handle)
{
	return clock_ms(e) - at(e, handle)->seq;
}

/* Not flow by flow: with many a second each would cost a wake-up, and a datagram. */
mono queue_deadline(const struct engine *e)
{
	int64_t all = (int64_t)e->config.sync_delay_ms + LIMIT_HELD_GRAIN_MS;

	if (!e->held.head)
		return MONO_NEVER;
	return mono_add_ms(e->now, all - waited_ms(e, e->held.head));
}

/* A TCP connection that has closed by then is of no use to anybody; what is left of it is a timer.
 */
static bool is_over(const struct engine *e, uint32_t handle)
{
	struct flow f;

	if (e->config.internal_cache_off || entry_is_expect(at(e, handle)))
		return false;
	table_read(&e->store, handle, &f);
	return flow_has(&f, FLOW_TCP_STATE) &&
	       (f.tcp.state == FLOW_TCP_TIME_WAIT || f.tcp.state == FLOW_TCP_CLOSE);
}

void queue_release(struct engine *e)
{
	if (mono_before(e->now, queue_deadline(e)))
		return;
	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE && e->held.head; n++) {
		if (waited_ms(e, e->held.head) < e->config.sync_delay_ms)
			return;
		if (is_over(e, e->held.head)) {
			engine_count(e, COUNTER_SHORT_LIVED);
			queue_remove(e, e->held.head);
			continue;
		}
		queue_put_now(e, e->held.head);
	}
}
