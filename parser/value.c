/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "parser/settings.h"

bool token_is(const struct token *tok, const char *text)
{
	return strlen(text) == tok->len && memcmp(tok->at, text, tok->len) == 0;
}

bool token_is_nocase(const struct token *tok, const char *text)
{
	if (strlen(text) != tok->len)
		return false;
	for (uint32_t i = 0; i < tok->len; i++)
		if (tolower((unsigned char)tok->at[i]) != tolower((unsigned char)text[i]))
			return false;
	return true;
}

/* conntrackd takes a '|' for any letter here; so do we, a file may have slipped through with it. */
static bool token_is_switch(const struct token *tok, const char *text)
{
	if (strlen(text) != tok->len)
		return false;
	for (uint32_t i = 0; i < tok->len; i++)
		if (tok->at[i] != '|' && tolower((unsigned char)tok->at[i]) != text[i])
			return false;
	return true;
}

bool token_is_bool(const struct token *tok, bool *value)
{
	*value = token_is_switch(tok, "on") || token_is_switch(tok, "yes");
	return *value || token_is_switch(tok, "off") || token_is_switch(tok, "no");
}

bool token_is_number(const struct token *tok)
{
	for (uint32_t i = 0; i < tok->len; i++)
		if (!isdigit((unsigned char)tok->at[i]))
			return false;
	return tok->len > 0;
}

bool token_hex(const struct token *tok, uint32_t *value)
{
	const bool hex = tok->len > 2 && tok->at[0] == '0' && (tok->at[1] | 0x20) == 'x';
	uint64_t sum = 0;

	for (uint32_t i = hex ? 2 : 0; i < tok->len; i++) {
		const unsigned char c = (unsigned char)tok->at[i];

		if (!(hex ? isxdigit(c) : isdigit(c)))
			return false;
		sum = sum * (hex ? 16 : 10) +
		      (isdigit(c) ? c - (unsigned)'0' : (c | 0x20u) - 'a' + 10u);
		if (sum > UINT32_MAX)
			return false;
	}
	*value = (uint32_t)sum;
	return tok->len > 0;
}

bool token_is_addr_like(const struct token *tok)
{
	if (token_is_number(tok))
		return false;
	for (uint32_t i = 0; i < tok->len; i++)
		if (!isxdigit((unsigned char)tok->at[i]) && !strchr(".:/", tok->at[i]))
			return false;
	return tok->len > 0 && tok->at[0] != '/';
}

/*
 * Four parts of digits. As in conntrackd one with a leading zero is octal: both shall mean the
 * same address by the same file.
 */
static bool text_ipv4(const char *text, union flow_addr *addr)
{
	struct in_addr in;
	unsigned dots = 0;

	for (const char *c = text; *c; c++) {
		if (*c == '.')
			dots++;
		else if (!isdigit((unsigned char)*c))
			return false;
	}
	if (dots != 3 || inet_aton(text, &in) == 0)
		return false;
	addr->v4_be = in.s_addr;
	return true;
}

bool token_addr(const struct token *tok, uint8_t l3, union flow_addr *addr, uint8_t *prefix_len)
{
	char text[INET6_ADDRSTRLEN];
	uint32_t full = l3 == AF_INET ? 32 : 128, bits = full, len = tok->len;

	for (uint32_t i = 0; i < tok->len; i++) {
		struct token rest = {tok->at + i + 1, tok->len - i - 1, tok->line};

		if (tok->at[i] != '/')
			continue;
		if (!prefix_len || !token_is_number(&rest) || rest.len > 3)
			return false;
		bits = 0;
		for (uint32_t j = 0; j < rest.len; j++)
			bits = bits * 10 + (uint32_t)(rest.at[j] - '0');
		len = i;
		break;
	}
	if (bits > full || len >= sizeof(text))
		return false;
	memcpy(text, tok->at, len);
	text[len] = '\0';
	if (strlen(text) != len)
		return false;
	memset(addr, 0, sizeof(*addr));
	if (prefix_len)
		*prefix_len = (uint8_t)bits;
	return l3 == AF_INET ? text_ipv4(text, addr) : inet_pton(l3, text, addr->bytes) == 1;
}

bool value_number(struct reader *r, const struct directive *d, const struct token *tok,
	uint32_t max, uint32_t *value)
{
	uint64_t sum = 0;

	if (!token_is_number(tok)) {
		settings_expected(r, d, tok);
		return false;
	}
	for (uint32_t i = 0; i < tok->len && sum <= max; i++)
		sum = sum * 10 + (uint64_t)(tok->at[i] - '0');
	if (sum > max) {
		diag_error(r->diag, tok->line, "%s: expected %s up to %u, found " TOKEN_FMT,
			d->name, d->expects, max, TOKEN_ARGS(*tok));
		return false;
	}
	*value = (uint32_t)sum;
	return true;
}

bool value_bool(struct reader *r, const struct directive *d, const struct token *tok, bool *value)
{
	if (token_is_bool(tok, value))
		return true;
	settings_expected(r, d, tok);
	return false;
}

bool token_has_control(const struct token *tok)
{
	for (uint32_t i = 0; i < tok->len; i++)
		if (iscntrl((unsigned char)tok->at[i]))
			return true;
	return false;
}

static bool value_text(struct reader *r, const struct directive *d, const struct token *tok,
	char *text, size_t size)
{
	if (tok->len >= size) {
		diag_error(r->diag, tok->line,
			"%s: expected at most %zu characters, found %u: " TOKEN_FMT, d->name,
			size - 1, tok->len, TOKEN_ARGS(*tok));
		return false;
	}
	memcpy(text, tok->at, tok->len);
	text[tok->len] = '\0';
	return true;
}

bool value_path(struct reader *r, const struct directive *d, const struct token *tok, char *path,
	size_t size)
{
	if (tok->len == 0 || tok->at[0] != '/' || token_has_control(tok)) {
		settings_expected(r, d, tok);
		return false;
	}
	return value_text(r, d, tok, path, size);
}

bool value_name(struct reader *r, const struct directive *d, const struct token *tok, char *name,
	size_t size)
{
	if (tok->len == 0 || token_has_control(tok) || memchr(tok->at, '/', tok->len) ||
		memchr(tok->at, ' ', tok->len)) {
		settings_expected(r, d, tok);
		return false;
	}
	return value_text(r, d, tok, name, size);
}
