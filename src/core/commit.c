/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/commit.h"

#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "core/bulk.h"
#include "core/command.h"
#include "core/commit_expect.h"
#include "core/commit_flow.h"
#include "core/dumper.h"
#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/remote.h"
#include "core/warm.h"
#include "flow/status.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

/* Whether the kernel should be spared the making of events about all that is to be created. */
static bool is_large(const struct engine *e)
{
	uint32_t large = e->config.commit_large ? e->config.commit_large : LIMIT_COMMIT_LARGE;
	uint64_t entries = 0;

	if (e->commit.warm)
		return inject_waiting(e) > large && !e->config.polling;
	for (unsigned i = 0; i < e->peers_count; i++)
		entries += table_count(&e->peers[i].remote);
	return entries > large && !e->config.polling;
}

void commit_start(struct engine *e, bool promote, enum engine_scope scope)
{
	struct commit *c = &e->commit;

	if (!c->running) {
		uint32_t hurried = c->hurried; /* a cancelled one's last */

		memset(c, 0, sizeof(*c));
		c->hurried = hurried;
		c->running = true;
		c->tally.began = e->now;
	}
	c->promote = c->promote || promote;
	/* a promotion that takes a commit over looks at all again: what is written moves only */
	c->walked = c->masters = false;
	c->scope = (uint8_t)scope;
	c->pass = scope == ENGINE_SCOPE_EXPECTATIONS ? COMMIT_EXPECTATIONS : COMMIT_FLOWS;
	c->peer = 0;
	c->cursor = 0;
	c->ahead.count = 0;
	c->warm = e->config.standby_warm && scope != ENGINE_SCOPE_EXPECTATIONS;
	if (c->warm)
		warm_commit_start(e);
	if (is_large(e))
		dumper_deafen(e, true);
	commit_settle(e);
}

static void end(struct engine *e, enum engine_outcome outcome)
{
	struct commit *c = &e->commit;

	c->running = c->more = false;
	dumper_deafen(e, false);
	if (c->promote && !e->take.running && outcome != ENGINE_CANCELLED)
		bulk_want(e);
	command_committed(e, outcome, &c->tally);
	kernel_ops_make_sure(e);
}

void commit_cancel(struct engine *e)
{
	if (e->commit.running)
		end(e, ENGINE_CANCELLED);
}

static bool nothing_left(const struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (table_count(&e->peers[i].remote) > 0)
			return false;
	return true;
}

void commit_settle(struct engine *e)
{
	struct commit *c = &e->commit;

	if (!c->running || e->ops.by_purpose[OP_COMMIT] > 0 || c->hurried > 0)
		return;
	if (!c->walked && (c->warm || !nothing_left(e)))
		return;
	end(e, c->tally.refused > 0 ? ENGINE_PARTIAL : ENGINE_OK);
}

static bool has_expects(const struct engine *e)
{
	for (unsigned i = 0; i < e->peers_count; i++)
		if (e->peers[i].remote.expects > 0)
			return true;
	return false;
}

/* After a pass that has seen all peers; false if it was the last one. */
static bool next_pass(struct engine *e)
{
	struct commit *c = &e->commit;

	c->pass++;
	if (c->pass == COMMIT_RELATED && !c->masters)
		c->pass++;
	if (c->pass == COMMIT_EXPECTATIONS && (c->scope == ENGINE_SCOPE_FLOWS || !has_expects(e)))
		c->pass++;
	c->peer = 0;
	return c->pass <= COMMIT_EXPECTATIONS;
}

/* The next entry of the table, or 0. An entry that goes while it is ahead is left out. */
static uint32_t next_of_table(struct engine *e, const struct table *t, struct table_key *k)
{
	struct commit_ahead *a = &e->commit.ahead;
	uint32_t handle = 0;

	do {
		while (a->count < COMMIT_AHEAD_MAX) {
			struct table_key *put = &a->ring[(a->head + a->count) % COMMIT_AHEAD_MAX];

			handle = table_next(t, &e->store, &e->commit.cursor);
			if (!handle)
				break;
			*put = table_key_at(&e->store, handle);
			table_fetch_slot(&e->local, put);
			a->count++;
		}
		if (a->count == 0)
			return 0;
		*k = a->ring[a->head];
		a->head = (a->head + 1) % COMMIT_AHEAD_MAX;
		a->count--;
		handle = table_find(t, &e->store, k);
	} while (!handle);
	return handle;
}

/* The next flow or expectation; 0 when all have been looked at, or answers are waited for. */
static uint32_t walk(struct engine *e, struct table_key *k)
{
	struct commit *c = &e->commit;

	for (;;) {
		uint32_t handle;

		if (c->peer == e->peers_count && !next_pass(e)) {
			c->walked = true;
			return 0;
		}
		if (c->pass == COMMIT_EXPECTATIONS && c->cursor == 0 && c->ahead.count == 0) {
			/* whether its master is there, only the answers to flows' writes tell */
			if (e->ops.by_purpose[OP_COMMIT] > 0)
				return 0;
			if (e->peers[c->peer].remote.expects == 0) {
				c->peer++;
				continue;
			}
		}
		handle = next_of_table(e, &e->peers[c->peer].remote, k);
		if (handle)
			return handle;
		c->peer++;
		c->cursor = 0;
	}
}

bool commit_is_outdated(const struct engine *e, const struct table_key *k, uint32_t touched)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t other;

		if (i == e->commit.peer || table_count(&e->peers[i].remote) == 0)
			continue;
		other = table_find(&e->peers[i].remote, &e->store, k);
		if (other && (at(e, other)->touched > touched ||
				     (at(e, other)->touched == touched && i < e->commit.peer)))
			return true;
	}
	return false;
}

static bool is_half_open(const struct flow *f)
{
	return f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP && flow_has(f, FLOW_TCP_STATE) &&
	       flow_tcp_is_half_open(f->tcp.state);
}

/*
 * The timeout that a received flow is to be written with. Packets put a timeout forward and no
 * event tells, so that what seems over, or nearly, may well be alive.
 */
static void set_timeout(const struct engine *e, uint32_t handle, struct flow *f)
{
	int64_t left = LIMIT_DEAD_TIMEOUT_S;

	if (flow_has(f, FLOW_TIMEOUT))
		left = engine_timeout_left(e, at(e, handle)->touched, f->timeout);
	if (left < LIMIT_DEAD_TIMEOUT_S)
		left = LIMIT_DEAD_TIMEOUT_S;
	f->timeout = e->config.commit_timeout_s ? e->config.commit_timeout_s : (uint32_t)left;
	flow_mark_set(f, FLOW_TIMEOUT);
}

uint64_t commit_state_hash(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	return hash_sip13(e->store.hash_key, x->packed, x->len);
}

/* From what the peer told, which is in out->flow, to what is to be written; local: ours, or 0. */
static void build(
	struct engine *e, struct op *op, uint32_t handle, uint32_t local, struct kernel_op *out)
{
	bool liberal = !e->config.tcp_window_tracking;
	struct flow known;
	int64_t left = 0;

	set_timeout(e, handle, &out->flow);
	out->id = op->id;
	out->kind = (enum kernel_op_kind)op->kind;
	op->state = commit_state_hash(e, handle);
	if (op->kind == KERNEL_OP_CREATE) {
		commit_flow_create(&out->flow, liberal);
		return;
	}
	if (local) {
		table_read(&e->store, local, &known);
		/* an entry that lives here is not cut short by what the peer knew of it */
		if (flow_has(&known, FLOW_TIMEOUT))
			left = engine_timeout_left(e, at(e, local)->touched, known.timeout);
		if (left > (int64_t)out->flow.timeout)
			out->flow.timeout = (uint32_t)left;
	}
	commit_flow_update(&out->flow, local ? &known : NULL, liberal, op->without_status);
}

/* Looks at one flow; true if there is something to write. */
static bool consider(
	struct engine *e, uint32_t handle, const struct table_key *k, struct kernel_op *out)
{
	struct commit *c = &e->commit;
	const struct entry *x = at(e, handle);
	uint32_t local;
	struct op *op;

	if (c->pass == COMMIT_EXPECTATIONS || entry_is_expect(x))
		return c->pass == COMMIT_EXPECTATIONS && entry_is_expect(x) &&
		       commit_expect_consider(e, handle, out);
	if (x->flags & ENTRY_HAS_MASTER)
		c->masters = true;
	if (c->pass != ((x->flags & ENTRY_HAS_MASTER) != 0))
		return false;
	local = local_find_alive(e, k);
	if (local && !(at(e, local)->flags & ENTRY_SILENT) && at(e, local)->touched > x->touched) {
		/* our kernel has it, and newer: written before, or alive with traffic */
		if (c->promote)
			remote_remove(e, &e->peers[c->peer], handle);
		return false;
	}
	if (commit_is_outdated(e, k, x->touched))
		return false;
	if (engine_injects(e) && inject_is_written(e, handle)) {
		if (c->promote) /* the dump that follows takes it */
			remote_remove(e, &e->peers[c->peer], handle);
		return false;
	}
	table_read(&e->store, handle, &out->flow);
	if (!e->config.commit_half_open && is_half_open(&out->flow)) {
		engine_count(e, COUNTER_COMMIT_SKIPPED);
		c->tally.skipped++;
		return false;
	}
	op = kernel_ops_take(e, OP_COMMIT);
	CHECK(op);
	op->kind = local ? KERNEL_OP_UPDATE : KERNEL_OP_CREATE;
	op->peer = c->peer;
	op->promote = c->promote;
	op->keyless = commit_flow_is_keyless(&out->flow);
	op->key = *k;
	build(e, op, handle, local, out);
	return true;
}

bool commit_next_op(struct engine *e, struct kernel_op *out)
{
	struct commit *c = &e->commit;

	c->more = false;
	if (!c->running || c->walked || e->ops.free_count == 0)
		return false;
	if (c->warm)
		return inject_next_hurried(e, out);
	for (unsigned n = 0; n < LIMIT_COMMIT_SLICE; n++) {
		struct table_key k;
		uint32_t handle = walk(e, &k);

		if (!handle) {
			commit_settle(e);
			return false;
		}
		if (consider(e, handle, &k, out))
			return true;
	}
	c->more = true;
	return false;
}

/* The last word about a write. */
static void over(struct engine *e, struct op *op)
{
	kernel_ops_done(e, op);
	commit_settle(e);
}

bool commit_repeat(struct engine *e, struct op *op, struct kernel_op *out)
{
	uint32_t handle = table_find(&e->peers[op->peer].remote, &e->store, &op->key);

	if (op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE) {
		if (e->commit.running && commit_expect_repeat(e, op, out))
			return true;
	} else if (e->commit.running && handle) {
		table_read(&e->store, handle, &out->flow);
		build(e, op, handle, local_find_alive(e, &op->key), out);
		/* another flow may have taken its place since the first try */
		if (e->config.commit_half_open || !is_half_open(&out->flow))
			return true;
		engine_count(e, COUNTER_COMMIT_SKIPPED);
		e->commit.tally.skipped++;
	}
	over(e, op);
	return false;
}

/* The kernel has taken it; true if the peer has told something newer meanwhile. */
static bool written(struct engine *e, const struct op *op)
{
	struct peer *p = &e->peers[op->peer];
	uint32_t local, handle = table_find(&p->remote, &e->store, &op->key);
	struct flow f, known;

	engine_count(e, COUNTER_KERNEL_WRITTEN);
	/*
	 * Events that are read after the answer may be older than the write, and tell of a former
	 * flow's change or end. Only a dump settles what the kernel has.
	 */
	e->ops.unsure = true;
	if (op->destroyed)
		return false;
	if (!handle || commit_state_hash(e, handle) != op->state)
		return handle != 0;
	if (engine_injects(e) && !e->commit.promote) {
		inject_committed(e, handle, op->kind == KERNEL_OP_CREATE);
		return false;
	}
	table_read(&e->store, handle, &f);
	set_timeout(e, handle, &f);
	if (op->kind == KERNEL_OP_CREATE) {
		commit_flow_local(&f);
	} else {
		local = local_find_alive(e, &op->key);
		if (local)
			table_read(&e->store, local, &known);
		commit_flow_updated(&f, local ? &known : NULL);
	}
	local_written(e, &op->key, &f, op->kind == KERNEL_OP_CREATE);
	if (e->commit.promote)
		remote_remove(e, p, handle);
	return false;
}

void commit_answered(struct engine *e, struct op *op, int err)
{
	if (op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE) {
		if (commit_expect_answered(e, op, err))
			kernel_ops_again(e, op);
		else
			over(e, op);
		return;
	}
	if (err && kernel_ops_find_way(op, err)) {
		kernel_ops_again(e, op);
		return;
	}
	if (!err && written(e, op) && op->tries < LIMIT_KERNEL_RETRIES) {
		op->kind = KERNEL_OP_UPDATE;
		kernel_ops_again(e, op);
		return;
	}
	if (err)
		kernel_ops_refused(e, &e->commit.tally, err);
	else
		e->commit.tally.written++;
	over(e, op);
}
