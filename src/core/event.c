/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/event.h"

#include <string.h>

/* Room for what somebody waits for: each command's DONE, and the kernel's table read. */
enum { EVENTS_RESERVED = 2 * LIMIT_COMMANDS };

void event_put(struct engine *e, const struct engine_event *event)
{
	struct event_ring *r = &e->events;
	uint32_t room = LIMIT_EVENTS_QUEUE;

	if (event->kind != ENGINE_EVENT_DONE && event->kind != ENGINE_EVENT_KERNEL_SYNCED)
		room -= EVENTS_RESERVED;
	if (r->count >= room) {
		engine_count(e, COUNTER_EVENTS_DROPPED);
		return;
	}
	r->event[(r->head + r->count) % LIMIT_EVENTS_QUEUE] = *event;
	r->count++;
}

bool engine_next_event(struct engine *e, struct engine_event *out)
{
	struct event_ring *r = &e->events;

	if (r->count == 0)
		return false;
	*out = r->event[r->head];
	r->head = (r->head + 1) % LIMIT_EVENTS_QUEUE;
	r->count--;
	return true;
}

void event_peer(struct engine *e, enum engine_event_kind kind, struct peer *p, uint64_t flows)
{
	struct engine_event event = {.kind = kind, .addr = p->addr, .flows = flows};

	/* one datagram can hold a hundred reasons for an event */
	if (bucket_fill(&p->told, e->now) == 0) {
		engine_count(e, COUNTER_EVENTS_DROPPED);
		return;
	}
	bucket_take(&p->told, 1);
	event_put(e, &event);
}

void event_table_full(struct engine *e)
{
	struct engine_event event = {.kind = ENGINE_EVENT_TABLE_FULL};

	if (e->events.full_told && mono_before(e->now, e->events.full_next))
		return;
	e->events.full_told = true;
	e->events.full_next = mono_add_sec(e->now, 60);
	event_put(e, &event);
}
