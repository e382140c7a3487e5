/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/settings.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"

void settings_expected(struct reader *r, const struct directive *d, const struct token *found)
{
	if (found->len == 0 && found == &r->last)
		diag_error(r->diag, found->line, "%s: expected %s, found the end of the file",
			d->name, d->expects);
	else
		diag_error(r->diag, found->line, "%s: expected %s, found " TOKEN_FMT, d->name,
			d->expects, TOKEN_ARGS(*found));
}

void settings_not_served(struct reader *r, const struct directive *d, uint32_t line)
{
	const char *what = d->name;

	if (r->stack_used > 0 && r->stack[r->stack_used - 1].muted)
		return;
	switch (d->status) {
	case SERVED:
		break;
	case SERVED_ALIAS:
		diag_warning(r->diag, line, "%s is deprecated: use %s", what, d->instead);
		break;
	case SERVED_IGNORED:
		diag_warning(r->diag, line, "%s is deprecated and ignored: %s", what, d->instead);
		break;
	case NOT_SERVED:
		diag_error(r->diag, line, "%s is not served yet", what);
		break;
	}
}

/* The address of a directive's value in the link being filled or in the configuration. */
static void *settings_at(struct reader *r, const struct directive *d)
{
	const uint32_t in_links = 1u << SECTION_MULTICAST | 1u << SECTION_UDP | 1u << SECTION_TCP;

	if (d->sections & in_links)
		return (char *)r->link + d->offset;
	return (char *)r->config + d->offset;
}

static bool take_number(struct reader *r, const struct directive *d, const struct token *tok)
{
	uint32_t value;

	if (!value_number(r, d, tok, UINT32_MAX, &value))
		return false;
	if (d->offset == DIRECTIVE_NO_OFFSET)
		return true;
	if (value == 0 && d->type == VALUE_COUNT) {
		struct config defaults;

		config_init(&defaults);
		memcpy(&value, (const char *)&defaults + d->offset, sizeof(value));
	}
	memcpy(settings_at(r, d), &value, sizeof(value));
	return true;
}

static bool take_port(struct reader *r, const struct directive *d, const struct token *tok)
{
	uint32_t value;
	uint16_t port;

	r->link->port_loc.line = tok->line;
	r->port_bad = !value_number(r, d, tok, UINT16_MAX, &value);
	if (r->port_bad)
		return false;
	port = (uint16_t)value;
	memcpy(settings_at(r, d), &port, sizeof(port));
	return true;
}

static bool take_signed(struct reader *r, const struct directive *d, const struct token *tok)
{
	struct token digits = *tok;

	if (digits.len > 0 && (digits.at[0] == '-' || digits.at[0] == '+')) {
		digits.at++;
		digits.len--;
	}
	if (token_is_number(&digits))
		return true;
	settings_expected(r, d, tok);
	return false;
}

static bool take_bool(struct reader *r, const struct directive *d, const struct token *tok)
{
	bool value;

	if (!value_bool(r, d, tok, &value))
		return false;
	if (d->offset != DIRECTIVE_NO_OFFSET)
		memcpy(settings_at(r, d), &value, sizeof(value));
	return true;
}

static bool take_interface(struct reader *r, const struct directive *d, const struct token *tok)
{
	r->link->interface_loc.line = tok->line;
	return value_name(r, d, tok, r->link->interface, sizeof(r->link->interface));
}

static bool take_ignored_addr(struct reader *r, const struct directive *d, const struct token *tok)
{
	union flow_addr addr;

	if (token_addr(tok, AF_INET6, &addr, NULL) || token_is_addr_like(tok))
		return true;
	settings_expected(r, d, tok);
	return false;
}

static bool settings_take(struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *tok = &st->words[0];

	switch (d->type) {
	case VALUE_NUMBER:
	case VALUE_COUNT:
		return take_number(r, d, tok);
	case VALUE_SIGNED:
		return take_signed(r, d, tok);
	case VALUE_PORT:
		return take_port(r, d, tok);
	case VALUE_BOOL:
		if (d->apply)
			break;
		return take_bool(r, d, tok);
	case VALUE_PATH: /* only LockFile: the others have bounds or words of their own */
		return value_path(r, d, tok, settings_at(r, d), CONFIG_PATH_MAX + 1);
	case VALUE_INTERFACE:
		return take_interface(r, d, tok);
	case VALUE_USER:
		return value_name(r, d, tok, settings_at(r, d), CONFIG_USER_MAX + 1);
	case VALUE_IPV6:
		return take_ignored_addr(r, d, tok);
	case VALUE_OTHER:
	case VALUE_NOTHING:
		break;
	}
	return d->apply(r, d, st);
}

/* "General", "Sync or Mode ALARM", "Multicast, UDP or TCP": where a directive may stand. */
static void put_sections(struct text *t, uint32_t sections)
{
	bool first = true;

	for (unsigned n = 0; n < SECTION_COUNT; n++) {
		if (!(sections >> n & 1))
			continue;
		sections &= ~(1u << n);
		if (!first)
			text_puts(t, sections ? ", " : " or ");
		text_puts(t, section_name(n));
		first = false;
	}
}

/* The directive of a statement in the section that is open; tells if there is none. */
static const struct directive *settings_find(struct reader *r, const struct statement *st)
{
	enum section here = reader_section(r);
	const struct directive *d = directive_find(here, st->name.at, st->name.len);
	const uint32_t homes = directive_sections(st->name.at, st->name.len);
	char where[DIAG_TEXT_MAX];
	struct text t = text_of(where, sizeof(where));

	if (d)
		return d;
	CHECK(homes != 0); /* the lexer has looked it up */
	put_sections(&t, homes);
	if (homes == 1u << SECTION_FILE)
		diag_error(r->diag, st->name.line,
			"%.*s: expected outside of all sections, found in section %s",
			(int)st->name.len, st->name.at, section_name(here));
	else if (here == SECTION_FILE)
		diag_error(r->diag, st->name.line,
			"%.*s: expected in section %s, found outside of all sections",
			(int)st->name.len, st->name.at, where);
	else
		diag_error(r->diag, st->name.line,
			"%.*s: expected in section %s, found in section %s", (int)st->name.len,
			st->name.at, where, section_name(here));
	return NULL;
}

static bool settings_words_fit(
	struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *extra = &st->words[d->words_max];

	if (st->words_count <= d->words_max)
		return true;
	if (d->words_max == 0)
		diag_error(r->diag, extra->line, "%s: expected '{', found " TOKEN_FMT, d->name,
			TOKEN_ARGS(*extra));
	else
		diag_error(r->diag, extra->line, "%s: expected %s, found " TOKEN_FMT " behind that",
			d->name, d->expects, TOKEN_ARGS(*extra));
	return false;
}

void settings_statement(struct reader *r, const struct statement *st)
{
	const struct directive *d;
	bool off = false;

	if (reader_section(r) == SECTION_SKIPPED)
		return;
	d = settings_find(r, st);
	if (!d || !settings_words_fit(r, d, st))
		return;
	if (d->opens != SECTION_FILE && d->type != VALUE_BOOL) {
		if (r->last.len == 0)
			diag_error(r->diag, r->last.line,
				"%s: expected '{', found the end of the file", d->name);
		else
			diag_error(r->diag, r->last.line, "%s: expected '{', found " TOKEN_FMT,
				d->name, TOKEN_ARGS(r->last));
		return;
	}
	if (st->words_count == 0) {
		settings_expected(r, d, &r->last);
		return;
	}
	r->policy_used = true;
	if (!settings_take(r, d, st))
		return;
	if (d->setting != CONFIG_SET_COUNT)
		r->config->loc[d->setting].line = st->name.line;
	/* Switching off what is not served is what is done anyway. */
	if (d->type == VALUE_BOOL && token_is_bool(&st->words[0], &off) && !off &&
		d->status == NOT_SERVED)
		return;
	settings_not_served(r, d, st->name.line);
}

/* Whether what is behind the brace is to be read; r->opening is its section then. */
static bool settings_head(struct reader *r, const struct statement *st)
{
	const struct directive *d;

	if (reader_section(r) == SECTION_SKIPPED)
		return false;
	d = settings_find(r, st);
	if (!d)
		return false;
	if (d->opens == SECTION_FILE && st->words_count == 0) {
		settings_expected(r, d, &(struct token){"{", 1, st->name.line});
		return false;
	}
	if (d->opens == SECTION_FILE || (d->type == VALUE_BOOL && st->words_count > 0)) {
		diag_error(r->diag, st->name.line, "%s: expected no '{' behind its value", d->name);
		return false;
	}
	if (!settings_words_fit(r, d, st))
		return false;
	r->opening = d->opens;
	r->opening_unserved = false;
	if (d->apply && !d->apply(r, d, st))
		return false;
	if (d->setting != CONFIG_SET_COUNT && d->setting != CONFIG_SET_LINKS)
		r->config->loc[d->setting].line = st->name.line;
	if (d->status == NOT_SERVED)
		r->opening_unserved = true;
	settings_not_served(r, d, st->name.line);
	return true;
}

void settings_open(struct reader *r, const struct statement *st)
{
	bool above = r->stack_used > 0 && r->stack[r->stack_used - 1].muted;
	bool good = settings_head(r, st);

	/* Deeper than the language goes is only what is passed over: one frame does for that. */
	CHECK(r->stack_used < SECTION_DEPTH_MAX || !good);
	if (r->stack_used == SECTION_DEPTH_MAX) {
		r->stack_over++;
		return;
	}
	r->stack[r->stack_used].section = good ? r->opening : SECTION_SKIPPED;
	r->stack[r->stack_used].line = st->name.line;
	r->stack[r->stack_used].muted = above || r->opening_unserved;
	r->stack_used++;
}

void settings_close(struct reader *r)
{
	if (r->stack_over > 0) {
		r->stack_over--;
		return;
	}
	CHECK(r->stack_used > 0);
	switch (reader_section(r)) {
	case SECTION_MULTICAST:
	case SECTION_UDP:
	case SECTION_TCP:
		settings_link_end(r);
		break;
	case SECTION_FILTER_STATE:
		settings_state_end(r, r->last.line);
		break;
	case SECTION_EXPECTATION_SYNC:
		settings_expect_end(r);
		break;
	case SECTION_HELPER_POLICY:
		settings_helper_policy_end(r);
		break;
	case SECTION_FILE:
	case SECTION_GENERAL:
	case SECTION_UNIX:
	case SECTION_SCHEDULER:
	case SECTION_FILTER:
	case SECTION_FILTER_PROTOCOL:
	case SECTION_FILTER_ADDRESS:
	case SECTION_FILTER_MARK:
	case SECTION_SYNC:
	case SECTION_MODE_FTFW:
	case SECTION_MODE_ALARM:
	case SECTION_MODE_NOTRACK:
	case SECTION_OPTIONS:
	case SECTION_STATS:
	case SECTION_HELPER:
	case SECTION_HELPER_TYPE:
	case SECTION_SKIPPED:
	case SECTION_COUNT:
		break;
	}
	r->stack_used--;
}

void settings_item(struct reader *r, const struct token *tok)
{
	enum section here = reader_section(r);

	if (here == SECTION_FILTER_PROTOCOL)
		settings_protocol_item(r, tok);
	else if (here == SECTION_FILTER_MARK)
		settings_mark_item(r, tok);
	else if (here == SECTION_FILTER_STATE)
		settings_state_item(r, tok);
	else if (here == SECTION_EXPECTATION_SYNC)
		settings_expect_item(r, tok);
	else
		CHECK(here == SECTION_SKIPPED); /* the lexer makes items in lists only */
}

void settings_unknown(struct reader *r, const struct statement *st)
{
	enum section here = reader_section(r);
	const struct directive *near;

	if (here == SECTION_SKIPPED)
		return;
	if (st->name.len == 0 || !isalpha((unsigned char)st->name.at[0])) {
		diag_error(r->diag, st->name.line, "expected a directive, found " TOKEN_FMT,
			TOKEN_ARGS(st->name));
		return;
	}
	/* Costly, and of no use when nobody will see it. */
	near = r->diag->count < DIAG_ITEMS_MAX ? directive_nearest(here, st->name.at, st->name.len)
					       : NULL;
	if (near)
		diag_error(r->diag, st->name.line,
			"unknown directive " TOKEN_FMT ", the nearest known one is '%s'",
			TOKEN_ARGS(st->name), near->name);
	else if (here == SECTION_FILE)
		diag_error(r->diag, st->name.line,
			"expected General, Sync, Stats or Helper, found " TOKEN_FMT,
			TOKEN_ARGS(st->name));
	else
		diag_error(r->diag, st->name.line, "unknown directive " TOKEN_FMT " in section %s",
			TOKEN_ARGS(st->name), section_name(here));
}
