/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "nfct/attr_table.h"
#include "nfct/bitmask.h"
#include "nfct/compare.h"
#include "nfct/export.h"

enum {
	CMP_TIMEOUT = NFCT_CMP_TIMEOUT_EQ | NFCT_CMP_TIMEOUT_GT | NFCT_CMP_TIMEOUT_LT,
	CMP_RULES = NFCT_CMP_MASK | NFCT_CMP_STRICT | CMP_TIMEOUT, /* how, the rest is: what */
};

/* What a tuple is made of. */
struct tuple_attrs {
	uint8_t l3, l4, zone;
	uint8_t addr[4], port[2];
};

static const struct tuple_attrs tuple_attrs[FLOW_DIRS] = {
	[FLOW_ORIG] = {FLOW_ORIG_L3PROTO, FLOW_ORIG_L4PROTO, FLOW_ORIG_ZONE,
		{FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST, FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST},
		{FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST}},
	[FLOW_REPL] = {FLOW_REPL_L3PROTO, FLOW_REPL_L4PROTO, FLOW_REPL_ZONE,
		{FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST, FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST},
		{FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST}},
};

/* Heads and whole objects alike: the presence set comes first, the table says where the rest is. */
static bool has(const void *object, enum flow_attr a)
{
	const uint32_t *set = object;

	return set[a / 32] >> (a % 32) & 1;
}

static const void *at(const void *object, enum flow_attr a)
{
	return (const uint8_t *)object + attr_table[a].offset;
}

enum presence { BOTH, EQUAL, DIFFERENT };

/* What follows from who has the attribute; with both the values decide. */
static enum presence presence(const void *a, const void *b, enum flow_attr attr, unsigned flags)
{
	bool in_a = has(a, attr), in_b = has(b, attr);

	if (in_a && in_b)
		return BOTH;
	if (in_a)
		return flags & (NFCT_CMP_MASK | NFCT_CMP_STRICT) ? DIFFERENT : EQUAL;
	if (in_b)
		return flags & NFCT_CMP_STRICT ? DIFFERENT : EQUAL;
	return EQUAL;
}

/* memcmp() would be called for a size that the compiler does not see. */
static bool same_bytes(const void *a, const void *b, unsigned size)
{
	switch (size) {
	case sizeof(uint8_t):
		return memcmp(a, b, sizeof(uint8_t)) == 0;
	case sizeof(uint16_t):
		return memcmp(a, b, sizeof(uint16_t)) == 0;
	case sizeof(uint32_t):
		return memcmp(a, b, sizeof(uint32_t)) == 0;
	}
	return memcmp(a, b, size) == 0;
}

static bool same(const void *a, const void *b, enum flow_attr attr, unsigned flags)
{
	enum presence p = presence(a, b, attr, flags);

	if (p != BOTH)
		return p == EQUAL;
	return same_bytes(at(a, attr), at(b, attr), attr_table[attr].size);
}

/* Marks and zones: none is as good as 0. */
static bool same_or_zero(const void *a, const void *b, enum flow_attr attr, unsigned flags)
{
	static const uint32_t zero = 0;
	const void *value_a = has(a, attr) ? at(a, attr) : &zero;
	const void *value_b = has(b, attr) ? at(b, attr) : &zero;

	return presence(a, b, attr, flags) == EQUAL ||
	       same_bytes(value_a, value_b, attr_table[attr].size);
}

/* Keys count where both say whose they are; GRE's have never counted. */
static bool same_key(const void *a, const void *b, const struct tuple_attrs *of, unsigned flags)
{
	uint8_t l4;

	if (!has(a, of->l4) || !has(b, of->l4))
		return true;
	l4 = *(const uint8_t *)at(a, of->l4);
	if (flow_l4_is_icmp(l4))
		return same(a, b, FLOW_ICMP_ID, flags) && same(a, b, FLOW_ICMP_CODE, flags) &&
		       same(a, b, FLOW_ICMP_TYPE, flags);
	return !flow_l4_has_ports(l4) ||
	       (same(a, b, of->port[0], flags) && same(a, b, of->port[1], flags));
}

static bool same_tuple(const void *a, const void *b, enum flow_dir dir, unsigned flags)
{
	const struct tuple_attrs *of = &tuple_attrs[dir];

	for (unsigned i = 0; i < sizeof(of->addr); i++)
		if (!same(a, b, of->addr[i], flags))
			return false;
	return same(a, b, of->l3, flags) && same(a, b, of->l4, flags) &&
	       same_key(a, b, of, flags) && same_or_zero(a, b, of->zone, flags);
}

bool compare_heads(const struct flow_head *a, const struct flow_head *b, unsigned flags)
{
	return same_tuple(a, b, FLOW_ORIG, flags);
}

/* Without any of the timeout flags: equal. */
static bool same_timeout(const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	enum presence p = presence(a, b, FLOW_TIMEOUT, flags);
	uint32_t t1 = a->flow.timeout, t2 = b->flow.timeout;

	if (p != BOTH)
		return p == EQUAL;
	if (!(flags & CMP_TIMEOUT))
		return t1 == t2;
	return ((flags & NFCT_CMP_TIMEOUT_EQ) && t1 == t2) ||
	       ((flags & NFCT_CMP_TIMEOUT_GT) && t1 > t2) ||
	       ((flags & NFCT_CMP_TIMEOUT_LT) && t1 < t2);
}

/* What a has, b must have, too. */
static bool has_status(const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	enum presence p = presence(a, b, FLOW_STATUS, flags);

	if (p != BOTH)
		return p == EQUAL;
	return (a->flow.status & ~b->flow.status) == 0;
}

static bool same_secctx(const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	const struct flow_span *s1 = &a->flow.secctx, *s2 = &b->flow.secctx;
	enum presence p = presence(a, b, FLOW_SECCTX, flags);

	if (p != BOTH)
		return p == EQUAL;
	if (!s1->data || !s2->data)
		return s1->data == s2->data;
	return s1->len == s2->len && memcmp(s1->data, s2->data, s1->len) == 0;
}

static bool same_labels(const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	enum presence bits = presence(a, b, FLOW_LABELS, flags);
	enum presence mask = presence(a, b, FLOW_LABELS_MASK, flags);

	if (bits == BOTH)
		bits = bitmask_same_bits(a->labels, b->labels) ? EQUAL : DIFFERENT;
	if (mask == BOTH)
		mask = bitmask_same_bits(a->labels_mask, b->labels_mask) ? EQUAL : DIFFERENT;
	return bits == EQUAL && mask == EQUAL;
}

static bool same_meta(const struct nf_conntrack *a, const struct nf_conntrack *b, unsigned flags)
{
	return same(a, b, FLOW_ID, flags) && same_or_zero(a, b, FLOW_MARK, flags) &&
	       same_timeout(a, b, flags) && has_status(a, b, flags) &&
	       same(a, b, FLOW_TCP_STATE, flags) && same(a, b, FLOW_SCTP_STATE, flags) &&
	       same(a, b, FLOW_DCCP_STATE, flags) && same_or_zero(a, b, FLOW_ZONE, flags) &&
	       same_secctx(a, b, flags) && same_labels(a, b, flags);
}

/**
 * Compares two connections.
 *
 * Compared are, of each tuple: both protocols, the addresses, the zone and, if both have the same
 * layer 4 protocol, ports or ICMP's id, code and type; of the rest: id, mark, timeout, status
 * (which must be in ct2's, that may have more), TCP's, SCTP's and DCCP's state, zone, security
 * context, labels and their mask. Anything else, GRE's keys too, may differ.
 *
 * An attribute that only one has makes no difference; with NFCT_CMP_MASK one that only ct1 has does
 * and with NFCT_CMP_STRICT one that only either has does, unless it is a mark or a zone of 0.
 *
 * @param ct1 one
 * @param ct2 the other; the result may change if they are swapped
 * @param flags NFCT_CMP_ALL, or NFCT_CMP_ORIG and NFCT_CMP_REPL for these tuples alone; combined
 *        with one of NFCT_CMP_TIMEOUT_*: ct1's timeout must be equal to, greater than ... ct2's,
 *        whatever else is compared; and with NFCT_CMP_MASK or NFCT_CMP_STRICT
 * @return 1: equal, 0: different or an error
 * @errors EINVAL: an object is NULL
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_cmp(
	const struct nf_conntrack *ct1, const struct nf_conntrack *ct2, unsigned int flags)
{
	unsigned parts = flags & ~(unsigned)CMP_RULES;
	struct nf_conntrack room1, room2;

	if (!ct1 || !ct2) {
		errno = EINVAL;
		return 0;
	}
	ct1 = object_whole(ct1, &room1);
	ct2 = object_whole(ct2, &room2);
	if (parts == 0 && !same_meta(ct1, ct2, flags))
		return 0;
	if ((parts == 0 || (parts & NFCT_CMP_ORIG)) && !same_tuple(ct1, ct2, FLOW_ORIG, flags))
		return 0;
	if ((parts == 0 || (parts & NFCT_CMP_REPL)) && !same_tuple(ct1, ct2, FLOW_REPL, flags))
		return 0;
	return !(flags & CMP_TIMEOUT) || same_timeout(ct1, ct2, flags);
}

/**
 * Compares two connections; as nfct_cmp() with NFCT_CMP_ALL.
 *
 * @param ct1 one
 * @param ct2 the other
 * @return 1: equal, 0: different or an error
 * @errors EINVAL: an object is NULL
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_compare(const struct nf_conntrack *ct1, const struct nf_conntrack *ct2)
{
	return nfct_cmp(ct1, ct2, NFCT_CMP_ALL);
}
