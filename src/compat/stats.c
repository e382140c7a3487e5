/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat/stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Widths and tabs of this file are what scripts cut their figures out of. */

enum { ERROR_QUEUE = 128 }; /* TCP's ErrorQueueLength; ours is the table, it never fills */

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_puts(t, line);
}

/* A member by its path: "cache.local.entries". */
static const json_t *find(const json_t *object, const char *path)
{
	while (object && *path) {
		size_t len = strcspn(path, ".");
		char name[40];

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	return object;
}

static unsigned long long number(const json_t *object, const char *path)
{
	return (unsigned long long)json_integer_value(find(object, path));
}

static bool truth(const json_t *object, const char *path)
{
	return json_is_true(find(object, path));
}

static const char *string(const json_t *object, const char *path)
{
	const char *s = json_string_value(find(object, path));

	return s ? s : "";
}

static bool is_stats_mode(const json_t *f)
{
	return !strcmp(string(f, "runtime.purpose"), "stats");
}

/* ---- caches ---- */

/* What was not taken for want of room. */
static unsigned long long refused(const json_t *table)
{
	return number(table, "refused_full");
}

static void put_cache(struct text *t, const char *name, const json_t *table)
{
	put(t, "cache %s:\n", name);
	put(t, "current active connections:\t%12llu\n", number(table, "entries"));
	put(t, "connections created:\t\t%12llu\tfailed:\t%12llu\n", number(table, "created"),
		refused(table));
	put(t, "connections updated:\t\t%12llu\tfailed:\t%12llu\n", number(table, "updated"), 0ULL);
	put(t, "connections destroyed:\t\t%12llu\tfailed:\t%12llu\n\n", number(table, "destroyed"),
		0ULL);
}

static void put_cache_details(struct text *t, const char *name, const json_t *table)
{
	unsigned long long entries = number(table, "entries"), full = refused(table);
	unsigned long long total = entries + number(table, "ended"); /* but not acknowledged */

	put(t, "cache:%s\tactive objects:\t\t%12llu\n", name, total);
	put(t, "\tactive/total entries:\t\t%12llu/%12llu\n", entries, total);
	put(t, "\tcreation OK/failed:\t\t%12llu/%12llu\n", number(table, "created"), full);
	put(t, "\t\tno memory available:\t%12llu\n", 0ULL);
	put(t, "\t\tno space left in cache:\t%12llu\n", full);
	put(t, "\tupdate OK/failed:\t\t%12llu/%12llu\n", number(table, "updated"), 0ULL);
	put(t, "\t\tentry not found:\t%12llu\n", 0ULL);
	put(t, "\tdeletion created/failed:\t%12llu/%12llu\n", number(table, "destroyed"), 0ULL);
	put(t, "\t\tentry not found:\t%12llu\n\n", 0ULL);
}

static void put_bypass(struct text *t, const json_t *f)
{
	put(t, "internal bypass:\n");
	put(t, "connections new:\t\t%12llu\n", number(f, "runtime.kernel.new"));
	put(t, "connections updated:\t\t%12llu\n", number(f, "runtime.kernel.updates"));
	put(t, "connections destroyed:\t\t%12llu\n\n", number(f, "runtime.kernel.ends"));
}

static void put_inject(struct text *t, const json_t *f)
{
	static const char *const lines[][2] = {
		{"created", "create_refused"},
		{"updated", "update_refused"},
		{"destroyed", "destroy_refused"},
	};
	const json_t *injected = find(f, "cache.injected");

	put(t, "external inject:\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		put(t, "connections %s:\t\t%12llu\tfailed:\t%12llu\n", lines[i][0],
			number(injected, lines[i][0]), number(injected, lines[i][1]));
	put(t, "\n");
}

/* tables: the group with a local and a remote one. */
static void put_caches(struct text *t, const json_t *f, const char *group,
	void (*put_one)(struct text *, const char *, const json_t *))
{
	const json_t *tables = find(f, group);

	if (is_stats_mode(f)) {
		put_one(t, "stats", find(tables, "local"));
		return;
	}
	if (truth(f, "runtime.internal_cache"))
		put_one(t, "internal", find(tables, "local"));
	else
		put_bypass(t, f);
	if (truth(f, "runtime.external_cache"))
		put_one(t, "external", find(tables, "remote"));
	else
		put_inject(t, f);
}

/* ---- links ---- */

static const char *kind_of(const json_t *link)
{
	const char *kind = string(link, "kind");

	return strcmp(kind, "Multicast") ? kind : "multicast";
}

static const char *status_of(const json_t *link)
{
	const char *status = string(link, "status");

	if (!strcmp(status, "running"))
		return "RUNNING";
	return strcmp(status, "no carrier") ? "DOWN" : "NO-CARRIER";
}

static void put_link_traffic(struct text *t, const json_t *link)
{
	put(t, "%20llu Bytes sent %20llu Bytes recv\n", number(link, "sent_bytes"),
		number(link, "received_bytes"));
	put(t, "%20llu Pckts sent %20llu Pckts recv\n", number(link, "sent"),
		number(link, "received"));
	put(t, "%20llu Error send %20llu Error recv\n\n", number(link, "send_errors"),
		number(link, "receive_errors"));
}

static void put_current_link(struct text *t, const json_t *f)
{
	const json_t *links = find(f, "link.links"), *link;
	size_t i;

	json_array_foreach(links, i, link)
	{
		if (strcmp(string(link, "role"), "active"))
			continue;
		put(t, "%s traffic (active device=%s)", kind_of(link), string(link, "interface"));
		if (json_object_get(link, "connected_in"))
			put(t, " server=%sconnected client=%sconnected",
				truth(link, "connected_in") ? "" : "dis",
				truth(link, "connected_out") ? "" : "dis");
		put(t, ":\n");
		put_link_traffic(t, link);
	}
}

static void put_links(struct text *t, const json_t *f)
{
	const json_t *links = find(f, "link.links"), *link;
	size_t i;

	json_array_foreach(links, i, link)
	{
		bool active = !strcmp(string(link, "role"), "active");

		put(t, "%s traffic device=%s status=%s role=%s:\n", kind_of(link),
			string(link, "interface"), status_of(link), active ? "ACTIVE" : "BACKUP");
		put_link_traffic(t, link);
	}
}

static void put_network(struct text *t, const json_t *f)
{
	const json_t *bad = find(f, "network.malformed");

	put(t, "network statistics:\n\trecv:\n");
	put(t, "\t\tMalformed messages:\t%20llu\n", number(bad, "total"));
	put(t, "\t\tWrong protocol version:\t%20llu\n", number(bad, "version"));
	put(t, "\t\tMalformed header:\t%20llu\n", number(bad, "header"));
	put(t, "\t\tMalformed payload:\t%20llu\n", number(bad, "payload"));
	put(t, "\t\tBad message type:\t%20llu\n", 0ULL);
	put(t, "\t\tTruncated message:\t%20llu\n", number(bad, "truncated"));
	put(t, "\t\tBad message size:\t%20llu\n", number(bad, "size"));
	put(t, "\tsend:\n\t\tMalformed messages:\t%20llu\n\n", 0ULL);
	put(t, "sequence tracking statistics:\n\trecv:\n");
	put(t, "\t\tPackets lost:\t\t%20llu\n", number(f, "network.sequence.lost"));
	put(t, "\t\tPackets before:\t\t%20llu\n\n", number(f, "network.sequence.before"));
	put_current_link(t, f);
}

/* ---- the rest ---- */

static void put_traffic(struct text *t, const json_t *f)
{
	put(t, "traffic processed:\n");
	put(t, "%20llu Bytes      %20llu Pckts\n\n", number(f, "cache.ended_traffic.bytes"),
		number(f, "cache.ended_traffic.packets"));
}

static void put_all(struct text *t, const json_t *f, const char *group)
{
	put_caches(t, f, group, put_cache);
	put_traffic(t, f);
	if (is_stats_mode(f))
		return;
	put_current_link(t, f);
	put(t, "message tracking:\n");
	put(t, "%20llu Malformed msgs %20llu Lost msgs\n\n", number(f, "network.malformed.total"),
		number(f, "network.sequence.lost"));
}

static void put_uptime(struct text *t, unsigned long long seconds)
{
	unsigned long long days = seconds / 86400, hours = seconds / 3600 % 24;

	put(t, "daemon uptime: ");
	if (days)
		put(t, "%llu day(s) ", days);
	if (hours)
		put(t, "%llu h ", hours);
	put(t, "%llu min\n\n", seconds / 60 % 60);
}

static void put_runtime(struct text *t, const json_t *f)
{
	const json_t *kernel = find(f, "runtime.kernel"), *control = find(f, "runtime.control");

	put_uptime(t, number(f, "runtime.uptime_s"));
	put(t, "netlink stats:\n");
	put(t, "\tevents received:\t%20llu\n", number(kernel, "events"));
	put(t, "\tevents filtered:\t%20llu\n", number(kernel, "filtered"));
	put(t, "\tevents unknown type:\t\t%12llu\n", number(kernel, "unknown"));
	put(t, "\tcatch event failed:\t\t%12llu\n",
		number(kernel, "overruns") + number(kernel, "malformed"));
	put(t, "\tdump unknown type:\t\t%12llu\n", 0ULL);
	put(t, "\tnetlink overrun:\t\t%12llu\n", number(kernel, "overruns"));
	put(t, "\tflush kernel table:\t\t%12llu\n", number(kernel, "purges"));
	put(t, "\tresync with kernel table:\t%12llu\n", number(kernel, "resyncs"));
	put(t, "\tcurrent buffer size (in bytes):\t%12llu\n\n",
		number(f, "process.event_buffer_bytes"));
	put(t, "runtime stats:\n");
	put(t, "\tchild process failed:\t\t%12llu\n", 0ULL);
	put(t, "\t\tchild process segfault:\t%12llu\n", 0ULL);
	put(t, "\t\tchild process termsig:\t%12llu\n", 0ULL);
	put(t, "\tselect failed:\t\t\t%12llu\n", 0ULL);
	put(t, "\twait failed:\t\t\t%12llu\n", 0ULL);
	put(t, "\tlocal read failed:\t\t%12llu\n", number(control, "dropped"));
	put(t, "\tlocal unknown request:\t\t%12llu\n\n", number(control, "malformed"));
}

static bool is_ftfw(const json_t *f)
{
	return !strcmp(string(f, "runtime.mode"), "FTFW");
}

static void put_queue_named(struct text *t, const char *name, unsigned long long entries,
	unsigned long long max, unsigned long long errors)
{
	put(t, "queue %s:\n", name);
	put(t, "current elements:\t\t%12llu\n", entries);
	put(t, "maximum elements:\t\t%12llu\n", max);
	put(t, "not enough space errors:\t%12llu\n\n", errors);
}

/*
 * What conntrackd queues as copies, we have in the tables: what waits to be sent, and what has
 * been sent and is not acknowledged.
 */
static void put_queues(struct text *t, const json_t *f)
{
	unsigned long long send =
		number(f, "queue.send.entries") + number(f, "queue.control.entries");
	unsigned long long resend = is_ftfw(f) ? number(f, "queue.unacked") : 0;

	put(t, "allocated queue nodes:\t\t%12llu\n\n", send + resend);
	put_queue_named(t, "txqueue", send, number(f, "queue.send.entries_max"),
		number(f, "queue.control.refused"));
	put_queue_named(t, "errorq", 0, ERROR_QUEUE, 0);
	if (is_ftfw(f))
		put_queue_named(t, "rsqueue", resend, number(f, "queue.tombstones.entries_max"),
			number(f, "queue.tombstones.refused"));
}

void compat_stats(struct text *t, enum compat_action action, const json_t *f)
{
	bool sync = !is_stats_mode(f);

	if (action == COMPAT_STATS)
		put_all(t, f, "cache");
	else if (action == COMPAT_STATS_CACHE)
		put_caches(t, f, "cache", put_cache_details);
	else if (action == COMPAT_STATS_RUNTIME)
		put_runtime(t, f);
	else if (sync && action == COMPAT_STATS_NETWORK)
		put_network(t, f);
	else if (sync && action == COMPAT_STATS_LINK)
		put_links(t, f);
	else if (sync && action == COMPAT_STATS_QUEUE)
		put_queues(t, f);
	else if (sync && action == COMPAT_STATS_RSQUEUE && is_ftfw(f))
		put(t, "resent queue (len=%llu)\n", number(f, "queue.unacked"));
	else if (sync && action == COMPAT_STATS_EXPECT && truth(f, "runtime.expectation_sync"))
		put_all(t, f, "expect");
	/* COMPAT_STATS_PROCESS: conntrackd's children; we have none */
}
