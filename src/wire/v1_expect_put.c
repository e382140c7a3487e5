/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/v1.h"

#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "flow/expect_pack.h"
#include "wire/v1_write.h"

/* Upstream sends all three tuples' ports, and NAT's, by the master's protocol. */
static bool sends_ports(const struct expect *x)
{
	uint8_t l4 = x->master.tuple.l4;

	return flow_l4_has_ports(l4) && l4 != IPPROTO_UDPLITE;
}

static bool has_ports(const struct flow_head *h)
{
	return flow_head_has(h, FLOW_ORIG_PORT_SRC) && flow_head_has(h, FLOW_ORIG_PORT_DST);
}

/* The attributes of the tuples follow each other in the same order. */
static void put_head(
	struct wbuf *w, const struct expect *x, enum v1_expect_attr ipv4, const struct flow_head *h)
{
	enum { IPV6 = 1, L4PROTO = 2, PORT = 3 };

	put_addrs(w, ipv4, ipv4 + IPV6, &h->tuple);
	put_u8(w, ipv4 + L4PROTO, h->tuple.l4);
	if (sends_ports(x) && has_ports(h))
		put_ports(w, ipv4 + PORT, &h->tuple);
}

/*
 * A mapping of IPv6 goes only if its addresses are 0, which is what those are for that do not
 * arrive: another one would be recreated as a mapping to no address.
 */
static bool sends_nat(const struct expect *x)
{
	const struct flow_tuple *t = &x->nat.tuple;
	static const union flow_addr none;

	if (!expect_has(x, EXPECT_NAT_TUPLE) || !expect_has(x, EXPECT_NAT_DIR) ||
		!flow_head_has(&x->nat, FLOW_ORIG_L4PROTO))
		return false;
	return t->l3 == AF_INET || (memcmp(&t->src, &none, sizeof(none)) == 0 &&
					   memcmp(&t->dst, &none, sizeof(none)) == 0);
}

static void put_nat(struct wbuf *w, const struct expect *x)
{
	const struct flow_tuple *t = &x->nat.tuple;

	if (!sends_nat(x))
		return;
	if (t->l3 == AF_INET)
		put_addrs(w, V1X_NAT_IPV4, V1X_NAT_IPV4, t);
	put_u8(w, V1X_NAT_L4PROTO, t->l4);
	if (sends_ports(x) && has_ports(&x->nat))
		put_ports(w, V1X_NAT_PORT, t);
	put_u32(w, V1X_NAT_DIR, x->nat_dir);
}

static void put_name(
	struct wbuf *w, enum v1_expect_attr a, const char *name, size_t max, size_t len_max)
{
	size_t len = strnlen(name, max);

	if (len < max && wire_v1_name_is_good(name, len, len_max))
		put_bytes(w, a, name, len + 1);
}

/* The order of the attributes is upstream's, so that both write the same bytes. */
size_t wire_v1_put_expect(struct wbuf *w, enum wire_v1_type type, uint8_t flags, uint32_t seq,
	const struct expect *x, const struct wire_v1_options *opt)
{
	struct v1_start start;

	CHECK(type >= WIRE_V1_EXP_NEW && type <= WIRE_V1_EXP_DEL);
	CHECK((flags & ~(WIRE_V1_HELLO | WIRE_V1_HELLO_BACK)) == 0);
	CHECK(expect_has_key(x));
	start = wire_v1_put_begin(w, type, flags, seq);
	put_head(w, x, V1X_MASTER_IPV4, &x->master);
	put_head(w, x, V1X_EXPECT_IPV4, &x->expected);
	put_head(w, x, V1X_MASK_IPV4, &x->mask);
	if (!opt->without_timeout && expect_has(x, EXPECT_TIMEOUT))
		put_u32(w, V1X_TIMEOUT, x->timeout);
	put_u32(w, V1X_FLAGS, expect_has(x, EXPECT_FLAGS) ? x->flags : 0);
	if (expect_has(x, EXPECT_CLASS))
		put_u32(w, V1X_CLASS, x->class);
	put_nat(w, x);
	if (expect_has(x, EXPECT_HELPER_NAME))
		put_name(w, V1X_HELPER_NAME, x->helper_name, sizeof(x->helper_name),
			WIRE_V1_HELPER_NAME_MAX);
	if (expect_has(x, EXPECT_FN))
		put_name(w, V1X_FN, x->fn, sizeof(x->fn), WIRE_V1_FN_MAX);
	return wire_v1_put_end(w, start);
}
