/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfct/copy.h"
#include "nfct/export.h"
#include "nfct/object.h"

const struct nf_conntrack *object_whole(const struct nf_conntrack *ct, struct nf_conntrack *room)
{
	if (object_tag(ct) != OBJECT_TAG_HEAD)
		return ct;
	memset(room, 0, sizeof(*room));
	memcpy(room, ct, sizeof(struct flow_head));
	room->flow.set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	return room;
}

/* What the object owns; the pointers are const for whoever reads a flow. */
static void span_free(struct flow_span *s)
{
	free((void *)(uintptr_t)s->data);
	s->data = NULL;
	s->len = 0;
}

void object_release(struct nf_conntrack *ct)
{
	uint32_t tag = object_tag(ct);
	bool head = tag == OBJECT_TAG_HEAD;

	if (!head) {
		span_free(&ct->flow.secctx);
		span_free(&ct->flow.helper_info);
		if (ct->labels)
			nfct_bitmask_destroy(ct->labels);
		if (ct->labels_mask)
			nfct_bitmask_destroy(ct->labels_mask);
	}
	memset(ct, 0, head ? sizeof(struct flow_head) : sizeof(*ct));
	ct->flow.set[OBJECT_TAG_WORD] = tag;
}

/* A NUL follows the bytes, so that there is something to point at even if there are none. */
static bool span_set(struct flow_span *s, const void *data, size_t len)
{
	char *own;

	if (!data) {
		span_free(s);
		return true;
	}
	if (len >= UINT32_MAX) {
		errno = ENOMEM;
		return false;
	}
	own = malloc(len + 1);
	if (!own)
		return false;
	if (len > 0)
		memcpy(own, data, len);
	own[len] = '\0';
	span_free(s);
	s->data = own;
	s->len = (uint32_t)len;
	return true;
}

bool object_set_secctx(struct nf_conntrack *ct, const void *text, size_t len)
{
	return span_set(&ct->flow.secctx, text, len);
}

bool object_set_helper_info(struct nf_conntrack *ct, const void *data, size_t len)
{
	return span_set(&ct->flow.helper_info, data, len);
}

/**
 * Makes an empty connection.
 *
 * It has no attribute. nfct_destroy() frees it.
 *
 * @return the object, or NULL
 * @errors ENOMEM: no memory
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT struct nf_conntrack *nfct_new(void)
{
	struct nf_conntrack *ct = calloc(1, sizeof(*ct));

	if (ct)
		ct->flow.set[OBJECT_TAG_WORD] = OBJECT_TAG_MADE;
	return ct;
}

/**
 * Frees a connection and all that it owns: security context, helper information, labels.
 *
 * Pointers that nfct_get_attr() gave into it end with it. The tuples of an expectation are the
 * expectation's and cannot be destroyed.
 *
 * @param ct of nfct_new() or nfct_clone(), or given to a callback that returns NFCT_CB_STOLEN
 * @errors EINVAL: ct is NULL or a tuple of an expectation; nothing is freed
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT void nfct_destroy(struct nf_conntrack *ct)
{
	if (!ct || object_tag(ct) == OBJECT_TAG_HEAD) {
		errno = EINVAL;
		return;
	}
	object_release(ct);
	free(ct);
}

/**
 * Makes another connection with the same attributes, which shares nothing with the first.
 *
 * @param ct whatever the other functions take, a tuple of an expectation too
 * @return the new object, which nfct_destroy() frees, or NULL
 * @errors EINVAL: ct is NULL. ENOMEM: no memory
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT struct nf_conntrack *nfct_clone(const struct nf_conntrack *ct)
{
	struct nf_conntrack *clone;

	if (!ct) {
		errno = EINVAL;
		return NULL;
	}
	clone = malloc(sizeof(*clone));
	if (!clone)
		return NULL;
	if (!object_duplicate(clone, ct)) {
		free(clone);
		return NULL;
	}
	clone->flow.set[OBJECT_TAG_WORD] |= OBJECT_TAG_MADE;
	return clone;
}

/**
 * The size of a connection. Deprecated: nobody needs to know it.
 *
 * @param ct the object
 * @return its size [bytes], that of a tuple if it is one of an expectation; 0 for NULL
 * @errors EINVAL: ct is NULL
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT size_t nfct_sizeof(const struct nf_conntrack *ct)
{
	if (!ct) {
		errno = EINVAL;
		return 0;
	}
	return object_tag(ct) == OBJECT_TAG_HEAD ? sizeof(struct flow_head) : sizeof(*ct);
}

/**
 * The memory for a connection that a program has in its own place. Deprecated: use nfct_new().
 *
 * So many bytes, aligned to 8 and zeroed, are an empty object, with which everything may be done;
 * nfct_destroy() only if they came from malloc().
 *
 * @return the size [bytes]
 * @errors none
 * @source include/libnetfilter_conntrack/libnetfilter_conntrack.h
 */
NFCT_EXPORT size_t nfct_maxsize(void)
{
	return sizeof(struct nf_conntrack);
}
