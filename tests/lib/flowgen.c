/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"

static uint16_t any_u16(struct rng *r)
{
	return (uint16_t)rng_u32(r);
}

/* Few networks and small host parts, so that addresses and networks meet each other. */
static void any_addr(struct rng *r, uint8_t l3, union flow_addr *out)
{
	static const uint32_t nets[] = {0x0a000000, 0xc0a80100, 0xcb007100, 0xc6336400};

	memset(out, 0, sizeof(*out));
	if (l3 == AF_INET) {
		out->v4_be = htonl(nets[rng_below(r, ARRAY_SIZE(nets))] | rng_below(r, 256));
		if (rng_chance(r, 1, 4))
			out->v4_be = rng_u32(r);
		return;
	}
	out->v6_be[0] = htonl(0x20010db8);
	out->v6_be[1] = htonl(rng_below(r, 4));
	out->v6_be[3] = htonl(rng_below(r, 256));
	if (rng_chance(r, 1, 4))
		for (int i = 0; i < 4; i++)
			out->v6_be[i] = rng_u32(r);
}

static uint8_t any_l4(struct rng *r, uint8_t l3)
{
	static const uint8_t l4s[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ESP,
		IPPROTO_ICMP};
	uint8_t l4 = l4s[rng_below(r, ARRAY_SIZE(l4s))];

	if (rng_chance(r, 1, 30))
		l4 = (uint8_t)(140 + rng_below(r, 100));
	return l4 == IPPROTO_ICMP && l3 == AF_INET6 ? IPPROTO_ICMPV6 : l4;
}

static void set_cells(struct rng *r, struct flow *f)
{
	static const uint8_t types[2][4] = {{8, 13, 15, 17}, {128, 129, 139, 128}};
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	if (flow_l4_is_icmp(t->l4)) {
		t->icmp_id_be = any_u16(r);
		t->icmp_type = types[t->l3 == AF_INET6][rng_below(r, 4)];
		t->icmp_code = 0;
		flow_mark_set(f, FLOW_ICMP_TYPE);
		flow_mark_set(f, FLOW_ICMP_CODE);
		flow_mark_set(f, FLOW_ICMP_ID);
	} else if (flow_l4_has_key(t->l4)) {
		t->sport_be = htons((uint16_t)(1024 + rng_below(r, 60000)));
		t->dport_be = htons((uint16_t)(1 + rng_below(r, 1023)));
		flow_mark_set(f, FLOW_ORIG_PORT_SRC);
		flow_mark_set(f, FLOW_ORIG_PORT_DST);
	}
}

static void mark_addrs(struct flow *f)
{
	bool v6 = f->tuple[FLOW_ORIG].l3 == AF_INET6;

	flow_mark_set(f, FLOW_ORIG_L3PROTO);
	flow_mark_set(f, FLOW_ORIG_L4PROTO);
	flow_mark_set(f, v6 ? FLOW_ORIG_IPV6_SRC : FLOW_ORIG_IPV4_SRC);
	flow_mark_set(f, v6 ? FLOW_ORIG_IPV6_DST : FLOW_ORIG_IPV4_DST);
}

void flowgen_tuples(struct rng *r, struct flow *f, uint8_t l3, uint8_t l4)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	memset(f, 0, sizeof(*f));
	t->l3 = l3;
	t->l4 = l4 ? l4 : any_l4(r, l3);
	any_addr(r, l3, &t->src);
	any_addr(r, l3, &t->dst);
	mark_addrs(f);
	set_cells(r, f);
	flow_setup_reply(f);
}

static void add_zones(struct rng *r, struct flow *f)
{
	uint16_t zone = (uint16_t)(1 + rng_below(r, 3));

	if (!rng_chance(r, 1, 4))
		return;
	switch (rng_below(r, 3)) {
	case 0:
		f->zone = zone;
		flow_mark_set(f, FLOW_ZONE);
		return;
	case 1:
		f->tuple[FLOW_ORIG].zone = zone;
		flow_mark_set(f, FLOW_ORIG_ZONE);
		return;
	case 2:
		f->tuple[FLOW_REPL].zone = zone;
		flow_mark_set(f, FLOW_REPL_ZONE);
		return;
	}
}

/* NAT as the kernel reports it: in the reply tuple and the status. */
static void add_nat(struct rng *r, struct flow *f)
{
	struct flow_tuple *repl = &f->tuple[FLOW_REPL];
	bool ports = flow_l4_has_ports(repl->l4);

	if (rng_chance(r, 1, 3)) {
		f->status |= FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE;
		any_addr(r, repl->l3, &repl->dst);
		if (ports && rng_chance(r, 1, 2))
			repl->dport_be = any_u16(r);
	}
	if (rng_chance(r, 1, 5)) {
		f->status |= FLOW_STATUS_DST_NAT | FLOW_STATUS_DST_NAT_DONE;
		any_addr(r, repl->l3, &repl->src);
		if (ports && rng_chance(r, 1, 2))
			repl->sport_be = any_u16(r);
	}
}

static void set_protocol_state(struct rng *r, struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		f->tcp.state = (uint8_t)(1 + rng_below(r, FLOW_TCP_STATES - 1));
		f->tcp.wscale[FLOW_ORIG] = (uint8_t)rng_below(r, 15);
		f->tcp.wscale[FLOW_REPL] = (uint8_t)rng_below(r, 15);
		f->tcp.flags[FLOW_ORIG] = (uint8_t)rng_below(r, 16);
		f->tcp.flags[FLOW_REPL] = (uint8_t)rng_below(r, 16);
		flow_mark_set(f, FLOW_TCP_STATE);
		flow_mark_set(f, FLOW_TCP_WSCALE_ORIG);
		flow_mark_set(f, FLOW_TCP_WSCALE_REPL);
		flow_mark_set(f, FLOW_TCP_FLAGS_ORIG);
		flow_mark_set(f, FLOW_TCP_FLAGS_REPL);
		flow_mark_set(f, FLOW_TCP_MASK_ORIG);
		flow_mark_set(f, FLOW_TCP_MASK_REPL);
		return;
	case IPPROTO_SCTP:
		f->sctp.state = (uint8_t)(1 + rng_below(r, 9));
		f->sctp.vtag[FLOW_ORIG] = rng_u32(r);
		f->sctp.vtag[FLOW_REPL] = rng_u32(r);
		flow_mark_set(f, FLOW_SCTP_STATE);
		flow_mark_set(f, FLOW_SCTP_VTAG_ORIG);
		flow_mark_set(f, FLOW_SCTP_VTAG_REPL);
		return;
	case IPPROTO_DCCP:
		f->dccp.state = (uint8_t)(1 + rng_below(r, 7));
		f->dccp.role = (uint8_t)rng_below(r, 2);
		f->dccp.handshake_seq = rng_u64(r) >> 16;
		flow_mark_set(f, FLOW_DCCP_STATE);
		flow_mark_set(f, FLOW_DCCP_ROLE);
		flow_mark_set(f, FLOW_DCCP_HANDSHAKE_SEQ);
		return;
	}
}

static void add_master(struct rng *r, struct flow *f)
{
	bool v6 = f->tuple[FLOW_ORIG].l3 == AF_INET6;

	if (!rng_chance(r, 1, 8))
		return;
	f->status |= FLOW_STATUS_EXPECTED;
	f->master.l3 = f->tuple[FLOW_ORIG].l3;
	f->master.l4 = IPPROTO_TCP;
	any_addr(r, f->master.l3, &f->master.src);
	any_addr(r, f->master.l3, &f->master.dst);
	f->master.sport_be = any_u16(r);
	f->master.dport_be = htons(21);
	flow_mark_set(f, v6 ? FLOW_MASTER_IPV6_SRC : FLOW_MASTER_IPV4_SRC);
	flow_mark_set(f, v6 ? FLOW_MASTER_IPV6_DST : FLOW_MASTER_IPV4_DST);
	flow_mark_set(f, FLOW_MASTER_L3PROTO);
	flow_mark_set(f, FLOW_MASTER_L4PROTO);
	flow_mark_set(f, FLOW_MASTER_PORT_SRC);
	flow_mark_set(f, FLOW_MASTER_PORT_DST);
}

static void add_seqadj(struct rng *r, struct flow *f)
{
	if (f->tuple[FLOW_ORIG].l4 != IPPROTO_TCP || !rng_chance(r, 1, 8))
		return;
	f->status |= FLOW_STATUS_SEQ_ADJUST;
	for (int dir = 0; dir < FLOW_DIRS; dir++)
		f->seqadj[dir] = (struct flow_seqadj){rng_u32(r), rng_below(r, 9), rng_below(r, 9)};
	for (unsigned a = FLOW_ORIG_SEQADJ_CORRECTION_POS; a <= FLOW_REPL_SEQADJ_OFFSET_AFTER; a++)
		flow_mark_set(f, a);
}

static void add_rest(struct rng *r, struct flow *f)
{
	static const char *const helpers[] = {"ftp", "sip", "Q.931", "netbios-ns"};

	if (rng_chance(r, 1, 6)) {
		f->status |= FLOW_STATUS_HELPER;
		snprintf(f->helper_name, sizeof(f->helper_name), "%s",
			helpers[rng_below(r, ARRAY_SIZE(helpers))]);
		flow_mark_set(f, FLOW_HELPER_NAME);
	}
	if (rng_chance(r, 1, 2)) {
		f->mark = rng_chance(r, 1, 2) ? rng_u32(r) : 0;
		flow_mark_set(f, FLOW_MARK);
	}
	if (rng_chance(r, 1, 8)) {
		f->secmark = rng_u32(r);
		flow_mark_set(f, FLOW_SECMARK);
	}
	if (rng_chance(r, 1, 5)) {
		f->labels_len = FLOW_LABELS_BYTES_MAX;
		for (int i = 0; i < 3; i++)
			f->labels[rng_below(r, FLOW_LABELS_BYTES_MAX)] |= 1 << rng_below(r, 8);
		flow_mark_set(f, FLOW_LABELS);
	}
	if (f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP && rng_chance(r, 1, 6)) {
		if (rng_chance(r, 1, 2)) {
			f->synproxy_isn = rng_u32(r);
			f->synproxy_its = rng_u32(r);
			f->synproxy_tsoff = rng_u32(r);
		}
		flow_mark_set(f, FLOW_SYNPROXY_ISN);
		flow_mark_set(f, FLOW_SYNPROXY_ITS);
		flow_mark_set(f, FLOW_SYNPROXY_TSOFF);
	}
}

static void add_accounting(struct rng *r, struct flow *f)
{
	if (rng_chance(r, 1, 3)) {
		for (int dir = 0; dir < FLOW_DIRS; dir++)
			f->counters[dir] = (struct flow_counters){rng_u32(r), rng_u64(r) >> 20};
		for (unsigned a = FLOW_ORIG_COUNTER_PACKETS; a <= FLOW_REPL_COUNTER_BYTES; a++)
			flow_mark_set(f, a);
	}
	if (rng_chance(r, 1, 3)) {
		f->timestamp_start = UINT64_C(1700000000000000000) + (rng_u64(r) >> 20);
		flow_mark_set(f, FLOW_TIMESTAMP_START);
	}
	if (rng_chance(r, 1, 2)) {
		f->use = 1 + rng_below(r, 3);
		flow_mark_set(f, FLOW_USE);
	}
}

void flowgen_random(struct rng *r, struct flow *f)
{
	flowgen_tuples(r, f, rng_chance(r, 1, 3) ? AF_INET6 : AF_INET, 0);
	add_zones(r, f);
	f->status = FLOW_STATUS_CONFIRMED;
	if (rng_chance(r, 4, 5))
		f->status |= FLOW_STATUS_SEEN_REPLY;
	if ((f->status & FLOW_STATUS_SEEN_REPLY) && rng_chance(r, 4, 5))
		f->status |= FLOW_STATUS_ASSURED;
	flow_mark_set(f, FLOW_STATUS);
	f->timeout = rng_below(r, 432000);
	flow_mark_set(f, FLOW_TIMEOUT);
	f->id = rng_u32(r);
	flow_mark_set(f, FLOW_ID);
	add_nat(r, f);
	set_protocol_state(r, f);
	add_master(r, f);
	add_seqadj(r, f);
	add_rest(r, f);
	add_accounting(r, f);
}

void flowgen_advance(struct rng *r, struct flow *f)
{
	set_protocol_state(r, f);
	f->status |= FLOW_STATUS_SEEN_REPLY;
	if (rng_chance(r, 1, 2))
		f->status |= FLOW_STATUS_ASSURED;
	flow_mark_set(f, FLOW_STATUS);
	f->timeout = rng_below(r, 432000);
	flow_mark_set(f, FLOW_TIMEOUT);
	if (rng_chance(r, 1, 4)) {
		f->mark = rng_u32(r);
		flow_mark_set(f, FLOW_MARK);
	}
}

static void settle_tcp4(struct flow *f, uint8_t state)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	t->l3 = AF_INET;
	t->l4 = IPPROTO_TCP;
	mark_addrs(f);
	flow_mark_set(f, FLOW_ORIG_PORT_SRC);
	flow_mark_set(f, FLOW_ORIG_PORT_DST);
	flow_setup_reply(f);
	f->status = FLOW_STATUS_CONFIRMED;
	if (!flow_tcp_is_half_open(state))
		f->status |= FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED;
	f->timeout = state == FLOW_TCP_ESTABLISHED ? 432000 : 120;
	f->tcp.state = state;
	flow_mark_set(f, FLOW_STATUS);
	flow_mark_set(f, FLOW_TIMEOUT);
	flow_mark_set(f, FLOW_TCP_STATE);
}

void flowgen_numbered(uint32_t n, struct flow *f)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	memset(f, 0, sizeof(*f));
	t->src.v4_be = htonl(0x0a000000 + n / 50000);
	t->dst.v4_be = htonl(0xc0a80001);
	t->sport_be = htons((uint16_t)(1024 + n % 50000));
	t->dport_be = htons(443);
	settle_tcp4(f, FLOW_TCP_ESTABLISHED);
	f->id = n + 1;
	flow_mark_set(f, FLOW_ID);
}

void flowgen_tcp4(struct flow *f, const char *src, uint16_t sport, const char *dst, uint16_t dport,
	uint8_t state)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	memset(f, 0, sizeof(*f));
	CHECK(inet_pton(AF_INET, src, &t->src) == 1);
	CHECK(inet_pton(AF_INET, dst, &t->dst) == 1);
	t->sport_be = htons(sport);
	t->dport_be = htons(dport);
	settle_tcp4(f, state);
}
