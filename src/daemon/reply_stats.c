/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reply_stats.h"

#include <string.h>

#include "daemon/names.h"
#include "daemon/reply.h"

/* An object's members, a line each; jansson gives NULL on and on once memory is short. */
static void put(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static uint64_t engine(const struct figures *f, enum counter c)
{
	return f->engine[c];
}

/* ---- network ---- */

static json_t *malformed(const struct figures *f)
{
	static const struct {
		const char *name;
		enum counter counter;
	} reasons[] = {
		{"version", COUNTER_BAD_VERSION},
		{"header", COUNTER_BAD_HEADER},
		{"payload", COUNTER_BAD_PAYLOAD},
		{"truncated", COUNTER_BAD_TRUNCATED},
		{"size", COUNTER_BAD_SIZE},
	};
	json_t *object = json_object();
	uint64_t total = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		total += engine(f, reasons[i].counter);
	put(object, "total", total);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		put(object, reasons[i].name, engine(f, reasons[i].counter));
	return object;
}

static json_t *sequence(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "lost", engine(f, COUNTER_LOST));
	put(object, "before", engine(f, COUNTER_BEFORE));
	put(object, "nacks_sent", engine(f, COUNTER_NACKS_SENT));
	put(object, "nacks_received", engine(f, COUNTER_NACKS_RECEIVED));
	put(object, "resent", engine(f, COUNTER_RESENT));
	put(object, "resyncs_asked", engine(f, COUNTER_RESYNCS_ASKED));
	put(object, "resyncs_received", engine(f, COUNTER_RESYNCS_RECEIVED));
	put(object, "bulks_sent", engine(f, COUNTER_BULKS_SENT));
	return object;
}

static json_t *messages(const struct figures *f, bool sent)
{
	json_t *object = json_object();

	put(object, "datagrams",
		engine(f, sent ? COUNTER_SENT_DATAGRAMS : COUNTER_RECEIVED_DATAGRAMS));
	put(object, "bytes", engine(f, sent ? COUNTER_SENT_BYTES : COUNTER_RECEIVED_BYTES));
	put(object, "flows", engine(f, sent ? COUNTER_SENT_FLOWS : COUNTER_RECEIVED_FLOWS));
	put(object, "expectations",
		engine(f, sent ? COUNTER_SENT_EXPECTATIONS : COUNTER_RECEIVED_EXPECTATIONS));
	put(object, "control", engine(f, sent ? COUNTER_SENT_CONTROL : COUNTER_RECEIVED_CONTROL));
	return object;
}

static const char *link_state(const struct figures_link *l)
{
	return !l->exists ? "gone" : !l->up ? "down" : !l->running ? "no carrier" : "running";
}

static json_t *link_object(const struct figures_link *l)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(config_transport_name(l->transport)));
	json_object_set_new(object, "interface", json_string(l->interface));
	json_object_set_new(object, "status", json_string(link_state(l)));
	json_object_set_new(object, "role", json_string(l->current ? "active" : "backup"));
	if (l->transport == CONFIG_TCP) {
		json_object_set_new(object, "connected_in", json_boolean(l->connected_in));
		json_object_set_new(object, "connected_out", json_boolean(l->connected_out));
	}
	put(object, "mtu", l->mtu);
	put(object, "sent", l->stats.sent);
	put(object, "sent_bytes", l->stats.sent_bytes);
	put(object, "send_errors", l->stats.send_errors);
	put(object, "received", l->stats.received);
	put(object, "received_bytes", l->stats.received_bytes);
	put(object, "receive_errors", l->stats.receive_errors);
	put(object, "wrong_interface", l->stats.wrong_interface);
	put(object, "wrong_source", l->stats.wrong_source);
	return object;
}

static json_t *links_array(const struct figures *f)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < f->links_count; i++)
		json_array_append_new(array, link_object(&f->links[i]));
	return array;
}

static json_t *group_network(const struct figures *f)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "sent", messages(f, true), "received",
		messages(f, false), "malformed", malformed(f), "sequence", sequence(f), "links",
		links_array(f));
}

static json_t *group_link(const struct figures *f)
{
	return json_pack("{s:i, s:b, s:o}", "current", (int)f->status.link, "usable",
		f->status.link_usable, "links", links_array(f));
}

/* ---- cache, expect ---- */

/* What was made and is not there has gone: ended, swept, flushed. */
static json_t *table_object(uint64_t entries, uint64_t created, uint64_t updated, uint64_t full)
{
	json_t *object = json_object();

	put(object, "entries", entries);
	put(object, "created", created);
	put(object, "updated", updated);
	put(object, "destroyed", created > entries ? created - entries : 0);
	put(object, "refused_full", full);
	return object;
}

/* What peers told and went into the kernel at once: DisableExternalCache. */
static json_t *injected(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "created", engine(f, COUNTER_INJECT_CREATED));
	put(object, "create_refused", engine(f, COUNTER_INJECT_CREATE_REFUSED));
	put(object, "updated", engine(f, COUNTER_INJECT_UPDATED));
	put(object, "update_refused", engine(f, COUNTER_INJECT_UPDATE_REFUSED));
	put(object, "destroyed", engine(f, COUNTER_INJECT_DELETED));
	put(object, "destroy_refused", engine(f, COUNTER_INJECT_DELETE_REFUSED));
	return object;
}

static json_t *traffic(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "bytes", engine(f, COUNTER_ENDED_BYTES));
	put(object, "packets", engine(f, COUNTER_ENDED_PACKETS));
	return object;
}

static json_t *group_cache(const struct figures *f)
{
	const struct engine_status *s = &f->status;
	json_t *object = json_pack("{s:o, s:o}", "local",
		table_object(s->local_flows, engine(f, COUNTER_LOCAL_CREATED),
			engine(f, COUNTER_LOCAL_UPDATED), engine(f, COUNTER_LOCAL_FULL)),
		"remote",
		table_object(s->remote_flows, engine(f, COUNTER_REMOTE_CREATED),
			engine(f, COUNTER_REMOTE_UPDATED), engine(f, COUNTER_REMOTE_FULL)));

	put(json_object_get(object, "local"), "ended", s->tombstones);
	put(object, "entries_max", f->config->general.hash_limit);
	put(object, "refused_memory", engine(f, COUNTER_MEMORY_FULL));
	put(object, "silent", s->local_silent);
	json_object_set_new(object, "injected", injected(f));
	json_object_set_new(object, "ended_traffic", traffic(f));
	return object;
}

static json_t *group_expect(const struct figures *f)
{
	const struct engine_status *s = &f->status;

	return json_pack("{s:o, s:o}", "local",
		table_object(s->local_expectations, engine(f, COUNTER_EXPECT_LOCAL_CREATED),
			engine(f, COUNTER_EXPECT_LOCAL_UPDATED), 0),
		"remote",
		table_object(s->remote_expectations, engine(f, COUNTER_EXPECT_REMOTE_CREATED),
			engine(f, COUNTER_EXPECT_REMOTE_UPDATED), 0));
}

/* ---- queue ---- */

static json_t *queue_object(uint64_t entries, uint64_t max, uint64_t refused)
{
	json_t *object = json_object();

	put(object, "entries", entries);
	put(object, "entries_max", max);
	put(object, "refused", refused);
	return object;
}

static uint64_t unacked(const struct engine_status *s)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < s->peers_count; i++)
		if (s->peers[i].sync != ENGINE_SYNC_SILENT && s->peers[i].unacked > most)
			most = s->peers[i].unacked;
	return most;
}

static json_t *group_queue(const struct figures *f)
{
	const struct engine_status *s = &f->status;
	json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "send",
		queue_object(s->send_queue, f->config->general.hash_limit,
			engine(f, COUNTER_LOCAL_FULL)),
		"tombstones",
		queue_object(s->tombstones, f->config->sync.resend_queue_size,
			engine(f, COUNTER_TOMBSTONES_DROPPED)),
		"control",
		queue_object(
			s->control_queue, LIMIT_CONTROL_QUEUE, engine(f, COUNTER_CONTROL_FULL)),
		"control_kept", queue_object(s->control_kept, LIMIT_CONTROL_RESEND, 0), "inject",
		queue_object(s->inject_queue, f->config->general.hash_limit,
			engine(f, COUNTER_INJECT_FULL)));

	put(object, "unacked", unacked(s));
	return object;
}

/* ---- process, runtime ---- */

static json_t *group_process(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "pid", (uint64_t)f->pid);
	put(object, "uptime_s", (uint64_t)f->uptime_s);
	put(object, "memory_bytes", f->usage.memory_bytes);
	put(object, "memory_peak_bytes", f->usage.memory_peak_bytes);
	put(object, "tables_bytes", f->status.memory_bytes);
	put(object, "tables_reserved_bytes", f->reserved_bytes);
	put(object, "cpu_user_ms", f->usage.cpu_user_ms);
	put(object, "cpu_system_ms", f->usage.cpu_system_ms);
	put(object, "event_buffer_bytes", f->daemon[DAEMON_COUNTER_EVENT_BUFFER]);
	put(object, "reloads", f->reloads);
	put(object, "peer_restarts", engine(f, COUNTER_PEER_RESTARTS));
	put(object, "clients", f->clients);
	return object;
}

static json_t *kernel_figures(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "events", f->daemon[DAEMON_COUNTER_EVENT_MESSAGES]);
	put(object, "filtered", engine(f, COUNTER_KERNEL_FILTERED));
	put(object, "unknown", f->daemon[DAEMON_COUNTER_EVENT_OTHER]);
	put(object, "malformed",
		f->daemon[DAEMON_COUNTER_EVENT_BAD_ATTR] +
			f->daemon[DAEMON_COUNTER_EVENT_TRUNCATED]);
	put(object, "overruns", engine(f, COUNTER_KERNEL_OVERRUNS));
	put(object, "dumps", engine(f, COUNTER_KERNEL_DUMPS));
	put(object, "written", engine(f, COUNTER_KERNEL_WRITTEN));
	put(object, "deleted", engine(f, COUNTER_KERNEL_DELETED));
	put(object, "refused", engine(f, COUNTER_KERNEL_REFUSED));
	put(object, "purges", f->daemon[DAEMON_COUNTER_PURGES]);
	put(object, "resyncs", f->daemon[DAEMON_COUNTER_RESYNCS]);
	put(object, "new", engine(f, COUNTER_KERNEL_NEW));
	put(object, "updates", engine(f, COUNTER_KERNEL_UPDATE));
	put(object, "ends", engine(f, COUNTER_KERNEL_DESTROY));
	return object;
}

static json_t *control_figures(const struct figures *f)
{
	json_t *object = json_object();

	put(object, "accepted", f->daemon[DAEMON_COUNTER_CONTROL_ACCEPTED]);
	put(object, "refused", f->daemon[DAEMON_COUNTER_CONTROL_REFUSED]);
	put(object, "dropped",
		f->daemon[DAEMON_COUNTER_CONTROL_DROPPED] +
			f->daemon[DAEMON_COUNTER_CONTROL_TOO_LONG]);
	put(object, "malformed", f->daemon[DAEMON_COUNTER_CONTROL_MALFORMED]);
	return object;
}

static json_t *group_runtime(const struct figures *f)
{
	const struct config_sync *sync = &f->config->sync;
	bool stats = f->config->purpose == CONFIG_STATS;

	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:o, s:o}", "purpose",
		stats ? "stats" : "sync", "mode", stats ? "none" : config_mode_name(sync->mode),
		"role", name_role(f->status.role), "internal_cache", !sync->disable_internal_cache,
		"external_cache", !stats && !sync->disable_external_cache, "expectation_sync",
		!stats && sync->expectation_sync.on, "uptime_s", (json_int_t)f->uptime_s, "kernel",
		kernel_figures(f), "control", control_figures(f));
}

static json_t *group_counters(const struct figures *f)
{
	json_t *object = reply_counters(f->engine);

	for (unsigned i = 0; i < DAEMON_COUNTER_COUNT; i++)
		put(object, daemon_counter_names[i], f->daemon[i]);
	return object;
}

static json_t *group_all(const struct figures *f)
{
	json_t *object = json_object();

	for (unsigned g = REQUEST_GROUP_ALL + 1; g < REQUEST_GROUPS; g++)
		json_object_set_new(object, request_group_name((enum request_group)g),
			reply_stats(f, (enum request_group)g));
	return object;
}

json_t *reply_stats(const struct figures *f, enum request_group group)
{
	switch (group) {
	case REQUEST_GROUP_COUNTERS:
		return group_counters(f);
	case REQUEST_GROUP_ALL:
		return group_all(f);
	case REQUEST_GROUP_NETWORK:
		return group_network(f);
	case REQUEST_GROUP_CACHE:
		return group_cache(f);
	case REQUEST_GROUP_QUEUE:
		return group_queue(f);
	case REQUEST_GROUP_PROCESS:
		return group_process(f);
	case REQUEST_GROUP_LINK:
		return group_link(f);
	case REQUEST_GROUP_EXPECT:
		return group_expect(f);
	case REQUEST_GROUP_RUNTIME:
		return group_runtime(f);
	case REQUEST_GROUPS:
		break;
	}
	return NULL;
}
