/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nfct/filter_dump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "nfct/export.h"
#include "nfct/object.h"
#include "nlmsg/ct.h"

enum { FILTER_ATTRS_BYTES_MAX = 512 }; /* more than all conditions together take */

static const uint8_t magic[FILTER_DUMP_MAGIC_BYTES] = {0xfd, 'c', 't', 'f'};

bool filter_dump_is(const void *data)
{
	const uint8_t *bytes = (const uint8_t *)data;

	for (size_t i = 0; i < sizeof(magic); i++)
		if (bytes[i] != magic[i])
			return false;
	return true;
}

/**
 * Makes an empty filter for dumps and flushes, one that every entry passes.
 *
 * @return the filter, for nfct_filter_dump_destroy(), or NULL
 * @errors ENOMEM
 * @source CTA_FILTER and what stands beside it, linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT struct nfct_filter_dump *nfct_filter_dump_create(void)
{
	struct nfct_filter_dump *f = (struct nfct_filter_dump *)calloc(1, sizeof(*f));

	if (f)
		memcpy(f->magic, magic, sizeof(magic));
	return f;
}

/**
 * Frees a filter.
 *
 * @param filter of nfct_filter_dump_create(), or NULL
 * @errors none
 * @source free(3)
 */
NFCT_EXPORT void nfct_filter_dump_destroy(struct nfct_filter_dump *filter)
{
	if (!filter)
		return;
	if (filter->tuple)
		nfct_destroy(filter->tuple);
	memset(filter->magic, 0, sizeof(filter->magic));
	free(filter);
}

static void set_tuple(struct nfct_filter_dump *f, const struct nf_conntrack *ct)
{
	struct nf_conntrack *copy = nfct_clone(ct);

	if (!copy)
		return;
	if (f->tuple)
		nfct_destroy(f->tuple);
	f->tuple = copy;
	f->set |= 1U << NFCT_FILTER_DUMP_TUPLE;
}

/**
 * Adds a condition; of several, an entry has to meet each.
 *
 * NFCT_FILTER_DUMP_MARK and _STATUS: struct nfct_filter_dump_mark, met if value & mask == val.
 * _L3NUM: uint8_t, AF_INET or AF_INET6. _ZONE: uint16_t. _TUPLE: struct nf_conntrack, of which the
 * filter makes a copy; met if the entry's original tuple has what is set of that one's, and the
 * object's zone, mark and status, where it has them and the filter has none of its own. The same
 * type again replaces the former value.
 *
 * Of a tuple, IPv6 addresses and the zone of the one direction are not compared, since kernels do
 * not as they should (doc/KERNEL.md): a program that sets these looks at what comes itself.
 *
 * @param filter_dump filter
 * @param type what data is
 * @param data value, copied
 * @errors EINVAL: filter_dump or data is NULL, or the type unknown; ENOMEM; the filter is then as
 * it was
 * @source CTA_MARK_MASK, CTA_STATUS_MASK, CTA_ZONE, CTA_FILTER of
 * linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_filter_dump_set_attr(struct nfct_filter_dump *filter_dump,
	const enum nfct_filter_dump_attr type, const void *data)
{
	static const struct {
		size_t at, bytes;
	} values[] = {
		[NFCT_FILTER_DUMP_MARK] = {offsetof(struct nfct_filter_dump, mark),
			sizeof(struct nfct_filter_dump_mark)},
		[NFCT_FILTER_DUMP_L3NUM] = {offsetof(struct nfct_filter_dump, l3num), 1},
		[NFCT_FILTER_DUMP_STATUS] = {offsetof(struct nfct_filter_dump, status),
			sizeof(struct nfct_filter_dump_mark)},
		[NFCT_FILTER_DUMP_ZONE] = {offsetof(struct nfct_filter_dump, zone), 2},
	};

	if (!filter_dump || !data || (unsigned)type >= NFCT_FILTER_DUMP_MAX) {
		errno = EINVAL;
		return;
	}
	if (type == NFCT_FILTER_DUMP_TUPLE) {
		set_tuple(filter_dump, (const struct nf_conntrack *)data);
		return;
	}
	memcpy((uint8_t *)filter_dump + values[type].at, data, values[type].bytes);
	filter_dump->set |= 1U << type;
}

/**
 * Adds a condition that is a number.
 *
 * @param filter_dump filter
 * @param type NFCT_FILTER_DUMP_L3NUM or _ZONE
 * @param data value
 * @errors EINVAL: filter_dump is NULL, or the type is no number; the filter is then as it was
 * @source as of nfct_filter_dump_set_attr()
 */
NFCT_EXPORT void nfct_filter_dump_set_attr_u8(
	struct nfct_filter_dump *filter_dump, const enum nfct_filter_dump_attr type, uint8_t data)
{
	nfct_filter_dump_set_attr_u16(filter_dump, type, data);
}

/**
 * Adds a condition that is a number.
 *
 * @param filter_dump filter
 * @param type NFCT_FILTER_DUMP_ZONE or _L3NUM
 * @param data value
 * @errors EINVAL: filter_dump is NULL, the type is no number, or the value too large for it; the
 * filter is then as it was
 * @source as of nfct_filter_dump_set_attr()
 */
NFCT_EXPORT void nfct_filter_dump_set_attr_u16(
	struct nfct_filter_dump *filter_dump, const enum nfct_filter_dump_attr type, uint16_t data)
{
	uint8_t narrow = (uint8_t)data;

	if (type == NFCT_FILTER_DUMP_ZONE)
		nfct_filter_dump_set_attr(filter_dump, type, &data);
	else if (type == NFCT_FILTER_DUMP_L3NUM && narrow == data)
		nfct_filter_dump_set_attr(filter_dump, type, &narrow);
	else
		errno = EINVAL;
}

/* Which parts of the original tuple the kernel shall compare: those that are set and in use. */
static uint32_t tuple_flags(const struct flow *f)
{
	static const struct {
		enum flow_attr attr;
		uint32_t icmp, icmpv6, ports;
	} parts[] = {
		{FLOW_ORIG_PORT_SRC, 0, 0, CTA_FILTER_FLAG_CTA_PROTO_SRC_PORT},
		{FLOW_ORIG_PORT_DST, 0, 0, CTA_FILTER_FLAG_CTA_PROTO_DST_PORT},
		{FLOW_ICMP_TYPE, CTA_FILTER_FLAG_CTA_PROTO_ICMP_TYPE,
			CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_TYPE, 0},
		{FLOW_ICMP_CODE, CTA_FILTER_FLAG_CTA_PROTO_ICMP_CODE,
			CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_CODE, 0},
		{FLOW_ICMP_ID, CTA_FILTER_FLAG_CTA_PROTO_ICMP_ID,
			CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_ID, 0},
	};
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	uint32_t flags = 0;

	/* Asked for IPv6 addresses, kernels answer with the entries that have others. */
	if (t->l3 == AF_INET && flow_has(f, FLOW_ORIG_IPV4_SRC))
		flags |= CTA_FILTER_FLAG_CTA_IP_SRC;
	if (t->l3 == AF_INET && flow_has(f, FLOW_ORIG_IPV4_DST))
		flags |= CTA_FILTER_FLAG_CTA_IP_DST;
	if (flow_has(f, FLOW_ORIG_ZONE))
		flags |= CTA_FILTER_FLAG_CTA_TUPLE_ZONE;
	if (!flow_has(f, FLOW_ORIG_L4PROTO))
		return flags;
	flags |= CTA_FILTER_FLAG_CTA_PROTO_NUM;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!flow_has(f, parts[i].attr) || !flow_l4_has_key(t->l4))
			continue;
		flags |= t->l4 == IPPROTO_ICMP	   ? parts[i].icmp
			 : t->l4 == IPPROTO_ICMPV6 ? parts[i].icmpv6
						   : parts[i].ports;
	}
	return flags;
}

/* Nothing but what a dump can be filtered by. */
static struct flow tuple_flow(const struct nfct_filter_dump *f)
{
	static const enum flow_attr wanted[] = {FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST,
		FLOW_ORIG_IPV6_SRC, FLOW_ORIG_IPV6_DST, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST,
		FLOW_ICMP_TYPE, FLOW_ICMP_CODE, FLOW_ICMP_ID, FLOW_ORIG_L3PROTO, FLOW_ORIG_L4PROTO,
		FLOW_ORIG_ZONE, FLOW_ZONE, FLOW_MARK, FLOW_STATUS};
	struct nf_conntrack room;
	const struct flow *whole = &object_whole(f->tuple, &room)->flow;
	struct flow flow = *whole;

	memset(flow.set, 0, sizeof(flow.set));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (flow_has(whole, wanted[i]))
			flow_mark_set(&flow, wanted[i]);
	if (filter_dump_has(f, NFCT_FILTER_DUMP_MARK))
		flow_mark_unset(&flow, FLOW_MARK);
	if (filter_dump_has(f, NFCT_FILTER_DUMP_STATUS))
		flow_mark_unset(&flow, FLOW_STATUS);
	if (filter_dump_has(f, NFCT_FILTER_DUMP_ZONE))
		flow_mark_unset(&flow, FLOW_ZONE);
	return flow;
}

static int append_tuple(struct nlmsghdr *msg, size_t cap, const struct nfct_filter_dump *f)
{
	struct flow flow = tuple_flow(f);
	struct nfgenmsg *head = (struct nfgenmsg *)mnl_nlmsg_get_payload(msg);
	uint8_t l3 = flow.tuple[FLOW_ORIG].l3;
	struct nlattr *nest;
	int err;

	if (!flow_has(&flow, FLOW_ORIG_L3PROTO))
		return -EINVAL;
	if (filter_dump_has(f, NFCT_FILTER_DUMP_L3NUM) && f->l3num != l3)
		return -EINVAL;
	err = nlmsg_ct_append(msg, cap, &flow, NULL);
	if (err)
		return err;
	nest = mnl_attr_nest_start_check(msg, cap, CTA_FILTER);
	if (!nest || !mnl_attr_put_u32_check(msg, cap, CTA_FILTER_ORIG_FLAGS, tuple_flags(&flow)) ||
		!mnl_attr_put_u32_check(msg, cap, CTA_FILTER_REPLY_FLAGS, 0))
		return -EMSGSIZE;
	mnl_attr_nest_end(msg, nest);
	head->nfgen_family = l3;
	return 0;
}

static bool append_masked(struct nlmsghdr *msg, size_t cap, uint16_t type, uint16_t mask_type,
	const struct nfct_filter_dump_mark *m)
{
	return mnl_attr_put_u32_check(msg, cap, type, htonl(m->val)) &&
	       mnl_attr_put_u32_check(msg, cap, mask_type, htonl(m->mask));
}

static bool append_zone(struct nlmsghdr *msg, size_t cap, uint16_t zone)
{
	/* libmnl leaves the padding as it is. */
	const uint16_t padded[2] = {htons(zone), 0};
	uint8_t *payload = (uint8_t *)mnl_nlmsg_get_payload_tail(msg) + MNL_ATTR_HDRLEN;

	if (!mnl_attr_put_u16_check(msg, cap, CTA_ZONE, padded[0]))
		return false;
	memcpy(payload, padded, sizeof(padded));
	return true;
}

int filter_dump_append(struct nlmsghdr *msg, size_t cap, const struct nfct_filter_dump *f)
{
	struct nfgenmsg *head = (struct nfgenmsg *)mnl_nlmsg_get_payload(msg);
	uint32_t len = msg->nlmsg_len;
	uint8_t family = head->nfgen_family;
	int err = -EMSGSIZE;

	if (filter_dump_has(f, NFCT_FILTER_DUMP_MARK) &&
		!append_masked(msg, cap, CTA_MARK, CTA_MARK_MASK, &f->mark))
		goto undo;
	if (filter_dump_has(f, NFCT_FILTER_DUMP_L3NUM))
		head->nfgen_family = f->l3num;
	if (filter_dump_has(f, NFCT_FILTER_DUMP_STATUS) &&
		!append_masked(msg, cap, CTA_STATUS, CTA_STATUS_MASK, &f->status))
		goto undo;
	if (filter_dump_has(f, NFCT_FILTER_DUMP_ZONE) && !append_zone(msg, cap, f->zone))
		goto undo;
	if (filter_dump_has(f, NFCT_FILTER_DUMP_TUPLE)) {
		err = append_tuple(msg, cap, f);
		if (err)
			goto undo;
	}
	return 0;

undo:
	msg->nlmsg_len = len;
	head->nfgen_family = family;
	return err;
}

/**
 * Appends a filter's attributes to a dump or flush request that holds its headers.
 *
 * NFCT_FILTER_DUMP_L3NUM and _TUPLE set the family of the header. There is no check for room: MARK,
 * STATUS and ZONE take 40 bytes together, TUPLE 200.
 *
 * @param nlh message with its struct nfgenmsg; NFCT_FILTER_DUMP_TUPLE goes with dumps only
 * @param filter_dump filter
 * @return 0, or -1 with the message as it was
 * @errors EINVAL: nlh or filter_dump is NULL, no filter, or the message without its headers; the
 * tuple is without ATTR_L3PROTO, or NFCT_FILTER_DUMP_L3NUM is another one
 * @source CTA_MARK_MASK, CTA_STATUS_MASK, CTA_ZONE, CTA_FILTER of
 * linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_nlmsg_build_filter(
	struct nlmsghdr *nlh, const struct nfct_filter_dump *filter_dump)
{
	int err;

	if (!nlh || !filter_dump || !filter_dump_is(filter_dump) ||
		nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg))) {
		errno = EINVAL;
		return -1;
	}
	err = filter_dump_append(
		nlh, NLMSG_ALIGN((size_t)nlh->nlmsg_len) + FILTER_ATTRS_BYTES_MAX, filter_dump);
	if (err) {
		errno = -err;
		return -1;
	}
	return 0;
}
