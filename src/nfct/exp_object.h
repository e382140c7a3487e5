/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_EXP_OBJECT_H
#define CTSYNC_NFCT_EXP_OBJECT_H

#include "flow/expect.h"
#include "nfct/object.h"

/*
 * Flat: programs copy it with memcpy() of nfexp_maxsize() bytes. The heads of its tuples are given
 * to programs as struct nf_conntrack *; they carry OBJECT_TAG_HEAD for that.
 */
struct nf_expect {
	struct expect expect;
};

enum { EXP_OBJECT_SIZE_MAX = 276 }; /* of the library that programs were built against before */
_Static_assert(sizeof(struct nf_expect) <= EXP_OBJECT_SIZE_MAX, "no larger than it used to be");

/*
 * Tags the heads of the tuples that the expectation has. For whoever has made some of them present,
 * before the object is the program's again; a head that is not present is never given out.
 */
void exp_object_tag_heads(struct nf_expect *exp);

#endif
