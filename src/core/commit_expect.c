/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/commit_expect.h"

#include <errno.h>

#include "base/check.h"
#include "core/commit.h"
#include "core/expect.h"
#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/local.h"
#include "core/remote.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

/*
 * Packets do not put an expectation's timeout forward as they do a flow's, but some helpers do, and
 * no event tells. So it is over if its time ran out since its owner was last heard: an owner that
 * is heard would have told the end.
 */
static bool is_over(const struct engine *e, uint32_t handle, const struct expect *x)
{
	const struct peer *p = &e->peers[e->commit.peer];
	uint32_t touched = at(e, handle)->touched;
	uint32_t heard_after = (engine_coarse(e, p->heard) - touched) / 10;

	return expect_has(x, EXPECT_TIMEOUT) && x->timeout > heard_after &&
	       engine_timeout_left(e, touched, x->timeout) <= 0;
}

/* Our kernel's has all that the peer's has, as far as is known. */
static bool is_same(const struct engine *e, uint32_t local, uint32_t handle)
{
	struct expect ours, theirs;

	table_read_expect(&e->store, local, &ours);
	table_read_expect(&e->store, handle, &theirs);
	return expect_same_state(&ours, &theirs);
}

/* The timeout that it is written with; the kernel takes the helper's policy instead. */
static void read_remote(const struct engine *e, uint32_t handle, struct expect *x)
{
	int64_t left = LIMIT_DEAD_TIMEOUT_S;

	table_read_expect(&e->store, handle, x);
	if (expect_has(x, EXPECT_TIMEOUT))
		left = engine_timeout_left(e, at(e, handle)->touched, x->timeout);
	if (left < 1)
		left = 1;
	x->timeout = e->config.commit_timeout_s ? e->config.commit_timeout_s : (uint32_t)left;
	expect_mark_set(x, EXPECT_TIMEOUT);
}

static void build(struct engine *e, struct op *op, uint32_t handle, struct kernel_op *out)
{
	read_remote(e, handle, &out->expect);
	out->id = op->id;
	out->kind = (enum kernel_op_kind)op->kind;
	op->state = commit_state_hash(e, handle);
}

static void skip(struct engine *e, enum counter why)
{
	engine_count(e, why);
	e->commit.tally.skipped++;
}

/* Our kernel has the master. */
static bool has_master(const struct engine *e, const struct expect *x)
{
	struct table_key k = expect_master_key(e, x);

	return k.len && (local_find_alive(e, &k) ||
				(engine_injects(e) && (inject_has(e, &k) || e->commit.promote)));
}

bool commit_expect_consider(struct engine *e, uint32_t handle, struct kernel_op *out)
{
	struct commit *c = &e->commit;
	struct table_key k = table_key_at(&e->store, handle);
	uint32_t local = local_find_alive(e, &k), touched = at(e, handle)->touched;
	struct op *op;

	if (local && (is_same(e, local, handle) || (!(at(e, local)->flags & ENTRY_SILENT) &&
							   at(e, local)->touched > touched))) {
		/* our kernel has it, as it is to be or newer */
		if (c->promote)
			remote_remove(e, &e->peers[c->peer], handle);
		return false;
	}
	if (engine_injects(e) && inject_is_written(e, handle)) {
		if (c->promote) /* the dump that follows takes it */
			remote_remove(e, &e->peers[c->peer], handle);
		return false;
	}
	if (commit_is_outdated(e, &k, touched))
		return false;
	table_read_expect(&e->store, handle, &out->expect);
	if (is_over(e, handle, &out->expect)) {
		skip(e, COUNTER_COMMIT_SKIPPED);
		return false;
	}
	if (!e->config.internal_cache_off && !has_master(e, &out->expect)) {
		skip(e, COUNTER_EXPECT_ORPHANS);
		return false;
	}
	op = kernel_ops_take(e, OP_COMMIT);
	CHECK(op);
	op->kind = local ? KERNEL_OP_EXPECT_DELETE : KERNEL_OP_EXPECT_CREATE;
	op->peer = c->peer;
	op->promote = c->promote;
	op->key = k;
	build(e, op, handle, out);
	return true;
}

bool commit_expect_repeat(struct engine *e, struct op *op, struct kernel_op *out)
{
	uint32_t handle = table_find(&e->peers[op->peer].remote, &e->store, &op->key);

	if (handle)
		build(e, op, handle, out);
	return handle != 0;
}

/* The kernel has created it; true if the peer has told something newer meanwhile. */
static bool written(struct engine *e, const struct op *op)
{
	struct peer *p = &e->peers[op->peer];
	uint32_t handle = table_find(&p->remote, &e->store, &op->key);
	struct expect x;

	engine_count(e, COUNTER_EXPECT_WRITTEN);
	e->ops.unsure = true; /* an event that is read from now on may be older than the write */
	if (op->destroyed)
		return false;
	if (!handle || commit_state_hash(e, handle) != op->state)
		return handle != 0;
	if (engine_injects(e) && !e->commit.promote) {
		inject_committed(e, handle, true);
		return false;
	}
	if (!e->config.internal_cache_off) {
		read_remote(e, handle, &x);
		expect_written(e, &op->key, &x);
	}
	if (e->commit.promote)
		remote_remove(e, p, handle);
	return false;
}

/* Another one is in the way, of the same key or one that covers it. */
static bool replace(struct engine *e, struct op *op)
{
	uint32_t local = local_find_alive(e, &op->key);
	uint32_t handle = table_find(&e->peers[op->peer].remote, &e->store, &op->key);

	if (op->tries >= LIMIT_KERNEL_RETRIES || (local && handle && is_same(e, local, handle)))
		return false;
	op->kind = KERNEL_OP_EXPECT_DELETE;
	return true;
}

bool commit_expect_answered(struct engine *e, struct op *op, int err)
{
	struct tally *t = &e->commit.tally;

	if (op->kind == KERNEL_OP_EXPECT_DELETE && (!err || err == ENOENT)) {
		e->ops.unsure = true;
		op->kind = KERNEL_OP_EXPECT_CREATE;
		return true;
	}
	if (op->kind == KERNEL_OP_EXPECT_CREATE && err == EEXIST && replace(e, op))
		return true;
	if (err) {
		kernel_ops_refused(e, t, err);
		t->expect_refused++;
		return false;
	}
	if (written(e, op) && op->tries < LIMIT_KERNEL_RETRIES) {
		op->kind = KERNEL_OP_EXPECT_DELETE;
		return true;
	}
	t->written++;
	t->expect_written++;
	return false;
}
