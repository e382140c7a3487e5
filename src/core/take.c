/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/take.h"

#include "base/check.h"
#include "core/bulk.h"
#include "core/commit_flow.h"
#include "core/dumper.h"
#include "core/expect.h"
#include "core/inject.h"
#include "core/local.h"
#include "core/record.h"
#include "core/remote.h"
#include "core/warm.h"

static struct entry *at(const struct engine *e, uint32_t handle)
{
	return entry_at(&e->store, handle);
}

void take_start(struct engine *e)
{
	e->take = (struct take){.running = true};
}

void take_stop(struct engine *e)
{
	e->take.running = false;
}

/* As it was written: with what is left of its timeout. */
static void keep_flow(struct engine *e, const struct table_key *k, uint32_t handle)
{
	const struct entry *x = at(e, handle);
	int64_t left = LIMIT_DEAD_TIMEOUT_S;
	struct flow f;

	table_read(&e->store, handle, &f);
	if (flow_has(&f, FLOW_TIMEOUT))
		left = engine_timeout_left(e, x->touched, f.timeout);
	f.timeout = (uint32_t)(left < LIMIT_DEAD_TIMEOUT_S ? LIMIT_DEAD_TIMEOUT_S : left);
	flow_mark_set(&f, FLOW_TIMEOUT);
	/* whether it is as it was made or has been updated since is not known; the dump will tell
	 */
	commit_flow_updated(&f, NULL);
	local_written(e, k, &f, true);
}

static void keep_expect(struct engine *e, const struct table_key *k, uint32_t handle)
{
	struct expect x;

	table_read_expect(&e->store, handle, &x);
	if (expect_has(&x, EXPECT_TIMEOUT)) {
		int64_t left = engine_timeout_left(e, at(e, handle)->touched, x.timeout);

		x.timeout = left > 0 ? (uint32_t)left : 1;
	}
	expect_written(e, k, &x);
}

/* Peers tell it in different ways: that of the others is no better known when this one has gone. */
static bool is_disputed(struct engine *e, const struct table_key *k, uint32_t handle)
{
	if (e->peers_count < 2 || !warm_is_told_otherwise(e, k, handle))
		return false;
	for (unsigned i = 0; i < e->peers_count; i++) {
		uint32_t other = 0;

		if (table_count(&e->peers[i].remote) > 0)
			other = table_find(&e->peers[i].remote, &e->store, k);
		if (other)
			at(e, other)->flags |= REMOTE_BEHIND;
	}
	return true;
}

/* What the kernel had before we wrote to it, and whose word of two it has, the dump has to tell. */
static void keep(struct engine *e, uint32_t handle)
{
	struct table_key k = table_key_at(&e->store, handle);

	/* first, since it is the others' matter also where this one's word is not kept */
	if (is_disputed(e, &k, handle) || !(at(e, handle)->flags & REMOTE_INJECTED) ||
		at(e, handle)->flags & REMOTE_BEHIND || local_find_alive(e, &k))
		return;
	engine_count(e, COUNTER_TAKEN);
	if (entry_is_expect(at(e, handle)))
		keep_expect(e, &k, handle);
	else
		keep_flow(e, &k, handle);
}

/*
 * What hangs on a chain is told, but not written as it was told: it stays the peer's until it is,
 * and what our kernel has of it is ours when the dump has told what that is.
 */
bool take_reach(struct engine *e, struct peer *p, uint32_t handle)
{
	const struct entry *x = at(e, handle);

	if (!e->take.running || x->flags & REMOTE_WRITING || x->list != ENTRY_UNLISTED)
		return false;
	keep(e, handle);
	remote_remove(e, p, handle);
	return true;
}

void take_reach_key(struct engine *e, const struct table_key *k)
{
	for (unsigned i = 0; e->take.running && i < e->peers_count; i++) {
		uint32_t handle = 0;

		if (table_count(&e->peers[i].remote) > 0)
			handle = table_find(&e->peers[i].remote, &e->store, k);
		if (handle)
			take_reach(e, &e->peers[i], handle);
	}
}

/*
 * The dump learns what the kernel has made of what was written, and takes what was not known well
 * enough to be moved. Then peers have a bulk of all.
 */
static void end(struct engine *e)
{
	e->take.running = false;
	record_again(e); /* of what is not ours */
	dumper_doubt(e);
	bulk_want(e);
}

static bool step(struct engine *e)
{
	struct take *t = &e->take;

	for (unsigned n = 0; n < LIMIT_TAKE_SLICE; n++) {
		struct peer *p = &e->peers[t->peer];
		uint32_t handle;

		if (t->peer >= e->peers_count)
			return true;
		handle = table_next(&p->remote, &e->store, &t->cursor);
		if (handle) {
			take_reach(e, p, handle);
		} else {
			t->peer++;
			t->cursor = 0;
		}
	}
	return false;
}

void take_finish(struct engine *e)
{
	if (!e->take.running)
		return;
	while (!step(e))
		;
	end(e);
}

/* The difference comes first: somebody waits for it. */
void take_tick(struct engine *e)
{
	if (e->take.running && !e->commit.running && step(e))
		end(e);
}

mono take_deadline(const struct engine *e)
{
	return e->take.running && !e->commit.running ? e->now : MONO_NEVER;
}

void take_check(const struct engine *e)
{
	CHECK(!e->take.running || (e->config.standby_warm && e->role == ENGINE_ROLE_PRIMARY));
}
