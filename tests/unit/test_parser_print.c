/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

#include "flow/status.h"
#include "parser/config.h"
#include "parser/diag.h"
#include "unit.h"

/* Random configurations: what is printed is read again as it was. */
static struct diag diag;
static char text[1 << 16];

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
	f->mark_policy = any(3);
	for (unsigned i = any(40); f->mark_policy != FLOW_FILTER_OFF && i > 0; i--) {
		uint32_t mask = any(2) ? UINT32_MAX : any_number();

		flow_filter_add_mark(f, any_number() & mask, mask);
	}
}

static void any_link(struct config_link *l, enum config_transport transport)
{
	memset(l, 0, sizeof(*l));
	l->transport = transport;
	l->is_default = any(2);
	any_name(l->interface, CONFIG_INTERFACE_MAX);
	l->l3 = any(2) ? AF_INET : AF_INET6;
	for (unsigned k = 0; k < (l->l3 == AF_INET ? 1 : 4); k++) {
		l->addr.v6_be[k] = any(UINT32_MAX);
		if (transport != CONFIG_MULTICAST)
			l->dest.v6_be[k] = any(UINT32_MAX);
	}
	l->addr.bytes[0] = l->dest.bytes[0] = 10;
	if (any(8) == 0)
		memset(&l->addr, 0, sizeof(l->addr));
	if (transport == CONFIG_MULTICAST) {
		l->addr.bytes[0] = l->l3 == AF_INET ? 225 : 0xff;
		l->dest.bytes[0] = 0;
		l->interface_addr_be = l->l3 == AF_INET && any(2) ? any(UINT32_MAX) : 0;
	}
	l->error_queue_length = transport == CONFIG_TCP ? any_number() : 128;
	l->port = (uint16_t)(1 + any(UINT16_MAX));
	l->sndbuf_bytes = any(2) ? any_number() : 0;
	l->rcvbuf_bytes = any(2) ? any_number() : 0;
	l->checksum = any(2);
}

static void any_general(struct config_general *g)
{
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
	g->poll_s = any(2) ? any_number() : 0;
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
}

static void any_expectations(struct expect_filter *f)
{
	char name[FLOW_HELPER_NAME_MAX];

	f->on = any(2);
	for (unsigned i = f->on ? any(EXPECT_FILTER_NAMES_MAX + 1) : 0; i > 0; i--) {
		any_name(name, sizeof(name) - 2);
		name[0] = 'h'; /* a number is no name */
		expect_filter_add(f, name);
	}
}

static void any_sync(struct config_sync *s, bool may_be_warm)
{
	enum config_transport transport = any(3);

	s->mode = any(3);
	if (s->mode == CONFIG_MODE_FTFW) {
		s->resend_queue_size = any_number();
		s->ack_window_size = any_number();
	}
	if (s->mode == CONFIG_MODE_ALARM) {
		s->refresh_s = any_number();
		s->cache_timeout_s = any_number();
	} else {
		s->startup_resync = any(2);
		s->disable_external_cache = any(2);
	}
	s->disable_internal_cache = s->mode == CONFIG_MODE_NOTRACK && any(2);
	s->sync_delay_ms = s->mode != CONFIG_MODE_ALARM && !s->disable_internal_cache && any(2)
				   ? any(CONFIG_SYNC_DELAY_MS_MAX + 1)
				   : 0;
	s->standby_warm = may_be_warm && s->mode != CONFIG_MODE_ALARM &&
			  !s->disable_external_cache && !s->disable_internal_cache && any(2);
	if (s->standby_warm) {
		s->warm_age_s = any(CONFIG_WARM_AGE_S_MAX + 1);
		s->warm_rate = any_number();
	}
	s->commit_timeout_s =
		!s->disable_external_cache && !s->standby_warm && any(2) ? any_number() : 0;
	s->purge_timeout_s = any_number();
	s->tcp_window_tracking = any(2);
	s->commit_half_open = any(2);
	s->new_events = !may_be_warm || s->disable_internal_cache || any(2);
	any_expectations(&s->expectation_sync);
	s->links_count = (uint8_t)(1 + any(CONFIG_LINKS_MAX));
	for (unsigned i = 0; i < s->links_count; i++)
		any_link(&s->links[i], transport);
}

static void any_config(struct config *c)
{
	config_init(c);
	any_general(&c->general);
	c->purpose = any(4) ? CONFIG_SYNC : CONFIG_STATS;
	if (c->purpose == CONFIG_SYNC) {
		any_sync(&c->sync, c->general.poll_s == 0);
		return;
	}
	if (any(2))
		any_path(c->stats.log_file, CONFIG_PATH_MAX);
	c->stats.syslog = any(2);
	if (c->stats.syslog)
		c->stats.syslog_facility = c->general.syslog ? c->general.syslog_facility
							     : LOG_LOCAL0 + (int)(any(8) << 3);
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
		if (config_parse(&again, "printed.conf", text, t.len, &diag) != 0 ||
			!config_equal(&c, &again)) {
			struct text d = text_of(text, sizeof(text));

			CU_FAIL("printed configuration differs");
			fputs(text, stdout);
			diag_print(&diag, &d);
			puts(text);
			return;
		}
	}
}

static const struct unit_test tests[] = {
	{"what is printed parses to the same", what_is_printed_parses_to_the_same},
};

UNIT_MAIN("parser_print", tests)
