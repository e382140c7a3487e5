/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/check.h"
#include "flow/expect_pack.h"
#include "wire/v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What was accepted can be sent on, and is then understood as it was: the second writing has the
 * bytes of the first. (The first may differ from what came: order, odd attributes.) Not so without
 * a status: then any NAT counts, but the status is sent as 0, which says that none was done.
 */
static void resend(const struct wire_v1_message *m, const struct flow *f)
{
	const struct wire_v1_options options = {.tcp_window_tracking = true};
	uint8_t bytes[2][WIRE_V1_MESSAGE_BYTES_MAX];
	size_t len[2];
	struct wire_v1_message again;
	struct flow flow;
	struct wbuf w = wbuf_of(bytes[0], sizeof(bytes[0]));
	struct rbuf r;

	len[0] = wire_v1_put_flow(&w, m->type, m->flags, m->seq, f, &options);
	CHECK(len[0] > 0);
	r = rbuf_of(bytes[0], len[0]);
	CHECK(wire_v1_next(&r, &again) == WIRE_V1_OK && r.left == 0);
	CHECK(again.type == m->type && again.flags == m->flags && again.seq == m->seq);
	CHECK(wire_v1_get_flow(&again, &flow) == WIRE_V1_OK);
	if (!flow_has(f, FLOW_STATUS))
		return;
	w = wbuf_of(bytes[1], sizeof(bytes[1]));
	len[1] = wire_v1_put_flow(&w, m->type, m->flags, m->seq, &flow, &options);
	CHECK(len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
}

static void resend_expect(const struct wire_v1_message *m, const struct expect *x)
{
	const struct wire_v1_options options = {.without_timeout = false};
	uint8_t bytes[2][WIRE_V1_MESSAGE_BYTES_MAX];
	size_t len[2];
	struct wire_v1_message again;
	struct expect back;
	struct wbuf w = wbuf_of(bytes[0], sizeof(bytes[0]));
	struct rbuf r;

	CHECK(expect_has_key(x));
	len[0] = wire_v1_put_expect(&w, m->type, m->flags, m->seq, x, &options);
	CHECK(len[0] > 0);
	r = rbuf_of(bytes[0], len[0]);
	CHECK(wire_v1_next(&r, &again) == WIRE_V1_OK && r.left == 0);
	CHECK(again.type == m->type && again.flags == m->flags && again.seq == m->seq);
	CHECK(wire_v1_get_expect(&again, &back) == WIRE_V1_OK);
	w = wbuf_of(bytes[1], sizeof(bytes[1]));
	len[1] = wire_v1_put_expect(&w, m->type, m->flags, m->seq, &back, &options);
	CHECK(len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
}

static void take_expect(const struct wire_v1_message *m)
{
	enum wire_v1_result result;
	struct expect x;

	result = wire_v1_get_expect(m, &x);
	CHECK(result == WIRE_V1_OK || result == WIRE_V1_BAD_PAYLOAD);
	if (result == WIRE_V1_OK)
		resend_expect(m, &x);
}

/* The short way, where it is taken, leads to where the long one does. */
static void compare_ways(
	const struct wire_v1_message *m, enum wire_v1_result result, const struct flow *f)
{
	uint8_t packed[2][FLOW_PACKED_BYTES_MAX], key[2][FLOW_KEY_BYTES_MAX];
	struct flow_plain plain;
	size_t len[2];

	if (!wire_v1_get_plain(m, &plain))
		return;
	CHECK(result == WIRE_V1_OK);
	len[0] = flow_plain_pack(&plain, packed[0]);
	len[1] = flow_pack(f, packed[1]);
	CHECK(len[0] == len[1] && memcmp(packed[0], packed[1], len[0]) == 0);
	len[0] = flow_plain_key(&plain, key[0]);
	len[1] = flow_key_make(f, key[1]);
	CHECK(len[0] == len[1] && memcmp(key[0], key[1], len[0]) == 0);
}

static void take(const struct wire_v1_message *m)
{
	uint8_t bytes[WIRE_V1_MARK_BYTES];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct wire_v1_mark mark;
	enum wire_v1_result result;
	struct flow f;

	if (m->type <= WIRE_V1_CT_DEL) {
		result = wire_v1_get_flow(m, &f);
		CHECK(result == WIRE_V1_OK || result == WIRE_V1_BAD_PAYLOAD);
		compare_ways(m, result, &f);
		if (result == WIRE_V1_OK)
			resend(m, &f);
	} else if (m->type <= WIRE_V1_EXP_DEL) {
		take_expect(m);
	}
	if (wire_v1_get_mark(m, &mark)) {
		CHECK(wire_v1_put_mark(&w, 0, m->seq, &mark) == WIRE_V1_MARK_BYTES);
		CHECK(memcmp(bytes + WIRE_V1_HEADER_BYTES, m->payload, m->payload_len) == 0);
	}
}

/* What a stream takes for whole messages is whole to a datagram's eyes, too. */
static void stream(const uint8_t *data, size_t size)
{
	int64_t whole = wire_v1_stream(data, size);
	struct wire_v1_message m;
	enum wire_v1_result result;
	struct rbuf r;

	CHECK(whole <= (int64_t)size);
	r = rbuf_of(data, whole > 0 ? (size_t)whole : 0);
	while ((result = wire_v1_next(&r, &m)) != WIRE_V1_END)
		CHECK(result != WIRE_V1_TRUNCATED && result != WIRE_V1_BAD_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rbuf r = rbuf_of(data, size);
	struct wire_v1_message m;
	enum wire_v1_result result;
	size_t left;

	do {
		left = r.left;
		result = wire_v1_next(&r, &m);
		CHECK(result < WIRE_V1_RESULTS);
		CHECK(result == WIRE_V1_END || r.left < left);
		if (result == WIRE_V1_OK)
			take(&m);
	} while (result != WIRE_V1_END);
	CHECK(r.left == 0);
	stream(data, size);
	return 0;
}
