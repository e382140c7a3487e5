/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "flow/status.h"
#include "nlmsg/build.h"
#include "nlmsg/ct.h"

/*
 * What programs of libnetfilter_conntrack expect in a message, in its order. Unlike ct_build.c,
 * which asks the kernel for what a flow means, this says what the flow has: tuples are written as
 * soon as anything of them is present, with zeros for the rest.
 */

static bool is_l3(uint8_t l3)
{
	return l3 == AF_INET || l3 == AF_INET6;
}

static bool has_reply(const struct flow *f)
{
	return flow_has(f, FLOW_REPL_IPV4_SRC) || flow_has(f, FLOW_REPL_IPV4_DST) ||
	       flow_has(f, FLOW_REPL_IPV6_SRC) || flow_has(f, FLOW_REPL_IPV6_DST) ||
	       flow_has(f, FLOW_REPL_PORT_SRC) || flow_has(f, FLOW_REPL_PORT_DST) ||
	       flow_has(f, FLOW_REPL_L3PROTO) || flow_has(f, FLOW_REPL_L4PROTO) ||
	       flow_has(f, FLOW_REPL_ZONE);
}

static bool has_master(const struct flow *f)
{
	return flow_has(f, FLOW_MASTER_IPV4_SRC) || flow_has(f, FLOW_MASTER_IPV4_DST) ||
	       flow_has(f, FLOW_MASTER_IPV6_SRC) || flow_has(f, FLOW_MASTER_IPV6_DST) ||
	       flow_has(f, FLOW_MASTER_PORT_SRC) || flow_has(f, FLOW_MASTER_PORT_DST) ||
	       flow_has(f, FLOW_MASTER_L3PROTO) || flow_has(f, FLOW_MASTER_L4PROTO);
}

static void put_tuples(struct build *b, const struct flow *f)
{
	put_tuple(b, CTA_TUPLE_ORIG, &f->tuple[FLOW_ORIG], flow_has(f, FLOW_ORIG_ZONE));
	if (has_reply(f))
		put_tuple(b, CTA_TUPLE_REPLY, &f->tuple[FLOW_REPL], flow_has(f, FLOW_REPL_ZONE));
	if (has_master(f) && is_l3(f->master.l3)) /* without a protocol it says nothing */
		put_tuple(b, CTA_TUPLE_MASTER, &f->master, false);
}

static void put_numbers(struct build *b, const struct flow *f)
{
	if (flow_has(f, FLOW_STATUS)) /* what ctnetlink creates is always confirmed */
		put_u32(b, CTA_STATUS, f->status | FLOW_STATUS_CONFIRMED);
	if (flow_has(f, FLOW_TIMEOUT))
		put_u32(b, CTA_TIMEOUT, f->timeout);
	if (flow_has(f, FLOW_MARK))
		put_u32(b, CTA_MARK, f->mark);
	if (flow_has(f, FLOW_SECMARK))
		put_u32(b, CTA_SECMARK, f->secmark);
}

static void put_protoinfo(struct build *b, const struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		if (flow_has(f, FLOW_TCP_STATE) || flow_has(f, FLOW_TCP_FLAGS_ORIG) ||
			flow_has(f, FLOW_TCP_FLAGS_REPL) || flow_has(f, FLOW_TCP_MASK_ORIG) ||
			flow_has(f, FLOW_TCP_MASK_REPL) || flow_has(f, FLOW_TCP_WSCALE_ORIG) ||
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

/* What is asked of the kernel for one end; where it is given for both families, IPv4 is meant. */
struct mapping {
	enum flow_attr v4, v6, port;
	const union flow_addr *addr;
	const uint16_t *port_be;
};

static void put_mapping(
	struct build *b, uint16_t type, const struct flow *f, const struct mapping *m)
{
	uint8_t l4 = f->tuple[FLOW_ORIG].l4, *nest, *proto;
	bool has_v4 = flow_has(f, m->v4), has_v6 = flow_has(f, m->v6);

	if (!has_v4 && !has_v6 && !flow_has(f, m->port))
		return;
	nest = nest_start(b, type);
	if (has_v4 || has_v6)
		put_addr(b, has_v4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, m->addr, has_v4);
	if (flow_has(f, m->port)) {
		proto = nest_start(b, CTA_NAT_PROTO);
		if (build_has_cells(l4) || flow_l4_is_icmp(l4)) {
			put_u16_be(b, CTA_PROTONAT_PORT_MIN, *m->port_be);
			put_u16_be(b, CTA_PROTONAT_PORT_MAX, *m->port_be);
		}
		nest_end(b, proto);
	}
	nest_end(b, nest);
}

static void put_nat(struct build *b, const struct flow *f)
{
	const struct mapping src = {
		FLOW_SNAT_IPV4, FLOW_SNAT_IPV6, FLOW_SNAT_PORT, &f->snat, &f->snat_port_be};
	const struct mapping dst = {
		FLOW_DNAT_IPV4, FLOW_DNAT_IPV6, FLOW_DNAT_PORT, &f->dnat, &f->dnat_port_be};

	put_mapping(b, CTA_NAT_SRC, f, &src);
	put_mapping(b, CTA_NAT_DST, f, &dst);
}

/* A mask says which of the labels count, so one of another length means nothing. */
static void put_labels(struct build *b, const struct nlmsg_labels *labels)
{
	if (!labels || !labels->bits.data)
		return;
	put(b, CTA_LABELS, labels->bits.data, labels->bits.len);
	if (labels->mask.data && labels->mask.len == labels->bits.len)
		put(b, CTA_LABELS_MASK, labels->mask.data, labels->mask.len);
}

int nlmsg_ct_append(
	struct nlmsghdr *msg, size_t cap, const struct flow *f, const struct nlmsg_labels *labels)
{
	struct build b;

	if (!flow_has(f, FLOW_ORIG_L3PROTO) || !is_l3(f->tuple[FLOW_ORIG].l3) ||
		(has_reply(f) && !is_l3(f->tuple[FLOW_REPL].l3)))
		return -EINVAL;
	b = build_after(msg, cap);
	put_tuples(&b, f);
	put_numbers(&b, f);
	put_protoinfo(&b, f);
	put_nat(&b, f);
	put_seqadj(&b, f);
	put_help(&b, f);
	if (flow_has(f, FLOW_ZONE))
		put_u16_be(&b, CTA_ZONE, htons(f->zone));
	put_labels(&b, labels);
	put_synproxy(&b, f);
	return build_end(&b) ? 0 : -EMSGSIZE;
}
