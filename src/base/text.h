/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_TEXT_H
#define CTSYNC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A bounded text writer over a caller-owned buffer, with snprintf's contract: the text is always
 * NUL-terminated if cap > 0, and len counts what a buffer without bound would hold, so a caller
 * can see that something was cut and how much room it needs. No stdio and no locale: the engine
 * and the printers of millions of flows use it.
 */
struct text {
	char *buf;
	size_t cap;
	size_t len; /* without the NUL; may exceed cap */
};

struct text text_of(char *buf, size_t cap);
void text_putc(struct text *, char c);
void text_puts(struct text *, const char *s);
void text_put(struct text *, const char *s, size_t len);
void text_u64(struct text *, uint64_t v);
void text_i64(struct text *, int64_t v);
void text_hex(struct text *, uint64_t v); /* lower case, no prefix, no leading zeros */

/* s padded with blanks to width; left- or right-justified; longer text is not cut. */
void text_left(struct text *, const char *s, size_t width);
void text_right(struct text *, const char *s, size_t width);

/*
 * Copies s into dst, cap bytes with the NUL. False if it had to be cut; dst is NUL-terminated in
 * any case (cap must not be 0).
 */
bool text_copy(char *dst, size_t cap, const char *s);

/* Takes the last n characters back (fewer if there are not as many). */
void text_trim(struct text *, size_t n);

#endif
