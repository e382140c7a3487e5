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
	struct flow *flow; /* NULL if there is no more than a tuple's head */
	struct flow_span *labels; /* NULL: they are decoded into the flow */
	uint32_t *set; /* the presence set that attributes are marked in */
	uint8_t l3;
	bool is_lenient; /* takes what libnetfilter_conntrack always took: see each place */
	bool bad;
};

static inline void mark_set(struct parse *p, enum flow_attr id)
{
	p->set[id / 32] |= UINT32_C(1) << (id % 32);
}

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
		mark_set(p, id);
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
		mark_set(p, id);
	}
}

static inline void take_u32(
	struct parse *p, const struct attr *a, enum flow_attr id, uint32_t *value)
{
	uint32_t v;

	if (take(p, a, &v, sizeof(v))) {
		*value = ntohl(v);
		mark_set(p, id);
	}
}

static inline void take_u64(
	struct parse *p, const struct attr *a, enum flow_attr id, uint64_t *value)
{
	uint64_t v;

	if (take(p, a, &v, sizeof(v))) {
		*value = be64toh(v);
		mark_set(p, id);
	}
}

/*
 * Copies a text of fewer than max bytes and a NUL, and zeros behind it. One without a NUL is taken,
 * and bad. The kernel's all fit; programs have always been given the head of a longer one.
 */
static inline bool take_text(struct parse *p, const struct attr *a, char *text, size_t max)
{
	size_t len = strnlen((const char *)a->data, a->len);

	p->bad = p->bad || len == a->len || (len >= max && !p->is_lenient);
	if (a->len == 0 || (len >= max && !p->is_lenient))
		return false;
	if (len >= max)
		len = max - 1;
	memcpy(text, a->data, len);
	memset(text + len, 0, max - len);
	return true;
}

/*
 * The attributes of one level by type, before any is looked at: of several of one type the last
 * counts, and what an earlier one held must leave no trace. An empty one replaces none, since it
 * may be mere padding: the pad type of CTA_TIMESTAMP_EVENT is the number of CTA_STATUS.
 */
enum { ATTR_TYPES = 32 };

struct attr_table {
	uint32_t seen; /* bit set by type */
	struct attr at[ATTR_TYPES]; /* those seen; others are not initialised */
};

static inline void attr_table_read(
	struct parse *p, struct attr_table *t, const void *attrs, size_t len)
{
	struct attr_walk w = attr_walk_of(attrs, len);
	struct attr a;

	t->seen = 0;
	while (attr_next(&w, &a)) {
		uint32_t bit = a.type < ATTR_TYPES ? UINT32_C(1) << a.type : 0;

		if (bit && (a.len > 0 || !(t->seen & bit))) {
			t->at[a.type] = a;
			t->seen |= bit;
		}
	}
	p->bad = p->bad || w.bad;
}

/* Takes the next one out, in order of types; NULL when none is left. */
static inline const struct attr *attr_table_next(struct attr_table *t)
{
	uint32_t seen = t->seen;

	if (!seen)
		return NULL;
	t->seen = seen & (seen - 1);
	return &t->at[__builtin_ctz(seen)];
}

/* Folds a finished walk's verdict in. */
static inline void parse_finish(struct parse *p, const struct attr_walk *w)
{
	p->bad = p->bad || w->bad;
}

/* Which of a flow's tuples: FLOW_ORIG, FLOW_REPL or the master's. */
enum { TUPLE_MASTER = FLOW_DIRS, TUPLES };

void parse_tuple(struct parse *, const struct attr *nest, unsigned which, struct flow_tuple *);

#endif
