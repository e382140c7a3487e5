/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "flow/flow.h"
#include "tests/lib/nlmsg_random.h"

/* The bits that vary are few, so that addresses and random networks meet now and then. */
void nlmsg_random_addr(struct rng *r, uint8_t l3, union flow_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (l3 == AF_INET) {
		addr->v4_be = htonl(0x0a000000 | (uint32_t)(rng_u64(r) & 0x030103));
		return;
	}
	addr->v6_be[0] = htonl(0x20010db8 | (uint32_t)(rng_u64(r) & 1));
	addr->v6_be[1] = htonl((uint32_t)(rng_u64(r) & 0x80000001));
	addr->v6_be[2] = htonl((uint32_t)(rng_u64(r) & 0x00010000));
	addr->v6_be[3] = htonl((uint32_t)(rng_u64(r) & 0x80000003));
}

static bool coin(struct rng *r)
{
	return rng_u64(r) & 1;
}

static void put_u32(struct rng *r, struct flow *f, enum flow_attr id, uint32_t *value)
{
	*value = (uint32_t)rng_u64(r);
	flow_mark_set(f, id);
}

static void random_tuple(struct rng *r, struct flow *f, struct flow_tuple *t, uint8_t l3,
	uint8_t l4, const enum flow_attr ids[8])
{
	bool is_v4 = l3 == AF_INET;

	t->l3 = l3;
	t->l4 = l4;
	nlmsg_random_addr(r, l3, &t->src);
	nlmsg_random_addr(r, l3, &t->dst);
	flow_mark_set(f, ids[is_v4 ? 0 : 2]);
	flow_mark_set(f, ids[is_v4 ? 1 : 3]);
	flow_mark_set(f, ids[6]);
	flow_mark_set(f, ids[7]);
	if (flow_l4_has_ports(l4) || l4 == IPPROTO_GRE) {
		t->sport_be = (uint16_t)rng_u64(r);
		t->dport_be = (uint16_t)rng_u64(r);
		flow_mark_set(f, ids[4]);
		flow_mark_set(f, ids[5]);
	} else if (l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6) {
		t->icmp_id_be = (uint16_t)rng_u64(r);
		t->icmp_type = (uint8_t)rng_u64(r);
		t->icmp_code = (uint8_t)rng_u64(r);
	}
}

static void random_protoinfo(struct rng *r, struct flow *f, uint8_t l4)
{
	if (l4 == IPPROTO_TCP && coin(r)) {
		f->tcp.state = (uint8_t)rng_below(r, 10);
		flow_mark_set(f, FLOW_TCP_STATE);
		for (unsigned dir = 0; dir < FLOW_DIRS && coin(r); dir++) {
			f->tcp.wscale[dir] = (uint8_t)rng_u64(r);
			f->tcp.flags[dir] = (uint8_t)rng_u64(r);
			f->tcp.flags_mask[dir] = (uint8_t)rng_u64(r);
			flow_mark_set(f, dir ? FLOW_TCP_WSCALE_REPL : FLOW_TCP_WSCALE_ORIG);
			flow_mark_set(f, dir ? FLOW_TCP_FLAGS_REPL : FLOW_TCP_FLAGS_ORIG);
			flow_mark_set(f, dir ? FLOW_TCP_MASK_REPL : FLOW_TCP_MASK_ORIG);
		}
	} else if (l4 == IPPROTO_SCTP && coin(r)) {
		f->sctp.state = (uint8_t)rng_below(r, 10);
		flow_mark_set(f, FLOW_SCTP_STATE);
		put_u32(r, f, FLOW_SCTP_VTAG_ORIG, &f->sctp.vtag[FLOW_ORIG]);
		put_u32(r, f, FLOW_SCTP_VTAG_REPL, &f->sctp.vtag[FLOW_REPL]);
	} else if (l4 == IPPROTO_DCCP && coin(r)) {
		f->dccp.state = (uint8_t)rng_below(r, 10);
		f->dccp.role = coin(r);
		f->dccp.handshake_seq = rng_u64(r);
		flow_mark_set(f, FLOW_DCCP_STATE);
		flow_mark_set(f, FLOW_DCCP_ROLE);
		flow_mark_set(f, FLOW_DCCP_HANDSHAKE_SEQ);
	}
}

static void random_zones(struct rng *r, struct flow *f)
{
	if (coin(r)) {
		f->zone = (uint16_t)rng_u64(r);
		flow_mark_set(f, FLOW_ZONE);
	} else if (coin(r)) {
		f->tuple[FLOW_ORIG].zone = (uint16_t)rng_u64(r);
		flow_mark_set(f, FLOW_ORIG_ZONE);
	} else if (coin(r)) {
		f->tuple[FLOW_REPL].zone = (uint16_t)rng_u64(r);
		flow_mark_set(f, FLOW_REPL_ZONE);
	}
}

static void random_extensions(struct rng *r, struct flow *f)
{
	static const char info[] = "what a helper keeps";

	for (unsigned dir = 0; dir < FLOW_DIRS; dir++) {
		if (coin(r))
			continue;
		put_u32(r, f,
			dir ? FLOW_REPL_SEQADJ_CORRECTION_POS : FLOW_ORIG_SEQADJ_CORRECTION_POS,
			&f->seqadj[dir].correction_pos);
		put_u32(r, f, dir ? FLOW_REPL_SEQADJ_OFFSET_BEFORE : FLOW_ORIG_SEQADJ_OFFSET_BEFORE,
			&f->seqadj[dir].offset_before);
		put_u32(r, f, dir ? FLOW_REPL_SEQADJ_OFFSET_AFTER : FLOW_ORIG_SEQADJ_OFFSET_AFTER,
			&f->seqadj[dir].offset_after);
	}
	if (coin(r)) {
		put_u32(r, f, FLOW_SYNPROXY_ISN, &f->synproxy_isn);
		put_u32(r, f, FLOW_SYNPROXY_ITS, &f->synproxy_its);
		put_u32(r, f, FLOW_SYNPROXY_TSOFF, &f->synproxy_tsoff);
	}
	if (coin(r)) {
		f->labels_len = (uint8_t)(4 * (1 + rng_below(r, 4)));
		for (unsigned i = 0; i < f->labels_len; i++)
			f->labels[i] = (uint8_t)rng_u64(r);
		flow_mark_set(f, FLOW_LABELS);
	}
	if (coin(r)) {
		unsigned len = rng_below(r, FLOW_HELPER_NAME_MAX);

		memset(f->helper_name, 'h', len);
		flow_mark_set(f, FLOW_HELPER_NAME);
		if (coin(r)) {
			f->helper_info = (struct flow_span){info, 1 + rng_below(r, sizeof(info))};
			flow_mark_set(f, FLOW_HELPER_INFO);
		}
	}
}

void nlmsg_random_flow(struct rng *r, struct flow *f)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE,
		IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ICMP, 103};
	static const enum flow_attr orig[] = {FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST,
		FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST,
		FLOW_ORIG_L3PROTO, FLOW_ORIG_L4PROTO};
	static const enum flow_attr reply[] = {FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST,
		FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST, FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST,
		FLOW_REPL_L3PROTO, FLOW_REPL_L4PROTO};
	static const enum flow_attr master[] = {FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST,
		FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST, FLOW_MASTER_PORT_SRC,
		FLOW_MASTER_PORT_DST, FLOW_MASTER_L3PROTO, FLOW_MASTER_L4PROTO};
	uint8_t l3 = coin(r) ? AF_INET : AF_INET6;
	uint8_t l4 = protocols[rng_below(r, ARRAY_SIZE(protocols))];

	memset(f, 0, sizeof(*f));
	if (l4 == IPPROTO_ICMP && l3 == AF_INET6)
		l4 = IPPROTO_ICMPV6;
	random_tuple(r, f, &f->tuple[FLOW_ORIG], l3, l4, orig);
	random_tuple(r, f, &f->tuple[FLOW_REPL], l3, l4, reply);
	if (flow_l4_is_icmp(l4)) {
		flow_mark_set(f, FLOW_ICMP_ID);
		flow_mark_set(f, FLOW_ICMP_TYPE);
		flow_mark_set(f, FLOW_ICMP_CODE);
	}
	if (coin(r))
		random_tuple(r, f, &f->master, l3, l4, master);
	put_u32(r, f, FLOW_STATUS, &f->status);
	put_u32(r, f, FLOW_TIMEOUT, &f->timeout);
	if (coin(r))
		put_u32(r, f, FLOW_MARK, &f->mark);
	if (coin(r))
		put_u32(r, f, FLOW_ID, &f->id);
	random_zones(r, f);
	random_protoinfo(r, f, l4);
	random_extensions(r, f);
}

/* All of a head is marked, or none. */
static void random_head(struct rng *r, uint8_t l3, struct flow_head *h)
{
	struct flow f;

	do
		nlmsg_random_flow(r, &f);
	while (f.tuple[FLOW_ORIG].l3 != l3);
	flow_mark_unset(&f, FLOW_ORIG_ZONE);
	f.tuple[FLOW_ORIG].zone = 0;
	flow_head_of(h, &f);
}

static void random_text(struct rng *r, char *text, size_t max)
{
	unsigned len = rng_below(r, (uint32_t)max);

	memset(text, 'a' + (char)rng_below(r, 26), len);
}

void nlmsg_random_expect(struct rng *r, struct expect *e)
{
	uint8_t l3 = coin(r) ? AF_INET : AF_INET6;

	memset(e, 0, sizeof(*e));
	for (unsigned id = 0; id < EXPECT_ATTR_COUNT; id++)
		if (id != EXPECT_NAT_DIR && coin(r))
			expect_mark_set(e, id);
	if (expect_has(e, EXPECT_MASTER))
		random_head(r, l3, &e->master);
	if (expect_has(e, EXPECT_EXPECTED))
		random_head(r, l3, &e->expected);
	if (expect_has(e, EXPECT_MASK))
		random_head(r, l3, &e->mask);
	if (expect_has(e, EXPECT_TIMEOUT))
		e->timeout = (uint32_t)rng_u64(r);
	if (expect_has(e, EXPECT_ZONE))
		e->zone = (uint16_t)rng_u64(r);
	if (expect_has(e, EXPECT_FLAGS))
		e->flags = (uint32_t)rng_u64(r);
	if (expect_has(e, EXPECT_CLASS))
		e->class = (uint32_t)rng_u64(r);
	if (expect_has(e, EXPECT_HELPER_NAME))
		random_text(r, e->helper_name, sizeof(e->helper_name));
	if (expect_has(e, EXPECT_FN))
		random_text(r, e->fn, sizeof(e->fn));
	if (expect_has(e, EXPECT_NAT_TUPLE)) { /* they go together */
		random_head(r, l3, &e->nat);
		e->nat_dir = (uint32_t)rng_u64(r);
		expect_mark_set(e, EXPECT_NAT_DIR);
	}
}
