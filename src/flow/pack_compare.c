/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/pack_compare.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "flow/pack.h"
#include "flow/pack_layout.h"

/* With no other group the values are those below, one behind the other. */
enum {
	REPLY = GROUP(REPL) | GROUP(REPL_SRC) | GROUP(REPL_DST) | GROUP(REPL_SPORT) |
		GROUP(REPL_DPORT),
	USUAL = GROUP(CELLS) | REPLY | GROUP(STATUS) | GROUP(TIMEOUT) | GROUP(MARK) |
		GROUP(MARK_VALUE) | GROUP(TCP_STATE) | GROUP(SYNPROXY),
};

static uint32_t read_u32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static size_t reply_len(uint8_t key_bits, uint32_t groups)
{
	size_t addr = key_bits & KEY_IPV6 ? 16 : 4;

	return (groups & GROUP(REPL_SRC) ? addr : 0) + (groups & GROUP(REPL_DST) ? addr : 0) +
	       (groups & GROUP(REPL_SPORT) ? 2 : 0) + (groups & GROUP(REPL_DPORT) ? 2 : 0);
}

enum flow_packed_change flow_packed_compare(
	const uint8_t *before, const uint8_t *now, struct flow_packed_timeouts *timeouts)
{
	size_t at = flow_key_len(now), len;
	uint32_t groups = read_u32(before + at), differ = groups ^ read_u32(now + at);
	bool same = differ == 0;

	/* a mark is 0 in one of them: so long the values are at the same places */
	if (groups & ~(uint32_t)USUAL || differ & ~(uint32_t)GROUP(MARK_VALUE))
		return FLOW_PACKED_UNSURE;
	at += sizeof(groups);
	len = reply_len(now[0], groups);
	if (memcmp(before + at, now + at, len) != 0)
		return FLOW_PACKED_UNSURE;
	at += len;
	if (groups & GROUP(STATUS)) {
		same = same && memcmp(before + at, now + at, 2) == 0;
		at += 2;
	}
	timeouts->before = timeouts->now = -1;
	if (groups & GROUP(TIMEOUT)) {
		timeouts->before = read_u32(before + at);
		timeouts->now = read_u32(now + at);
		at += 4;
	}
	if (!same)
		return FLOW_PACKED_CHANGED;
	len = (groups & GROUP(MARK_VALUE) ? 4 : 0) + (groups & GROUP(TCP_STATE) ? 1 : 0);
	return memcmp(before + at, now + at, len) == 0 ? FLOW_PACKED_SAME : FLOW_PACKED_CHANGED;
}
