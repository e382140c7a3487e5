/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/view.h"

#include <string.h>

#include "core/inject.h"
#include "core/local.h"
#include "core/peer.h"
#include "core/remote.h"
#include "core/warm.h"

/*
 * ALIVE and ACK come each second, so that hardly a moment passes without one of them on its way:
 * what stands behind the last word that means something does not count.
 */
static uint64_t unacked(const struct engine *e, const struct peer *p)
{
	uint32_t acked = p->acked_set ? p->acked : e->sender.first_seq - 1;

	if (!engine_acknowledges(e) || !wire_v1_seq_before(acked, e->sender.said_seq))
		return 0;
	return e->sender.said_seq - acked;
}

static void view_peer(
	const struct engine *e, const struct peer *p, mono now, struct engine_peer_status *out)
{
	out->addr = p->addr;
	out->sync = peer_sync(e, p, now);
	out->is_ctsync = p->is_ctsync;
	out->flows = remote_flows(p);
	out->expectations = remote_expects(p);
	out->bulk_flows = p->bulk_open ? p->bulk_flows : 0;
	out->bulk_total = p->bulk_open ? p->bulk_total : 0;
	out->link = p->link;
	out->unacked = unacked(e, p);
	out->lost = p->lost;
	out->heard_ago_ms = mono_diff_ms(now, p->heard);
}

void engine_get_status(const struct engine *e, mono now, struct engine_status *out)
{
	memset(out, 0, sizeof(*out));
	out->mode = e->config.mode;
	out->role = e->role;
	out->link_usable = engine_current_link(e, &out->link);
	out->kernel_synced = e->kernel_synced;
	out->committing = e->commit.running;
	out->purge_scheduled = e->purge.scheduled;
	if (e->purge.scheduled)
		out->purge_in_ms = mono_diff_ms(e->purge.at, now);
	out->local_flows = local_flows(e);
	out->local_silent = e->local_silent;
	out->local_expectations = local_expects(e);
	out->tombstones = e->tombs;
	out->send_queue = (uint64_t)e->queued.count + e->held.count + e->repairs.count;
	out->inject_queue = inject_waiting(e) + e->ops.by_purpose[OP_INJECT];
	out->control_queue = e->sender.queue_count;
	out->control_kept = e->sender.sent_count;
	out->memory_bytes =
		arena_touched_bytes(&e->store.arena) + index_touched_bytes(&e->local.index);
	out->former_flows = table_count(&e->former.table);
	out->peers_count = e->peers_count;
	for (unsigned i = 0; i < e->peers_count; i++) {
		view_peer(e, &e->peers[i], now, &out->peers[i]);
		out->remote_flows += out->peers[i].flows;
		out->remote_expectations += out->peers[i].expectations;
		out->memory_bytes += index_touched_bytes(&e->peers[i].remote.index);
	}
	warm_get_status(e, now, out);
}

const uint64_t *engine_counters(const struct engine *e)
{
	return e->counters;
}

uint32_t view_timeout_left(const struct engine *e, mono now, uint32_t handle, uint32_t timeout)
{
	const struct entry *x = entry_at(&e->store, handle);
	int64_t age_ms = mono_diff_ms(now, e->start) - (int64_t)x->touched * 100;

	if (age_ms <= 0)
		return timeout;
	return age_ms / 1000 < timeout ? timeout - (uint32_t)(age_ms / 1000) : 0;
}

int64_t view_expires_ms(const struct engine *e, mono now, uint32_t handle)
{
	const struct entry *x = entry_at(&e->store, handle);
	int64_t left_ms = (int64_t)e->config.cache_timeout_s * 1000 + (int64_t)x->touched * 100 -
			  mono_diff_ms(now, e->start);

	if (!x->table || e->config.mode != ENGINE_MODE_ALARM)
		return -1;
	return left_ms > 0 ? left_ms : 0;
}

static void view_flow(
	const struct engine *e, mono now, uint32_t handle, struct engine_flow_view *out)
{
	const struct entry *x = entry_at(&e->store, handle);

	table_read(&e->store, handle, &out->flow);
	if (flow_has(&out->flow, FLOW_TIMEOUT))
		out->flow.timeout = view_timeout_left(e, now, handle, out->flow.timeout);
	out->peer = x->table ? x->table - 1U : 0;
	out->silent = x->table == TABLE_LOCAL && x->flags & ENTRY_SILENT;
	out->age_ms = mono_diff_ms(now, e->start) - (int64_t)x->born * 100;
	out->expires_ms = view_expires_ms(e, now, handle);
}

/*
 * A cursor is an index's cursor with the peer's number in its four lowest bits. Those count only
 * where two hashes have the same upper half, so that what is rounded off is never met.
 */
uint32_t view_next(const struct engine *e, enum engine_table table, bool expects, uint64_t *cursor)
{
	const uint64_t peer_mask = 15;

	for (;;) {
		unsigned peer = (unsigned)(*cursor & peer_mask);
		uint64_t at = *cursor & ~peer_mask;
		const struct table *t = &e->local;
		uint32_t handle;

		if (table == ENGINE_TABLE_REMOTE) {
			if (peer >= e->peers_count)
				return 0;
			t = &e->peers[peer].remote;
		}
		handle = expects && t->expects == 0 ? 0 : table_next(t, &e->store, &at);
		if (handle) {
			*cursor = ((at + peer_mask) & ~peer_mask) | peer;
			if (entry_at(&e->store, handle)->dead ||
				entry_is_expect(entry_at(&e->store, handle)) != expects)
				continue;
			return handle;
		}
		if (table == ENGINE_TABLE_LOCAL)
			return 0;
		*cursor = peer + 1;
	}
}

bool engine_show_next(const struct engine *e, mono now, enum engine_table table, uint64_t *cursor,
	struct engine_flow_view *out)
{
	uint32_t handle = view_next(e, table, false, cursor);

	if (handle)
		view_flow(e, now, handle, out);
	return handle != 0;
}

bool engine_find(const struct engine *e, enum engine_table table, const struct flow *key,
	struct engine_flow_view *out)
{
	struct table_key k = table_key_of(&e->store, key);
	uint32_t handle = 0;

	if (!k.len)
		return false;
	if (table == ENGINE_TABLE_LOCAL)
		handle = table_find(&e->local, &e->store, &k);
	for (unsigned i = 0; table == ENGINE_TABLE_REMOTE && !handle && i < e->peers_count; i++)
		handle = table_find(&e->peers[i].remote, &e->store, &k);
	if (!handle || entry_at(&e->store, handle)->dead)
		return false;
	view_flow(e, e->now, handle, out);
	return true;
}
