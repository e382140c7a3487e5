/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_BUF_H
#define CTSYNC_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bounded cursors over caller-owned bytes. Both carry a sticky failure: after the first access
 * that does not fit, every later one fails too and reads give zeros, so that a codec can be
 * written straight and be checked once at its end.
 */
struct rbuf {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct wbuf {
	uint8_t *start;
	size_t used;
	size_t cap;
	bool bad;
};

static inline struct rbuf rbuf_of(const void *data, size_t len)
{
	return (struct rbuf){(const uint8_t *)data, len, false};
}

static inline struct wbuf wbuf_of(void *data, size_t cap)
{
	return (struct wbuf){(uint8_t *)data, 0, cap, false};
}

/* The next len bytes, or NULL. */
static inline const uint8_t *rbuf_take(struct rbuf *r, size_t len)
{
	const uint8_t *p = r->at;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return p;
}

static inline void rbuf_copy(struct rbuf *r, void *dst, size_t len)
{
	const uint8_t *p = rbuf_take(r, len);

	if (p)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

static inline uint8_t rbuf_u8(struct rbuf *r)
{
	uint8_t v;

	rbuf_copy(r, &v, sizeof(v));
	return v;
}

/* Host order, unaligned. */
static inline uint16_t rbuf_u16(struct rbuf *r)
{
	uint16_t v;

	rbuf_copy(r, &v, sizeof(v));
	return v;
}

static inline uint32_t rbuf_u32(struct rbuf *r)
{
	uint32_t v;

	rbuf_copy(r, &v, sizeof(v));
	return v;
}

static inline uint16_t rbuf_u16_be(struct rbuf *r)
{
	return __builtin_bswap16(rbuf_u16(r));
}

static inline uint32_t rbuf_u32_be(struct rbuf *r)
{
	return __builtin_bswap32(rbuf_u32(r));
}

/* Room for len bytes, or NULL. */
static inline uint8_t *wbuf_take(struct wbuf *w, size_t len)
{
	uint8_t *p = w->start + w->used;

	if (w->bad || len > w->cap - w->used) {
		w->bad = true;
		return NULL;
	}
	w->used += len;
	return p;
}

static inline void wbuf_copy(struct wbuf *w, const void *src, size_t len)
{
	uint8_t *p = wbuf_take(w, len);

	if (p)
		memcpy(p, src, len);
}

static inline void wbuf_zero(struct wbuf *w, size_t len)
{
	uint8_t *p = wbuf_take(w, len);

	if (p)
		memset(p, 0, len);
}

static inline void wbuf_u8(struct wbuf *w, uint8_t v)
{
	wbuf_copy(w, &v, sizeof(v));
}

static inline void wbuf_u16(struct wbuf *w, uint16_t v)
{
	wbuf_copy(w, &v, sizeof(v));
}

static inline void wbuf_u32(struct wbuf *w, uint32_t v)
{
	wbuf_copy(w, &v, sizeof(v));
}

static inline void wbuf_u16_be(struct wbuf *w, uint16_t v)
{
	wbuf_u16(w, __builtin_bswap16(v));
}

static inline void wbuf_u32_be(struct wbuf *w, uint32_t v)
{
	wbuf_u32(w, __builtin_bswap32(v));
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the _be accessors assume a little-endian host; make them conditional before porting"
#endif

#endif
