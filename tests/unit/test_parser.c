/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/check.h"
#include "flow/status.h"
#include "parser/config.h"
#include "parser/diag.h"
#include "parser/protocol.h"
#include "parser/served.h"
#include "unit.h"

#define LINK "Multicast { IPv4_address 225.0.0.50 Interface sync0 Group 3780 }"
#define SYNC "Sync { Mode FTFW { } " LINK " }"
#define UNIX "General { UNIX { Path /x } } "

static struct diag diag;
static char text[1 << 16];

static int parse(struct config *c, const char *conf)
{
	return config_parse(c, "test.conf", conf, strlen(conf), &diag);
}

static void a_minimal_file_gives_the_defaults(void)
{
	struct config c, defaults;
	struct config_change changes[CONFIG_SET_COUNT];

	config_init(&defaults);
	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(config_diff_reload(&defaults, &c, changes), 2);
	CU_ASSERT_EQUAL(changes[0].setting, CONFIG_SET_UNIX_PATH);
	CU_ASSERT_EQUAL(changes[1].setting, CONFIG_SET_LINKS);

	CU_ASSERT_EQUAL(c.general.hash_size, 65536);
	CU_ASSERT_EQUAL(c.general.hash_limit, 262144);
	CU_ASSERT_STRING_EQUAL(c.general.log_file, "");
	CU_ASSERT_FALSE(c.general.syslog);
	CU_ASSERT_STRING_EQUAL(c.general.lock_file, "/var/lock/conntrackd.lock");
	CU_ASSERT_EQUAL(c.general.netlink_overrun_resync_s, 30);
	CU_ASSERT_FALSE(c.general.netlink_events_reliable);
	CU_ASSERT_EQUAL(c.general.event_iteration_limit, 1024);
	CU_ASSERT_EQUAL(c.general.scheduler, CONFIG_SCHED_RR);
	CU_ASSERT_EQUAL(c.general.scheduler_priority, 99);
	CU_ASSERT_TRUE(c.general.systemd);
	CU_ASSERT_FALSE(c.general.filter_kernelspace);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(c.sync.resend_queue_size, 131072);
	CU_ASSERT_EQUAL(c.sync.ack_window_size, 300);
	CU_ASSERT_EQUAL(c.sync.commit_timeout_s, 0);
	CU_ASSERT_EQUAL(c.sync.purge_timeout_s, 60);
	CU_ASSERT_FALSE(c.sync.startup_resync);
	CU_ASSERT_FALSE(c.sync.tcp_window_tracking);
	CU_ASSERT_FALSE(c.sync.commit_half_open);
	CU_ASSERT_TRUE(c.sync.new_events);
	CU_ASSERT_EQUAL(c.sync.links_count, 1);
	CU_ASSERT_TRUE(c.sync.links[0].checksum);
}

static void every_value_goes_where_it_belongs(void)
{
	static const char conf[] =
		"General { HashSize 1 HashLimit 2 LogFile /l Syslog local3 LockFile /k\n"
		"UNIX { Path /u } NetlinkBufferSize 3 NetlinkBufferSizeMaxGrowth 4\n"
		"NetlinkOverrunResync 5 NetlinkEventsReliable on EventIterationLimit 6\n"
		"Scheduler { Type FIFO Priority 7 } Systemd off User u Group g\n"
		"Filter From Kernelspace { Protocol Accept { TCP }\n"
		"Address Ignore { IPv4_address 10.1.2.3/8 } State Accept { LISTEN for TCP } } }\n"
		"Sync { Mode FTFW { ResendQueueSize 8 ACKWindowSize 9 CommitTimeout 10\n"
		"PurgeTimeout 11 StartupResync on }\n"
		"Multicast Default { IPv4_address 225.0.0.50 IPv4_interface 192.0.2.1\n"
		"Interface eth9 Group 12 SndSocketBuffer 13 RcvSocketBuffer 14 Checksum off }\n"
		"Options { TCPWindowTracking on CommitHalfOpen on } }\n";
	struct config c;
	const struct config_general *g = &c.general;
	const struct config_link *l = &c.sync.links[0];

	CU_ASSERT_EQUAL(parse(&c, conf), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(g->hash_size, 1);
	CU_ASSERT_EQUAL(g->hash_limit, 2);
	CU_ASSERT_STRING_EQUAL(g->log_file, "/l");
	CU_ASSERT_TRUE(g->syslog);
	CU_ASSERT_EQUAL(g->syslog_facility, LOG_LOCAL3);
	CU_ASSERT_STRING_EQUAL(g->lock_file, "/k");
	CU_ASSERT_STRING_EQUAL(g->unix_path, "/u");
	CU_ASSERT_EQUAL(g->netlink_buffer_bytes, 3);
	CU_ASSERT_EQUAL(g->netlink_buffer_max_bytes, 4);
	CU_ASSERT_EQUAL(g->netlink_overrun_resync_s, 5);
	CU_ASSERT_TRUE(g->netlink_events_reliable);
	CU_ASSERT_EQUAL(g->event_iteration_limit, 6);
	CU_ASSERT_EQUAL(g->scheduler, CONFIG_SCHED_FIFO);
	CU_ASSERT_EQUAL(g->scheduler_priority, 7);
	CU_ASSERT_FALSE(g->systemd);
	CU_ASSERT_STRING_EQUAL(g->user, "u");
	CU_ASSERT_STRING_EQUAL(g->group, "g");
	CU_ASSERT_TRUE(g->filter_kernelspace);
	CU_ASSERT_EQUAL(g->filter.protocol_policy, FLOW_FILTER_ACCEPT);
	CU_ASSERT_TRUE(flow_filter_has_protocol(&g->filter, 6));
	CU_ASSERT_FALSE(flow_filter_has_protocol(&g->filter, 17));
	CU_ASSERT_EQUAL(g->filter.address_policy, FLOW_FILTER_IGNORE);
	CU_ASSERT_EQUAL(g->filter.nets_count, 1);
	CU_ASSERT_EQUAL(g->filter.nets[0].l3, AF_INET);
	CU_ASSERT_EQUAL(g->filter.nets[0].prefix_len, 8);
	CU_ASSERT_EQUAL(memcmp(&g->filter.nets[0].addr, "\x0a\0\0\0", 4), 0);
	CU_ASSERT_EQUAL(g->filter.state_policy, FLOW_FILTER_ACCEPT);
	CU_ASSERT_EQUAL(g->filter.tcp_states, 1 << FLOW_TCP_SYN_SENT2);
	CU_ASSERT_EQUAL(c.sync.resend_queue_size, 8);
	CU_ASSERT_EQUAL(c.sync.ack_window_size, 9);
	CU_ASSERT_EQUAL(c.sync.commit_timeout_s, 10);
	CU_ASSERT_EQUAL(c.sync.purge_timeout_s, 11);
	CU_ASSERT_TRUE(c.sync.startup_resync);
	CU_ASSERT_TRUE(c.sync.tcp_window_tracking);
	CU_ASSERT_TRUE(c.sync.commit_half_open);
	CU_ASSERT_EQUAL(c.sync.links_count, 1);
	CU_ASSERT_EQUAL(l->transport, CONFIG_MULTICAST);
	CU_ASSERT_TRUE(l->is_default);
	CU_ASSERT_STRING_EQUAL(l->interface, "eth9");
	CU_ASSERT_EQUAL(l->l3, AF_INET);
	CU_ASSERT_EQUAL(memcmp(&l->addr, "\xe1\0\0\x32", 4), 0);
	CU_ASSERT_EQUAL(memcmp(&l->interface_addr_be, "\xc0\0\2\1", 4), 0);
	CU_ASSERT_EQUAL(l->port, 12);
	CU_ASSERT_EQUAL(l->sndbuf_bytes, 13);
	CU_ASSERT_EQUAL(l->rcvbuf_bytes, 14);
	CU_ASSERT_FALSE(l->checksum);
}

static void lines_are_kept(void)
{
	struct config c;

	CU_ASSERT_EQUAL(parse(&c, "General {\n UNIX {\n Path /x\n }\n User a\n User b\n}\n"
				  "Sync {\n Mode FTFW { }\n\n Multicast\n {\n"
				  "IPv4_address 225.0.0.50\n Interface\n eth0\n Group 9 } }"),
		0);
	CU_ASSERT_EQUAL(c.loc[CONFIG_SET_UNIX_PATH].line, 3);
	CU_ASSERT_EQUAL(c.loc[CONFIG_SET_USER].line, 6);
	CU_ASSERT_EQUAL(c.loc[CONFIG_SET_GROUP].line, 0);
	CU_ASSERT_EQUAL(c.loc[CONFIG_SET_MODE].line, 9);
	CU_ASSERT_EQUAL(c.loc[CONFIG_SET_LINKS].line, 11);
	CU_ASSERT_EQUAL(c.sync.links[0].loc.line, 11);
	CU_ASSERT_EQUAL(c.sync.links[0].addr_loc.line, 13);
	CU_ASSERT_EQUAL(c.sync.links[0].interface_loc.line, 15);
	CU_ASSERT_EQUAL(c.sync.links[0].port_loc.line, 16);
}

static void the_used_link_is_the_default_or_the_first(void)
{
	struct config c;

	config_init(&c);
	CU_ASSERT_PTR_NULL(config_link_used(&c));
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode FTFW { } " LINK LINK "}"), 0);
	CU_ASSERT_PTR_EQUAL(config_link_used(&c), &c.sync.links[0]);
	CU_ASSERT_EQUAL(diag.warnings, 1); /* one interface for both */
	c.sync.links[1].is_default = true;
	CU_ASSERT_PTR_EQUAL(config_link_used(&c), &c.sync.links[1]);
}

static void of_several_modes_the_first_in_rank_wins(void)
{
	struct config c;

	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode FTFW { } Mode ALARM { } " LINK "}"), 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode ALARM { } Mode FTFW { } " LINK "}"), 0);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode NOTRACK { } Mode ALARM { } " LINK "}"), 0);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_ALARM);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode ALARM { } Mode ALARM { } " LINK "}"), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
}

static void options_of_another_mode_have_no_effect(void)
{
	struct config c;

	CU_ASSERT_EQUAL(
		parse(&c, UNIX "Sync { RefreshTime 5 CacheTimeout 6 Mode NOTRACK {\n"
			       "DisableInternalCache on\nDisableExternalCache on StartupResync on }"
			       "Mode FTFW { } " LINK " }"),
		0);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(c.sync.refresh_s, 60);
	CU_ASSERT_EQUAL(c.sync.cache_timeout_s, 180);
	CU_ASSERT_FALSE(c.sync.disable_internal_cache);
	CU_ASSERT_TRUE(c.sync.disable_external_cache);
	CU_ASSERT_TRUE(c.sync.startup_resync);
	CU_ASSERT_EQUAL(diag.warnings, 4);
	CU_ASSERT_EQUAL(
		parse(&c, UNIX "Sync { Mode NOTRACK { DisableExternalCache on StartupResync on }\n"
			       "Mode ALARM { RefreshTime 5 } " LINK " }"),
		0);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_ALARM);
	CU_ASSERT_EQUAL(c.sync.refresh_s, 5);
	CU_ASSERT_FALSE(c.sync.disable_external_cache);
	CU_ASSERT_FALSE(c.sync.startup_resync);
	CU_ASSERT_EQUAL(diag.warnings, 3);
}

static void a_standby_is_warm_where_it_can_be(void)
{
	struct config c;

	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC), 0);
	CU_ASSERT_FALSE(c.sync.standby_warm);
	CU_ASSERT_EQUAL(c.sync.warm_age_s, 1);
	CU_ASSERT_EQUAL(c.sync.warm_rate, 50000);
	CU_ASSERT_EQUAL(c.sync.sync_delay_ms, 0);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode FTFW { StandbyTable warm WarmAge 2 WarmRate 3\n"
				       "SyncDelay 4 } CommitTimeout 5 " LINK " }"),
		0);
	CU_ASSERT_TRUE(c.sync.standby_warm);
	CU_ASSERT_EQUAL(c.sync.warm_age_s, 2);
	CU_ASSERT_EQUAL(c.sync.warm_rate, 3);
	CU_ASSERT_EQUAL(c.sync.sync_delay_ms, 4);
	CU_ASSERT_EQUAL(c.sync.commit_timeout_s, 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(parse(&c, UNIX "General { PollSecs 5 } Sync { Mode FTFW {\n"
				       "StandbyTable Warm WarmAge 2 WarmRate 3 } " LINK " }"),
		0);
	CU_ASSERT_FALSE(c.sync.standby_warm);
	CU_ASSERT_EQUAL(c.sync.warm_age_s, 1);
	CU_ASSERT_EQUAL(c.sync.warm_rate, 50000);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode NOTRACK { StandbyTable Warm WarmAge 2\n"
				       "WarmRate 3 SyncDelay 4 } Mode ALARM { } " LINK " }"),
		0);
	CU_ASSERT_FALSE(c.sync.standby_warm);
	CU_ASSERT_EQUAL(c.sync.sync_delay_ms, 0);
	CU_ASSERT_EQUAL(diag.warnings, 5);
}

static void births_are_heard_where_nothing_else_tells(void)
{
	struct config c;

	CU_ASSERT_EQUAL(
		parse(&c, UNIX "Sync { Mode ALARM { } " LINK " Options { NewEvents off } }"), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_FALSE(c.sync.new_events);
	CU_ASSERT_EQUAL(
		parse(&c, "General { UNIX { Path /u } PollSecs 15 } Sync { Mode FTFW { } " LINK
			  "\nOptions { NewEvents off } }"),
		0);
	CU_ASSERT_TRUE(c.sync.new_events);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(diag.items[0].line, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(diag.items[0].text, "NewEvents: expected on with PollSecs"));
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode NOTRACK { DisableInternalCache on } " LINK
				       " Options { NewEvents off } }"),
		0);
	CU_ASSERT_TRUE(c.sync.new_events);
	CU_ASSERT_EQUAL(diag.warnings, 1);
}

static void every_value_of_the_other_modes_too(void)
{
	struct config c;
	const struct config_link *l = c.sync.links;

	CU_ASSERT_EQUAL(parse(&c, "General { UNIX { Path /u } PollSecs 15\n"
				  "Filter { Mark Ignore { 7 0x10/0xF0 } } }\n"
				  "Sync { Mode ALARM { RefreshTime 8 CacheTimeout 9 }\n"
				  "TCP { IPv6_address fd00::1 IPv6_Destination_Address fd00::2\n"
				  "Interface a Port 5 ErrorQueueLength 6 }\n"
				  "TCP Default { Interface b Port 7 IPv4_address 192.0.2.1\n"
				  "IPv4_Destination_Address 192.0.2.2 }\n"
				  "Options { ExpectationSync { ftp H.245 } } }"),
		0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(c.purpose, CONFIG_SYNC);
	CU_ASSERT_EQUAL(c.general.poll_s, 15);
	CU_ASSERT_EQUAL(c.general.filter.mark_policy, FLOW_FILTER_IGNORE);
	CU_ASSERT_EQUAL(c.general.filter.marks_count, 2);
	CU_ASSERT_EQUAL(c.general.filter.marks[0].value, 7);
	CU_ASSERT_EQUAL(c.general.filter.marks[0].mask, UINT32_MAX);
	CU_ASSERT_EQUAL(c.general.filter.marks[1].value, 0x10);
	CU_ASSERT_EQUAL(c.general.filter.marks[1].mask, 0xf0);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_ALARM);
	CU_ASSERT_EQUAL(c.sync.refresh_s, 8);
	CU_ASSERT_EQUAL(c.sync.cache_timeout_s, 9);
	CU_ASSERT_EQUAL_FATAL(c.sync.links_count, 2);
	CU_ASSERT_EQUAL(l[0].transport, CONFIG_TCP);
	CU_ASSERT_EQUAL(l[0].l3, AF_INET6);
	CU_ASSERT_EQUAL(memcmp(&l[0].addr, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16), 0);
	CU_ASSERT_EQUAL(memcmp(&l[0].dest, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16), 0);
	CU_ASSERT_EQUAL(l[0].port, 5);
	CU_ASSERT_EQUAL(l[0].error_queue_length, 6);
	CU_ASSERT_EQUAL(l[1].l3, AF_INET);
	CU_ASSERT_EQUAL(memcmp(&l[1].addr, "\xc0\0\2\1", 4), 0);
	CU_ASSERT_EQUAL(memcmp(&l[1].dest, "\xc0\0\2\2", 4), 0);
	CU_ASSERT_EQUAL(l[1].error_queue_length, 128);
	CU_ASSERT_PTR_EQUAL(config_link_used(&c), &l[1]);
	CU_ASSERT_TRUE(c.sync.expectation_sync.on);
	CU_ASSERT_EQUAL(c.sync.expectation_sync.names_count, 2);
	CU_ASSERT_STRING_EQUAL(c.sync.expectation_sync.names[1], "H.245");
}

#define PAIR(text) UNIX "Sync { Mode FTFW { } UDP { Interface a Port 1 " text " } }"
#define LOCAL4	   "IPv4_address 192.0.2.1 "
#define DEST4	   "IPv4_Destination_Address 192.0.2.2 "
#define LOCAL6	   "IPv6_address fd00::1 "
#define DEST6	   "IPv6_Destination_Address fd00::2 "

static void the_two_ends_of_a_link_are_of_one_family(void)
{
	struct config c;
	const struct config_link *l = &c.sync.links[0];

	CU_ASSERT_EQUAL(parse(&c, PAIR(DEST4 LOCAL4)), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(l->l3, AF_INET);
	/* Of two whole ones the one named last counts. */
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL4 DEST4 LOCAL6 DEST6)), 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(l->l3, AF_INET6);
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL6 DEST4 DEST6 LOCAL4)), 0);
	CU_ASSERT_EQUAL(l->l3, AF_INET);
	CU_ASSERT_EQUAL(l->dest.bytes[0], 192);
	/* What is not whole does not. */
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL6 DEST6 LOCAL4)), 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(l->l3, AF_INET6);
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL4 DEST6)), -EINVAL);
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL6 DEST4)), -EINVAL);
	/* Any address of this node. */
	CU_ASSERT_EQUAL(parse(&c, PAIR(DEST6)), 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(l->l3, AF_INET6);
	CU_ASSERT_EQUAL(l->addr_loc.line, 0);
	CU_ASSERT_EQUAL(parse(&c, PAIR(LOCAL6)), -EINVAL);
	CU_ASSERT_EQUAL(parse(&c, PAIR("")), -EINVAL);
}

static void statistics_have_logs_of_their_own(void)
{
	struct config c;

	CU_ASSERT_EQUAL(parse(&c, UNIX "Stats { LogFile on Syslog local2 }"), 0);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(c.purpose, CONFIG_STATS);
	CU_ASSERT_STRING_EQUAL(c.stats.log_file, "/var/log/conntrackd-stats.log");
	CU_ASSERT_TRUE(c.stats.syslog);
	CU_ASSERT_EQUAL(c.stats.syslog_facility, LOG_LOCAL2);
	CU_ASSERT_STRING_EQUAL(c.general.log_file, "");
	CU_ASSERT_FALSE(c.general.syslog);
	CU_ASSERT_EQUAL(parse(&c, UNIX "General { Syslog on } Stats { Syslog local2 }"), 0);
	CU_ASSERT_EQUAL(diag.warnings, 1);
	CU_ASSERT_EQUAL(c.stats.syslog_facility, LOG_DAEMON);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Stats { LogFile on LogFile off Syslog on Syslog off }"), 0);
	CU_ASSERT_STRING_EQUAL(c.stats.log_file, "");
	CU_ASSERT_FALSE(c.stats.syslog);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Stats { NetlinkEventsReliable on }"), 0);
	CU_ASSERT_TRUE(c.general.netlink_events_reliable);
	CU_ASSERT_EQUAL(parse(&c, ""), 0);
	CU_ASSERT_EQUAL(c.purpose, CONFIG_STATS);
	CU_ASSERT_EQUAL(diag.warnings, 2);
}

static void off_means_off(void)
{
	struct config c;
	const struct expect_filter *f = &c.sync.expectation_sync;

	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC "Sync { Options { ExpectationSync on\n"
					    "ExpectationSync off } }"),
		0);
	CU_ASSERT_FALSE(f->on);
	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC "Sync { Options { ExpectationSync { ftp }\n"
					    "ExpectationSync off } }"),
		0);
	CU_ASSERT_FALSE(f->on || f->names_count > 0);
	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC "Sync { Options { ExpectationSync { ftp }\n"
					    "ExpectationSync on } }"),
		0);
	CU_ASSERT_TRUE(f->on && f->names_count == 0);
	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC "Sync { Options { ExpectationSync { ftp }\n"
					    "ExpectationSync { sip FTP } } }"),
		0);
	CU_ASSERT_TRUE(f->on && f->names_count == 2);
	CU_ASSERT_EQUAL(diag.count, 0);
	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC "Sync { Options { ExpectationSync { } } }"), 0);
	CU_ASSERT_FALSE(f->on);
	CU_ASSERT_EQUAL(diag.warnings, 1);
}

static void interface_names_may_look_like_anything(void)
{
	static const char *const names[] = {"bad", "fe0", "dead", "eth0.100", "on", "no", "TCP",
		"Default", "alarm", "General", "Group", "Interface", "12", "10.0.0.1", "fe80::1",
		"veth@if5", "eth0:1", "br-lan", "_x", "a_very_long_one"};
	char conf[512];
	struct config c;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(conf, sizeof(conf),
			UNIX "Sync { Mode FTFW { } Multicast { IPv4_address 225.0.0.50 "
			     "Interface %s Group 3780 } }",
			names[i]);
		CU_ASSERT_EQUAL(parse(&c, conf), 0);
		CU_ASSERT_EQUAL(diag.count, 0);
		CU_ASSERT_STRING_EQUAL(c.sync.links[0].interface, names[i]);
		CU_ASSERT_EQUAL(c.sync.links[0].port, 3780);
	}
}

/* What a file needs more to change one setting and no other. */
static const char *const changes_by_setting[CONFIG_SET_COUNT] = {
	[CONFIG_SET_HASH_SIZE] = "General { HashSize 7 }",
	[CONFIG_SET_HASH_LIMIT] = "General { HashLimit 7 }",
	[CONFIG_SET_LOG_FILE] = "General { LogFile /y }",
	[CONFIG_SET_SYSLOG] = "General { Syslog local5 }",
	[CONFIG_SET_LOCK_FILE] = "General { LockFile /y }",
	[CONFIG_SET_UNIX_PATH] = "General { UNIX { Path /y } }",
	[CONFIG_SET_NETLINK_BUFFER_SIZE] = "General { NetlinkBufferSize 7 }",
	[CONFIG_SET_NETLINK_BUFFER_SIZE_MAX] = "General { NetlinkBufferSizeMaxGrowth 77 }",
	[CONFIG_SET_NETLINK_OVERRUN_RESYNC] = "General { NetlinkOverrunResync off }",
	[CONFIG_SET_NETLINK_EVENTS_RELIABLE] = "General { NetlinkEventsReliable on }",
	[CONFIG_SET_EVENT_ITERATION_LIMIT] = "General { EventIterationLimit 7 }",
	[CONFIG_SET_SCHEDULER_TYPE] = "General { Scheduler { Type FIFO } }",
	[CONFIG_SET_SCHEDULER_PRIORITY] = "General { Scheduler { Priority 7 } }",
	[CONFIG_SET_SYSTEMD] = "General { Systemd off }",
	[CONFIG_SET_USER] = "General { User y }",
	[CONFIG_SET_GROUP] = "General { Group y }",
	[CONFIG_SET_FILTER] = "General { Filter From Kernelspace { } }",
	[CONFIG_SET_FILTER_PROTOCOL] = "General { Filter { Protocol Accept { UDP } } }",
	[CONFIG_SET_FILTER_ADDRESS] = "General { Filter { Address Accept { IPv6_address ::1 } } }",
	[CONFIG_SET_FILTER_STATE] = "General { Filter { State Accept { CLOSE for TCP } } }",
	[CONFIG_SET_MODE] = NULL, /* takes options away: see below */
	[CONFIG_SET_RESEND_QUEUE_SIZE] = "Sync { Mode FTFW { ResendQueueSize 7 } }",
	[CONFIG_SET_ACK_WINDOW_SIZE] = "Sync { Mode FTFW { ACKWindowSize 7 } }",
	[CONFIG_SET_COMMIT_TIMEOUT] = "Sync { CommitTimeout 7 }",
	[CONFIG_SET_PURGE_TIMEOUT] = "Sync { PurgeTimeout 7 }",
	[CONFIG_SET_STARTUP_RESYNC] = "Sync { Mode FTFW { StartupResync on } }",
	[CONFIG_SET_TCP_WINDOW_TRACKING] = "Sync { Options { TCPWindowTracking on } }",
	[CONFIG_SET_COMMIT_HALF_OPEN] = "Sync { Options { CommitHalfOpen on } }",
	[CONFIG_SET_NEW_EVENTS] = "Sync { Options { NewEvents off } }",
	[CONFIG_SET_DISABLE_EXTERNAL_CACHE] = "Sync { Mode FTFW { DisableExternalCache on } }",
	[CONFIG_SET_STANDBY_TABLE] = "Sync { Mode FTFW { StandbyTable Warm } }",
	[CONFIG_SET_SYNC_DELAY] = "Sync { Mode FTFW { SyncDelay 7 } }",
	[CONFIG_SET_POLL_SECS] = "General { PollSecs 7 }",
	[CONFIG_SET_FILTER_MARK] = "General { Filter { Mark Accept { 7 } } }",
	[CONFIG_SET_EXPECTATION_SYNC] = "Sync { Options { ExpectationSync { ftp } } }",
	[CONFIG_SET_LINKS] = "Sync { " LINK " }",
};

static void each_change_is_seen_alone(void)
{
	static const char base[] =
		"General { Syslog on UNIX { Path /x } User u NetlinkBufferSizeMaxGrowth 9\n"
		"Scheduler { Type RR } Filter { Protocol Accept { TCP }\n"
		"Address Accept { IPv4_address 0.0.0.0/8 } State Accept { ESTABLISHED for TCP } } "
		"}\n" SYNC "\n\n\n\n";
	struct config_change changes[CONFIG_SET_COUNT];
	struct config c, changed;
	unsigned at_runtime = 0;
	char conf[1024];

	CU_ASSERT_EQUAL(parse(&c, base), 0);
	CU_ASSERT_TRUE(config_equal(&c, &c));
	for (unsigned set = 0; set < CONFIG_SET_COUNT; set++) {
		if (!changes_by_setting[set])
			continue;
		snprintf(conf, sizeof(conf), "%s%s", base, changes_by_setting[set]);
		CU_ASSERT_EQUAL(parse(&changed, conf), 0);
		CU_ASSERT_FALSE(config_equal(&c, &changed));
		CU_ASSERT_EQUAL(config_diff_reload(&c, &changed, changes), 1);
		CU_ASSERT_EQUAL(changes[0].setting, set);
		CU_ASSERT_EQUAL(changes[0].line, set == CONFIG_SET_LINKS ? 4 : 8);
		CU_ASSERT_STRING_EQUAL(changes[0].name, config_setting_name(set));
		CU_ASSERT_TRUE(strlen(changes[0].name) > 0);
		at_runtime += changes[0].at_runtime;
	}
	CU_ASSERT_EQUAL(at_runtime, 4);
}

/* Those that a file with FTFW cannot change. */
static void each_change_of_other_modes_is_seen(void)
{
	static struct config c, changed;

	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC), 0);
#define SEEN(set, what)                                                                            \
	do {                                                                                       \
		struct config_change changes[CONFIG_SET_COUNT];                                    \
                                                                                                   \
		changed = c;                                                                       \
		what;                                                                              \
		CU_ASSERT_EQUAL(config_diff_reload(&c, &changed, changes), 1);                     \
		CU_ASSERT_EQUAL(changes[0].setting, set);                                          \
	} while (0)
	SEEN(CONFIG_SET_MODE, changed.purpose = CONFIG_STATS);
	SEEN(CONFIG_SET_MODE, changed.sync.mode = CONFIG_MODE_ALARM);
	SEEN(CONFIG_SET_REFRESH_TIME, changed.sync.refresh_s++);
	SEEN(CONFIG_SET_CACHE_TIMEOUT, changed.sync.cache_timeout_s++);
	SEEN(CONFIG_SET_DISABLE_INTERNAL_CACHE, changed.sync.disable_internal_cache = true);
	SEEN(CONFIG_SET_WARM_AGE, changed.sync.warm_age_s++);
	SEEN(CONFIG_SET_WARM_RATE, changed.sync.warm_rate++);
	SEEN(CONFIG_SET_EXPECTATION_SYNC, changed.sync.expectation_sync.on = true);
	SEEN(CONFIG_SET_STATS_LOG_FILE, strcpy(changed.stats.log_file, "/y"));
	SEEN(CONFIG_SET_STATS_SYSLOG, changed.stats.syslog = true);
	c.stats.syslog = true;
	SEEN(CONFIG_SET_STATS_SYSLOG, changed.stats.syslog_facility = LOG_LOCAL0);
	expect_filter_add(&c.sync.expectation_sync, "ftp");
	SEEN(CONFIG_SET_EXPECTATION_SYNC, changed.sync.expectation_sync.names[0][0] = 's');
	c.general.filter.mark_policy = FLOW_FILTER_ACCEPT;
	SEEN(CONFIG_SET_FILTER_MARK, flow_filter_add_mark(&changed.general.filter, 1, 1));
}

static void each_part_of_a_link_counts(void)
{
	struct config c, changed;
	struct config_link *l = &changed.sync.links[0];

	CU_ASSERT_EQUAL(parse(&c, UNIX SYNC), 0);
#define CHANGED(what)                                                                              \
	do {                                                                                       \
		changed = c;                                                                       \
		what;                                                                              \
		CU_ASSERT_FALSE(config_equal(&c, &changed));                                       \
	} while (0)
	CHANGED(l->transport = CONFIG_UDP);
	CHANGED(l->is_default = true);
	CHANGED(strcpy(l->interface, "y"));
	CHANGED(l->l3 = AF_INET6);
	CHANGED(l->addr.v4_be++);
	CHANGED(l->dest.v4_be++);
	CHANGED(l->interface_addr_be++);
	CHANGED(l->port++);
	CHANGED(l->sndbuf_bytes++);
	CHANGED(l->rcvbuf_bytes++);
	CHANGED(l->checksum = false);
	CHANGED(l->error_queue_length++);
	CHANGED(changed.sync.links_count = 0);
	changed = c;
	l->loc.line++;
	CU_ASSERT_TRUE(config_equal(&c, &changed));
}

static void a_reload_says_what_needs_a_restart(void)
{
	struct config_change changes[CONFIG_SET_COUNT];
	struct config a, b;

	CU_ASSERT_EQUAL(parse(&a, UNIX SYNC), 0);
	CU_ASSERT_EQUAL(
		parse(&b, "General {\nUNIX { Path /x }\nLogFile /y\nHashLimit 3\n}\n" SYNC), 0);
	CU_ASSERT_EQUAL_FATAL(config_diff_reload(&a, &b, changes), 2);
	CU_ASSERT_STRING_EQUAL(changes[0].name, "HashLimit");
	CU_ASSERT_EQUAL(changes[0].line, 4);
	CU_ASSERT_FALSE(changes[0].at_runtime);
	CU_ASSERT_STRING_EQUAL(changes[1].name, "LogFile");
	CU_ASSERT_EQUAL(changes[1].line, 3);
	CU_ASSERT_TRUE(changes[1].at_runtime);
	CU_ASSERT_EQUAL(parse(&a, UNIX "Sync { Mode FTFW { StandbyTable Warm } " LINK " }"), 0);
	CU_ASSERT_EQUAL(parse(&b, UNIX "Sync { Mode FTFW { StandbyTable Warm WarmAge 2 WarmRate 3\n"
				       "SyncDelay 4 } " LINK " }"),
		0);
	CU_ASSERT_EQUAL_FATAL(config_diff_reload(&a, &b, changes), 3);
	CU_ASSERT_TRUE(changes[0].at_runtime && changes[1].at_runtime);
	CU_ASSERT_FALSE(changes[2].at_runtime);
}

static void another_purpose_needs_a_restart(void)
{
	struct config_change changes[CONFIG_SET_COUNT];
	struct config a, b;
	size_t count;

	CU_ASSERT_EQUAL(parse(&a, UNIX "Sync { Mode FTFW { PurgeTimeout 7 } " LINK " }"), 0);
	CU_ASSERT_EQUAL(parse(&b, UNIX "General { LogFile /y } Stats { LogFile on }"), 0);
	count = config_diff_reload(&a, &b, changes);
	CU_ASSERT_EQUAL(count, 5);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(changes[i].at_runtime, changes[i].setting == CONFIG_SET_LOG_FILE);
	CU_ASSERT_EQUAL(parse(&a, UNIX "Stats { }"), 0);
	CU_ASSERT_EQUAL(parse(&b, UNIX "Stats { LogFile on Syslog on }"), 0);
	CU_ASSERT_EQUAL_FATAL(config_diff_reload(&a, &b, changes), 2);
	CU_ASSERT_TRUE(changes[0].at_runtime && changes[1].at_runtime);
}

static void problems_are_bounded(void)
{
	struct text t = text_of(text, sizeof(text));

	diag_init(&diag, "a\nb");
	for (unsigned i = 0; i < DIAG_ITEMS_MAX + 5; i++)
		diag_warning(&diag, i, "%0300u", i);
	diag_error(&diag, 0, "x");
	CU_ASSERT_EQUAL(diag.count, DIAG_ITEMS_MAX);
	CU_ASSERT_EQUAL(diag.warnings, DIAG_ITEMS_MAX + 5);
	CU_ASSERT_EQUAL(diag.errors, 1);
	CU_ASSERT_EQUAL(strlen(diag.items[0].text), DIAG_TEXT_MAX - 1);
	diag_print(&diag, &t);
	CU_ASSERT_EQUAL(strncmp(text, "a?b: warning: 000", 17), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "a?b: error: 6 more problems are not shown\n"));
}

static void files_that_cannot_be_read_are_told(void)
{
	static char big[CONFIG_FILE_BYTES_MAX + 1];
	struct config c;

	CU_ASSERT_EQUAL(config_load(&c, "/nonexistent/x.conf", &diag), -ENOENT);
	CU_ASSERT_EQUAL(diag.errors, 1);
	CU_ASSERT_EQUAL(config_load(&c, "/", &diag), -EISDIR);
	CU_ASSERT_EQUAL(diag.errors, 1);
	CU_ASSERT_EQUAL(config_load(&c, "/dev/zero", &diag), -EFBIG);
	CU_ASSERT_EQUAL(diag.errors, 1);
	memset(big, ' ', sizeof(big));
	CU_ASSERT_EQUAL(config_parse(&c, "x", big, sizeof(big), &diag), -EFBIG);
	memcpy(big, UNIX SYNC, strlen(UNIX SYNC));
	CU_ASSERT_EQUAL(config_parse(&c, "x", big, sizeof(big) - 1, &diag), 0);
}

static void a_text_may_be_cut_anywhere(void)
{
	static const char conf[] =
		"General { LockFile \"/a b\" UNIX { Path /u } Nice -5 # comment\n"
		"Filter From Kernelspace { Protocol Accept { TCP } Address Ignore {\n"
		"IPv4_address 10.1.2.3/8 } State Accept { LISTEN for TCP } } Bogus 1 2 }\n"
		"Helper { Type ftp inet tcp { Policy ftp { ExpectMax 1 } } } Foo { Bar { } }\n"
		"Sync { Mode FTFW { } Multicast Default { Interface x Group 12 }\n"
		"Options { ExpectationSync { a b } } }\n";
	struct config c;

	for (size_t len = 0; len < sizeof(conf); len++) {
		char *exact = malloc(len + 1); /* so that an over-read is seen */

		memcpy(exact + 1, conf, len);
		CU_ASSERT_EQUAL(
			config_parse(&c, "cut", exact + 1, len, &diag), len == 0 ? 0 : -EINVAL);
		CU_ASSERT_EQUAL(diag.errors > 0, len > 0);
		free(exact);
	}
}

static void common_protocols_need_no_file(void)
{
	uint8_t l4;

	CU_ASSERT_TRUE(protocol_find("tcp", 3, &l4) && l4 == 6);
	CU_ASSERT_TRUE(protocol_find("UDPx", 3, &l4) && l4 == 17);
	CU_ASSERT_TRUE(protocol_find("ipv6-icmp", 9, &l4) && l4 == 58);
	CU_ASSERT_TRUE(protocol_find("255", 3, &l4) && l4 == 255);
	CU_ASSERT_FALSE(protocol_find("256", 3, &l4));
	CU_ASSERT_FALSE(protocol_find("", 0, &l4));
	CU_ASSERT_FALSE(protocol_find("nosuch", 6, &l4));
	for (unsigned n = 0; n < 256; n++) {
		const char *name = protocol_name((uint8_t)n);

		if (name)
			CU_ASSERT_TRUE(protocol_find(name, strlen(name), &l4) && l4 == n);
	}
}

static void the_table_of_directives_is_sound(void)
{
	for (const struct directive *d = directives; d->name; d++) {
		bool served = d->status == SERVED || d->status == SERVED_ALIAS;

		CU_ASSERT_EQUAL(served, d->since != NULL);
		CU_ASSERT_TRUE(d->sections != 0);
		CU_ASSERT_TRUE(strlen(d->name) < 48);
		CU_ASSERT_TRUE(d->expects || d->type == VALUE_NOTHING);
		if (d->type == VALUE_OTHER)
			CU_ASSERT_PTR_NOT_NULL(d->apply);
		for (const struct directive *e = d + 1; e->name; e++)
			CU_ASSERT_FALSE(
				strcmp(d->name, e->name) == 0 && (d->sections & e->sections) != 0);
	}
}

static const struct unit_test tests[] = {
	{"a minimal file gives the defaults", a_minimal_file_gives_the_defaults},
	{"every value goes where it belongs", every_value_goes_where_it_belongs},
	{"lines are kept", lines_are_kept},
	{"the used link is the default or the first", the_used_link_is_the_default_or_the_first},
	{"of several modes the first in rank wins", of_several_modes_the_first_in_rank_wins},
	{"options of another mode have no effect", options_of_another_mode_have_no_effect},
	{"a standby is warm where it can be", a_standby_is_warm_where_it_can_be},
	{"births are heard where nothing else tells", births_are_heard_where_nothing_else_tells},
	{"every value of the other modes too", every_value_of_the_other_modes_too},
	{"the two ends of a link are of one family", the_two_ends_of_a_link_are_of_one_family},
	{"statistics have logs of their own", statistics_have_logs_of_their_own},
	{"off means off", off_means_off},
	{"interface names may look like anything", interface_names_may_look_like_anything},
	{"each change is seen alone", each_change_is_seen_alone},
	{"each change of other modes is seen", each_change_of_other_modes_is_seen},
	{"each part of a link counts", each_part_of_a_link_counts},
	{"a reload says what needs a restart", a_reload_says_what_needs_a_restart},
	{"another purpose needs a restart", another_purpose_needs_a_restart},
	{"problems are bounded", problems_are_bounded},
	{"files that cannot be read are told", files_that_cannot_be_read_are_told},
	{"a text may be cut anywhere", a_text_may_be_cut_anywhere},
	{"common protocols need no file", common_protocols_need_no_file},
	{"the table of directives is sound", the_table_of_directives_is_sound},
};

UNIT_MAIN("parser", tests)
