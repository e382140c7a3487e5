/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/engine.h"

#include <string.h>

#include "base/check.h"
#include "core/addr.h"
#include "core/bulk.h"
#include "core/dumper.h"
#include "core/former.h"
#include "core/inject.h"
#include "core/kernel_ops.h"
#include "core/link.h"
#include "core/local.h"
#include "core/pace.h"
#include "core/peer.h"
#include "core/purge.h"
#include "core/queue.h"
#include "core/record.h"
#include "core/refresh.h"
#include "core/relay.h"
#include "core/release.h"
#include "core/remote.h"
#include "core/sender.h"
#include "core/take.h"
#include "core/warm.h"

enum { TABLES = TABLE_FORMER + 1, ALIGN = 4096 };

static size_t aligned(size_t bytes)
{
	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t chunk_bytes(const struct engine_config *c)
{
	return c->chunk_bytes ? c->chunk_bytes : ARENA_CHUNK_BYTES;
}

/* Room for every table full of the largest flows: address space costs nothing. */
static size_t arena_bytes(const struct engine_config *c)
{
	size_t tables =
		TABLES + (c->external_cache_off ||
				 c->standby_warm); /* and what has ended, but not here yet */

	return arena_memory_bytes(
		(size_t)c->flows_max * tables * ARENA_OBJECT_BYTES_MAX, chunk_bytes(c));
}

/* Each of them, and of those whose end was told while they were written. */
static uint32_t ended_max(const struct engine_config *c)
{
	return c->flows_max + LIMIT_KERNEL_OPS_IN_FLIGHT;
}

size_t engine_memory_bytes(const struct engine_config *c)
{
	return aligned(sizeof(struct engine)) + TABLES * aligned(table_memory_bytes(c->flows_max)) +
	       aligned(index_memory_bytes(ended_max(c))) + aligned(arena_bytes(c));
}

struct engine *engine_init(
	void *memory, size_t memory_bytes, const struct engine_config *c, mono now)
{
	struct engine *e = (struct engine *)memory;
	uint8_t *at = (uint8_t *)memory + aligned(sizeof(*e));

	if (memory_bytes < engine_memory_bytes(c))
		return NULL;
	e->config = *c;
	if (e->config.ack_window == 0)
		e->config.ack_window = 1;
	if (e->config.refresh_s == 0)
		e->config.refresh_s = 1;
	if (e->config.cache_timeout_s == 0)
		e->config.cache_timeout_s = 1;
	if (c->links > 0)
		e->config.tells_ended = false;
	if (c->mode != ENGINE_MODE_NOTRACK)
		e->config.internal_cache_off = false;
	if (e->config.internal_cache_off || c->polling)
		e->config.births_unheard = false;
	e->start = e->now = e->refused_next = now;
	e->role = ENGINE_ROLE_BACKUP;
	memcpy(e->store.hash_key, c->hash_key, sizeof(e->store.hash_key));
	for (unsigned i = 0; i < TABLES; i++) {
		table_init(engine_table_of(e, i), at, c->flows_max, (uint8_t)i);
		at += aligned(table_memory_bytes(c->flows_max));
	}
	index_init(&e->inject.ended, at, ended_max(c), true);
	at += aligned(index_memory_bytes(ended_max(c)));
	arena_init(&e->store.arena, at, arena_bytes(c), chunk_bytes(c));
	kernel_ops_init(e);
	warm_init(e);
	e->config.keeps_record = c->keeps_record && e->config.standby_warm;
	e->peers_know_more = true; /* from a former process, until a bulk tells them all */
	dumper_init(e);
	former_init(e);
	link_init(e);
	bulk_init(e);
	pace_init(e);
	refresh_init(e);
	sender_init(e);
	release_init(e);
	return e;
}

void engine_fini(struct engine *e)
{
	arena_fini(&e->store.arena);
}

bool engine_next_ended(struct engine *e, struct flow *f)
{
	static const enum flow_attr borrowed[] = {FLOW_LABELS, FLOW_HELPER_INFO, FLOW_SECCTX};
	uint32_t handle = e->config.tells_ended ? e->queued.head : 0;

	if (!handle)
		return false;
	table_read(&e->store, handle, f);
	for (size_t i = 0; i < ARRAY_SIZE(borrowed); i++)
		flow_mark_unset(f, borrowed[i]);
	local_bury(e, handle);
	return true;
}

void engine_set_timeouts(struct engine *e, uint32_t commit_timeout_s, uint32_t purge_timeout_s)
{
	e->config.commit_timeout_s = commit_timeout_s;
	e->config.purge_timeout_s = purge_timeout_s;
}

void engine_set_warm(struct engine *e, uint32_t warm_age_ms, uint32_t warm_rate)
{
	e->config.warm_age_ms = warm_age_ms;
	warm_set_rate(e, warm_rate);
}

void engine_kernel_events(struct engine *e, mono now, const struct kernel_told *told, size_t count)
{
	struct table_key keys[ENGINE_TOLD_MAX];
	uint32_t handles[ENGINE_TOLD_MAX];

	CHECK(count <= ENGINE_TOLD_MAX);
	engine_set_now(e, now);
	/* short loops, for the processor to have many fetches under way at once */
	for (size_t i = 0; i < count; i++) {
		keys[i] = table_key_of(&e->store, &told[i].flow);
		table_fetch_slot(&e->local, &keys[i]);
	}
	for (size_t i = 0; i < count; i++)
		handles[i] = table_fetch_entry(&e->local, &e->store, &keys[i]);
	for (size_t i = 0; i < count; i++)
		if (handles[i])
			entry_fetch_neighbours(&e->store, handles[i]);
	for (size_t i = 0; i < count; i++)
		local_event(e, told[i].kind, &told[i].flow, &keys[i]);
}

void engine_kernel_event(struct engine *e, mono now, enum kernel_event kind, const struct flow *f)
{
	struct table_key k;

	engine_set_now(e, now);
	switch (kind) {
	case KERNEL_EVENT_NEW:
	case KERNEL_EVENT_UPDATE:
	case KERNEL_EVENT_DESTROY:
		k = table_key_of(&e->store, f);
		local_event(e, kind, f, &k);
		break;
	case KERNEL_DUMP_BEGIN:
		dumper_begin(e);
		break;
	case KERNEL_DUMP_FLOW:
		dumper_flow(e, f);
		break;
	case KERNEL_DUMP_END:
		dumper_end(e);
		break;
	case KERNEL_DUMP_ABORT:
		dumper_abort(e);
		break;
	}
}

void engine_overrun(struct engine *e, mono now)
{
	engine_set_now(e, now);
	dumper_overrun(e);
}

/* What is wrong with a message has its counter; the rest of the datagram goes on. */
static void count_bad(struct engine *e, enum wire_v1_result r)
{
	switch (r) {
	case WIRE_V1_TRUNCATED:
		engine_count(e, COUNTER_BAD_TRUNCATED);
		break;
	case WIRE_V1_BAD_SIZE:
		engine_count(e, COUNTER_BAD_SIZE);
		break;
	case WIRE_V1_BAD_VERSION:
		engine_count(e, COUNTER_BAD_VERSION);
		break;
	case WIRE_V1_BAD_HEADER:
		engine_count(e, COUNTER_BAD_HEADER);
		break;
	case WIRE_V1_BAD_PAYLOAD:
		engine_count(e, COUNTER_BAD_PAYLOAD);
		break;
	case WIRE_V1_OK:
	case WIRE_V1_END:
	case WIRE_V1_RESULTS:
		break;
	}
}

/* ALARM and NOTRACK have fewer words than FTFW: true if it is one of them. */
static bool is_of_mode(struct engine *e, const struct wire_v1_message *m)
{
	if (e->config.mode == ENGINE_MODE_ALARM && m->flags) {
		engine_count(e, COUNTER_IGNORED);
		return false;
	}
	if (e->config.mode == ENGINE_MODE_NOTRACK && m->flags & (WIRE_V1_ACK | WIRE_V1_NACK)) {
		engine_count(e, COUNTER_BAD_HEADER);
		return false;
	}
	return true;
}

void engine_datagram(struct engine *e, mono now, unsigned link, const struct engine_addr *from,
	const uint8_t *data, size_t len)
{
	struct rbuf r = rbuf_of(data, len);
	struct wire_v1_message m;
	struct peer *p = NULL;
	enum wire_v1_result result;

	CHECK(link < (e->config.links ? e->config.links : 1));
	engine_set_now(e, now);
	engine_count(e, COUNTER_RECEIVED_DATAGRAMS);
	e->counters[COUNTER_RECEIVED_BYTES] += len;
	while ((result = wire_v1_next(&r, &m)) != WIRE_V1_END) {
		if (result != WIRE_V1_OK) {
			count_bad(e, result);
			continue;
		}
		if (!engine_acknowledges(e) && !is_of_mode(e, &m))
			continue;
		if (!p)
			p = peer_get(e, link, from, &m);
		if (!p)
			return;
		if (!peer_message(e, p, &m)) {
			if (link != p->link)
				addr_late(e, p, link);
			continue;
		}
		if (link != p->link)
			addr_moved(p, link);
		if (link != e->links.current)
			link_follow(e, link);
	}
	remote_settle(e);
}

void engine_tick(struct engine *e, mono now)
{
	engine_set_now(e, now);
	dumper_tick(e);
	for (unsigned i = 0; i < e->peers_count; i++) {
		peer_tick(e, &e->peers[i]);
		remote_tick(e, &e->peers[i]);
	}
	queue_release(e);
	bulk_tick(e);
	pace_tick(e);
	purge_tick(e);
	inject_tick(e);
	take_tick(e);
	former_tick(e);
	refresh_tick(e);
	relay_tick(e);
	sender_tick(e);
	release_tick(e);
}

mono engine_deadline(const struct engine *e)
{
	mono at = mono_min(dumper_deadline(e), sender_deadline(e));

	at = mono_min(at, mono_min(bulk_deadline(e), purge_deadline(e)));
	at = mono_min(at, pace_deadline(e));
	at = mono_min(at, mono_min(inject_deadline(e), take_deadline(e)));
	at = mono_min(at, release_deadline(e));
	at = mono_min(at, mono_min(queue_deadline(e), former_deadline(e)));
	at = mono_min(at, mono_min(refresh_deadline(e), relay_deadline(e)));
	for (unsigned i = 0; i < e->peers_count; i++)
		at = mono_min(at,
			mono_min(peer_deadline(e, &e->peers[i]), remote_deadline(e, &e->peers[i])));
	if (e->commit.more)
		at = e->now;
	return at;
}

void engine_check(const struct engine *e)
{
	uint64_t entries = table_count(&e->local);

	arena_check(&e->store.arena);
	table_check(&e->local, &e->store);
	local_check(e);
	bulk_check(e);
	pace_check(e);
	sender_check(e);
	kernel_ops_check(e);
	CHECK(e->peers_count <= LIMIT_PEERS);
	for (unsigned i = 0; i < e->peers_count; i++) {
		table_check(&e->peers[i].remote, &e->store);
		remote_check(e, &e->peers[i]);
		peer_check(e, &e->peers[i]);
		entries += table_count(&e->peers[i].remote);
	}
	inject_check(e);
	take_check(e);
	former_check(e);
	record_check(e);
	entries += table_count(&e->former.table);
	CHECK(entries + e->inject.gone == e->store.arena.objects);
	CHECK(!e->commit.running || !e->purge.running);
}
