/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inject.h"

#include <string.h>

#include "base/check.h"
#include "core/bulk.h"
#include "core/dumper.h"
#include "core/former.h"
#include "core/inject_gone.h"
#include "core/inject_ours.h"
#include "core/local.h"
#include "core/peer.h"
#include "core/record.h"
#include "core/remote.h"
#include "core/warm.h"
#include "flow/merge.h"
#include "flow/pack_compare.h"

enum { REFRESH_SLACK_S = 2 };

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

/* ---- the queue ---- */

/* A related flow can be made only where its master is: so it waits until the others are written. */
void inject_queue(struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (x->list != ENTRY_UNLISTED)
		engine_count(e, COUNTER_COALESCED);
	else
		inject_list_append(e, handle,
			x->flags & ENTRY_HAS_MASTER || entry_is_expect(x) ? INJECT_RELATED
									  : INJECT_QUEUE);
}

uint32_t inject_pull(struct engine *e)
{
	bool warm = e->config.standby_warm;
	uint32_t handle = inject_list_head(e, INJECT_QUEUE);

	if (!handle && warm)
		handle = warm_pull(e);
	if (!handle)
		handle = inject_list_head(e, INJECT_RELATED);
	if (!handle && mono_reached(e->now, e->inject.late_at))
		handle = inject_list_head(e, INJECT_LATE);
	if (!handle && warm)
		handle = warm_pull_refused(e);
	if (handle)
		inject_unlist(e, handle);
	return handle;
}

void inject_forget(struct engine *e, uint32_t handle)
{
	inject_unlist(e, handle);
}

/* ---- flows that have ended for their peer ---- */

/*
 * Little or nothing is left of the timeout that the peer told: its entry may have been idle, and no
 * more. Ours was written with the same timeout, and packets here put it forward without a word, so
 * that our kernel knows best when it is over.
 */
static bool has_run_out(const struct engine *e, uint32_t handle)
{
	uint32_t timeout = table_timeout(&e->store, handle, UINT32_MAX);

	return engine_timeout_left(e, at(e, handle)->touched, timeout) <= LIMIT_RUN_OUT_S;
}

static bool says_no_timeout(const struct engine *e, uint32_t handle)
{
	return table_timeout(&e->store, handle, UINT32_MAX) == UINT32_MAX;
}

/* Our kernel has it with the timeout of what was told before, which may be one of days. */
static bool is_to_be_written(const struct entry *x)
{
	return x->list != ENTRY_UNLISTED || x->flags & REMOTE_BEHIND;
}

/* It may live here, so that its end is no more than a short timeout. */
static void make_doubtful(struct entry *x)
{
	if (x->flags & REMOTE_INJECTED)
		x->flags = (uint8_t)((x->flags & ~REMOTE_INJECTED) | REMOTE_ADOPTED);
}

/* The youngest operation that writes this entry; it has to hear of the end when it is answered. */
static struct op *writer_of(struct engine *e, const struct table_key *k)
{
	struct op *found = NULL;

	for (uint32_t i = 0; i < LIMIT_KERNEL_OPS_IN_FLIGHT; i++) {
		struct op *op = &e->ops.op[i];

		if (op->id && op->purpose == OP_INJECT && !op->ending && !op->gone &&
			op->key.hash == k->hash && op->key.len == k->len &&
			memcmp(op->key.bytes, k->bytes, k->len) == 0 &&
			(!found || op->id > found->id))
			found = op;
	}
	return found;
}

uint32_t inject_told_by(const struct engine *e, const struct table_key *k, unsigned but)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = 0;

		if (i != but && table_count(&e->peers[i].remote) > 0)
			handle = table_find(&e->peers[i].remote, &e->store, k);
		if (handle)
			return handle;
	}
	return 0;
}

/* Another peer tells it, too: our kernel, and a dump of it, have it as the one that goes said. */
static void left_to(struct engine *e, uint32_t handle, const struct entry *from, bool ours)
{
	struct entry *x = at(e, handle);

	x->flags |= from->flags & REMOTE_WRITTEN;
	if (from->dump_gen == e->dump.gen)
		x->dump_gen = from->dump_gen;
	if (!e->config.standby_warm || ours || x->flags & REMOTE_WRITING)
		return;
	if (inject_list_of(x) == INJECT_AGED && from->flags & REMOTE_WRITTEN)
		inject_list_move(e, handle, INJECT_QUEUE);
	else if (x->list == ENTRY_UNLISTED)
		warm_told(e, handle, false);
}

/*
 * The peer is gone, or has come back without its table; or it may be, since nothing was heard of it
 * as long as the other one has told this flow. That it is there after all its table will show.
 */
static bool was_succeeded(struct engine *e, struct peer *q, const struct entry *x)
{
	if (q->silent || q->unconfirmed)
		return true;
	if (engine_coarse(e, q->heard) >= x->born)
		return false;
	peer_want_resync(e, q, LIMIT_RESYNC_DELAY_MS);
	return true;
}

/*
 * The entry by which another peer tells a flow that this one does not, any more; or 0. What a peer
 * that was succeeded told before does not count: who has told the flow since has taken it over.
 */
static uint32_t outlived_by(
	struct engine *e, const struct peer *p, const struct table_key *k, struct entry *x)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *q = &e->peers[i];
		uint32_t handle = 0;
		const struct entry *y;

		if (q != p && table_count(&q->remote) > 0)
			handle = table_find(&q->remote, &e->store, k);
		if (!handle)
			continue;
		y = at(e, handle);
		if (!warm_is_idle(e) || y->flags & REMOTE_WRITING || y->touched > x->touched ||
			!was_succeeded(e, q, x))
			return handle;
		record_moved(e, handle);
		x->flags |= y->flags & REMOTE_WRITTEN;
		remote_remove(e, q, handle);
	}
	return 0;
}

void inject_ended(struct engine *e, struct peer *p, uint32_t handle, bool told)
{
	struct table_key k = table_key_at(&e->store, handle);
	struct entry *x = at(e, handle);
	uint32_t other = outlived_by(e, p, &k, x);
	bool ours = local_find_alive(e, &k) != 0, doubted = !warm_is_idle(e);
	struct op *op;

	if (other || ours) {
		record_moved(e, handle);
		if (other)
			left_to(e, other, x, ours);
		engine_count(e, COUNTER_INJECT_KEPT);
		remote_remove(e, p, handle);
		return;
	}
	if (doubted && !entry_is_expect(x) && (!told || says_no_timeout(e, handle)))
		make_doubtful(x);
	if (x->flags & REMOTE_WRITING && (op = writer_of(e, &k)) != NULL) {
		op->gone = inject_gone_detach(e, &p->remote, handle);
		return;
	}
	if (!(x->flags & REMOTE_WRITTEN)) {
		remote_remove(e, p, handle);
		return;
	}
	doubted = doubted || !(x->flags & REMOTE_INJECTED);
	doubted = doubted && has_run_out(e, handle);
	if (doubted && is_to_be_written(x)) {
		make_doubtful(x);
		doubted = false;
	}
	if (doubted || e->inject.gone >= e->config.flows_max) {
		engine_count(e, e->inject.gone >= e->config.flows_max ? COUNTER_INJECT_FULL
								      : COUNTER_INJECT_RUN_OUT);
		remote_remove(e, p, handle);
		return;
	}
	inject_gone_queue(e, inject_gone_detach(e, &p->remote, handle));
}

/* ---- what peers tell ---- */

static bool same_tuple(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return memcmp(&a->src, &b->src, sizeof(a->src)) == 0 &&
	       memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0 && a->sport_be == b->sport_be &&
	       a->dport_be == b->dport_be;
}

/* Of what says nothing but a timeout [s; -1: none]. */
static enum inject_news timeout_news(
	const struct engine *e, const struct entry *x, int64_t before, int64_t now)
{
	int64_t left;

	if (before < 0 || now < 0)
		return INJECT_REFRESH;
	left = engine_timeout_left(e, x->touched, (uint32_t)before);
	/* our entry, and the record of it, would outlive what is told now */
	if (e->config.standby_warm && now + REFRESH_SLACK_S < left)
		return INJECT_REFRESH;
	if (e->config.standby_warm && left > LIMIT_WARM_REFRESH_S)
		return INJECT_SAME;
	return now > left + REFRESH_SLACK_S ? INJECT_REFRESH : INJECT_SAME;
}

static int64_t timeout_of(const struct flow *f)
{
	return flow_has(f, FLOW_TIMEOUT) ? (int64_t)f->timeout : -1;
}

enum inject_news inject_news(const struct engine *e, uint32_t handle, const struct flow *f)
{
	struct entry *x = at(e, handle);
	struct flow old;

	table_read(&e->store, handle, &old);
	if (!same_tuple(&old.tuple[FLOW_REPL], &f->tuple[FLOW_REPL]))
		x->flags |= REMOTE_RENEW;
	if (!flow_same_state(&old, f))
		return INJECT_NEWS;
	return timeout_news(e, x, timeout_of(&old), timeout_of(f));
}

bool inject_news_packed(const struct engine *e, uint32_t handle, const struct table_packed *p,
	enum inject_news *news)
{
	const struct entry *x = at(e, handle);
	struct flow_packed_timeouts t;

	switch (flow_packed_compare(x->packed, p->bytes, &t)) {
	case FLOW_PACKED_SAME:
		*news = timeout_news(e, x, t.before, t.now);
		return true;
	case FLOW_PACKED_CHANGED:
		*news = INJECT_NEWS;
		return true;
	case FLOW_PACKED_UNSURE:
		break;
	}
	return false;
}

enum inject_news inject_news_expect(const struct engine *e, uint32_t handle, const struct expect *x)
{
	struct expect old;

	table_read_expect(&e->store, handle, &old);
	if (expect_same_state(&old, x))
		return INJECT_SAME; /* there is no update, not of a timeout either */
	at(e, handle)->flags |= REMOTE_RENEW;
	return INJECT_NEWS;
}

/*
 * All that is known of the local entry is that a dump named it, and a peer knows the flow. Before
 * the operator has said anything that means that a former process of ours wrote it. Peers may
 * have been told that it is ours: a bulk without it puts that right.
 */
static bool may_yield(const struct engine *e, uint32_t local)
{
	return !e->inject.owner && at(e, local)->flags & ENTRY_SILENT;
}

static void yield(struct engine *e, uint32_t local)
{
	engine_count(e, COUNTER_INJECT_YIELDED);
	local_kill(e, local, false);
	if (!e->inject.yielded)
		e->inject.yielded_at = mono_add_ms(e->now, LIMIT_YIELD_MS);
	e->inject.yielded = true;
}

void inject_told(struct engine *e, uint32_t handle, enum inject_news news)
{
	struct table_key k = table_key_at(&e->store, handle);
	struct entry *x = at(e, handle);
	uint32_t local = local_find_alive(e, &k);
	bool same;

	if (former_told(e, handle, &k, &same) && same)
		news = INJECT_SAME;
	if (local && may_yield(e, local)) {
		news = inject_ours_leave(e, local, handle, &k, news);
		yield(e, local);
		local = 0;
	}
	if (x->flags & REMOTE_WRITING)
		return; /* its answer finds out what is new */
	if (local && entry_is_expect(x))
		return; /* the helper here expects the same */
	if (local && news == INJECT_NEWS && e->config.standby_warm &&
		!inject_ours_differs(e, local, handle))
		news = INJECT_SAME;
	/* who speaks last counts, also where it repeats itself */
	if (!local && e->config.standby_warm && e->peers_count > 1 && news == INJECT_SAME &&
		warm_is_told_otherwise(e, &k, handle))
		news = INJECT_NEWS;
	if (!(x->flags & REMOTE_BEHIND) &&
		(local ? news != INJECT_NEWS : news == INJECT_SAME && x->flags & REMOTE_WRITTEN))
		return;
	x->flags &= (uint8_t)~REMOTE_RETRIED;
	if (e->config.standby_warm)
		warm_told(e, handle, local != 0);
	else
		inject_queue(e, handle);
}

/* ---- what the kernel tells ---- */

/* It was written a moment ago: an event may be of the flow that was there before. */
static void doubt(struct engine *e, const struct entry *x)
{
	if (x->flags & REMOTE_WRITTEN && engine_coarse(e, e->now) - x->touched <= LIMIT_INJECT_AGE)
		e->inject.unsure = true;
}

/* The dump that the operator's word has asked for takes all. */
bool inject_takes_all(const struct engine *e)
{
	return e->inject.owner && !e->dump.complete;
}

/* Packets make it ours, and an end ends it: what is there now, we have not made. */
bool inject_event(struct engine *e, const struct table_key *k, bool ended)
{
	bool theirs = former_event(e, k);
	bool lost = ended && e->config.standby_warm && !inject_takes_all(e);

	/* the end of what the active node carries: its peers hear of it by themselves */
	if (lost && !warm_is_idle(e) && local_find_alive(e, k))
		lost = false;
	if (!ended)
		inject_gone_keep(e, k);
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = 0;

		if (table_count(&e->peers[i].remote) > 0)
			handle = table_find(&e->peers[i].remote, &e->store, k);
		if (!handle)
			continue;
		theirs = theirs || !e->config.internal_cache_off ||
			 at(e, handle)->flags & REMOTE_INJECTED;
		doubt(e, at(e, handle));
		if (lost && at(e, handle)->flags & REMOTE_WRITTEN)
			engine_count(e, COUNTER_WARM_LOST);
		record_unmade(e, at(e, handle), k);
		at(e, handle)->flags &= (uint8_t)~REMOTE_WRITTEN;
		if (lost)
			warm_lost(e, handle);
	}
	return theirs;
}

static bool differs(const struct flow *told, const struct flow *f)
{
	return (flow_has(told, FLOW_MARK) && flow_has(f, FLOW_MARK) && told->mark != f->mark) ||
	       (flow_has(told, FLOW_TCP_STATE) && flow_has(f, FLOW_TCP_STATE) &&
		       told->tcp.state != f->tcp.state);
}

/*
 * Without events, only dumps tell of packets: what is not as any peer told it was changed by some.
 * Of what is still to be written the kernel may have what was told before; and what another peer
 * has told more of since is not going to be.
 */
static bool has_changed(const struct engine *e, const struct table_key *k, const struct flow *f)
{
	bool changed = false;
	struct flow told;

	for (unsigned i = 0; f && e->config.polling && i < e->peers_count; i++) {
		uint32_t handle = table_find(&e->peers[i].remote, &e->store, k);

		if (!handle || (!inject_is_written(e, handle) && warm_is_outdated(e, k, handle)))
			continue;
		table_read(&e->store, handle, &told);
		if (!inject_is_written(e, handle) || at(e, handle)->dump_gen == e->dump.gen ||
			!differs(&told, f))
			return false;
		changed = true;
	}
	return changed;
}

/* Our kernel has something of it, we do not know what. */
static void adopt(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	if (!(x->flags & REMOTE_INJECTED))
		x->flags |= REMOTE_ADOPTED;
	if (inject_list_of(x) == INJECT_AGED)
		inject_list_move(e, handle, INJECT_QUEUE);
}

/* Its end was told, and our kernel has not been told yet. */
static bool is_to_end(const struct engine *e, const struct table_key *k)
{
	return index_find(&e->inject.ended, &e->store, k->hash, k->bytes, k->len) != 0;
}

bool inject_dumped(struct engine *e, const struct table_key *k, const struct flow *f)
{
	bool told = false, ours = inject_takes_all(e) || has_changed(e, k, f);

	if (e->inject.gone > 0 && is_to_end(e, k))
		return true;
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = 0;

		if (table_count(&e->peers[i].remote) > 0)
			handle = table_find(&e->peers[i].remote, &e->store, k);
		if (!handle)
			continue;
		told = true;
		at(e, handle)->dump_gen = e->dump.gen;
		if (ours) {
			if (!inject_takes_all(e))
				record_unmade(e, at(e, handle), k);
			at(e, handle)->flags &= (uint8_t)~REMOTE_WRITTEN;
		} else if (!(at(e, handle)->flags & REMOTE_WRITTEN)) {
			if (former_has_made(e, k, f))
				at(e, handle)->flags |= REMOTE_INJECTED;
			adopt(e, handle);
		}
	}
	if (!told && f)
		return former_dumped(e, k, f, ours);
	return told && !ours;
}

/* Of a warm standby's, what is on no chain is in the kernel, or ours, or told later by another. */
static void sweep(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);
	struct table_key k;

	if (x->dump_gen != e->dump.gen && !(x->flags & REMOTE_WRITING)) {
		if (x->flags & REMOTE_INJECTED) {
			k = table_key_at(&e->store, handle);
			record_unmade(e, x, &k);
		}
		x->flags &= (uint8_t)~REMOTE_WRITTEN;
	}
	if (!e->config.standby_warm || x->flags & (REMOTE_WRITTEN | REMOTE_WRITING) ||
		x->list != ENTRY_UNLISTED || inject_takes_all(e))
		return;
	k = table_key_at(&e->store, handle);
	if (local_find_alive(e, &k) || warm_is_outdated(e, &k, handle))
		return;
	engine_count(e, COUNTER_WARM_LOST);
	warm_lost(e, handle);
}

bool inject_sweep(struct engine *e)
{
	struct inject *i = &e->inject;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle;

		if (i->sweep_peer >= e->peers_count) {
			if (!former_sweep(e))
				return false;
			i->sweep_peer = 0;
			i->sweep_cursor = 0;
			return true;
		}
		handle = table_next(&e->peers[i->sweep_peer].remote, &e->store, &i->sweep_cursor);
		if (!handle) {
			i->sweep_peer++;
			i->sweep_cursor = 0;
			continue;
		}
		sweep(e, handle);
	}
	return false;
}

/* ---- the operator's word ---- */

void inject_own(struct engine *e)
{
	/* of a warm standby's kernel it is known what it has; the dump behind the promotion looks
	 */
	bool known = e->config.standby_warm && e->kernel_synced && e->dump.complete &&
		     table_count(&e->former.table) == 0;

	e->inject.owner = true;
	e->inject.stood_down = false;
	former_own(e);
	if (!known)
		dumper_doubt(e);
}

void inject_disown(struct engine *e)
{
	if (e->inject.owner)
		record_again(e); /* of what has not become ours yet */
	e->inject.owner = false;
}

void inject_stand_down(struct engine *e)
{
	inject_disown(e);
	e->inject.stood_down = true;
	warm_look_soon(e); /* at what peers have told before */
}

bool inject_is_written(const struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);
	const struct entry *x = at(e, handle);

	if (x->flags & (REMOTE_WRITING | REMOTE_BEHIND) || x->list != ENTRY_UNLISTED)
		return false;
	/* of what is ours as well, what was newer has been written */
	return local_find_alive(e, &k) || (x->flags & REMOTE_WRITTEN && !(x->flags & REMOTE_RENEW));
}

void inject_committed(struct engine *e, uint32_t handle, bool created)
{
	struct entry *x = at(e, handle);

	x->flags |= created ? REMOTE_INJECTED : REMOTE_ADOPTED;
	x->dump_gen = e->dump.gen;
	if (!e->config.standby_warm)
		return;
	x->flags &= (uint8_t)~REMOTE_BEHIND;
	inject_unlist(e, handle);
}

bool inject_has(const struct engine *e, const struct table_key *k)
{
	uint32_t handle = inject_told_by(e, k, LIMIT_PEERS);

	return (handle && at(e, handle)->flags & REMOTE_WRITTEN) || former_has(e, k);
}

void inject_expects_purged(struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		const struct table *t = &e->peers[i].remote;
		uint64_t cursor = 0;
		uint32_t handle;

		while (t->expects > 0 && (handle = table_next(t, &e->store, &cursor)) != 0)
			if (entry_is_expect(at(e, handle)))
				at(e, handle)->flags &= (uint8_t)~REMOTE_WRITTEN;
	}
}

void inject_purged(struct engine *e, const struct table_key *k)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = table_find(&e->peers[i].remote, &e->store, k);

		if (!handle)
			continue;
		record_unmade(e, at(e, handle), k);
		at(e, handle)->flags &= (uint8_t)~REMOTE_WRITTEN;
		if (e->config.standby_warm)
			warm_lost(e, handle);
	}
	former_event(e, k);
}

bool inject_hand_over(struct engine *e, const struct table_key *k, uint32_t local)
{
	uint32_t handle = inject_told_by(e, k, LIMIT_PEERS);

	if (!handle)
		return false;
	if (inject_ours_leave(e, local, handle, k, INJECT_SAME) == INJECT_NEWS &&
		!(at(e, handle)->flags & REMOTE_WRITING))
		warm_told(e, handle, false);
	at(e, handle)->dump_gen = e->dump.gen;
	engine_count(e, COUNTER_INJECT_YIELDED);
	local_kill(e, local, false); /* peers learn by the bulk that follows a purge */
	return true;
}

void inject_flushed(struct engine *e)
{
	struct inject *i = &e->inject;
	uint32_t handle, next;

	former_flushed(e);
	for (unsigned list = 0; list < INJECT_LISTS; list++)
		for (handle = inject_list_head(e, (enum inject_list)list); handle; handle = next) {
			next = at(e, handle)->next;
			inject_unlist(e, handle);
			if (at(e, handle)->dead)
				inject_gone_free(e, handle);
		}
	for (uint32_t n = 0; n < LIMIT_KERNEL_OPS_IN_FLIGHT; n++) {
		struct op *op = &e->ops.op[n];

		if (op->id && op->gone) {
			inject_gone_free(e, op->gone);
			op->gone = 0;
		}
	}
	i->sweep_peer = 0;
	i->sweep_cursor = 0;
	warm_flushed(e);
}

/* ---- time ---- */

void inject_tick(struct engine *e)
{
	warm_tick(e);
	if (!e->inject.yielded || mono_before(e->now, e->inject.yielded_at))
		return;
	e->inject.yielded = false;
	bulk_want(e);
}

mono inject_deadline(const struct engine *e)
{
	const struct inject *i = &e->inject;
	mono when = warm_deadline(e);

	if (i->more)
		return e->now;
	if (i->yielded)
		when = mono_min(when, i->yielded_at);
	if (inject_list_count(e, INJECT_LATE) > 0 && mono_before(e->now, i->late_at))
		when = mono_min(when, i->late_at);
	return when;
}

void inject_check(const struct engine *e)
{
	uint32_t gone = inject_list_check(e);

	for (uint32_t n = 0; n < LIMIT_KERNEL_OPS_IN_FLIGHT; n++)
		gone += e->ops.op[n].id && e->ops.op[n].gone;
	CHECK(gone == e->inject.gone && gone == e->inject.ended.count);
	index_check(&e->inject.ended, &e->store);
	CHECK(engine_injects(e) || (inject_waiting(e) == 0 && gone == 0));
}
