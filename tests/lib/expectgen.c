/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/expectgen.h"
#include "tests/lib/flowgen.h"

static void random_head(struct rng *r, uint8_t l3, struct flow_head *h)
{
	struct flow f;

	flowgen_tuples(r, &f, l3, 0);
	flow_head_of(h, &f);
	if (rng_chance(r, 1, 10)) {
		h->set[FLOW_ORIG_ZONE / 32] |= UINT32_C(1) << (FLOW_ORIG_ZONE % 32);
		h->tuple.zone = (uint16_t)rng_u32(r);
	}
}

static void random_name(struct rng *r, char *name, size_t max)
{
	memset(name, 'a' + (char)rng_below(r, 26), rng_below(r, (uint32_t)max));
}

static bool coin(struct rng *r, struct expect *x, enum expect_attr a)
{
	if (rng_chance(r, 1, 2))
		return false;
	expect_mark_set(x, a);
	return true;
}

void expectgen_random(struct rng *r, struct expect *x)
{
	uint8_t l3 = rng_chance(r, 1, 2) ? AF_INET : AF_INET6;

	memset(x, 0, sizeof(*x));
	random_head(r, l3, &x->master);
	random_head(r, l3, &x->expected);
	random_head(r, l3, &x->mask);
	expect_mark_set(x, EXPECT_MASTER);
	expect_mark_set(x, EXPECT_EXPECTED);
	expect_mark_set(x, EXPECT_MASK);
	if (coin(r, x, EXPECT_TIMEOUT))
		x->timeout = rng_u32(r);
	if (coin(r, x, EXPECT_ZONE))
		x->zone = (uint16_t)(1 + rng_below(r, 65535));
	if (coin(r, x, EXPECT_FLAGS))
		x->flags = rng_below(r, 8);
	if (coin(r, x, EXPECT_HELPER_NAME))
		random_name(r, x->helper_name, sizeof(x->helper_name));
	if (coin(r, x, EXPECT_CLASS))
		x->class = rng_below(r, 4);
	if (coin(r, x, EXPECT_FN))
		random_name(r, x->fn, sizeof(x->fn));
	if (coin(r, x, EXPECT_NAT_TUPLE)) {
		random_head(r, l3, &x->nat);
		expect_mark_set(x, EXPECT_NAT_DIR);
		x->nat_dir = rng_below(r, 2);
	}
}

static void ports(struct flow_head *h, uint16_t sport, uint16_t dport)
{
	h->tuple.sport_be = htons(sport);
	h->tuple.dport_be = htons(dport);
}

void expectgen_of(const struct flow *master, uint16_t port, struct expect *x)
{
	memset(x, 0, sizeof(*x));
	flow_head_of(&x->master, master);
	x->expected = x->mask = x->master;
	x->expected.tuple.src = master->tuple[FLOW_ORIG].dst;
	x->expected.tuple.dst = master->tuple[FLOW_ORIG].src;
	ports(&x->expected, 0, port);
	memset(&x->mask.tuple.src, 0xff, master->tuple[FLOW_ORIG].l3 == AF_INET ? 4 : 16);
	x->mask.tuple.dst = x->mask.tuple.src;
	ports(&x->mask, 0, 0xffff);
	x->timeout = 300;
	x->flags = 0;
	x->class = 0;
	memcpy(x->helper_name, "ftp", 4);
	memcpy(x->fn, "nat-follow-master", 18);
	x->nat = x->expected;
	memset(&x->nat.tuple.src, 0, sizeof(x->nat.tuple.src));
	memset(&x->nat.tuple.dst, 0, sizeof(x->nat.tuple.dst));
	ports(&x->nat, port, 0);
	x->nat_dir = FLOW_REPL;
	x->set = ((UINT32_C(1) << EXPECT_ATTR_COUNT) - 1) & ~(UINT32_C(1) << EXPECT_ZONE);
}
