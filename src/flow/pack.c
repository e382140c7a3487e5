/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/check.h"
#include "flow/pack.h"
#include "flow/pack_layout.h"

#define BIT(a)	   (UINT32_C(1) << (FLOW_##a % 32))
#define ON(n, a)   (FLOW_##a / 32 == (n) ? BIT(a) : 0)
#define WORD(f, a) ((f)->set[FLOW_##a / 32])

/* The attributes that a group's bit stands for, by word of the presence set. */
#define SET1(a)                                                                                    \
	{                                                                                          \
		ON(0, a), ON(1, a), ON(2, a)                                                       \
	}
#define SET2(a, b)                                                                                 \
	{                                                                                          \
		ON(0, a) | ON(0, b), ON(1, a) | ON(1, b), ON(2, a) | ON(2, b)                      \
	}
#define SET3(a, b, c)                                                                              \
	{                                                                                          \
		ON(0, a) | ON(0, b) | ON(0, c), ON(1, a) | ON(1, b) | ON(1, c),                    \
			ON(2, a) | ON(2, b) | ON(2, c)                                             \
	}
#define SET4(a, b, c, d)                                                                           \
	{                                                                                          \
		ON(0, a) | ON(0, b) | ON(0, c) | ON(0, d),                                         \
			ON(1, a) | ON(1, b) | ON(1, c) | ON(1, d),                                 \
			ON(2, a) | ON(2, b) | ON(2, c) | ON(2, d)                                  \
	}

static const uint32_t group_set[GROUPS][FLOW_SET_WORDS] = {
	[GROUP_REPL] = SET2(REPL_L3PROTO, REPL_L4PROTO),
	[GROUP_ID] = SET1(ID),
	[GROUP_STATUS] = SET1(STATUS),
	[GROUP_TIMEOUT] = SET1(TIMEOUT),
	[GROUP_MARK] = SET1(MARK),
	[GROUP_TCP_STATE] = SET1(TCP_STATE),
	[GROUP_TCP_WSCALE] = SET2(TCP_WSCALE_ORIG, TCP_WSCALE_REPL),
	[GROUP_TCP_FLAGS] = SET4(TCP_FLAGS_ORIG, TCP_FLAGS_REPL, TCP_MASK_ORIG, TCP_MASK_REPL),
	[GROUP_SCTP_STATE] = SET1(SCTP_STATE),
	[GROUP_SCTP_VTAG] = SET2(SCTP_VTAG_ORIG, SCTP_VTAG_REPL),
	[GROUP_DCCP] = SET3(DCCP_STATE, DCCP_ROLE, DCCP_HANDSHAKE_SEQ),
	[GROUP_MASTER] = SET2(MASTER_L3PROTO, MASTER_L4PROTO),
	[GROUP_MASTER_IPV4] = SET2(MASTER_IPV4_SRC, MASTER_IPV4_DST),
	[GROUP_MASTER_IPV6] = SET2(MASTER_IPV6_SRC, MASTER_IPV6_DST),
	[GROUP_MASTER_PORTS] = SET2(MASTER_PORT_SRC, MASTER_PORT_DST),
	[GROUP_SECMARK] = SET1(SECMARK),
	[GROUP_SEQADJ_ORIG] = SET3(
		ORIG_SEQADJ_CORRECTION_POS, ORIG_SEQADJ_OFFSET_BEFORE, ORIG_SEQADJ_OFFSET_AFTER),
	[GROUP_SEQADJ_REPL] = SET3(
		REPL_SEQADJ_CORRECTION_POS, REPL_SEQADJ_OFFSET_BEFORE, REPL_SEQADJ_OFFSET_AFTER),
	[GROUP_HELPER_NAME] = SET1(HELPER_NAME),
	[GROUP_LABELS] = SET1(LABELS),
	[GROUP_SYNPROXY] = SET3(SYNPROXY_ISN, SYNPROXY_ITS, SYNPROXY_TSOFF),
};

/* Word 0 of the presence set: attributes 0 to 31. */
enum {
	SET_ORIG_PORTS = 3 << FLOW_ORIG_PORT_SRC,
	SET_REPL_PORTS = 3 << FLOW_REPL_PORT_SRC,
	SET_ICMP = 7 << FLOW_ICMP_TYPE,
	SET_ORIG_IPV4 = 3 << FLOW_ORIG_IPV4_SRC,
	SET_ORIG_IPV6 = 3 << FLOW_ORIG_IPV6_SRC,
	SET_REPL_IPV4 = 3 << FLOW_REPL_IPV4_SRC,
	SET_REPL_IPV6 = 3 << FLOW_REPL_IPV6_SRC,
};

/* The attributes that may be present in a packed flow; the cells' depend on the protocol. */
static void packed_set(const struct flow *f, uint32_t cells, uint32_t set[FLOW_SET_WORDS])
{
	static const uint32_t not_packed[FLOW_SET_WORDS] = {
		BIT(SNAT_IPV4) | BIT(DNAT_IPV4) | BIT(SNAT_PORT) | BIT(DNAT_PORT) |
			BIT(ORIG_COUNTER_PACKETS) | BIT(REPL_COUNTER_PACKETS) |
			BIT(ORIG_COUNTER_BYTES) | BIT(REPL_COUNTER_BYTES) | BIT(USE) |
			SET_ORIG_PORTS | SET_REPL_PORTS | SET_ICMP,
		BIT(SECCTX) | BIT(TIMESTAMP_START),
		BIT(TIMESTAMP_STOP) | BIT(HELPER_INFO) | BIT(LABELS_MASK) | BIT(SNAT_IPV6) |
			BIT(DNAT_IPV6) | BIT(TIMESTAMP_EVENT) |
			~(UINT32_MAX >> (32 - FLOW_ATTR_COUNT % 32)),
	};

	for (unsigned i = 0; i < FLOW_SET_WORDS; i++)
		set[i] = f->set[i] & ~not_packed[i];
	set[0] |= f->set[0] & cells;
}

/* What of the original tuple's cells is an attribute of the protocol's: ports, ICMP or nothing. */
static uint32_t cells_set(uint8_t l4)
{
	if (flow_l4_is_icmp(l4))
		return SET_ICMP;
	return flow_l4_has_key(l4) ? SET_ORIG_PORTS : 0;
}

/* What nearly every flow has, without a loop: the table is constant, and with it each of these. */
#define GROUP_WORD(g, word) (-(groups >> GROUP_##g & 1) & group_set[GROUP_##g][word])

enum {
	GROUPS_USUAL = GROUP(REPL) | GROUP(ID) | GROUP(STATUS) | GROUP(TIMEOUT) | GROUP(MARK) |
		       GROUP(TCP_STATE),
	GROUPS_NO_SET = GROUP(SET) | GROUP(CELLS) | GROUP(REPL_RAW) | GROUP(REPL_SRC) |
			GROUP(REPL_DST) | GROUP(REPL_SPORT) | GROUP(REPL_DPORT) |
			GROUP(STATUS_HIGH) | GROUP(MARK_VALUE) | GROUP(SYNPROXY_VALUE),
};

static inline uint32_t usual_word(uint32_t groups, unsigned word)
{
	return GROUP_WORD(REPL, word) | GROUP_WORD(ID, word) | GROUP_WORD(STATUS, word) |
	       GROUP_WORD(TIMEOUT, word) | GROUP_WORD(MARK, word) | GROUP_WORD(TCP_STATE, word);
}

/* The attributes that key and groups say are present. */
static void implied_set(uint8_t key_bits, uint8_t l4, uint32_t groups, uint32_t set[FLOW_SET_WORDS])
{
	uint32_t cells = cells_set(l4);

	set[0] = BIT(ORIG_L3PROTO) | BIT(ORIG_L4PROTO);
	set[0] |= key_bits & KEY_IPV6 ? SET_ORIG_IPV6 : SET_ORIG_IPV4;
	set[1] = key_bits & KEY_ZONE ? BIT(ZONE) : 0;
	set[2] = (key_bits & KEY_ORIG_ZONE ? BIT(ORIG_ZONE) : 0) |
		 (key_bits & KEY_REPL_ZONE ? BIT(REPL_ZONE) : 0);
	if (groups & GROUP(CELLS))
		set[0] |= cells;
	if (groups & GROUP(REPL)) {
		set[0] |= key_bits & KEY_IPV6 ? SET_REPL_IPV6 : SET_REPL_IPV4;
		if ((groups & GROUP(CELLS)) && cells == SET_ORIG_PORTS)
			set[0] |= SET_REPL_PORTS;
	}
	set[0] |= usual_word(groups, 0);
	set[1] |= usual_word(groups, 1);
	set[2] |= usual_word(groups, 2);
	for (uint32_t left = groups & ~(uint32_t)(GROUPS_USUAL | GROUPS_NO_SET); left;
		left &= left - 1) {
		const uint32_t *add = group_set[__builtin_ctz(left)];

		set[0] |= add[0];
		set[1] |= add[1];
		set[2] |= add[2];
	}
}

bool flow_has_key(const struct flow *f)
{
	return flow_has_addrs(f, FLOW_ORIG) && flow_has(f, FLOW_ORIG_L4PROTO);
}

/* The two cells as they stand in memory, those not present as 0. */
static void key_cells(const struct flow *f, struct flow_tuple *out)
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];

	if (flow_l4_is_icmp(t->l4)) {
		out->icmp_id_be = flow_has(f, FLOW_ICMP_ID) ? t->icmp_id_be : 0;
		out->icmp_type = flow_has(f, FLOW_ICMP_TYPE) ? t->icmp_type : 0;
		out->icmp_code = flow_has(f, FLOW_ICMP_CODE) ? t->icmp_code : 0;
	} else {
		out->sport_be = flow_has(f, FLOW_ORIG_PORT_SRC) ? t->sport_be : 0;
		out->dport_be = flow_has(f, FLOW_ORIG_PORT_DST) ? t->dport_be : 0;
	}
}

static uint8_t *put(uint8_t *p, const void *value, size_t len)
{
	memcpy(p, value, len);
	return p + len;
}

static uint8_t *put_zone(uint8_t *p, bool present, uint16_t zone, uint8_t bit, uint8_t *bits)
{
	if (!present || zone == 0)
		return p;
	*bits |= bit;
	return put(p, &zone, sizeof(zone));
}

size_t flow_key_make(const struct flow *f, uint8_t key[FLOW_KEY_BYTES_MAX])
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	uint8_t bits = 0, *p = key + 2;

	if (!flow_has_key(f))
		return 0;
	if (t->l3 == AF_INET6) {
		bits = KEY_IPV6;
		p = put(p, t->src.v6_be, sizeof(t->src.v6_be));
		p = put(p, t->dst.v6_be, sizeof(t->dst.v6_be));
	} else {
		p = put(p, &t->src.v4_be, sizeof(t->src.v4_be));
		p = put(p, &t->dst.v4_be, sizeof(t->dst.v4_be));
	}
	if (flow_l4_has_key(t->l4)) {
		struct flow_tuple cells;

		bits |= KEY_CELLS;
		key_cells(f, &cells);
		p = put(p, &cells.sport_be, sizeof(cells.sport_be));
		p = put(p, &cells.dport_be, sizeof(cells.dport_be));
	}
	p = put_zone(p, flow_has(f, FLOW_ZONE), f->zone, KEY_ZONE, &bits);
	p = put_zone(p, flow_has(f, FLOW_ORIG_ZONE), t->zone, KEY_ORIG_ZONE, &bits);
	p = put_zone(
		p, flow_has(f, FLOW_REPL_ZONE), f->tuple[FLOW_REPL].zone, KEY_REPL_ZONE, &bits);
	key[0] = bits;
	key[1] = t->l4;
	return (size_t)(p - key);
}

static size_t key_len(uint8_t bits)
{
	size_t len = 2 + (bits & KEY_IPV6 ? 32 : 8) + (bits & KEY_CELLS ? 4 : 0);

	if (bits & KEY_ZONES) /* few have one, and counting bits is a call on some processors */
		len += 2 * (size_t)__builtin_popcount(bits & KEY_ZONES);
	return len;
}

size_t flow_key_len(const uint8_t *packed)
{
	return key_len(packed[0]);
}

/* Which parts of the reply tuple do not follow from the original one. */
static uint32_t reply_groups(const struct flow *f)
{
	const struct flow_tuple *orig = &f->tuple[FLOW_ORIG], *repl = &f->tuple[FLOW_REPL];
	struct flow_tuple masked = *orig, plain = {.zone = 0};
	uint32_t groups = GROUP(REPL);

	if (!(f->set[0] & (SET_REPL_IPV4 | SET_REPL_IPV6 | SET_REPL_PORTS | BIT(REPL_L3PROTO) |
				  BIT(REPL_L4PROTO))))
		return 0;
	if (repl->l3 != orig->l3 || repl->l4 != orig->l4)
		return GROUP(REPL) | GROUP(REPL_RAW);
	key_cells(f, &masked);
	flow_tuple_invert(&plain, &masked);
	if (orig->l3 == AF_INET) {
		groups |= repl->src.v4_be != plain.src.v4_be ? GROUP(REPL_SRC) : 0;
		groups |= repl->dst.v4_be != plain.dst.v4_be ? GROUP(REPL_DST) : 0;
	} else {
		groups |= memcmp(&repl->src, &plain.src, 16) != 0 ? GROUP(REPL_SRC) : 0;
		groups |= memcmp(&repl->dst, &plain.dst, 16) != 0 ? GROUP(REPL_DST) : 0;
	}
	if (flow_l4_has_key(orig->l4)) {
		groups |= repl->sport_be != plain.sport_be ? GROUP(REPL_SPORT) : 0;
		groups |= repl->dport_be != plain.dport_be ? GROUP(REPL_DPORT) : 0;
	}
	return groups;
}

static inline bool has_any(const uint32_t set[FLOW_SET_WORDS], const uint32_t of[FLOW_SET_WORDS])
{
	return (set[0] & of[0]) | (set[1] & of[1]) | (set[2] & of[2]);
}

/* The table is constant, so that each of these becomes a test of one or two words. */
#define IF_SET(g) (has_any(set, group_set[GROUP_##g]) ? GROUP(g) : 0)

/* The groups of attributes of which at least one is present. */
static uint32_t groups_of(const struct flow *f, const uint32_t set[FLOW_SET_WORDS])
{
	uint32_t groups = reply_groups(f);

	if (set[0] & cells_set(f->tuple[FLOW_ORIG].l4))
		groups |= GROUP(CELLS);
	groups |= IF_SET(ID) | IF_SET(STATUS);
	groups |= IF_SET(TIMEOUT) | IF_SET(MARK);
	groups |= IF_SET(TCP_STATE) | IF_SET(TCP_WSCALE);
	groups |= IF_SET(TCP_FLAGS) | IF_SET(SCTP_STATE);
	groups |= IF_SET(SCTP_VTAG) | IF_SET(DCCP);
	groups |= IF_SET(MASTER) | IF_SET(MASTER_IPV4);
	groups |= IF_SET(MASTER_IPV6) | IF_SET(MASTER_PORTS);
	groups |= IF_SET(SECMARK) | IF_SET(SEQADJ_ORIG);
	groups |= IF_SET(SEQADJ_REPL) | IF_SET(HELPER_NAME);
	groups |= IF_SET(LABELS) | IF_SET(SYNPROXY);
	if ((groups & GROUP(STATUS)) && f->status >> 16)
		groups |= GROUP(STATUS_HIGH);
	if ((groups & GROUP(MARK)) && f->mark)
		groups |= GROUP(MARK_VALUE);
	if (groups & (GROUP(MASTER_IPV4) | GROUP(MASTER_IPV6) | GROUP(MASTER_PORTS)))
		groups |= GROUP(MASTER);
	if ((groups & GROUP(SYNPROXY)) && (f->synproxy_isn | f->synproxy_its | f->synproxy_tsoff))
		groups |= GROUP(SYNPROXY_VALUE);
	return groups;
}

static uint8_t *put_reply(uint8_t *p, const struct flow *f, uint32_t groups)
{
	const struct flow_tuple *t = &f->tuple[FLOW_REPL];
	size_t addr_len = t->l3 == AF_INET6 ? 16 : 4;

	if (groups & GROUP(REPL_RAW)) {
		p = put(p, &t->l3, 1);
		p = put(p, &t->l4, 1);
		p = put(p, &t->src, sizeof(t->src));
		p = put(p, &t->dst, sizeof(t->dst));
		p = put(p, &t->sport_be, sizeof(t->sport_be));
		return put(p, &t->dport_be, sizeof(t->dport_be));
	}
	if (groups & GROUP(REPL_SRC))
		p = put(p, &t->src, addr_len);
	if (groups & GROUP(REPL_DST))
		p = put(p, &t->dst, addr_len);
	if (groups & GROUP(REPL_SPORT))
		p = put(p, &t->sport_be, sizeof(t->sport_be));
	if (groups & GROUP(REPL_DPORT))
		p = put(p, &t->dport_be, sizeof(t->dport_be));
	return p;
}

static uint8_t *put_protocol(uint8_t *p, const struct flow *f, uint32_t groups)
{
	if (groups & GROUP(TCP_STATE))
		p = put(p, &f->tcp.state, sizeof(f->tcp.state));
	if (groups & GROUP(TCP_WSCALE))
		p = put(p, f->tcp.wscale, sizeof(f->tcp.wscale));
	if (groups & GROUP(TCP_FLAGS)) {
		p = put(p, f->tcp.flags, sizeof(f->tcp.flags));
		p = put(p, f->tcp.flags_mask, sizeof(f->tcp.flags_mask));
	}
	if (groups & GROUP(SCTP_STATE))
		p = put(p, &f->sctp.state, sizeof(f->sctp.state));
	if (groups & GROUP(SCTP_VTAG))
		p = put(p, f->sctp.vtag, sizeof(f->sctp.vtag));
	if (groups & GROUP(DCCP)) {
		p = put(p, &f->dccp.state, sizeof(f->dccp.state));
		p = put(p, &f->dccp.role, sizeof(f->dccp.role));
		p = put(p, &f->dccp.handshake_seq, sizeof(f->dccp.handshake_seq));
	}
	return p;
}

static uint8_t *put_master(uint8_t *p, const struct flow *f, uint32_t groups)
{
	const struct flow_tuple *t = &f->master;
	size_t addr_len = groups & GROUP(MASTER_IPV6) ? 16 : 4;

	p = put(p, &t->l3, 1);
	p = put(p, &t->l4, 1);
	p = put(p, &t->sport_be, sizeof(t->sport_be));
	p = put(p, &t->dport_be, sizeof(t->dport_be));
	if (groups & (GROUP(MASTER_IPV4) | GROUP(MASTER_IPV6))) {
		p = put(p, &t->src, addr_len);
		p = put(p, &t->dst, addr_len);
	}
	return p;
}

static uint8_t *put_counted(uint8_t *p, const void *value, uint8_t len)
{
	*p = len;
	return put(p + 1, value, len);
}

/* What few flows have. */
static uint8_t *put_rare(uint8_t *p, const struct flow *f, uint32_t groups)
{
	if (groups & GROUP(MASTER))
		p = put_master(p, f, groups);
	if (groups & GROUP(SECMARK))
		p = put(p, &f->secmark, sizeof(f->secmark));
	if (groups & GROUP(SEQADJ_ORIG))
		p = put(p, &f->seqadj[FLOW_ORIG], sizeof(f->seqadj[FLOW_ORIG]));
	if (groups & GROUP(SEQADJ_REPL))
		p = put(p, &f->seqadj[FLOW_REPL], sizeof(f->seqadj[FLOW_REPL]));
	if (groups & GROUP(HELPER_NAME))
		p = put_counted(p, f->helper_name,
			(uint8_t)strnlen(f->helper_name, sizeof(f->helper_name) - 1));
	if (groups & GROUP(LABELS)) {
		CHECK(f->labels_len <= sizeof(f->labels));
		p = put_counted(p, f->labels, f->labels_len);
	}
	if (groups & GROUP(SYNPROXY_VALUE)) {
		p = put(p, &f->synproxy_isn, sizeof(f->synproxy_isn));
		p = put(p, &f->synproxy_its, sizeof(f->synproxy_its));
		p = put(p, &f->synproxy_tsoff, sizeof(f->synproxy_tsoff));
	}
	return p;
}

size_t flow_pack(const struct flow *f, uint8_t packed[FLOW_PACKED_BYTES_MAX])
{
	size_t key_bytes = flow_key_make(f, packed);
	uint32_t set[FLOW_SET_WORDS], implied[FLOW_SET_WORDS], groups;
	uint32_t cells = cells_set(f->tuple[FLOW_ORIG].l4);
	uint8_t *p = packed + key_bytes;
	uint16_t status = (uint16_t)f->status, status_high = (uint16_t)(f->status >> 16);

	if (key_bytes == 0)
		return 0;
	packed_set(f, cells == SET_ORIG_PORTS ? cells | SET_REPL_PORTS : cells, set);
	groups = groups_of(f, set);
	implied_set(packed[0], packed[1], groups, implied);
	if (memcmp(set, implied, sizeof(set)) != 0)
		groups |= GROUP(SET);
	p = put(p, &groups, sizeof(groups));
	if (groups & GROUP(SET))
		p = put(p, set, sizeof(set));
	p = put_reply(p, f, groups);
	if (groups & GROUP(ID))
		p = put(p, &f->id, sizeof(f->id));
	if (groups & GROUP(STATUS))
		p = put(p, &status, sizeof(status));
	if (groups & GROUP(STATUS_HIGH))
		p = put(p, &status_high, sizeof(status_high));
	if (groups & GROUP(TIMEOUT))
		p = put(p, &f->timeout, sizeof(f->timeout));
	if (groups & GROUP(MARK_VALUE))
		p = put(p, &f->mark, sizeof(f->mark));
	p = put_protocol(p, f, groups);
	if (groups >> GROUP_MASTER)
		p = put_rare(p, f, groups);
	return (size_t)(p - packed);
}

/* The original tuple and the zones; returns the key's first byte. */
static uint8_t get_key(struct rbuf *r, struct flow *f)
{
	struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	uint8_t bits = rbuf_u8(r);

	t->l4 = rbuf_u8(r);
	if (bits & KEY_IPV6) {
		t->l3 = AF_INET6;
		rbuf_copy(r, t->src.v6_be, sizeof(t->src.v6_be));
		rbuf_copy(r, t->dst.v6_be, sizeof(t->dst.v6_be));
	} else {
		t->l3 = AF_INET;
		rbuf_copy(r, &t->src.v4_be, sizeof(t->src.v4_be));
		rbuf_copy(r, &t->dst.v4_be, sizeof(t->dst.v4_be));
	}
	if (bits & KEY_CELLS) {
		t->sport_be = rbuf_u16(r);
		t->dport_be = rbuf_u16(r);
	}
	f->zone = bits & KEY_ZONE ? rbuf_u16(r) : 0;
	t->zone = bits & KEY_ORIG_ZONE ? rbuf_u16(r) : 0;
	f->tuple[FLOW_REPL].zone = bits & KEY_REPL_ZONE ? rbuf_u16(r) : 0;
	return bits;
}

static void get_reply(struct rbuf *r, struct flow *f, uint32_t groups)
{
	struct flow_tuple *t = &f->tuple[FLOW_REPL];
	size_t addr_len = f->tuple[FLOW_ORIG].l3 == AF_INET6 ? 16 : 4;

	if (groups & GROUP(REPL_RAW)) {
		t->l3 = rbuf_u8(r);
		t->l4 = rbuf_u8(r);
		rbuf_copy(r, &t->src, sizeof(t->src));
		rbuf_copy(r, &t->dst, sizeof(t->dst));
		t->sport_be = rbuf_u16(r);
		t->dport_be = rbuf_u16(r);
		return;
	}
	flow_tuple_invert(t, &f->tuple[FLOW_ORIG]);
	if (groups & GROUP(REPL_SRC))
		rbuf_copy(r, &t->src, addr_len);
	if (groups & GROUP(REPL_DST))
		rbuf_copy(r, &t->dst, addr_len);
	if (groups & GROUP(REPL_SPORT))
		t->sport_be = rbuf_u16(r);
	if (groups & GROUP(REPL_DPORT))
		t->dport_be = rbuf_u16(r);
}

static void get_protocol(struct rbuf *r, struct flow *f, uint32_t groups)
{
	if (groups & GROUP(TCP_STATE))
		f->tcp.state = rbuf_u8(r);
	if (groups & GROUP(TCP_WSCALE))
		rbuf_copy(r, f->tcp.wscale, sizeof(f->tcp.wscale));
	if (groups & GROUP(TCP_FLAGS)) {
		rbuf_copy(r, f->tcp.flags, sizeof(f->tcp.flags));
		rbuf_copy(r, f->tcp.flags_mask, sizeof(f->tcp.flags_mask));
	}
	if (groups & GROUP(SCTP_STATE))
		f->sctp.state = rbuf_u8(r);
	if (groups & GROUP(SCTP_VTAG))
		rbuf_copy(r, f->sctp.vtag, sizeof(f->sctp.vtag));
	if (groups & GROUP(DCCP)) {
		f->dccp.state = rbuf_u8(r);
		f->dccp.role = rbuf_u8(r);
		rbuf_copy(r, &f->dccp.handshake_seq, sizeof(f->dccp.handshake_seq));
	}
}

static void get_master(struct rbuf *r, struct flow *f, uint32_t groups)
{
	struct flow_tuple *t = &f->master;
	size_t addr_len = groups & GROUP(MASTER_IPV6) ? 16 : 4;

	t->l3 = rbuf_u8(r);
	t->l4 = rbuf_u8(r);
	t->sport_be = rbuf_u16(r);
	t->dport_be = rbuf_u16(r);
	if (groups & (GROUP(MASTER_IPV4) | GROUP(MASTER_IPV6))) {
		rbuf_copy(r, &t->src, addr_len);
		rbuf_copy(r, &t->dst, addr_len);
	}
}

static void get_rare(struct rbuf *r, struct flow *f, uint32_t groups)
{
	if (groups & GROUP(MASTER))
		get_master(r, f, groups);
	if (groups & GROUP(SECMARK))
		f->secmark = rbuf_u32(r);
	if (groups & GROUP(SEQADJ_ORIG))
		rbuf_copy(r, &f->seqadj[FLOW_ORIG], sizeof(f->seqadj[FLOW_ORIG]));
	if (groups & GROUP(SEQADJ_REPL))
		rbuf_copy(r, &f->seqadj[FLOW_REPL], sizeof(f->seqadj[FLOW_REPL]));
	if (groups & GROUP(HELPER_NAME)) {
		size_t len = rbuf_u8(r);

		CHECK(len < sizeof(f->helper_name));
		rbuf_copy(r, f->helper_name, len);
	}
	if (groups & GROUP(LABELS)) {
		f->labels_len = rbuf_u8(r);
		CHECK(f->labels_len <= sizeof(f->labels));
		rbuf_copy(r, f->labels, f->labels_len);
	}
	if (groups & GROUP(SYNPROXY_VALUE)) {
		f->synproxy_isn = rbuf_u32(r);
		f->synproxy_its = rbuf_u32(r);
		f->synproxy_tsoff = rbuf_u32(r);
	}
}

void flow_unpack(const uint8_t *packed, size_t len, struct flow *f)
{
	struct rbuf r = rbuf_of(packed, len);
	uint32_t groups;
	uint8_t bits;

	memset(f, 0, sizeof(*f));
	bits = get_key(&r, f);
	groups = rbuf_u32(&r);
	if (groups & GROUP(SET))
		rbuf_copy(&r, f->set, sizeof(f->set));
	else
		implied_set(bits, f->tuple[FLOW_ORIG].l4, groups, f->set);
	if (groups & GROUP(REPL))
		get_reply(&r, f, groups);
	if (groups & GROUP(ID))
		f->id = rbuf_u32(&r);
	if (groups & GROUP(STATUS))
		f->status = rbuf_u16(&r);
	if (groups & GROUP(STATUS_HIGH))
		f->status |= (uint32_t)rbuf_u16(&r) << 16;
	if (groups & GROUP(TIMEOUT))
		f->timeout = rbuf_u32(&r);
	if (groups & GROUP(MARK_VALUE))
		f->mark = rbuf_u32(&r);
	get_protocol(&r, f, groups);
	if (groups >> GROUP_MASTER)
		get_rare(&r, f, groups);
	CHECK(!r.bad && r.left == 0);
}

/* How many bytes of the reply tuple there are. */
static size_t reply_len(uint8_t bits, uint32_t groups)
{
	size_t addr_len = bits & KEY_IPV6 ? 16 : 4;

	if (groups & GROUP(REPL_RAW))
		return 2 + 2 * sizeof(union flow_addr) + 2 * sizeof(uint16_t);
	return (groups & GROUP(REPL_SRC) ? addr_len : 0) +
	       (groups & GROUP(REPL_DST) ? addr_len : 0) +
	       (groups & GROUP(REPL_SPORT) ? sizeof(uint16_t) : 0) +
	       (groups & GROUP(REPL_DPORT) ? sizeof(uint16_t) : 0);
}

void flow_unpack_brief(const uint8_t *packed, size_t len, struct flow_brief *b)
{
	struct rbuf r = rbuf_of(packed, len);
	uint32_t groups;

	memset(b, 0, sizeof(*b));
	b->l4 = packed[1];
	(void)rbuf_take(&r, key_len(packed[0]));
	groups = rbuf_u32(&r);
	if (groups & GROUP(SET))
		(void)rbuf_take(&r, FLOW_SET_WORDS * sizeof(uint32_t));
	(void)rbuf_take(&r, reply_len(packed[0], groups));
	b->has_id = groups & GROUP(ID);
	if (b->has_id)
		b->id = rbuf_u32(&r);
	if (groups & GROUP(STATUS))
		b->status = rbuf_u16(&r);
	if (groups & GROUP(STATUS_HIGH))
		b->status |= (uint32_t)rbuf_u16(&r) << 16;
	b->has_timeout = groups & GROUP(TIMEOUT);
	if (b->has_timeout)
		b->timeout = rbuf_u32(&r);
	if (groups & GROUP(MARK_VALUE))
		(void)rbuf_take(&r, sizeof(uint32_t));
	b->has_tcp_state = groups & GROUP(TCP_STATE);
	if (b->has_tcp_state)
		b->tcp_state = rbuf_u8(&r);
	CHECK(!r.bad);
}
