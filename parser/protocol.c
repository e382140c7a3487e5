/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/protocol.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

/* The first name of a number is the one that is printed. */
static const struct {
	const char *name;
	uint8_t l4;
} protocols[] = {
	{"ICMP", 1},
	{"IGMP", 2},
	{"IPIP", 4},
	{"IPENCAP", 4},
	{"TCP", 6},
	{"UDP", 17},
	{"DCCP", 33},
	{"IPv6", 41},
	{"RSVP", 46},
	{"GRE", 47},
	{"ESP", 50},
	{"IPSEC-ESP", 50},
	{"AH", 51},
	{"IPSEC-AH", 51},
	{"IPv6-ICMP", 58},
	{"ICMPv6", 58},
	{"OSPF", 89},
	{"OSPFIGP", 89},
	{"PIM", 103},
	{"VRRP", 112},
	{"L2TP", 115},
	{"SCTP", 132},
	{"UDPLite", 136},
};

static bool protocol_number(const char *name, uint8_t *l4)
{
	unsigned sum = 0;

	for (const char *c = name; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		sum = sum * 10 + (unsigned)(*c - '0');
		if (sum > UINT8_MAX)
			return false;
	}
	*l4 = (uint8_t)sum;
	return name[0] != '\0';
}

bool protocol_find(const char *name, size_t len, uint8_t *l4)
{
	struct protoent entry, *found = NULL;
	char text[64], buf[1024];

	if (len >= sizeof(text))
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	if (strlen(text) != len)
		return false;
	if (protocol_number(text, l4))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcasecmp(text, protocols[i].name) == 0) {
			*l4 = protocols[i].l4;
			return true;
		}
	}
	if (getprotobyname_r(text, &entry, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	if (found->p_proto < 0 || found->p_proto > UINT8_MAX)
		return false;
	*l4 = (uint8_t)found->p_proto;
	return true;
}

const char *protocol_name(uint8_t l4)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].l4 == l4)
			return protocols[i].name;
	return NULL;
}
