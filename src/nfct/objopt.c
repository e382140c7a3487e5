/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/status.h"
#include "nfct/export.h"
#include "nfct/object.h"

static bool same_addr(uint8_t l3, const union flow_addr *a, const union flow_addr *b)
{
	switch (l3) {
	case AF_INET:
		return a->v4_be == b->v4_be;
	case AF_INET6:
		return memcmp(a->v6_be, b->v6_be, sizeof(a->v6_be)) == 0;
	}
	return true;
}

/* The reply's mapped address becomes the one that is wanted, and what it would be without it. */
static void undo_addr(struct flow *f, union flow_addr *wanted, enum flow_attr v4, enum flow_attr v6,
	union flow_addr *repl, const union flow_addr *orig)
{
	switch (f->tuple[FLOW_ORIG].l3) {
	case AF_INET:
		wanted->v4_be = repl->v4_be;
		repl->v4_be = orig->v4_be;
		flow_mark_set(f, v4);
		break;
	case AF_INET6:
		*wanted = *repl;
		*repl = *orig;
		flow_mark_set(f, v6);
		break;
	}
}

/*
 * One tuple as the answer to the other. Values alone count; ICMP's cells already are as they must
 * be (the setters fill both), and there are none in protocols that have no key.
 */
static void setup_tuple(struct flow *f, enum flow_dir to)
{
	const struct flow_tuple *from = &f->tuple[to == FLOW_ORIG ? FLOW_REPL : FLOW_ORIG];
	struct flow_tuple *t = &f->tuple[to];

	t->l3 = from->l3;
	t->l4 = from->l4;
	t->src = from->dst;
	t->dst = from->src;
	if (flow_l4_has_key(t->l4) && !flow_l4_is_icmp(t->l4)) {
		t->sport_be = from->dport_be;
		t->dport_be = from->sport_be;
	}
	for (enum flow_attr a = FLOW_ORIG_IPV4_SRC; a <= FLOW_REPL_L4PROTO; a++)
		flow_mark_set(f, a);
}

/**
 * Makes parts of a connection's tuples from each other.
 *
 * NFCT_SOPT_UNDO_SNAT, _DNAT: by the original layer 3 protocol, the address that the reply tuple
 * shows becomes the one that is wanted (ATTR_SNAT_IPV4 ...), and the reply tuple is as if there was
 * no such mapping. NFCT_SOPT_UNDO_SPAT, _DPAT: likewise with the port, whatever the protocol.
 * NFCT_SOPT_SETUP_REPLY, _ORIGINAL: that tuple becomes the answer to the other one; all attributes
 * of both tuples (0 to 18) are marked as present, of whatever protocol.
 *
 * @param ct the object
 * @param option NFCT_SOPT_*
 * @return 0, or -1
 * @errors EINVAL: ct is NULL or an expectation's tuple. EOPNOTSUPP: the option is not known
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT int nfct_setobjopt(struct nf_conntrack *ct, unsigned int option)
{
	struct flow_tuple *orig, *repl;
	struct flow *f;

	if (!ct || object_tag(ct) == OBJECT_TAG_HEAD) {
		errno = EINVAL;
		return -1;
	}
	f = &ct->flow;
	orig = &f->tuple[FLOW_ORIG];
	repl = &f->tuple[FLOW_REPL];
	switch (option) {
	case NFCT_SOPT_UNDO_SNAT:
		undo_addr(f, &f->snat, FLOW_SNAT_IPV4, FLOW_SNAT_IPV6, &repl->dst, &orig->src);
		return 0;
	case NFCT_SOPT_UNDO_DNAT:
		undo_addr(f, &f->dnat, FLOW_DNAT_IPV4, FLOW_DNAT_IPV6, &repl->src, &orig->dst);
		return 0;
	case NFCT_SOPT_UNDO_SPAT:
		f->snat_port_be = repl->dport_be;
		repl->dport_be = orig->sport_be;
		flow_mark_set(f, FLOW_SNAT_PORT);
		return 0;
	case NFCT_SOPT_UNDO_DPAT:
		f->dnat_port_be = repl->sport_be;
		repl->sport_be = orig->dport_be;
		flow_mark_set(f, FLOW_DNAT_PORT);
		return 0;
	case NFCT_SOPT_SETUP_ORIGINAL:
		setup_tuple(f, FLOW_ORIG);
		return 0;
	case NFCT_SOPT_SETUP_REPLY:
		setup_tuple(f, FLOW_REPL);
		return 0;
	}
	errno = EOPNOTSUPP;
	return -1;
}

/* Without a status the tuples alone tell. */
static bool may_be_nat(const struct flow *f, uint32_t done)
{
	return !flow_has(f, FLOW_STATUS) || (f->status & done);
}

/**
 * Is a connection mapped, as its tuples and status show?
 *
 * Mapped is what the status, if there is one, calls mapped and where the reply tuple's address or
 * port is not the original's. Addresses are compared by the original layer 3 protocol; ICMP has no
 * ports. The values count, not which attributes are present.
 *
 * @param ct the object
 * @param option NFCT_GOPT_IS_SNAT, _DNAT: the address; _SPAT, _DPAT: the port
 * @return 1: yes, 0: no, -1: error
 * @errors EINVAL: ct is NULL. EOPNOTSUPP: the option is not known
 * @source IPS_SRC_NAT_DONE and IPS_DST_NAT_DONE of linux/netfilter/nf_conntrack_common.h
 */
NFCT_EXPORT int nfct_getobjopt(const struct nf_conntrack *ct, unsigned int option)
{
	const struct flow_tuple *orig, *repl;
	struct nf_conntrack room;
	const struct flow *f;
	bool src, dst, ports;

	if (!ct) {
		errno = EINVAL;
		return -1;
	}
	f = &object_whole(ct, &room)->flow;
	orig = &f->tuple[FLOW_ORIG];
	repl = &f->tuple[FLOW_REPL];
	src = may_be_nat(f, FLOW_STATUS_SRC_NAT_DONE);
	dst = may_be_nat(f, FLOW_STATUS_DST_NAT_DONE);
	ports = !flow_l4_is_icmp(orig->l4);
	switch (option) {
	case NFCT_GOPT_IS_SNAT:
		return src && !same_addr(orig->l3, &repl->dst, &orig->src);
	case NFCT_GOPT_IS_DNAT:
		return dst && !same_addr(orig->l3, &repl->src, &orig->dst);
	case NFCT_GOPT_IS_SPAT:
		return src && ports && repl->dport_be != orig->sport_be;
	case NFCT_GOPT_IS_DPAT:
		return dst && ports && repl->sport_be != orig->dport_be;
	}
	errno = EOPNOTSUPP;
	return -1;
}
