/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/check.h"

#include <string.h>

#include "parser/settings.h"

/*
 * What is missing in the file as a whole is told only if nothing else is wrong: it may well stand
 * in a part that could not be read.
 */
static void check_sections(struct reader *r)
{
	if (r->sync_line > 0 && r->stats_line > 0)
		diag_error(r->diag, r->stats_line > r->sync_line ? r->stats_line : r->sync_line,
			"Stats: expected either Sync or Stats, found both");
	else if (r->sync_line == 0 && r->stats_line == 0 && r->diag->errors == 0)
		diag_warning(r->diag, 0,
			"expected a section Sync or Stats, found none: nothing is synchronized, "
			"the mode is Stats");
	r->config->purpose = r->sync_line > 0 ? CONFIG_SYNC : CONFIG_STATS;
	if (r->sync_line > 0 && !r->mode_seen)
		diag_warning(
			r->diag, r->sync_line, "Sync: expected a Mode, found none: FTFW is used");
}

/* True, and told, if a setting was given that the mode in force, which is not among modes, lacks.
 */
static bool is_foreign(struct reader *r, bool fits, enum config_setting set, const char *modes)
{
	const uint32_t line = r->config->loc[set].line;

	if (fits || line == 0)
		return false;
	diag_warning(r->diag, line, "%s: expected in mode %s only, the mode is %s: ignored",
		config_setting_name(set), modes, config_mode_name(r->config->sync.mode));
	return true;
}

/* Options that only other modes than the one in force have, given directly or for those modes. */
static void check_foreign(struct reader *r)
{
	struct config_sync *sync = &r->config->sync;
	const bool alarm = sync->mode == CONFIG_MODE_ALARM;
	const bool notrack = sync->mode == CONFIG_MODE_NOTRACK;

	if (is_foreign(r, alarm, CONFIG_SET_REFRESH_TIME, "ALARM"))
		sync->refresh_s = CONFIG_DEFAULT_REFRESH_S;
	if (is_foreign(r, alarm, CONFIG_SET_CACHE_TIMEOUT, "ALARM"))
		sync->cache_timeout_s = CONFIG_DEFAULT_CACHE_TIMEOUT_S;
	if (is_foreign(r, notrack, CONFIG_SET_DISABLE_INTERNAL_CACHE, "NOTRACK"))
		sync->disable_internal_cache = false;
	if (is_foreign(r, !alarm, CONFIG_SET_DISABLE_EXTERNAL_CACHE, "FTFW and NOTRACK"))
		sync->disable_external_cache = false;
	if (is_foreign(r, !alarm, CONFIG_SET_STANDBY_TABLE, "FTFW and NOTRACK"))
		sync->standby_warm = false;
	if (is_foreign(r, !alarm, CONFIG_SET_WARM_AGE, "FTFW and NOTRACK"))
		sync->warm_age_s = CONFIG_DEFAULT_WARM_AGE_S;
	if (is_foreign(r, !alarm, CONFIG_SET_WARM_RATE, "FTFW and NOTRACK"))
		sync->warm_rate = CONFIG_DEFAULT_WARM_RATE;
	if (is_foreign(r, !alarm, CONFIG_SET_SYNC_DELAY, "FTFW and NOTRACK"))
		sync->sync_delay_ms = 0;
	if (is_foreign(r, !alarm, CONFIG_SET_STARTUP_RESYNC, "FTFW and NOTRACK"))
		sync->startup_resync = false;
}

/* What a standby cannot be kept warm beside, or with no use; NULL: nothing. */
static const char *what_forbids_warm(const struct config *c)
{
	if (c->sync.disable_external_cache) /* all of it is in the kernel at once */
		return "DisableExternalCache";
	if (c->sync.disable_internal_cache) /* nothing tells what in the kernel is ours */
		return "DisableInternalCache";
	if (c->general.poll_s > 0) /* nothing tells what the kernel has ended */
		return "PollSecs";
	return NULL;
}

static void check_warm_only(struct reader *r, enum config_setting set)
{
	const uint32_t line = r->config->loc[set].line;

	if (line > 0)
		diag_warning(r->diag, line,
			"%s: expected with StandbyTable Warm, found without it: ignored",
			config_setting_name(set));
}

static void check_standby(struct reader *r)
{
	struct config_sync *sync = &r->config->sync;
	const struct config_loc *loc = r->config->loc;
	const bool asked = sync->standby_warm;
	const char *forbids = what_forbids_warm(r->config);

	if (asked && forbids) {
		diag_warning(r->diag, loc[CONFIG_SET_STANDBY_TABLE].line,
			"StandbyTable: expected Cold with %s, found Warm: Cold is used", forbids);
		sync->standby_warm = false;
	}
	if (!asked && sync->mode != CONFIG_MODE_ALARM) {
		check_warm_only(r, CONFIG_SET_WARM_AGE);
		check_warm_only(r, CONFIG_SET_WARM_RATE);
	}
	if (!sync->standby_warm) {
		sync->warm_age_s = CONFIG_DEFAULT_WARM_AGE_S;
		sync->warm_rate = CONFIG_DEFAULT_WARM_RATE;
	}
	if (sync->sync_delay_ms > 0 && sync->disable_internal_cache) {
		diag_warning(r->diag, loc[CONFIG_SET_SYNC_DELAY].line,
			"SyncDelay: expected without DisableInternalCache, found with it: ignored, "
			"there is nothing to hold back in");
		sync->sync_delay_ms = 0;
	}
}

static void check_new_events(struct reader *r)
{
	struct config_sync *sync = &r->config->sync;
	const char *beside = NULL, *why = NULL;

	if (sync->new_events)
		return;
	if (r->config->general.poll_s > 0) {
		beside = "PollSecs";
		why = "no events are heard";
	} else if (sync->disable_internal_cache) {
		beside = "DisableInternalCache";
		why = "each look at the kernel's table would tell all of it again";
	} else {
		return;
	}
	diag_warning(r->diag, r->config->loc[CONFIG_SET_NEW_EVENTS].line,
		"NewEvents: expected on with %s, found off: ignored, %s", beside, why);
	sync->new_events = true;
}

/* Both write each entry with the timeout that it has on its owner. */
static void check_commit_timeout(struct reader *r)
{
	struct config_sync *sync = &r->config->sync;
	const uint32_t line = r->config->loc[CONFIG_SET_COMMIT_TIMEOUT].line;

	if (sync->commit_timeout_s == 0)
		return;
	if (sync->disable_external_cache)
		diag_warning(r->diag, line,
			"CommitTimeout: expected without DisableExternalCache, found with it: "
			"ignored, there is nothing to commit");
	else if (sync->standby_warm)
		diag_warning(r->diag, line,
			"CommitTimeout: expected without StandbyTable Warm, found with it: "
			"ignored, an entry has what is left of its timeout");
	else
		return;
	sync->commit_timeout_s = 0;
}

static void check_mode(struct reader *r)
{
	struct config_sync *sync = &r->config->sync;
	const struct config_loc *loc = r->config->loc;
	const uint32_t timeout_line = loc[CONFIG_SET_CACHE_TIMEOUT].line;

	if (r->modes_seen & (r->modes_seen - 1))
		diag_warning(r->diag, loc[CONFIG_SET_MODE].line,
			"Mode: expected one of them, found several: %s is used",
			config_mode_name(sync->mode));
	check_foreign(r);
	if (sync->mode == CONFIG_MODE_ALARM && sync->cache_timeout_s <= sync->refresh_s)
		diag_warning(r->diag,
			timeout_line ? timeout_line : loc[CONFIG_SET_REFRESH_TIME].line,
			"CacheTimeout: expected more than RefreshTime, which is %u, found %u: the "
			"peer's connections come and go",
			sync->refresh_s, sync->cache_timeout_s);
	check_standby(r);
	check_commit_timeout(r);
	check_new_events(r);
}

/* Two links on one interface fail together, so that the second is of no use. */
static void check_own_interface(struct reader *r, unsigned i)
{
	const struct config_link *links = r->config->sync.links;

	if (links[i].interface[0] == '\0')
		return; /* has been told */
	for (unsigned k = 0; k < i; k++) {
		if (strcmp(links[i].interface, links[k].interface) != 0)
			continue;
		diag_warning(r->diag, links[i].interface_loc.line,
			"%s: expected an interface of its own for each link, found that of line %u "
			"again",
			config_transport_name(links[i].transport), links[k].loc.line);
		return;
	}
}

static void check_links(struct reader *r)
{
	const struct config_sync *sync = &r->config->sync;
	unsigned defaults = 0;

	if (r->sync_line > 0 && !r->link_seen)
		diag_error(r->diag, r->sync_line,
			"Sync: expected a section Multicast, UDP or TCP, found none");
	for (unsigned i = 0; i < sync->links_count; i++) {
		const struct config_link *link = &sync->links[i];
		const char *name = config_transport_name(link->transport);

		if (link->is_default && ++defaults > 1)
			diag_warning(r->diag, link->loc.line,
				"%s: expected one Default link, found another: the last one counts",
				name);
		check_own_interface(r, i);
	}
}

static void check_stats(struct reader *r)
{
	const struct config_general *g = &r->config->general;
	struct config_stats *s = &r->config->stats;

	if (!g->syslog || !s->syslog || g->syslog_facility == s->syslog_facility)
		return;
	diag_warning(r->diag, r->config->loc[CONFIG_SET_STATS_SYSLOG].line,
		"Syslog: expected the facility of section General, found another: General's is "
		"used");
	s->syslog_facility = g->syslog_facility;
}

static void check_general(struct reader *r)
{
	struct config_general *g = &r->config->general;
	struct config_loc *loc = r->config->loc;

	if (g->unix_path[0] == '\0' && r->diag->errors == 0)
		diag_warning(r->diag, 0,
			"UNIX: expected a Path for the control socket, found none: the daemon "
			"cannot be controlled");
	if (g->netlink_buffer_bytes > g->netlink_buffer_max_bytes) {
		diag_warning(r->diag, loc[CONFIG_SET_NETLINK_BUFFER_SIZE].line,
			"NetlinkBufferSize: expected at most NetlinkBufferSizeMaxGrowth, which "
			"is %u, found %u: the system's default is used",
			g->netlink_buffer_max_bytes, g->netlink_buffer_bytes);
		g->netlink_buffer_bytes = 0;
	}
	if (loc[CONFIG_SET_SCHEDULER_PRIORITY].line > 0 &&
		loc[CONFIG_SET_SCHEDULER_TYPE].line == 0) {
		diag_warning(r->diag, loc[CONFIG_SET_SCHEDULER_PRIORITY].line,
			"Priority: expected a Type in section Scheduler too, found none: ignored");
		g->scheduler_priority = CONFIG_DEFAULT_SCHED_PRIORITY;
	}
	if (g->group[0] != '\0' && g->user[0] == '\0')
		diag_warning(r->diag, loc[CONFIG_SET_GROUP].line,
			"Group: expected a User too, found none: the user is not changed");
}

static void check_filter(struct reader *r)
{
	const struct flow_filter *f = &r->config->general.filter;
	const struct config_loc *loc = r->config->loc;
	uint32_t protocols = 0;

	if (r->diag->errors > 0)
		return; /* a list may be empty for what was wrong in it */
	for (unsigned i = 0; i < 8; i++)
		protocols |= f->protocols[i];
	if (f->protocol_policy == FLOW_FILTER_ACCEPT && protocols == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_PROTOCOL].line,
			"Protocol: expected a protocol to accept, found none: nothing passes");
	if (f->address_policy == FLOW_FILTER_ACCEPT && f->nets_count == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_ADDRESS].line,
			"Address: expected a network to accept, found none: nothing passes");
	if (f->mark_policy == FLOW_FILTER_ACCEPT && f->marks_count == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_MARK].line,
			"Mark: expected a mark to accept, found none: nothing passes");
	if (f->state_policy == FLOW_FILTER_ACCEPT && f->tcp_states == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_STATE].line,
			"State: expected a state to accept, found none: no TCP passes");
}

void check_config(struct reader *r)
{
	check_general(r);
	check_sections(r);
	check_mode(r);
	check_links(r);
	check_stats(r);
	check_filter(r);
}
