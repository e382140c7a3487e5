/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/names.h"
#include "daemon/reply.h"

static json_t *peer_object(const struct engine_peer_status *peer)
{
	char addr[NAME_ADDR_BYTES];

	return json_pack("{s:s, s:s, s:b, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "address",
		name_addr(&peer->addr, addr), "sync", name_sync(peer->sync), "in_sync",
		peer->sync == ENGINE_SYNCED, "why", explain_sync(peer->sync), "ctsync",
		peer->is_ctsync, "flows", (json_int_t)peer->flows, "bulk_flows",
		(json_int_t)peer->bulk_flows, "bulk_total", (json_int_t)peer->bulk_total, "unacked",
		(json_int_t)peer->unacked, "lost", (json_int_t)peer->lost, "heard_ago_ms",
		(json_int_t)peer->heard_ago_ms);
}

/*
 * An address that was heard once, is silent and holds nothing here (a node that was renumbered, a
 * stray datagram) does not count while another peer is in step.
 */
static bool all_in_sync(const struct engine_status *status)
{
	unsigned synced = 0, behind = 0;

	for (unsigned i = 0; i < status->peers_count; i++) {
		const struct engine_peer_status *peer = &status->peers[i];

		if (peer->sync == ENGINE_SYNCED)
			synced++;
		else if (peer->sync == ENGINE_SYNC_SILENT && peer->flows == 0)
			continue;
		else
			behind++;
	}
	return status->kernel_synced && synced > 0 && behind == 0;
}

json_t *reply_status(const struct engine_status *status, const struct config *config)
{
	const char *purpose = config->purpose == CONFIG_STATS ? "stats" : "sync";
	const char *standby = config->sync.standby_warm ? "warm" : "cold";
	bool internal_cache = !config->sync.disable_internal_cache;
	json_t *peers = json_array();
	bool in_sync = all_in_sync(status);

	for (unsigned i = 0; i < status->peers_count; i++)
		json_array_append_new(peers, peer_object(&status->peers[i]));
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:I, s:b, s:I, s:I, s:I, "
			 "s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"purpose", purpose, "role", name_role(status->role), "in_sync", in_sync,
		"kernel_synced", status->kernel_synced, "committing", status->committing,
		"purge_scheduled", status->purge_scheduled, "purge_in_ms",
		(json_int_t)status->purge_in_ms, "internal_cache", internal_cache, "local_flows",
		(json_int_t)status->local_flows, "local_silent", (json_int_t)status->local_silent,
		"remote_flows", (json_int_t)status->remote_flows, "standby_table", standby,
		"warm_flows", (json_int_t)status->warm_flows, "warm_unsettled",
		(json_int_t)status->warm_unsettled, "warm_behind_ms",
		(json_int_t)status->warm_behind_ms, "former_flows",
		(json_int_t)status->former_flows, "tombstones", (json_int_t)status->tombstones,
		"send_queue", (json_int_t)status->send_queue, "memory_bytes",
		(json_int_t)status->memory_bytes, "peers", peers);
}

json_t *reply_counters(const uint64_t counters[COUNTERS])
{
	json_t *object = json_object();

	for (unsigned i = 0; i < COUNTERS; i++)
		json_object_set_new(
			object, counter_info[i].name, json_integer((json_int_t)counters[i]));
	return object;
}

json_t *reply_done(const struct engine_event *event)
{
	json_t *errnos = json_object();

	for (unsigned i = 0; i < ENGINE_ERRNOS_MAX && event->errnos[i].count; i++)
		json_object_set_new(errnos, name_errno(event->errnos[i].err),
			json_integer((json_int_t)event->errnos[i].count));
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o}", "command",
		name_command(event->command), "outcome", name_outcome(event->outcome), "written",
		(json_int_t)event->written, "refused", (json_int_t)event->refused, "skipped",
		(json_int_t)event->skipped, "took_ms", (double)event->took_ns / 1e6, "errnos",
		errnos);
}
