/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg), CAP = 4096 };

static size_t build(uint32_t words[CAP / 4], uint8_t l3, const struct nf_expect *exp)
{
	const struct nfgenmsg family = {.nfgen_family = l3};
	struct nlmsghdr *msg = (struct nlmsghdr *)words;

	memset(words, 0, HEADS);
	memcpy(msg + 1, &family, sizeof(family));
	msg->nlmsg_len = HEADS;
	CHECK(nfexp_nlmsg_build(msg, exp) == 0);
	return msg->nlmsg_len;
}

/* The tuples are connections to whoever reads them: a request of one is within its memory. */
static void read_tuples(const struct nf_expect *exp)
{
	static const enum nf_expect_attr ids[] = {
		ATTR_EXP_MASTER, ATTR_EXP_EXPECTED, ATTR_EXP_MASK, ATTR_EXP_NAT_TUPLE};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct nf_conntrack *ct = nfexp_get_attr(exp, ids[i]);
		uint32_t words[CAP / 4] = {HEADS};

		if (ct)
			(void)nfct_nlmsg_build((struct nlmsghdr *)words, ct);
	}
}

/* One ctnetlink message. What was parsed, built and parsed again must build the same message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t first[CAP / 4], second[CAP / 4];
	struct nf_expect *exp = nfexp_new(), *back = nfexp_new();
	struct nlmsghdr *msg = malloc(size > 0 ? size : 1);

	CHECK(exp && back && msg);
	if (size >= HEADS) {
		uint8_t l3 = data[sizeof(*msg)];
		size_t len;

		memcpy(msg, data, size);
		if (msg->nlmsg_len > size) /* receivers see to it */
			msg->nlmsg_len = (uint32_t)size;
		(void)nfexp_nlmsg_parse(msg, exp);
		read_tuples(exp);
		len = build(first, l3, exp);
		CHECK(nfexp_nlmsg_parse((struct nlmsghdr *)first, back) == 0);
		CHECK(build(second, l3, back) == len);
		CHECK(memcmp(first, second, len) == 0);
	}
	free(msg);
	nfexp_destroy(exp);
	nfexp_destroy(back);
	return 0;
}
