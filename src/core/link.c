/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/link.h"

#include "base/check.h"
#include "core/bulk.h"
#include "core/event.h"
#include "core/handshake.h"

void link_init(struct engine *e)
{
	struct links *l = &e->links;

	CHECK(e->config.links <= LIMIT_LINKS);
	CHECK(e->config.link_default < (e->config.links ? e->config.links : 1));
	l->current = e->config.link_default;
	l->follow_at = e->now;
	for (unsigned i = 0; i < LIMIT_LINKS; i++)
		l->usable[i] = true;
}

bool link_is_usable(const struct engine *e)
{
	return e->links.usable[e->links.current];
}

bool engine_current_link(const struct engine *e, unsigned *link)
{
	*link = e->links.current;
	return link_is_usable(e);
}

static void tell(struct engine *e, enum engine_event_kind kind)
{
	struct engine_event event = {.kind = kind, .link = e->links.current};

	event_put(e, &event);
}

/* What went into a broken link is lost, and an old peer of this mode asks for nothing. */
static void say_again(struct engine *e)
{
	if (e->config.mode == ENGINE_MODE_NOTRACK)
		bulk_want_spaced(e); /* whoever can speak on a link can have us follow */
}

/*
 * Two nodes that change places at the same moment would follow each other for ever. So each stays
 * a while where it is, one longer than the other.
 */
static void move(struct engine *e, unsigned link)
{
	struct links *l = &e->links;

	l->current = link;
	l->follow_at =
		mono_add_ms(e->now, LIMIT_FOLLOW_MS + e->config.boot_id % LIMIT_FOLLOW_SPREAD_MS);
	tell(e, ENGINE_EVENT_LINK);
	handshake_present(e); /* peers do not know our address there */
	say_again(e);
}

void engine_link(struct engine *e, mono now, unsigned link, bool usable)
{
	struct links *l = &e->links;
	bool was;

	engine_set_now(e, now);
	CHECK(link < (e->config.links ? e->config.links : 1));
	was = link_is_usable(e);
	l->usable[link] = usable;
	if (link_is_usable(e)) {
		if (!was) {
			tell(e, ENGINE_EVENT_LINK);
			say_again(e);
		}
		return;
	}
	for (unsigned i = 0; i < e->config.links; i++) {
		if (l->usable[i]) {
			engine_count(e, COUNTER_LINK_CHANGES);
			move(e, i);
			return;
		}
	}
	if (was)
		tell(e, ENGINE_EVENT_NO_LINK);
}

void link_follow(struct engine *e, unsigned link)
{
	struct links *l = &e->links;

	if (!l->usable[link] || mono_before(e->now, l->follow_at))
		return;
	engine_count(e, COUNTER_LINK_FOLLOWED);
	move(e, link);
}
