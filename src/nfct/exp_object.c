/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "nfct/exp_object.h"
#include "nfct/export.h"

static void tag_head(struct flow_head *h)
{
	h->set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	h->set[OBJECT_TAG_WORD] |= OBJECT_TAG_HEAD;
}

void exp_object_tag_heads(struct nf_expect *exp)
{
	struct expect *e = &exp->expect;

	if (expect_has(e, EXPECT_MASTER))
		tag_head(&e->master);
	if (expect_has(e, EXPECT_EXPECTED))
		tag_head(&e->expected);
	if (expect_has(e, EXPECT_MASK))
		tag_head(&e->mask);
	if (expect_has(e, EXPECT_NAT_TUPLE))
		tag_head(&e->nat);
}

/**
 * Makes an empty expectation.
 *
 * @return the expectation, for nfexp_destroy(); NULL with errno
 * @errors ENOMEM: no memory
 * @source linux/netfilter/nfnetlink_conntrack.h (CTA_EXPECT_*)
 */
NFCT_EXPORT struct nf_expect *nfexp_new(void)
{
	return calloc(1, sizeof(struct nf_expect));
}

/**
 * Frees an expectation. Pointers that nfexp_get_attr() gave into it are invalid then.
 *
 * @param exp from nfexp_new() or nfexp_clone(); NULL is allowed
 * @errors none
 * @source linux/netfilter/nfnetlink_conntrack.h (CTA_EXPECT_*)
 */
NFCT_EXPORT void nfexp_destroy(struct nf_expect *exp)
{
	free(exp);
}

/**
 * Makes a copy of an expectation.
 *
 * An expectation owns no other memory: memcpy() of nfexp_maxsize() bytes into another one does the
 * same.
 *
 * @param exp the expectation; it is not changed
 * @return the copy, for nfexp_destroy(); NULL with errno
 * @errors ENOMEM: no memory; EINVAL: exp is NULL
 * @source linux/netfilter/nfnetlink_conntrack.h (CTA_EXPECT_*)
 */
NFCT_EXPORT struct nf_expect *nfexp_clone(const struct nf_expect *exp)
{
	struct nf_expect *clone;

	if (!exp) {
		errno = EINVAL;
		return NULL;
	}
	clone = malloc(sizeof(*clone));
	if (clone)
		*clone = *exp;
	return clone;
}

/**
 * Tells the size of an expectation.
 *
 * @param exp the expectation
 * @return its size [bytes], the same for all; 0 with errno
 * @errors EINVAL: exp is NULL
 * @source linux/netfilter/nfnetlink_conntrack.h (CTA_EXPECT_*)
 */
NFCT_EXPORT size_t nfexp_sizeof(const struct nf_expect *exp)
{
	if (!exp) {
		errno = EINVAL;
		return 0;
	}
	return sizeof(*exp);
}

/**
 * Tells how much memory every expectation has room in: so many zeroed bytes, aligned as malloc()
 * aligns them, are an empty expectation.
 *
 * @return the size [bytes]
 * @errors none
 * @source linux/netfilter/nfnetlink_conntrack.h (CTA_EXPECT_*)
 */
NFCT_EXPORT size_t nfexp_maxsize(void)
{
	return sizeof(struct nf_expect);
}
