/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/v1.h"

#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "wire/v1_read.h"

enum {
	V1_HELPER_BYTES_MAX = WIRE_V1_HELPER_NAME_MAX + 1,
	V1_LABELS_BYTES_MAX = 1024,
};

static const struct v1_size payload_sizes[V1_ATTRS] = {
	[V1_IPV4] = {8, 8},
	[V1_IPV6] = {32, 32},
	[V1_L4PROTO] = {1, 1},
	[V1_PORT] = {4, 4},
	[V1_TCP_STATE] = {1, 1},
	[V1_STATUS] = {4, 4},
	[V1_TIMEOUT] = {4, 4},
	[V1_MARK] = {4, 4},
	[V1_MASTER_IPV4] = {8, 8},
	[V1_MASTER_IPV6] = {32, 32},
	[V1_MASTER_L4PROTO] = {1, 1},
	[V1_MASTER_PORT] = {4, 4},
	[V1_SNAT_IPV4] = {4, 4},
	[V1_DNAT_IPV4] = {4, 4},
	[V1_SPAT_PORT] = {2, 2},
	[V1_DPAT_PORT] = {2, 2},
	[V1_NAT_SEQ_ADJ] = {24, 24},
	[V1_SCTP_STATE] = {1, 1},
	[V1_SCTP_VTAG_ORIG] = {4, 4},
	[V1_SCTP_VTAG_REPL] = {4, 4},
	[V1_DCCP_STATE] = {1, 1},
	[V1_DCCP_ROLE] = {1, 1},
	[V1_ICMP_TYPE] = {1, 1},
	[V1_ICMP_CODE] = {1, 1},
	[V1_ICMP_ID] = {2, 2},
	[V1_TCP_WSCALE_ORIG] = {1, 1},
	[V1_TCP_WSCALE_REPL] = {1, 1},
	[V1_HELPER_NAME] = {0, V1_HELPER_BYTES_MAX},
	[V1_LABELS] = {0, V1_LABELS_BYTES_MAX},
	[V1_SNAT_IPV6] = {16, 16},
	[V1_DNAT_IPV6] = {16, 16},
	[V1_SYNPROXY] = {12, 12},
	[V1_ZONE] = {2, 2},
};

static void mark_pair(struct flow *f, enum flow_attr a, enum flow_attr b)
{
	flow_mark_set(f, a);
	flow_mark_set(f, b);
}

static bool get_key(const struct v1_payloads *p, struct flow *f)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	bool v4 = get_addrs(p, V1_IPV4, 4, t);
	bool v6;

	if (v4 && p->at[V1_IPV6])
		return false;
	v6 = get_addrs(p, V1_IPV6, 16, t);
	if ((!v4 && !v6) || !get_u8(p, V1_L4PROTO, &t->l4))
		return false;
	t->l3 = v4 ? AF_INET : AF_INET6;
	flow_mark_set(f, FLOW_ORIG_L3PROTO);
	flow_mark_set(f, FLOW_ORIG_L4PROTO);
	if (v4)
		mark_pair(f, FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST);
	else
		mark_pair(f, FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST);
	if (v1_has_ports(t->l4) && get_ports(p, V1_PORT, t))
		mark_pair(f, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST);
	if (!flow_l4_is_icmp(t->l4))
		return true;
	if (get_u8(p, V1_ICMP_TYPE, &t->icmp_type))
		flow_mark_set(f, FLOW_ICMP_TYPE);
	if (get_u8(p, V1_ICMP_CODE, &t->icmp_code))
		flow_mark_set(f, FLOW_ICMP_CODE);
	if (get_u16_be(p, V1_ICMP_ID, &t->icmp_id_be))
		flow_mark_set(f, FLOW_ICMP_ID);
	return true;
}

static void get_tcp(const struct v1_payloads *p, struct flow *f)
{
	if (get_u8(p, V1_TCP_STATE, &f->tcp.state))
		flow_mark_set(f, FLOW_TCP_STATE);
	if (get_u8(p, V1_TCP_WSCALE_ORIG, &f->tcp.wscale[FLOW_ORIG]))
		flow_mark_set(f, FLOW_TCP_WSCALE_ORIG);
	if (get_u8(p, V1_TCP_WSCALE_REPL, &f->tcp.wscale[FLOW_REPL]))
		flow_mark_set(f, FLOW_TCP_WSCALE_REPL);
}

static void get_sctp(const struct v1_payloads *p, struct flow *f)
{
	if (get_u8(p, V1_SCTP_STATE, &f->sctp.state))
		flow_mark_set(f, FLOW_SCTP_STATE);
	if (get_u32(p, V1_SCTP_VTAG_ORIG, &f->sctp.vtag[FLOW_ORIG]))
		flow_mark_set(f, FLOW_SCTP_VTAG_ORIG);
	if (get_u32(p, V1_SCTP_VTAG_REPL, &f->sctp.vtag[FLOW_REPL]))
		flow_mark_set(f, FLOW_SCTP_VTAG_REPL);
}

static void get_dccp(const struct v1_payloads *p, struct flow *f)
{
	if (get_u8(p, V1_DCCP_STATE, &f->dccp.state))
		flow_mark_set(f, FLOW_DCCP_STATE);
	if (get_u8(p, V1_DCCP_ROLE, &f->dccp.role))
		flow_mark_set(f, FLOW_DCCP_ROLE);
}

static void get_protoinfo(const struct v1_payloads *p, struct flow *f)
{
	switch (f->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		get_tcp(p, f);
		break;
	case IPPROTO_SCTP:
		get_sctp(p, f);
		break;
	case IPPROTO_DCCP:
		get_dccp(p, f);
		break;
	}
}

/* A master without its addresses or its protocol names no flow: left out. */
static bool get_master(const struct v1_payloads *p, struct flow *f)
{
	struct flow_tuple *t = &f->master;
	bool v4 = p->at[V1_MASTER_IPV4], v6 = p->at[V1_MASTER_IPV6];

	if (v4 && v6)
		return false;
	if ((!v4 && !v6) || !get_u8(p, V1_MASTER_L4PROTO, &t->l4))
		return true;
	if (get_addrs(p, V1_MASTER_IPV4, 4, t))
		mark_pair(f, FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST);
	if (get_addrs(p, V1_MASTER_IPV6, 16, t))
		mark_pair(f, FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST);
	t->l3 = v4 ? AF_INET : AF_INET6;
	mark_pair(f, FLOW_MASTER_L3PROTO, FLOW_MASTER_L4PROTO);
	if (flow_l4_has_ports(t->l4) && get_ports(p, V1_MASTER_PORT, t))
		mark_pair(f, FLOW_MASTER_PORT_SRC, FLOW_MASTER_PORT_DST);
	return true;
}

/*
 * Addresses of the other layer 3 protocol mean nothing here. Port NAT of ICMP neither: upstream
 * sends both ports as 0 for every ICMP flow that has NAT.
 */
static void get_nat(const struct v1_payloads *p, struct flow *f)
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	if (t->l3 == AF_INET) {
		if (get_bytes(p, V1_SNAT_IPV4, f->snat.bytes, 4))
			flow_mark_set(f, FLOW_SNAT_IPV4);
		if (get_bytes(p, V1_DNAT_IPV4, f->dnat.bytes, 4))
			flow_mark_set(f, FLOW_DNAT_IPV4);
	} else {
		if (get_bytes(p, V1_SNAT_IPV6, f->snat.bytes, 16))
			flow_mark_set(f, FLOW_SNAT_IPV6);
		if (get_bytes(p, V1_DNAT_IPV6, f->dnat.bytes, 16))
			flow_mark_set(f, FLOW_DNAT_IPV6);
	}
	if (!flow_has(f, FLOW_ORIG_PORT_SRC))
		return;
	if (get_u16_be(p, V1_SPAT_PORT, &f->snat_port_be))
		flow_mark_set(f, FLOW_SNAT_PORT);
	if (get_u16_be(p, V1_DPAT_PORT, &f->dnat_port_be))
		flow_mark_set(f, FLOW_DNAT_PORT);
}

static void get_seqadj(const struct v1_payloads *p, struct flow *f)
{
	uint32_t words[6];
	size_t n = 0;

	if (!get_words(p, V1_NAT_SEQ_ADJ, words, 6))
		return;
	for (int dir = 0; dir < FLOW_DIRS; dir++) {
		f->seqadj[dir].correction_pos = words[n++];
		f->seqadj[dir].offset_before = words[n++];
		f->seqadj[dir].offset_after = words[n++];
	}
	for (int a = FLOW_ORIG_SEQADJ_CORRECTION_POS; a <= FLOW_REPL_SEQADJ_OFFSET_AFTER; a++)
		flow_mark_set(f, (enum flow_attr)a);
}

/* The NUL is not relied on; an empty name is none. */
static bool get_helper(const struct v1_payloads *p, struct flow *f)
{
	const char *name = (const char *)p->at[V1_HELPER_NAME];
	size_t len;

	if (!name)
		return true;
	len = strnlen(name, p->len[V1_HELPER_NAME]);
	if (len == 0)
		return true;
	if (!wire_v1_name_is_good(name, len, WIRE_V1_HELPER_NAME_MAX))
		return false;
	memcpy(f->helper_name, name, len);
	flow_mark_set(f, FLOW_HELPER_NAME);
	return true;
}

/*
 * Odd sizes are ignored as upstream ignores them. The kernel knows 128 labels; what a peer sends
 * beyond those cannot be given to it.
 */
static void get_labels(const struct v1_payloads *p, struct flow *f)
{
	uint32_t words[FLOW_LABELS_BYTES_MAX / 4];
	size_t len = p->len[V1_LABELS];

	if (!p->at[V1_LABELS] || len == 0 || len % 4 != 0)
		return;
	if (len > sizeof(words))
		len = sizeof(words);
	get_words(p, V1_LABELS, words, len / 4);
	memcpy(f->labels, words, len);
	f->labels_len = (uint8_t)len;
	flow_mark_set(f, FLOW_LABELS);
}

static void get_scalars(const struct v1_payloads *p, struct flow *f)
{
	uint32_t synproxy[3];

	if (get_u32(p, V1_STATUS, &f->status))
		flow_mark_set(f, FLOW_STATUS);
	if (get_u32(p, V1_TIMEOUT, &f->timeout))
		flow_mark_set(f, FLOW_TIMEOUT);
	if (get_u32(p, V1_MARK, &f->mark))
		flow_mark_set(f, FLOW_MARK);
	if (get_u16_be(p, V1_ZONE, &f->zone))
		flow_mark_set(f, FLOW_ZONE);
	if (get_words(p, V1_SYNPROXY, synproxy, 3)) {
		f->synproxy_its = synproxy[0];
		f->synproxy_isn = synproxy[1];
		f->synproxy_tsoff = synproxy[2];
		flow_mark_set(f, FLOW_SYNPROXY_ITS);
		mark_pair(f, FLOW_SYNPROXY_ISN, FLOW_SYNPROXY_TSOFF);
	}
}

enum wire_v1_result wire_v1_get_flow(const struct wire_v1_message *m, struct flow *out)
{
	struct v1_payloads p;

	CHECK(m->type <= WIRE_V1_CT_DEL);
	memset(out, 0, sizeof(*out));
	if (!find_payloads(m, &p, payload_sizes, V1_ATTRS) || !get_key(&p, out))
		return WIRE_V1_BAD_PAYLOAD;
	if (!get_master(&p, out) || !get_helper(&p, out))
		return WIRE_V1_BAD_PAYLOAD;
	get_protoinfo(&p, out);
	get_nat(&p, out);
	get_seqadj(&p, out);
	get_labels(&p, out);
	get_scalars(&p, out);
	flow_setup_reply(out);
	return WIRE_V1_OK;
}
