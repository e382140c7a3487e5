/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/flow.h"
#include "flow/status.h"

_Static_assert((int)FLOW_L4_ICMP == IPPROTO_ICMP && (int)FLOW_L4_TCP == IPPROTO_TCP &&
		       (int)FLOW_L4_UDP == IPPROTO_UDP && (int)FLOW_L4_DCCP == IPPROTO_DCCP &&
		       (int)FLOW_L4_GRE == IPPROTO_GRE && (int)FLOW_L4_ICMPV6 == IPPROTO_ICMPV6 &&
		       (int)FLOW_L4_SCTP == IPPROTO_SCTP && (int)FLOW_L4_UDPLITE == IPPROTO_UDPLITE,
	"the numbers are IANA's");

bool flow_has_addrs(const struct flow *f, enum flow_dir dir)
{
	bool repl = dir == FLOW_REPL;

	if (!flow_has(f, repl ? FLOW_REPL_L3PROTO : FLOW_ORIG_L3PROTO))
		return false;
	switch (f->tuple[dir].l3) {
	case AF_INET:
		return flow_has(f, repl ? FLOW_REPL_IPV4_SRC : FLOW_ORIG_IPV4_SRC) &&
		       flow_has(f, repl ? FLOW_REPL_IPV4_DST : FLOW_ORIG_IPV4_DST);
	case AF_INET6:
		return flow_has(f, repl ? FLOW_REPL_IPV6_SRC : FLOW_ORIG_IPV6_SRC) &&
		       flow_has(f, repl ? FLOW_REPL_IPV6_DST : FLOW_ORIG_IPV6_DST);
	}
	return false;
}

uint8_t flow_icmp_reply_type(uint8_t l3, uint8_t type)
{
	if (l3 == AF_INET) {
		switch (type) {
		case 0: /* echo reply */
			return 8;
		case 8: /* echo */
			return 0;
		case 13: /* timestamp */
			return 14;
		case 14:
			return 13;
		case 15: /* information request */
			return 16;
		case 16:
			return 15;
		case 17: /* address mask request */
			return 18;
		case 18:
			return 17;
		}
	} else if (l3 == AF_INET6) {
		switch (type) {
		case 128: /* echo request */
			return 129;
		case 129:
			return 128;
		case 139: /* node information query (RFC 4620) */
			return 140;
		case 140:
			return 139;
		}
	}
	return 255;
}

static bool same_addr(uint8_t l3, const union flow_addr *a, const union flow_addr *b)
{
	if (l3 == AF_INET)
		return a->v4_be == b->v4_be;
	return memcmp(a->v6_be, b->v6_be, sizeof(a->v6_be)) == 0;
}

static bool may_be_nat(const struct flow *f, uint32_t done)
{
	return !flow_has(f, FLOW_STATUS) || (f->status & done);
}

bool flow_is_snat(const struct flow *f)
{
	return may_be_nat(f, FLOW_STATUS_SRC_NAT_DONE) && flow_has_addrs(f, FLOW_ORIG) &&
	       flow_has_addrs(f, FLOW_REPL) &&
	       !same_addr(
		       f->tuple[FLOW_ORIG].l3, &f->tuple[FLOW_REPL].dst, &f->tuple[FLOW_ORIG].src);
}

bool flow_is_dnat(const struct flow *f)
{
	return may_be_nat(f, FLOW_STATUS_DST_NAT_DONE) && flow_has_addrs(f, FLOW_ORIG) &&
	       flow_has_addrs(f, FLOW_REPL) &&
	       !same_addr(
		       f->tuple[FLOW_ORIG].l3, &f->tuple[FLOW_REPL].src, &f->tuple[FLOW_ORIG].dst);
}

static bool has_ports(const struct flow *f, enum flow_attr orig, enum flow_attr repl)
{
	return flow_has(f, FLOW_ORIG_L4PROTO) && flow_l4_has_ports(f->tuple[FLOW_ORIG].l4) &&
	       flow_has(f, orig) && flow_has(f, repl);
}

bool flow_is_spat(const struct flow *f)
{
	return may_be_nat(f, FLOW_STATUS_SRC_NAT_DONE) &&
	       has_ports(f, FLOW_ORIG_PORT_SRC, FLOW_REPL_PORT_DST) &&
	       f->tuple[FLOW_REPL].dport_be != f->tuple[FLOW_ORIG].sport_be;
}

bool flow_is_dpat(const struct flow *f)
{
	return may_be_nat(f, FLOW_STATUS_DST_NAT_DONE) &&
	       has_ports(f, FLOW_ORIG_PORT_DST, FLOW_REPL_PORT_SRC) &&
	       f->tuple[FLOW_REPL].sport_be != f->tuple[FLOW_ORIG].dport_be;
}

void flow_tuple_invert(struct flow_tuple *out, const struct flow_tuple *t)
{
	uint16_t zone = out->zone;

	memset(out, 0, sizeof(*out));
	out->zone = zone;
	out->l3 = t->l3;
	out->l4 = t->l4;
	out->src = t->dst;
	out->dst = t->src;
	if (flow_l4_is_icmp(t->l4)) {
		out->icmp_id_be = t->icmp_id_be;
		out->icmp_type = flow_icmp_reply_type(t->l3, t->icmp_type);
		out->icmp_code = t->icmp_code;
	} else if (flow_l4_has_key(t->l4)) {
		out->sport_be = t->dport_be;
		out->dport_be = t->sport_be;
	}
}

/* The reply attributes that follow from the original ones, by family and protocol. */
static void setup_reply_set(struct flow *f)
{
	static const struct {
		uint8_t orig, repl;
	} pair[] = {
		{FLOW_ORIG_L3PROTO, FLOW_REPL_L3PROTO},
		{FLOW_ORIG_L4PROTO, FLOW_REPL_L4PROTO},
		{FLOW_ORIG_IPV4_SRC, FLOW_REPL_IPV4_DST},
		{FLOW_ORIG_IPV4_DST, FLOW_REPL_IPV4_SRC},
		{FLOW_ORIG_IPV6_SRC, FLOW_REPL_IPV6_DST},
		{FLOW_ORIG_IPV6_DST, FLOW_REPL_IPV6_SRC},
		{FLOW_ORIG_PORT_SRC, FLOW_REPL_PORT_DST},
		{FLOW_ORIG_PORT_DST, FLOW_REPL_PORT_SRC},
	};
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	for (size_t i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		bool applies = true;

		flow_mark_unset(f, pair[i].repl);
		if (pair[i].orig <= FLOW_ORIG_IPV4_DST)
			applies = t->l3 == AF_INET;
		else if (pair[i].orig <= FLOW_ORIG_IPV6_DST)
			applies = t->l3 == AF_INET6;
		else if (pair[i].orig <= FLOW_ORIG_PORT_DST)
			applies = flow_l4_has_key(t->l4) && !flow_l4_is_icmp(t->l4);
		if (applies && flow_has(f, pair[i].orig))
			flow_mark_set(f, pair[i].repl);
	}
}

void flow_setup_reply(struct flow *f)
{
	struct flow_tuple *repl = &f->tuple[FLOW_REPL];
	bool v4 = f->tuple[FLOW_ORIG].l3 == AF_INET;

	flow_tuple_invert(repl, &f->tuple[FLOW_ORIG]);
	setup_reply_set(f);
	if (flow_has(f, v4 ? FLOW_SNAT_IPV4 : FLOW_SNAT_IPV6))
		repl->dst = f->snat;
	if (flow_has(f, v4 ? FLOW_DNAT_IPV4 : FLOW_DNAT_IPV6))
		repl->src = f->dnat;
	if (!flow_l4_has_ports(repl->l4))
		return;
	if (flow_has(f, FLOW_SNAT_PORT)) {
		repl->dport_be = f->snat_port_be;
		flow_mark_set(f, FLOW_REPL_PORT_DST);
	}
	if (flow_has(f, FLOW_DNAT_PORT)) {
		repl->sport_be = f->dnat_port_be;
		flow_mark_set(f, FLOW_REPL_PORT_SRC);
	}
}
