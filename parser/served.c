/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/served.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "parser/settings.h"

#define IN(s)	 (1u << SECTION_##s)
#define IN_LINKS (IN(MULTICAST) | IN(UDP) | IN(TCP))
#define IN_PAIR	 (IN(UDP) | IN(TCP))
#define IN_MODES (IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK))

#define NO_SET	CONFIG_SET_COUNT
#define V1	"0.1.0"
#define NUMBER	"a number"
#define BOOLEAN "on or off"
#define PATH	"a path that starts with '/'"
#define BYTES	"a number of bytes"
#define SECONDS "a number of seconds"

#define GENERAL_AT(field) offsetof(struct config, general.field)
#define SYNC_AT(field)	  offsetof(struct config, sync.field)
#define LINK_AT(field)	  offsetof(struct config_link, field)

/* A directive with one value that its type says everything about. */
#define PLAIN(name, in, type, expects, status, since, set, at)                                     \
	{                                                                                          \
		name, in, type, 1, SECTION_FILE, status, since, set, at, expects, NULL, NULL       \
	}

/* The same under a name, or in a place, that is not the one to use. */
#define ALIAS(name, in, type, expects, set, at, use)                                               \
	{                                                                                          \
		name, in, type, 1, SECTION_FILE, SERVED_ALIAS, V1, set, at, expects, use, NULL     \
	}

/* The same without any effect. */
#define IGNORED(name, in, type, expects, why)                                                      \
	{                                                                                          \
		name, in, type, 1, SECTION_FILE, SERVED_IGNORED, NULL, NO_SET,                     \
			DIRECTIVE_NO_OFFSET, expects, why, NULL                                    \
	}

/* A directive with one value that needs its own function. */
#define OWN(name, in, expects, status, since, set, apply)                                          \
	{                                                                                          \
		name, in, VALUE_OTHER, 1, SECTION_FILE, status, since, set, DIRECTIVE_NO_OFFSET,   \
			expects, NULL, apply                                                       \
	}

/* A section. */
#define SECTION(name, in, words, opens, status, since, set, expects, apply)                        \
	{                                                                                          \
		name, in, (words) ? VALUE_OTHER : VALUE_NOTHING, words, opens, status, since, set, \
			DIRECTIVE_NO_OFFSET, expects, NULL, apply                                  \
	}

#define NONE DIRECTIVE_NO_OFFSET

/* clang-format off */
const struct directive directives[] = {
	SECTION("General", IN(FILE), 0, SECTION_GENERAL, SERVED, V1, NO_SET, NULL, NULL),
	SECTION("Sync", IN(FILE), 0, SECTION_SYNC, SERVED, V1, NO_SET, NULL, settings_top),
	SECTION("Stats", IN(FILE), 0, SECTION_STATS, SERVED, V1, NO_SET, NULL, settings_top),
	SECTION("Helper", IN(FILE), 0, SECTION_HELPER, NOT_SERVED, NULL, NO_SET, NULL, NULL),

	/* General */
	PLAIN("HashSize", IN(GENERAL), VALUE_COUNT, NUMBER, SERVED, V1,
		CONFIG_SET_HASH_SIZE, GENERAL_AT(hash_size)),
	PLAIN("HashLimit", IN(GENERAL), VALUE_COUNT, NUMBER, SERVED, V1,
		CONFIG_SET_HASH_LIMIT, GENERAL_AT(hash_limit)),
	OWN("LogFile", IN(GENERAL), "on, off or a path that starts with '/'", SERVED, V1,
		CONFIG_SET_LOG_FILE, settings_log_file),
	OWN("Syslog", IN(GENERAL), "on, off or a facility", SERVED, V1,
		CONFIG_SET_SYSLOG, settings_syslog),
	PLAIN("LockFile", IN(GENERAL), VALUE_PATH, PATH, SERVED, V1,
		CONFIG_SET_LOCK_FILE, GENERAL_AT(lock_file)),
	ALIAS("Lockfile", IN(GENERAL), VALUE_PATH, PATH,
		CONFIG_SET_LOCK_FILE, GENERAL_AT(lock_file), "LockFile"),
	SECTION("UNIX", IN(GENERAL), 0, SECTION_UNIX, SERVED, V1, NO_SET, NULL, NULL),
	OWN("Path", IN(UNIX), PATH, SERVED, V1, CONFIG_SET_UNIX_PATH, settings_unix_path),
	IGNORED("Backlog", IN(UNIX), VALUE_NUMBER, NUMBER, "the daemon knows how many it serves"),
	PLAIN("NetlinkBufferSize", IN(GENERAL), VALUE_NUMBER, BYTES, SERVED, V1,
		CONFIG_SET_NETLINK_BUFFER_SIZE, GENERAL_AT(netlink_buffer_bytes)),
	ALIAS("SocketBufferSize", IN(GENERAL), VALUE_NUMBER, BYTES,
		CONFIG_SET_NETLINK_BUFFER_SIZE, GENERAL_AT(netlink_buffer_bytes),
		"NetlinkBufferSize"),
	PLAIN("NetlinkBufferSizeMaxGrowth", IN(GENERAL), VALUE_NUMBER, BYTES, SERVED, V1,
		CONFIG_SET_NETLINK_BUFFER_SIZE_MAX, GENERAL_AT(netlink_buffer_max_bytes)),
	ALIAS("SocketBufferSizeMaxGrown", IN(GENERAL), VALUE_NUMBER, BYTES,
		CONFIG_SET_NETLINK_BUFFER_SIZE_MAX, GENERAL_AT(netlink_buffer_max_bytes),
		"NetlinkBufferSizeMaxGrowth"),
	ALIAS("SocketBufferSizeMaxGrowth", IN(GENERAL), VALUE_NUMBER, BYTES,
		CONFIG_SET_NETLINK_BUFFER_SIZE_MAX, GENERAL_AT(netlink_buffer_max_bytes),
		"NetlinkBufferSizeMaxGrowth"),
	OWN("NetlinkOverrunResync", IN(GENERAL), "on, off or a number of seconds", SERVED, V1,
		CONFIG_SET_NETLINK_OVERRUN_RESYNC, settings_overrun),
	PLAIN("NetlinkEventsReliable", IN(GENERAL), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_NETLINK_EVENTS_RELIABLE, GENERAL_AT(netlink_events_reliable)),
	OWN("PollSecs", IN(GENERAL), "a number of seconds, at least 1", SERVED, V1,
		CONFIG_SET_POLL_SECS, settings_poll),
	PLAIN("EventIterationLimit", IN(GENERAL), VALUE_COUNT, NUMBER, SERVED, V1,
		CONFIG_SET_EVENT_ITERATION_LIMIT, GENERAL_AT(event_iteration_limit)),
	SECTION("Scheduler", IN(GENERAL), 0, SECTION_SCHEDULER, SERVED, V1, NO_SET, NULL, NULL),
	OWN("Type", IN(SCHEDULER), "RR or FIFO", SERVED, V1, CONFIG_SET_SCHEDULER_TYPE,
		settings_sched_type),
	OWN("Priority", IN(SCHEDULER), "a number from 0 to 99", SERVED, V1,
		CONFIG_SET_SCHEDULER_PRIORITY, settings_sched_prio),
	IGNORED("Nice", IN(GENERAL), VALUE_SIGNED, "a signed number",
		"the daemon runs under a real-time Scheduler"),
	PLAIN("Systemd", IN(GENERAL), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_SYSTEMD, GENERAL_AT(systemd)),
	PLAIN("User", IN(GENERAL), VALUE_USER, "a user's name", SERVED, V1,
		CONFIG_SET_USER, GENERAL_AT(user)),
	PLAIN("Group", IN(GENERAL), VALUE_USER, "a group's name", SERVED, V1,
		CONFIG_SET_GROUP, GENERAL_AT(group)),

	/* Filter */
	SECTION("Filter", IN(GENERAL), 2, SECTION_FILTER, SERVED, V1, CONFIG_SET_FILTER,
		"'From Userspace', 'From Kernelspace' or '{'", settings_filter),
	SECTION("Protocol", IN(FILTER), 1, SECTION_FILTER_PROTOCOL, SERVED, V1,
		CONFIG_SET_FILTER_PROTOCOL, "Accept or Ignore", settings_policy),
	SECTION("Address", IN(FILTER), 1, SECTION_FILTER_ADDRESS, SERVED, V1,
		CONFIG_SET_FILTER_ADDRESS, "Accept or Ignore", settings_policy),
	SECTION("Mark", IN(FILTER), 1, SECTION_FILTER_MARK, SERVED, V1,
		CONFIG_SET_FILTER_MARK, "Accept or Ignore", settings_policy),
	SECTION("State", IN(FILTER), 1, SECTION_FILTER_STATE, SERVED, V1,
		CONFIG_SET_FILTER_STATE, "Accept or Ignore", settings_policy),
	OWN("IPv4_address", IN(FILTER_ADDRESS), "an IPv4 address or network", SERVED, V1, NO_SET,
		settings_net),
	OWN("IPv6_address", IN(FILTER_ADDRESS), "an IPv6 address or network", SERVED, V1, NO_SET,
		settings_net),

	/* Sync */
	SECTION("Mode", IN(SYNC), 1, SECTION_MODE_FTFW, SERVED, V1, CONFIG_SET_MODE,
		"FTFW, ALARM or NOTRACK", settings_mode),
	PLAIN("ResendQueueSize", IN(MODE_FTFW), VALUE_COUNT, NUMBER, SERVED, V1,
		CONFIG_SET_RESEND_QUEUE_SIZE, SYNC_AT(resend_queue_size)),
	PLAIN("ACKWindowSize", IN(MODE_FTFW), VALUE_COUNT, NUMBER, SERVED, V1,
		CONFIG_SET_ACK_WINDOW_SIZE, SYNC_AT(ack_window_size)),
	PLAIN("CommitTimeout", IN(SYNC) | IN_MODES, VALUE_NUMBER, SECONDS, SERVED, V1,
		CONFIG_SET_COMMIT_TIMEOUT, SYNC_AT(commit_timeout_s)),
	PLAIN("PurgeTimeout", IN(SYNC) | IN_MODES, VALUE_COUNT, SECONDS, SERVED, V1,
		CONFIG_SET_PURGE_TIMEOUT, SYNC_AT(purge_timeout_s)),
	PLAIN("StartupResync", IN(MODE_FTFW) | IN(MODE_NOTRACK), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_STARTUP_RESYNC, SYNC_AT(startup_resync)),
	PLAIN("RefreshTime", IN(SYNC) | IN(MODE_ALARM), VALUE_COUNT, SECONDS, SERVED, V1,
		CONFIG_SET_REFRESH_TIME, SYNC_AT(refresh_s)),
	PLAIN("CacheTimeout", IN(SYNC) | IN(MODE_ALARM), VALUE_COUNT, SECONDS, SERVED, V1,
		CONFIG_SET_CACHE_TIMEOUT, SYNC_AT(cache_timeout_s)),
	PLAIN("DisableExternalCache", IN(MODE_FTFW) | IN(MODE_NOTRACK), VALUE_BOOL, BOOLEAN,
		SERVED, V1, CONFIG_SET_DISABLE_EXTERNAL_CACHE, SYNC_AT(disable_external_cache)),
	OWN("StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK), "Warm or Cold", SERVED, V1,
		CONFIG_SET_STANDBY_TABLE, settings_standby),
	OWN("WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), SECONDS, SERVED, V1,
		CONFIG_SET_WARM_AGE, settings_warm_age),
	PLAIN("WarmRate", IN(MODE_FTFW) | IN(MODE_NOTRACK), VALUE_COUNT,
		"a number of writes a second", SERVED, V1, CONFIG_SET_WARM_RATE,
		SYNC_AT(warm_rate)),
	OWN("SyncDelay", IN(MODE_FTFW) | IN(MODE_NOTRACK), "a number of milliseconds", SERVED,
		V1, CONFIG_SET_SYNC_DELAY, settings_sync_delay),
	PLAIN("DisableInternalCache", IN(MODE_NOTRACK), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_DISABLE_INTERNAL_CACHE, SYNC_AT(disable_internal_cache)),

	/* Links */
	SECTION("Multicast", IN(SYNC), 1, SECTION_MULTICAST, SERVED, V1, CONFIG_SET_LINKS,
		"Default or '{'", settings_link),
	SECTION("UDP", IN(SYNC), 1, SECTION_UDP, SERVED, V1, CONFIG_SET_LINKS,
		"Default or '{'", settings_link),
	SECTION("TCP", IN(SYNC), 1, SECTION_TCP, SERVED, V1, CONFIG_SET_LINKS,
		"Default or '{'", settings_link),
	PLAIN("Interface", IN_LINKS, VALUE_INTERFACE, "an interface's name", SERVED, V1, NO_SET,
		LINK_AT(interface)),
	OWN("IPv4_address", IN_LINKS, "an IPv4 address", SERVED, V1, NO_SET, settings_link_addr),
	OWN("IPv6_address", IN_LINKS, "an IPv6 address", SERVED, V1, NO_SET, settings_link_addr),
	OWN("IPv4_interface", IN(MULTICAST), "an IPv4 address", SERVED, V1, NO_SET,
		settings_link_local),
	IGNORED("IPv6_interface", IN(MULTICAST), VALUE_IPV6, "an IPv6 address",
		"Interface says it all"),
	OWN("IPv4_Destination_Address", IN_PAIR, "an IPv4 address", SERVED, V1, NO_SET,
		settings_link_dest),
	OWN("IPv6_Destination_Address", IN_PAIR, "an IPv6 address", SERVED, V1, NO_SET,
		settings_link_dest),
	{"IPv6_Destionation_Address", IN_PAIR, VALUE_OTHER, 1, SECTION_FILE, SERVED_ALIAS, V1,
		NO_SET, NONE, "an IPv6 address", "IPv6_Destination_Address", settings_link_dest},
	PLAIN("Group", IN(MULTICAST), VALUE_PORT, "a port", SERVED, V1, NO_SET, LINK_AT(port)),
	PLAIN("Port", IN_PAIR, VALUE_PORT, "a port", SERVED, V1, NO_SET, LINK_AT(port)),
	PLAIN("SndSocketBuffer", IN_LINKS, VALUE_NUMBER, BYTES, SERVED, V1, NO_SET,
		LINK_AT(sndbuf_bytes)),
	PLAIN("RcvSocketBuffer", IN_LINKS, VALUE_NUMBER, BYTES, SERVED, V1, NO_SET,
		LINK_AT(rcvbuf_bytes)),
	PLAIN("Checksum", IN_LINKS, VALUE_BOOL, BOOLEAN, SERVED, V1, NO_SET, LINK_AT(checksum)),
	PLAIN("ErrorQueueLength", IN(TCP), VALUE_NUMBER, NUMBER, SERVED, V1, NO_SET,
		LINK_AT(error_queue_length)),

	/* Options */
	SECTION("Options", IN(SYNC), 0, SECTION_OPTIONS, SERVED, V1, NO_SET, NULL, NULL),
	PLAIN("TCPWindowTracking", IN(OPTIONS), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_TCP_WINDOW_TRACKING, SYNC_AT(tcp_window_tracking)),
	PLAIN("CommitHalfOpen", IN(OPTIONS), VALUE_BOOL, BOOLEAN, SERVED, V1,
		CONFIG_SET_COMMIT_HALF_OPEN, SYNC_AT(commit_half_open)),
	PLAIN("NewEvents", IN(OPTIONS), VALUE_BOOL, BOOLEAN, SERVED, V1, CONFIG_SET_NEW_EVENTS,
		SYNC_AT(new_events)),
	{"ExpectationSync", IN(OPTIONS), VALUE_BOOL, 1, SECTION_EXPECTATION_SYNC, SERVED, V1,
		CONFIG_SET_EXPECTATION_SYNC, NONE, "on, off or '{'", NULL, settings_expect},

	/* Stats */
	OWN("LogFile", IN(STATS), "on, off or a path that starts with '/'", SERVED, V1,
		CONFIG_SET_STATS_LOG_FILE, settings_log_file),
	OWN("Syslog", IN(STATS), "on, off or a facility", SERVED, V1,
		CONFIG_SET_STATS_SYSLOG, settings_syslog),
	ALIAS("NetlinkEventsReliable", IN(STATS), VALUE_BOOL, BOOLEAN,
		CONFIG_SET_NETLINK_EVENTS_RELIABLE, GENERAL_AT(netlink_events_reliable),
		"that of section General"),

	/* Helper */
	PLAIN("Setup", IN(HELPER), VALUE_BOOL, BOOLEAN, NOT_SERVED, NULL, NO_SET, NONE),
	SECTION("Type", IN(HELPER), 3, SECTION_HELPER_TYPE, NOT_SERVED, NULL, NO_SET,
		"a helper, inet or inet6, and tcp or udp", settings_helper_type),
	PLAIN("QueueNum", IN(HELPER_TYPE), VALUE_NUMBER, NUMBER, NOT_SERVED, NULL, NO_SET,
		NONE),
	PLAIN("QueueLen", IN(HELPER_TYPE), VALUE_NUMBER, NUMBER, NOT_SERVED, NULL, NO_SET,
		NONE),
	SECTION("Policy", IN(HELPER_TYPE), 1, SECTION_HELPER_POLICY, NOT_SERVED, NULL, NO_SET,
		"a policy's name", settings_helper_policy),
	PLAIN("ExpectMax", IN(HELPER_POLICY), VALUE_NUMBER, NUMBER, NOT_SERVED, NULL, NO_SET,
		NONE),
	PLAIN("ExpectTimeout", IN(HELPER_POLICY), VALUE_NUMBER, SECONDS, NOT_SERVED, NULL,
		NO_SET, NONE),
	{0},
};
/* clang-format on */

static bool directive_is(const struct directive *d, const char *name, size_t len)
{
	return strlen(d->name) == len && memcmp(d->name, name, len) == 0;
}

const struct directive *directive_find(enum section s, const char *name, size_t len)
{
	for (const struct directive *d = directives; d->name; d++)
		if (d->sections >> s & 1 && directive_is(d, name, len))
			return d;
	return NULL;
}

const struct directive *directive_find_any(const char *name, size_t len)
{
	for (const struct directive *d = directives; d->name; d++)
		if (directive_is(d, name, len))
			return d;
	return NULL;
}

uint32_t directive_sections(const char *name, size_t len)
{
	uint32_t sections = 0;

	for (const struct directive *d = directives; d->name; d++)
		if (directive_is(d, name, len))
			sections |= d->sections;
	return sections;
}

/*
 * Insertions, deletions and replacements that make b of a, where a letter's other case counts
 * nothing. Quadratic, on one row of memory.
 */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[64];

	CHECK(b_len < ARRAY_SIZE(row));
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			size_t best = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

const struct directive *directive_nearest(enum section s, const char *name, size_t len)
{
	const struct directive *nearest = NULL;
	size_t best = SIZE_MAX;

	if (len == 0 || len > 48)
		return NULL;
	for (const struct directive *d = directives; d->name; d++) {
		size_t here = d->sections >> s & 1 ? 0 : 1; /* a tie goes to the section's own */
		size_t dist = 2 * edit_distance(name, len, d->name, strlen(d->name)) + here;

		if (dist < best) {
			best = dist;
			nearest = d;
		}
	}
	return best / 2 <= 1 + len / 3 ? nearest : NULL;
}

const char *section_name(enum section s)
{
	switch (s) {
	case SECTION_FILE:
		return "the file";
	case SECTION_GENERAL:
		return "General";
	case SECTION_UNIX:
		return "UNIX";
	case SECTION_SCHEDULER:
		return "Scheduler";
	case SECTION_FILTER:
		return "Filter";
	case SECTION_FILTER_PROTOCOL:
		return "Protocol";
	case SECTION_FILTER_ADDRESS:
		return "Address";
	case SECTION_FILTER_MARK:
		return "Mark";
	case SECTION_FILTER_STATE:
		return "State";
	case SECTION_SYNC:
		return "Sync";
	case SECTION_MODE_FTFW:
		return "Mode FTFW";
	case SECTION_MODE_ALARM:
		return "Mode ALARM";
	case SECTION_MODE_NOTRACK:
		return "Mode NOTRACK";
	case SECTION_MULTICAST:
		return "Multicast";
	case SECTION_UDP:
		return "UDP";
	case SECTION_TCP:
		return "TCP";
	case SECTION_OPTIONS:
		return "Options";
	case SECTION_EXPECTATION_SYNC:
		return "ExpectationSync";
	case SECTION_STATS:
		return "Stats";
	case SECTION_HELPER:
		return "Helper";
	case SECTION_HELPER_TYPE:
		return "Type";
	case SECTION_HELPER_POLICY:
		return "Policy";
	case SECTION_SKIPPED:
	case SECTION_COUNT:
		break;
	}
	return "a section";
}

bool section_is_list(enum section s)
{
	return s == SECTION_FILTER_PROTOCOL || s == SECTION_FILTER_MARK ||
	       s == SECTION_FILTER_STATE || s == SECTION_EXPECTATION_SYNC;
}
