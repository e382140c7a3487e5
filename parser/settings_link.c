/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "parser/settings.h"

static const struct {
	uint8_t l3;
	const char *name;
} families[] = {{AF_INET, "IPv4"}, {AF_INET6, "IPv6"}};

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
	memset(r->pair, 0, sizeof(r->pair));
	r->pair_last = 0;
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
		.error_queue_length = CONFIG_DEFAULT_ERROR_QUEUE_LENGTH,
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

static unsigned family_of(const struct directive *d)
{
	return strncmp(d->name, "IPv4", 4) == 0 ? 0 : 1;
}

/* Multicast has one address: of two families the first one stays. */
static bool take_group(struct reader *r, const struct directive *d, const struct token *tok,
	uint8_t l3, const union flow_addr *addr)
{
	if (r->link->l3 != 0 && r->link->l3 != l3) {
		diag_warning(r->diag, tok->line,
			"%s: expected an %s address as before in this link, found " TOKEN_FMT
			", ignored",
			d->name, l3 == AF_INET ? "IPv6" : "IPv4", TOKEN_ARGS(*tok));
		return false;
	}
	r->link->l3 = l3;
	r->link->addr = *addr;
	r->link->addr_loc.line = tok->line;
	return true;
}

bool settings_link_addr(struct reader *r, const struct directive *d, const struct statement *st)
{
	const unsigned family = family_of(d);
	const uint8_t l3 = families[family].l3;
	const struct token *tok = &st->words[0];
	union flow_addr addr;

	if (!link_addr(r, d, tok, l3, &addr))
		return false;
	if (r->link->transport == CONFIG_MULTICAST)
		return take_group(r, d, tok, l3, &addr);
	r->pair[family].local = addr;
	r->pair[family].local_line = tok->line;
	r->pair_last = family;
	return true;
}

bool settings_link_dest(struct reader *r, const struct directive *d, const struct statement *st)
{
	const unsigned family = family_of(d);
	union flow_addr addr;

	if (!link_addr(r, d, &st->words[0], families[family].l3, &addr))
		return false;
	r->pair[family].dest = addr;
	r->pair[family].dest_line = st->words[0].line;
	r->pair_last = family;
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

static bool addr_is_any(uint8_t l3, const union flow_addr *addr)
{
	static const union flow_addr any;

	return memcmp(addr, &any, l3 == AF_INET ? 4 : 16) == 0;
}

/* The address that a Multicast link's datagrams go to. */
static void check_group(struct reader *r, const struct config_link *link)
{
	char addr[INET6_ADDRSTRLEN];

	if (link->addr_loc.line == 0)
		diag_error(r->diag, link->loc.line,
			"Multicast: expected an IPv4_address or IPv6_address, found none");
	else if (!addr_is_multicast(link->l3, &link->addr))
		diag_error(r->diag, link->addr_loc.line,
			"Multicast: expected a multicast address, found %s",
			inet_ntop(link->l3, link->addr.bytes, addr, sizeof(addr)));
}

/*
 * Which family a UDP or TCP link has: the one with both ends, of two such the one named last. False
 * if the ends are in two families, which is told.
 */
static bool choose_family(struct reader *r, const char *name, unsigned *chosen)
{
	const struct reader_pair *p = r->pair;
	const bool whole[] = {
		p[0].local_line > 0 && p[0].dest_line > 0,
		p[1].local_line > 0 && p[1].dest_line > 0,
	};
	const bool any[] = {
		p[0].local_line > 0 || p[0].dest_line > 0,
		p[1].local_line > 0 || p[1].dest_line > 0,
	};
	unsigned family = r->pair_last;

	if (!whole[family] && whole[!family])
		family = !family;
	if (any[0] && any[1] && whole[family])
		diag_warning(r->diag, r->link->loc.line,
			"%s: expected addresses of one family, found both: %s is used", name,
			families[family].name);
	else if (any[0] && any[1])
		diag_error(r->diag, r->link->loc.line,
			"%s: expected addresses of one family, found both", name);
	*chosen = family;
	return whole[family] || !any[0] || !any[1];
}

/* This node's end. */
static void check_local(struct reader *r, const struct config_link *link, const char *family)
{
	const char *name = config_transport_name(link->transport);
	char addr[INET6_ADDRSTRLEN];

	if (link->addr_loc.line == 0)
		diag_warning(r->diag, link->loc.line,
			"%s: expected an %s_address, found none: any address of this node is taken",
			name, family);
	else if (addr_is_multicast(link->l3, &link->addr))
		diag_error(r->diag, link->addr_loc.line,
			"%s: expected an address of this node, found %s", name,
			inet_ntop(link->l3, link->addr.bytes, addr, sizeof(addr)));
}

/* The two ends of a UDP or TCP link. */
static void check_pair(struct reader *r, struct config_link *link)
{
	const char *name = config_transport_name(link->transport);
	const struct reader_pair *p;
	char addr[INET6_ADDRSTRLEN];
	unsigned family;
	size_t len;

	if (!choose_family(r, name, &family))
		return;
	p = &r->pair[family];
	len = family == 0 ? sizeof(p->dest.v4_be) : sizeof(p->dest);
	link->l3 = families[family].l3;
	link->addr = p->local;
	link->addr_loc.line = p->local_line;
	link->dest = p->dest;
	if (p->dest_line == 0) {
		diag_error(r->diag, link->loc.line,
			p->local_line == 0 ? "%s: expected an %s_Destination_Address or "
					     "IPv6_Destination_Address, found none"
					   : "%s: expected an %s_Destination_Address, found none",
			name, families[family].name);
		return;
	}
	check_local(r, link, families[family].name);
	if (addr_is_multicast(link->l3, &link->dest) || addr_is_any(link->l3, &link->dest))
		diag_error(r->diag, p->dest_line, "%s: expected an address of the peer, found %s",
			name, inet_ntop(link->l3, link->dest.bytes, addr, sizeof(addr)));
	else if (p->local_line > 0 && memcmp(&p->local, &p->dest, len) == 0)
		diag_warning(r->diag, p->dest_line,
			"%s: expected an address of the peer, found this node's own", name);
}

void settings_link_end(struct reader *r)
{
	struct config_link *link = r->link;
	const char *name = config_transport_name(link->transport);
	const char *port = link->transport == CONFIG_MULTICAST ? "Group" : "Port";

	if (link == &r->scratch)
		return; /* has been refused as a whole */
	if (link->interface_loc.line == 0)
		diag_error(r->diag, link->loc.line, "%s: expected an Interface, found none", name);
	if (link->transport == CONFIG_MULTICAST)
		check_group(r, link);
	else
		check_pair(r, link);
	if (link->port_loc.line == 0)
		diag_error(r->diag, link->loc.line, "%s: expected a %s, found none", name, port);
	else if (link->port == 0 && !r->port_bad)
		diag_error(
			r->diag, link->port_loc.line, "%s: expected a port from 1, found 0", port);
}
