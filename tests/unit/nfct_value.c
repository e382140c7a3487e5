/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "nfct/bitmask.h"
#include "nfct_value.h"

#define INTEGER(bits, cp)                                                                          \
	{                                                                                          \
		FACT_INTEGER, (bits) / 8, NFCT_CP_##cp                                             \
	}
#define READ_ONLY(bits)                                                                            \
	{                                                                                          \
		FACT_READ_ONLY, (bits) / 8, NFCT_CP_META                                           \
	}
#define ADDRESS(cp)                                                                                \
	{                                                                                          \
		FACT_ADDRESS, 16, NFCT_CP_##cp                                                     \
	}

const struct nfct_fact nfct_facts[ATTR_MAX] = {
	[ATTR_ORIG_IPV4_SRC] = INTEGER(32, ORIG),
	[ATTR_ORIG_IPV4_DST] = INTEGER(32, ORIG),
	[ATTR_REPL_IPV4_SRC] = INTEGER(32, REPL),
	[ATTR_REPL_IPV4_DST] = INTEGER(32, REPL),
	[ATTR_ORIG_IPV6_SRC] = ADDRESS(ORIG),
	[ATTR_ORIG_IPV6_DST] = ADDRESS(ORIG),
	[ATTR_REPL_IPV6_SRC] = ADDRESS(REPL),
	[ATTR_REPL_IPV6_DST] = ADDRESS(REPL),
	[ATTR_ORIG_PORT_SRC] = INTEGER(16, ORIG),
	[ATTR_ORIG_PORT_DST] = INTEGER(16, ORIG),
	[ATTR_REPL_PORT_SRC] = INTEGER(16, REPL),
	[ATTR_REPL_PORT_DST] = INTEGER(16, REPL),
	[ATTR_ICMP_TYPE] = INTEGER(8, ORIG),
	[ATTR_ICMP_CODE] = INTEGER(8, ORIG),
	[ATTR_ICMP_ID] = INTEGER(16, ORIG),
	[ATTR_ORIG_L3PROTO] = INTEGER(8, ORIG),
	[ATTR_REPL_L3PROTO] = INTEGER(8, REPL),
	[ATTR_ORIG_L4PROTO] = INTEGER(8, ORIG),
	[ATTR_REPL_L4PROTO] = INTEGER(8, REPL),
	[ATTR_TCP_STATE] = INTEGER(8, META),
	[ATTR_SNAT_IPV4] = INTEGER(32, META),
	[ATTR_DNAT_IPV4] = INTEGER(32, META),
	[ATTR_SNAT_PORT] = INTEGER(16, META),
	[ATTR_DNAT_PORT] = INTEGER(16, META),
	[ATTR_TIMEOUT] = INTEGER(32, META),
	[ATTR_MARK] = INTEGER(32, META),
	[ATTR_ORIG_COUNTER_PACKETS] = READ_ONLY(64),
	[ATTR_REPL_COUNTER_PACKETS] = READ_ONLY(64),
	[ATTR_ORIG_COUNTER_BYTES] = READ_ONLY(64),
	[ATTR_REPL_COUNTER_BYTES] = READ_ONLY(64),
	[ATTR_USE] = READ_ONLY(32),
	[ATTR_ID] = INTEGER(32, META),
	[ATTR_STATUS] = INTEGER(32, META),
	[ATTR_TCP_FLAGS_ORIG] = INTEGER(8, META),
	[ATTR_TCP_FLAGS_REPL] = INTEGER(8, META),
	[ATTR_TCP_MASK_ORIG] = INTEGER(8, META),
	[ATTR_TCP_MASK_REPL] = INTEGER(8, META),
	[ATTR_MASTER_IPV4_SRC] = INTEGER(32, META),
	[ATTR_MASTER_IPV4_DST] = INTEGER(32, META),
	[ATTR_MASTER_IPV6_SRC] = ADDRESS(META),
	[ATTR_MASTER_IPV6_DST] = ADDRESS(META),
	[ATTR_MASTER_PORT_SRC] = INTEGER(16, META),
	[ATTR_MASTER_PORT_DST] = INTEGER(16, META),
	[ATTR_MASTER_L3PROTO] = INTEGER(8, META),
	[ATTR_MASTER_L4PROTO] = INTEGER(8, META),
	[ATTR_SECMARK] = INTEGER(32, META),
	[ATTR_ORIG_NAT_SEQ_CORRECTION_POS] = INTEGER(32, META),
	[ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE] = INTEGER(32, META),
	[ATTR_ORIG_NAT_SEQ_OFFSET_AFTER] = INTEGER(32, META),
	[ATTR_REPL_NAT_SEQ_CORRECTION_POS] = INTEGER(32, META),
	[ATTR_REPL_NAT_SEQ_OFFSET_BEFORE] = INTEGER(32, META),
	[ATTR_REPL_NAT_SEQ_OFFSET_AFTER] = INTEGER(32, META),
	[ATTR_SCTP_STATE] = INTEGER(8, META),
	[ATTR_SCTP_VTAG_ORIG] = INTEGER(32, META),
	[ATTR_SCTP_VTAG_REPL] = INTEGER(32, META),
	[ATTR_HELPER_NAME] = {FACT_NAME, 16, NFCT_CP_META},
	[ATTR_DCCP_STATE] = INTEGER(8, META),
	[ATTR_DCCP_ROLE] = INTEGER(8, META),
	[ATTR_DCCP_HANDSHAKE_SEQ] = INTEGER(64, META),
	[ATTR_TCP_WSCALE_ORIG] = INTEGER(8, META),
	[ATTR_TCP_WSCALE_REPL] = INTEGER(8, META),
	[ATTR_ZONE] = INTEGER(16, META),
	[ATTR_SECCTX] = {FACT_TEXT, 0, NFCT_CP_META},
	[ATTR_TIMESTAMP_START] = READ_ONLY(64),
	[ATTR_TIMESTAMP_STOP] = READ_ONLY(64),
	[ATTR_HELPER_INFO] = {FACT_BYTES, 0, NFCT_CP_META},
	[ATTR_CONNLABELS] = {FACT_LABELS, 0, NFCT_CP_META},
	[ATTR_CONNLABELS_MASK] = {FACT_LABELS, 0, NFCT_CP_META},
	[ATTR_ORIG_ZONE] = INTEGER(16, META),
	[ATTR_REPL_ZONE] = INTEGER(16, META),
	[ATTR_SNAT_IPV6] = ADDRESS(META),
	[ATTR_DNAT_IPV6] = ADDRESS(META),
	[ATTR_SYNPROXY_ISN] = INTEGER(32, META),
	[ATTR_SYNPROXY_ITS] = INTEGER(32, META),
	[ATTR_SYNPROXY_TSOFF] = INTEGER(32, META),
	[ATTR_TIMESTAMP_EVENT] = {FACT_KERNEL, 8, NFCT_CP_META},
};

uint64_t nfct_value_number(enum nf_conntrack_attr a, unsigned n)
{
	uint64_t number = n * UINT64_C(0x0102030405060701);
	unsigned bits = nfct_facts[a].size * 8u;

	return bits < 64 ? number & ((UINT64_C(1) << bits) - 1) : number;
}

static void give_from_within(struct nf_conntrack *ct, enum nf_conntrack_attr a, uint64_t number)
{
	struct flow *f = &ct->flow;

	if (a == ATTR_ORIG_COUNTER_PACKETS)
		f->counters[FLOW_ORIG].packets = number;
	else if (a == ATTR_ORIG_COUNTER_BYTES)
		f->counters[FLOW_ORIG].bytes = number;
	else if (a == ATTR_REPL_COUNTER_PACKETS)
		f->counters[FLOW_REPL].packets = number;
	else if (a == ATTR_REPL_COUNTER_BYTES)
		f->counters[FLOW_REPL].bytes = number;
	else if (a == ATTR_USE)
		f->use = (uint32_t)number;
	else if (a == ATTR_TIMESTAMP_START)
		f->timestamp_start = number;
	else if (a == ATTR_TIMESTAMP_STOP)
		f->timestamp_stop = number;
	else
		f->timestamp_event = number;
	flow_mark_set(f, (enum flow_attr)a);
}

static void give_own(struct nf_conntrack *ct, enum nf_conntrack_attr a, unsigned n)
{
	char text[24] = "value-";
	struct nfct_bitmask *labels;

	text[6] = (char)('A' + n / 16);
	text[7] = (char)('A' + n % 16);
	if (nfct_facts[a].kind == FACT_NAME) {
		nfct_set_attr(ct, a, text);
	} else if (nfct_facts[a].kind == FACT_TEXT) {
		object_set_secctx(ct, text, strlen(text));
		flow_mark_set(&ct->flow, FLOW_SECCTX);
	} else if (nfct_facts[a].kind == FACT_BYTES) {
		nfct_set_attr_l(ct, a, text, 4 + n % 16);
	} else {
		labels = nfct_bitmask_new(32 + n);
		nfct_bitmask_set_bit(labels, n);
		nfct_set_attr(ct, a, labels);
	}
}

void nfct_value_give(struct nf_conntrack *ct, enum nf_conntrack_attr a, unsigned n)
{
	uint8_t address[16];

	switch ((enum nfct_fact_kind)nfct_facts[a].kind) {
	case FACT_INTEGER:
		nfct_set_attr_u64(ct, a, nfct_value_number(a, n));
		break;
	case FACT_READ_ONLY:
	case FACT_KERNEL:
		give_from_within(ct, a, nfct_value_number(a, n));
		break;
	case FACT_ADDRESS:
		for (unsigned i = 0; i < sizeof(address); i++)
			address[i] = (uint8_t)(n + i);
		nfct_set_attr(ct, a, address);
		break;
	case FACT_NAME:
	case FACT_TEXT:
	case FACT_BYTES:
	case FACT_LABELS:
		give_own(ct, a, n);
		break;
	}
}

bool nfct_value_same(
	const struct nf_conntrack *ct1, const struct nf_conntrack *ct2, enum nf_conntrack_attr a)
{
	const void *v1 = nfct_get_attr(ct1, a), *v2 = nfct_get_attr(ct2, a);

	if (nfct_attr_is_set(ct1, a) != 1 || nfct_attr_is_set(ct2, a) != 1 || !v1 || !v2 ||
		v1 == v2)
		return false;
	switch ((enum nfct_fact_kind)nfct_facts[a].kind) {
	case FACT_INTEGER:
	case FACT_READ_ONLY:
	case FACT_KERNEL:
	case FACT_ADDRESS:
		return memcmp(v1, v2, nfct_facts[a].size) == 0;
	case FACT_NAME:
	case FACT_TEXT:
		return strcmp(v1, v2) == 0;
	case FACT_BYTES:
		return ct1->flow.helper_info.len == ct2->flow.helper_info.len &&
		       memcmp(v1, v2, ct1->flow.helper_info.len) == 0;
	case FACT_LABELS:
		return nfct_bitmask_equal(v1, v2);
	}
	return false;
}

struct nf_conntrack *nfct_value_new_head(void)
{
	struct flow_head *head = calloc(1, sizeof(*head));

	if (head)
		head->set[OBJECT_TAG_WORD] = OBJECT_TAG_HEAD;
	return (struct nf_conntrack *)head;
}

bool nfct_value_is_in_head(enum nf_conntrack_attr a)
{
	return nfct_facts[a].copied == NFCT_CP_ORIG || a == ATTR_ORIG_ZONE;
}
