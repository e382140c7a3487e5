/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/expect.h"

#include <string.h>

#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/queue.h"
#include "core/sender.h"
#include "core/take.h"
#include "core/view.h"

enum {
	TIMEOUT_SLACK_S = 1, /* a timeout that is off by so little is no news */
};

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

struct table_key expect_master_key(const struct engine *e, const struct expect *x)
{
	struct flow master;

	memset(&master, 0, sizeof(master));
	memcpy(master.set, x->master.set, sizeof(master.set));
	master.tuple[FLOW_ORIG] = x->master.tuple;
	if (expect_has(x, EXPECT_ZONE)) {
		master.zone = x->zone;
		flow_mark_set(&master, FLOW_ZONE);
	}
	return table_key_of(&e->store, &master);
}

uint32_t expect_master(const struct engine *e, const struct expect *x)
{
	struct table_key k = expect_master_key(e, x);

	return k.len ? local_find_alive(e, &k) : 0;
}

/* Without a table of our own flows nobody can tell; who is to have it will see. */
static bool is_orphan(const struct engine *e, const struct expect *x)
{
	return !e->config.internal_cache_off && !expect_master(e, x);
}

/* ---- what the kernel tells ---- */

/* It has no place here, and neither has what was known of it before. */
static void refuse(struct engine *e, uint32_t handle, enum counter why)
{
	engine_count(e, why);
	if (handle && !at(e, handle)->dead)
		local_kill(e, handle, true);
}

static bool is_news(const struct engine *e, uint32_t handle, const struct expect *x, int64_t slack)
{
	struct expect old;
	int64_t gain;

	table_read_expect(&e->store, handle, &old);
	if (!expect_same_state(&old, x))
		return true;
	if (!expect_has(x, EXPECT_TIMEOUT))
		return false;
	if (!expect_has(&old, EXPECT_TIMEOUT))
		return true;
	gain = (int64_t)x->timeout - engine_timeout_left(e, at(e, handle)->touched, old.timeout);
	return gain > slack || gain < -slack;
}

/* Events and dumps say all that there is of an expectation: nothing is merged. */
static uint32_t take(
	struct engine *e, const struct table_key *k, uint32_t handle, const struct expect *x)
{
	struct table_packed p;

	table_pack_expect(&p, x);
	return local_take(e, k, handle, &p, expect_has(x, EXPECT_TIMEOUT), false);
}

/* Peers want to know the master first, however young it is. */
static void announce(struct engine *e, uint32_t handle, bool known, const struct expect *x)
{
	uint32_t master = e->held.head ? expect_master(e, x) : 0;

	if (master)
		queue_put_now(e, master);
	local_queue_changed(e, handle, known);
}

static void changed(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct expect *x, bool is_new)
{
	bool known = handle && !at(e, handle)->dead, unknown = !handle, news;

	if (!expect_filter_match(&e->config.expect_filter, x)) {
		refuse(e, handle, COUNTER_EXPECT_FILTERED);
		return;
	}
	news = !known || is_news(e, handle, x, TIMEOUT_SLACK_S);
	if (news)
		handle = take(e, k, handle, x);
	if (!handle)
		return;
	local_set_evented(e, handle, true);
	local_set_silent(e, handle, false);
	if (e->config.internal_cache_off && unknown && !is_new)
		at(e, handle)->flags |= ENTRY_ANNOUNCED | ENTRY_CHANGED;
	if (news)
		announce(e, handle, known, x);
	else
		engine_count(e, COUNTER_COALESCED);
}

/* theirs: a peer has told it, and it is not ours unless it is in the table */
static void destroyed(struct engine *e, const struct table_key *k, uint32_t handle,
	const struct expect *x, bool theirs)
{
	/* peers may have it from a former process of ours, and not all sweep; or nothing stays here
	 */
	bool tell = !theirs && (!e->dump.complete || e->config.internal_cache_off) &&
		    e->config.links > 0 && expect_filter_match(&e->config.expect_filter, x);
	struct table_packed p;

	kernel_ops_destroyed(e, k);
	if (handle && !at(e, handle)->dead) {
		local_set_evented(e, handle, true);
		local_kill(e, handle, true);
		return;
	}
	table_pack_expect(&p, x);
	local_ended(e, k, handle, &p, tell);
}

static void dumped(
	struct engine *e, const struct table_key *k, uint32_t handle, const struct expect *x)
{
	bool known = handle && !at(e, handle)->dead;

	/* a dump for a purge is about flows, which their expectations go with */
	if (!e->dump.running || e->dump.flushed || e->relay.collecting ||
		local_is_fresher(e, handle))
		return;
	if (engine_injects(e) && !known && inject_dumped(e, k, NULL))
		return;
	if (!expect_filter_match(&e->config.expect_filter, x)) {
		refuse(e, handle, COUNTER_EXPECT_FILTERED);
		return;
	}
	/* the dump's flows came before */
	if (is_orphan(e, x)) {
		refuse(e, handle, COUNTER_EXPECT_NO_MASTER);
		return;
	}
	if (known && !is_news(e, handle, x, TIMEOUT_SLACK_S + (int64_t)x->timeout / 2)) {
		local_set_evented(e, handle, false);
		return;
	}
	handle = take(e, k, handle, x);
	if (!handle)
		return;
	local_set_evented(e, handle, false);
	if (!known)
		local_set_silent(e, handle, !e->config.internal_cache_off);
	announce(e, handle, known, x);
}

void engine_kernel_expect(
	struct engine *e, mono now, enum kernel_event kind, const struct expect *x)
{
	static const enum counter counters[] = {
		[KERNEL_EVENT_NEW] = COUNTER_EXPECT_NEW,
		[KERNEL_EVENT_UPDATE] = COUNTER_EXPECT_UPDATE,
		[KERNEL_EVENT_DESTROY] = COUNTER_EXPECT_DESTROY,
		[KERNEL_DUMP_FLOW] = COUNTER_EXPECT_DUMPED,
	};
	bool theirs = false;
	struct table_key k;
	uint32_t handle;

	engine_set_now(e, now);
	if (kind > KERNEL_DUMP_FLOW || kind == KERNEL_DUMP_BEGIN)
		return; /* a dump's limits are told with its flows */
	engine_count(e, counters[kind]);
	k = table_key_of_expect(&e->store, x);
	if (!k.len) {
		engine_count(e, COUNTER_EXPECT_NO_KEY);
		return;
	}
	take_reach_key(e, &k);
	if (engine_injects(e) && kind != KERNEL_DUMP_FLOW)
		theirs = inject_event(e, &k, kind == KERNEL_EVENT_DESTROY);
	handle = table_find(&e->local, &e->store, &k);
	if (kind == KERNEL_DUMP_FLOW)
		dumped(e, &k, handle, x);
	else if (kind == KERNEL_EVENT_DESTROY)
		destroyed(e, &k, handle, x, theirs);
	else
		changed(e, &k, handle, x, kind == KERNEL_EVENT_NEW);
}

void expect_written(struct engine *e, const struct table_key *k, const struct expect *x)
{
	uint32_t master, handle = take(e, k, table_find(&e->local, &e->store, k), x);

	if (!handle)
		return;
	/* of a flow that was born unheard no expectation tells its end either */
	master = expect_master(e, x);
	local_set_evented(e, handle, true);
	local_set_silent(e, handle, !master || at(e, master)->flags & ENTRY_SILENT);
}

/* ---- what peers are told ---- */

bool expect_may_go(struct engine *e, uint32_t handle)
{
	struct expect x;

	if (at(e, handle)->dead)
		return true;
	table_read_expect(&e->store, handle, &x);
	if (!is_orphan(e, &x))
		return true;
	engine_count(e, COUNTER_EXPECT_NO_MASTER);
	return false;
}

size_t expect_put(struct engine *e, struct wbuf *w, enum wire_v1_type type, uint32_t handle,
	const struct wire_v1_options *options)
{
	struct expect x;

	table_read_expect(&e->store, handle, &x);
	if (expect_has(&x, EXPECT_TIMEOUT)) {
		int64_t left = engine_timeout_left(e, at(e, handle)->touched, x.timeout);

		x.timeout = left > 0 ? (uint32_t)left : 1;
	}
	return wire_v1_put_expect(w, (enum wire_v1_type)(type + WIRE_V1_EXP_NEW), sender_flags(e),
		e->sender.next_seq, &x, options);
}

/* ---- views ---- */

bool engine_show_next_expect(const struct engine *e, mono now, enum engine_table table,
	uint64_t *cursor, struct engine_expect_view *out)
{
	uint32_t handle = view_next(e, table, true, cursor);
	const struct entry *x;

	if (!handle)
		return false;
	x = at(e, handle);
	table_read_expect(&e->store, handle, &out->expect);
	if (expect_has(&out->expect, EXPECT_TIMEOUT))
		out->expect.timeout = view_timeout_left(e, now, handle, out->expect.timeout);
	out->peer = x->table ? x->table - 1U : 0;
	out->age_ms = mono_diff_ms(now, e->start) - (int64_t)x->born * 100;
	out->expires_ms = view_expires_ms(e, now, handle);
	return true;
}
