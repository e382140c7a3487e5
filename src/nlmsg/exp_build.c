/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nlmsg/build.h"
#include "nlmsg/exp.h"

/* A tuple without a layer 3 protocol says nothing and is left out. */
static bool has_head(const struct expect *e, enum expect_attr id, const struct flow_head *h)
{
	return expect_has(e, id) && (h->tuple.l3 == AF_INET || h->tuple.l3 == AF_INET6);
}

static void put_head(struct build *b, uint16_t type, const struct expect *e, enum expect_attr id,
	const struct flow_head *h)
{
	if (has_head(e, id, h))
		put_tuple(b, type, &h->tuple, false);
}

static void put_text(struct build *b, uint16_t type, const char *text, size_t max)
{
	char copy[EXPECT_FN_MAX] = {0}; /* of any text: none is longer */
	size_t len = strnlen(text, max - 1);

	memcpy(copy, text, len);
	put(b, type, copy, len + 1);
}

/* The kernel takes NAT only with both. */
static void put_nat(struct build *b, const struct expect *e)
{
	uint8_t *nest;

	if (!has_head(e, EXPECT_NAT_TUPLE, &e->nat) || !expect_has(e, EXPECT_NAT_DIR))
		return;
	nest = nest_start(b, CTA_EXPECT_NAT);
	put_tuple(b, CTA_EXPECT_NAT_TUPLE, &e->nat.tuple, false);
	put_u32(b, CTA_EXPECT_NAT_DIR, e->nat_dir);
	nest_end(b, nest);
}

static void put_zone(struct build *b, const struct expect *e)
{
	if (expect_has(e, EXPECT_ZONE))
		put_u16_be(b, CTA_EXPECT_ZONE, htons(e->zone));
}

static void put_all(struct build *b, const struct expect *e)
{
	put_head(b, CTA_EXPECT_TUPLE, e, EXPECT_EXPECTED, &e->expected);
	put_head(b, CTA_EXPECT_MASTER, e, EXPECT_MASTER, &e->master);
	put_head(b, CTA_EXPECT_MASK, e, EXPECT_MASK, &e->mask);
	if (expect_has(e, EXPECT_TIMEOUT))
		put_u32(b, CTA_EXPECT_TIMEOUT, e->timeout);
	if (expect_has(e, EXPECT_FLAGS))
		put_u32(b, CTA_EXPECT_FLAGS, e->flags);
	put_zone(b, e);
	if (expect_has(e, EXPECT_HELPER_NAME))
		put_text(b, CTA_EXPECT_HELP_NAME, e->helper_name, sizeof(e->helper_name));
	if (expect_has(e, EXPECT_CLASS))
		put_u32(b, CTA_EXPECT_CLASS, e->class);
	put_nat(b, e);
	if (expect_has(e, EXPECT_FN))
		put_text(b, CTA_EXPECT_FN, e->fn, sizeof(e->fn));
}

int nlmsg_exp_append(struct nlmsghdr *msg, size_t cap, const struct expect *e)
{
	struct build b = build_after(msg, cap);

	put_all(&b, e);
	return build_end(&b) ? 0 : -EMSGSIZE;
}

static struct build begin(
	void *buf, size_t cap, uint16_t type, uint16_t nl_flags, uint32_t seq, uint8_t l3)
{
	return build_begin(
		buf, cap, (uint16_t)(NFNL_SUBSYS_CTNETLINK_EXP << 8 | type), nl_flags, seq, l3);
}

size_t nlmsg_exp_build(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct expect *e)
{
	struct build b;

	if (!has_head(e, EXPECT_EXPECTED, &e->expected) || !has_head(e, EXPECT_MASK, &e->mask) ||
		!has_head(e, EXPECT_MASTER, &e->master))
		return 0;
	b = begin(buf, cap, IPCTNL_MSG_EXP_NEW, nl_flags, seq, e->master.tuple.l3);
	put_all(&b, e);
	return build_end(&b);
}

size_t nlmsg_exp_build_delete(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct expect *e)
{
	struct build b;

	if (!has_head(e, EXPECT_EXPECTED, &e->expected)) /* it would be a flush */
		return 0;
	b = begin(buf, cap, IPCTNL_MSG_EXP_DELETE, nl_flags, seq, e->expected.tuple.l3);
	put_head(&b, CTA_EXPECT_TUPLE, e, EXPECT_EXPECTED, &e->expected);
	put_zone(&b, e);
	return build_end(&b);
}

size_t nlmsg_exp_build_dump(void *buf, size_t cap, uint32_t seq, uint8_t l3)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_EXP_GET, NLM_F_DUMP, seq, l3);

	return build_end(&b);
}

size_t nlmsg_exp_build_flush(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq)
{
	struct build b = begin(buf, cap, IPCTNL_MSG_EXP_DELETE, nl_flags, seq, AF_UNSPEC);

	return build_end(&b);
}
