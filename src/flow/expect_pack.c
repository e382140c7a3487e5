/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/check.h"
#include "flow/expect_pack.h"

/*
 * Layout:
 *   key     u8 enum key_bit, u16 zone, then of expected, mask and master: u8 layer 4 protocol,
 *           both cells, source and destination (4 or 16 bytes each)
 *   u16     struct expect's presence set
 *   heads   of expected, mask and master the presence set (u32, see head_set()) and a tuple zone
 *           if there is one; of the NAT tuple, if there is one, all of it
 *   values  timeout, flags, class, NAT direction, helper and function, those that are present
 *
 * The key's length follows from its first byte, as a flow's does, so that two keys with the same
 * first byte can be compared as bytes.
 */
enum key_bit {
	KEY_IPV6 = 1 << 0,
	KEY_EXPECT = 1 << 7, /* expect_is_packed(); no flow's key has it (pack.c) */
};

enum { KEY_HEADS = 3, KEY_V4_BYTES = 3 + KEY_HEADS * 13, KEY_V6_BYTES = 3 + KEY_HEADS * 37 };

_Static_assert((int)KEY_V6_BYTES <= (int)EXPECT_KEY_BYTES_MAX, "the longest key fits");

#define BIT(a) (UINT32_C(1) << FLOW_##a)

static const uint32_t IPV4_SET = BIT(ORIG_IPV4_SRC) | BIT(ORIG_IPV4_DST);
static const uint32_t IPV6_SET = BIT(ORIG_IPV6_SRC) | BIT(ORIG_IPV6_DST);
static const uint32_t CELLS_SET =
	BIT(ORIG_PORT_SRC) | BIT(ORIG_PORT_DST) | BIT(ICMP_TYPE) | BIT(ICMP_CODE) | BIT(ICMP_ID);
static const uint32_t PROTO_SET = BIT(ORIG_L3PROTO) | BIT(ORIG_L4PROTO);
static const uint32_t ZONE_BIT = UINT32_C(1) << 31; /* stands for FLOW_ORIG_ZONE */

/* The three tuples of a key, in its order. */
static const struct flow_head *key_head(const struct expect *e, unsigned i)
{
	return i == 0 ? &e->expected : i == 1 ? &e->mask : &e->master;
}

static bool head_is_whole(const struct flow_head *h)
{
	if (!flow_head_has(h, FLOW_ORIG_L3PROTO) || !flow_head_has(h, FLOW_ORIG_L4PROTO))
		return false;
	if (h->tuple.l3 == AF_INET)
		return (h->set[0] & IPV4_SET) == IPV4_SET;
	return h->tuple.l3 == AF_INET6 && (h->set[0] & IPV6_SET) == IPV6_SET;
}

bool expect_has_key(const struct expect *e)
{
	return expect_has(e, EXPECT_MASTER) && expect_has(e, EXPECT_EXPECTED) &&
	       expect_has(e, EXPECT_MASK) && head_is_whole(&e->master) &&
	       head_is_whole(&e->expected) && head_is_whole(&e->mask) &&
	       e->master.tuple.l3 == e->expected.tuple.l3 && e->master.tuple.l3 == e->mask.tuple.l3;
}

/* The two cells as they stand in memory, those not present as 0. */
static void put_cells(struct wbuf *w, const struct flow_head *h)
{
	struct flow_tuple t = {.zone = 0};

	if (flow_head_has(h, FLOW_ORIG_PORT_SRC) || flow_head_has(h, FLOW_ICMP_ID))
		t.sport_be = h->tuple.sport_be;
	if (flow_head_has(h, FLOW_ORIG_PORT_DST)) {
		t.dport_be = h->tuple.dport_be;
	} else {
		t.icmp_type = flow_head_has(h, FLOW_ICMP_TYPE) ? h->tuple.icmp_type : 0;
		t.icmp_code = flow_head_has(h, FLOW_ICMP_CODE) ? h->tuple.icmp_code : 0;
	}
	wbuf_u16(w, t.sport_be);
	wbuf_u16(w, t.dport_be);
}

static size_t addr_len(uint8_t bits)
{
	return bits & KEY_IPV6 ? 16 : 4;
}

size_t expect_key_make(const struct expect *e, uint8_t key[EXPECT_KEY_BYTES_MAX])
{
	struct wbuf w = wbuf_of(key, EXPECT_KEY_BYTES_MAX);
	uint8_t bits = KEY_EXPECT;

	if (!expect_has_key(e))
		return 0;
	if (e->master.tuple.l3 == AF_INET6)
		bits |= KEY_IPV6;
	wbuf_u8(&w, bits);
	wbuf_u16(&w, expect_has(e, EXPECT_ZONE) ? e->zone : 0);
	for (unsigned i = 0; i < KEY_HEADS; i++) {
		const struct flow_head *h = key_head(e, i);

		wbuf_u8(&w, h->tuple.l4);
		put_cells(&w, h);
		wbuf_copy(&w, h->tuple.src.bytes, addr_len(bits));
		wbuf_copy(&w, h->tuple.dst.bytes, addr_len(bits));
	}
	CHECK(!w.bad && w.used == expect_key_len(key));
	return w.used;
}

size_t expect_key_len(const uint8_t *packed)
{
	return packed[0] & KEY_IPV6 ? KEY_V6_BYTES : KEY_V4_BYTES;
}

/* What is present of a head; addresses of the other layer 3 protocol are not kept. */
static uint32_t head_set(const struct flow_head *h, uint8_t bits)
{
	uint32_t set =
		h->set[0] & (CELLS_SET | PROTO_SET | (bits & KEY_IPV6 ? IPV6_SET : IPV4_SET));

	return flow_head_has(h, FLOW_ORIG_ZONE) ? set | ZONE_BIT : set;
}

static void put_head_set(struct wbuf *w, const struct flow_head *h, uint8_t bits)
{
	uint32_t set = head_set(h, bits);

	wbuf_u32(w, set);
	if (set & ZONE_BIT)
		wbuf_u16(w, h->tuple.zone);
}

static void get_head_set(struct rbuf *r, struct flow_head *h)
{
	uint32_t set = rbuf_u32(r);

	h->set[0] = set & ~ZONE_BIT;
	if (!(set & ZONE_BIT))
		return;
	h->set[FLOW_ORIG_ZONE / 32] = UINT32_C(1) << (FLOW_ORIG_ZONE % 32);
	h->tuple.zone = rbuf_u16(r);
}

/* A NAT tuple need not be of the key's layer 3 protocol, nor name one. */
static void put_nat(struct wbuf *w, const struct flow_head *h)
{
	uint8_t bits = h->tuple.l3 == AF_INET6 ? KEY_IPV6 : 0;

	put_head_set(w, h, bits);
	wbuf_u8(w, h->tuple.l3);
	wbuf_u8(w, h->tuple.l4);
	put_cells(w, h);
	wbuf_copy(w, h->tuple.src.bytes, addr_len(bits));
	wbuf_copy(w, h->tuple.dst.bytes, addr_len(bits));
}

static void get_tuple(struct rbuf *r, struct flow_tuple *t, size_t addr_bytes)
{
	t->sport_be = rbuf_u16(r);
	t->dport_be = rbuf_u16(r);
	rbuf_copy(r, t->src.bytes, addr_bytes);
	rbuf_copy(r, t->dst.bytes, addr_bytes);
}

static void get_nat(struct rbuf *r, struct flow_head *h)
{
	get_head_set(r, h);
	h->tuple.l3 = rbuf_u8(r);
	h->tuple.l4 = rbuf_u8(r);
	get_tuple(r, &h->tuple, h->tuple.l3 == AF_INET6 ? 16 : 4);
}

static void put_text(struct wbuf *w, const char *text, size_t max)
{
	size_t len = strnlen(text, max - 1);

	wbuf_u8(w, (uint8_t)len);
	wbuf_copy(w, text, len);
}

static void get_text(struct rbuf *r, char *text, size_t max)
{
	size_t len = rbuf_u8(r);

	CHECK(len < max);
	rbuf_copy(r, text, len);
}

size_t expect_pack(const struct expect *e, uint8_t packed[EXPECT_PACKED_BYTES_MAX])
{
	struct wbuf w = wbuf_of(packed, EXPECT_PACKED_BYTES_MAX);

	w.used = expect_key_make(e, packed);
	if (w.used == 0)
		return 0;
	wbuf_u16(&w, (uint16_t)(e->set & ((1u << EXPECT_ATTR_COUNT) - 1)));
	for (unsigned i = 0; i < KEY_HEADS; i++)
		put_head_set(&w, key_head(e, i), packed[0]);
	if (expect_has(e, EXPECT_NAT_TUPLE))
		put_nat(&w, &e->nat);
	if (expect_has(e, EXPECT_TIMEOUT))
		wbuf_u32(&w, e->timeout);
	if (expect_has(e, EXPECT_FLAGS))
		wbuf_u32(&w, e->flags);
	if (expect_has(e, EXPECT_CLASS))
		wbuf_u32(&w, e->class);
	if (expect_has(e, EXPECT_NAT_DIR))
		wbuf_u32(&w, e->nat_dir);
	if (expect_has(e, EXPECT_HELPER_NAME))
		put_text(&w, e->helper_name, sizeof(e->helper_name));
	if (expect_has(e, EXPECT_FN))
		put_text(&w, e->fn, sizeof(e->fn));
	CHECK(!w.bad);
	return w.used;
}

static void get_key(struct rbuf *r, struct expect *e)
{
	uint8_t bits = rbuf_u8(r);
	struct flow_head *heads[KEY_HEADS] = {&e->expected, &e->mask, &e->master};

	CHECK(bits & KEY_EXPECT);
	e->zone = rbuf_u16(r);
	for (unsigned i = 0; i < KEY_HEADS; i++) {
		heads[i]->tuple.l3 = bits & KEY_IPV6 ? AF_INET6 : AF_INET;
		heads[i]->tuple.l4 = rbuf_u8(r);
		get_tuple(r, &heads[i]->tuple, addr_len(bits));
	}
}

void expect_unpack(const uint8_t *packed, size_t len, struct expect *e)
{
	struct rbuf r = rbuf_of(packed, len);

	memset(e, 0, sizeof(*e));
	get_key(&r, e);
	e->set = rbuf_u16(&r);
	get_head_set(&r, &e->expected);
	get_head_set(&r, &e->mask);
	get_head_set(&r, &e->master);
	if (expect_has(e, EXPECT_NAT_TUPLE))
		get_nat(&r, &e->nat);
	if (expect_has(e, EXPECT_TIMEOUT))
		e->timeout = rbuf_u32(&r);
	if (expect_has(e, EXPECT_FLAGS))
		e->flags = rbuf_u32(&r);
	if (expect_has(e, EXPECT_CLASS))
		e->class = rbuf_u32(&r);
	if (expect_has(e, EXPECT_NAT_DIR))
		e->nat_dir = rbuf_u32(&r);
	if (expect_has(e, EXPECT_HELPER_NAME))
		get_text(&r, e->helper_name, sizeof(e->helper_name));
	if (expect_has(e, EXPECT_FN))
		get_text(&r, e->fn, sizeof(e->fn));
	CHECK(!r.bad && r.left == 0);
}

bool expect_same_state(const struct expect *a, const struct expect *b)
{
	uint8_t packed[2][EXPECT_PACKED_BYTES_MAX];
	struct expect timeless = *a;
	size_t len;

	expect_mark_unset(&timeless, EXPECT_TIMEOUT);
	len = expect_pack(&timeless, packed[0]);
	timeless = *b;
	expect_mark_unset(&timeless, EXPECT_TIMEOUT);
	return len > 0 && len == expect_pack(&timeless, packed[1]) &&
	       memcmp(packed[0], packed[1], len) == 0;
}
