/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "nlmsg/build.h"

/* What attributes of these sizes take with their heads and padding [bytes]. */
enum {
	SMALL = 2 * NLA_ALIGNTO, /* up to 4 bytes */
	ADDR6 = NLA_HDRLEN + sizeof(((union flow_addr *)0)->v6_be),
};

struct build build_begin(
	void *buf, size_t cap, uint16_t type, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	const struct nfgenmsg family = {.nfgen_family = l3, .version = NFNETLINK_V0};
	const struct nlmsghdr head = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | nl_flags,
		.nlmsg_seq = seq,
	};
	uint8_t *msg = buf;
	struct build b = {msg, msg, msg + cap, false};

	if (build_room(&b, sizeof(head) + sizeof(family))) {
		memcpy(msg, &head, sizeof(head));
		memcpy(msg + sizeof(head), &family, sizeof(family));
	}
	return b;
}

bool build_has_cells(uint8_t l4)
{
	return flow_l4_has_ports(l4) || l4 == IPPROTO_GRE;
}

static uint8_t *attr_u8(uint8_t *at, uint16_t type, uint8_t value)
{
	return attr_put(at, type, &value, sizeof(value));
}

static uint8_t *attr_u16_be(uint8_t *at, uint16_t type, uint16_t value_be)
{
	return attr_put(at, type, &value_be, sizeof(value_be));
}

static uint8_t *put_tuple_ip(uint8_t *at, const struct flow_tuple *t)
{
	if (t->l3 == AF_INET) {
		at = attr_nest(at, CTA_TUPLE_IP, NLA_HDRLEN + 2 * SMALL);
		at = attr_put(at, CTA_IP_V4_SRC, &t->src.v4_be, sizeof(t->src.v4_be));
		return attr_put(at, CTA_IP_V4_DST, &t->dst.v4_be, sizeof(t->dst.v4_be));
	}
	at = attr_nest(at, CTA_TUPLE_IP, NLA_HDRLEN + 2 * ADDR6);
	at = attr_put(at, CTA_IP_V6_SRC, t->src.v6_be, sizeof(t->src.v6_be));
	return attr_put(at, CTA_IP_V6_DST, t->dst.v6_be, sizeof(t->dst.v6_be));
}

static uint8_t *put_tuple_cells(uint8_t *at, const struct flow_tuple *t)
{
	if (build_has_cells(t->l4)) {
		at = attr_u16_be(at, CTA_PROTO_SRC_PORT, t->sport_be);
		return attr_u16_be(at, CTA_PROTO_DST_PORT, t->dport_be);
	}
	if (t->l4 == IPPROTO_ICMP) {
		at = attr_u8(at, CTA_PROTO_ICMP_CODE, t->icmp_code);
		at = attr_u8(at, CTA_PROTO_ICMP_TYPE, t->icmp_type);
		return attr_u16_be(at, CTA_PROTO_ICMP_ID, t->icmp_id_be);
	}
	at = attr_u8(at, CTA_PROTO_ICMPV6_CODE, t->icmp_code);
	at = attr_u8(at, CTA_PROTO_ICMPV6_TYPE, t->icmp_type);
	return attr_u16_be(at, CTA_PROTO_ICMPV6_ID, t->icmp_id_be);
}

/* Most of a message is tuples, whose sizes follow from their protocols: one look for room does. */
void put_tuple(struct build *b, uint16_t type, const struct flow_tuple *t, bool has_zone)
{
	size_t ip_len = NLA_HDRLEN + 2 * (t->l3 == AF_INET ? (size_t)SMALL : (size_t)ADDR6);
	size_t cells = build_has_cells(t->l4) ? 2 : flow_l4_is_icmp(t->l4) ? 3 : 0;
	size_t proto_len = NLA_HDRLEN + SMALL + cells * SMALL;
	size_t len = NLA_HDRLEN + ip_len + proto_len + (has_zone ? SMALL : 0);
	uint8_t *at = build_room(b, len);

	if (!at)
		return;
	at = attr_nest(at, type, len);
	at = put_tuple_ip(at, t);
	at = attr_nest(at, CTA_TUPLE_PROTO, proto_len);
	at = attr_u8(at, CTA_PROTO_NUM, t->l4);
	if (cells)
		at = put_tuple_cells(at, t);
	if (has_zone)
		attr_u16_be(at, CTA_TUPLE_ZONE, htons(t->zone));
}

/* Without a mask the kernel changes no flag, so the two go together. */
static void put_tcp_flags(struct build *b, const struct flow *f, enum flow_dir dir)
{
	bool is_orig = dir == FLOW_ORIG;
	const uint8_t value[2] = {f->tcp.flags[dir], f->tcp.flags_mask[dir]};

	if (flow_has(f, is_orig ? FLOW_TCP_FLAGS_ORIG : FLOW_TCP_FLAGS_REPL) &&
		flow_has(f, is_orig ? FLOW_TCP_MASK_ORIG : FLOW_TCP_MASK_REPL))
		put(b, is_orig ? CTA_PROTOINFO_TCP_FLAGS_ORIGINAL : CTA_PROTOINFO_TCP_FLAGS_REPLY,
			value, sizeof(value));
}

void put_protoinfo_tcp(struct build *b, const struct flow *f)
{
	uint8_t *nest = nest_start(b, CTA_PROTOINFO);
	uint8_t *tcp = nest_start(b, CTA_PROTOINFO_TCP);

	if (flow_has(f, FLOW_TCP_STATE))
		put_u8(b, CTA_PROTOINFO_TCP_STATE, f->tcp.state);
	put_tcp_flags(b, f, FLOW_ORIG);
	put_tcp_flags(b, f, FLOW_REPL);
	if (flow_has(f, FLOW_TCP_WSCALE_ORIG))
		put_u8(b, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, f->tcp.wscale[FLOW_ORIG]);
	if (flow_has(f, FLOW_TCP_WSCALE_REPL))
		put_u8(b, CTA_PROTOINFO_TCP_WSCALE_REPLY, f->tcp.wscale[FLOW_REPL]);
	nest_end(b, tcp);
	nest_end(b, nest);
}

void put_protoinfo_sctp(struct build *b, const struct flow *f)
{
	uint8_t *nest = nest_start(b, CTA_PROTOINFO);
	uint8_t *sctp = nest_start(b, CTA_PROTOINFO_SCTP);

	if (flow_has(f, FLOW_SCTP_STATE))
		put_u8(b, CTA_PROTOINFO_SCTP_STATE, f->sctp.state);
	if (flow_has(f, FLOW_SCTP_VTAG_ORIG))
		put_u32(b, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, f->sctp.vtag[FLOW_ORIG]);
	if (flow_has(f, FLOW_SCTP_VTAG_REPL))
		put_u32(b, CTA_PROTOINFO_SCTP_VTAG_REPLY, f->sctp.vtag[FLOW_REPL]);
	nest_end(b, sctp);
	nest_end(b, nest);
}

void put_protoinfo_dccp(struct build *b, const struct flow *f)
{
	uint8_t *nest = nest_start(b, CTA_PROTOINFO);
	uint8_t *dccp = nest_start(b, CTA_PROTOINFO_DCCP);

	if (flow_has(f, FLOW_DCCP_STATE))
		put_u8(b, CTA_PROTOINFO_DCCP_STATE, f->dccp.state);
	if (flow_has(f, FLOW_DCCP_ROLE))
		put_u8(b, CTA_PROTOINFO_DCCP_ROLE, f->dccp.role);
	if (flow_has(f, FLOW_DCCP_HANDSHAKE_SEQ))
		put_u64(b, CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, f->dccp.handshake_seq);
	nest_end(b, dccp);
	nest_end(b, nest);
}

static void put_seqadj_dir(struct build *b, uint16_t type, const struct flow_seqadj *s)
{
	uint8_t *nest = nest_start(b, type);

	put_u32(b, CTA_SEQADJ_CORRECTION_POS, s->correction_pos);
	put_u32(b, CTA_SEQADJ_OFFSET_BEFORE, s->offset_before);
	put_u32(b, CTA_SEQADJ_OFFSET_AFTER, s->offset_after);
	nest_end(b, nest);
}

void put_seqadj(struct build *b, const struct flow *f)
{
	if (flow_has(f, FLOW_ORIG_SEQADJ_CORRECTION_POS) &&
		flow_has(f, FLOW_ORIG_SEQADJ_OFFSET_BEFORE) &&
		flow_has(f, FLOW_ORIG_SEQADJ_OFFSET_AFTER))
		put_seqadj_dir(b, CTA_SEQ_ADJ_ORIG, &f->seqadj[FLOW_ORIG]);
	if (flow_has(f, FLOW_REPL_SEQADJ_CORRECTION_POS) &&
		flow_has(f, FLOW_REPL_SEQADJ_OFFSET_BEFORE) &&
		flow_has(f, FLOW_REPL_SEQADJ_OFFSET_AFTER))
		put_seqadj_dir(b, CTA_SEQ_ADJ_REPLY, &f->seqadj[FLOW_REPL]);
}

void put_synproxy(struct build *b, const struct flow *f)
{
	uint8_t *nest;

	if (!flow_has(f, FLOW_SYNPROXY_ISN) || !flow_has(f, FLOW_SYNPROXY_ITS) ||
		!flow_has(f, FLOW_SYNPROXY_TSOFF))
		return;
	nest = nest_start(b, CTA_SYNPROXY);
	put_u32(b, CTA_SYNPROXY_ISN, f->synproxy_isn);
	put_u32(b, CTA_SYNPROXY_ITS, f->synproxy_its);
	put_u32(b, CTA_SYNPROXY_TSOFF, f->synproxy_tsoff);
	nest_end(b, nest);
}

void put_help(struct build *b, const struct flow *f)
{
	char name[FLOW_HELPER_NAME_MAX];
	size_t len;
	uint8_t *nest;

	if (!flow_has(f, FLOW_HELPER_NAME))
		return;
	len = strnlen(f->helper_name, sizeof(name) - 1);
	memcpy(name, f->helper_name, len);
	name[len] = '\0';
	nest = nest_start(b, CTA_HELP);
	put(b, CTA_HELP_NAME, name, len + 1);
	if (flow_has(f, FLOW_HELPER_INFO))
		put(b, CTA_HELP_INFO, f->helper_info.data, f->helper_info.len);
	nest_end(b, nest);
}
