/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include <sys/socket.h>

#include "flow/status.h"
#include "tests/sim/traffic.h"

enum { L4_COUNT = 16 };

/* By slot, so that every run has some of each; TCP and UDP are what most traffic is. */
static const uint8_t l4_of_slot[L4_COUNT] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_TCP,
	IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_DCCP,
	IPPROTO_GRE, IPPROTO_TCP, IPPROTO_UDPLITE, IPPROTO_TCP, IPPROTO_ESP, IPPROTO_UDP};

static const char *const helpers[] = {"ftp", "sip", "tftp", "pptp", "eleven-char", "twelve-chars"};

static void set_v4(union flow_addr *a, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
	memset(a, 0, sizeof(*a));
	a->bytes[0] = b0;
	a->bytes[1] = b1;
	a->bytes[2] = b2;
	a->bytes[3] = b3;
}

static void set_v6(union flow_addr *a, uint8_t net, unsigned slot)
{
	memset(a, 0, sizeof(*a));
	a->bytes[0] = 0x20;
	a->bytes[1] = 0x01;
	a->bytes[2] = 0x0d;
	a->bytes[3] = 0xb8;
	a->bytes[5] = net;
	a->bytes[14] = (uint8_t)(slot >> 8);
	a->bytes[15] = (uint8_t)slot;
}

static bool slot_is_v6(unsigned slot)
{
	return slot / L4_COUNT % 3 == 2;
}

static void key_l4(unsigned slot, struct flow *f)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	t->l4 = l4_of_slot[slot % L4_COUNT];
	if (slot < TRAFFIC_WHOLE_SLOTS && (t->l4 == IPPROTO_GRE || t->l4 == IPPROTO_UDPLITE))
		t->l4 = IPPROTO_TCP;
	if (t->l4 == IPPROTO_ICMP && t->l3 == AF_INET6)
		t->l4 = IPPROTO_ICMPV6;
	flow_mark_set(f, FLOW_ORIG_L4PROTO);
	if (flow_l4_is_icmp(t->l4)) {
		t->icmp_type = t->l4 == IPPROTO_ICMP ? 8 : 128;
		t->icmp_code = 0;
		t->icmp_id_be = htons((uint16_t)(slot + 1));
		flow_mark_set(f, FLOW_ICMP_TYPE);
		flow_mark_set(f, FLOW_ICMP_CODE);
		flow_mark_set(f, FLOW_ICMP_ID);
	} else if (flow_l4_has_ports(t->l4) || t->l4 == IPPROTO_GRE) {
		t->sport_be = htons((uint16_t)(1024 + slot));
		t->dport_be = htons(80);
		flow_mark_set(f, FLOW_ORIG_PORT_SRC);
		flow_mark_set(f, FLOW_ORIG_PORT_DST);
	}
}

void traffic_key(unsigned slot, struct flow *f)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	memset(f, 0, sizeof(*f));
	if (slot_is_v6(slot)) {
		t->l3 = AF_INET6;
		set_v6(&t->src, 1, slot);
		set_v6(&t->dst, 2, slot % 5);
		flow_mark_set(f, FLOW_ORIG_IPV6_SRC);
		flow_mark_set(f, FLOW_ORIG_IPV6_DST);
	} else {
		t->l3 = AF_INET;
		set_v4(&t->src, 10, (uint8_t)(slot >> 8), (uint8_t)slot, 1);
		set_v4(&t->dst, 192, 0, 2, (uint8_t)(slot % 5));
		flow_mark_set(f, FLOW_ORIG_IPV4_SRC);
		flow_mark_set(f, FLOW_ORIG_IPV4_DST);
	}
	flow_mark_set(f, FLOW_ORIG_L3PROTO);
	key_l4(slot, f);
	if (slot % 9 == 4) {
		f->zone = 7;
		flow_mark_set(f, FLOW_ZONE);
	}
}

int traffic_slot(const struct flow *f)
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	const uint8_t *b = t->src.bytes;
	unsigned slot;
	struct flow key;

	if (!flow_has_addrs(f, FLOW_ORIG))
		return -1;
	slot = t->l3 == AF_INET6 ? (unsigned)b[14] << 8 | b[15] : (unsigned)b[1] << 8 | b[2];
	if (slot >= TRAFFIC_SLOTS_MAX)
		return -1;
	traffic_key(slot, &key);
	if (t->l3 != key.tuple[FLOW_ORIG].l3 || t->l4 != key.tuple[FLOW_ORIG].l4 ||
		memcmp(&t->src, &key.tuple[FLOW_ORIG].src, t->l3 == AF_INET ? 4 : 16) != 0 ||
		memcmp(&t->dst, &key.tuple[FLOW_ORIG].dst, t->l3 == AF_INET ? 4 : 16) != 0)
		return -1;
	return (int)slot;
}

/* Done by hand, not by flow_setup_reply(): the kernel's side is not to share our code's errors. */
static void reply_make(struct rng *r, struct flow *f)
{
	const struct flow_tuple *o = &f->tuple[FLOW_ORIG];
	struct flow_tuple *t = &f->tuple[FLOW_REPL];
	bool v6 = o->l3 == AF_INET6;

	*t = *o;
	t->src = o->dst;
	t->dst = o->src;
	flow_mark_set(f, v6 ? FLOW_REPL_IPV6_SRC : FLOW_REPL_IPV4_SRC);
	flow_mark_set(f, v6 ? FLOW_REPL_IPV6_DST : FLOW_REPL_IPV4_DST);
	flow_mark_set(f, FLOW_REPL_L3PROTO);
	flow_mark_set(f, FLOW_REPL_L4PROTO);
	if (flow_l4_is_icmp(o->l4)) {
		t->icmp_type = o->l4 == IPPROTO_ICMP ? 0 : 129;
	} else if (flow_has(f, FLOW_ORIG_PORT_SRC)) {
		t->sport_be = o->dport_be;
		t->dport_be = o->sport_be;
		flow_mark_set(f, FLOW_REPL_PORT_SRC);
		flow_mark_set(f, FLOW_REPL_PORT_DST);
	}
	if (dice_permille(r, 200)) { /* source NAT, often with another port */
		if (v6)
			set_v6(&t->dst, 9, (unsigned)dice_range(r, 1, 99));
		else
			set_v4(&t->dst, 198, 51, 100, (uint8_t)dice_range(r, 1, 99));
		f->status |= FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE;
		if (flow_l4_has_ports(o->l4) && dice_permille(r, 500))
			t->dport_be = htons((uint16_t)dice_range(r, 40000, 60000));
	}
	if (dice_permille(r, 150)) { /* destination NAT */
		if (v6)
			set_v6(&t->src, 8, (unsigned)dice_range(r, 1, 99));
		else
			set_v4(&t->src, 172, 16, 0, (uint8_t)dice_range(r, 1, 99));
		f->status |= FLOW_STATUS_DST_NAT | FLOW_STATUS_DST_NAT_DONE;
		if (flow_l4_has_ports(o->l4) && dice_permille(r, 500))
			t->sport_be = htons(8080);
	}
}

static void master_make(struct rng *r, struct flow *f)
{
	struct flow m;

	traffic_key((unsigned)rng_below(r, 32) * L4_COUNT % 512, &m); /* TCP slots */
	f->master = m.tuple[FLOW_ORIG];
	if (m.tuple[FLOW_ORIG].l3 == AF_INET6) {
		flow_mark_set(f, FLOW_MASTER_IPV6_SRC);
		flow_mark_set(f, FLOW_MASTER_IPV6_DST);
	} else {
		flow_mark_set(f, FLOW_MASTER_IPV4_SRC);
		flow_mark_set(f, FLOW_MASTER_IPV4_DST);
	}
	flow_mark_set(f, FLOW_MASTER_L3PROTO);
	flow_mark_set(f, FLOW_MASTER_L4PROTO);
	flow_mark_set(f, FLOW_MASTER_PORT_SRC);
	flow_mark_set(f, FLOW_MASTER_PORT_DST);
}

static void labels_make(struct rng *r, struct flow *f)
{
	uint32_t word = 1u << rng_below(r, 32);

	f->labels_len = FLOW_LABELS_BYTES_MAX;
	memset(f->labels, 0, sizeof(f->labels));
	memcpy(f->labels + 4 * rng_below(r, 4), &word, sizeof(word));
	flow_mark_set(f, FLOW_LABELS);
}

static void seqadj_make(struct rng *r, struct flow *f)
{
	for (int dir = 0; dir < FLOW_DIRS; dir++) {
		f->seqadj[dir].correction_pos = (uint32_t)rng_u64(r);
		f->seqadj[dir].offset_before = (uint32_t)rng_below(r, 99);
		f->seqadj[dir].offset_after = (uint32_t)rng_below(r, 99);
	}
	for (int a = FLOW_ORIG_SEQADJ_CORRECTION_POS; a <= FLOW_REPL_SEQADJ_OFFSET_AFTER; a++)
		flow_mark_set(f, (enum flow_attr)a);
	f->status |= FLOW_STATUS_SEQ_ADJUST;
}

static void birth_l4(struct rng *r, struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		f->tcp.state = FLOW_TCP_SYN_SENT;
		f->tcp.wscale[0] = (uint8_t)rng_below(r, 15);
		f->tcp.wscale[1] = (uint8_t)rng_below(r, 15);
		for (int dir = 0; dir < FLOW_DIRS; dir++)
			f->tcp.flags[dir] = FLOW_TCP_FLAG_WINDOW_SCALE | FLOW_TCP_FLAG_SACK_PERM;
		flow_mark_set(f, FLOW_TCP_STATE);
		flow_mark_set(f, FLOW_TCP_WSCALE_ORIG);
		flow_mark_set(f, FLOW_TCP_WSCALE_REPL);
		flow_mark_set(f, FLOW_TCP_FLAGS_ORIG);
		flow_mark_set(f, FLOW_TCP_FLAGS_REPL);
		break;
	case IPPROTO_SCTP:
		f->sctp.state = 1;
		f->sctp.vtag[0] = (uint32_t)rng_u64(r);
		f->sctp.vtag[1] = (uint32_t)rng_u64(r);
		flow_mark_set(f, FLOW_SCTP_STATE);
		flow_mark_set(f, FLOW_SCTP_VTAG_ORIG);
		flow_mark_set(f, FLOW_SCTP_VTAG_REPL);
		break;
	case IPPROTO_DCCP:
		f->dccp.state = 1;
		f->dccp.role = (uint8_t)rng_below(r, 2);
		f->dccp.handshake_seq = rng_u64(r) >> 16;
		flow_mark_set(f, FLOW_DCCP_STATE);
		flow_mark_set(f, FLOW_DCCP_ROLE);
		flow_mark_set(f, FLOW_DCCP_HANDSHAKE_SEQ);
		break;
	default:
		break;
	}
}

static void set_common(struct rng *r, uint32_t version, struct flow *f)
{
	f->mark = version;
	f->timeout = (uint32_t)dice_range(r, TRAFFIC_TIMEOUT_MIN_S, TRAFFIC_TIMEOUT_MAX_S);
	flow_mark_set(f, FLOW_MARK);
	flow_mark_set(f, FLOW_TIMEOUT);
	flow_mark_set(f, FLOW_STATUS);
}

void traffic_birth(struct rng *r, unsigned slot, uint32_t version, struct flow *f)
{
	size_t h;

	traffic_key(slot, f);
	f->status = FLOW_STATUS_CONFIRMED;
	reply_make(r, f);
	birth_l4(r, f);
	if (dice_permille(r, 100)) {
		h = rng_below(r, sizeof(helpers) / sizeof(helpers[0]));
		memcpy(f->helper_name, helpers[h], strlen(helpers[h]));
		flow_mark_set(f, FLOW_HELPER_NAME);
		f->status |= FLOW_STATUS_HELPER;
	} else if (dice_permille(r, 80)) {
		master_make(r, f);
		f->status |= FLOW_STATUS_EXPECTED;
	}
	if (dice_permille(r, 100))
		labels_make(r, f);
	if (f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP && dice_permille(r, 50)) {
		f->synproxy_isn = (uint32_t)rng_u64(r);
		f->synproxy_its = (uint32_t)rng_u64(r);
		f->synproxy_tsoff = (uint32_t)rng_u64(r);
		flow_mark_set(f, FLOW_SYNPROXY_ISN);
		flow_mark_set(f, FLOW_SYNPROXY_ITS);
		flow_mark_set(f, FLOW_SYNPROXY_TSOFF);
	}
	set_common(r, version, f);
}

void traffic_step(struct rng *r, uint32_t version, struct flow *f)
{
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	if (l4 == IPPROTO_TCP && f->tcp.state < FLOW_TCP_ESTABLISHED)
		f->tcp.state++;
	else if (l4 == IPPROTO_TCP && f->tcp.state < FLOW_TCP_TIME_WAIT && dice_permille(r, 200))
		f->tcp.state++;
	if (l4 == IPPROTO_SCTP && f->sctp.state < 4)
		f->sctp.state++;
	if (l4 == IPPROTO_DCCP && f->dccp.state < 4)
		f->dccp.state++;
	f->status |= FLOW_STATUS_SEEN_REPLY;
	if (dice_permille(r, 500))
		f->status |= FLOW_STATUS_ASSURED;
	if (dice_permille(r, 100))
		f->status ^= FLOW_STATUS_OFFLOAD;
	if (dice_permille(r, 100))
		labels_make(r, f);
	if (l4 == IPPROTO_TCP && dice_permille(r, 50))
		seqadj_make(r, f);
	set_common(r, version, f);
}
