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

/* Stats has a LogFile and a Syslog as well; they are read and dropped with the section. */
static bool settings_in_general(const struct directive *d)
{
	return d->sections >> SECTION_GENERAL & 1;
}

bool settings_log_file(struct reader *r, const struct directive *d, const struct statement *st)
{
	char path[CONFIG_PATH_MAX + 1] = "";
	bool on;

	if (token_is_bool(&st->words[0], &on)) {
		if (on)
			text_copy(path, sizeof(path), CONFIG_DEFAULT_LOG_FILE);
	} else if (!value_path(r, d, &st->words[0], path, sizeof(path))) {
		return false;
	}
	if (settings_in_general(d))
		memcpy(r->config->general.log_file, path, sizeof(path));
	return true;
}

bool settings_syslog(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct config_general *g = &r->config->general;
	const struct token *tok = &st->words[0];
	bool on;

	if (token_is_bool(tok, &on)) {
		if (settings_in_general(d)) {
			g->syslog = on;
			g->syslog_facility = LOG_DAEMON;
		}
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (!token_is(tok, facilities[i].name))
			continue;
		if (settings_in_general(d)) {
			g->syslog = true;
			g->syslog_facility = facilities[i].facility;
		}
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
	if (value > 0)
		return true;
	settings_expected(r, d, &st->words[0]);
	return false;
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
