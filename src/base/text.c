/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/text.h"

struct text text_of(char *buf, size_t cap)
{
	if (cap > 0)
		buf[0] = '\0';
	return (struct text){buf, cap, 0};
}

void text_put(struct text *t, const char *s, size_t len)
{
	if (t->len + 1 < t->cap) {
		size_t room = t->cap - t->len - 1;
		size_t n = len < room ? len : room;

		memcpy(t->buf + t->len, s, n);
		t->buf[t->len + n] = '\0';
	}
	t->len += len;
}

void text_putc(struct text *t, char c)
{
	text_put(t, &c, 1);
}

void text_puts(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void text_u64(struct text *t, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	text_put(t, digits + at, sizeof(digits) - at);
}

void text_i64(struct text *t, int64_t v)
{
	if (v < 0) {
		text_putc(t, '-');
		text_u64(t, -(uint64_t)v);
	} else {
		text_u64(t, (uint64_t)v);
	}
}

void text_hex(struct text *t, uint64_t v)
{
	static const char digit[] = "0123456789abcdef";
	char digits[16];
	size_t at = sizeof(digits);

	do {
		digits[--at] = digit[v & 15];
		v >>= 4;
	} while (v > 0);
	text_put(t, digits + at, sizeof(digits) - at);
}

static void text_pad(struct text *t, size_t have, size_t width)
{
	for (; have < width; have++)
		text_putc(t, ' ');
}

void text_left(struct text *t, const char *s, size_t width)
{
	text_puts(t, s);
	text_pad(t, strlen(s), width);
}

void text_right(struct text *t, const char *s, size_t width)
{
	text_pad(t, strlen(s), width);
	text_puts(t, s);
}

bool text_copy(char *dst, size_t cap, const char *s)
{
	struct text t = text_of(dst, cap);

	text_puts(&t, s);
	return t.len < cap;
}

void text_trim(struct text *t, size_t n)
{
	t->len = n < t->len ? t->len - n : 0;
	if (t->len < t->cap)
		t->buf[t->len] = '\0';
}
