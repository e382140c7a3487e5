/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_HEX_H
#define CTSYNC_TESTS_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* The bytes of a text of hex digits, blanks between them ignored; returns how many. */
static inline size_t hex_bytes(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = 0;
	unsigned value;

	for (hex += strspn(hex, " "); *hex; hex += strspn(hex, " ")) {
		CHECK(len < cap && sscanf(hex, "%2x", &value) == 1);
		out[len++] = (uint8_t)value;
		hex += 2;
	}
	return len;
}

/* Whether the bytes are those of the text; prints both if not. */
static inline int hex_is(const void *data, size_t len, const char *hex)
{
	uint8_t wanted[4096];
	size_t wanted_len = hex_bytes(hex, wanted, sizeof(wanted));

	if (len == wanted_len && memcmp(data, wanted, len) == 0)
		return 1;
	printf("\nwant: %s\n got:", hex);
	for (size_t i = 0; i < len; i++)
		printf("%s%02x", i % 4 ? "" : " ", ((const uint8_t *)data)[i]);
	printf("\n");
	return 0;
}

#endif
