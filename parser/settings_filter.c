/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "flow/status.h"
#include "parser/protocol.h"
#include "parser/settings.h"

static const struct {
	const char *name;
	uint8_t state;
} states[] = {
	{"SYN_SENT", FLOW_TCP_SYN_SENT},
	{"SYN_RECV", FLOW_TCP_SYN_RECV},
	{"ESTABLISHED", FLOW_TCP_ESTABLISHED},
	{"FIN_WAIT", FLOW_TCP_FIN_WAIT},
	{"CLOSE_WAIT", FLOW_TCP_CLOSE_WAIT},
	{"LAST_ACK", FLOW_TCP_LAST_ACK},
	{"TIME_WAIT", FLOW_TCP_TIME_WAIT},
	{"CLOSE", FLOW_TCP_CLOSE},
	{"CLOSED", FLOW_TCP_CLOSE},
	{"LISTEN", FLOW_TCP_SYN_SENT2},
};

bool settings_filter(struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *words = st->words;
	bool kernelspace = st->words_count == 2 && token_is(&words[1], "Kernelspace");

	if (st->words_count > 0 && !token_is(&words[0], "From")) {
		settings_expected(r, d, &words[0]);
		return false;
	}
	if (st->words_count == 1) {
		settings_expected(r, d, &(struct token){"{", 1, words[0].line});
		return false;
	}
	if (st->words_count == 2 && !kernelspace && !token_is(&words[1], "Userspace")) {
		settings_expected(r, d, &words[1]);
		return false;
	}
	r->config->general.filter_kernelspace = kernelspace;
	return true;
}

bool settings_policy(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct flow_filter *filter = &r->config->general.filter;
	enum flow_filter_policy policy;

	if (st->words_count == 0) {
		settings_expected(r, d, &(struct token){"{", 1, st->name.line});
		return false;
	}
	if (token_is(&st->words[0], "Accept")) {
		policy = FLOW_FILTER_ACCEPT;
	} else if (token_is(&st->words[0], "Ignore")) {
		policy = FLOW_FILTER_IGNORE;
	} else {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	if (d->opens == SECTION_FILTER_PROTOCOL)
		filter->protocol_policy = policy;
	else if (d->opens == SECTION_FILTER_ADDRESS)
		filter->address_policy = policy;
	else if (d->opens == SECTION_FILTER_MARK)
		filter->mark_policy = policy;
	else
		filter->state_policy = policy;
	r->state_at = STATE_NONE;
	return true;
}

bool settings_net(struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *tok = &st->words[0];
	uint8_t l3 = token_is(&st->name, "IPv4_address") ? AF_INET : AF_INET6, prefix_len;
	union flow_addr addr;
	int err;

	if (!token_addr(tok, l3, &addr, &prefix_len)) {
		if (!token_is_addr_like(tok)) {
			settings_expected(r, d, tok);
			return false;
		}
		diag_warning(r->diag, tok->line, "%s: expected %s, found " TOKEN_FMT ", ignored",
			d->name, d->expects, TOKEN_ARGS(*tok));
		return false;
	}
	err = flow_filter_add_net(&r->config->general.filter, l3, &addr, prefix_len);
	if (err == -EEXIST && memchr(tok->at, '/', tok->len))
		diag_warning(r->diag, tok->line,
			"%s: expected each network once, found " TOKEN_FMT " again", d->name,
			TOKEN_ARGS(*tok));
	else if (err == -ENOSPC)
		diag_error(r->diag, tok->line, "%s: expected at most %d networks, found one more",
			d->name, FLOW_FILTER_NETS_MAX);
	return true;
}

void settings_protocol_item(struct reader *r, const struct token *tok)
{
	uint8_t l4;

	if (protocol_find(tok->at, tok->len, &l4))
		flow_filter_add_protocol(&r->config->general.filter, l4);
	else
		diag_warning(r->diag, tok->line,
			"Protocol: expected a name of /etc/protocols or a number up to 255, "
			"found " TOKEN_FMT ", ignored",
			TOKEN_ARGS(*tok));
}

/* n or n/mask; without a mask all bits count. */
static bool token_mark(const struct token *tok, uint32_t *value, uint32_t *mask)
{
	const char *slash = memchr(tok->at, '/', tok->len);
	struct token first = *tok, second = {0};

	*mask = UINT32_MAX;
	if (!slash)
		return token_hex(tok, value);
	first.len = (uint32_t)(slash - tok->at);
	second.at = slash + 1;
	second.len = tok->len - first.len - 1;
	return token_hex(&first, value) && token_hex(&second, mask);
}

void settings_mark_item(struct reader *r, const struct token *tok)
{
	uint32_t value, mask;
	int err;

	if (!token_mark(tok, &value, &mask)) {
		diag_error(r->diag, tok->line,
			"Mark: expected a mark, or mark/mask, in decimal or 0x hexadecimal, "
			"found " TOKEN_FMT,
			TOKEN_ARGS(*tok));
		return;
	}
	err = flow_filter_add_mark(&r->config->general.filter, value, mask);
	if (err == -EINVAL)
		diag_error(r->diag, tok->line,
			"Mark: expected a mark with no bit outside of its mask, found " TOKEN_FMT,
			TOKEN_ARGS(*tok));
	else if (err == -EEXIST)
		diag_warning(r->diag, tok->line,
			"Mark: expected each mark once, found " TOKEN_FMT " again",
			TOKEN_ARGS(*tok));
	else if (err == -ENOSPC)
		diag_error(r->diag, tok->line, "Mark: expected at most %d marks, found one more",
			FLOW_FILTER_MARKS_MAX);
}

void settings_state_item(struct reader *r, const struct token *tok)
{
	if (r->state_at == STATE_FOR) {
		if (!token_is(tok, "TCP"))
			diag_error(r->diag, tok->line,
				"State: expected TCP behind 'for', found " TOKEN_FMT,
				TOKEN_ARGS(*tok));
		r->state_at = STATE_NONE;
		return;
	}
	if (token_is(tok, "for")) {
		r->state_at = STATE_FOR;
		return;
	}
	r->state_at = STATE_NAMES;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (token_is(tok, states[i].name)) {
			flow_filter_add_tcp_state(&r->config->general.filter, states[i].state);
			return;
		}
	}
	diag_error(r->diag, tok->line, "State: expected a TCP state or 'for TCP', found " TOKEN_FMT,
		TOKEN_ARGS(*tok));
}

void settings_state_end(struct reader *r, uint32_t line)
{
	if (r->state_at != STATE_NONE)
		diag_error(r->diag, line, "State: expected 'for TCP' behind the states, found '}'");
}
