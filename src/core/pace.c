/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pace.h"

#include "base/check.h"

/* Peers with a window of ours acknowledge each ack_window messages: less than two would be
 * lockstep. */
static uint32_t window_min(const struct engine *e)
{
	return 2 * e->config.ack_window;
}

static uint32_t at_least_min(const struct engine *e, uint32_t window)
{
	return window > window_min(e) ? window : window_min(e);
}

static uint32_t window_max(const struct engine *e)
{
	return at_least_min(e, LIMIT_PACE_WINDOW_MAX);
}

void pace_init(struct engine *e)
{
	struct pace *c = &e->pace;

	c->window = at_least_min(e, LIMIT_PACE_WINDOW);
	c->threshold = window_max(e);
	c->cut_seq = c->go_seq = e->config.first_seq;
	c->until = MONO_NEVER;
}

static bool is_ahead(const struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		const struct peer *p = &e->peers[i];

		if (!p->silent && p->answered &&
			e->sender.next_seq - 1 - p->acked >= e->pace.window)
			return true;
	}
	return false;
}

/*
 * A peer that acknowledges nothing for a while, be it that the very acknowledgement was lost, or
 * that its own window is larger than ours, holds up no longer than that.
 */
bool pace_waits(struct engine *e)
{
	struct pace *c = &e->pace;

	if (!engine_acknowledges(e) || !e->sender.hello_done ||
		wire_v1_seq_before(e->sender.next_seq, c->go_seq) || !is_ahead(e)) {
		c->until = MONO_NEVER;
		return false;
	}
	if (mono_is_never(c->until)) {
		c->until = mono_add_ms(e->now, LIMIT_PACE_MS);
		engine_count(e, COUNTER_PACE_WAITS);
	}
	return true;
}

/* What was said before the last cut says nothing about the narrower window. */
void pace_lost(struct engine *e, uint32_t to)
{
	struct pace *c = &e->pace;

	if (wire_v1_seq_before(to, c->cut_seq))
		return;
	c->cut_seq = e->sender.next_seq;
	c->window = c->threshold = at_least_min(e, c->window / 2);
	engine_count(e, COUNTER_PACE_CUTS);
}

/* Of a window that nothing fills an acknowledgement does not say that it is too narrow. */
void pace_acked(struct engine *e, uint32_t from, uint32_t to)
{
	struct pace *c = &e->pace;
	uint64_t more = to - from;

	/* numbers wrap: these two must not stay behind by half of them */
	if (!wire_v1_seq_before(e->sender.next_seq, c->go_seq))
		c->go_seq = e->sender.next_seq;
	if (!wire_v1_seq_before(to, c->cut_seq))
		c->cut_seq = to;
	if (mono_is_never(c->until))
		return;
	/* a part of a step is a step: an acknowledgement of few messages would never add any */
	if (c->window >= c->threshold)
		more = more * e->config.ack_window / c->window + 1;
	c->window = more > window_max(e) - c->window ? window_max(e) : c->window + (uint32_t)more;
}

void pace_tick(struct engine *e)
{
	struct pace *c = &e->pace;

	if (!mono_reached(e->now, c->until))
		return;
	c->until = MONO_NEVER;
	c->go_seq = e->sender.next_seq + c->window;
}

bool engine_is_paced(const struct engine *e)
{
	return !mono_is_never(e->pace.until);
}

mono pace_deadline(const struct engine *e)
{
	return e->pace.until;
}

void pace_check(const struct engine *e)
{
	CHECK(e->pace.window >= window_min(e) && e->pace.window <= window_max(e));
}
