/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "flow/merge.h"

_Static_assert(FLOW_ORIG_IPV4_SRC == 0 && FLOW_REPL_L4PROTO < 32, "the tuples are in word 0");

/* What is done with an attribute. */
enum kind {
	NONE, /* makes the key, or has no value here */
	MERGE, /* an update brings it */
	STATE, /* an update brings it, and it is replicated */
};

struct field {
	uint16_t offset; /* in struct flow [bytes] */
	uint8_t bytes;
	uint8_t kind; /* enum kind */
};

#define FIELD(member, k)                                                                           \
	{                                                                                          \
		offsetof(struct flow, member), sizeof(((struct flow *)NULL)->member), k            \
	}

static const struct field fields[FLOW_ATTR_COUNT] = {
	[FLOW_REPL_IPV4_SRC] = FIELD(tuple[FLOW_REPL].src.v4_be, STATE),
	[FLOW_REPL_IPV4_DST] = FIELD(tuple[FLOW_REPL].dst.v4_be, STATE),
	[FLOW_REPL_IPV6_SRC] = FIELD(tuple[FLOW_REPL].src, STATE),
	[FLOW_REPL_IPV6_DST] = FIELD(tuple[FLOW_REPL].dst, STATE),
	[FLOW_REPL_PORT_SRC] = FIELD(tuple[FLOW_REPL].sport_be, STATE),
	[FLOW_REPL_PORT_DST] = FIELD(tuple[FLOW_REPL].dport_be, STATE),
	[FLOW_REPL_L3PROTO] = FIELD(tuple[FLOW_REPL].l3, STATE),
	[FLOW_REPL_L4PROTO] = FIELD(tuple[FLOW_REPL].l4, STATE),
	[FLOW_TCP_STATE] = FIELD(tcp.state, STATE),
	[FLOW_SNAT_IPV4] = FIELD(snat.v4_be, MERGE),
	[FLOW_DNAT_IPV4] = FIELD(dnat.v4_be, MERGE),
	[FLOW_SNAT_PORT] = FIELD(snat_port_be, MERGE),
	[FLOW_DNAT_PORT] = FIELD(dnat_port_be, MERGE),
	[FLOW_TIMEOUT] = FIELD(timeout, MERGE),
	[FLOW_MARK] = FIELD(mark, STATE),
	[FLOW_ORIG_COUNTER_PACKETS] = FIELD(counters[FLOW_ORIG].packets, MERGE),
	[FLOW_REPL_COUNTER_PACKETS] = FIELD(counters[FLOW_REPL].packets, MERGE),
	[FLOW_ORIG_COUNTER_BYTES] = FIELD(counters[FLOW_ORIG].bytes, MERGE),
	[FLOW_REPL_COUNTER_BYTES] = FIELD(counters[FLOW_REPL].bytes, MERGE),
	[FLOW_USE] = FIELD(use, MERGE),
	[FLOW_ID] = FIELD(id, MERGE),
	[FLOW_STATUS] = FIELD(status, STATE),
	[FLOW_TCP_FLAGS_ORIG] = FIELD(tcp.flags[FLOW_ORIG], STATE),
	[FLOW_TCP_FLAGS_REPL] = FIELD(tcp.flags[FLOW_REPL], STATE),
	[FLOW_TCP_MASK_ORIG] = FIELD(tcp.flags_mask[FLOW_ORIG], STATE),
	[FLOW_TCP_MASK_REPL] = FIELD(tcp.flags_mask[FLOW_REPL], STATE),
	[FLOW_MASTER_IPV4_SRC] = FIELD(master.src.v4_be, STATE),
	[FLOW_MASTER_IPV4_DST] = FIELD(master.dst.v4_be, STATE),
	[FLOW_MASTER_IPV6_SRC] = FIELD(master.src, STATE),
	[FLOW_MASTER_IPV6_DST] = FIELD(master.dst, STATE),
	[FLOW_MASTER_PORT_SRC] = FIELD(master.sport_be, STATE),
	[FLOW_MASTER_PORT_DST] = FIELD(master.dport_be, STATE),
	[FLOW_MASTER_L3PROTO] = FIELD(master.l3, STATE),
	[FLOW_MASTER_L4PROTO] = FIELD(master.l4, STATE),
	[FLOW_SECMARK] = FIELD(secmark, STATE),
	[FLOW_ORIG_SEQADJ_CORRECTION_POS] = FIELD(seqadj[FLOW_ORIG].correction_pos, STATE),
	[FLOW_ORIG_SEQADJ_OFFSET_BEFORE] = FIELD(seqadj[FLOW_ORIG].offset_before, STATE),
	[FLOW_ORIG_SEQADJ_OFFSET_AFTER] = FIELD(seqadj[FLOW_ORIG].offset_after, STATE),
	[FLOW_REPL_SEQADJ_CORRECTION_POS] = FIELD(seqadj[FLOW_REPL].correction_pos, STATE),
	[FLOW_REPL_SEQADJ_OFFSET_BEFORE] = FIELD(seqadj[FLOW_REPL].offset_before, STATE),
	[FLOW_REPL_SEQADJ_OFFSET_AFTER] = FIELD(seqadj[FLOW_REPL].offset_after, STATE),
	[FLOW_SCTP_STATE] = FIELD(sctp.state, STATE),
	[FLOW_SCTP_VTAG_ORIG] = FIELD(sctp.vtag[FLOW_ORIG], STATE),
	[FLOW_SCTP_VTAG_REPL] = FIELD(sctp.vtag[FLOW_REPL], STATE),
	[FLOW_HELPER_NAME] = FIELD(helper_name, STATE),
	[FLOW_DCCP_STATE] = FIELD(dccp.state, STATE),
	[FLOW_DCCP_ROLE] = FIELD(dccp.role, STATE),
	[FLOW_DCCP_HANDSHAKE_SEQ] = FIELD(dccp.handshake_seq, STATE),
	[FLOW_TCP_WSCALE_ORIG] = FIELD(tcp.wscale[FLOW_ORIG], STATE),
	[FLOW_TCP_WSCALE_REPL] = FIELD(tcp.wscale[FLOW_REPL], STATE),
	[FLOW_SECCTX] = FIELD(secctx, MERGE),
	[FLOW_TIMESTAMP_START] = FIELD(timestamp_start, MERGE),
	[FLOW_TIMESTAMP_STOP] = FIELD(timestamp_stop, MERGE),
	[FLOW_HELPER_INFO] = FIELD(helper_info, MERGE),
	[FLOW_LABELS] = FIELD(labels, STATE),
	[FLOW_SNAT_IPV6] = FIELD(snat, MERGE),
	[FLOW_DNAT_IPV6] = FIELD(dnat, MERGE),
	[FLOW_SYNPROXY_ISN] = FIELD(synproxy_isn, STATE),
	[FLOW_SYNPROXY_ITS] = FIELD(synproxy_its, STATE),
	[FLOW_SYNPROXY_TSOFF] = FIELD(synproxy_tsoff, STATE),
};

/* The sizes that occur, each a constant for the compiler: calls of memcpy would cost most here. */
static void copy_value(void *dst, const void *src, uint8_t bytes)
{
	switch (bytes) {
	case 1:
		memcpy(dst, src, 1);
		return;
	case 2:
		memcpy(dst, src, 2);
		return;
	case 4:
		memcpy(dst, src, 4);
		return;
	case 8:
		memcpy(dst, src, 8);
		return;
	case 16:
		memcpy(dst, src, 16);
		return;
	}
	memcpy(dst, src, bytes);
}

#define BIT(a) (UINT32_C(1) << FLOW_##a)

/* Of word 0: what makes the key, and what is said of nearly every reply. */
enum {
	SET_KEY = BIT(ORIG_IPV4_SRC) | BIT(ORIG_IPV4_DST) | BIT(ORIG_IPV6_SRC) |
		  BIT(ORIG_IPV6_DST) | BIT(ORIG_PORT_SRC) | BIT(ORIG_PORT_DST) | BIT(ICMP_TYPE) |
		  BIT(ICMP_CODE) | BIT(ICMP_ID) | BIT(ORIG_L3PROTO) | BIT(ORIG_L4PROTO),
	SET_REPLY = BIT(REPL_IPV4_SRC) | BIT(REPL_IPV4_DST) | BIT(REPL_PORT_SRC) |
		    BIT(REPL_PORT_DST) | BIT(REPL_L3PROTO) | BIT(REPL_L4PROTO),
};

static inline uint32_t set_usual(const struct flow *f)
{
	return f->set[0] & SET_REPLY;
}

static void copy_reply(struct flow *dst, const struct flow *src)
{
	struct flow_tuple *d = &dst->tuple[FLOW_REPL];
	const struct flow_tuple *s = &src->tuple[FLOW_REPL];

	d->src.v4_be = s->src.v4_be;
	d->dst.v4_be = s->dst.v4_be;
	d->sport_be = s->sport_be;
	d->dport_be = s->dport_be;
	d->l3 = s->l3;
	d->l4 = s->l4;
	dst->set[0] |= SET_REPLY;
}

static bool same_reply(const struct flow *f, const struct flow *g)
{
	const struct flow_tuple *a = &f->tuple[FLOW_REPL], *b = &g->tuple[FLOW_REPL];

	return a->src.v4_be == b->src.v4_be && a->dst.v4_be == b->dst.v4_be &&
	       a->sport_be == b->sport_be && a->dport_be == b->dport_be && a->l3 == b->l3 &&
	       a->l4 == b->l4;
}

void flow_merge(struct flow *dst, const struct flow *src)
{
	uint32_t done = SET_KEY;

	if (set_usual(src) == SET_REPLY) {
		copy_reply(dst, src);
		done |= SET_REPLY;
	}
	for (unsigned word = 0; word < FLOW_SET_WORDS; word++, done = 0) {
		for (uint32_t left = src->set[word] & ~done; left; left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctz(left), attr = word * 32 + bit;
			const struct field *field = &fields[attr];

			if (attr >= FLOW_ATTR_COUNT || field->kind == NONE)
				continue;
			copy_value((char *)dst + field->offset, (const char *)src + field->offset,
				field->bytes);
			dst->set[word] |= UINT32_C(1) << bit;
		}
	}
	if (flow_has(src, FLOW_LABELS))
		dst->labels_len = src->labels_len;
	/* The ICMP cells of the reply have no attributes of their own. */
	if (flow_has(src, FLOW_REPL_L4PROTO) && flow_l4_is_icmp(src->tuple[FLOW_REPL].l4)) {
		dst->tuple[FLOW_REPL].icmp_id_be = src->tuple[FLOW_REPL].icmp_id_be;
		dst->tuple[FLOW_REPL].icmp_type = src->tuple[FLOW_REPL].icmp_type;
		dst->tuple[FLOW_REPL].icmp_code = src->tuple[FLOW_REPL].icmp_code;
	}
}

/* Absent or 0, for attributes of which the two mean the same. */
static bool is_naught(const struct flow *f, unsigned attr)
{
	uint32_t value;

	if (!flow_has(f, attr))
		return true;
	memcpy(&value, (const char *)f + fields[attr].offset, sizeof(value));
	return value == 0;
}

static bool may_be_naught(unsigned attr)
{
	return attr == FLOW_MARK || (attr >= FLOW_SYNPROXY_ISN && attr <= FLOW_SYNPROXY_TSOFF);
}

static bool same_labels(const struct flow *a, const struct flow *b)
{
	return a->labels_len == b->labels_len && memcmp(a->labels, b->labels, a->labels_len) == 0;
}

static bool same_value(const struct flow *a, const struct flow *b, unsigned attr)
{
	const struct field *field = &fields[attr];

	if (attr == FLOW_HELPER_NAME)
		return strncmp(a->helper_name, b->helper_name, sizeof(a->helper_name)) == 0;
	if (attr == FLOW_LABELS)
		return same_labels(a, b);
	return memcmp((const char *)a + field->offset, (const char *)b + field->offset,
		       field->bytes) == 0;
}

bool flow_same_state(const struct flow *a, const struct flow *b)
{
	const struct flow_tuple *ra = &a->tuple[FLOW_REPL], *rb = &b->tuple[FLOW_REPL];
	uint32_t done = SET_KEY;

	if (set_usual(a) == SET_REPLY && set_usual(b) == SET_REPLY) {
		if (!same_reply(a, b))
			return false;
		done |= SET_REPLY;
	}
	for (unsigned word = 0; word < FLOW_SET_WORDS; word++, done = 0) {
		for (uint32_t left = (a->set[word] | b->set[word]) & ~done; left;
			left &= left - 1) {
			unsigned attr = word * 32 + (unsigned)__builtin_ctz(left);

			if (attr >= FLOW_ATTR_COUNT || fields[attr].kind != STATE)
				continue;
			if (flow_has(a, attr) && flow_has(b, attr)) {
				if (!same_value(a, b, attr))
					return false;
			} else if (!may_be_naught(attr) || !is_naught(a, attr) ||
				   !is_naught(b, attr)) {
				return false;
			}
		}
	}
	if (flow_has(a, FLOW_REPL_L4PROTO) && flow_l4_is_icmp(ra->l4))
		return ra->icmp_id_be == rb->icmp_id_be && ra->icmp_type == rb->icmp_type &&
		       ra->icmp_code == rb->icmp_code;
	return true;
}
