/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/v1.h"

#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "wire/v1_write.h"

static void put_tcp(struct wbuf *w, const struct flow *f, const struct wire_v1_options *opt)
{
	if (!flow_has(f, FLOW_TCP_STATE))
		return;
	put_u8(w, V1_TCP_STATE, f->tcp.state);
	if (!opt->tcp_window_tracking)
		return;
	put_u8(w, V1_TCP_WSCALE_ORIG,
		flow_has(f, FLOW_TCP_WSCALE_ORIG) ? f->tcp.wscale[FLOW_ORIG] : 0);
	put_u8(w, V1_TCP_WSCALE_REPL,
		flow_has(f, FLOW_TCP_WSCALE_REPL) ? f->tcp.wscale[FLOW_REPL] : 0);
}

static void put_sctp(struct wbuf *w, const struct flow *f)
{
	if (!flow_has(f, FLOW_SCTP_STATE))
		return;
	put_u8(w, V1_SCTP_STATE, f->sctp.state);
	put_u32(w, V1_SCTP_VTAG_ORIG,
		flow_has(f, FLOW_SCTP_VTAG_ORIG) ? f->sctp.vtag[FLOW_ORIG] : 0);
	put_u32(w, V1_SCTP_VTAG_REPL,
		flow_has(f, FLOW_SCTP_VTAG_REPL) ? f->sctp.vtag[FLOW_REPL] : 0);
}

static void put_dccp(struct wbuf *w, const struct flow *f)
{
	if (!flow_has(f, FLOW_DCCP_STATE))
		return;
	put_u8(w, V1_DCCP_STATE, f->dccp.state);
	put_u8(w, V1_DCCP_ROLE, flow_has(f, FLOW_DCCP_ROLE) ? f->dccp.role : 0);
}

/*
 * The id goes out as a host order number is sent although it is held in network order: on the
 * little-endian hosts that all known peers are, its bytes are reversed. NAT ports alike.
 */
static void put_icmp(struct wbuf *w, const struct flow_tuple *t)
{
	put_u8(w, V1_ICMP_TYPE, t->icmp_type);
	put_u8(w, V1_ICMP_CODE, t->icmp_code);
	put_u16_be(w, V1_ICMP_ID, t->icmp_id_be);
}

/*
 * Upstream sends none of UDPLITE and GRE, and takes them: it looks for ports of no protocol in
 * particular, and knows both to be part of these tuples.
 */
static bool sends_ports(const struct flow *f)
{
	return v1_has_ports(f->tuple[FLOW_ORIG].l4) && flow_has(f, FLOW_ORIG_PORT_SRC) &&
	       flow_has(f, FLOW_ORIG_PORT_DST);
}

static void put_l4(struct wbuf *w, const struct flow *f, const struct wire_v1_options *opt)
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	put_u8(w, V1_L4PROTO, t->l4);
	if (flow_l4_is_icmp(t->l4) && flow_has(f, FLOW_ICMP_TYPE))
		put_icmp(w, t);
	if (sends_ports(f))
		put_ports(w, V1_PORT, t);
	if (t->l4 == IPPROTO_TCP)
		put_tcp(w, f, opt);
	if (t->l4 == IPPROTO_SCTP)
		put_sctp(w, f);
	if (t->l4 == IPPROTO_DCCP)
		put_dccp(w, f);
}

static bool has_master(const struct flow *f)
{
	if (!flow_has(f, FLOW_MASTER_L4PROTO))
		return false;
	if (f->master.l3 == AF_INET)
		return flow_has(f, FLOW_MASTER_IPV4_SRC) && flow_has(f, FLOW_MASTER_IPV4_DST);
	if (f->master.l3 == AF_INET6)
		return flow_has(f, FLOW_MASTER_IPV6_SRC) && flow_has(f, FLOW_MASTER_IPV6_DST);
	return false;
}

static void put_master(struct wbuf *w, const struct flow *f)
{
	if (!has_master(f))
		return;
	put_addrs(w, V1_MASTER_IPV4, V1_MASTER_IPV6, &f->master);
	put_u8(w, V1_MASTER_L4PROTO, f->master.l4);
	if (flow_has(f, FLOW_MASTER_PORT_SRC) && flow_has(f, FLOW_MASTER_PORT_DST))
		put_ports(w, V1_MASTER_PORT, &f->master);
}

static void put_nat(struct wbuf *w, const struct flow *f)
{
	const struct flow_tuple *repl = &f->tuple[FLOW_REPL];
	bool v4 = f->tuple[FLOW_ORIG].l3 == AF_INET;
	size_t len = v4 ? 4 : 16;

	if (flow_is_snat(f))
		put_bytes(w, v4 ? V1_SNAT_IPV4 : V1_SNAT_IPV6, repl->dst.bytes, len);
	if (flow_is_dnat(f))
		put_bytes(w, v4 ? V1_DNAT_IPV4 : V1_DNAT_IPV6, repl->src.bytes, len);
	if (!sends_ports(f))
		return;
	if (flow_is_spat(f))
		put_u16_be(w, V1_SPAT_PORT, repl->dport_be);
	if (flow_is_dpat(f))
		put_u16_be(w, V1_DPAT_PORT, repl->sport_be);
}

static void put_seqadj(struct wbuf *w, const struct flow *f)
{
	uint32_t words[6];
	size_t n = 0;

	for (int a = FLOW_ORIG_SEQADJ_CORRECTION_POS; a <= FLOW_REPL_SEQADJ_OFFSET_AFTER; a++)
		if (!flow_has(f, (enum flow_attr)a))
			return;
	for (int dir = 0; dir < FLOW_DIRS; dir++) {
		words[n++] = f->seqadj[dir].correction_pos;
		words[n++] = f->seqadj[dir].offset_before;
		words[n++] = f->seqadj[dir].offset_after;
	}
	put_words(w, V1_NAT_SEQ_ADJ, words, n);
}

bool wire_v1_name_is_good(const char *name, size_t len, size_t max)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len >= 1 && len <= max;
}

static void put_helper(struct wbuf *w, const struct flow *f)
{
	size_t len = strnlen(f->helper_name, sizeof(f->helper_name));

	if (!flow_has(f, FLOW_HELPER_NAME) ||
		!wire_v1_name_is_good(f->helper_name, len, WIRE_V1_HELPER_NAME_MAX))
		return;
	put_bytes(w, V1_HELPER_NAME, f->helper_name, len + 1);
}

static void put_labels(struct wbuf *w, const struct flow *f)
{
	uint32_t words[FLOW_LABELS_BYTES_MAX / 4];
	size_t count = f->labels_len / 4;
	uint32_t any = 0;

	if (!flow_has(f, FLOW_LABELS))
		return;
	CHECK(count <= ARRAY_SIZE(words));
	memcpy(words, f->labels, 4 * count);
	for (size_t i = 0; i < count; i++)
		any |= words[i];
	if (any)
		put_words(w, V1_LABELS, words, count);
}

static void put_synproxy(struct wbuf *w, const struct flow *f)
{
	const uint32_t words[3] = {f->synproxy_its, f->synproxy_isn, f->synproxy_tsoff};

	if (flow_has(f, FLOW_SYNPROXY_ITS) && flow_has(f, FLOW_SYNPROXY_ISN) &&
		flow_has(f, FLOW_SYNPROXY_TSOFF))
		put_words(w, V1_SYNPROXY, words, ARRAY_SIZE(words));
}

/* The order of the attributes is upstream's, so that both write the same bytes. */
size_t wire_v1_put_flow(struct wbuf *w, enum wire_v1_type type, uint8_t flags, uint32_t seq,
	const struct flow *f, const struct wire_v1_options *opt)
{
	struct v1_start start;

	CHECK(type <= WIRE_V1_CT_DEL);
	CHECK((flags & ~(WIRE_V1_HELLO | WIRE_V1_HELLO_BACK)) == 0);
	CHECK(flow_has_addrs(f, FLOW_ORIG) && flow_has(f, FLOW_ORIG_L4PROTO));
	start = wire_v1_put_begin(w, type, flags, seq);
	put_addrs(w, V1_IPV4, V1_IPV6, &f->tuple[FLOW_ORIG]);
	put_u32(w, V1_STATUS, flow_has(f, FLOW_STATUS) ? f->status : 0);
	put_l4(w, f, opt);
	if (!opt->without_timeout && flow_has(f, FLOW_TIMEOUT))
		put_u32(w, V1_TIMEOUT, f->timeout);
	if (flow_has(f, FLOW_MARK))
		put_u32(w, V1_MARK, f->mark);
	put_master(w, f);
	put_nat(w, f);
	put_seqadj(w, f);
	put_helper(w, f);
	put_labels(w, f);
	put_synproxy(w, f);
	if (flow_has(f, FLOW_ZONE))
		put_u16_be(w, V1_ZONE, f->zone);
	return wire_v1_put_end(w, start);
}
