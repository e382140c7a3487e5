/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "parser/config.h"

enum compare_as {
	AS_BYTES,
	AS_STRING,
	AS_SYSLOG,
	AS_MODE,
	AS_PROTOCOLS,
	AS_NETS,
	AS_MARKS,
	AS_STATES,
	AS_EXPECT,
	AS_LINKS,
};

/*
 * Which settings a running daemon can take over: those that nothing was sized, opened or agreed
 * upon with. The rest needs a restart.
 */
#define AT_RUNTIME true
#define AT_START   false

#define SETTING(name, at_runtime, as, field)                                                       \
	{                                                                                          \
		name, at_runtime, as, offsetof(struct config, field),                              \
			sizeof(((struct config *)0)->field)                                        \
	}

static const struct {
	const char *name;
	bool at_runtime;
	enum compare_as as;
	size_t offset, size;
} settings[] = {
	[CONFIG_SET_HASH_SIZE] = SETTING("HashSize", AT_START, AS_BYTES, general.hash_size),
	[CONFIG_SET_HASH_LIMIT] = SETTING("HashLimit", AT_START, AS_BYTES, general.hash_limit),
	[CONFIG_SET_LOG_FILE] = SETTING("LogFile", AT_RUNTIME, AS_STRING, general.log_file),
	[CONFIG_SET_SYSLOG] = SETTING("Syslog", AT_RUNTIME, AS_SYSLOG, general.syslog),
	[CONFIG_SET_LOCK_FILE] = SETTING("LockFile", AT_START, AS_STRING, general.lock_file),
	[CONFIG_SET_UNIX_PATH] = SETTING("UNIX Path", AT_START, AS_STRING, general.unix_path),
	[CONFIG_SET_NETLINK_BUFFER_SIZE] =
		SETTING("NetlinkBufferSize", AT_START, AS_BYTES, general.netlink_buffer_bytes),
	[CONFIG_SET_NETLINK_BUFFER_SIZE_MAX] = SETTING(
		"NetlinkBufferSizeMaxGrowth", AT_START, AS_BYTES, general.netlink_buffer_max_bytes),
	[CONFIG_SET_NETLINK_OVERRUN_RESYNC] = SETTING(
		"NetlinkOverrunResync", AT_START, AS_BYTES, general.netlink_overrun_resync_s),
	[CONFIG_SET_NETLINK_EVENTS_RELIABLE] = SETTING(
		"NetlinkEventsReliable", AT_START, AS_BYTES, general.netlink_events_reliable),
	[CONFIG_SET_EVENT_ITERATION_LIMIT] =
		SETTING("EventIterationLimit", AT_START, AS_BYTES, general.event_iteration_limit),
	[CONFIG_SET_SCHEDULER_TYPE] =
		SETTING("Scheduler Type", AT_START, AS_BYTES, general.scheduler),
	[CONFIG_SET_SCHEDULER_PRIORITY] =
		SETTING("Scheduler Priority", AT_START, AS_BYTES, general.scheduler_priority),
	[CONFIG_SET_SYSTEMD] = SETTING("Systemd", AT_START, AS_BYTES, general.systemd),
	[CONFIG_SET_USER] = SETTING("User", AT_START, AS_STRING, general.user),
	[CONFIG_SET_GROUP] = SETTING("Group", AT_START, AS_STRING, general.group),
	[CONFIG_SET_FILTER] =
		SETTING("Filter From", AT_START, AS_BYTES, general.filter_kernelspace),
	[CONFIG_SET_FILTER_PROTOCOL] =
		SETTING("Filter Protocol", AT_START, AS_PROTOCOLS, general.filter),
	[CONFIG_SET_FILTER_ADDRESS] = SETTING("Filter Address", AT_START, AS_NETS, general.filter),
	[CONFIG_SET_FILTER_STATE] = SETTING("Filter State", AT_START, AS_STATES, general.filter),
	[CONFIG_SET_MODE] = SETTING("Mode", AT_START, AS_MODE, sync.mode),
	[CONFIG_SET_RESEND_QUEUE_SIZE] =
		SETTING("ResendQueueSize", AT_START, AS_BYTES, sync.resend_queue_size),
	[CONFIG_SET_ACK_WINDOW_SIZE] =
		SETTING("ACKWindowSize", AT_START, AS_BYTES, sync.ack_window_size),
	[CONFIG_SET_COMMIT_TIMEOUT] =
		SETTING("CommitTimeout", AT_RUNTIME, AS_BYTES, sync.commit_timeout_s),
	[CONFIG_SET_PURGE_TIMEOUT] =
		SETTING("PurgeTimeout", AT_RUNTIME, AS_BYTES, sync.purge_timeout_s),
	[CONFIG_SET_STARTUP_RESYNC] =
		SETTING("StartupResync", AT_START, AS_BYTES, sync.startup_resync),
	[CONFIG_SET_TCP_WINDOW_TRACKING] =
		SETTING("TCPWindowTracking", AT_START, AS_BYTES, sync.tcp_window_tracking),
	[CONFIG_SET_COMMIT_HALF_OPEN] =
		SETTING("CommitHalfOpen", AT_START, AS_BYTES, sync.commit_half_open),
	[CONFIG_SET_NEW_EVENTS] = SETTING("NewEvents", AT_START, AS_BYTES, sync.new_events),
	[CONFIG_SET_POLL_SECS] = SETTING("PollSecs", AT_START, AS_BYTES, general.poll_s),
	[CONFIG_SET_REFRESH_TIME] = SETTING("RefreshTime", AT_START, AS_BYTES, sync.refresh_s),
	[CONFIG_SET_CACHE_TIMEOUT] =
		SETTING("CacheTimeout", AT_START, AS_BYTES, sync.cache_timeout_s),
	[CONFIG_SET_DISABLE_INTERNAL_CACHE] =
		SETTING("DisableInternalCache", AT_START, AS_BYTES, sync.disable_internal_cache),
	[CONFIG_SET_DISABLE_EXTERNAL_CACHE] =
		SETTING("DisableExternalCache", AT_START, AS_BYTES, sync.disable_external_cache),
	[CONFIG_SET_STANDBY_TABLE] = SETTING("StandbyTable", AT_START, AS_BYTES, sync.standby_warm),
	[CONFIG_SET_WARM_AGE] = SETTING("WarmAge", AT_RUNTIME, AS_BYTES, sync.warm_age_s),
	[CONFIG_SET_WARM_RATE] = SETTING("WarmRate", AT_RUNTIME, AS_BYTES, sync.warm_rate),
	[CONFIG_SET_SYNC_DELAY] = SETTING("SyncDelay", AT_START, AS_BYTES, sync.sync_delay_ms),
	[CONFIG_SET_EXPECTATION_SYNC] =
		SETTING("ExpectationSync", AT_START, AS_EXPECT, sync.expectation_sync),
	[CONFIG_SET_FILTER_MARK] = SETTING("Filter Mark", AT_START, AS_MARKS, general.filter),
	[CONFIG_SET_STATS_LOG_FILE] =
		SETTING("Stats LogFile", AT_RUNTIME, AS_STRING, stats.log_file),
	[CONFIG_SET_STATS_SYSLOG] = SETTING("Stats Syslog", AT_RUNTIME, AS_SYSLOG, stats.syslog),
	[CONFIG_SET_LINKS] = SETTING("dedicated links", AT_START, AS_LINKS, sync.links),
};

_Static_assert(ARRAY_SIZE(settings) == CONFIG_SET_COUNT, "a row per setting");

static bool same_addr(uint8_t l3, const union flow_addr *a, const union flow_addr *b)
{
	return memcmp(a, b, l3 == AF_INET ? 4 : 16) == 0;
}

static bool same_protocols(const struct flow_filter *a, const struct flow_filter *b)
{
	if (a->protocol_policy != b->protocol_policy)
		return false;
	return a->protocol_policy == FLOW_FILTER_OFF ||
	       memcmp(a->protocols, b->protocols, sizeof(a->protocols)) == 0;
}

static bool same_nets(const struct flow_filter *a, const struct flow_filter *b)
{
	if (a->address_policy != b->address_policy)
		return false;
	if (a->address_policy == FLOW_FILTER_OFF)
		return true;
	if (a->nets_count != b->nets_count)
		return false;
	for (unsigned i = 0; i < a->nets_count; i++)
		if (a->nets[i].l3 != b->nets[i].l3 ||
			a->nets[i].prefix_len != b->nets[i].prefix_len ||
			!same_addr(a->nets[i].l3, &a->nets[i].addr, &b->nets[i].addr))
			return false;
	return true;
}

static bool same_marks(const struct flow_filter *a, const struct flow_filter *b)
{
	if (a->mark_policy != b->mark_policy)
		return false;
	if (a->mark_policy == FLOW_FILTER_OFF)
		return true;
	return a->marks_count == b->marks_count &&
	       memcmp(a->marks, b->marks, a->marks_count * sizeof(a->marks[0])) == 0;
}

static bool same_states(const struct flow_filter *a, const struct flow_filter *b)
{
	if (a->state_policy != b->state_policy)
		return false;
	return a->state_policy == FLOW_FILTER_OFF || a->tcp_states == b->tcp_states;
}

static bool same_expect(const struct expect_filter *a, const struct expect_filter *b)
{
	if (a->on != b->on || a->names_count != b->names_count)
		return false;
	for (unsigned i = 0; i < a->names_count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

static bool same_syslog(bool on_a, int facility_a, bool on_b, int facility_b)
{
	return on_a == on_b && (!on_a || facility_a == facility_b);
}

static bool same_mode(const struct config *a, const struct config *b)
{
	if (a->purpose != b->purpose)
		return false;
	return a->purpose == CONFIG_STATS || a->sync.mode == b->sync.mode;
}

static bool same_link(const struct config_link *a, const struct config_link *b)
{
	return a->transport == b->transport && a->is_default == b->is_default &&
	       strcmp(a->interface, b->interface) == 0 && a->l3 == b->l3 &&
	       same_addr(a->l3, &a->addr, &b->addr) && same_addr(a->l3, &a->dest, &b->dest) &&
	       a->interface_addr_be == b->interface_addr_be && a->port == b->port &&
	       a->sndbuf_bytes == b->sndbuf_bytes && a->rcvbuf_bytes == b->rcvbuf_bytes &&
	       a->checksum == b->checksum && a->error_queue_length == b->error_queue_length;
}

static bool same_links(const struct config_sync *a, const struct config_sync *b)
{
	if (a->links_count != b->links_count)
		return false;
	for (unsigned i = 0; i < a->links_count; i++)
		if (!same_link(&a->links[i], &b->links[i]))
			return false;
	return true;
}

static bool same_setting(enum config_setting set, const struct config *a, const struct config *b)
{
	const char *at_a = (const char *)a + settings[set].offset;
	const char *at_b = (const char *)b + settings[set].offset;

	switch (settings[set].as) {
	case AS_STRING:
		return strcmp(at_a, at_b) == 0;
	case AS_SYSLOG:
		if (set == CONFIG_SET_STATS_SYSLOG)
			return same_syslog(a->stats.syslog, a->stats.syslog_facility,
				b->stats.syslog, b->stats.syslog_facility);
		return same_syslog(a->general.syslog, a->general.syslog_facility, b->general.syslog,
			b->general.syslog_facility);
	case AS_MODE:
		return same_mode(a, b);
	case AS_PROTOCOLS:
		return same_protocols(&a->general.filter, &b->general.filter);
	case AS_NETS:
		return same_nets(&a->general.filter, &b->general.filter);
	case AS_MARKS:
		return same_marks(&a->general.filter, &b->general.filter);
	case AS_EXPECT:
		return same_expect(&a->sync.expectation_sync, &b->sync.expectation_sync);
	case AS_STATES:
		return same_states(&a->general.filter, &b->general.filter);
	case AS_LINKS:
		return same_links(&a->sync, &b->sync);
	case AS_BYTES:
		break;
	}
	return memcmp(at_a, at_b, settings[set].size) == 0;
}

size_t config_diff_reload(const struct config *old, const struct config *new,
	struct config_change changes[CONFIG_SET_COUNT])
{
	size_t count = 0;

	for (unsigned set = 0; set < CONFIG_SET_COUNT; set++) {
		if (same_setting(set, old, new))
			continue;
		changes[count++] = (struct config_change){
			.setting = set,
			.name = settings[set].name,
			.line = new->loc[set].line,
			/* What a section says that was not there needs what is set up for it. */
			.at_runtime = settings[set].at_runtime &&
				      (old->purpose == new->purpose || set == CONFIG_SET_LOG_FILE ||
					      set == CONFIG_SET_SYSLOG),
		};
	}
	return count;
}

bool config_equal(const struct config *a, const struct config *b)
{
	struct config_change changes[CONFIG_SET_COUNT];

	return config_diff_reload(a, b, changes) == 0;
}

const char *config_setting_name(enum config_setting set)
{
	CHECK(set < CONFIG_SET_COUNT);
	return settings[set].name;
}
