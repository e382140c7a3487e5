/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "wire/v1.h"

/* The shortest message that the first bytes of one allow. */
static size_t v1_shortest(uint8_t type, uint8_t flags)
{
	const uint8_t ranges = WIRE_V1_ACK | WIRE_V1_NACK | WIRE_V1_RESYNC;

	return (type & 0x0f) == WIRE_V1_CTL && (flags & ranges) ? WIRE_V1_RANGE_BYTES
								: WIRE_V1_HEADER_BYTES;
}

int64_t wire_v1_stream(const uint8_t *bytes, size_t len)
{
	size_t at = 0, message;

	while (len - at >= 4) {
		message = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
		if (message < v1_shortest(bytes[at], bytes[at + 1]))
			return at ? (int64_t)at : -EBADMSG;
		if (message > len - at)
			break;
		at += message;
	}
	return (int64_t)at;
}
