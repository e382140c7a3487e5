/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_WIRE_V1_READ_H
#define CTSYNC_WIRE_V1_READ_H

#include <string.h>

#include "base/check.h"
#include "wire/v1_attr.h"

/* How a data message's attributes are read. Inline: a flow has a dozen of them. */

/* A payload's size [bytes]: a fixed one, or up to max. */
struct v1_size {
	uint16_t min, max;
};

/*
 * The payloads of a message by attribute number; NULL: absent. The order of attributes is free
 * and they may contradict each other, while struct flow keeps values of different protocols in
 * the same cells: so all are found first, and then those that fit together are read.
 */
struct v1_payloads {
	const uint8_t *at[V1_ATTRS];
	uint16_t len[V1_ATTRS];
};

/* sizes: of each attribute that the message may have, attrs of them. */
static inline bool find_payloads(const struct wire_v1_message *m, struct v1_payloads *p,
	const struct v1_size *sizes, unsigned attrs)
{
	struct rbuf r = rbuf_of(m->payload, m->payload_len);
	size_t len, padding;
	uint16_t attr;

	memset(p, 0, sizeof(*p));
	/* A rest that is no longer than a record's header is not looked at, as upstream does. */
	while (r.left > V1_RECORD_HEADER_BYTES) {
		len = rbuf_u16_be(&r);
		attr = rbuf_u16_be(&r);
		if (len < V1_RECORD_HEADER_BYTES || len - V1_RECORD_HEADER_BYTES > r.left)
			return false;
		len -= V1_RECORD_HEADER_BYTES;
		if (attr >= attrs)
			return false;
		if (len < sizes[attr].min || len > sizes[attr].max)
			return false;
		p->at[attr] = rbuf_take(&r, len);
		p->len[attr] = (uint16_t)len;
		padding = -len & 3;
		rbuf_take(&r, padding < r.left ? padding : r.left);
	}
	return true;
}

/* Readers of one payload's value; false: it is absent. */
static inline bool get_bytes(const struct v1_payloads *p, unsigned a, void *out, size_t len)
{
	if (!p->at[a])
		return false;
	CHECK(p->len[a] == len);
	memcpy(out, p->at[a], len);
	return true;
}

static inline bool get_u8(const struct v1_payloads *p, unsigned a, uint8_t *out)
{
	return get_bytes(p, a, out, sizeof(*out));
}

static inline bool get_u16_be(const struct v1_payloads *p, unsigned a, uint16_t *out)
{
	struct rbuf r = rbuf_of(p->at[a], p->len[a]);

	if (p->at[a])
		*out = rbuf_u16_be(&r);
	return p->at[a];
}

static inline bool get_words(const struct v1_payloads *p, unsigned a, uint32_t *out, size_t count)
{
	struct rbuf r = rbuf_of(p->at[a], p->len[a]);

	for (size_t i = 0; p->at[a] && i < count; i++)
		out[i] = rbuf_u32_be(&r);
	return p->at[a];
}

static inline bool get_u32(const struct v1_payloads *p, unsigned a, uint32_t *out)
{
	return get_words(p, a, out, 1);
}

static inline bool get_addrs(
	const struct v1_payloads *p, unsigned a, size_t len, struct flow_tuple *t)
{
	if (!p->at[a])
		return false;
	memcpy(t->src.bytes, p->at[a], len);
	memcpy(t->dst.bytes, p->at[a] + len, len);
	return true;
}

static inline bool get_ports(const struct v1_payloads *p, unsigned a, struct flow_tuple *t)
{
	if (!p->at[a])
		return false;
	memcpy(&t->sport_be, p->at[a], sizeof(t->sport_be));
	memcpy(&t->dport_be, p->at[a] + sizeof(t->sport_be), sizeof(t->dport_be));
	return true;
}

#endif
