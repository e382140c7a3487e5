/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "daemon/reply_stats.h"
#include "unit.h"

/* The groups of `stats`: each figure from where it belongs. */

static uint64_t counters[COUNTERS];
static struct config config;

static struct figures some_figures(void)
{
	struct figures f = {.config = &config, .engine = counters, .pid = 77, .uptime_s = 3601};

	config_init(&config);
	for (unsigned i = 0; i < COUNTERS; i++)
		counters[i] = 1000 + i;
	for (unsigned i = 0; i < DAEMON_COUNTER_COUNT; i++)
		f.daemon[i] = 2000 + i;
	f.status.local_flows = 10;
	f.status.remote_flows = 20;
	f.status.local_expectations = 3;
	f.status.remote_expectations = 4;
	f.status.send_queue = 5;
	f.status.tombstones = 6;
	f.status.control_queue = 7;
	f.status.control_kept = 8;
	f.status.inject_queue = 9;
	f.links_count = 2;
	f.links[0] = (struct figures_link){.transport = CONFIG_UDP,
		.interface = "sync0",
		.exists = true,
		.up = true,
		.running = true,
		.current = true,
		.stats = {.sent = 31, .received_bytes = 32}};
	f.links[1] = (struct figures_link){.transport = CONFIG_TCP, .interface = "sync1"};
	return f;
}

/* A member by its path, "links.1.status"; dumped as text. */
static const char *at(const json_t *object, const char *path)
{
	static char *text;

	while (object && *path) {
		size_t len = strcspn(path, ".");
		char name[40];

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = json_is_array(object) ? json_array_get(object, strtoul(name, NULL, 10))
					       : json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	free(text);
	text = object ? json_dumps(object, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	return text ? text : "";
}

static void is_number(const json_t *object, const char *path, uint64_t value)
{
	uint64_t found = strtoull(at(object, path), NULL, 10);

	if (found != value)
		printf("%s: %s, not %llu\n", path, at(object, path), (unsigned long long)value);
	CU_ASSERT_EQUAL(found, value);
}

static void each_figure_is_where_it_belongs(void)
{
	struct figures f = some_figures();
	json_t *all = reply_stats(&f, REQUEST_GROUP_ALL);
	uint64_t bad = counters[COUNTER_BAD_VERSION] + counters[COUNTER_BAD_HEADER] +
		       counters[COUNTER_BAD_PAYLOAD] + counters[COUNTER_BAD_TRUNCATED] +
		       counters[COUNTER_BAD_SIZE];

	is_number(all, "network.malformed.total", bad);
	is_number(all, "network.malformed.header", counters[COUNTER_BAD_HEADER]);
	is_number(all, "network.sequence.lost", counters[COUNTER_LOST]);
	is_number(all, "network.sent.flows", counters[COUNTER_SENT_FLOWS]);
	is_number(all, "network.received.flows", counters[COUNTER_RECEIVED_FLOWS]);
	is_number(all, "network.links.0.sent", 31);
	is_number(all, "cache.local.entries", 10);
	is_number(all, "cache.local.created", counters[COUNTER_LOCAL_CREATED]);
	is_number(all, "cache.local.destroyed", counters[COUNTER_LOCAL_CREATED] - 10);
	is_number(all, "cache.local.ended", 6);
	is_number(all, "cache.remote.entries", 20);
	is_number(all, "cache.remote.refused_full", counters[COUNTER_REMOTE_FULL]);
	is_number(all, "cache.ended_traffic.bytes", counters[COUNTER_ENDED_BYTES]);
	is_number(all, "expect.local.entries", 3);
	is_number(all, "expect.remote.entries", 4);
	is_number(all, "queue.send.entries", 5);
	is_number(all, "queue.send.entries_max", config.general.hash_limit);
	is_number(all, "queue.tombstones.entries", 6);
	is_number(all, "queue.tombstones.entries_max", config.sync.resend_queue_size);
	is_number(all, "queue.control.entries", 7);
	is_number(all, "queue.control_kept.entries", 8);
	is_number(all, "queue.inject.entries", 9);
	is_number(all, "process.pid", 77);
	is_number(all, "process.uptime_s", 3601);
	is_number(all, "process.event_buffer_bytes", f.daemon[DAEMON_COUNTER_EVENT_BUFFER]);
	is_number(all, "runtime.kernel.overruns", counters[COUNTER_KERNEL_OVERRUNS]);
	is_number(all, "runtime.kernel.purges", f.daemon[DAEMON_COUNTER_PURGES]);
	is_number(all, "runtime.control.malformed", f.daemon[DAEMON_COUNTER_CONTROL_MALFORMED]);
	CU_ASSERT_STRING_EQUAL(at(all, "link.links.0.kind"), "\"UDP\"");
	CU_ASSERT_STRING_EQUAL(at(all, "link.links.0.status"), "\"running\"");
	CU_ASSERT_STRING_EQUAL(at(all, "link.links.0.role"), "\"active\"");
	CU_ASSERT_STRING_EQUAL(at(all, "link.links.1.role"), "\"backup\"");
	CU_ASSERT_STRING_EQUAL(at(all, "link.links.1.connected_in"), "false");
	json_decref(all);
}

static void states_of_a_link(void)
{
	static const struct {
		bool exists, up, running;
		const char *status;
	} states[] = {
		{false, false, false, "\"gone\""},
		{true, false, false, "\"down\""},
		{true, false, true, "\"down\""},
		{true, true, false, "\"no carrier\""},
		{true, true, true, "\"running\""},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct figures f = some_figures();
		json_t *object;

		f.links[0].exists = states[i].exists;
		f.links[0].up = states[i].up;
		f.links[0].running = states[i].running;
		object = reply_stats(&f, REQUEST_GROUP_LINK);
		CU_ASSERT_STRING_EQUAL(at(object, "links.0.status"), states[i].status);
		json_decref(object);
	}
}

static void the_mode_is_told(void)
{
	struct figures f = some_figures();
	json_t *object;

	config.sync.mode = CONFIG_MODE_NOTRACK;
	config.sync.disable_internal_cache = config.sync.disable_external_cache = true;
	object = reply_stats(&f, REQUEST_GROUP_RUNTIME);
	CU_ASSERT_STRING_EQUAL(at(object, "purpose"), "\"sync\"");
	CU_ASSERT_STRING_EQUAL(at(object, "mode"), "\"NOTRACK\"");
	CU_ASSERT_STRING_EQUAL(at(object, "internal_cache"), "false");
	CU_ASSERT_STRING_EQUAL(at(object, "external_cache"), "false");
	json_decref(object);
	config_init(&config);
	config.purpose = CONFIG_STATS;
	config.sync.expectation_sync.on = true;
	f.links_count = 0;
	object = reply_stats(&f, REQUEST_GROUP_RUNTIME);
	CU_ASSERT_STRING_EQUAL(at(object, "purpose"), "\"stats\"");
	CU_ASSERT_STRING_EQUAL(at(object, "internal_cache"), "true");
	CU_ASSERT_STRING_EQUAL(at(object, "expectation_sync"), "false");
	json_decref(object);
}

static void the_counters_are_all_there(void)
{
	struct figures f = some_figures();
	json_t *object = reply_stats(&f, REQUEST_GROUP_COUNTERS);

	CU_ASSERT_EQUAL(json_object_size(object), COUNTERS + DAEMON_COUNTER_COUNT);
	is_number(object, "kernel_new", counters[COUNTER_KERNEL_NEW]);
	is_number(object, "control_malformed", f.daemon[DAEMON_COUNTER_CONTROL_MALFORMED]);
	json_decref(object);
}

static const struct unit_test tests[] = {
	{"each figure is where it belongs", each_figure_is_where_it_belongs},
	{"states of a link", states_of_a_link},
	{"the mode is told", the_mode_is_told},
	{"the counters are all there", the_counters_are_all_there},
};

UNIT_MAIN("reply_stats", tests)
