/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rng.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"
#include "wire/v1.h"

/*
 * wire_v1_get_plain() and flow_plain_pack() are a short way from a message to a packed flow,
 * flow_plain_unpack() and wire_v1_put_plain() one back. They may be taken or not; where they are,
 * they have to lead to the bytes of the long one.
 */
struct written {
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	size_t len;
};

static struct written written(const struct flow *f)
{
	static const struct wire_v1_options options;
	struct written w = {.len = 0};
	struct wbuf b = wbuf_of(w.bytes, sizeof(w.bytes));

	w.len = wire_v1_put_flow(&b, WIRE_V1_CT_NEW, 0, 1, f, &options);
	return w;
}

static struct wire_v1_message message_of(const struct written *w)
{
	struct rbuf r = rbuf_of(w->bytes, w->len);
	struct wire_v1_message m;

	CU_ASSERT_EQUAL_FATAL(wire_v1_next(&r, &m), WIRE_V1_OK);
	return m;
}

/* True if the short way was taken. */
static bool ways_agree(const struct written *w)
{
	uint8_t packed[2][FLOW_PACKED_BYTES_MAX], key[2][FLOW_KEY_BYTES_MAX];
	struct wire_v1_message m = message_of(w);
	struct flow_plain plain;
	struct flow f;
	size_t len[2];

	if (!wire_v1_get_plain(&m, &plain))
		return false;
	CU_ASSERT_EQUAL_FATAL(wire_v1_get_flow(&m, &f), WIRE_V1_OK);
	len[0] = flow_plain_pack(&plain, packed[0]);
	len[1] = flow_pack(&f, packed[1]);
	CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
	CU_ASSERT_TRUE(memcmp(packed[0], packed[1], len[0]) == 0);
	len[0] = flow_plain_key(&plain, key[0]);
	len[1] = flow_key_make(&f, key[1]);
	CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
	CU_ASSERT_TRUE(memcmp(key[0], key[1], len[0]) == 0);
	return true;
}

static void a_settled_tcp_flow_takes_the_short_way(void)
{
	struct written w;
	struct flow f;

	flowgen_numbered(7, &f);
	w = written(&f);
	CU_ASSERT_TRUE(ways_agree(&w));
	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	f.status |= 1U << 20;
	w = written(&f);
	CU_ASSERT_TRUE(ways_agree(&w));
	flow_mark_unset(&f, FLOW_TIMEOUT);
	flow_mark_unset(&f, FLOW_TCP_STATE);
	w = written(&f);
	CU_ASSERT_TRUE(ways_agree(&w));
}

static void synproxy_numbers_are_plain_as_long_as_they_are_naught(void)
{
	struct written w;
	struct flow f;

	flowgen_numbered(7, &f);
	flow_mark_set(&f, FLOW_SYNPROXY_ISN);
	flow_mark_set(&f, FLOW_SYNPROXY_ITS);
	flow_mark_set(&f, FLOW_SYNPROXY_TSOFF);
	w = written(&f);
	CU_ASSERT_TRUE(ways_agree(&w));
	f.synproxy_tsoff = 1;
	w = written(&f);
	CU_ASSERT_FALSE(ways_agree(&w));
}

/* Of both protocols and families, with every part of NAT: each has to take the short way. */
static void nat_takes_the_short_way(void)
{
	static const uint8_t l3s[] = {AF_INET, AF_INET6}, l4s[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct rng rng = rng_of(seed_get("test_wire_plain"));

	for (unsigned i = 0; i < 4 * 16; i++) {
		struct flow_tuple *repl;
		struct written w;
		struct flow f;

		flowgen_tuples(&rng, &f, l3s[i & 1], l4s[i >> 1 & 1]);
		repl = &f.tuple[FLOW_REPL];
		f.status = FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE;
		flow_mark_set(&f, FLOW_STATUS);
		f.zone = f.tuple[FLOW_ORIG].zone = repl->zone = 0;
		flow_mark_unset(&f, FLOW_ZONE);
		repl->src.bytes[0] ^= i >> 2 & 1;
		repl->dst.bytes[0] ^= i >> 3 & 1;
		repl->sport_be ^= (uint16_t)(i >> 4 & 1);
		repl->dport_be ^= (uint16_t)(i >> 5 & 1);
		w = written(&f);
		CU_ASSERT_TRUE(ways_agree(&w));
	}
}

static void any_flow_is_the_same_either_way(void)
{
	unsigned taken = 0;
	struct rng rng = rng_of(seed_get("test_wire_plain"));

	for (unsigned i = 0; i < 20000; i++) {
		struct written w;
		struct flow f;

		flowgen_random(&rng, &f);
		w = written(&f);
		taken += ways_agree(&w);
	}
	CU_ASSERT_TRUE(taken > 100);
	CU_ASSERT_TRUE(taken < 20000);
}

/* Records left out, doubled, exchanged and cut: what is not in its usual place goes the long way.
 */
static void mutilated_messages_are_the_same_either_way(void)
{
	unsigned taken = 0;
	struct rng rng = rng_of(seed_get("test_wire_plain"));

	for (unsigned i = 0; i < 20000; i++) {
		struct written w;
		size_t at, to, n;
		struct flow f;

		if (i & 1)
			flowgen_numbered(i, &f);
		else
			flowgen_random(&rng, &f);
		w = written(&f);
		/* words move as a whole: many records are two */
		at = 8 + 4 * rng_below(&rng, (uint32_t)(w.len - 8) / 4);
		to = 8 + 4 * rng_below(&rng, (uint32_t)(w.len - 8) / 4);
		n = 4 * (1 + rng_below(&rng, 4));
		if (at + n > w.len || to + n > w.len)
			continue;
		switch (rng_below(&rng, 3)) {
		case 0:
			memmove(w.bytes + to, w.bytes + at, n);
			break;
		case 1:
			memmove(w.bytes + at, w.bytes + at + n, w.len - at - n);
			w.len -= n;
			break;
		default:
			w.bytes[at + rng_below(&rng, 4)] ^= (uint8_t)(1U << rng_below(&rng, 8));
			break;
		}
		w.bytes[2] = (uint8_t)(w.len >> 8);
		w.bytes[3] = (uint8_t)w.len;
		taken += ways_agree(&w);
	}
	CU_ASSERT_TRUE(taken > 100);
}

/* ---- from a packed flow to a message ---- */

static size_t put_short_way(struct wbuf *w, const struct flow_plain *plain, uint8_t flags,
	const struct wire_v1_options *options)
{
	return wire_v1_put_plain(w, WIRE_V1_CT_UPD, flags, 0x01020304, plain, options);
}

/* True if the short way was taken. */
static bool ways_out_agree(const struct flow *f, bool without_timeout)
{
	const struct wire_v1_options options = {.without_timeout = without_timeout};
	const uint8_t flags = without_timeout ? WIRE_V1_HELLO : 0;
	uint8_t packed[FLOW_PACKED_BYTES_MAX], bytes[2][WIRE_V1_MESSAGE_BYTES_MAX];
	size_t packed_len = flow_pack(f, packed), len[2];
	struct wbuf w[2] = {
		wbuf_of(bytes[0], sizeof(bytes[0])), wbuf_of(bytes[1], sizeof(bytes[1]))};
	struct flow_plain plain;
	struct flow back;

	CU_ASSERT_FATAL(packed_len > 0);
	if (!flow_plain_unpack(packed, packed_len, &plain))
		return false;
	flow_unpack(packed, packed_len, &back);
	CU_ASSERT_EQUAL(back.timeout, plain.has & FLOW_PLAIN_TIMEOUT ? plain.timeout : 0);
	len[0] = put_short_way(&w[0], &plain, flags, &options);
	len[1] = wire_v1_put_flow(&w[1], WIRE_V1_CT_UPD, flags, 0x01020304, &back, &options);
	CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
	CU_ASSERT_EQUAL_FATAL(w[0].used, w[1].used);
	CU_ASSERT_TRUE(memcmp(bytes[0], bytes[1], len[0]) == 0);
	/* a byte too little: nothing is appended */
	w[0] = wbuf_of(bytes[0], len[0] - 1);
	CU_ASSERT_EQUAL(put_short_way(&w[0], &plain, flags, &options), 0);
	CU_ASSERT_TRUE(w[0].used == 0 && !w[0].bad);
	w[0].cap = len[0];
	CU_ASSERT_EQUAL(put_short_way(&w[0], &plain, flags, &options), len[0]);
	return true;
}

static void what_the_kernel_tells_takes_the_short_way_out(void)
{
	struct flow f;

	flowgen_numbered(7, &f);
	CU_ASSERT_TRUE(ways_out_agree(&f, false));
	CU_ASSERT_TRUE(ways_out_agree(&f, true));
	f.id = 77;
	flow_mark_set(&f, FLOW_ID);
	f.tcp.wscale[0] = f.tcp.wscale[1] = 7;
	f.tcp.flags[0] = f.tcp.flags_mask[1] = 10;
	flow_mark_set(&f, FLOW_TCP_WSCALE_ORIG);
	flow_mark_set(&f, FLOW_TCP_WSCALE_REPL);
	flow_mark_set(&f, FLOW_TCP_FLAGS_ORIG);
	flow_mark_set(&f, FLOW_TCP_FLAGS_REPL);
	flow_mark_set(&f, FLOW_TCP_MASK_ORIG);
	flow_mark_set(&f, FLOW_TCP_MASK_REPL);
	f.mark = 9;
	flow_mark_set(&f, FLOW_MARK);
	f.status |= 1U << 20;
	CU_ASSERT_TRUE(ways_out_agree(&f, false));
	f.zone = 3;
	flow_mark_set(&f, FLOW_ZONE);
	CU_ASSERT_FALSE(ways_out_agree(&f, false));
}

/* Of both protocols and families, with every part of NAT, done or denied by the status, or both. */
static void nat_takes_the_short_way_out(void)
{
	static const uint8_t l3s[] = {AF_INET, AF_INET6}, l4s[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct rng rng = rng_of(seed_get("test_wire_plain"));

	for (unsigned i = 0; i < 4 * 16 * 8; i++) {
		struct flow_tuple *repl;
		struct flow f;

		flowgen_tuples(&rng, &f, l3s[i & 1], l4s[i >> 1 & 1]);
		repl = &f.tuple[FLOW_REPL];
		f.status = (i >> 6 & 1 ? FLOW_STATUS_SRC_NAT_DONE : 0) |
			   (i >> 7 & 1 ? FLOW_STATUS_DST_NAT_DONE : 0);
		if (i >> 8 & 1)
			flow_mark_set(&f, FLOW_STATUS);
		f.zone = f.tuple[FLOW_ORIG].zone = repl->zone = 0;
		flow_mark_unset(&f, FLOW_ZONE);
		flow_mark_unset(&f, FLOW_ORIG_ZONE);
		flow_mark_unset(&f, FLOW_REPL_ZONE);
		repl->src.bytes[0] ^= i >> 2 & 1;
		repl->dst.bytes[0] ^= i >> 3 & 1;
		repl->sport_be ^= (uint16_t)(i >> 4 & 1);
		repl->dport_be ^= (uint16_t)(i >> 5 & 1);
		CU_ASSERT_TRUE(ways_out_agree(&f, i & 1));
	}
}

static void any_flow_is_told_the_same_either_way(void)
{
	unsigned taken = 0;
	struct rng rng = rng_of(seed_get("test_wire_plain"));

	for (unsigned i = 0; i < 20000; i++) {
		struct flow f;

		flowgen_random(&rng, &f);
		taken += ways_out_agree(&f, i & 1);
	}
	CU_ASSERT_TRUE(taken > 100);
	CU_ASSERT_TRUE(taken < 20000);
}

static const struct unit_test tests[] = {
	{"what the kernel tells takes the short way out",
		what_the_kernel_tells_takes_the_short_way_out},
	{"NAT takes the short way out", nat_takes_the_short_way_out},
	{"any flow is told the same either way", any_flow_is_told_the_same_either_way},
	{"a settled TCP flow takes the short way", a_settled_tcp_flow_takes_the_short_way},
	{"SYNPROXY numbers are plain as long as they are naught",
		synproxy_numbers_are_plain_as_long_as_they_are_naught},
	{"NAT takes the short way", nat_takes_the_short_way},
	{"any flow is the same either way", any_flow_is_the_same_either_way},
	{"mutilated messages are the same either way", mutilated_messages_are_the_same_either_way},
};

UNIT_MAIN("wire plain", tests)
