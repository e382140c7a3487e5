/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/local.h"

#include "base/check.h"
#include "core/dumper.h"
#include "core/event.h"
#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/queue.h"
#include "core/relay.h"
#include "core/repair.h"
#include "core/take.h"
#include "core/unheard.h"
#include "flow/merge.h"

enum {
	TIMEOUT_SLACK_S = 1, /* a timeout that is off by so little is no news */
};

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

uint32_t local_entries(const struct engine *e)
{
	return table_count(&e->local) - e->dead;
}

uint32_t local_expects(const struct engine *e)
{
	return e->local.expects - e->dead_expects;
}

uint32_t local_flows(const struct engine *e)
{
	return local_entries(e) - local_expects(e);
}

static void set_dead(struct engine *e, uint32_t handle, bool dead)
{
	struct entry *x = at(e, handle);

	CHECK(x->dead != dead);
	x->dead = dead;
	e->dead += dead ? 1U : -1U;
	e->dead_expects += dead ? entry_is_expect(x) : -(uint32_t)entry_is_expect(x);
}

uint32_t local_find_alive(const struct engine *e, const struct table_key *k)
{
	uint32_t handle = table_find(&e->local, &e->store, k);

	return handle && !at(e, handle)->dead ? handle : 0;
}

void local_set_silent(struct engine *e, uint32_t handle, bool silent)
{
	struct entry *x = at(e, handle);

	if (silent && !(x->flags & ENTRY_SILENT)) {
		x->flags |= ENTRY_SILENT;
		e->local_silent++;
	} else if (!silent && x->flags & ENTRY_SILENT) {
		x->flags &= (uint8_t)~ENTRY_SILENT;
		e->local_silent--;
	}
}

void local_set_evented(struct engine *e, uint32_t handle, bool evented)
{
	struct entry *x = at(e, handle);

	x->dump_gen = e->dump.gen;
	x->flags = (uint8_t)(evented ? x->flags | ENTRY_EVENTED : x->flags & ~ENTRY_EVENTED);
}

/* An event came for it since the begin of the dump that is running. */
static bool is_evented(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	return e->dump.running && x->dump_gen == e->dump.gen && x->flags & ENTRY_EVENTED;
}

/* The running bulk, or the last one, need not send it. */
static void set_bulked(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	x->flags = (uint8_t)(e->bulk.gen & 1 ? x->flags | ENTRY_BULKED : x->flags & ~ENTRY_BULKED);
}

/* ---- coming and going ---- */

static void forget(struct engine *e, uint32_t handle)
{
	queue_remove(e, handle);
	local_set_silent(e, handle, false);
	table_remove(&e->local, &e->store, handle);
}

void local_bury(struct engine *e, uint32_t handle)
{
	CHECK(at(e, handle)->dead && at(e, handle)->list != ENTRY_UNLISTED);
	queue_remove(e, handle);
	e->tombs--;
	if (is_evented(e, handle))
		return; /* until the dump's end it is a mark */
	set_dead(e, handle, false);
	forget(e, handle);
}

/* Nobody will acknowledge it. */
static void sent_unheard(struct engine *e, uint32_t handle, bool again)
{
	bool forgets = e->config.internal_cache_off;

	if (forgets)
		relay_sent(e);
	if (at(e, handle)->dead) {
		if (e->config.mode == ENGINE_MODE_NOTRACK || again)
			local_bury(e, handle);
	} else if (forgets && !is_evented(e, handle) && !e->purge.running) {
		forget(e, handle);
	}
}

void local_sent(struct engine *e, uint32_t handle, uint32_t seq)
{
	struct entry *x = at(e, handle);
	bool again = x->flags & ENTRY_REPAIR;

	queue_remove(e, handle);
	set_bulked(e, handle);
	x->seq = seq;
	x->flags |= ENTRY_ANNOUNCED;
	queue_append(e, handle, x->dead ? ENTRY_TOMB : ENTRY_SENT);
	if (!engine_acknowledges(e))
		sent_unheard(e, handle, again);
}

void local_give_up(struct engine *e, uint32_t handle)
{
	if (at(e, handle)->dead) {
		local_bury(e, handle);
		return;
	}
	queue_remove(e, handle);
	set_bulked(e, handle);
}

void local_kill(struct engine *e, uint32_t handle, bool announce)
{
	struct entry *x = at(e, handle);

	CHECK(!x->dead);
	announce = announce && e->config.links > 0;
	local_set_silent(e, handle, false);
	if (announce && x->flags & ENTRY_ANNOUNCED) {
		set_dead(e, handle, true);
		e->tombs++;
		queue_put(e, handle);
		return;
	}
	if (!announce)
		e->peers_know_more = true;
	if (x->list == ENTRY_QUEUED)
		engine_count(e, queue_holds(e, handle) ? COUNTER_SHORT_LIVED : COUNTER_COALESCED);
	queue_remove(e, handle);
	if (e->dump.running) {
		set_dead(e, handle, true);
		local_set_evented(e, handle, true);
		return;
	}
	forget(e, handle);
}

/* A dead entry's key is alive again. A peer may know the old flow, so the next message is a NEW. */
static void revive(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (!x->dead)
		return;
	if (x->list != ENTRY_UNLISTED)
		e->tombs--;
	else
		x->flags &= (uint8_t)~ENTRY_ANNOUNCED;
	if (x->list == ENTRY_TOMB || e->config.tells_ended)
		queue_remove(e, handle);
	set_dead(e, handle, false);
	set_bulked(e, handle);
	x->born = engine_coarse(e, e->now);
}

static bool make_room(struct engine *e)
{
	if (!e->tomb.head)
		return false;
	repair_drop_tombstone(e);
	return true;
}

/* A new entry; 0 if it is refused, which is counted. */
static uint32_t add(struct engine *e, const struct table_key *k, const struct table_packed *p)
{
	uint32_t handle = 0, now = engine_coarse(e, e->now);
	enum table_result r = table_add_packed(&e->local, &e->store, k, p, now, &handle);

	if (r != TABLE_OK && make_room(e))
		r = table_add_packed(&e->local, &e->store, k, p, now, &handle);
	if (r != TABLE_OK) {
		engine_count(e, r == TABLE_FULL ? COUNTER_LOCAL_FULL : COUNTER_MEMORY_FULL);
		event_table_full(e);
		dumper_hurry(e);
		relay_missed(e);
		return 0;
	}
	set_bulked(e, handle);
	if (e->peers_know_more)
		at(e, handle)->flags |= ENTRY_ANNOUNCED;
	return handle;
}

/* Puts a state into an entry, which may move; timed: with a timeout. */
static uint32_t write(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct table_packed *p, bool timed)
{
	uint32_t old = handle;

	if (table_write_packed(&e->local, &e->store, k, p, &handle) != TABLE_OK) {
		engine_count(e, COUNTER_MEMORY_FULL);
		event_table_full(e);
		return old;
	}
	if (handle != old)
		queue_moved(e, handle);
	if (timed)
		at(e, handle)->touched = engine_coarse(e, e->now);
	return handle;
}

static void count_created(struct engine *e, uint32_t handle)
{
	engine_count(e, entry_is_expect(at(e, handle)) ? COUNTER_EXPECT_LOCAL_CREATED
						       : COUNTER_LOCAL_CREATED);
}

uint32_t local_take(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct table_packed *p, bool timed, bool replaced)
{
	if (!handle) {
		handle = add(e, k, p);
		if (handle)
			count_created(e, handle);
		return handle;
	}
	handle = write(e, k, handle, p, timed);
	if (at(e, handle)->dead) {
		revive(e, handle);
		at(e, handle)->flags &= (uint8_t)~ENTRY_CHANGED;
		count_created(e, handle);
	} else if (replaced) {
		at(e, handle)->flags &= (uint8_t)~ENTRY_CHANGED;
		at(e, handle)->born = engine_coarse(e, e->now);
		count_created(e, handle);
	} else {
		engine_count(e, entry_is_expect(at(e, handle)) ? COUNTER_EXPECT_LOCAL_UPDATED
							       : COUNTER_LOCAL_UPDATED);
	}
	return handle;
}

void local_queue_changed(struct engine *e, uint32_t handle, bool known)
{
	struct entry *x = at(e, handle);

	if (known && x->flags & ENTRY_ANNOUNCED && x->list != ENTRY_QUEUED)
		x->flags |= ENTRY_CHANGED;
	queue_put(e, handle);
}

/* ---- what the kernel tells ---- */

static bool ids_differ(const struct flow *a, const struct flow *b)
{
	return flow_has(a, FLOW_ID) && flow_has(b, FLOW_ID) && a->id != b->id;
}

/* How the state of an entry and a newer one relate. */
struct change {
	const struct flow *now; /* what it is: what was told, or merged */
	struct flow old, merged;
	bool known; /* old is there: the same flow as far as one can tell */
	bool replaced; /* alive, but with another id: the end of the old one went unheard */
};

/* whole: f says all that there is, so that what it does not name is not there any more. */
static void change_of(
	struct engine *e, struct change *c, uint32_t handle, const struct flow *f, bool whole)
{
	c->known = c->replaced = false;
	if (handle && !at(e, handle)->dead) {
		table_read(&e->store, handle, &c->old);
		c->replaced = ids_differ(&c->old, f);
		c->known = !c->replaced;
	}
	c->now = f;
	if (!c->known || (whole && flow_has(f, FLOW_TIMEOUT)))
		return;
	c->merged = c->old;
	flow_merge(&c->merged, f);
	c->now = &c->merged;
	if (!flow_has(f, FLOW_TIMEOUT) && flow_has(&c->merged, FLOW_TIMEOUT)) {
		/* the old timeout has run on since */
		int64_t left = engine_timeout_left(e, at(e, handle)->touched, c->merged.timeout);

		c->merged.timeout = left > 0 ? (uint32_t)left : 0;
	}
}

/* How far the timeout is from what the entry would have said [s]. */
static int64_t timeout_gain(const struct engine *e, const struct change *c, uint32_t handle)
{
	if (!flow_has(c->now, FLOW_TIMEOUT))
		return 0;
	if (!flow_has(&c->old, FLOW_TIMEOUT))
		return INT32_MAX;
	return (int64_t)c->now->timeout -
	       engine_timeout_left(e, at(e, handle)->touched, c->old.timeout);
}

static void refuse(struct engine *e, uint32_t handle, bool alive)
{
	engine_count(e, COUNTER_KERNEL_FILTERED);
	if (alive)
		local_kill(e, handle, true);
}

/* Adds, revives or rewrites; returns the handle or 0. */
static uint32_t take(
	struct engine *e, const struct table_key *k, uint32_t handle, const struct change *c)
{
	struct table_packed p;

	table_pack(&p, c->now);
	return local_take(e, k, handle, &p, flow_has(c->now, FLOW_TIMEOUT), c->replaced);
}

void local_ended(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct table_packed *p, bool tell)
{
	if (!e->dump.running && !tell)
		return;
	/* a record that the dump read before this must not bring it to life */
	if (!handle) {
		handle = add(e, k, p);
		if (!handle)
			return;
		set_dead(e, handle, true);
		if (tell) {
			at(e, handle)->flags |= ENTRY_ANNOUNCED;
			e->tombs++;
			queue_put(e, handle);
		}
	}
	local_set_evented(e, handle, true);
}

/*
 * Peers may have a flow that is not in the table: from a former process of ours, and not all sweep;
 * or since nothing stays in it. Whether a filter by state or mark let it pass once cannot be told
 * then.
 */
static bool may_be_known(const struct engine *e, const struct flow *f)
{
	if (e->config.links == 0 || (e->dump.complete && !e->config.internal_cache_off))
		return false;
	return flow_filter_match_tuples(&e->config.filter, f);
}

/*
 * No cache: an update is told as one, and leaves alone what it does not name; unless events were
 * lost, or a purge was silent about it, and what the peers have may belong to a former flow.
 */
static void tell_as(struct engine *e, uint32_t handle, bool update)
{
	struct entry *x = at(e, handle);

	if (update)
		x->flags |= ENTRY_ANNOUNCED | ENTRY_CHANGED;
	if (!e->kernel_synced || relay_is_stale(e))
		x->flags &= (uint8_t)~ENTRY_CHANGED;
}

static void changed(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct flow *f, bool whole)
{
	struct change c;
	struct table_packed p;
	bool news = true, unknown = !handle;

	change_of(e, &c, handle, f, whole);
	if (!flow_filter_match(&e->config.filter, c.now)) {
		refuse(e, handle, c.known || c.replaced);
		if (e->config.internal_cache_off && !handle && !whole && may_be_known(e, f)) {
			table_pack(&p, f);
			local_ended(e, k, 0, &p, true);
		}
		return;
	}
	if (c.known) {
		int64_t gain = timeout_gain(e, &c, handle);

		news = !flow_same_state(&c.old, c.now) || gain > TIMEOUT_SLACK_S ||
		       gain < -TIMEOUT_SLACK_S;
	}
	handle = take(e, k, handle, &c);
	if (!handle)
		return;
	local_set_evented(e, handle, true);
	local_set_silent(e, handle, false);
	if (!news)
		engine_count(e, COUNTER_COALESCED);
	else if (unheard_is_part(e, handle, c.now))
		engine_count(e, COUNTER_KERNEL_PARTS);
	else if (!c.known && (whole || unheard_is_young(e)))
		queue_put_later(e, handle);
	else
		local_queue_changed(e, handle, c.known);
	if (e->config.internal_cache_off)
		tell_as(e, handle, unknown && !whole);
}

/* What it carried, where the kernel counts that (net.netfilter.nf_conntrack_acct). */
static void count_traffic(struct engine *e, const struct flow *f)
{
	if (!flow_has(f, FLOW_ORIG_COUNTER_BYTES))
		return;
	for (unsigned dir = 0; dir < FLOW_DIRS; dir++) {
		e->counters[COUNTER_ENDED_PACKETS] += f->counters[dir].packets;
		e->counters[COUNTER_ENDED_BYTES] += f->counters[dir].bytes;
	}
}

/* theirs: a peer has told it, and it is not ours unless it is in the table */
static void destroyed(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct flow *f, bool theirs)
{
	struct table_packed p;
	bool tell;

	kernel_ops_destroyed(e, k);
	if (handle && !at(e, handle)->dead) {
		struct flow_brief old;

		flow_unpack_brief(at(e, handle)->packed, at(e, handle)->len, &old);
		if (old.has_id && flow_has(f, FLOW_ID) && old.id != f->id)
			return; /* the end of a flow that is known to be replaced */
		count_traffic(e, f);
		local_set_evented(e, handle, true);
		local_kill(e, handle, true);
		return;
	}
	tell = !theirs && may_be_known(e, f);
	if (!e->dump.running && !tell)
		return;
	table_pack(&p, f);
	local_ended(e, k, handle, &p, tell);
}

void local_event(
	struct engine *e, enum kernel_event kind, const struct flow *f, const struct table_key *k)
{
	static const enum counter counters[] = {
		[KERNEL_EVENT_NEW] = COUNTER_KERNEL_NEW,
		[KERNEL_EVENT_UPDATE] = COUNTER_KERNEL_UPDATE,
		[KERNEL_EVENT_DESTROY] = COUNTER_KERNEL_DESTROY,
	};
	bool theirs = false;
	uint32_t handle;

	CHECK(kind <= KERNEL_EVENT_DESTROY);
	engine_count(e, counters[kind]);
	if (!k->len) {
		engine_count(e, COUNTER_KERNEL_NO_KEY);
		return;
	}
	take_reach_key(e, k);
	if (engine_injects(e))
		theirs = inject_event(e, k, kind == KERNEL_EVENT_DESTROY);
	handle = table_find(&e->local, &e->store, k);
	if (kind == KERNEL_EVENT_DESTROY)
		destroyed(e, k, handle, f, theirs);
	else
		changed(e, k, handle, f, kind == KERNEL_EVENT_NEW);
}

/*
 * An event since the dump's begin knows better than the dump does; also of another id, since the
 * tuple may have been used several times meanwhile. What comes after the last event brings one too.
 */
bool local_is_fresher(const struct engine *e, uint32_t handle)
{
	return handle && is_evented(e, handle);
}

/* Takes the id over and leaves the timeout as it is. */
static uint32_t learn_id(
	struct engine *e, const struct table_key *k, uint32_t handle, struct change *c)
{
	uint32_t touched = at(e, handle)->touched;
	struct table_packed p;

	c->merged = *c->now;
	if (flow_has(&c->old, FLOW_TIMEOUT))
		c->merged.timeout = c->old.timeout;
	table_pack(&p, &c->merged);
	handle = write(e, k, handle, &p, true);
	at(e, handle)->touched = touched;
	return handle;
}

/*
 * No cache: a dump says all that there is, and replaces what the peers have. They may have it from
 * before, so that its end has to be told, and an update behind that is of another flow.
 */
static void queue_whole(struct engine *e, uint32_t handle)
{
	queue_put_now(e, handle);
	at(e, handle)->flags = (uint8_t)((at(e, handle)->flags & ~ENTRY_CHANGED) | ENTRY_ANNOUNCED);
	queue_put(e, handle);
}

/*
 * The entry may be what an event told of a flow not known before, which may be less than there is:
 * its birth may have gone unheard, or there is no cache.
 */
static void complete(
	struct engine *e, const struct table_key *k, uint32_t handle, const struct flow *f)
{
	bool cached = !e->config.internal_cache_off;
	struct flow known, whole = *f;
	struct table_packed p;

	table_read(&e->store, handle, &known);
	if (ids_differ(&known, f))
		return;
	if (cached && !flow_has(&known, FLOW_ID))
		return; /* what we have just written */
	flow_merge(&whole, &known);
	if (flow_same_state(&whole, &known) && !unheard_is_part(e, handle, &known))
		return;
	table_pack(&p, &whole);
	handle = write(e, k, handle, &p, flow_has(&whole, FLOW_TIMEOUT));
	if (cached)
		local_queue_changed(e, handle, true);
	else
		queue_whole(e, handle);
}

void local_dumped(struct engine *e, const struct flow *f)
{
	struct table_key k = table_key_of(&e->store, f);
	uint32_t handle;
	struct change c;
	bool own;

	if (!k.len) {
		engine_count(e, COUNTER_KERNEL_NO_KEY);
		return;
	}
	take_reach_key(e, &k);
	handle = table_find(&e->local, &e->store, &k);
	if (local_is_fresher(e, handle)) {
		if (!at(e, handle)->dead)
			complete(e, &k, handle, f);
		return;
	}
	if (engine_injects(e) && (!handle || at(e, handle)->dead) && inject_dumped(e, &k, f))
		return;
	change_of(e, &c, handle, f, true);
	if (!flow_filter_match(&e->config.filter, c.now)) {
		refuse(e, handle, c.known || c.replaced);
		return;
	}
	if (c.known && !e->config.internal_cache_off && flow_same_state(&c.old, c.now) &&
		!unheard_is_part(e, handle, &c.old)) {
		int64_t gain = timeout_gain(e, &c, handle);

		int64_t slack = TIMEOUT_SLACK_S + (int64_t)c.now->timeout / 2;

		/* a timeout that traffic put forward is news when the copies run short of it */
		if (gain <= slack && gain >= -slack) {
			if (flow_has(f, FLOW_ID) && !flow_has(&c.old, FLOW_ID))
				handle = learn_id(e, &k, handle, &c);
			local_set_evented(e, handle, false);
			return;
		}
	}
	/* what the kernel made of our own write: nobody's news until it changes */
	own = c.known && !flow_has(&c.old, FLOW_ID) && !(at(e, handle)->flags & ENTRY_ANNOUNCED);
	handle = take(e, &k, handle, &c);
	if (!handle)
		return;
	local_set_evented(e, handle, false);
	if (e->relay.collecting)
		return; /* for a purge: nothing new to the peers */
	if (e->config.internal_cache_off) {
		queue_whole(e, handle);
		return;
	}
	if (own)
		return;
	if (!c.known && !unheard_is_young(e))
		local_set_silent(e, handle, true);
	if (!c.known && unheard_is_young(e))
		queue_put_later(e, handle);
	else
		local_queue_changed(e, handle, c.known);
}

/* As a tombstone on the queue, where engine_next_ended() finds it. */
static void entomb(struct engine *e, uint32_t handle)
{
	local_set_silent(e, handle, false);
	queue_remove(e, handle);
	set_dead(e, handle, true);
	e->tombs++;
	queue_append(e, handle, ENTRY_QUEUED);
}

void local_sweep(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (x->dead && x->list == ENTRY_UNLISTED) {
		set_dead(e, handle, false);
		forget(e, handle);
	} else if (!x->dead && x->dump_gen != e->dump.gen) {
		engine_count(e, entry_is_expect(x) ? COUNTER_EXPECT_SWEPT : COUNTER_KERNEL_SWEPT);
		if (e->config.tells_ended)
			entomb(e, handle);
		else
			local_kill(e, handle, true);
	} else if (!x->dead && x->list != ENTRY_QUEUED && e->config.internal_cache_off &&
		   !e->purge.running) {
		forget(e, handle);
	}
}

void local_written(struct engine *e, const struct table_key *k, const struct flow *f, bool created)
{
	uint32_t handle = table_find(&e->local, &e->store, k);
	struct change c;

	if (e->config.internal_cache_off)
		return; /* peers learn of it by the bulk behind a promotion */
	change_of(e, &c, handle, f, false);
	handle = take(e, k, handle, &c);
	if (!handle)
		return;
	at(e, handle)->touched = engine_coarse(e, e->now);
	local_set_evented(e, handle, true);
	/* what was there before stays as silent as it was; of what was not known, that is not known
	 */
	if (created || !c.known)
		local_set_silent(e, handle, !created);
}
