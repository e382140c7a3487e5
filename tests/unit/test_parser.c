/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

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
	CU_ASSERT_EQUAL(c.general.event_iteration_limit, 100);
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
	CU_ASSERT_EQUAL(diag.warnings, 1);
	c.sync.links[1].is_default = true;
	CU_ASSERT_PTR_EQUAL(config_link_used(&c), &c.sync.links[1]);
}

static void of_several_modes_the_first_in_rank_wins(void)
{
	struct config c;

	/* An error as long as not all of them are served, but there is an answer. */
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode FTFW { } Mode ALARM { } " LINK "}"), -EINVAL);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode ALARM { } Mode FTFW { } " LINK "}"), -EINVAL);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_FTFW);
	CU_ASSERT_EQUAL(parse(&c, UNIX "Sync { Mode NOTRACK { } Mode ALARM { } }"), -EINVAL);
	CU_ASSERT_EQUAL(c.sync.mode, CONFIG_MODE_ALARM);
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

/* xorshift64*: the printed seed repeats a run. */
static uint64_t seed;

static uint32_t any(uint32_t bound)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)(((seed * UINT64_C(2685821657736338717)) >> 32) % bound);
}

static void any_path(char *path, size_t max)
{
	static const char chars[] = "abcXYZ019._-/{}# @:,;|'\\$";
	size_t len = 1 + any((uint32_t)max);

	path[0] = '/';
	for (size_t i = 1; i < len; i++)
		path[i] = chars[any(sizeof(chars) - 1)];
	path[len] = '\0';
}

static void any_name(char *name, size_t max)
{
	static const char chars[] = "abcdefEF0123456789._-{}#@:,;|'\\$";
	size_t len = 1 + any((uint32_t)max);

	for (size_t i = 0; i < len; i++)
		name[i] = chars[any(sizeof(chars) - 1)];
	name[len] = '\0';
}

static uint32_t any_number(void)
{
	return UINT32_MAX >> any(32) & (any(UINT32_MAX) | 1);
}

static void any_filter(struct flow_filter *f)
{
	f->protocol_policy = any(3);
	for (unsigned i = 0; f->protocol_policy != FLOW_FILTER_OFF && i < 8; i++)
		f->protocols[i] = any(2) ? any(UINT32_MAX) : 0;
	f->state_policy = any(3);
	if (f->state_policy != FLOW_FILTER_OFF)
		f->tcp_states = (uint16_t)(any(1u << FLOW_TCP_STATES) & ~1u);
	f->address_policy = any(3);
	for (unsigned i = any(20); f->address_policy != FLOW_FILTER_OFF && i > 0; i--) {
		uint8_t l3 = any(2) ? AF_INET : AF_INET6;
		union flow_addr addr;

		for (unsigned k = 0; k < 4; k++)
			addr.v6_be[k] = any(UINT32_MAX);
		flow_filter_add_net(f, l3, &addr, (uint8_t)any(l3 == AF_INET ? 33 : 129));
	}
}

static void any_link(struct config_link *l)
{
	memset(l, 0, sizeof(*l));
	l->is_default = any(2);
	any_name(l->interface, CONFIG_INTERFACE_MAX);
	l->l3 = any(2) ? AF_INET : AF_INET6;
	for (unsigned k = 0; k < (l->l3 == AF_INET ? 1 : 4); k++)
		l->addr.v6_be[k] = any(UINT32_MAX);
	l->addr.bytes[0] = l->l3 == AF_INET ? 225 : 0xff;
	l->interface_addr_be = any(2) ? any(UINT32_MAX) : 0;
	l->port = (uint16_t)(1 + any(UINT16_MAX));
	l->sndbuf_bytes = any(2) ? any_number() : 0;
	l->rcvbuf_bytes = any(2) ? any_number() : 0;
	l->checksum = any(2);
}

static void any_config(struct config *c)
{
	struct config_general *g = &c->general;

	config_init(c);
	g->hash_size = any_number();
	g->hash_limit = any_number();
	if (any(2))
		any_path(g->log_file, CONFIG_PATH_MAX);
	g->syslog = any(2);
	if (g->syslog)
		g->syslog_facility = any(2) ? LOG_DAEMON : LOG_LOCAL0 + (int)(any(8) << 3);
	any_path(g->lock_file, CONFIG_PATH_MAX);
	if (any(2))
		any_path(g->unix_path, CONFIG_UNIX_PATH_MAX);
	g->netlink_buffer_max_bytes = any_number();
	g->netlink_buffer_bytes = any(2) ? g->netlink_buffer_max_bytes : 0;
	g->netlink_overrun_resync_s = any(2) ? any_number() : 0;
	g->netlink_events_reliable = any(2);
	g->event_iteration_limit = any_number();
	g->scheduler = any(2);
	g->scheduler_priority = (uint8_t)any(100);
	g->systemd = any(2);
	if (any(2))
		any_name(g->user, CONFIG_USER_MAX);
	if (any(2))
		any_name(g->group, CONFIG_USER_MAX);
	g->filter_kernelspace = any(2);
	any_filter(&g->filter);
	c->sync.resend_queue_size = any_number();
	c->sync.ack_window_size = any_number();
	c->sync.commit_timeout_s = any(2) ? any_number() : 0;
	c->sync.purge_timeout_s = any_number();
	c->sync.startup_resync = any(2);
	c->sync.tcp_window_tracking = any(2);
	c->sync.commit_half_open = any(2);
	c->sync.links_count = (uint8_t)(1 + any(CONFIG_LINKS_MAX));
	for (unsigned i = 0; i < c->sync.links_count; i++)
		any_link(&c->sync.links[i]);
}

static void what_is_printed_parses_to_the_same(void)
{
	const char *given = getenv("CTSYNC_TEST_SEED");
	uint64_t start = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct config c, again;

	printf("(seed: CTSYNC_TEST_SEED=%llu) ", (unsigned long long)start);
	seed = start * 2 + 1;
	for (unsigned i = 0; i < 500; i++) {
		struct text t = text_of(text, sizeof(text));

		any_config(&c);
		config_print(&c, &t);
		CU_ASSERT_TRUE_FATAL(t.len < sizeof(text));
		if (parse(&again, text) != 0 || !config_equal(&c, &again)) {
			struct text d = text_of(text, sizeof(text));

			CU_FAIL("printed configuration differs");
			diag_print(&diag, &d);
			puts(text);
			return;
		}
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
	[CONFIG_SET_MODE] = NULL, /* there is but one to choose from */
	[CONFIG_SET_RESEND_QUEUE_SIZE] = "Sync { Mode FTFW { ResendQueueSize 7 } }",
	[CONFIG_SET_ACK_WINDOW_SIZE] = "Sync { Mode FTFW { ACKWindowSize 7 } }",
	[CONFIG_SET_COMMIT_TIMEOUT] = "Sync { CommitTimeout 7 }",
	[CONFIG_SET_PURGE_TIMEOUT] = "Sync { PurgeTimeout 7 }",
	[CONFIG_SET_STARTUP_RESYNC] = "Sync { Mode FTFW { StartupResync on } }",
	[CONFIG_SET_TCP_WINDOW_TRACKING] = "Sync { Options { TCPWindowTracking on } }",
	[CONFIG_SET_COMMIT_HALF_OPEN] = "Sync { Options { CommitHalfOpen on } }",
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
	changed = c;
	changed.sync.mode = CONFIG_MODE_ALARM;
	CU_ASSERT_FALSE(config_equal(&c, &changed));
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
		CU_ASSERT_EQUAL(config_parse(&c, "cut", exact + 1, len, &diag), -EINVAL);
		CU_ASSERT_TRUE(diag.errors > 0);
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
	{"interface names may look like anything", interface_names_may_look_like_anything},
	{"what is printed parses to the same", what_is_printed_parses_to_the_same},
	{"each change is seen alone", each_change_is_seen_alone},
	{"each part of a link counts", each_part_of_a_link_counts},
	{"a reload says what needs a restart", a_reload_says_what_needs_a_restart},
	{"problems are bounded", problems_are_bounded},
	{"files that cannot be read are told", files_that_cannot_be_read_are_told},
	{"a text may be cut anywhere", a_text_may_be_cut_anywhere},
	{"common protocols need no file", common_protocols_need_no_file},
	{"the table of directives is sound", the_table_of_directives_is_sound},
};

UNIT_MAIN("parser", tests)
