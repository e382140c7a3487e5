/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "nfct/attr_table.h"
#include "nfct/export.h"

enum { MEMBERS_MAX = 3 };

enum group_kind {
	GROUP_VALUES, /* all members make it; each has its place in the structure */
	GROUP_READ_ONLY, /* the same, but setting only marks them */
	GROUP_EITHER, /* any member makes it; setting only marks them */
};

struct member {
	uint8_t attr; /* enum flow_attr */
	uint8_t offset; /* [bytes] into the group's structure */
};

static const struct group {
	uint8_t kind; /* enum group_kind */
	uint8_t count; /* of members */
	struct member member[MEMBERS_MAX];
	/* A protocol belongs to the group, but not to the structure: all is 0 where there is none.
	 */
	uint8_t proto; /* enum flow_attr */
	uint8_t l3; /* what it is set to; 0: what it was */
} groups[ATTR_GRP_MAX] = {
	[ATTR_GRP_ORIG_IPV4] = {GROUP_VALUES, 2,
		{{FLOW_ORIG_IPV4_SRC, offsetof(struct nfct_attr_grp_ipv4, src)},
			{FLOW_ORIG_IPV4_DST, offsetof(struct nfct_attr_grp_ipv4, dst)}},
		FLOW_ORIG_L3PROTO, AF_INET},
	[ATTR_GRP_REPL_IPV4] = {GROUP_VALUES, 2,
		{{FLOW_REPL_IPV4_SRC, offsetof(struct nfct_attr_grp_ipv4, src)},
			{FLOW_REPL_IPV4_DST, offsetof(struct nfct_attr_grp_ipv4, dst)}},
		FLOW_REPL_L3PROTO, AF_INET},
	[ATTR_GRP_ORIG_IPV6] = {GROUP_VALUES, 2,
		{{FLOW_ORIG_IPV6_SRC, offsetof(struct nfct_attr_grp_ipv6, src)},
			{FLOW_ORIG_IPV6_DST, offsetof(struct nfct_attr_grp_ipv6, dst)}},
		FLOW_ORIG_L3PROTO, AF_INET6},
	[ATTR_GRP_REPL_IPV6] = {GROUP_VALUES, 2,
		{{FLOW_REPL_IPV6_SRC, offsetof(struct nfct_attr_grp_ipv6, src)},
			{FLOW_REPL_IPV6_DST, offsetof(struct nfct_attr_grp_ipv6, dst)}},
		FLOW_REPL_L3PROTO, AF_INET6},
	[ATTR_GRP_ORIG_PORT] = {GROUP_VALUES, 2,
		{{FLOW_ORIG_PORT_SRC, offsetof(struct nfct_attr_grp_port, sport)},
			{FLOW_ORIG_PORT_DST, offsetof(struct nfct_attr_grp_port, dport)}},
		FLOW_ORIG_L4PROTO, 0},
	[ATTR_GRP_REPL_PORT] = {GROUP_VALUES, 2,
		{{FLOW_REPL_PORT_SRC, offsetof(struct nfct_attr_grp_port, sport)},
			{FLOW_REPL_PORT_DST, offsetof(struct nfct_attr_grp_port, dport)}},
		FLOW_REPL_L4PROTO, 0},
	[ATTR_GRP_ICMP] = {GROUP_VALUES, 3,
		{{FLOW_ICMP_ID, offsetof(struct nfct_attr_grp_icmp, id)},
			{FLOW_ICMP_CODE, offsetof(struct nfct_attr_grp_icmp, code)},
			{FLOW_ICMP_TYPE, offsetof(struct nfct_attr_grp_icmp, type)}}},
	[ATTR_GRP_MASTER_IPV4] = {GROUP_VALUES, 2,
		{{FLOW_MASTER_IPV4_SRC, offsetof(struct nfct_attr_grp_ipv4, src)},
			{FLOW_MASTER_IPV4_DST, offsetof(struct nfct_attr_grp_ipv4, dst)}},
		FLOW_MASTER_L3PROTO, AF_INET},
	[ATTR_GRP_MASTER_IPV6] = {GROUP_VALUES, 2,
		{{FLOW_MASTER_IPV6_SRC, offsetof(struct nfct_attr_grp_ipv6, src)},
			{FLOW_MASTER_IPV6_DST, offsetof(struct nfct_attr_grp_ipv6, dst)}},
		FLOW_MASTER_L3PROTO, AF_INET6},
	[ATTR_GRP_MASTER_PORT] = {GROUP_VALUES, 2,
		{{FLOW_MASTER_PORT_SRC, offsetof(struct nfct_attr_grp_port, sport)},
			{FLOW_MASTER_PORT_DST, offsetof(struct nfct_attr_grp_port, dport)}},
		FLOW_MASTER_L4PROTO, 0},
	[ATTR_GRP_ORIG_COUNTERS] = {GROUP_READ_ONLY, 2,
		{{FLOW_ORIG_COUNTER_PACKETS, offsetof(struct nfct_attr_grp_ctrs, packets)},
			{FLOW_ORIG_COUNTER_BYTES, offsetof(struct nfct_attr_grp_ctrs, bytes)}}},
	[ATTR_GRP_REPL_COUNTERS] = {GROUP_READ_ONLY, 2,
		{{FLOW_REPL_COUNTER_PACKETS, offsetof(struct nfct_attr_grp_ctrs, packets)},
			{FLOW_REPL_COUNTER_BYTES, offsetof(struct nfct_attr_grp_ctrs, bytes)}}},
	[ATTR_GRP_ORIG_ADDR_SRC] = {GROUP_EITHER, 2, {{FLOW_ORIG_IPV4_SRC}, {FLOW_ORIG_IPV6_SRC}}},
	[ATTR_GRP_ORIG_ADDR_DST] = {GROUP_EITHER, 2, {{FLOW_ORIG_IPV4_DST}, {FLOW_ORIG_IPV6_DST}}},
	[ATTR_GRP_REPL_ADDR_SRC] = {GROUP_EITHER, 2, {{FLOW_REPL_IPV4_SRC}, {FLOW_REPL_IPV6_SRC}}},
	[ATTR_GRP_REPL_ADDR_DST] = {GROUP_EITHER, 2, {{FLOW_REPL_IPV4_DST}, {FLOW_REPL_IPV6_DST}}},
};

/* NULL with errno if an argument is NULL or the group is not known. */
static const struct group *group_of(
	const struct nf_conntrack *ct, enum nf_conntrack_attr_grp type, const void *data)
{
	if (ct && data && type < ATTR_GRP_MAX)
		return &groups[type];
	errno = EINVAL;
	return NULL;
}

static bool has_proto(const struct group *g)
{
	return g->proto != 0;
}

static bool has_room(const struct nf_conntrack *ct, const struct group *g)
{
	for (unsigned i = 0; i < g->count; i++)
		if (!attr_has_room(ct, &attr_table[g->member[i].attr]))
			return false;
	return !has_proto(g) || attr_has_room(ct, &attr_table[g->proto]);
}

/**
 * Sets attributes that belong together.
 *
 * Groups of addresses set the layer 3 protocol as well; groups of ports mark the layer 4 protocol
 * as present, whose value remains. Of counters and of the groups that give one address of either
 * family only the presence is set, the values remain.
 *
 * @param ct the object
 * @param type which group
 * @param value the structure that enum nf_conntrack_attr_grp names
 * @errors EINVAL: ct or value is NULL, the group is not known, or ct is an expectation's tuple and
 *         the group does not belong to the original tuple; nothing is changed
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_grp(
	struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type, const void *value)
{
	const struct group *g = group_of(ct, type, value);

	if (!g)
		return;
	if (!has_room(ct, g)) {
		errno = EINVAL;
		return;
	}
	for (unsigned i = 0; i < g->count; i++) {
		const struct member *m = &g->member[i];

		if (g->kind == GROUP_VALUES)
			attr_set(ct, m->attr, (const uint8_t *)value + m->offset, 0);
		else
			flow_mark_set(&ct->flow, m->attr);
	}
	if (!has_proto(g))
		return;
	if (g->l3)
		attr_set(ct, g->proto, &g->l3, 0);
	else
		flow_mark_set(&ct->flow, g->proto);
}

static bool is_set(const struct nf_conntrack *ct, const struct group *g)
{
	unsigned present = 0;

	for (unsigned i = 0; i < g->count; i++)
		present += flow_has(&ct->flow, g->member[i].attr);
	if (g->kind == GROUP_EITHER)
		return present > 0;
	return present == g->count && (!has_proto(g) || flow_has(&ct->flow, g->proto));
}

/**
 * Gives attributes that belong together.
 *
 * @param ct the object
 * @param type which group
 * @param data filled with the structure that enum nf_conntrack_attr_grp names
 * @return 0, or -1
 * @errors EINVAL: ct or data is NULL or the group is not known. ENODATA: an attribute of the group
 *         is not present or, for one address of either family, none is
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_get_attr_grp(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type, void *data)
{
	const struct group *g = group_of(ct, type, data);

	if (!g)
		return -1;
	if (!is_set(ct, g)) {
		errno = ENODATA;
		return -1;
	}
	/* Of either family: the second, larger member covers the first. */
	for (unsigned i = 0; i < g->count; i++) {
		const struct attr_place *a = &attr_table[g->member[i].attr];

		memcpy((uint8_t *)data + g->member[i].offset, attr_at_const(ct, a), a->size);
	}
	return 0;
}

/**
 * Are attributes that belong together present?
 *
 * @param ct the object
 * @param type which group
 * @return 1: all are or, for one address of either family, any is; 0: no; -1: error
 * @errors EINVAL: ct is NULL or the group is not known
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_attr_grp_is_set(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type)
{
	const struct group *g = group_of(ct, type, ct);

	return g ? is_set(ct, g) : -1;
}

/**
 * Makes attributes that belong together absent.
 *
 * @param ct the object
 * @param type which group
 * @return 0, or -1
 * @errors EINVAL: ct is NULL or the group is not known
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_attr_grp_unset(struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type)
{
	const struct group *g = group_of(ct, type, ct);

	if (!g)
		return -1;
	for (unsigned i = 0; i < g->count; i++)
		flow_mark_unset(&ct->flow, g->member[i].attr);
	if (has_proto(g))
		flow_mark_unset(&ct->flow, g->proto);
	return 0;
}
