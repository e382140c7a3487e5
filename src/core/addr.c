/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/addr.h"

#include <string.h>

#include "base/check.h"
#include "core/handshake.h"
#include "core/peer.h"

static bool has(const struct peer *p, unsigned link, const struct engine_addr *addr)
{
	return p->links[link].state >= PEER_ADDR_GUESSED &&
	       memcmp(&p->links[link].addr, addr, sizeof(*addr)) == 0;
}

static struct peer *owner(struct engine *e, unsigned link, const struct engine_addr *addr)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (has(&e->peers[i], link, addr))
			return &e->peers[i];
	return NULL;
}

static void learn(
	struct peer *p, unsigned link, const struct engine_addr *addr, enum peer_addr_state state)
{
	struct peer_link *at = &p->links[link];

	at->addr = *addr;
	at->state = state;
	at->late_since = MONO_NEVER;
}

void addr_init(struct peer *p, unsigned link, const struct engine_addr *addr)
{
	p->addr = *addr;
	p->link = link;
	learn(p, link, addr, PEER_ADDR_SURE);
}

/* The address is not this peer's. What came from there has misled us about its sequence. */
static void disown(struct engine *e, struct peer *p, unsigned link)
{
	engine_count(e, COUNTER_ADDR_GUESSES_WRONG);
	p->links[link].state = PEER_ADDR_WRONG;
	peer_lose_track(e, p);
}

static struct peer *by_boot(struct engine *e, uint32_t boot_id)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].boot_known && e->peers[i].boot_id == boot_id)
			return &e->peers[i];
	return NULL;
}

/* The peer whose sequence this goes on with; of several the nearest. */
static struct peer *by_sequence(struct engine *e, unsigned link, const struct engine_addr *addr,
	const struct wire_v1_message *m, bool has_mark)
{
	struct peer *best = NULL;

	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *p = &e->peers[i];
		const struct peer_link *at = &p->links[link];

		if (!p->seen || at->state >= PEER_ADDR_GUESSED || (has_mark && p->boot_known))
			continue;
		if (at->state == PEER_ADDR_WRONG && memcmp(&at->addr, addr, sizeof(*addr)) == 0)
			continue;
		/* one that says who it is has done so there, if it is near at all */
		if (m->seq - p->last_recv - 1 >=
			(uint32_t)(p->boot_known ? LIMIT_GUESS_MAX : LIMIT_GAP_MAX))
			continue;
		if (!best || m->seq - p->last_recv < m->seq - best->last_recv)
			best = p;
	}
	return best;
}

/*
 * If none of its addresses is left to it, it was the life before of the process that has them now,
 * and what it has told is worth nothing as soon as that one's table is here.
 */
static void supersede(struct engine *e, struct peer *p, const struct peer *by)
{
	for (unsigned i = 0; i < LIMIT_LINKS; i++)
		if (p->links[i].state >= PEER_ADDR_GUESSED)
			return;
	p->heard = mono_add_ms(e->now, -LIMIT_PEER_SILENCE_MS);
	p->superseded = true;
	p->successor = (uint8_t)(by - e->peers);
}

void addr_tick(struct engine *e, struct peer *p)
{
	if (!p->superseded || !p->silent || p->leaving || e->commit.running ||
		!e->peers[p->successor].synced)
		return;
	p->leaving = true;
	p->sweeping = false;
	p->sweep_cursor = 0;
}

/*
 * A mark from p's address. If it is not of the process that p is, then either p has restarted, or
 * the address is another's: of a peer that is known by its boot id, or of one that will be. The
 * peer that it is; NULL: a new one.
 */
static struct peer *marked(struct engine *e, struct peer *p, unsigned link,
	const struct engine_addr *addr, uint32_t boot_id)
{
	bool guessed = p->links[link].state == PEER_ADDR_GUESSED;
	struct peer *q = by_boot(e, boot_id);

	if (p->boot_known && p->boot_id == boot_id) {
		p->links[link].state = PEER_ADDR_SURE;
		return p;
	}
	if (q && q->links[link].state != PEER_ADDR_SURE) {
		if (guessed)
			disown(e, p, link);
		else
			p->links[link].state = PEER_ADDR_NONE;
		learn(q, link, addr, PEER_ADDR_SURE);
		supersede(e, p, q);
		return q;
	}
	if (!guessed || !p->boot_known || handshake_is_former(p, boot_id))
		return p;
	disown(e, p, link);
	return q;
}

static struct peer *guess(struct engine *e, unsigned link, const struct engine_addr *addr,
	const struct wire_v1_message *m, const struct wire_v1_mark *mark)
{
	struct peer *p = mark ? by_boot(e, mark->boot_id) : NULL;

	if (p && p->links[link].state != PEER_ADDR_SURE) {
		learn(p, link, addr, PEER_ADDR_SURE);
		return p;
	}
	p = by_sequence(e, link, addr, m, mark != NULL);
	if (p) {
		engine_count(e, COUNTER_ADDR_GUESSES);
		learn(p, link, addr, PEER_ADDR_GUESSED);
	}
	return p;
}

struct peer *addr_find(struct engine *e, unsigned link, const struct engine_addr *addr,
	const struct wire_v1_message *m)
{
	struct peer *p = owner(e, link, addr);
	struct wire_v1_mark mark;
	bool has_mark;

	if (e->config.links <= 1 && !e->config.one_peer)
		return p;
	if (e->config.one_peer) {
		if (!p && e->peers_count > 0) {
			p = &e->peers[0];
			learn(p, link, addr, PEER_ADDR_SURE);
		}
		return p;
	}
	has_mark = wire_v1_get_mark(m, &mark);
	if (!p)
		return guess(e, link, addr, m, has_mark ? &mark : NULL);
	return has_mark ? marked(e, p, link, addr, mark.boot_id) : p;
}

void addr_moved(struct peer *p, unsigned link)
{
	p->link = link;
	p->addr = p->links[link].addr;
	p->links[link].late_since = MONO_NEVER;
}

/*
 * Two processes under one name: each is behind the other now and then, or one is all the time.
 * After a peer has moved, what it had said before may come late, but not for long.
 */
void addr_late(struct engine *e, struct peer *p, unsigned link)
{
	struct peer_link *at = &p->links[link];
	bool goes_on = !mono_is_never(at->late_since) &&
		       mono_diff_ms(e->now, at->late_last) < LIMIT_RESTART_MS;

	at->late_last = e->now;
	if (!goes_on)
		at->late_since = e->now;
	if (mono_diff_ms(e->now, at->late_since) < 2 * LIMIT_RESTART_MS)
		return;
	at->late_since = MONO_NEVER;
	if (at->state == PEER_ADDR_GUESSED)
		disown(e, p, link);
	else if (p->links[p->link].state == PEER_ADDR_GUESSED)
		disown(e, p, p->link);
}

void addr_check(const struct engine *e, const struct peer *p)
{
	for (unsigned l = 0; l < LIMIT_LINKS; l++)
		for (unsigned i = 0; i < e->peers_count; i++)
			CHECK(&e->peers[i] == p || p->links[l].state < PEER_ADDR_GUESSED ||
				!has(&e->peers[i], l, &p->links[l].addr));
}
