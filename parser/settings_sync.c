/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "parser/settings.h"

static const struct {
	const char *name;
	enum config_mode mode;
	enum section opens;
	enum served status;
	bool old_name;
} modes[] = {
	{"FTFW", CONFIG_MODE_FTFW, SECTION_MODE_FTFW, SERVED, false},
	{"ALARM", CONFIG_MODE_ALARM, SECTION_MODE_ALARM, NOT_SERVED_ERROR, false},
	{"NOTRACK", CONFIG_MODE_NOTRACK, SECTION_MODE_NOTRACK, NOT_SERVED_ERROR, false},
	{"NACK", CONFIG_MODE_FTFW, SECTION_MODE_FTFW, SERVED, true},
	{"PERSISTENT", CONFIG_MODE_ALARM, SECTION_MODE_ALARM, NOT_SERVED_ERROR, true},
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
		const char *name = config_mode_name(modes[i].mode);
		char what[32];
		struct text t = text_of(what, sizeof(what));

		if (!token_is_nocase(tok, modes[i].name))
			continue;
		if (modes[i].old_name)
			diag_warning(r->diag, tok->line,
				"Mode: expected %s, found its old name " TOKEN_FMT, name,
				TOKEN_ARGS(*tok));
		/* With several modes in one file FTFW wins over ALARM, that over NOTRACK. */
		if (r->modes_seen == 0 || modes[i].mode < sync->mode)
			sync->mode = modes[i].mode;
		r->modes_seen |= 1u << modes[i].mode;
		r->opening = modes[i].opens;
		r->opening_unserved = modes[i].status != SERVED;
		text_puts(&t, "Mode ");
		text_puts(&t, name);
		settings_not_served(r, modes[i].status, tok->line, what);
		return true;
	}
	settings_expected(r, d, tok);
	return false;
}

bool settings_link(struct reader *r, const struct directive *d, const struct statement *st)
{
	struct config_sync *sync = &r->config->sync;
	enum config_transport transport = d->opens == SECTION_MULTICAST ? CONFIG_MULTICAST
					  : d->opens == SECTION_UDP	? CONFIG_UDP
									: CONFIG_TCP;
	bool is_default = st->words_count == 1;

	r->link_seen = true;
	if (is_default && !token_is(&st->words[0], "Default")) {
		settings_expected(r, d, &st->words[0]);
		return false;
	}
	if (sync->links_count > 0 && sync->links[0].transport != transport)
		diag_error(r->diag, st->name.line,
			"%s: expected links of one kind only, found also %s in line %u", d->name,
			config_transport_name(sync->links[0].transport), sync->links[0].loc.line);
	r->port_bad = false;
	r->link = &r->scratch;
	if (sync->links_count == CONFIG_LINKS_MAX)
		diag_error(r->diag, st->name.line, "%s: expected at most %d links, found one more",
			d->name, CONFIG_LINKS_MAX);
	else
		r->link = &sync->links[sync->links_count++];
	*r->link = (struct config_link){
		.transport = transport,
		.is_default = is_default,
		.checksum = true,
		.loc = {st->name.line},
	};
	if (sync->links_count == 1)
		r->config->loc[CONFIG_SET_LINKS].line = st->name.line;
	return true;
}

/* An address of a link's; what only looks like one is told and passed over, as ever. */
static bool link_addr(struct reader *r, const struct directive *d, const struct token *tok,
	uint8_t l3, union flow_addr *addr)
{
	if (token_addr(tok, l3, addr, NULL))
		return true;
	if (token_is_addr_like(tok))
		diag_warning(r->diag, tok->line, "%s: expected %s, found " TOKEN_FMT ", ignored",
			d->name, d->expects, TOKEN_ARGS(*tok));
	else
		settings_expected(r, d, tok);
	return false;
}

/* Both families in one link: the first one stays. */
static bool link_family(struct reader *r, const struct directive *d, const struct statement *st,
	union flow_addr *addr)
{
	uint8_t l3 = strncmp(d->name, "IPv4", 4) == 0 ? AF_INET : AF_INET6;

	if (!link_addr(r, d, &st->words[0], l3, addr))
		return false;
	if (r->link->l3 != 0 && r->link->l3 != l3) {
		diag_warning(r->diag, st->name.line,
			"%s: expected an %s address as before in this link, found " TOKEN_FMT
			", ignored",
			d->name, l3 == AF_INET ? "IPv6" : "IPv4", TOKEN_ARGS(st->words[0]));
		return false;
	}
	r->link->l3 = l3;
	return true;
}

bool settings_link_addr(struct reader *r, const struct directive *d, const struct statement *st)
{
	union flow_addr addr;

	if (!link_family(r, d, st, &addr))
		return false;
	r->link->addr = addr;
	r->link->addr_loc.line = st->name.line;
	return true;
}

bool settings_link_dest(struct reader *r, const struct directive *d, const struct statement *st)
{
	union flow_addr addr;

	if (!link_family(r, d, st, &addr))
		return false;
	r->link->dest = addr;
	return true;
}

bool settings_link_local(struct reader *r, const struct directive *d, const struct statement *st)
{
	union flow_addr addr;

	if (!link_addr(r, d, &st->words[0], AF_INET, &addr))
		return false;
	r->link->interface_addr_be = addr.v4_be;
	return true;
}

static bool addr_is_multicast(uint8_t l3, const union flow_addr *addr)
{
	return l3 == AF_INET ? addr->bytes[0] >> 4 == 0xe : addr->bytes[0] == 0xff;
}

void settings_link_end(struct reader *r)
{
	const struct config_link *link = r->link;
	const char *name = config_transport_name(link->transport);
	const char *port = link->transport == CONFIG_MULTICAST ? "Group" : "Port";
	char addr[INET6_ADDRSTRLEN];

	if (link == &r->scratch || link->transport != CONFIG_MULTICAST)
		return; /* has been refused as a whole */
	if (link->interface_loc.line == 0)
		diag_error(r->diag, link->loc.line, "%s: expected an Interface, found none", name);
	if (link->addr_loc.line == 0)
		diag_error(r->diag, link->loc.line,
			"%s: expected an IPv4_address or IPv6_address, found none", name);
	else if (!addr_is_multicast(link->l3, &link->addr))
		diag_error(r->diag, link->addr_loc.line,
			"%s: expected a multicast address, found %s", name,
			inet_ntop(link->l3, link->addr.bytes, addr, sizeof(addr)));
	if (link->port_loc.line == 0)
		diag_error(r->diag, link->loc.line, "%s: expected a %s, found none", name, port);
	else if (link->port == 0 && !r->port_bad)
		diag_error(
			r->diag, link->port_loc.line, "%s: expected a port from 1, found 0", port);
}

bool settings_expect(struct reader *r, const struct directive *d, const struct statement *st)
{
	(void)r;
	(void)d;
	(void)st;
	return true; /* not served: the names are looked at, not kept */
}

void settings_expect_item(struct reader *r, const struct token *tok)
{
	if (tok->len > 0 && (token_is_number(tok) || tok->at[0] == '/'))
		diag_error(r->diag, tok->line,
			"ExpectationSync: expected a helper's name, found " TOKEN_FMT,
			TOKEN_ARGS(*tok));
}
