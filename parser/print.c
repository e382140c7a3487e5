/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/check.h"
#include "flow/status.h"
#include "parser/config.h"
#include "parser/protocol.h"

static void put_name(struct text *t, unsigned depth, const char *name)
{
	while (depth-- > 0)
		text_putc(t, '\t');
	text_puts(t, name);
}

static void put_open(struct text *t, unsigned depth, const char *head)
{
	put_name(t, depth, head);
	text_puts(t, " {\n");
}

static void put_close(struct text *t, unsigned depth)
{
	put_name(t, depth, "}\n");
}

static void put_number(struct text *t, unsigned depth, const char *name, uint32_t value)
{
	put_name(t, depth, name);
	text_putc(t, ' ');
	text_u64(t, value);
	text_putc(t, '\n');
}

static void put_word(struct text *t, unsigned depth, const char *name, const char *value)
{
	put_name(t, depth, name);
	text_putc(t, ' ');
	text_puts(t, value);
	text_putc(t, '\n');
}

static void put_bool(struct text *t, unsigned depth, const char *name, bool value)
{
	put_word(t, depth, name, value ? "on" : "off");
}

/*
 * A value that the operator chose the characters of. Quoted only if it has to be: conntrackd
 * knows no quotes. Behind a path's slash nothing but blanks ends a word.
 */
static void put_value(struct text *t, const char *value)
{
	bool quoted = strpbrk(value, value[0] == '/' ? " " : " {}#") != NULL;

	text_puts(t, quoted ? "\"" : "");
	text_puts(t, value);
	text_puts(t, quoted ? "\"\n" : "\n");
}

static void put_text(struct text *t, unsigned depth, const char *name, const char *value)
{
	put_name(t, depth, name);
	text_putc(t, ' ');
	put_value(t, value);
}

static void put_addr(struct text *t, uint8_t l3, const union flow_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	if (inet_ntop(l3, addr->bytes, buf, sizeof(buf)))
		text_puts(t, buf);
}

static void print_protocols(const struct flow_filter *f, struct text *t)
{
	for (unsigned l4 = 0; l4 < 256; l4++) {
		if (!flow_filter_has_protocol(f, (uint8_t)l4))
			continue;
		put_name(t, 3, "");
		if (protocol_name((uint8_t)l4))
			text_puts(t, protocol_name((uint8_t)l4));
		else
			text_u64(t, l4);
		text_putc(t, '\n');
	}
}

static void print_nets(const struct flow_filter *f, struct text *t)
{
	for (unsigned i = 0; i < f->nets_count; i++) {
		const struct flow_filter_net *net = &f->nets[i];

		put_name(t, 3, net->l3 == AF_INET ? "IPv4_address " : "IPv6_address ");
		put_addr(t, net->l3, &net->addr);
		text_putc(t, '/');
		text_u64(t, net->prefix_len);
		text_putc(t, '\n');
	}
}

static void print_marks(const struct flow_filter *f, struct text *t)
{
	for (unsigned i = 0; i < f->marks_count; i++) {
		put_name(t, 3, "0x");
		text_hex(t, f->marks[i].value);
		text_puts(t, "/0x");
		text_hex(t, f->marks[i].mask);
		text_putc(t, '\n');
	}
}

static void print_states(const struct flow_filter *f, struct text *t)
{
	static const char *const names[FLOW_TCP_STATES] = {
		[FLOW_TCP_SYN_SENT] = "SYN_SENT",
		[FLOW_TCP_SYN_RECV] = "SYN_RECV",
		[FLOW_TCP_ESTABLISHED] = "ESTABLISHED",
		[FLOW_TCP_FIN_WAIT] = "FIN_WAIT",
		[FLOW_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[FLOW_TCP_LAST_ACK] = "LAST_ACK",
		[FLOW_TCP_TIME_WAIT] = "TIME_WAIT",
		[FLOW_TCP_CLOSE] = "CLOSE",
		[FLOW_TCP_SYN_SENT2] = "LISTEN",
	};

	if (f->tcp_states == 0)
		return;
	put_name(t, 3, "");
	for (unsigned i = 0; i < FLOW_TCP_STATES; i++) {
		if (!(f->tcp_states >> i & 1) || !names[i])
			continue;
		text_puts(t, names[i]);
		text_putc(t, ' ');
	}
	text_puts(t, "for TCP\n");
}

static void print_filter_set(const struct flow_filter *f, struct text *t, const char *name,
	enum flow_filter_policy policy, void (*print)(const struct flow_filter *, struct text *))
{
	if (policy == FLOW_FILTER_OFF)
		return;
	put_name(t, 2, name);
	put_open(t, 0, policy == FLOW_FILTER_ACCEPT ? " Accept" : " Ignore");
	print(f, t);
	put_close(t, 2);
}

static void print_filter(const struct config_general *g, struct text *t)
{
	const struct flow_filter *f = &g->filter;

	put_open(t, 1, g->filter_kernelspace ? "Filter From Kernelspace" : "Filter From Userspace");
	print_filter_set(f, t, "Protocol", f->protocol_policy, print_protocols);
	print_filter_set(f, t, "Address", f->address_policy, print_nets);
	print_filter_set(f, t, "Mark", f->mark_policy, print_marks);
	print_filter_set(f, t, "State", f->state_policy, print_states);
	put_close(t, 1);
}

static void print_log_file(const char *path, struct text *t)
{
	if (path[0] != '\0')
		put_text(t, 1, "LogFile", path);
	else
		put_bool(t, 1, "LogFile", false);
}

static void print_syslog(bool on, int number, struct text *t)
{
	char facility[] = "local0";

	if (!on) {
		put_bool(t, 1, "Syslog", false);
	} else if (number == LOG_DAEMON) {
		put_word(t, 1, "Syslog", "daemon");
	} else {
		CHECK(number >= LOG_LOCAL0 && number <= LOG_LOCAL7);
		facility[5] = (char)('0' + LOG_FAC(number) - LOG_FAC(LOG_LOCAL0));
		put_word(t, 1, "Syslog", facility);
	}
}

/* Without a section the daemon stays as it was started: no default is in force. */
static bool has_scheduler(const struct config *config)
{
	const struct config_general *g = &config->general;

	return config->loc[CONFIG_SET_SCHEDULER_TYPE].line > 0 || g->scheduler != CONFIG_SCHED_RR ||
	       g->scheduler_priority != CONFIG_DEFAULT_SCHED_PRIORITY;
}

static void print_general(const struct config *config, struct text *t)
{
	const struct config_general *g = &config->general;

	put_open(t, 0, "General");
	put_number(t, 1, "HashSize", g->hash_size);
	put_number(t, 1, "HashLimit", g->hash_limit);
	print_log_file(g->log_file, t);
	print_syslog(g->syslog, g->syslog_facility, t);
	put_text(t, 1, "LockFile", g->lock_file);
	if (g->unix_path[0] != '\0') {
		put_open(t, 1, "UNIX");
		put_text(t, 2, "Path", g->unix_path);
		put_close(t, 1);
	}
	put_number(t, 1, "NetlinkBufferSize", g->netlink_buffer_bytes);
	put_number(t, 1, "NetlinkBufferSizeMaxGrowth", g->netlink_buffer_max_bytes);
	if (g->netlink_overrun_resync_s > 0)
		put_number(t, 1, "NetlinkOverrunResync", g->netlink_overrun_resync_s);
	else
		put_bool(t, 1, "NetlinkOverrunResync", false);
	put_bool(t, 1, "NetlinkEventsReliable", g->netlink_events_reliable);
	if (g->poll_s > 0)
		put_number(t, 1, "PollSecs", g->poll_s);
	put_number(t, 1, "EventIterationLimit", g->event_iteration_limit);
	if (has_scheduler(config)) {
		put_open(t, 1, "Scheduler");
		put_word(t, 2, "Type", g->scheduler == CONFIG_SCHED_RR ? "RR" : "FIFO");
		put_number(t, 2, "Priority", g->scheduler_priority);
		put_close(t, 1);
	}
	put_bool(t, 1, "Systemd", g->systemd);
	if (g->user[0] != '\0')
		put_text(t, 1, "User", g->user);
	if (g->group[0] != '\0')
		put_text(t, 1, "Group", g->group);
	print_filter(g, t);
	put_close(t, 0);
}

static void print_link(const struct config_link *link, struct text *t)
{
	bool multicast = link->transport == CONFIG_MULTICAST;
	const bool v4 = link->l3 == AF_INET;

	put_name(t, 1, config_transport_name(link->transport));
	put_open(t, 0, link->is_default ? " Default" : "");
	put_name(t, 2, v4 ? "IPv4_address " : "IPv6_address ");
	put_addr(t, link->l3, &link->addr);
	text_putc(t, '\n');
	if (multicast && link->interface_addr_be != 0) {
		put_name(t, 2, "IPv4_interface ");
		put_addr(t, AF_INET, &(union flow_addr){.v4_be = link->interface_addr_be});
		text_putc(t, '\n');
	}
	if (!multicast) {
		put_name(t, 2, v4 ? "IPv4_Destination_Address " : "IPv6_Destination_Address ");
		put_addr(t, link->l3, &link->dest);
		text_putc(t, '\n');
	}
	put_text(t, 2, "Interface", link->interface);
	put_number(t, 2, multicast ? "Group" : "Port", link->port);
	if (link->sndbuf_bytes > 0)
		put_number(t, 2, "SndSocketBuffer", link->sndbuf_bytes);
	if (link->rcvbuf_bytes > 0)
		put_number(t, 2, "RcvSocketBuffer", link->rcvbuf_bytes);
	put_bool(t, 2, "Checksum", link->checksum);
	if (link->transport == CONFIG_TCP)
		put_number(t, 2, "ErrorQueueLength", link->error_queue_length);
	put_close(t, 1);
}

static void print_expectations(const struct expect_filter *f, struct text *t)
{
	if (f->names_count == 0) {
		put_bool(t, 2, "ExpectationSync", f->on);
		return;
	}
	put_open(t, 2, "ExpectationSync");
	for (unsigned i = 0; i < f->names_count; i++) {
		put_name(t, 3, "");
		put_value(t, f->names[i]);
	}
	put_close(t, 2);
}

static void print_standby(const struct config_sync *s, struct text *t)
{
	put_word(t, 2, "StandbyTable", s->standby_warm ? "Warm" : "Cold");
	if (s->standby_warm) {
		put_number(t, 2, "WarmAge", s->warm_age_s);
		put_number(t, 2, "WarmRate", s->warm_rate);
	}
	put_number(t, 2, "SyncDelay", s->sync_delay_ms);
}

static void print_sync(const struct config_sync *s, struct text *t)
{
	put_open(t, 0, "Sync");
	put_name(t, 1, "Mode ");
	put_open(t, 0, config_mode_name(s->mode));
	if (s->mode == CONFIG_MODE_FTFW) {
		put_number(t, 2, "ResendQueueSize", s->resend_queue_size);
		put_number(t, 2, "ACKWindowSize", s->ack_window_size);
	}
	put_number(t, 2, "CommitTimeout", s->commit_timeout_s);
	put_number(t, 2, "PurgeTimeout", s->purge_timeout_s);
	if (s->mode == CONFIG_MODE_ALARM) {
		put_number(t, 2, "RefreshTime", s->refresh_s);
		put_number(t, 2, "CacheTimeout", s->cache_timeout_s);
	} else {
		put_bool(t, 2, "StartupResync", s->startup_resync);
		put_bool(t, 2, "DisableExternalCache", s->disable_external_cache);
		print_standby(s, t);
	}
	if (s->mode == CONFIG_MODE_NOTRACK)
		put_bool(t, 2, "DisableInternalCache", s->disable_internal_cache);
	put_close(t, 1);
	for (unsigned i = 0; i < s->links_count; i++)
		print_link(&s->links[i], t);
	put_open(t, 1, "Options");
	put_bool(t, 2, "TCPWindowTracking", s->tcp_window_tracking);
	put_bool(t, 2, "CommitHalfOpen", s->commit_half_open);
	put_bool(t, 2, "NewEvents", s->new_events);
	print_expectations(&s->expectation_sync, t);
	put_close(t, 1);
	put_close(t, 0);
}

static void print_stats(const struct config_stats *s, struct text *t)
{
	put_open(t, 0, "Stats");
	print_log_file(s->log_file, t);
	print_syslog(s->syslog, s->syslog_facility, t);
	put_close(t, 0);
}

void config_print(const struct config *c, struct text *t)
{
	print_general(c, t);
	text_putc(t, '\n');
	switch (c->purpose) {
	case CONFIG_SYNC:
		print_sync(&c->sync, t);
		break;
	case CONFIG_STATS:
		print_stats(&c->stats, t);
		break;
	}
}
