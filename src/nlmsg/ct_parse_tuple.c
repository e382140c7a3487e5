/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include "nlmsg/parse.h"

struct tuple_attrs {
	enum flow_attr v4[2], v6[2], port[2]; /* source, destination */
	enum flow_attr l3, l4;
	unsigned usual_word; /* of the presence set, and what of it a tuple with ports has */
	uint32_t usual_v4, usual_v6;
};

#define BIT(id) (UINT32_C(1) << ((id) % 32))
#define USUAL(dir, family)                                                                         \
	(BIT(FLOW_##dir##_##family##_SRC) | BIT(FLOW_##dir##_##family##_DST) |                     \
		BIT(FLOW_##dir##_PORT_SRC) | BIT(FLOW_##dir##_PORT_DST) |                          \
		BIT(FLOW_##dir##_L4PROTO))

static const struct tuple_attrs tuple_attrs[TUPLES] = {
	[FLOW_ORIG] =
		{
			{FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST},
			{FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST},
			{FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST},
			FLOW_ORIG_L3PROTO,
			FLOW_ORIG_L4PROTO,
			FLOW_ORIG_L3PROTO / 32,
			USUAL(ORIG, IPV4),
			USUAL(ORIG, IPV6),
		},
	[FLOW_REPL] =
		{
			{FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST},
			{FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST},
			{FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST},
			FLOW_REPL_L3PROTO,
			FLOW_REPL_L4PROTO,
			FLOW_REPL_L3PROTO / 32,
			USUAL(REPL, IPV4),
			USUAL(REPL, IPV6),
		},
	[TUPLE_MASTER] =
		{
			{FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST},
			{FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST},
			{FLOW_MASTER_PORT_SRC, FLOW_MASTER_PORT_DST},
			FLOW_MASTER_L3PROTO,
			FLOW_MASTER_L4PROTO,
			FLOW_MASTER_L3PROTO / 32,
			USUAL(MASTER, IPV4),
			USUAL(MASTER, IPV6),
		},
};

static void parse_tuple_ip(struct parse *p, const struct attr *nest, const struct tuple_attrs *ids,
	struct flow_tuple *t)
{
	struct attr_walk w = attr_walk_nest(nest);
	/* each value is marked by its own attribute, so that the wrong family does no harm */
	bool v4 = p->l3 == AF_INET || p->is_lenient, v6 = p->l3 == AF_INET6 || p->is_lenient;
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
 * not the flow's; only for programs, which get the original tuple's, they are marked as well.
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
	if (sound && (!is_master || p->is_lenient))
		mark_set(p, id);
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

/* One compare of a whole head. */
static inline bool head_is(const uint8_t *at, uint16_t len, uint16_t type)
{
	const struct nlattr wanted = {len, type};

	return memcmp(at, &wanted, sizeof(wanted)) == 0;
}

/*
 * Nearly every tuple of the kernel is two addresses, a protocol and two ports in this very form.
 * That is read without a walk; anything else is false, and left to the walk.
 */
static bool parse_tuple_usual(struct parse *p, const struct attr *nest,
	const struct tuple_attrs *ids, struct flow_tuple *t)
{
	enum { HEAD = NLA_HDRLEN, SMALL = HEAD + 4, PROTO_LEN = HEAD + 3 * SMALL };
	bool is_v4 = p->l3 == AF_INET;
	size_t addr_len = is_v4 ? sizeof(t->src.v4_be) : sizeof(t->src.v6_be);
	size_t ip_len = HEAD + 2 * (HEAD + addr_len);
	const uint8_t *src, *dst, *proto;

	if ((!is_v4 && p->l3 != AF_INET6) || nest->len != ip_len + PROTO_LEN)
		return false;
	src = nest->data + HEAD;
	dst = src + HEAD + addr_len;
	proto = nest->data + ip_len;
	if (!head_is(nest->data, (uint16_t)ip_len, CTA_TUPLE_IP | NLA_F_NESTED) ||
		!head_is(src, (uint16_t)(HEAD + addr_len), is_v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC) ||
		!head_is(dst, (uint16_t)(HEAD + addr_len), is_v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST) ||
		!head_is(proto, PROTO_LEN, CTA_TUPLE_PROTO | NLA_F_NESTED) ||
		!head_is(proto + HEAD, HEAD + 1, CTA_PROTO_NUM) ||
		!head_is(proto + HEAD + SMALL, HEAD + 2, CTA_PROTO_SRC_PORT) ||
		!head_is(proto + HEAD + 2 * SMALL, HEAD + 2, CTA_PROTO_DST_PORT))
		return false;
	if (is_v4) {
		memcpy(&t->src.v4_be, src + HEAD, sizeof(t->src.v4_be));
		memcpy(&t->dst.v4_be, dst + HEAD, sizeof(t->dst.v4_be));
	} else {
		memcpy(t->src.v6_be, src + HEAD, sizeof(t->src.v6_be));
		memcpy(t->dst.v6_be, dst + HEAD, sizeof(t->dst.v6_be));
	}
	t->l4 = proto[2 * HEAD];
	memcpy(&t->sport_be, proto + SMALL + 2 * HEAD, sizeof(t->sport_be));
	memcpy(&t->dport_be, proto + 2 * SMALL + 2 * HEAD, sizeof(t->dport_be));
	p->set[ids->usual_word] |= is_v4 ? ids->usual_v4 : ids->usual_v6;
	return true;
}

void parse_tuple(struct parse *p, const struct attr *nest, unsigned which, struct flow_tuple *t)
{
	const struct tuple_attrs *ids = &tuple_attrs[which];
	struct attr ip = {NULL, 0, 0}, proto = ip, zone = ip; /* the last of each */
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	t->l3 = p->l3;
	mark_set(p, ids->l3);
	if (parse_tuple_usual(p, nest, ids, t))
		return;
	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_TUPLE_IP:
			ip = a;
			break;
		case CTA_TUPLE_PROTO:
			proto = a;
			break;
		case CTA_TUPLE_ZONE:
			zone = a;
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
	if (ip.data)
		parse_tuple_ip(p, &ip, ids, t);
	if (proto.data)
		parse_tuple_proto(p, &proto, which, ids, t);
	if (zone.data && which != TUPLE_MASTER)
		take_u16(p, &zone, which == FLOW_ORIG ? FLOW_ORIG_ZONE : FLOW_REPL_ZONE, &t->zone);
}
