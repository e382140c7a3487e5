/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_PARSE_H
#define CTSYNC_NLMSG_PARSE_H

#include <arpa/inet.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flow/flow.h"
#include "nlmsg/attr.h"

/* What the parser's files share. Private to nlmsg. */

/*
 * Every event of the kernel passes here, so this is a single walk without tables of pointers
 * between it and the flow. bad gathers what was found wrong on the way; the walk goes on.
 */
struct parse {
	struct flow *flow;
	uint16_t protoinfo; /* the CTA_PROTOINFO_* nest taken, 0: none yet; they share memory */
	uint8_t l3;
	bool bad;
};

/* Copies a value of exactly len bytes; another length makes the attribute a bad one. */
static inline bool take(struct parse *p, const struct attr *a, void *value, size_t len)
{
	if (a->len != len) {
		p->bad = true;
		return false;
	}
	memcpy(value, a->data, len);
	return true;
}

static inline void take_bytes(
	struct parse *p, const struct attr *a, enum flow_attr id, void *value, size_t len)
{
	if (take(p, a, value, len))
		flow_mark_set(p->flow, id);
}

static inline void take_u8(struct parse *p, const struct attr *a, enum flow_attr id, uint8_t *value)
{
	take_bytes(p, a, id, value, sizeof(*value));
}

static inline void take_u16(
	struct parse *p, const struct attr *a, enum flow_attr id, uint16_t *value)
{
	uint16_t v;

	if (take(p, a, &v, sizeof(v))) {
		*value = ntohs(v);
		flow_mark_set(p->flow, id);
	}
}

static inline void take_u32(
	struct parse *p, const struct attr *a, enum flow_attr id, uint32_t *value)
{
	uint32_t v;

	if (take(p, a, &v, sizeof(v))) {
		*value = ntohl(v);
		flow_mark_set(p->flow, id);
	}
}

static inline void take_u64(
	struct parse *p, const struct attr *a, enum flow_attr id, uint64_t *value)
{
	uint64_t v;

	if (take(p, a, &v, sizeof(v))) {
		*value = be64toh(v);
		flow_mark_set(p->flow, id);
	}
}

/* Folds a finished walk's verdict in. */
static inline void parse_finish(struct parse *p, const struct attr_walk *w)
{
	p->bad = p->bad || w->bad;
}

/* Which of a flow's tuples: FLOW_ORIG, FLOW_REPL or the master's. */
enum { TUPLE_MASTER = FLOW_DIRS, TUPLES };

void parse_tuple(struct parse *, const struct attr *nest, unsigned which);

#endif
