/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "parser/settings.h"

static const struct {
	const char *name;
	enum config_mode mode;
	enum section opens;
	bool old_name;
} modes[] = {
	{"FTFW", CONFIG_MODE_FTFW, SECTION_MODE_FTFW, false},
	{"ALARM", CONFIG_MODE_ALARM, SECTION_MODE_ALARM, false},
	{"NOTRACK", CONFIG_MODE_NOTRACK, SECTION_MODE_NOTRACK, false},
	{"NACK", CONFIG_MODE_FTFW, SECTION_MODE_FTFW, true},
	{"PERSISTENT", CONFIG_MODE_ALARM, SECTION_MODE_ALARM, true},
};

/* Sync or Stats */
bool settings_top(struct reader *r, const struct directive *d, const struct statement *st)
{
	uint32_t *line = d->opens == SECTION_SYNC ? &r->sync_line : &r->stats_line;

	if (*line == 0)
		*line = st->name.line;
	return true;
}

bool settings_mode(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct config_sync *sync = &r->config->sync;
	const struct token *tok = &st->words[0];

	r->mode_seen = true;
	if (st->words_count == 0) {
		settings_expected(r, d, &(struct token){"{", 1, st->name.line});
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!token_is_nocase(tok, modes[i].name))
			continue;
		if (modes[i].old_name)
			diag_warning(r->diag, tok->line,
				"Mode: expected %s, found its old name " TOKEN_FMT,
				config_mode_name(modes[i].mode), TOKEN_ARGS(*tok));
		/* With several modes in one file FTFW wins over ALARM, that over NOTRACK. */
		if (r->modes_seen == 0 || modes[i].mode < sync->mode)
			sync->mode = modes[i].mode;
		r->modes_seen |= 1u << modes[i].mode;
		r->opening = modes[i].opens;
		return true;
	}
	settings_expected(r, d, tok);
	return false;
}

bool settings_standby(struct reader *r, const struct directive *d, const struct statement *st)
{
	const bool warm = token_is_nocase(&st->words[0], "Warm");

	if (!warm && !token_is_nocase(&st->words[0], "Cold")) {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	r->config->sync.standby_warm = warm;
	return true;
}

bool settings_warm_age(struct reader *r, const struct directive *d, const struct statement *st)
{
	return value_number(
		r, d, &st->words[0], CONFIG_WARM_AGE_S_MAX, &r->config->sync.warm_age_s);
}

bool settings_sync_delay(struct reader *r, const struct directive *d, const struct statement *st)
{
	return value_number(
		r, d, &st->words[0], CONFIG_SYNC_DELAY_MS_MAX, &r->config->sync.sync_delay_ms);
}

bool settings_expect(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct expect_filter *filter = &r->config->sync.expectation_sync;
	bool on;

	if (st->words_count == 0) { /* a list: adds to the one before, as filters' lists do */
		filter->on = true;
		return true;
	}
	if (!value_bool(r, d, &st->words[0], &on))
		return false;
	*filter = (struct expect_filter){.on = on};
	return true;
}

void settings_expect_item(struct reader *r, const struct token *tok)
{
	char name[FLOW_HELPER_NAME_MAX] = "";

	if (tok->len == 0 || token_is_number(tok) || token_has_control(tok) ||
		memchr(tok->at, '/', tok->len)) {
		diag_error(r->diag, tok->line,
			"ExpectationSync: expected a helper's name, found " TOKEN_FMT,
			TOKEN_ARGS(*tok));
		return;
	}
	if (tok->len >= sizeof(name)) { /* no helper's name begins with it */
		diag_warning(r->diag, tok->line,
			"ExpectationSync: expected at most %zu characters, found " TOKEN_FMT
			", ignored",
			sizeof(name) - 1, TOKEN_ARGS(*tok));
		return;
	}
	memcpy(name, tok->at, tok->len);
	if (expect_filter_add(&r->config->sync.expectation_sync, name) == -ENOSPC)
		diag_error(r->diag, tok->line,
			"ExpectationSync: expected at most %d names, found one more",
			EXPECT_FILTER_NAMES_MAX);
}

/* Without a name the list would say "all", which is not what was written. */
void settings_expect_end(struct reader *r)
{
	struct expect_filter *filter = &r->config->sync.expectation_sync;

	if (filter->names_count > 0 || r->diag->errors > 0)
		return;
	filter->on = false;
	diag_warning(r->diag, r->stack[r->stack_used - 1].line,
		"ExpectationSync: expected a helper's name, found none: it is off");
}
