/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_WIRE_V1_WRITE_H
#define CTSYNC_WIRE_V1_WRITE_H

#include <string.h>
#include <sys/socket.h>

#include "wire/v1_attr.h"

/* How a data message's attributes are written. Inline: a flow has a dozen of them. */

/* Room for a record with this much payload, its padding zeroed; NULL if it does not fit. */
static inline uint8_t *put_record(struct wbuf *w, unsigned a, size_t len)
{
	size_t padding = -len & 3;
	uint8_t *p;

	wbuf_u16_be(w, (uint16_t)(V1_RECORD_HEADER_BYTES + len));
	wbuf_u16_be(w, (uint16_t)a);
	p = wbuf_take(w, len + padding);
	if (p)
		memset(p + len, 0, padding);
	return p;
}

static inline void put_bytes(struct wbuf *w, unsigned a, const void *src, size_t len)
{
	uint8_t *p = put_record(w, a, len);

	if (p)
		memcpy(p, src, len);
}

static inline void put_u8(struct wbuf *w, unsigned a, uint8_t v)
{
	put_bytes(w, a, &v, sizeof(v));
}

static inline void put_u16_be(struct wbuf *w, unsigned a, uint16_t v)
{
	const uint8_t be[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put_bytes(w, a, be, sizeof(be));
}

/* count words, each big endian */
static inline void put_words(struct wbuf *w, unsigned a, const uint32_t *words, size_t count)
{
	uint8_t *p = put_record(w, a, 4 * count);
	struct wbuf at = wbuf_of(p, 4 * count);

	for (size_t i = 0; p && i < count; i++)
		wbuf_u32_be(&at, words[i]);
}

static inline void put_u32(struct wbuf *w, unsigned a, uint32_t v)
{
	put_words(w, a, &v, 1);
}

static inline void put_addrs(struct wbuf *w, unsigned v4, unsigned v6, const struct flow_tuple *t)
{
	size_t len = t->l3 == AF_INET ? 4 : 16;
	uint8_t *p = put_record(w, t->l3 == AF_INET ? v4 : v6, 2 * len);

	if (p) {
		memcpy(p, t->src.bytes, len);
		memcpy(p + len, t->dst.bytes, len);
	}
}

static inline void put_ports(struct wbuf *w, unsigned a, const struct flow_tuple *t)
{
	const uint16_t ports[2] = {t->sport_be, t->dport_be};

	put_bytes(w, a, ports, sizeof(ports));
}

#endif
