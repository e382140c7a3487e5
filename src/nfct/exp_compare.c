/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "nfct/compare.h"
#include "nfct/exp_object.h"
#include "nfct/export.h"

enum presence { BOTH, EQUAL, DIFFERENT };

/* What follows from who has the attribute; with both the values decide. */
static enum presence presence(
	const struct expect *a, const struct expect *b, enum expect_attr attr, unsigned flags)
{
	if (expect_has(a, attr) && expect_has(b, attr))
		return BOTH;
	if (expect_has(a, attr))
		return flags & (NFCT_CMP_MASK | NFCT_CMP_STRICT) ? DIFFERENT : EQUAL;
	if (expect_has(b, attr))
		return flags & NFCT_CMP_STRICT ? DIFFERENT : EQUAL;
	return EQUAL;
}

static bool same_head(const struct expect *a, const struct expect *b, enum expect_attr attr,
	const struct flow_head *head_a, const struct flow_head *head_b, unsigned flags)
{
	enum presence p = presence(a, b, attr, flags);

	return p == BOTH ? compare_heads(head_a, head_b, flags) : p == EQUAL;
}

static bool same_number(const struct expect *a, const struct expect *b, enum expect_attr attr,
	uint32_t number_a, uint32_t number_b, unsigned flags)
{
	enum presence p = presence(a, b, attr, flags);

	return p == BOTH ? number_a == number_b : p == EQUAL;
}

static bool same_text(const struct expect *a, const struct expect *b, enum expect_attr attr,
	const char *text_a, const char *text_b, unsigned flags)
{
	enum presence p = presence(a, b, attr, flags);

	return p == BOTH ? strcmp(text_a, text_b) == 0 : p == EQUAL;
}

/**
 * Compares two expectations in all but their timeouts.
 *
 * Tuples are compared as nfct_cmp() with NFCT_CMP_ORIG compares connections. An attribute that only
 * one has makes no difference; with NFCT_CMP_MASK one that only exp1 has does, with NFCT_CMP_STRICT
 * one that only either has. A zone of 0 is one that is there.
 *
 * @param exp1 one
 * @param exp2 the other
 * @param flags NFCT_CMP_ALL, NFCT_CMP_MASK or NFCT_CMP_STRICT; others do nothing
 * @return 1: equal, 0: different or an error
 * @errors EINVAL: an expectation is NULL
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_cmp(
	const struct nf_expect *exp1, const struct nf_expect *exp2, unsigned int flags)
{
	const struct expect *a, *b;

	if (!exp1 || !exp2) {
		errno = EINVAL;
		return 0;
	}
	a = &exp1->expect;
	b = &exp2->expect;
	return same_head(a, b, EXPECT_MASTER, &a->master, &b->master, flags) &&
	       same_head(a, b, EXPECT_EXPECTED, &a->expected, &b->expected, flags) &&
	       same_head(a, b, EXPECT_MASK, &a->mask, &b->mask, flags) &&
	       same_head(a, b, EXPECT_NAT_TUPLE, &a->nat, &b->nat, flags) &&
	       same_number(a, b, EXPECT_ZONE, a->zone, b->zone, flags) &&
	       same_number(a, b, EXPECT_FLAGS, a->flags, b->flags, flags) &&
	       same_number(a, b, EXPECT_CLASS, a->class, b->class, flags) &&
	       same_number(a, b, EXPECT_NAT_DIR, a->nat_dir, b->nat_dir, flags) &&
	       same_text(a, b, EXPECT_HELPER_NAME, a->helper_name, b->helper_name, flags) &&
	       same_text(a, b, EXPECT_FN, a->fn, b->fn, flags);
}
