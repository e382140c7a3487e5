/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/command.h"

#include <string.h>

#include "core/bulk.h"
#include "core/commit.h"
#include "core/dumper.h"
#include "core/event.h"
#include "core/inject.h"
#include "core/peer.h"
#include "core/purge.h"
#include "core/relay.h"
#include "core/repair.h"
#include "core/sender.h"
#include "core/take.h"

static void done(struct engine *e, const struct engine_command *c, mono began,
	enum engine_outcome outcome, const struct tally *t)
{
	struct engine_event event = {
		.kind = ENGINE_EVENT_DONE,
		.role = e->role,
		.command_id = c->id,
		.command = c->kind,
		.outcome = outcome,
		.took_ns = mono_diff_ns(e->now, began),
	};

	if (t) {
		event.written = t->written;
		event.refused = t->refused;
		event.skipped = t->skipped;
		event.expect_written = t->expect_written;
		event.expect_refused = t->expect_refused;
		for (unsigned i = 0; i < ENGINE_ERRNOS_MAX; i++) {
			event.errnos[i].err = t->errnos[i].err;
			event.errnos[i].count = t->errnos[i].count;
		}
	}
	event_put(e, &event);
}

static void done_now(struct engine *e, const struct engine_command *c, enum engine_outcome outcome)
{
	if (outcome == ENGINE_BUSY)
		engine_count(e, COUNTER_COMMANDS_REFUSED);
	done(e, c, e->now, outcome, NULL);
}

static void slot_done(struct engine *e, struct command_slot *s, enum engine_outcome outcome,
	const struct tally *t)
{
	struct engine_command c = {.kind = s->kind, .id = s->id};

	s->used = false;
	done(e, &c, s->began, outcome, t);
}

static void all_done(struct engine *e, enum engine_command_kind kind, mono asked_until,
	enum engine_outcome outcome, const struct tally *t)
{
	for (unsigned i = 0; i < LIMIT_COMMANDS; i++) {
		struct command_slot *s = &e->commands[i];

		if (s->used && s->kind == kind && !mono_before(asked_until, s->began))
			slot_done(e, s, outcome, t);
	}
}

void command_committed(struct engine *e, enum engine_outcome outcome, const struct tally *t)
{
	all_done(e, ENGINE_COMMIT, MONO_NEVER, outcome, t);
	all_done(e, ENGINE_PROMOTE, MONO_NEVER, outcome, t);
}

void command_purged(struct engine *e, enum engine_outcome outcome, const struct tally *t)
{
	all_done(e, ENGINE_PURGE, MONO_NEVER, outcome, t);
}

void command_dumped(struct engine *e, mono began)
{
	all_done(e, ENGINE_RESYNC_KERNEL, began, ENGINE_OK, NULL);
}

void command_bulk_sent(struct engine *e)
{
	all_done(e, ENGINE_BULK, e->bulk.began, ENGINE_OK, NULL);
}

static void set_role(struct engine *e, enum engine_role role)
{
	struct engine_event event = {.kind = ENGINE_EVENT_ROLE, .role = role};

	if (e->role == role)
		return;
	e->role = role;
	event_put(e, &event);
}

/* Not the active node any more. */
static void step_down(struct engine *e, enum engine_role role)
{
	set_role(e, role);
	commit_cancel(e);
	take_stop(e);
	inject_disown(e);
	if (!e->was_active)
		return;
	inject_stand_down(e);
	purge_schedule(e);
}

/* Frees a table's entries one by one, O(entries), unless the whole store is emptied after it. */
static void empty(struct engine *e, struct table *t, bool alone)
{
	uint64_t cursor = 0;
	uint32_t handle;

	while (alone && (handle = table_next(t, &e->store, &cursor)) != 0)
		table_remove(t, &e->store, handle);
	table_reset(t);
}

static void flush_local(struct engine *e, bool alone)
{
	all_done(e, ENGINE_BULK, MONO_NEVER, ENGINE_CANCELLED, NULL);
	empty(e, &e->local, alone);
	memset(&e->queued, 0, sizeof(e->queued));
	memset(&e->held, 0, sizeof(e->held));
	memset(&e->repairs, 0, sizeof(e->repairs));
	memset(&e->sent, 0, sizeof(e->sent));
	memset(&e->tomb, 0, sizeof(e->tomb));
	e->local_silent = 0;
	e->peers_know_more = true;
	e->dead = e->dead_expects = e->tombs = 0;
	/*
	 * An end mark would now sweep the peers' copies. What ends from here on is not told, so
	 * that they need a bulk when the kernel has been read again.
	 */
	e->bulk.state = BULK_WANTED;
	e->bulk.again = e->bulk.end_again = e->bulk.known = false;
	repair_flushed(e);
	relay_flushed(e);
	dumper_flushed(e);
}

static void flush_remote(struct engine *e, bool alone)
{
	inject_flushed(e);
	for (unsigned i = 0; i < e->peers_count; i++) {
		struct peer *p = &e->peers[i];

		empty(e, &p->remote, alone);
		p->sweeping = p->unconfirmed = p->hold = false;
		p->bulk_open = p->synced = false;
	}
}

/*
 * With external_cache_off, what is in the kernel belongs to whom the tables say. An operator who
 * empties both says that it is ours, and the dump that follows takes all; the record of what was
 * written for peers alone being gone, it is not known.
 */
static void flush(struct engine *e, enum engine_tables tables)
{
	take_finish(e);
	switch (tables) {
	case ENGINE_TABLES_ALL:
		purge_unschedule(e);
		flush_remote(e, false);
		flush_local(e, false);
		arena_reset(&e->store.arena);
		if (engine_injects(e))
			inject_own(e);
		break;
	case ENGINE_TABLES_LOCAL:
		purge_unschedule(e);
		flush_local(e, true);
		if (engine_injects(e))
			dumper_want(e);
		break;
	case ENGINE_TABLES_REMOTE:
		flush_remote(e, true);
		inject_disown(e);
		break;
	}
}

/* Keeps the command until its end; the caller has started what it asks for. */
static struct command_slot *keep(struct engine *e, const struct engine_command *c)
{
	bool writes = c->kind == ENGINE_COMMIT || c->kind == ENGINE_PROMOTE;
	unsigned count = writes ? LIMIT_COMMANDS : LIMIT_COMMANDS - LIMIT_COMMANDS_SPARE;

	/* a bulk ends when a link can take it: such commands must not stand in a takeover's way */
	for (unsigned i = 0; i < count; i++) {
		struct command_slot *s = &e->commands[i];

		if (s->used)
			continue;
		*s = (struct command_slot){true, c->kind, c->id, e->now};
		return s;
	}
	return NULL;
}

static void promote(struct engine *e)
{
	set_role(e, ENGINE_ROLE_PRIMARY);
	e->was_active = true;
	purge_cancel(e);
	if (engine_injects(e))
		inject_own(e);
	if (e->commit.running && e->commit.promote)
		return;
	if (e->config.standby_warm)
		take_start(e);
	commit_start(e, true, ENGINE_SCOPE_ALL);
}

static bool is_busy(const struct engine *e, const struct engine_command *c)
{
	if (c->kind == ENGINE_FLUSH && c->tables == ENGINE_TABLES_LOCAL)
		return false;
	if (c->kind == ENGINE_COMMIT || c->kind == ENGINE_FLUSH || c->kind == ENGINE_PURGE)
		return e->commit.running;
	return false;
}

/* Commands that have their end at once. */
static bool at_once(struct engine *e, const struct engine_command *c)
{
	switch (c->kind) {
	case ENGINE_DEMOTE:
		step_down(e, ENGINE_ROLE_BACKUP);
		peer_ask_all(e);
		return true;
	case ENGINE_FAULT:
		step_down(e, ENGINE_ROLE_FAULT);
		return true;
	case ENGINE_FLUSH:
		flush(e, c->tables);
		return true;
	case ENGINE_RESYNC_PEERS:
		peer_ask_all(e);
		return true;
	case ENGINE_PURGE_LATER:
		inject_stand_down(e);
		purge_schedule(e);
		return true;
	case ENGINE_BULK:
		return e->config.links == 0;
	case ENGINE_COMMIT:
	case ENGINE_PROMOTE:
	case ENGINE_RESYNC_KERNEL:
	case ENGINE_PURGE:
		return false;
	}
	return false;
}

static void start(struct engine *e, const struct engine_command *c)
{
	switch (c->kind) {
	case ENGINE_COMMIT:
		purge_cancel(e);
		commit_start(e, false, c->scope);
		break;
	case ENGINE_PROMOTE:
		promote(e);
		break;
	case ENGINE_RESYNC_KERNEL:
		dumper_want(e);
		break;
	case ENGINE_BULK:
		if (!e->dump.complete) /* flushed: nothing would end the wait for a whole table */
			dumper_want(e);
		bulk_want(e);
		break;
	case ENGINE_PURGE:
		purge_start(e, false, c->scope);
		break;
	case ENGINE_DEMOTE:
	case ENGINE_FAULT:
	case ENGINE_FLUSH:
	case ENGINE_RESYNC_PEERS:
	case ENGINE_PURGE_LATER:
		break;
	}
}

void engine_command(struct engine *e, mono now, const struct engine_command *c)
{
	engine_set_now(e, now);
	if (is_busy(e, c)) {
		done_now(e, c, ENGINE_BUSY);
		return;
	}
	if (at_once(e, c)) {
		done_now(e, c, ENGINE_OK);
		return;
	}
	if (!keep(e, c)) {
		done_now(e, c, ENGINE_BUSY);
		return;
	}
	start(e, c);
}
