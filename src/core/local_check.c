/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "core/local.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static void chain_check(const struct engine *e, const struct entry_chain *c, unsigned list)
{
	uint32_t prev = 0, count = 0, last_seq = 0;

	for (uint32_t h = c->head; h; h = at(e, h)->next) {
		const struct entry *x = at(e, h);

		CHECK(x->prev == prev && x->list == list && x->table == 0);
		CHECK(list == ENTRY_QUEUED || x->dead == (list == ENTRY_TOMB));
		if (list != ENTRY_QUEUED) {
			CHECK(prev == 0 || wire_v1_seq_before(last_seq, x->seq));
			CHECK(wire_v1_seq_before(x->seq, e->sender.next_seq));
		}
		CHECK(!(x->flags & ENTRY_REPAIR) || list == ENTRY_QUEUED);
		last_seq = x->seq;
		prev = h;
		CHECK(++count <= c->count);
	}
	CHECK(count == c->count && c->tail == prev);
}

void local_check(const struct engine *e)
{
	uint64_t cursor = 0, silent = 0;
	uint32_t h, dead = 0, dead_expects = 0, tombs = 0, listed = 0, repairs = 0, held = 0;

	chain_check(e, &e->queued, ENTRY_QUEUED);
	chain_check(e, &e->held, ENTRY_QUEUED);
	chain_check(e, &e->repairs, ENTRY_QUEUED);
	chain_check(e, &e->sent, ENTRY_SENT);
	chain_check(e, &e->tomb, ENTRY_TOMB);
	while ((h = table_next(&e->local, &e->store, &cursor)) != 0) {
		const struct entry *x = at(e, h);

		dead += x->dead;
		dead_expects += x->dead && entry_is_expect(x);
		tombs += x->dead && x->list != ENTRY_UNLISTED;
		listed += x->list != ENTRY_UNLISTED;
		repairs += (x->flags & ENTRY_REPAIR) != 0;
		silent += (x->flags & ENTRY_SILENT) != 0;
		held += (x->flags & ENTRY_HELD) != 0;
		CHECK(!(x->flags & ENTRY_HELD) ||
			(!x->dead && x->list == ENTRY_QUEUED && !(x->flags & ENTRY_ANNOUNCED)));
		CHECK(!(x->dead && x->flags & ENTRY_SILENT));
		CHECK(!x->dead || x->list != ENTRY_UNLISTED || e->dump.running ||
			e->dump.sweeping || e->dump.wanted || e->dump.repair || e->dump.asked);
	}
	CHECK(listed ==
		e->queued.count + e->held.count + e->repairs.count + e->sent.count + e->tomb.count);
	CHECK(held == e->held.count);
	CHECK(dead == e->dead && tombs == e->tombs && silent == e->local_silent);
	CHECK(dead_expects == e->dead_expects);
	CHECK(repairs == e->repairs.count);
}
