/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bulk.h"

#include "base/check.h"
#include "core/command.h"
#include "core/dumper.h"
#include "core/local.h"
#include "core/pace.h"
#include "core/sender.h"

void bulk_init(struct engine *e)
{
	e->bulk.spaced_next = e->now;
}

void bulk_want(struct engine *e)
{
	struct bulk *b = &e->bulk;

	if (e->config.links == 0)
		return;
	if (b->state == BULK_RUNNING)
		b->again = true;
	else
		b->state = BULK_WANTED;
	if (e->config.internal_cache_off)
		dumper_want(e);
}

void bulk_want_spaced(struct engine *e)
{
	struct bulk *b = &e->bulk;

	if (mono_before(e->now, b->spaced_next)) {
		if (!b->spaced)
			engine_count(e, COUNTER_BULKS_LIMITED);
		b->spaced = true;
		return;
	}
	b->spaced = false;
	b->spaced_next = mono_add_ms(e->now, LIMIT_BULK_INTERVAL_MS);
	bulk_want(e);
}

void bulk_want_for(struct engine *e, struct peer *p)
{
	/* what has not begun yet serves this one as well */
	if (e->bulk.state == BULK_WANTED || e->bulk.again) {
		p->bulk_wanted = false;
		return;
	}
	if (mono_before(e->now, p->bulk_next)) {
		if (!p->bulk_wanted)
			engine_count(e, COUNTER_BULKS_LIMITED);
		p->bulk_wanted = true;
		return;
	}
	p->bulk_wanted = false;
	p->bulk_next = mono_add_ms(e->now, LIMIT_BULK_INTERVAL_MS);
	bulk_want(e);
}

static bool begin(struct engine *e, struct wbuf *w)
{
	struct bulk *b = &e->bulk;
	struct control mark = {.kind = CONTROL_BULK_BEGIN, .a = b->gen + 1, .b = local_entries(e)};
	uint32_t seq = e->sender.next_seq;

	if (engine_has_control(e) && !sender_put_control(e, w, mark))
		return false;
	b->state = BULK_RUNNING;
	b->known = true;
	b->end_again = false;
	b->gen++;
	b->begin_seq = seq;
	b->began = e->now;
	b->flows = 0;
	b->expects = false;
	b->cursor = 0;
	e->peers_know_more = false;
	engine_count(e, COUNTER_BULKS_SENT);
	return true;
}

/*
 * Sends what this bulk has not sent yet: its entries' mark is that of the last one. First the
 * flows, since who writes into the kernel what arrives needs masters before what they expect.
 */
static bool put_entries(struct engine *e, struct wbuf *w)
{
	struct bulk *b = &e->bulk;
	uint8_t done = b->gen & 1 ? ENTRY_BULKED : 0;

	for (;;) {
		uint64_t cursor = b->cursor;
		uint32_t handle = table_next(&e->local, &e->store, &cursor);
		const struct entry *x;

		if (!handle && (b->expects || e->local.expects == 0))
			return true;
		if (!handle) {
			b->expects = true;
			b->cursor = 0;
			continue;
		}
		x = entry_at(&e->store, handle);
		if (!x->dead && (x->flags & ENTRY_BULKED) != done &&
			entry_is_expect(x) == b->expects && !sender_put_entry(e, w, handle))
			return false;
		b->cursor = cursor;
	}
}

static bool repair_is_pending(const struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].repair_pending || e->peers[i].ahead)
			return true;
	return e->repairs.count > 0;
}

static bool end(struct engine *e, struct wbuf *w)
{
	struct bulk *b = &e->bulk;
	struct control mark = {.kind = CONTROL_BULK_END, .a = b->gen, .b = b->flows};

	if (repair_is_pending(e))
		return true;
	b->end_seq = e->sender.next_seq;
	if (engine_has_control(e) && !sender_put_control(e, w, mark))
		return false;
	b->end_again = false;
	if (b->state == BULK_RUNNING) {
		b->state = b->again ? BULK_WANTED : BULK_NONE;
		b->again = false;
		command_bulk_sent(e);
	}
	return true;
}

/* What a promotion has not come to yet would be missing in it. */
static bool may_begin(const struct engine *e)
{
	return e->bulk.state == BULK_WANTED && e->dump.complete && !e->take.running;
}

bool bulk_put(struct engine *e, struct wbuf *w)
{
	struct bulk *b = &e->bulk;

	if (may_begin(e) && !begin(e, w))
		return false;
	if (b->state == BULK_RUNNING)
		return pace_waits(e) || (put_entries(e, w) && end(e, w));
	if (b->end_again)
		return end(e, w);
	return true;
}

bool bulk_is_hit(const struct engine *e, uint32_t from, uint32_t to)
{
	const struct bulk *b = &e->bulk;

	if (!b->known || wire_v1_seq_before(to, b->begin_seq))
		return false;
	return b->state == BULK_RUNNING || !wire_v1_seq_before(b->end_seq, from);
}

void bulk_lost(struct engine *e, struct peer *p, uint32_t from, uint32_t to)
{
	struct bulk *b = &e->bulk;

	if (!bulk_is_hit(e, from, to))
		return;
	if (!wire_v1_seq_before(b->begin_seq, from))
		bulk_want_for(e, p); /* where its begin stood cannot be said again */
	else if (b->state != BULK_RUNNING)
		b->end_again = true;
}

void bulk_tick(struct engine *e)
{
	struct bulk *b = &e->bulk;

	if (b->spaced)
		bulk_want_spaced(e);
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].bulk_wanted)
			bulk_want_for(e, &e->peers[i]);
}

mono bulk_deadline(const struct engine *e)
{
	mono at = e->bulk.spaced ? e->bulk.spaced_next : MONO_NEVER;

	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].bulk_wanted)
			at = mono_min(at, e->peers[i].bulk_next);
	return at;
}

void bulk_check(const struct engine *e)
{
	uint8_t done = e->bulk.gen & 1 ? ENTRY_BULKED : 0;
	uint64_t cursor = 0;
	uint32_t handle;

	if (e->bulk.state == BULK_RUNNING || e->config.internal_cache_off)
		return;
	while ((handle = table_next(&e->local, &e->store, &cursor)) != 0) {
		const struct entry *x = entry_at(&e->store, handle);

		CHECK(x->dead || (x->flags & ENTRY_BULKED) == done);
	}
}
