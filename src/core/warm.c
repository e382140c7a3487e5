/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/warm.h"

#include <netinet/in.h>

#include "base/check.h"
#include "core/inject_ours.h"
#include "core/local.h"
#include "core/remote.h"
#include "flow/merge.h"
#include "flow/status.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static struct flow_brief brief(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	struct flow_brief b;

	flow_unpack_brief(x->packed, x->len, &b);
	return b;
}

bool warm_is_idle(const struct engine *e)
{
	return e->config.standby_warm && e->role != ENGINE_ROLE_PRIMARY;
}

/* ---- what has settled ---- */

bool warm_has_settled(const struct engine *e, uint32_t handle)
{
	struct flow_brief b = brief(e, handle);

	switch (b.l4) {
	case IPPROTO_TCP:
		if (b.has_tcp_state && flow_tcp_is_half_open(b.tcp_state))
			return false;
		return b.tcp_state == FLOW_TCP_ESTABLISHED || b.status & FLOW_STATUS_ASSURED;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_GRE:
		return b.status & FLOW_STATUS_ASSURED;
	default: /* a number off the wire: the kernel has no state for it, and never says ASSURED */
		return b.status & (FLOW_STATUS_ASSURED | FLOW_STATUS_SEEN_REPLY);
	}
}

static bool is_closing(const struct engine *e, uint32_t handle)
{
	struct flow_brief b = brief(e, handle);

	return b.l4 == IPPROTO_TCP && b.tcp_state > FLOW_TCP_ESTABLISHED &&
	       b.tcp_state <= FLOW_TCP_CLOSE;
}

/*
 * Since when the kernel has not had it as it was told, in the engine's coarse time. No entry is
 * put behind the others with a time that is later than the moment at which it is.
 */
static uint32_t since(const struct entry *x)
{
	return x->flags & REMOTE_WRITTEN && !x->dead ? x->touched : x->born;
}

static uint32_t age_coarse(const struct engine *e)
{
	return (e->config.warm_age_ms + 99) / 100;
}

static bool has_its_age(const struct engine *e, uint32_t handle)
{
	return engine_coarse(e, e->now) - since(at(e, handle)) >= age_coarse(e);
}

bool warm_is_outdated(const struct engine *e, const struct table_key *k, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t other;

		if (i + 1U == x->table || table_count(&e->peers[i].remote) == 0)
			continue;
		other = table_find(&e->peers[i].remote, &e->store, k);
		if (other && (at(e, other)->touched > x->touched ||
				     (at(e, other)->touched == x->touched && i + 1U < x->table)))
			return true;
	}
	return false;
}

bool warm_is_told_otherwise(const struct engine *e, const struct table_key *k, uint32_t handle)
{
	struct flow f, g;

	for (unsigned i = 0; i < e->peers_count && !entry_is_expect(at(e, handle)); i++) {
		uint32_t other = 0;

		if (i + 1U != at(e, handle)->table && table_count(&e->peers[i].remote) > 0)
			other = table_find(&e->peers[i].remote, &e->store, k);
		if (!other)
			continue;
		table_read(&e->store, handle, &f);
		table_read(&e->store, other, &g);
		if (!flow_same_state(&f, &g))
			return true;
	}
	return false;
}

/* ---- where an entry goes ---- */

/* First, among those that have their age: they give way to what is to be changed and ended. */
static void put_ready(struct engine *e, uint32_t handle)
{
	if (has_its_age(e, handle))
		inject_list_prepend(e, handle, INJECT_WAITING);
	else
		inject_list_append(e, handle, INJECT_WAITING);
}

/* It hangs on a chain already, and its peer has told more. */
static void told_again(struct engine *e, uint32_t handle, enum inject_list list, bool ours)
{
	engine_count(e, COUNTER_COALESCED);
	switch (list) {
	case INJECT_REFUSED: /* what it has refused may be right now */
		inject_list_move(e, handle, INJECT_QUEUE);
		break;
	case INJECT_WAITING:
		if (ours)
			inject_list_move(e, handle, INJECT_QUEUE);
		else if (at(e, handle)->flags & REMOTE_WRITTEN)
			inject_list_move(e, handle, INJECT_WAITING);
		break;
	case INJECT_AGED: /* an expectation that a commit has left out: its master may be here */
		if (!entry_is_expect(at(e, handle)) &&
			(ours || at(e, handle)->flags & REMOTE_WRITTEN)) {
			/* it is ours as well, or was and has been left to its peer */
			inject_list_move(e, handle, INJECT_QUEUE);
			break;
		}
		if (!entry_is_expect(at(e, handle)) && !warm_has_settled(e, handle))
			break;
		inject_unlist(e, handle);
		put_ready(e, handle);
		break;
	case INJECT_UNLISTED:
	case INJECT_QUEUE:
	case INJECT_RELATED:
	case INJECT_LATE:
	case INJECT_LISTS:
		break;
	}
}

void warm_told(struct engine *e, uint32_t handle, bool ours)
{
	const struct entry *x = at(e, handle);
	bool written = x->flags & REMOTE_WRITTEN;

	if (x->list != ENTRY_UNLISTED)
		told_again(e, handle, inject_list_of(x), ours);
	else if (ours || (written && (entry_is_expect(x) || !is_closing(e, handle))))
		inject_queue(e, handle);
	else
		inject_list_append(e, handle, INJECT_WAITING);
}

void warm_lost(struct engine *e, uint32_t handle)
{
	struct entry *x = at(e, handle);

	x->flags &= (uint8_t)~REMOTE_WRITTEN;
	if (x->flags & REMOTE_WRITING)
		return; /* its answer, or the dump that follows it, tells */
	if (x->list != ENTRY_UNLISTED && inject_list_of(x) != INJECT_WAITING)
		return;
	x->born = engine_coarse(e, e->now);
	inject_list_move(e, handle, INJECT_WAITING);
}

uint32_t warm_pull(struct engine *e)
{
	for (unsigned n = 0; n < LIMIT_COMMIT_SLICE; n++) {
		uint32_t handle = inject_list_head(e, INJECT_WAITING);
		const struct entry *x;
		bool expect, settled;

		if (!handle || !has_its_age(e, handle))
			return 0;
		inject_unlist(e, handle);
		x = at(e, handle);
		expect = entry_is_expect(x);
		settled = expect || x->flags & REMOTE_WRITTEN || warm_has_settled(e, handle);
		if (!settled)
			inject_list_append(e, handle, INJECT_AGED);
		else if (expect || x->flags & ENTRY_HAS_MASTER)
			inject_list_append(e, handle, INJECT_RELATED);
		else
			return handle;
	}
	e->inject.more = true;
	return 0;
}

bool warm_puts_off(struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	struct table_key k;

	if (!e->config.standby_warm)
		return false;
	k = table_key_at(&e->store, handle);
	if (e->peers_count > 1 && warm_is_outdated(e, &k, handle))
		return true;
	if (x->flags & REMOTE_WRITTEN || entry_is_expect(x) || warm_has_settled(e, handle) ||
		local_find_alive(e, &k))
		return false;
	inject_list_append(e, handle, INJECT_AGED);
	return true;
}

/* ---- what was refused ---- */

void warm_refused(struct engine *e, uint32_t handle)
{
	struct warm *w = &e->inject.warm;

	if (inject_list_count(e, INJECT_REFUSED) == 0 && w->retry_left == 0)
		w->retry_at = mono_add_ms(e->now, w->retry_ms);
	inject_list_append(e, handle, INJECT_REFUSED);
}

void warm_written(struct engine *e, bool after_refusal)
{
	if (after_refusal)
		e->inject.warm.retry_ms = LIMIT_WARM_RETRY_MS;
}

uint32_t warm_pull_refused(struct engine *e)
{
	struct warm *w = &e->inject.warm;
	uint32_t handle = inject_list_head(e, INJECT_REFUSED);

	if (!handle || !mono_reached(e->now, w->retry_at)) {
		w->retry_left = 0;
		return 0;
	}
	if (w->retry_left == 0) {
		w->retry_left = inject_list_count(e, INJECT_REFUSED);
		w->retry_ms = w->retry_ms * 2 < LIMIT_WARM_RETRY_MAX_MS ? w->retry_ms * 2
									: LIMIT_WARM_RETRY_MAX_MS;
	}
	if (--w->retry_left == 0)
		w->retry_at = mono_add_ms(e->now, w->retry_ms);
	engine_count(e, COUNTER_WARM_RETRIED);
	inject_unlist(e, handle);
	return handle;
}

/* ---- a commit ---- */

void warm_commit_start(struct engine *e)
{
	struct commit *c = &e->commit;

	for (unsigned list = 0; list < INJECT_LISTS; list++)
		c->left[list] = inject_list_count(e, (enum inject_list)list);
	c->left[INJECT_QUEUE] += LIMIT_COMMIT_LATE;
	c->left[INJECT_WAITING] += LIMIT_COMMIT_LATE;
}

bool warm_commits(const struct engine *e)
{
	return e->commit.running && e->commit.warm && !e->commit.walked;
}

bool warm_is_half_open(const struct engine *e, uint32_t handle)
{
	struct flow_brief b = brief(e, handle);

	return !e->config.commit_half_open && b.l4 == IPPROTO_TCP && b.has_tcp_state &&
	       flow_tcp_is_half_open(b.tcp_state);
}

uint32_t warm_pull_hurried(struct engine *e)
{
	static const enum inject_list order[] = {INJECT_QUEUE, INJECT_WAITING, INJECT_REFUSED,
		INJECT_AGED, INJECT_LATE, INJECT_RELATED};
	struct commit *c = &e->commit;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		uint32_t handle = inject_list_head(e, order[i]);

		if (!handle || c->left[order[i]] == 0)
			continue;
		if (order[i] == INJECT_RELATED && c->hurried > 0)
			return 0;
		c->left[order[i]]--;
		inject_unlist(e, handle);
		if (order[i] != INJECT_RELATED &&
			(entry_is_expect(at(e, handle)) ||
				at(e, handle)->flags & ENTRY_HAS_MASTER) &&
			!at(e, handle)->dead) {
			inject_list_append(e, handle, INJECT_RELATED);
			c->left[INJECT_RELATED]++;
			i = (size_t)-1;
			continue;
		}
		return handle;
	}
	c->walked = true;
	return 0;
}

/* ---- the rate ---- */

static uint32_t burst(const struct engine *e)
{
	uint32_t tokens = e->config.warm_rate / (1000 / LIMIT_WARM_BURST_MS);

	return tokens > 0 ? tokens : 1;
}

bool warm_may_write(struct engine *e)
{
	struct bucket *b = &e->inject.warm.rate;

	if (!e->config.standby_warm)
		return true;
	e->inject.warm.woken = false;
	if (bucket_fill(b, e->now) > burst(e))
		b->tokens = burst(e);
	e->inject.warm.dry = b->tokens == 0;
	return b->tokens > 0;
}

void warm_wrote(struct engine *e)
{
	if (e->config.standby_warm)
		bucket_take(&e->inject.warm.rate, 1);
}

/* Several at once: a wake-up costs more than a write. */
static mono refilled_at(const struct engine *e)
{
	int64_t least_ms = 1000 / e->config.warm_rate + 1;

	return mono_add_ms(e->inject.warm.rate.filled,
		least_ms < LIMIT_WARM_GRAIN_MS ? LIMIT_WARM_GRAIN_MS : least_ms);
}

/* ---- what runs out ---- */

/* How far the walk of this round should be by now: a table's cursor. */
static uint64_t due(const struct engine *e)
{
	int64_t gone = mono_diff_ms(e->now, e->inject.warm.walk_began);

	if (gone >= LIMIT_WARM_ROUND_MS)
		return UINT64_MAX;
	return (((uint64_t)gone << 32) / LIMIT_WARM_ROUND_MS) << 32;
}

/* Less than two rounds are left to what the kernel has, as far as one knows. */
static bool runs_low(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	struct flow_brief b;

	if (!(x->flags & REMOTE_WRITTEN) || x->flags & REMOTE_WRITING ||
		x->list != ENTRY_UNLISTED || entry_is_expect(x))
		return false;
	b = brief(e, handle);
	/* a peer with CommitTimeout says none: such a one has an hour, and is made anew then */
	return b.has_timeout &&
	       engine_timeout_left(e, x->touched, b.timeout) <= LIMIT_DEAD_TIMEOUT_S;
}

/* What is ours as well, and a peer has taken over before this node stood down. */
static bool is_to_loosen(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	struct table_key k;
	uint32_t local;

	if (!e->inject.stood_down || !warm_is_idle(e) ||
		x->flags & (REMOTE_WRITTEN | REMOTE_WRITING) || x->list != ENTRY_UNLISTED ||
		entry_is_expect(x))
		return false;
	k = table_key_at(&e->store, handle);
	local = local_find_alive(e, &k);
	return local && inject_ours_differs(e, local, handle);
}

/* A slice of one peer's table; false if it is cut short. */
static bool walk(struct engine *e, unsigned peer, uint64_t until)
{
	struct warm *w = &e->inject.warm;
	const struct table *t = &e->peers[peer].remote;

	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE; n++) {
		uint64_t cursor = w->walk_cursor[peer];
		uint32_t handle = table_next(t, &e->store, &cursor);

		if (!handle || cursor > until)
			return true;
		if (inject_list_count(e, INJECT_QUEUE) >= LIMIT_WARM_QUEUE)
			return false;
		w->walk_cursor[peer] = cursor;
		if (runs_low(e, handle))
			engine_count(e, COUNTER_WARM_REFRESHED);
		else if (!is_to_loosen(e, handle))
			continue;
		inject_list_append(e, handle, INJECT_QUEUE);
	}
	return false;
}

static void begin_walk(struct engine *e, mono began)
{
	struct warm *w = &e->inject.warm;

	w->walk_began = began;
	for (unsigned i = 0; i < LIMIT_PEERS; i++)
		w->walk_cursor[i] = 0;
}

void warm_look_soon(struct engine *e)
{
	begin_walk(e, mono_add_ms(e->now, -LIMIT_WARM_ROUND_MS));
}

/* A walk that is held up is not made up for: its round lasts longer. */
static void walk_all(struct engine *e)
{
	uint64_t until = due(e);
	bool whole = true;

	for (unsigned i = 0; i < e->peers_count; i++)
		whole = walk(e, i, until) && whole;
	if (!whole || until != UINT64_MAX)
		return;
	begin_walk(e, e->now);
}

/* ---- life and time ---- */

void warm_set_rate(struct engine *e, uint32_t rate)
{
	e->config.warm_rate = rate > 0 ? rate : 1;
	bucket_init(&e->inject.warm.rate, e->config.warm_rate, e->now);
}

void warm_init(struct engine *e)
{
	struct engine_config *c = &e->config;

	/* what has no acknowledged end, or no record of what is ours, cannot tell what to end */
	if (c->mode == ENGINE_MODE_ALARM || c->internal_cache_off || c->external_cache_off ||
		c->links == 0)
		c->standby_warm = false;
	warm_set_rate(e, c->warm_rate);
	e->inject.warm.retry_at = e->inject.warm.tick_at = e->inject.warm.walk_began = e->now;
	e->inject.warm.retry_ms = LIMIT_WARM_RETRY_MS;
}

void warm_flushed(struct engine *e)
{
	e->inject.warm.retry_left = 0;
}

static mono aged_at(const struct engine *e, uint32_t handle)
{
	return mono_add_ms(e->start, 100 * (int64_t)(since(at(e, handle)) + age_coarse(e)));
}

/* When the next write is due; answers, and a dump's end, have their own moments. */
static mono write_at(const struct engine *e)
{
	uint32_t waiting = inject_list_head(e, INJECT_WAITING);
	mono when = MONO_NEVER;

	if (e->inject.warm.woken || inject_takes_all(e) || e->ops.free_count == 0)
		return MONO_NEVER;
	if (waiting)
		when = aged_at(e, waiting);
	if (inject_list_count(e, INJECT_REFUSED) > 0)
		when = mono_min(when, e->inject.warm.retry_at);
	if (inject_list_count(e, INJECT_LATE) > 0)
		when = mono_min(when, e->inject.late_at);
	if (inject_list_count(e, INJECT_QUEUE) + inject_list_count(e, INJECT_RELATED) > 0)
		when = e->now;
	return e->inject.warm.dry && mono_before(when, refilled_at(e)) ? refilled_at(e) : when;
}

void warm_tick(struct engine *e)
{
	struct warm *w = &e->inject.warm;

	if (!e->config.standby_warm)
		return;
	w->woken = w->woken || mono_reached(e->now, write_at(e));
	if (mono_before(e->now, w->tick_at))
		return;
	w->tick_at = mono_add_ms(e->now, LIMIT_TICK_MS);
	if (!inject_takes_all(e))
		walk_all(e);
}

mono warm_deadline(const struct engine *e)
{
	mono when = MONO_NEVER;

	if (!e->config.standby_warm)
		return when;
	for (unsigned i = 0; i < e->peers_count; i++)
		if (table_count(&e->peers[i].remote) > 0)
			when = e->inject.warm.tick_at;
	return mono_min(when, write_at(e));
}

/* ---- what an operator sees ---- */

static int64_t behind_ms(const struct engine *e, mono now, enum inject_list list)
{
	uint32_t handle = inject_list_head(e, list);
	int64_t ms;

	if (!handle)
		return 0;
	ms = mono_diff_ms(now, e->start) - 100 * (int64_t)since(at(e, handle));
	return ms > 0 ? ms : 1;
}

/* Flows that are being written or ended. O(LIMIT_KERNEL_OPS_IN_FLIGHT) */
static uint64_t in_flight(const struct engine *e)
{
	uint64_t count = 0;

	for (uint32_t i = 0; e->ops.by_purpose[OP_INJECT] > 0 && i < LIMIT_KERNEL_OPS_IN_FLIGHT;
		i++) {
		const struct op *op = &e->ops.op[i];

		count += op->id && op->purpose == OP_INJECT &&
			 (op->gone || (!op->ending && op->kind < KERNEL_OP_DUMP));
	}
	return count;
}

void warm_get_status(const struct engine *e, mono now, struct engine_status *out)
{
	static const enum inject_list lists[] = {
		INJECT_QUEUE, INJECT_RELATED, INJECT_LATE, INJECT_WAITING, INJECT_REFUSED};
	uint64_t cold = inject_waiting(e) - inject_waiting_expects(e) + in_flight(e);

	if (!e->config.standby_warm)
		return;
	cold -= e->inject.gone < cold ? e->inject.gone : cold;
	out->warm_flows = cold < out->remote_flows ? out->remote_flows - cold : 0;
	out->warm_unsettled = inject_list_count(e, INJECT_AGED);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int64_t ms = behind_ms(e, now, lists[i]);

		if (ms > out->warm_behind_ms)
			out->warm_behind_ms = ms;
	}
}
