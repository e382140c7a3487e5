/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/handshake.h"

#include "core/ack.h"
#include "core/bulk.h"
#include "core/peer.h"
#include "core/repair.h"
#include "core/sender.h"

/* A message that says who we are waits to be sent already. */
static bool hello_is_queued(const struct engine *e)
{
	const struct sender *s = &e->sender;

	for (uint32_t i = 0; i < s->queue_count; i++)
		if (s->queue[(s->queue_head + i) % LIMIT_CONTROL_QUEUE].kind == CONTROL_MARK_HELLO)
			return true;
	return false;
}

/* The peer takes us for a process that is gone: its mail does not reach us. */
void handshake_introduce(struct engine *e, struct peer *p)
{
	if (mono_before(e->now, p->introduce_next) || hello_is_queued(e))
		return;
	if (sender_control(e, CONTROL_MARK_HELLO, NULL, 0, 0))
		p->introduce_next = mono_add_ms(e->now, LIMIT_ALIVE_MS);
}

void handshake_present(struct engine *e)
{
	const struct sender *s = &e->sender;

	if (e->config.mode == ENGINE_MODE_ALARM)
		return;
	if (s->queue_count == 0 || s->queue[s->queue_head].kind != CONTROL_MARK_HELLO)
		sender_control_first(e, CONTROL_MARK_HELLO);
}

bool handshake_is_known(const struct engine *e, uint32_t boot_id)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].boot_known && e->peers[i].boot_id == boot_id)
			return true;
	return false;
}

/* A new or restarted peer: we tell it who we are and what we have, and want to know the same. */
void handshake_greet(struct engine *e, struct peer *p)
{
	if (!hello_is_queued(e))
		sender_control(e, CONTROL_MARK_HELLO, NULL, 0, 0);
	peer_want_resync(e, p, LIMIT_RESYNC_DELAY_MS);
	bulk_want_for(e, p);
}

bool handshake_is_former(const struct peer *p, uint32_t boot_id)
{
	for (unsigned i = 0; i < p->old_boots_count; i++)
		if (p->old_boots[i] == boot_id)
			return true;
	return false;
}

void handshake_retire_boot(struct peer *p)
{
	p->old_boots[p->old_boots_next] = p->boot_id;
	p->old_boots_next = (p->old_boots_next + 1) % PEER_OLD_BOOTS;
	if (p->old_boots_count < PEER_OLD_BOOTS)
		p->old_boots_count++;
}

/*
 * A mark. False if it is a relic of a process that is gone, to be dropped. A boot id that is
 * neither the peer's present one nor a former one tells of a restart, wherever the message stands
 * in the sequence, and whatever the mark says: the first ones may be lost. While no boot id is
 * known it may only be late itself.
 */
bool handshake_boot_heard(struct engine *e, struct peer *p, uint32_t seq, uint32_t boot_id)
{
	if (p->boot_known && p->boot_id == boot_id)
		return true;
	/* a relic would not be next in the sequence: then the mark that had retired it was false */
	if (handshake_is_former(p, boot_id) && !(p->seen && seq == p->last_recv + 1))
		return false;
	if (p->boot_known)
		peer_restarted(e, p);
	return true;
}

void handshake_adopt_boot(struct peer *p, uint32_t boot_id)
{
	if (p->boot_known)
		return;
	p->boot_known = true;
	p->boot_id = boot_id;
	if (!p->is_ctsync)
		p->synced = false;
	p->is_ctsync = true;
}

/*
 * conntrackd looks for no gap before a message with HELLO, acknowledges what it missed there with
 * the rest, and forgets what it has sent and what it was about to ask for. So with a peer of that
 * kind, whatever was said with HELLO is said again without, and what it said meanwhile is asked
 * for again if any of it was lost.
 */
void handshake_done(struct engine *e)
{
	struct sender *s = &e->sender;
	uint32_t last = s->next_seq - 1;
	bool said = s->hello_done;

	s->hello_done = true;
	for (unsigned i = 0; i < LIMIT_PEERS && !said; i++) {
		struct peer *p = &e->peers[i];

		if (!p->used || p->is_ctsync || s->next_seq == s->first_seq)
			continue;
		repair_range(e, p, s->first_seq, last);
		p->island_set = false;
		ack_up_to(e, p, last);
		if (p->lost > 0)
			peer_lose_track(e, p);
		p->hello_open = true;
		p->hello_gap = false;
		p->hello_last = last;
	}
}

/*
 * Our last messages with HELLO cross the answer to the first one. Until conntrackd has acknowledged
 * the last of them it forgets, with each that it hears, what it could have sent again; what was
 * lost meanwhile and asked for in vain comes with its table.
 */
void handshake_acked(struct engine *e, struct peer *p, uint32_t to)
{
	if (!p->hello_open || wire_v1_seq_before(to, p->hello_last))
		return;
	p->hello_open = false;
	if (p->hello_gap)
		peer_lose_track(e, p);
	p->hello_gap = false;
}
