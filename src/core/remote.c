/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/remote.h"

#include "base/check.h"
#include "core/bulk.h"
#include "core/event.h"
#include "core/inject.h"
#include "core/peer.h"
#include "core/take.h"
#include "core/warm.h"
#include "flow/merge.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

void remote_remove(struct engine *e, struct peer *p, uint32_t handle)
{
	if (engine_injects(e))
		inject_forget(e, handle);
	table_remove(&p->remote, &e->store, handle);
}

/* It has ended for its owner, which said so (told), or did not name it in a bulk. */
static void ended(struct engine *e, struct peer *p, uint32_t handle, bool told)
{
	if (take_reach(e, p, handle))
		engine_count(e, COUNTER_INJECT_KEPT); /* a promotion has made it ours */
	else if (engine_injects(e))
		inject_ended(e, p, handle, told);
	else
		remote_remove(e, p, handle);
}

/* Nobody tells it any more: a warm standby's kernel would keep it alone. */
static void dropped(struct engine *e, struct peer *p, uint32_t handle)
{
	if (take_reach(e, p, handle))
		return;
	if (warm_is_idle(e))
		inject_ended(e, p, handle, false);
	else
		remote_remove(e, p, handle);
}

static void refuse(struct engine *e, enum table_result r)
{
	engine_count(e, r == TABLE_FULL ? COUNTER_REMOTE_FULL : COUNTER_MEMORY_FULL);
	event_table_full(e);
}

/* What the table has of a flow, with what a partial update tells of it. */
static void merge(const struct engine *e, uint32_t handle, struct flow *f)
{
	struct flow known;

	table_read(&e->store, handle, &known);
	flow_merge(&known, f);
	*f = known;
}

static void store(struct engine *e, struct peer *p, const struct table_key *k, uint32_t handle,
	const struct table_packed *packed, enum inject_news news)
{
	uint32_t old = handle;
	bool known = handle;
	enum table_result r;

	if (known)
		p->renamed += at(e, handle)->seq != p->epoch;
	if (known)
		r = table_write_packed(&p->remote, &e->store, k, packed, &handle);
	else
		r = table_add_packed(
			&p->remote, &e->store, k, packed, engine_coarse(e, e->now), &handle);
	if (r != TABLE_OK) {
		refuse(e, r);
		p->missed = true;
		return;
	}
	if (entry_is_expect(at(e, handle)))
		engine_count(
			e, known ? COUNTER_EXPECT_REMOTE_UPDATED : COUNTER_EXPECT_REMOTE_CREATED);
	else
		engine_count(e, known ? COUNTER_REMOTE_UPDATED : COUNTER_REMOTE_CREATED);
	at(e, handle)->touched = engine_coarse(e, e->now);
	at(e, handle)->seq = p->epoch;
	if (engine_injects(e)) {
		inject_moved(e, old, handle);
		inject_told(e, handle, news);
	}
}

/* What a promotion has made ours is not the peer's any more, who tells of it anew. */
static uint32_t find_to_put(struct engine *e, struct peer *p, const struct table_key *k)
{
	uint32_t handle = table_find(&p->remote, &e->store, k);

	return handle && take_reach(e, p, handle) ? 0 : handle;
}

/*
 * An update replaces as well: both ctsync and conntrackd (with its cache) send all that they know
 * of a flow, and a merge would keep what belonged to an earlier flow whose end was not heard. In
 * NOTRACK mode a sender may be without its cache (conntrackd does not say whether it is); there it
 * merges, if nothing was lost since the flow was last named.
 */
static void put(struct engine *e, struct arrival *a)
{
	uint32_t handle = find_to_put(e, a->peer, &a->key);
	bool merges =
		handle && a->partial && (int32_t)(at(e, handle)->seq - a->peer->sure_epoch) >= 0;
	enum inject_news news = INJECT_NEWS;
	struct flow f;

	if (merges || (handle && engine_injects(e) &&
			      !inject_news_packed(e, handle, &a->packed, &news))) {
		CHECK(wire_v1_get_flow(&a->message, &f) == WIRE_V1_OK);
		if (merges)
			merge(e, handle, &f);
		if (engine_injects(e))
			news = inject_news(e, handle, &f);
		if (merges)
			table_pack(&a->packed, &f);
	}
	store(e, a->peer, &a->key, handle, &a->packed, news);
}

static void drop(struct engine *e, struct peer *p, const struct table_key *k)
{
	uint32_t handle = table_find(&p->remote, &e->store, k);

	if (!handle) {
		engine_count(e, COUNTER_UNKNOWN_DELETED);
		return;
	}
	p->renamed += at(e, handle)->seq != p->epoch;
	ended(e, p, handle, true);
}

void remote_expect_put(
	struct engine *e, struct peer *p, const struct table_key *k, const struct expect *x)
{
	uint32_t handle = find_to_put(e, p, k);
	enum inject_news news = INJECT_NEWS;
	struct table_packed packed;

	if (handle && engine_injects(e))
		news = inject_news_expect(e, handle, x);
	table_pack_expect(&packed, x);
	store(e, p, k, handle, &packed, news);
}

void remote_expect_drop(struct engine *e, struct peer *p, const struct table_key *k)
{
	drop(e, p, k);
}

/*
 * Three loops, each short enough for the processor to have many of its fetches under way at once.
 * What a message changes in the index may make a fetch ahead useless, but not wrong.
 */
void remote_settle(struct engine *e)
{
	struct arrivals *q = &e->arrivals;

	for (unsigned i = 0; i < q->count; i++)
		table_fetch_slot(&q->arrival[i].peer->remote, &q->arrival[i].key);
	for (unsigned i = 0; i < q->count; i++)
		table_fetch_entry(&q->arrival[i].peer->remote, &e->store, &q->arrival[i].key);
	for (unsigned i = 0; i < q->count; i++) {
		struct arrival *a = &q->arrival[i];

		if (a->ended)
			drop(e, a->peer, &a->key);
		else
			put(e, a);
	}
	q->count = 0;
}

/* A data message has been understood; what a bulk names puts off asking for it again. */
static void taken(struct engine *e, struct peer *p, bool ended)
{
	p->data_since = true;
	if (!ended && p->bulk_open && p->bulk_flows++ < p->bulk_total)
		p->resync_at = mono_add_ms(e->now, LIMIT_RESYNC_RETRY_MS);
}

/* Expectations are few: each goes its way at once, behind the flows that came before it. */
static void expect_message(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	bool ended = m->type == WIRE_V1_EXP_DEL;
	struct table_key k;
	struct expect x;

	remote_settle(e);
	if (wire_v1_get_expect(m, &x) != WIRE_V1_OK) {
		engine_count(e, COUNTER_BAD_PAYLOAD);
		return;
	}
	if (!e->config.expect_filter.on) {
		engine_count(e, COUNTER_EXPECTATIONS_IGNORED);
		return;
	}
	engine_count(e, COUNTER_RECEIVED_EXPECTATIONS);
	taken(e, p, ended);
	k = table_key_of_expect(&e->store, &x);
	if (ended)
		remote_expect_drop(e, p, &k);
	else
		remote_expect_put(e, p, &k, &x);
}

/* Its key and its packed form. False: it makes no sense. */
static bool parse(const struct engine *e, struct arrival *a, const struct wire_v1_message *m)
{
	struct flow_plain plain;
	struct flow f;

	a->ended = m->type == WIRE_V1_CT_DEL;
	if (wire_v1_get_plain(m, &plain)) {
		table_key_of_plain(&e->store, &plain, &a->key);
		if (!a->ended)
			table_pack_plain(&a->packed, &plain);
		return true;
	}
	if (wire_v1_get_flow(m, &f) != WIRE_V1_OK || !flow_has_key(&f))
		return false;
	a->key = table_key_of(&e->store, &f);
	if (!a->ended)
		table_pack(&a->packed, &f);
	return true;
}

void remote_message(struct engine *e, struct peer *p, const struct wire_v1_message *m)
{
	struct arrivals *q = &e->arrivals;
	struct arrival *a = &q->arrival[q->count];

	if (m->type > WIRE_V1_CT_DEL) {
		expect_message(e, p, m);
		return;
	}
	if (!parse(e, a, m)) {
		engine_count(e, COUNTER_BAD_PAYLOAD);
		return;
	}
	engine_count(e, COUNTER_RECEIVED_FLOWS);
	a->peer = p;
	a->message = *m;
	a->partial = m->type == WIRE_V1_CT_UPD && e->config.mode == ENGINE_MODE_NOTRACK &&
		     (p->partial || !p->is_ctsync);
	taken(e, p, a->ended);
	if (++q->count == ARRIVALS_MAX)
		remote_settle(e);
}

/* ---- bulks ---- */

void remote_epoch(struct peer *p)
{
	p->epoch++;
	p->older = table_count(&p->remote) > 0;
}

void remote_bulk_begin(struct engine *e, struct peer *p, uint32_t gen, uint32_t flows)
{
	remote_epoch(p);
	p->bulk_open = true;
	p->bulk_nack = false;
	p->bulk_gen = gen;
	p->partial = flows == BULK_FLOWS_UNKNOWN;
	p->bulk_total = p->partial ? 0 : flows;
	p->bulk_flows = 0;
	/* it comes unasked; should it not come to its end, ask */
	p->resync_wanted = true;
	p->resync_at = mono_add_ms(e->now, LIMIT_RESYNC_RETRY_MS);
}

static void swept(struct engine *e, struct peer *p)
{
	p->sweeping = false;
	if (p->is_ctsync)
		event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, remote_flows(p));
}

static void sweep_step(struct engine *e, struct peer *p)
{
	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = table_next(&p->remote, &e->store, &p->sweep_cursor);

		if (!handle) {
			swept(e, p);
			return;
		}
		if ((int32_t)(at(e, handle)->seq - p->sweep_epoch) < 0) {
			engine_count(e, COUNTER_REMOTE_SWEPT);
			ended(e, p, handle, false);
		}
	}
}

void remote_sweep(struct engine *e, struct peer *p)
{
	p->sweeping = true;
	p->sweep_epoch = p->epoch;
	p->sweep_cursor = 0;
	p->unconfirmed = p->hold = false;
	p->sweep_at = MONO_NEVER;
	if (p->older)
		sweep_step(e, p);
	else /* of a table that began empty each entry has been named: no need to look at them */
		swept(e, p);
}

/*
 * The bulk is complete if nothing was lost since its begin, or what was lost has been repaired: a
 * sender acknowledges a NACK ahead of the repair, and says the end of its bulk again behind it. So
 * an end that comes before the acknowledgement of our last NACK does not count.
 */
void remote_bulk_end(struct engine *e, struct peer *p, uint32_t gen, uint32_t flows)
{
	if (!p->bulk_open || gen != p->bulk_gen || p->bulk_nack)
		return;
	p->bulk_open = p->gap = false;
	p->synced = true;
	p->resync_wanted = false;
	if (p->unconfirmed && flows == 0 && p->bulk_total == 0 && table_count(&p->remote) > 0) {
		/* it has lost its kernel's table, and what is here may be the only copy */
		p->hold = true;
		event_peer(e, ENGINE_EVENT_PEER_SYNCED, p, remote_flows(p));
		return;
	}
	remote_sweep(e, p);
}

void remote_unconfirm(struct engine *e, struct peer *p)
{
	(void)e;
	remote_epoch(p);
	p->sure_epoch = p->epoch;
	p->unconfirmed = table_count(&p->remote) > 0;
	p->bulk_open = p->bulk_nack = false;
	p->synced = p->hold = p->data_since = false;
	p->sweep_at = MONO_NEVER;
	p->expire_cursor = 0;
}

/* Unconfirmed entries whose own time has run out. */
static void expire_step(struct engine *e, struct peer *p)
{
	uint32_t fixed = e->config.commit_timeout_s, unknown = fixed ? fixed : LIMIT_HOLD_S;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = table_next(&p->remote, &e->store, &p->expire_cursor);
		const struct entry *x;

		if (!handle) {
			p->expire_cursor = 0;
			return;
		}
		x = at(e, handle);
		if (x->seq == p->epoch)
			continue;
		if (engine_timeout_left(e, x->touched, table_timeout(&e->store, handle, unknown)) >
			0)
			continue;
		engine_count(e, COUNTER_REMOTE_EXPIRED);
		dropped(e, p, handle);
	}
}

static void leave_step(struct engine *e, struct peer *p)
{
	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = table_next(&p->remote, &e->store, &p->sweep_cursor);

		if (!handle)
			return;
		dropped(e, p, handle);
	}
}

static bool has_room(const struct engine *e, const struct peer *p)
{
	uint32_t max = e->config.flows_max;

	return table_count(&p->remote) <= max - max / 8;
}

void remote_tick(struct engine *e, struct peer *p)
{
	if (p->missed && has_room(e, p)) {
		p->missed = false;
		p->synced = p->synced && !p->is_ctsync;
		peer_want_resync(e, p, 0);
	}
	if (p->leaving)
		leave_step(e, p);
	if (p->sweeping)
		sweep_step(e, p);
	else if (engine_acknowledges(e) && p->unconfirmed && !p->is_ctsync && p->data_since &&
		 !p->nack_wait && mono_reached(e->now, p->sweep_at))
		remote_sweep(e, p);
	if (p->unconfirmed)
		expire_step(e, p);
	if (table_count(&p->remote) == 0)
		p->unconfirmed = p->hold = false;
}

mono remote_deadline(const struct engine *e, const struct peer *p)
{
	if (p->sweeping || (p->leaving && table_count(&p->remote) > 0))
		return e->now;
	return p->unconfirmed ? mono_add_ms(e->now, 10 * LIMIT_TICK_MS) : MONO_NEVER;
}

void remote_check(const struct engine *e, const struct peer *p)
{
	uint64_t cursor = 0;
	uint32_t handle;

	CHECK(e->arrivals.count == 0);
	while ((handle = table_next(&p->remote, &e->store, &cursor)) != 0) {
		const struct entry *x = at(e, handle);

		CHECK(!x->dead);
		CHECK(x->list != ENTRY_UNLISTED || (x->prev == 0 && x->next == 0));
		CHECK((int32_t)(x->seq - p->epoch) <= 0);
		CHECK(p->older || x->seq == p->epoch);
	}
	CHECK(!p->hold || p->unconfirmed);
}
