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
 * wire_v1_get_plain() and flow_plain_pack() are a short way from a message to a packed flow. It may
 * be taken or not; where it is taken, it has to lead to the bytes of the long one.
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

static const struct unit_test tests[] = {
	{"a settled TCP flow takes the short way", a_settled_tcp_flow_takes_the_short_way},
	{"SYNPROXY numbers are plain as long as they are naught",
		synproxy_numbers_are_plain_as_long_as_they_are_naught},
	{"NAT takes the short way", nat_takes_the_short_way},
	{"any flow is the same either way", any_flow_is_the_same_either_way},
	{"mutilated messages are the same either way", mutilated_messages_are_the_same_either_way},
};

UNIT_MAIN("wire plain", tests)
