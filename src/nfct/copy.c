/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "nfct/attr_table.h"
#include "nfct/copy.h"
#include "nfct/export.h"

#define BIT(a) (UINT32_C(1) << ((a) % 32))

enum { COPY_GROUPS = 3 };

/* What each flag of nfct_copy() takes, by word of the presence set. */
static const struct {
	unsigned flag;
	uint32_t attrs[FLOW_SET_WORDS];
} copy_group[COPY_GROUPS] = {
	{NFCT_CP_ORIG,
		{BIT(FLOW_ORIG_IPV4_SRC) | BIT(FLOW_ORIG_IPV4_DST) | BIT(FLOW_ORIG_IPV6_SRC) |
			BIT(FLOW_ORIG_IPV6_DST) | BIT(FLOW_ORIG_PORT_SRC) |
			BIT(FLOW_ORIG_PORT_DST) | BIT(FLOW_ICMP_TYPE) | BIT(FLOW_ICMP_CODE) |
			BIT(FLOW_ICMP_ID) | BIT(FLOW_ORIG_L3PROTO) | BIT(FLOW_ORIG_L4PROTO)}},
	{NFCT_CP_REPL,
		{BIT(FLOW_REPL_IPV4_SRC) | BIT(FLOW_REPL_IPV4_DST) | BIT(FLOW_REPL_IPV6_SRC) |
			BIT(FLOW_REPL_IPV6_DST) | BIT(FLOW_REPL_PORT_SRC) |
			BIT(FLOW_REPL_PORT_DST) | BIT(FLOW_REPL_L3PROTO) | BIT(FLOW_REPL_L4PROTO)}},
	{NFCT_CP_META, {(uint32_t)-BIT(FLOW_TCP_STATE), UINT32_MAX,
			       BIT(FLOW_ATTR_COUNT) - 1}}, /* all from there on */
};
_Static_assert(FLOW_TCP_STATE == FLOW_REPL_L4PROTO + 1, "what is no tuple's begins with it");

static bool copy_span(struct flow_span *dst, const struct flow_span *src, struct nf_conntrack *ct)
{
	return dst == &ct->flow.secctx ? object_set_secctx(ct, src->data, src->len)
				       : object_set_helper_info(ct, src->data, src->len);
}

/* Without one in src, dst keeps its own. */
static bool copy_bitmask(struct nfct_bitmask **dst, const struct nfct_bitmask *src)
{
	struct nfct_bitmask *clone;

	if (!src || src == *dst)
		return true;
	clone = nfct_bitmask_clone(src);
	if (!clone)
		return false;
	if (*dst)
		nfct_bitmask_destroy(*dst);
	*dst = clone;
	return true;
}

/* src has the attribute. ICMP's cells of the reply are its ports' and go with them. */
static void copy_attr(struct nf_conntrack *dst, const struct nf_conntrack *src, enum flow_attr type)
{
	const struct attr_place *a = &attr_table[type];
	bool done = true;

	if (!attr_has_room(dst, a)) {
		errno = EINVAL;
		return;
	}
	switch ((enum attr_kind)a->kind) {
	case ATTR_INTEGER:
	case ATTR_INTEGER_READ_ONLY:
	case ATTR_INTEGER_FROM_KERNEL:
	case ATTR_INTEGER_ICMP:
	case ATTR_ADDRESS:
	case ATTR_NAME:
		memcpy(attr_at(dst, a), attr_at_const(src, a), a->size);
		break;
	case ATTR_TEXT_READ_ONLY:
	case ATTR_BYTES:
		done = copy_span(attr_at(dst, a), attr_at_const(src, a), dst);
		break;
	case ATTR_BITMASK:
		done = copy_bitmask(
			attr_at(dst, a), *(struct nfct_bitmask *const *)attr_at_const(src, a));
		break;
	}
	if (done)
		flow_mark_set(&dst->flow, type);
}

/* Those of src that are among attrs. */
static void copy_attrs(struct nf_conntrack *dst, const struct nf_conntrack *src,
	const uint32_t attrs[FLOW_SET_WORDS])
{
	for (unsigned w = 0; w < FLOW_SET_WORDS; w++) {
		uint32_t left = src->flow.set[w] & attrs[w];

		for (; left != 0; left &= left - 1)
			copy_attr(
				dst, src, (enum flow_attr)(w * 32 + (unsigned)__builtin_ctz(left)));
	}
}

/* An expectation's tuple takes what it has room for. */
static void replace_head(struct nf_conntrack *dst, const struct nf_conntrack *src)
{
	struct flow_head head;

	flow_head_of(&head, &src->flow);
	for (unsigned w = 0; w < FLOW_SET_WORDS; w++) {
		uint32_t tag = w == OBJECT_TAG_WORD ? OBJECT_TAG_MASK : 0;

		if ((src->flow.set[w] & ~tag) != head.set[w])
			errno = EINVAL;
	}
	head.set[OBJECT_TAG_WORD] |= OBJECT_TAG_HEAD;
	memcpy(dst, &head, sizeof(head));
}

/* dst owns nothing yet. */
static bool copy_owned(struct nf_conntrack *dst, const struct nf_conntrack *src)
{
	return copy_span(&dst->flow.secctx, &src->flow.secctx, dst) &&
	       copy_span(&dst->flow.helper_info, &src->flow.helper_info, dst) &&
	       copy_bitmask(&dst->labels, src->labels) &&
	       copy_bitmask(&dst->labels_mask, src->labels_mask);
}

bool object_duplicate(struct nf_conntrack *dst, const struct nf_conntrack *src)
{
	struct nf_conntrack room;

	src = object_whole(src, &room);
	*dst = *src;
	dst->flow.secctx = dst->flow.helper_info = (struct flow_span){NULL, 0};
	dst->labels = dst->labels_mask = NULL;
	dst->flow.set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	if (copy_owned(dst, src))
		return true;
	object_release(dst);
	errno = ENOMEM;
	return false;
}

/* All of dst becomes src, or nothing, without memory. */
static void replace(struct nf_conntrack *dst, const struct nf_conntrack *src)
{
	struct nf_conntrack duplicate;

	if (dst == src || !object_duplicate(&duplicate, src))
		return;
	if (object_tag(dst) == OBJECT_TAG_MADE) {
		object_release(dst);
		duplicate.flow.set[OBJECT_TAG_WORD] |= OBJECT_TAG_MADE;
	}
	*dst = duplicate;
}

/**
 * Copies attributes from one connection to another.
 *
 * What the source does not have remains as it is in the destination. Security context, helper
 * information and labels are duplicated. ICMP's id, type and code belong to the original tuple; the
 * reply's are where its ports are, and come with those.
 *
 * @param dest changed
 * @param source may be a tuple of an expectation
 * @param flags NFCT_CP_ALL, or a combination of NFCT_CP_ORIG and NFCT_CP_REPL (the tuples without
 *        their zones) and NFCT_CP_META (everything else); or NFCT_CP_OVERRIDE, which wins: dest
 *        becomes a duplicate of source, and what only dest had goes
 * @errors EINVAL: an object is NULL, nothing is changed; or dest is an expectation's tuple and
 *         source has more, which is left out. ENOMEM: no memory; that attribute or, with
 *         NFCT_CP_OVERRIDE, all of dest remains as it was
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_copy(
	struct nf_conntrack *dest, const struct nf_conntrack *source, unsigned int flags)
{
	uint32_t attrs[FLOW_SET_WORDS] = {0};
	struct nf_conntrack room;

	if (!dest || !source) {
		errno = EINVAL;
		return;
	}
	if (flags & NFCT_CP_OVERRIDE) {
		if (object_tag(dest) == OBJECT_TAG_HEAD)
			replace_head(dest, object_whole(source, &room));
		else
			replace(dest, source);
		return;
	}
	for (unsigned g = 0; g < COPY_GROUPS; g++)
		for (unsigned w = 0; w < FLOW_SET_WORDS; w++)
			if (flags == NFCT_CP_ALL || (flags & copy_group[g].flag))
				attrs[w] |= copy_group[g].attrs[w];
	copy_attrs(dest, object_whole(source, &room), attrs);
}

/**
 * Copies one attribute, if it is present in the source.
 *
 * @param ct1 the destination
 * @param ct2 the source
 * @param type which attribute
 * @errors EINVAL: an object is NULL, the attribute is not known, or ct1 is an expectation's tuple
 *         and has no room for it. ENOMEM: no memory. Nothing is changed then
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_copy_attr(
	struct nf_conntrack *ct1, const struct nf_conntrack *ct2, const enum nf_conntrack_attr type)
{
	if (!ct1 || !ct2 || type >= ATTR_MAX) {
		errno = EINVAL;
		return;
	}
	if (flow_has(&ct2->flow, (enum flow_attr)type))
		copy_attr(ct1, ct2, (enum flow_attr)type);
}
