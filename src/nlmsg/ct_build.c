/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/pack.h"
#include "nlmsg/ct.h"

/* A request under construction. After the first attribute that does not fit, ok stays false. */
struct build {
	struct nlmsghdr *msg;
	size_t cap;
	bool ok;
};

static void put(struct build *b, uint16_t type, const void *data, size_t len)
{
	size_t pad = MNL_ALIGN(len) - len;

	b->ok = b->ok && mnl_attr_put_check(b->msg, b->cap, type, len, data);
	if (b->ok) /* older libmnl leaves these bytes as they are */
		memset((uint8_t *)mnl_nlmsg_get_payload_tail(b->msg) - pad, 0, pad);
}

static void put_u8(struct build *b, uint16_t type, uint8_t value)
{
	put(b, type, &value, sizeof(value));
}

static void put_u16_be(struct build *b, uint16_t type, uint16_t value_be)
{
	put(b, type, &value_be, sizeof(value_be));
}

static void put_u32(struct build *b, uint16_t type, uint32_t value)
{
	uint32_t value_be = htonl(value);

	put(b, type, &value_be, sizeof(value_be));
}

static void put_u64(struct build *b, uint16_t type, uint64_t value)
{
	uint64_t value_be = htobe64(value);

	put(b, type, &value_be, sizeof(value_be));
}

static struct nlattr *nest_start(struct build *b, uint16_t type)
{
	struct nlattr *nest = b->ok ? mnl_attr_nest_start_check(b->msg, b->cap, type) : NULL;

	b->ok = nest;
	return nest;
}

static void nest_end(struct build *b, struct nlattr *nest)
{
	if (b->ok)
		mnl_attr_nest_end(b->msg, nest);
}

static struct build begin(
	void *buf, size_t cap, uint16_t type, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	struct build b = {NULL, cap, false};
	struct nfgenmsg *family;

	if (cap < MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*family)))
		return b;
	b.msg = mnl_nlmsg_put_header(buf);
	b.msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	b.msg->nlmsg_flags = NLM_F_REQUEST | nl_flags;
	b.msg->nlmsg_seq = seq;
	family = mnl_nlmsg_put_extra_header(b.msg, sizeof(*family));
	family->nfgen_family = l3;
	family->version = NFNETLINK_V0;
	family->res_id = 0;
	b.ok = true;
	return b;
}

static size_t end(const struct build *b)
{
	return b->ok ? b->msg->nlmsg_len : 0; /* attributes are padded, so this is aligned */
}

/* The protocols whose key, and whose part of a NAT mapping, is a pair of 16-bit cells. */
static bool has_cells(uint8_t l4)
{
	return flow_l4_has_ports(l4) || l4 == IPPROTO_GRE;
}

static void put_addr(struct build *b, uint16_t type, const union flow_addr *addr, uint8_t l3)
{
	put(b, type, addr, l3 == AF_INET ? sizeof(addr->v4_be) : sizeof(addr->v6_be));
}

static void put_tuple_proto(struct build *b, const struct flow_tuple *t)
{
	struct nlattr *nest = nest_start(b, CTA_TUPLE_PROTO);

	put_u8(b, CTA_PROTO_NUM, t->l4);
	if (has_cells(t->l4)) {
		put_u16_be(b, CTA_PROTO_SRC_PORT, t->sport_be);
		put_u16_be(b, CTA_PROTO_DST_PORT, t->dport_be);
	} else if (t->l4 == IPPROTO_ICMP) {
		put_u8(b, CTA_PROTO_ICMP_CODE, t->icmp_code);
		put_u8(b, CTA_PROTO_ICMP_TYPE, t->icmp_type);
		put_u16_be(b, CTA_PROTO_ICMP_ID, t->icmp_id_be);
	} else if (t->l4 == IPPROTO_ICMPV6) {
		put_u8(b, CTA_PROTO_ICMPV6_CODE, t->icmp_code);
		put_u8(b, CTA_PROTO_ICMPV6_TYPE, t->icmp_type);
		put_u16_be(b, CTA_PROTO_ICMPV6_ID, t->icmp_id_be);
	}
	nest_end(b, nest);
}

static void put_tuple(struct build *b, uint16_t type, const struct flow_tuple *t, bool has_zone)
{
	bool is_v4 = t->l3 == AF_INET;
	struct nlattr *nest = nest_start(b, type);
	struct nlattr *ip = nest_start(b, CTA_TUPLE_IP);

	put_addr(b, is_v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, &t->src, t->l3);
	put_addr(b, is_v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, &t->dst, t->l3);
	nest_end(b, ip);
	put_tuple_proto(b, t);
	if (has_zone)
		put_u16_be(b, CTA_TUPLE_ZONE, htons(t->zone));
	nest_end(b, nest);
}

static void put_tuple_orig(struct build *b, const struct flow *f)
{
	put_tuple(b, CTA_TUPLE_ORIG, &f->tuple[FLOW_ORIG], flow_has(f, FLOW_ORIG_ZONE));
}

static void put_zone(struct build *b, const struct flow *f)
{
	if (flow_has(f, FLOW_ZONE))
		put_u16_be(b, CTA_ZONE, htons(f->zone));
}

static void put_tuple_reply(struct build *b, const struct flow *f, bool without_nat)
{
	bool has_zone = flow_has(f, FLOW_REPL_ZONE);
	struct flow_tuple plain;

	if (without_nat) {
		memset(&plain, 0, sizeof(plain));
		flow_tuple_invert(&plain, &f->tuple[FLOW_ORIG]);
		plain.zone = f->tuple[FLOW_REPL].zone;
		put_tuple(b, CTA_TUPLE_REPLY, &plain, has_zone);
	} else if (flow_has_addrs(f, FLOW_REPL) && flow_has(f, FLOW_REPL_L4PROTO)) {
		put_tuple(b, CTA_TUPLE_REPLY, &f->tuple[FLOW_REPL], has_zone);
	}
}

static void put_master(struct build *b, const struct flow *f)
{
	bool is_v4 = f->master.l3 == AF_INET;
	enum flow_attr src = is_v4 ? FLOW_MASTER_IPV4_SRC : FLOW_MASTER_IPV6_SRC;
	enum flow_attr dst = is_v4 ? FLOW_MASTER_IPV4_DST : FLOW_MASTER_IPV6_DST;

	if (flow_has(f, FLOW_MASTER_L3PROTO) && flow_has(f, FLOW_MASTER_L4PROTO) &&
		flow_has(f, src) && flow_has(f, dst))
		put_tuple(b, CTA_TUPLE_MASTER, &f->master, false);
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

static void put_tcp(struct build *b, const struct flow *f)
{
	struct nlattr *nest = nest_start(b, CTA_PROTOINFO);
	struct nlattr *tcp = nest_start(b, CTA_PROTOINFO_TCP);

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

static void put_sctp(struct build *b, const struct flow *f)
{
	struct nlattr *nest = nest_start(b, CTA_PROTOINFO);
	struct nlattr *sctp = nest_start(b, CTA_PROTOINFO_SCTP);

	if (flow_has(f, FLOW_SCTP_STATE))
		put_u8(b, CTA_PROTOINFO_SCTP_STATE, f->sctp.state);
	if (flow_has(f, FLOW_SCTP_VTAG_ORIG))
		put_u32(b, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, f->sctp.vtag[FLOW_ORIG]);
	if (flow_has(f, FLOW_SCTP_VTAG_REPL))
		put_u32(b, CTA_PROTOINFO_SCTP_VTAG_REPLY, f->sctp.vtag[FLOW_REPL]);
	nest_end(b, sctp);
	nest_end(b, nest);
}

static void put_dccp(struct build *b, const struct flow *f)
{
	struct nlattr *nest = nest_start(b, CTA_PROTOINFO);
	struct nlattr *dccp = nest_start(b, CTA_PROTOINFO_DCCP);

	if (flow_has(f, FLOW_DCCP_STATE))
		put_u8(b, CTA_PROTOINFO_DCCP_STATE, f->dccp.state);
	if (flow_has(f, FLOW_DCCP_ROLE))
		put_u8(b, CTA_PROTOINFO_DCCP_ROLE, f->dccp.role);
	if (flow_has(f, FLOW_DCCP_HANDSHAKE_SEQ))
		put_u64(b, CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, f->dccp.handshake_seq);
	nest_end(b, dccp);
	nest_end(b, nest);
}

static bool has_any(const struct flow *f, const enum flow_attr *ids, size_t count)
{
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found = found || flow_has(f, ids[i]);
	return found;
}

static bool has_all(const struct flow *f, const enum flow_attr *ids, size_t count)
{
	bool found = true;

	for (size_t i = 0; i < count; i++)
		found = found && flow_has(f, ids[i]);
	return found;
}

#define HAS_ANY(f, ...)                                                                            \
	has_any(f, (const enum flow_attr[]){__VA_ARGS__},                                          \
		sizeof((const enum flow_attr[]){__VA_ARGS__}) / sizeof(enum flow_attr))
#define HAS_ALL(f, ...)                                                                            \
	has_all(f, (const enum flow_attr[]){__VA_ARGS__},                                          \
		sizeof((const enum flow_attr[]){__VA_ARGS__}) / sizeof(enum flow_attr))

static void put_protoinfo(struct build *b, const struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		if (HAS_ANY(f, FLOW_TCP_STATE, FLOW_TCP_FLAGS_ORIG, FLOW_TCP_FLAGS_REPL,
			    FLOW_TCP_WSCALE_ORIG, FLOW_TCP_WSCALE_REPL))
			put_tcp(b, f);
		break;
	case IPPROTO_SCTP:
		if (HAS_ANY(f, FLOW_SCTP_STATE, FLOW_SCTP_VTAG_ORIG, FLOW_SCTP_VTAG_REPL))
			put_sctp(b, f);
		break;
	case IPPROTO_DCCP:
		if (HAS_ANY(f, FLOW_DCCP_STATE, FLOW_DCCP_ROLE, FLOW_DCCP_HANDSHAKE_SEQ))
			put_dccp(b, f);
		break;
	default:
		break;
	}
}

static void put_seqadj(struct build *b, uint16_t type, const struct flow_seqadj *s)
{
	struct nlattr *nest = nest_start(b, type);

	put_u32(b, CTA_SEQADJ_CORRECTION_POS, s->correction_pos);
	put_u32(b, CTA_SEQADJ_OFFSET_BEFORE, s->offset_before);
	put_u32(b, CTA_SEQADJ_OFFSET_AFTER, s->offset_after);
	nest_end(b, nest);
}

static void put_synproxy(struct build *b, const struct flow *f)
{
	struct nlattr *nest = nest_start(b, CTA_SYNPROXY);

	put_u32(b, CTA_SYNPROXY_ISN, f->synproxy_isn);
	put_u32(b, CTA_SYNPROXY_ITS, f->synproxy_its);
	put_u32(b, CTA_SYNPROXY_TSOFF, f->synproxy_tsoff);
	nest_end(b, nest);
}

static void put_state(struct build *b, const struct flow *f)
{
	if (flow_has(f, FLOW_STATUS))
		put_u32(b, CTA_STATUS, f->status);
	if (flow_has(f, FLOW_TIMEOUT))
		put_u32(b, CTA_TIMEOUT, f->timeout);
	if (flow_has(f, FLOW_MARK))
		put_u32(b, CTA_MARK, f->mark);
	put_protoinfo(b, f);
	if (HAS_ALL(f, FLOW_ORIG_SEQADJ_CORRECTION_POS, FLOW_ORIG_SEQADJ_OFFSET_BEFORE,
		    FLOW_ORIG_SEQADJ_OFFSET_AFTER))
		put_seqadj(b, CTA_SEQ_ADJ_ORIG, &f->seqadj[FLOW_ORIG]);
	if (HAS_ALL(f, FLOW_REPL_SEQADJ_CORRECTION_POS, FLOW_REPL_SEQADJ_OFFSET_BEFORE,
		    FLOW_REPL_SEQADJ_OFFSET_AFTER))
		put_seqadj(b, CTA_SEQ_ADJ_REPLY, &f->seqadj[FLOW_REPL]);
	if (flow_has(f, FLOW_LABELS) && f->labels_len > 0)
		put(b, CTA_LABELS, f->labels, f->labels_len);
	if (HAS_ALL(f, FLOW_SYNPROXY_ISN, FLOW_SYNPROXY_ITS, FLOW_SYNPROXY_TSOFF))
		put_synproxy(b, f);
}

/*
 * NAT that the kernel is to set up. It takes the mapping from the request and the reply tuple from
 * the mapping; if it is given a reply tuple that is mapped already, there is nothing to be changed
 * and it never marks the flow for its packets to be rewritten. So both come from here.
 */
struct nat {
	struct mapping {
		const union flow_addr *addr; /* NULL: not to be changed */
		const uint16_t *cell_be; /* port or ICMP id; NULL: likewise */
	} src, dst;
};

static bool mapping_is_set(const struct mapping *m)
{
	return m->addr || m->cell_be;
}

/* What was requested of us or, if nothing was, what the reply tuple shows of NAT elsewhere. */
static struct nat nat_of(const struct flow *f)
{
	const struct flow_tuple *reply = &f->tuple[FLOW_REPL];
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;
	bool is_v4 = f->tuple[FLOW_ORIG].l3 == AF_INET, is_icmp = flow_l4_is_icmp(l4);
	bool has_cell = has_cells(l4) || is_icmp;
	struct nat nat = {{NULL, NULL}, {NULL, NULL}};

	if (flow_has(f, is_v4 ? FLOW_SNAT_IPV4 : FLOW_SNAT_IPV6))
		nat.src.addr = &f->snat;
	if (flow_has(f, is_v4 ? FLOW_DNAT_IPV4 : FLOW_DNAT_IPV6))
		nat.dst.addr = &f->dnat;
	if (has_cell && flow_has(f, FLOW_SNAT_PORT))
		nat.src.cell_be = &f->snat_port_be;
	if (has_cell && flow_has(f, FLOW_DNAT_PORT))
		nat.dst.cell_be = &f->dnat_port_be;
	if (mapping_is_set(&nat.src) || mapping_is_set(&nat.dst))
		return nat;
	/* the cell is named even if it was not changed, or the kernel might choose another one */
	if (flow_is_snat(f) || flow_is_spat(f))
		nat.src = (struct mapping){&reply->dst, !has_cell ? NULL
							: is_icmp ? &reply->icmp_id_be
								  : &reply->dport_be};
	if (flow_is_dnat(f) || flow_is_dpat(f))
		nat.dst = (struct mapping){&reply->src, !has_cell ? NULL
							: is_icmp ? &reply->icmp_id_be
								  : &reply->sport_be};
	return nat;
}

/*
 * The kernel takes a missing upper end for equal to the lower one, but not every release does so
 * for ports.
 */
static void put_mapping(struct build *b, uint16_t type, uint8_t l3, const struct mapping *m)
{
	struct nlattr *nest, *proto;

	if (!mapping_is_set(m))
		return;
	nest = nest_start(b, type);
	if (m->addr)
		put_addr(b, l3 == AF_INET ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, m->addr, l3);
	if (m->cell_be) {
		proto = nest_start(b, CTA_NAT_PROTO);
		put_u16_be(b, CTA_PROTONAT_PORT_MIN, *m->cell_be);
		put_u16_be(b, CTA_PROTONAT_PORT_MAX, *m->cell_be);
		nest_end(b, proto);
	}
	nest_end(b, nest);
}

static void put_help(struct build *b, const struct flow *f)
{
	struct nlattr *nest;

	if (!flow_has(f, FLOW_HELPER_NAME))
		return;
	nest = nest_start(b, CTA_HELP);
	put(b, CTA_HELP_NAME, f->helper_name,
		strnlen(f->helper_name, FLOW_HELPER_NAME_MAX - 1) + 1);
	if (flow_has(f, FLOW_HELPER_INFO))
		put(b, CTA_HELP_INFO, f->helper_info.data, f->helper_info.len);
	nest_end(b, nest);
}

size_t nlmsg_ct_build(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct flow *f,
	unsigned parts)
{
	uint8_t l3 = f->tuple[FLOW_ORIG].l3;
	struct nat nat = {{NULL, NULL}, {NULL, NULL}};
	struct build b;

	if (!flow_has_key(f))
		return 0;
	if (parts & NLMSG_PART_NAT)
		nat = nat_of(f);
	b = begin(buf, cap, IPCTNL_MSG_CT_NEW, nl_flags, seq, l3);
	if (parts & NLMSG_PART_TUPLES) {
		put_tuple_orig(&b, f);
		put_tuple_reply(&b, f, mapping_is_set(&nat.src) || mapping_is_set(&nat.dst));
		put_zone(&b, f);
	}
	if (parts & NLMSG_PART_MASTER)
		put_master(&b, f);
	if (parts & NLMSG_PART_STATE)
		put_state(&b, f);
	put_mapping(&b, CTA_NAT_SRC, l3, &nat.src);
	put_mapping(&b, CTA_NAT_DST, l3, &nat.dst);
	if (parts & NLMSG_PART_HELPER)
		put_help(&b, f);
	if (parts & NLMSG_PART_ID && flow_has(f, FLOW_ID))
		put_u32(&b, CTA_ID, f->id);
	return end(&b);
}

size_t nlmsg_ct_build_delete(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq,
	const struct flow *f, unsigned parts)
{
	struct build b;

	if (!flow_has_key(f)) /* a delete without a tuple would be a flush */
		return 0;
	b = begin(buf, cap, IPCTNL_MSG_CT_DELETE, nl_flags, seq, f->tuple[FLOW_ORIG].l3);
	put_tuple_orig(&b, f);
	put_zone(&b, f);
	if (parts & NLMSG_PART_ID && flow_has(f, FLOW_ID))
		put_u32(&b, CTA_ID, f->id);
	return end(&b);
}

size_t nlmsg_ct_build_get(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct flow *f)
{
	struct build b;

	if (!flow_has_key(f))
		return 0;
	b = begin(buf, cap, IPCTNL_MSG_CT_GET, nl_flags, seq, f->tuple[FLOW_ORIG].l3);
	put_tuple_orig(&b, f);
	put_zone(&b, f);
	return end(&b);
}

size_t nlmsg_ct_build_dump(void *buf, size_t cap, uint32_t seq, uint8_t l3)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_CT_GET, NLM_F_DUMP, seq, l3);

	return end(&b);
}

size_t nlmsg_ct_build_flush(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_CT_DELETE, nl_flags, seq, l3);

	return end(&b);
}
