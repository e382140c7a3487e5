/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "core/commit.h"
#include "core/commit_flow.h"
#include "core/expect.h"
#include "core/former.h"
#include "core/inject.h"
#include "core/inject_gone.h"
#include "core/inject_ours.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/record.h"
#include "core/warm.h"
#include "flow/status.h"

/* The kernel operations of what peers tell, and what their answers mean. */

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

static uint64_t state_hash(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	return hash_sip13(e->store.hash_key, x->packed, x->len);
}

/* The peer's entry, if this operation still writes it. */
static uint32_t written_entry(const struct engine *e, const struct op *op)
{
	uint32_t handle = table_find(&e->peers[op->peer].remote, &e->store, &op->key);

	return handle && at(e, handle)->flags & REMOTE_WRITING ? handle : 0;
}

static bool is_expect_op(const struct op *op)
{
	return op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE;
}

static bool is_creation(const struct op *op)
{
	return op->kind == KERNEL_OP_CREATE || op->kind == KERNEL_OP_EXPECT_CREATE;
}

static bool is_deletion(const struct op *op)
{
	return op->kind == KERNEL_OP_DELETE || op->kind == KERNEL_OP_EXPECT_DELETE;
}

/* ---- what is written ---- */

/*
 * As the peer told it, with what is left of its timeout. Packets put a timeout forward and no event
 * tells, so that what seems over, or nearly, may well be alive.
 */
static void read_told(const struct engine *e, uint32_t handle, struct flow *f)
{
	int64_t left = e->config.standby_warm ? LIMIT_HOLD_S : LIMIT_DEAD_TIMEOUT_S;

	table_read(&e->store, handle, f);
	if (flow_has(f, FLOW_TIMEOUT))
		left = engine_timeout_left(e, at(e, handle)->touched, f->timeout);
	f->timeout = (uint32_t)(left < LIMIT_DEAD_TIMEOUT_S ? LIMIT_DEAD_TIMEOUT_S : left);
	flow_mark_set(f, FLOW_TIMEOUT);
}

/* The same for a flow that is ours as well: what is newer here stays. */
static void read_for_ours(
	const struct engine *e, uint32_t handle, const struct flow *known, struct flow *f)
{
	read_told(e, handle, f);
	if (commit_flow_forward(f, known))
		return;
	if (flow_has(known, FLOW_TIMEOUT) && known->timeout > f->timeout)
		f->timeout = known->timeout;
}

/* The kernel takes the helper's timeout instead. */
static void read_expect(const struct engine *e, uint32_t handle, struct expect *x)
{
	int64_t left = LIMIT_DEAD_TIMEOUT_S;

	table_read_expect(&e->store, handle, x);
	if (expect_has(x, EXPECT_TIMEOUT))
		left = engine_timeout_left(e, at(e, handle)->touched, x->timeout);
	x->timeout = left > 0 ? (uint32_t)left : 1;
	expect_mark_set(x, EXPECT_TIMEOUT);
}

static void build(struct engine *e, struct op *op, uint32_t handle, struct kernel_op *out)
{
	bool liberal = !e->config.tcp_window_tracking;
	uint32_t local = local_find_alive(e, &op->key);
	struct flow known;

	out->id = op->id;
	out->kind = (enum kernel_op_kind)op->kind;
	op->state = state_hash(e, handle);
	op->known = 0;
	if (is_expect_op(op)) {
		read_expect(e, handle, &out->expect);
	} else if (op->kind == KERNEL_OP_DELETE) {
		table_read(&e->store, handle, &out->flow);
		flow_mark_unset(&out->flow, FLOW_ID);
	} else if (op->kind == KERNEL_OP_CREATE) {
		read_told(e, handle, &out->flow);
		commit_flow_create(&out->flow, liberal);
	} else if (local) {
		op->known = state_hash(e, local);
		table_read(&e->store, local, &known);
		read_for_ours(e, handle, &known, &out->flow);
		commit_flow_update(&out->flow, &known, liberal, op->without_status);
		if (inject_ours_is_strict(e, &known))
			commit_flow_loosen(&out->flow);
	} else {
		read_told(e, handle, &out->flow);
		commit_flow_update(&out->flow, NULL, liberal, op->without_status);
	}
}

static enum kernel_op_kind kind_for(const struct entry *x, uint32_t local)
{
	bool renew = !local && x->flags & REMOTE_RENEW && x->flags & REMOTE_INJECTED;

	if (entry_is_expect(x))
		return renew ? KERNEL_OP_EXPECT_DELETE : KERNEL_OP_EXPECT_CREATE;
	if (renew)
		return KERNEL_OP_DELETE;
	return local || x->flags & REMOTE_WRITTEN ? KERNEL_OP_UPDATE : KERNEL_OP_CREATE;
}

static void write_op(struct engine *e, uint32_t handle, struct kernel_op *out)
{
	struct entry *x = at(e, handle);
	struct op *op = kernel_ops_take(e, OP_INJECT);

	CHECK(op);
	op->key = table_key_at(&e->store, handle);
	op->peer = (uint8_t)(x->table - 1);
	op->kind = kind_for(x, local_find_alive(e, &op->key));
	op->renew = is_deletion(op);
	if (!is_expect_op(op)) {
		table_read(&e->store, handle, &out->flow);
		op->keyless = commit_flow_is_keyless(&out->flow);
	}
	x->flags = (uint8_t)((x->flags & ~REMOTE_RENEW) | REMOTE_WRITING);
	build(e, op, handle, out);
}

static void build_end(const struct engine *e, const struct op *op, struct kernel_op *out)
{
	struct flow f;

	out->id = op->id;
	out->kind = (enum kernel_op_kind)op->kind;
	if (is_expect_op(op)) {
		read_expect(e, op->gone, &out->expect);
		return;
	}
	table_read(&e->store, op->gone, &f);
	commit_flow_key(&out->flow, &f);
	if (op->kind == KERNEL_OP_UPDATE) {
		out->flow.timeout = LIMIT_DEAD_TIMEOUT_S;
		flow_mark_set(&out->flow, FLOW_TIMEOUT);
	}
}

/*
 * The end of a flow that its peer has no more. What we have made is deleted. What was there before
 * us may live here: it gets little time, and packets give it more.
 */
static bool end_op(struct engine *e, uint32_t handle, struct kernel_op *out)
{
	struct table_key k = table_key_at(&e->store, handle);
	bool made = at(e, handle)->flags & REMOTE_INJECTED;
	bool is_expect = entry_is_expect(at(e, handle)), ours = local_find_alive(e, &k) != 0;
	struct op *op;

	if (ours || (is_expect && !made)) {
		engine_count(e, ours ? COUNTER_INJECT_KEPT : COUNTER_INJECT_RUN_OUT);
		inject_gone_free(e, handle);
		return false;
	}
	op = kernel_ops_take(e, OP_INJECT);
	CHECK(op);
	op->key = k;
	op->ending = true;
	op->gone = handle; /* for as long as it may have to be tried again */
	op->kind = made ? KERNEL_OP_DELETE : KERNEL_OP_UPDATE;
	if (is_expect)
		op->kind = KERNEL_OP_EXPECT_DELETE;
	build_end(e, op, out);
	return true;
}

bool inject_next_op(struct engine *e, struct kernel_op *out)
{
	e->inject.more = false;
	if (inject_waiting(e) == 0 || warm_commits(e))
		return false;
	if (former_is_open(e))
		return false; /* what the kernel has is still to be compared with the record */
	if (inject_takes_all(e))
		return false; /* what is there belongs to us, but is not known yet */
	for (unsigned n = 0; n < LIMIT_COMMIT_SLICE; n++) {
		uint32_t handle;

		if (e->ops.free_count == 0 || !warm_may_write(e))
			return false;
		handle = inject_pull(e);
		if (!handle)
			return false;
		if (!at(e, handle)->dead && warm_puts_off(e, handle))
			continue;
		if (!at(e, handle)->dead)
			write_op(e, handle, out);
		else if (!end_op(e, handle, out))
			continue;
		warm_wrote(e);
		return true;
	}
	e->inject.more = true;
	return false;
}

static void skip(struct engine *e, uint32_t handle, enum counter why)
{
	engine_count(e, why);
	e->commit.tally.skipped++;
	inject_list_append(e, handle, INJECT_AGED);
}

static bool is_over(const struct engine *e, uint32_t handle, const struct expect *x)
{
	return expect_has(x, EXPECT_TIMEOUT) &&
	       engine_timeout_left(e, at(e, handle)->touched, x->timeout) <= 0;
}

/* What a commit leaves alone, and counts. */
static bool is_skipped(struct engine *e, uint32_t handle)
{
	struct table_key master;
	struct expect x;

	if (!entry_is_expect(at(e, handle))) {
		if (at(e, handle)->flags & REMOTE_WRITTEN || !warm_is_half_open(e, handle))
			return false;
		skip(e, handle, COUNTER_COMMIT_SKIPPED);
		return true;
	}
	table_read_expect(&e->store, handle, &x);
	master = expect_master_key(e, &x);
	if (is_over(e, handle, &x))
		skip(e, handle, COUNTER_COMMIT_SKIPPED);
	else if (!master.len || !(local_find_alive(e, &master) || inject_has(e, &master)))
		skip(e, handle, COUNTER_EXPECT_ORPHANS);
	else
		return false;
	return true;
}

/* What another peer has told since is in the kernel, or is written by this commit. */
static bool is_outdated(const struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);

	return e->peers_count > 1 && warm_is_outdated(e, &k, handle);
}

/*
 * A commit may come to what has been told again before its former end had its turn. Then it takes
 * the end's place: what we have made is deleted and made anew, the rest is changed.
 */
static void succeed(struct engine *e, uint32_t handle)
{
	if (inject_gone_replace(e, handle))
		at(e, handle)->flags |= REMOTE_RENEW;
}

bool inject_next_hurried(struct engine *e, struct kernel_op *out)
{
	struct commit *c = &e->commit;
	struct op *op;

	for (unsigned n = 0; n < LIMIT_COMMIT_SLICE; n++) {
		uint32_t handle = warm_pull_hurried(e);

		if (!handle) {
			commit_settle(e);
			return false;
		}
		if (at(e, handle)->dead) {
			if (!end_op(e, handle, out))
				continue;
		} else if (is_outdated(e, handle) || is_skipped(e, handle)) {
			continue;
		} else {
			succeed(e, handle);
			write_op(e, handle, out);
		}
		op = &e->ops.op[out->id % LIMIT_KERNEL_OPS_IN_FLIGHT];
		op->hurried = true;
		op->promote = c->promote;
		c->hurried++;
		return true;
	}
	c->more = true;
	return false;
}

/*
 * The flow's end was told while it was written; over: our kernel does not have it. What it has is
 * still to be ended.
 */
static void let_go(struct engine *e, struct op *op, bool over)
{
	uint32_t gone = op->gone,
		 again = table_find(&e->peers[op->peer].remote, &e->store, &op->key);
	struct entry *x = at(e, gone);

	op->gone = 0;
	if (!(x->flags & REMOTE_WRITTEN) || over) {
		inject_gone_free(e, gone);
	} else if (again) {
		/* it has been told once more since, and is written again after this */
		at(e, again)->flags |= x->flags & REMOTE_WRITTEN;
		inject_gone_free(e, gone);
	} else {
		inject_gone_queue(e, gone);
	}
}

/* It was in our kernel and is not any more; to be made anew it would have to have settled. */
static bool is_too_young(const struct engine *e, const struct op *op, uint32_t handle)
{
	if (!e->config.standby_warm || op->kind != KERNEL_OP_CREATE)
		return false;
	return op->hurried ? warm_is_half_open(e, handle) : !warm_has_settled(e, handle);
}

/* The kernel has been asked for it since, or it has turned out to be ours: it is to stay. */
static bool is_there_again(struct engine *e, const struct op *op)
{
	bool again = local_find_alive(e, &op->key) != 0;

	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = table_find(&e->peers[i].remote, &e->store, &op->key);

		if (!handle || !(at(e, handle)->flags & (REMOTE_WRITING | REMOTE_WRITTEN)))
			continue;
		at(e, handle)->flags |= at(e, op->gone)->flags & REMOTE_WRITTEN;
		again = true;
	}
	return again;
}

/* It may have been flushed meanwhile. */
static void end_is_over(struct engine *e, struct op *op)
{
	if (op->gone)
		inject_gone_free(e, op->gone);
	op->gone = 0;
	kernel_ops_done(e, op);
}

static bool repeat_end(struct engine *e, struct op *op, struct kernel_op *out)
{
	if (op->gone && !is_there_again(e, op)) {
		build_end(e, op, out);
		return true;
	}
	if (op->gone)
		engine_count(e, COUNTER_INJECT_KEPT);
	end_is_over(e, op);
	return false;
}

bool inject_repeat(struct engine *e, struct op *op, struct kernel_op *out)
{
	uint32_t handle;

	if (op->ending)
		return repeat_end(e, op, out);
	handle = written_entry(e, op);
	if (handle && !op->gone && is_too_young(e, op, handle)) {
		at(e, handle)->flags &= (uint8_t)~REMOTE_WRITING;
		warm_lost(e, handle);
	} else if (handle && !op->gone) {
		build(e, op, handle, out);
		return true;
	}
	if (op->gone)
		let_go(e, op, op->kind != KERNEL_OP_UPDATE);
	kernel_ops_done(e, op);
	return false;
}

/* ---- answers ---- */

static void count(struct engine *e, const struct op *op, int err)
{
	static const enum counter counters[][2] = {
		[KERNEL_OP_CREATE] = {COUNTER_INJECT_CREATED, COUNTER_INJECT_CREATE_REFUSED},
		[KERNEL_OP_UPDATE] = {COUNTER_INJECT_UPDATED, COUNTER_INJECT_UPDATE_REFUSED},
		[KERNEL_OP_DELETE] = {COUNTER_INJECT_DELETED, COUNTER_INJECT_DELETE_REFUSED},
	};
	unsigned kind = op->ending ? KERNEL_OP_DELETE : op->kind;

	if (is_expect_op(op)) {
		engine_count(e, err		  ? COUNTER_INJECT_EXPECT_REFUSED
				: is_creation(op) ? COUNTER_INJECT_EXPECT_CREATED
						  : COUNTER_INJECT_EXPECT_DELETED);
		return;
	}
	engine_count(e, counters[kind][err != 0]);
}

/* Of what a commit waits for, but for ends. */
static void tally(struct engine *e, const struct op *op, int err)
{
	struct tally *t = &e->commit.tally;

	if (err)
		kernel_ops_refused(e, t, err);
	else
		t->written++;
	if (is_expect_op(op)) {
		t->expect_refused += err != 0;
		t->expect_written += !err;
	}
}

/* Where nothing but the windows is known to be done without now. */
static void loosened(const struct flow *known, struct flow *f)
{
	commit_flow_key(f, known);
	for (unsigned dir = 0; dir < FLOW_DIRS; dir++)
		f->tcp.flags[dir] = known->tcp.flags[dir] | FLOW_TCP_FLAG_BE_LIBERAL;
	flow_mark_set(f, FLOW_TCP_FLAGS_ORIG);
	flow_mark_set(f, FLOW_TCP_FLAGS_REPL);
}

/* The kernel has taken an update of a flow that is ours as well: no event tells of it. */
static void ours_written(struct engine *e, const struct op *op, uint32_t handle, uint32_t local)
{
	struct flow f, known;

	e->inject.unsure = true; /* events read from now on may be older */
	if (op->kind != KERNEL_OP_UPDATE || state_hash(e, local) != op->known ||
		state_hash(e, handle) != op->state)
		return;
	table_read(&e->store, local, &known);
	read_for_ours(e, handle, &known, &f);
	if (!flow_has(&known, FLOW_TCP_STATE) || flow_has(&f, FLOW_TCP_STATE))
		commit_flow_updated(&f, &known);
	else if (inject_ours_is_strict(e, &known))
		loosened(&known, &f);
	else
		return; /* the kernel may be further on than we know: the dump will tell */
	local_written(e, &op->key, &f, false);
}

/*
 * The kernel had it, and we did not know. A warm standby, which knows all that its kernel has by
 * packets, has made it itself: the end that the kernel told of was that of the one before.
 */
bool inject_has_made(const struct engine *e)
{
	return warm_is_idle(e) && e->kernel_synced;
}

static uint8_t found_as(const struct engine *e)
{
	return inject_has_made(e) ? REMOTE_INJECTED : REMOTE_ADOPTED;
}

static void written(struct engine *e, const struct op *op, uint32_t handle)
{
	struct entry *x = at(e, handle);
	uint32_t local = local_find_alive(e, &op->key);

	x->dump_gen = e->dump.gen;
	warm_written(e, x->flags & REMOTE_BEHIND);
	x->flags &= (uint8_t)~REMOTE_BEHIND;
	if (local) {
		record_unmade(e, x, &op->key);
		x->flags &= (uint8_t)~REMOTE_WRITTEN;
		if (!is_expect_op(op))
			ours_written(e, op, handle, local);
	} else if (op->destroyed) {
		/* the end of what we have made, or of what was there before it */
		x->flags &= (uint8_t)~REMOTE_WRITTEN;
		x->flags |= is_creation(op) ? found_as(e) : REMOTE_ADOPTED;
		e->inject.unsure = true;
	} else if (is_creation(op)) {
		x->flags = (uint8_t)((x->flags & ~REMOTE_WRITTEN) | REMOTE_INJECTED);
	} else if (!(x->flags & REMOTE_WRITTEN)) {
		x->flags |= found_as(e);
		record_made(e, handle);
	} else if (x->flags & REMOTE_INJECTED) {
		x->flags &= (uint8_t)~REMOTE_ADOPTED; /* it lives as long as it was written for */
	}
}

static void refused(struct engine *e, const struct op *op, uint32_t handle, int err)
{
	struct entry *x = at(e, handle);

	if (is_deletion(op) && e->config.standby_warm) {
		x->flags |= REMOTE_RENEW; /* what was there before still is */
	} else if (op->kind != KERNEL_OP_UPDATE || err == ENOENT) {
		record_unmade(e, x, &op->key);
		x->flags &= (uint8_t)~REMOTE_WRITTEN;
	}
	x->flags |= REMOTE_BEHIND;
	if (is_creation(op) && err == ENOENT && !(x->flags & REMOTE_RETRIED) &&
		(x->flags & ENTRY_HAS_MASTER || entry_is_expect(x)))
		inject_list_append_late(e, handle);
	else if (e->config.standby_warm)
		warm_refused(e, handle);
}

static void gone_answered(struct engine *e, struct op *op, int err)
{
	if (!err && is_creation(op))
		at(e, op->gone)->flags |= REMOTE_INJECTED;
	else if (!err && warm_is_idle(e) && !(at(e, op->gone)->flags & REMOTE_WRITTEN)) {
		at(e, op->gone)->flags |= found_as(e);
		record_made(e, op->gone);
	}
	let_go(e, op, !err && is_deletion(op));
	kernel_ops_done(e, op);
}

/* Another way to write it, or the rest of the way; false if this was all. */
static bool goes_on(struct op *op, int err)
{
	if (op->renew && (!err || err == ENOENT)) {
		op->renew = false;
		op->kind = is_expect_op(op) ? KERNEL_OP_EXPECT_CREATE : KERNEL_OP_CREATE;
		return true;
	}
	/* a flow of ours has ended meanwhile; peers tell it again if it has not for them */
	if (err == ENOENT && op->known)
		return false;
	return err && kernel_ops_find_way(op, err);
}

/* A record that a dump read before this must not bring it to life. */
static void mark_ended(struct engine *e, const struct op *op)
{
	const struct entry *x = at(e, op->gone);
	struct table_packed p = {.len = x->len};

	memcpy(p.bytes, x->packed, x->len);
	if (!local_find_alive(e, &op->key))
		local_ended(e, &op->key, table_find(&e->local, &e->store, &op->key), &p, false);
}

/* One error may answer several operations that were asked for together. */
static void end_answered(struct engine *e, struct op *op, int err)
{
	if (err && err != ENOENT && op->gone && op->tries < LIMIT_KERNEL_RETRIES) {
		engine_count(e, COUNTER_INJECT_DELETE_RETRIED);
		kernel_ops_again(e, op);
		return;
	}
	count(e, op, err == ENOENT ? 0 : err);
	if (!err && is_deletion(op) && op->gone)
		mark_ended(e, op);
	end_is_over(e, op);
}

static void told_meanwhile(struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);

	if (e->config.standby_warm)
		warm_told(e, handle, local_find_alive(e, &k) != 0);
	else
		inject_queue(e, handle);
}

void inject_answered(struct engine *e, struct op *op, int err)
{
	uint32_t handle;
	bool there;

	if (op->ending) {
		end_answered(e, op, err);
		return;
	}
	if (op->gone) {
		count(e, op, err);
		gone_answered(e, op, err);
		return;
	}
	if (goes_on(op, err)) {
		kernel_ops_again(e, op);
		return;
	}
	there = err == EEXIST && op->kind == KERNEL_OP_EXPECT_CREATE;
	if (op->hurried)
		tally(e, op, there ? 0 : err);
	if (!there)
		count(e, op, err);
	handle = written_entry(e, op);
	if (handle) {
		at(e, handle)->flags &= (uint8_t)~REMOTE_WRITING;
		if (there)
			at(e, handle)->flags |= REMOTE_ADOPTED; /* as it is to be */
		else if (err)
			refused(e, op, handle, err);
		else
			written(e, op, handle);
		if (at(e, handle)->list == ENTRY_UNLISTED && state_hash(e, handle) != op->state)
			told_meanwhile(e, handle);
	}
	kernel_ops_done(e, op);
}
