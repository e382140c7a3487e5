/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/v1.h"

#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "wire/v1_read.h"

enum {
	V1X_HELPER_BYTES_MAX = WIRE_V1_HELPER_NAME_MAX + 1,
	V1X_FN_BYTES_MAX = WIRE_V1_FN_MAX + 1,
};

static const struct v1_size payload_sizes[V1X_ATTRS] = {
	[V1X_MASTER_IPV4] = {8, 8},
	[V1X_MASTER_IPV6] = {32, 32},
	[V1X_MASTER_L4PROTO] = {1, 1},
	[V1X_MASTER_PORT] = {4, 4},
	[V1X_EXPECT_IPV4] = {8, 8},
	[V1X_EXPECT_IPV6] = {32, 32},
	[V1X_EXPECT_L4PROTO] = {1, 1},
	[V1X_EXPECT_PORT] = {4, 4},
	[V1X_MASK_IPV4] = {8, 8},
	[V1X_MASK_IPV6] = {32, 32},
	[V1X_MASK_L4PROTO] = {1, 1},
	[V1X_MASK_PORT] = {4, 4},
	[V1X_TIMEOUT] = {4, 4},
	[V1X_FLAGS] = {4, 4},
	[V1X_CLASS] = {4, 4},
	[V1X_NAT_IPV4] = {8, 8},
	[V1X_NAT_PORT] = {4, 4},
	[V1X_NAT_L4PROTO] = {1, 1},
	[V1X_NAT_DIR] = {4, 4},
	[V1X_HELPER_NAME] = {0, V1X_HELPER_BYTES_MAX},
	[V1X_FN] = {0, V1X_FN_BYTES_MAX},
};

static void mark(struct flow_head *h, enum flow_attr a)
{
	h->set[a / 32] |= UINT32_C(1) << (a % 32);
}

/* Where a tuple's attributes are; ipv6 0: it has none. */
struct head_attrs {
	uint8_t ipv4, ipv6, l4, port;
};

/* The addresses of one layer 3 protocol; false: they are there of both, or of none. */
static bool get_head_addrs(
	const struct v1_payloads *p, const struct head_attrs *at, struct flow_head *h)
{
	bool v4 = get_addrs(p, at->ipv4, 4, &h->tuple);

	if (v4 == (p->at[at->ipv6] != NULL))
		return false;
	get_addrs(p, at->ipv6, 16, &h->tuple);
	h->tuple.l3 = v4 ? AF_INET : AF_INET6;
	mark(h, v4 ? FLOW_ORIG_IPV4_SRC : FLOW_ORIG_IPV6_SRC);
	mark(h, v4 ? FLOW_ORIG_IPV4_DST : FLOW_ORIG_IPV6_DST);
	mark(h, FLOW_ORIG_L3PROTO);
	return true;
}

static bool get_head_l4(
	const struct v1_payloads *p, const struct head_attrs *at, struct flow_head *h)
{
	if (!get_u8(p, at->l4, &h->tuple.l4))
		return false;
	mark(h, FLOW_ORIG_L4PROTO);
	if (!flow_l4_is_icmp(h->tuple.l4) && get_ports(p, at->port, &h->tuple)) {
		mark(h, FLOW_ORIG_PORT_SRC);
		mark(h, FLOW_ORIG_PORT_DST);
	}
	return true;
}

static bool get_heads(const struct v1_payloads *p, struct expect *x)
{
	static const struct {
		struct head_attrs at;
		enum expect_attr id;
	} heads[] = {
		{{V1X_MASTER_IPV4, V1X_MASTER_IPV6, V1X_MASTER_L4PROTO, V1X_MASTER_PORT},
			EXPECT_MASTER},
		{{V1X_EXPECT_IPV4, V1X_EXPECT_IPV6, V1X_EXPECT_L4PROTO, V1X_EXPECT_PORT},
			EXPECT_EXPECTED},
		{{V1X_MASK_IPV4, V1X_MASK_IPV6, V1X_MASK_L4PROTO, V1X_MASK_PORT}, EXPECT_MASK},
	};
	struct flow_head *const to[] = {&x->master, &x->expected, &x->mask};

	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		if (!get_head_addrs(p, &heads[i].at, to[i]) ||
			!get_head_l4(p, &heads[i].at, to[i]) ||
			to[i]->tuple.l3 != x->master.tuple.l3)
			return false;
		expect_mark_set(x, heads[i].id);
	}
	return true;
}

/*
 * A NAT tuple's addresses are on the wire for IPv4 alone; those that are missing are 0, as they are
 * for every helper whose mapping is the master's. Of no use without its protocol and direction.
 */
static void get_nat(const struct v1_payloads *p, struct expect *x)
{
	static const struct head_attrs at = {V1X_NAT_IPV4, 0, V1X_NAT_L4PROTO, V1X_NAT_PORT};
	struct flow_head *h = &x->nat;
	bool v4 = x->master.tuple.l3 == AF_INET;

	if (!p->at[V1X_NAT_DIR] || !get_head_l4(p, &at, h))
		return;
	get_words(p, V1X_NAT_DIR, &x->nat_dir, 1);
	if (v4)
		get_addrs(p, V1X_NAT_IPV4, 4, &h->tuple);
	h->tuple.l3 = x->master.tuple.l3;
	mark(h, FLOW_ORIG_L3PROTO);
	mark(h, v4 ? FLOW_ORIG_IPV4_SRC : FLOW_ORIG_IPV6_SRC);
	mark(h, v4 ? FLOW_ORIG_IPV4_DST : FLOW_ORIG_IPV6_DST);
	expect_mark_set(x, EXPECT_NAT_TUPLE);
	expect_mark_set(x, EXPECT_NAT_DIR);
}

/* Puts a name into text, of max bytes with its NUL; an empty one, or one too long for it, is none.
 */
static bool get_name(const struct v1_payloads *p, unsigned a, size_t name_max, char *text,
	size_t max, bool *present)
{
	const char *name = (const char *)p->at[a];
	size_t len = name ? strnlen(name, p->len[a]) : 0;

	*present = false;
	if (len == 0)
		return true;
	if (!wire_v1_name_is_good(name, len, name_max))
		return false;
	if (len >= max)
		return true;
	memcpy(text, name, len);
	*present = true;
	return true;
}

static bool get_names(const struct v1_payloads *p, struct expect *x)
{
	bool helper, fn;

	if (!get_name(p, V1X_HELPER_NAME, WIRE_V1_HELPER_NAME_MAX, x->helper_name,
		    sizeof(x->helper_name), &helper) ||
		!get_name(p, V1X_FN, WIRE_V1_FN_MAX, x->fn, sizeof(x->fn), &fn))
		return false;
	if (helper)
		expect_mark_set(x, EXPECT_HELPER_NAME);
	if (fn)
		expect_mark_set(x, EXPECT_FN);
	return true;
}

enum wire_v1_result wire_v1_get_expect(const struct wire_v1_message *m, struct expect *out)
{
	struct v1_payloads p;

	CHECK(m->type >= WIRE_V1_EXP_NEW && m->type <= WIRE_V1_EXP_DEL);
	memset(out, 0, sizeof(*out));
	if (!find_payloads(m, &p, payload_sizes, V1X_ATTRS) || !get_heads(&p, out) ||
		!get_names(&p, out))
		return WIRE_V1_BAD_PAYLOAD;
	get_nat(&p, out);
	if (get_u32(&p, V1X_TIMEOUT, &out->timeout))
		expect_mark_set(out, EXPECT_TIMEOUT);
	if (get_u32(&p, V1X_FLAGS, &out->flags))
		expect_mark_set(out, EXPECT_FLAGS);
	if (get_u32(&p, V1X_CLASS, &out->class))
		expect_mark_set(out, EXPECT_CLASS);
	return WIRE_V1_OK;
}
