/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <syslog.h>

#include "base/check.h"
#include "parser/settings.h"

static const struct {
	const char *name;
	int facility;
} facilities[] = {
	{"daemon", LOG_DAEMON},
	{"local0", LOG_LOCAL0},
	{"local1", LOG_LOCAL1},
	{"local2", LOG_LOCAL2},
	{"local3", LOG_LOCAL3},
	{"local4", LOG_LOCAL4},
	{"local5", LOG_LOCAL5},
	{"local6", LOG_LOCAL6},
	{"local7", LOG_LOCAL7},
};

static bool settings_in_general(const struct directive *d)
{
	return d->sections >> SECTION_GENERAL & 1;
}

/* General's and Stats': where "on" goes, and where the value is kept. */
bool settings_log_file(struct reader *r, const struct directive *d, const struct statement *st)
{
	const bool general = settings_in_general(d);
	char *kept = general ? r->config->general.log_file : r->config->stats.log_file;
	char path[CONFIG_PATH_MAX + 1] = "";
	bool on;

	if (token_is_bool(&st->words[0], &on)) {
		if (on)
			text_copy(path, sizeof(path),
				general ? CONFIG_DEFAULT_LOG_FILE : CONFIG_DEFAULT_STATS_FILE);
	} else if (!value_path(r, d, &st->words[0], path, sizeof(path))) {
		return false;
	}
	memcpy(kept, path, sizeof(path));
	return true;
}

static void take_syslog(struct reader *r, const struct directive *d, bool on, int facility)
{
	if (settings_in_general(d)) {
		r->config->general.syslog = on;
		r->config->general.syslog_facility = facility;
	} else {
		r->config->stats.syslog = on;
		r->config->stats.syslog_facility = facility;
	}
}

bool settings_syslog(struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *tok = &st->words[0];
	bool on;

	if (token_is_bool(tok, &on)) {
		take_syslog(r, d, on, LOG_DAEMON);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (!token_is(tok, facilities[i].name))
			continue;
		take_syslog(r, d, true, facilities[i].facility);
		return true;
	}
	diag_warning(r->diag, tok->line,
		"Syslog: expected on, off, daemon or local0 to local7, found " TOKEN_FMT
		", ignored",
		TOKEN_ARGS(*tok));
	return false;
}

bool settings_unix_path(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct config_general *g = &r->config->general;

	return value_path(r, d, &st->words[0], g->unix_path, sizeof(g->unix_path));
}

bool settings_overrun(struct reader *r, const struct directive *d, const struct statement *st)
{
	uint32_t *seconds = &r->config->general.netlink_overrun_resync_s;
	uint32_t value;
	bool on;

	if (token_is_bool(&st->words[0], &on)) {
		*seconds = on ? CONFIG_DEFAULT_OVERRUN_RESYNC_S : 0;
		if (!on)
			diag_warning(r->diag, st->words[0].line,
				"NetlinkOverrunResync: off is not obeyed: dropped events are "
				"always repaired");
		return true;
	}
	if (!value_number(r, d, &st->words[0], UINT32_MAX, &value))
		return false;
	*seconds = value > 0 ? value : CONFIG_DEFAULT_OVERRUN_RESYNC_S;
	return true;
}

bool settings_poll(struct reader *r, const struct directive *d, const struct statement *st)
{
	uint32_t value;

	if (!value_number(r, d, &st->words[0], UINT32_MAX, &value))
		return false;
	if (value == 0) {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	r->config->general.poll_s = value;
	return true;
}

bool settings_sched_type(struct reader *r, const struct directive *d, const struct statement *st)
{
	if (token_is_nocase(&st->words[0], "RR")) {
		r->config->general.scheduler = CONFIG_SCHED_RR;
		return true;
	}
	if (token_is_nocase(&st->words[0], "FIFO")) {
		r->config->general.scheduler = CONFIG_SCHED_FIFO;
		return true;
	}
	settings_expected(r, d, &st->words[0]);
	return false;
}

bool settings_sched_prio(struct reader *r, const struct directive *d, const struct statement *st)
{
	uint32_t value;

	if (!token_is_number(&st->words[0]) || st->words[0].len > 9) {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	if (!value_number(r, d, &st->words[0], UINT32_MAX, &value))
		return false;
	if (value > 99) {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	r->config->general.scheduler_priority = (uint8_t)value;
	return true;
}
