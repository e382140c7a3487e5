/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/record.h"

#include <errno.h>

#include "base/check.h"
#include "core/former.h"
#include "core/inject.h"
#include "core/inject_list.h"
#include "core/local.h"

enum { ROOM_FOR_AN_OP = 2, TABLES = LIMIT_PEERS };

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

/* ---- the ring ---- */

static uint32_t room(const struct engine *e)
{
	return LIMIT_RECORDS - e->record.count;
}

bool record_has_room(const struct engine *e)
{
	return room(e) >= ROOM_FOR_AN_OP;
}

static void put(struct engine *e, enum engine_record_kind kind, uint64_t hash, uint32_t until_s)
{
	struct record *r = &e->record;

	if (!e->config.keeps_record)
		return;
	/* the last places are for what is written: what is gone may be found to be so later */
	if (r->count == LIMIT_RECORDS || (kind == ENGINE_RECORD_GONE && !record_has_room(e))) {
		engine_count(e, COUNTER_RECORDS_LOST);
		r->again = true;
		return;
	}
	r->ring[(r->head + r->count++) % LIMIT_RECORDS] =
		(struct engine_record){hash, until_s, kind};
}

bool engine_next_record(struct engine *e, struct engine_record *out)
{
	struct record *r = &e->record;

	if (r->count == 0)
		return false;
	*out = r->ring[r->head];
	r->head = (r->head + 1) % LIMIT_RECORDS;
	r->count--;
	return true;
}

bool engine_wants_rewrite(const struct engine *e)
{
	/* what the walk behind a promotion has not come to yet would be written back */
	return e->record.again && !e->take.running;
}

uint32_t record_until(const struct engine *e, int64_t timeout_s)
{
	int64_t until = e->now.ns / NS_PER_SEC + timeout_s;

	return until < UINT32_MAX ? (uint32_t)until : UINT32_MAX - 1;
}

void record_gone(struct engine *e, const struct table_key *k)
{
	put(e, ENGINE_RECORD_GONE, k->hash, 0);
}

void record_unmade(struct engine *e, const struct entry *x, const struct table_key *k)
{
	if (x->flags & REMOTE_INJECTED && !entry_is_expect(x))
		record_gone(e, k);
}

void record_empty(struct engine *e)
{
	e->record.head = e->record.count = 0;
	e->record.rewriting = false;
	put(e, ENGINE_RECORD_EMPTY, 0, 0);
}

void record_again(struct engine *e)
{
	e->record.again = e->config.keeps_record;
}

/* ---- operations ---- */

static bool is_for_peer(const struct op *op)
{
	return op->purpose != OP_PURGE && !op->promote;
}

/* Some peer's entry says that we have made it, or has one of these other flags. */
static bool is_made(const struct engine *e, const struct table_key *k, uint8_t others)
{
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t handle = table_find(&e->peers[i].remote, &e->store, k);

		if (handle && at(e, handle)->flags & (REMOTE_INJECTED | others))
			return true;
	}
	return false;
}

void record_op(struct engine *e, const struct kernel_op *out)
{
	const struct op *op = &e->ops.op[out->id % LIMIT_KERNEL_OPS_IN_FLIGHT];

	if (!e->config.keeps_record ||
		(out->kind != KERNEL_OP_CREATE && out->kind != KERNEL_OP_UPDATE))
		return;
	if (!is_for_peer(op) || op->ending)
		return;
	if (out->kind == KERNEL_OP_UPDATE && !is_made(e, &op->key, 0))
		return;
	put(e, ENGINE_RECORD_WRITTEN, op->key.hash, record_until(e, out->flow.timeout));
}

void record_answer(struct engine *e, const struct op *op, int err)
{
	if (!e->config.keeps_record || !is_for_peer(op))
		return;
	/* what is written again is told already, since it is told before */
	if (op->kind == KERNEL_OP_DELETE && (!err || err == ENOENT) &&
		!is_made(e, &op->key, REMOTE_WRITING))
		record_gone(e, &op->key);
	if (op->kind != KERNEL_OP_CREATE || !err || err == ENOBUFS || err == EIO)
		return; /* an answer that was lost says nothing */
	if (err == EEXIST && is_made(e, &op->key, 0))
		return;
	if (err == EEXIST && inject_has_made(e))
		record_left(e, &op->key);
	else
		record_gone(e, &op->key);
}

/* ---- all of it anew ---- */

/*
 * What has ended for its peer and waits to be deleted is in no table. There is little of it, or it
 * will be less soon.
 */
static bool put_ending(struct engine *e)
{
	uint32_t left = room(e);

	if (e->inject.gone + e->ops.by_purpose[OP_INJECT] > left / 2 ||
		(e->inject.gone > 0 && inject_list_count(e, INJECT_QUEUE) > LIMIT_SWEEP_SLICE))
		return false;
	for (uint32_t i = 0; i < LIMIT_KERNEL_OPS_IN_FLIGHT; i++) {
		const struct op *op = &e->ops.op[i];

		if (op->id && op->purpose == OP_INJECT &&
			(op->ending ? op->kind == KERNEL_OP_DELETE : op->gone != 0))
			put(e, ENGINE_RECORD_WRITTEN, op->key.hash, UINT32_MAX);
	}
	for (uint32_t h = e->inject.gone ? inject_list_head(e, INJECT_QUEUE) : 0; h;
		h = at(e, h)->next)
		if (at(e, h)->dead && at(e, h)->flags & REMOTE_INJECTED &&
			!entry_is_expect(at(e, h)))
			put(e, ENGINE_RECORD_WRITTEN, table_key_at(&e->store, h).hash, UINT32_MAX);
	return true;
}

bool engine_rewrite_begin(struct engine *e)
{
	struct record *r = &e->record;

	/* what the former process left is known when the kernel's table has been read */
	if (former_is_open(e) || e->take.running || !put_ending(e))
		return false;
	r->again = false;
	r->rewriting = true;
	r->peer = 0;
	r->cursor = 0;
	return true;
}

/*
 * When the kernel's entry runs out, or earlier, if packets do not put it forward: it was written
 * with what was told. Of one that is still to be written as it was told last, nobody knows.
 */
static uint32_t until(const struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	int64_t left, least = LIMIT_DEAD_TIMEOUT_S;
	uint32_t told = table_timeout(&e->store, handle, UINT32_MAX);

	if (x->table == TABLE_FORMER)
		return x->seq;
	if (x->list != ENTRY_UNLISTED ||
		x->flags & (REMOTE_WRITING | REMOTE_BEHIND | REMOTE_RENEW | REMOTE_ADOPTED))
		return UINT32_MAX;
	if (told == UINT32_MAX) /* it was written with that much, whenever that was */
		return record_until(e, LIMIT_HOLD_S);
	left = engine_timeout_left(e, x->touched, told);
	if (least < (int64_t)e->config.commit_timeout_s)
		least = (int64_t)e->config.commit_timeout_s;
	return record_until(e, left > least ? left : least);
}

void record_made(struct engine *e, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (x->flags & REMOTE_INJECTED && !entry_is_expect(x))
		put(e, ENGINE_RECORD_WRITTEN, table_key_at(&e->store, handle).hash,
			until(e, handle));
}

void record_left(struct engine *e, const struct table_key *k)
{
	put(e, ENGINE_RECORD_WRITTEN, k->hash, UINT32_MAX);
}

/* A write that is under way counts as done. */
static bool says(const struct engine *e, uint32_t handle, struct engine_record *out)
{
	const struct entry *x = at(e, handle);
	struct table_key k;

	if (entry_is_expect(x) || !(x->flags & (REMOTE_INJECTED | REMOTE_WRITING)))
		return false;
	k = table_key_at(&e->store, handle);
	if (!(x->flags & REMOTE_INJECTED) && (x->flags & REMOTE_ADOPTED || local_find_alive(e, &k)))
		return false;
	*out = (struct engine_record){k.hash, until(e, handle), ENGINE_RECORD_WRITTEN};
	return true;
}

void record_moved(struct engine *e, uint32_t handle)
{
	struct engine_record r;

	if (e->record.rewriting && says(e, handle, &r))
		put(e, ENGINE_RECORD_WRITTEN, r.hash, r.until_s);
}

bool engine_rewrite_next(
	struct engine *e, mono now, struct engine_record *out, size_t max, size_t *count)
{
	struct record *r = &e->record;

	engine_set_now(e, now);
	*count = 0;
	if (!r->rewriting)
		return false;
	for (unsigned n = 0; n < LIMIT_SWEEP_SLICE && *count < max; n++) {
		const struct table *t =
			r->peer < TABLES ? &e->peers[r->peer].remote : &e->former.table;
		uint32_t handle = table_count(t) ? table_next(t, &e->store, &r->cursor) : 0;

		if (handle) {
			*count += says(e, handle, &out[*count]);
			continue;
		}
		if (r->peer == TABLES) {
			r->rewriting = false;
			return false;
		}
		r->peer++;
		r->cursor = 0;
	}
	return true;
}

void record_check(const struct engine *e)
{
	CHECK(e->record.count <= LIMIT_RECORDS && e->record.head < LIMIT_RECORDS);
	CHECK(e->config.keeps_record || (e->record.count == 0 && !e->record.again));
}
