/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include "nlmsg/parse.h"

struct tuple_attrs {
	enum flow_attr v4[2], v6[2], port[2]; /* source, destination */
	enum flow_attr l3, l4;
};

static const struct tuple_attrs tuple_attrs[TUPLES] = {
	[FLOW_ORIG] =
		{
			{FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST},
			{FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST},
			{FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST},
			FLOW_ORIG_L3PROTO,
			FLOW_ORIG_L4PROTO,
		},
	[FLOW_REPL] =
		{
			{FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST},
			{FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST},
			{FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST},
			FLOW_REPL_L3PROTO,
			FLOW_REPL_L4PROTO,
		},
	[TUPLE_MASTER] =
		{
			{FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST},
			{FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST},
			{FLOW_MASTER_PORT_SRC, FLOW_MASTER_PORT_DST},
			FLOW_MASTER_L3PROTO,
			FLOW_MASTER_L4PROTO,
		},
};

static void parse_tuple_ip(struct parse *p, const struct attr *nest, const struct tuple_attrs *ids,
	struct flow_tuple *t)
{
	struct attr_walk w = attr_walk_nest(nest);
	bool v4 = p->l3 == AF_INET, v6 = p->l3 == AF_INET6;
	struct attr a;

	while (attr_next(&w, &a)) {
		union flow_addr *addr = &t->src;
		unsigned end = 0;

		switch (a.type) {
		case CTA_IP_V4_DST:
			addr = &t->dst;
			end = 1;
			/* fallthrough */
		case CTA_IP_V4_SRC:
			if (v4)
				take_bytes(p, &a, ids->v4[end], &addr->v4_be, sizeof(addr->v4_be));
			p->bad = p->bad || !v4;
			break;
		case CTA_IP_V6_DST:
			addr = &t->dst;
			end = 1;
			/* fallthrough */
		case CTA_IP_V6_SRC:
			if (v6)
				take_bytes(p, &a, ids->v6[end], addr->v6_be, sizeof(addr->v6_be));
			p->bad = p->bad || !v6;
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

/*
 * ICMP's three attributes exist once per flow. A master's are kept in its tuple's cells, but are
 * not the flow's.
 */
static void parse_tuple_icmp(
	struct parse *p, const struct attr *a, bool is_master, struct flow_tuple *t)
{
	bool sound = true;
	enum flow_attr id = FLOW_ICMP_ID;

	switch (a->type) {
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		sound = take(p, a, &t->icmp_id_be, sizeof(t->icmp_id_be));
		break;
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		id = FLOW_ICMP_TYPE;
		sound = take(p, a, &t->icmp_type, sizeof(t->icmp_type));
		break;
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		id = FLOW_ICMP_CODE;
		sound = take(p, a, &t->icmp_code, sizeof(t->icmp_code));
		break;
	default:
		return; /* unknown */
	}
	if (sound && !is_master)
		flow_mark_set(p->flow, id);
}

static void parse_tuple_proto(struct parse *p, const struct attr *nest, unsigned which,
	const struct tuple_attrs *ids, struct flow_tuple *t)
{
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_PROTO_NUM:
			take_u8(p, &a, ids->l4, &t->l4);
			break;
		case CTA_PROTO_SRC_PORT:
			take_bytes(p, &a, ids->port[0], &t->sport_be, sizeof(t->sport_be));
			break;
		case CTA_PROTO_DST_PORT:
			take_bytes(p, &a, ids->port[1], &t->dport_be, sizeof(t->dport_be));
			break;
		default:
			parse_tuple_icmp(p, &a, which == TUPLE_MASTER, t);
			break;
		}
	}
	parse_finish(p, &w);
}

void parse_tuple(struct parse *p, const struct attr *nest, unsigned which)
{
	const struct tuple_attrs *ids = &tuple_attrs[which];
	struct flow_tuple *t = which == TUPLE_MASTER ? &p->flow->master : &p->flow->tuple[which];
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	t->l3 = p->l3;
	flow_mark_set(p->flow, ids->l3);
	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_TUPLE_IP:
			parse_tuple_ip(p, &a, ids, t);
			break;
		case CTA_TUPLE_PROTO:
			parse_tuple_proto(p, &a, which, ids, t);
			break;
		case CTA_TUPLE_ZONE:
			if (which == FLOW_ORIG)
				take_u16(p, &a, FLOW_ORIG_ZONE, &t->zone);
			else if (which == FLOW_REPL)
				take_u16(p, &a, FLOW_REPL_ZONE, &t->zone);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}
