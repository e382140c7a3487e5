/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/former.h"

#include "base/check.h"
#include "core/inject.h"
#include "core/inject_gone.h"
#include "core/peer.h"
#include "core/record.h"
#include "flow/merge.h"

enum {
	PACKETS_SLACK_S = 3, /* an entry that lives so much longer than it should has had packets */
	SAME_SLACK_S = 2,
};

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static void check_order(const struct engine_record *set, size_t count)
{
	for (size_t i = 1; i < count; i++)
		CHECK(set[i - 1].hash < set[i].hash);
}

void former_init(struct engine *e)
{
	struct former *f = &e->former;

	f->since = MONO_NEVER;
	if (!e->config.standby_warm || e->config.former_count == 0)
		return;
	check_order(e->config.former, e->config.former_count);
	f->set = e->config.former;
	f->set_count = e->config.former_count;
}

bool former_is_open(const struct engine *e)
{
	return e->former.set != NULL;
}

bool engine_wants_former(const struct engine *e)
{
	return former_is_open(e);
}

static void close_set(struct engine *e)
{
	e->former.set = NULL;
	e->former.set_count = 0;
	e->config.former = NULL;
	e->config.former_count = 0;
	record_again(e); /* what is not in the kernel any more need not be told for ever */
}

static const struct engine_record *find(const struct engine *e, uint64_t hash)
{
	const struct former *f = &e->former;
	size_t low = 0, high = f->set_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->set[mid].hash == hash)
			return &f->set[mid];
		if (f->set[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Nothing but packets puts a timeout forward; ours and theirs end with different ones. */
static bool has_had_packets(const struct engine *e, const struct flow *f, uint32_t until_s)
{
	return flow_has(f, FLOW_TIMEOUT) && until_s != UINT32_MAX &&
	       record_until(e, f->timeout) > (uint64_t)until_s + PACKETS_SLACK_S;
}

static uint32_t find_entry(const struct engine *e, const struct table_key *k)
{
	const struct table *t = &e->former.table;

	return table_count(t) > 0 ? table_find(t, &e->store, k) : 0;
}

static void let_go(struct engine *e, uint32_t handle, const struct table_key *k)
{
	record_unmade(e, at(e, handle), k);
	table_remove(&e->former.table, &e->store, handle);
}

/* ---- what the kernel tells ---- */

bool former_has_made(const struct engine *e, const struct table_key *k, const struct flow *f)
{
	const struct engine_record *r = f ? find(e, k->hash) : NULL;

	return r && !has_had_packets(e, f, r->until_s);
}

static bool dumped_again(struct engine *e, const struct table_key *k, const struct flow *f,
	uint32_t handle, bool ours)
{
	struct entry *x = at(e, handle);

	if (ours || has_had_packets(e, f, x->seq)) {
		if (!ours)
			engine_count(e, COUNTER_FORMER_OURS);
		let_go(e, handle, k);
		return false;
	}
	x->dump_gen = e->dump.gen;
	return true;
}

bool former_dumped(struct engine *e, const struct table_key *k, const struct flow *f, bool ours)
{
	const struct engine_record *r;
	uint32_t handle = find_entry(e, k);
	struct entry *x;

	if (handle)
		return dumped_again(e, k, f, handle, ours);
	r = ours ? NULL : find(e, k->hash);
	if (!r)
		return false;
	if (has_had_packets(e, f, r->until_s)) {
		engine_count(e, COUNTER_FORMER_OURS);
		return false;
	}
	if (table_add(&e->former.table, &e->store, k, f, engine_coarse(e, e->now), &handle) !=
		TABLE_OK) {
		engine_count(e, COUNTER_MEMORY_FULL);
		return false;
	}
	engine_count(e, COUNTER_FORMER_FOUND);
	x = at(e, handle);
	x->flags |= REMOTE_INJECTED;
	x->dump_gen = e->dump.gen;
	x->seq = r->until_s;
	return true;
}

bool former_event(struct engine *e, const struct table_key *k)
{
	uint32_t handle = find_entry(e, k);

	if (handle)
		let_go(e, handle, k);
	return handle || (former_is_open(e) && find(e, k->hash));
}

bool former_has(const struct engine *e, const struct table_key *k)
{
	return find_entry(e, k) != 0;
}

bool former_sweep(struct engine *e)
{
	struct former *f = &e->former;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = 0;
		struct table_key k;

		if (table_count(&f->table) > 0)
			handle = table_next(&f->table, &e->store, &f->sweep_cursor);
		if (!handle) {
			f->sweep_cursor = 0;
			if (former_is_open(e) && !e->dump.overrun)
				close_set(e);
			return true;
		}
		if (at(e, handle)->dump_gen == e->dump.gen)
			continue;
		k = table_key_at(&e->store, handle);
		let_go(e, handle, &k);
	}
	return false;
}

/* ---- what peers tell ---- */

/*
 * As the former process wrote it, which is what its peer had told then. An entry that outlives what
 * is told now would, for the next process, have had packets.
 */
static bool is_same(const struct engine *e, uint32_t kernel, uint32_t told)
{
	struct flow has, wanted;
	int64_t left, most = LIMIT_DEAD_TIMEOUT_S;

	table_read(&e->store, kernel, &has);
	table_read(&e->store, told, &wanted);
	if (!flow_same_state(&has, &wanted))
		return false;
	if (!flow_has(&has, FLOW_TIMEOUT) || !flow_has(&wanted, FLOW_TIMEOUT))
		return false;
	left = engine_timeout_left(e, at(e, kernel)->touched, has.timeout);
	if (most < (int64_t)e->config.commit_timeout_s)
		most = (int64_t)e->config.commit_timeout_s;
	if (most < (int64_t)wanted.timeout)
		most = (int64_t)wanted.timeout;
	return (int64_t)wanted.timeout <= left + SAME_SLACK_S && left <= most + SAME_SLACK_S;
}

bool former_told(struct engine *e, uint32_t handle, const struct table_key *k, bool *same)
{
	uint32_t kernel = find_entry(e, k);

	*same = false;
	if (!kernel)
		return false;
	*same = is_same(e, kernel, handle);
	record_moved(e, kernel);
	at(e, handle)->flags |= REMOTE_INJECTED;
	at(e, handle)->dump_gen = at(e, kernel)->dump_gen;
	table_remove(&e->former.table, &e->store, kernel);
	return true;
}

/* ---- the operator's word ---- */

void former_own(struct engine *e)
{
	if (former_is_open(e))
		close_set(e);
	record_empty(e);
}

void former_flushed(struct engine *e)
{
	struct table *t = &e->former.table;
	uint64_t cursor = 0;
	uint32_t handle;

	while (table_count(t) > 0 && (handle = table_next(t, &e->store, &cursor)) != 0)
		table_remove(t, &e->store, handle);
	table_reset(t);
	e->former.ending = false;
	former_own(e);
}

/* ---- time ---- */

/* All that the peer tells is here, or was, before something was lost that is on its way. */
static bool is_in_step(const struct engine *e, const struct peer *p)
{
	return p->synced && (!engine_acknowledges(e) || p->answered);
}

/* It is here now. One that is silent tells no more. */
static bool is_complete(const struct engine *e, const struct peer *p)
{
	enum engine_sync sync = peer_sync(e, p, e->now);

	return sync == ENGINE_SYNCED || sync == ENGINE_SYNC_LAGGING ||
	       (sync == ENGINE_SYNC_SILENT && !p->missed && !p->bulk_open && !p->sweeping);
}

/*
 * How long all have to be in step [ms]: a peer that has not been heard yet has to be, and
 * conntrackd does not tell the end of its table. -1: they are not, or tell nothing.
 */
static int64_t patience_ms(const struct engine *e, bool *complete)
{
	int64_t ms = LIMIT_PEER_SILENCE_MS;
	bool told = false;

	*complete = true;
	for (unsigned i = 0; i < e->peers_count; i++) {
		const struct peer *p = &e->peers[i];

		if (p->superseded || p->leaving)
			continue;
		if (!is_in_step(e, p))
			return -1;
		*complete = *complete && is_complete(e, p);
		told = told || table_count(&p->remote) > 0;
		if (!p->is_ctsync)
			ms = LIMIT_SWEEP_MS;
	}
	return told ? ms : -1;
}

static bool may_end(struct engine *e)
{
	struct former *f = &e->former;
	bool complete = false;
	int64_t ms = -1;

	if (!former_is_open(e) && e->kernel_synced && !e->inject.owner &&
		e->role != ENGINE_ROLE_PRIMARY)
		ms = patience_ms(e, &complete);
	if (ms < 0)
		f->since = MONO_NEVER;
	else if (mono_is_never(f->since))
		f->since = e->now;
	return complete && ms >= 0 && mono_reached(e->now, mono_add_ms(f->since, ms));
}

void former_tick(struct engine *e)
{
	struct former *f = &e->former;

	f->ending = table_count(&f->table) > 0 && may_end(e);
	for (unsigned n = 0; f->ending && n < LIMIT_SWEEP_SLICE; n++) {
		uint32_t handle = 0;

		if (table_count(&f->table) > 0 && e->inject.gone < e->config.flows_max)
			handle = table_next(&f->table, &e->store, &f->cursor);
		if (!handle) {
			f->ending = false;
			f->cursor = 0;
			return;
		}
		engine_count(e, COUNTER_FORMER_ENDED);
		inject_gone_queue(e, inject_gone_detach(e, &f->table, handle));
	}
}

mono former_deadline(const struct engine *e)
{
	const struct former *f = &e->former;

	if (table_count(&f->table) == 0)
		return MONO_NEVER;
	return f->ending ? e->now : mono_add_ms(e->now, 10 * LIMIT_TICK_MS);
}

void former_check(const struct engine *e)
{
	const struct table *t = &e->former.table;
	uint64_t cursor = 0;
	uint32_t handle;

	table_check(t, &e->store);
	while ((handle = table_next(t, &e->store, &cursor)) != 0) {
		const struct entry *x = at(e, handle);

		CHECK(!x->dead && x->list == ENTRY_UNLISTED && x->flags & REMOTE_INJECTED);
	}
	CHECK(e->config.standby_warm || (table_count(t) == 0 && !former_is_open(e)));
}
