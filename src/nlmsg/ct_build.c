/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "flow/pack.h"
#include "nlmsg/build.h"
#include "nlmsg/ct.h"

static struct build begin(
	void *buf, size_t cap, uint16_t type, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	return build_begin(
		buf, cap, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), nl_flags, seq, l3);
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

static void put_protoinfo(struct build *b, const struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		if (flow_has(f, FLOW_TCP_STATE) || flow_has(f, FLOW_TCP_FLAGS_ORIG) ||
			flow_has(f, FLOW_TCP_FLAGS_REPL) || flow_has(f, FLOW_TCP_WSCALE_ORIG) ||
			flow_has(f, FLOW_TCP_WSCALE_REPL))
			put_protoinfo_tcp(b, f);
		break;
	case IPPROTO_SCTP:
		if (flow_has(f, FLOW_SCTP_STATE) || flow_has(f, FLOW_SCTP_VTAG_ORIG) ||
			flow_has(f, FLOW_SCTP_VTAG_REPL))
			put_protoinfo_sctp(b, f);
		break;
	case IPPROTO_DCCP:
		if (flow_has(f, FLOW_DCCP_STATE) || flow_has(f, FLOW_DCCP_ROLE) ||
			flow_has(f, FLOW_DCCP_HANDSHAKE_SEQ))
			put_protoinfo_dccp(b, f);
		break;
	default:
		break;
	}
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
	put_seqadj(b, f);
	if (flow_has(f, FLOW_LABELS) && f->labels_len > 0)
		put(b, CTA_LABELS, f->labels, f->labels_len);
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
	bool has_cell = build_has_cells(l4) || is_icmp;
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
static void put_mapping(struct build *b, uint16_t type, bool is_v4, const struct mapping *m)
{
	uint8_t *nest, *proto;

	if (!mapping_is_set(m))
		return;
	nest = nest_start(b, type);
	if (m->addr)
		put_addr(b, is_v4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, m->addr, is_v4);
	if (m->cell_be) {
		proto = nest_start(b, CTA_NAT_PROTO);
		put_u16_be(b, CTA_PROTONAT_PORT_MIN, *m->cell_be);
		put_u16_be(b, CTA_PROTONAT_PORT_MAX, *m->cell_be);
		nest_end(b, proto);
	}
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
	put_mapping(&b, CTA_NAT_SRC, l3 == AF_INET, &nat.src);
	put_mapping(&b, CTA_NAT_DST, l3 == AF_INET, &nat.dst);
	if (parts & NLMSG_PART_HELPER)
		put_help(&b, f);
	if (parts & NLMSG_PART_ID && flow_has(f, FLOW_ID))
		put_u32(&b, CTA_ID, f->id);
	return build_end(&b);
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
	return build_end(&b);
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
	return build_end(&b);
}

size_t nlmsg_ct_build_dump(void *buf, size_t cap, uint32_t seq, uint8_t l3)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_CT_GET, NLM_F_DUMP, seq, l3);

	return build_end(&b);
}

size_t nlmsg_ct_build_flush(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_CT_DELETE, nl_flags, seq, l3);

	return build_end(&b);
}
