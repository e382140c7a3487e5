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

/* Builds what ct has; 0 if nothing can be built of it. */
static size_t build(uint32_t words[CAP / 4], const struct nf_conntrack *ct)
{
	const struct nfgenmsg family = {.nfgen_family = nfct_get_attr_u8(ct, ATTR_L3PROTO)};
	struct nlmsghdr *msg = (struct nlmsghdr *)words;

	memset(words, 0, HEADS);
	memcpy(msg + 1, &family, sizeof(family));
	msg->nlmsg_len = HEADS;
	return nfct_nlmsg_build(msg, ct) ? 0 : msg->nlmsg_len;
}

/* What was parsed, built and parsed again must build the same message. */
static void build_and_return(const struct nf_conntrack *ct)
{
	static uint32_t first[CAP / 4], second[CAP / 4];
	struct nf_conntrack *back = nfct_new();
	size_t len = build(first, ct);

	if (len > 0) {
		CHECK(nfct_nlmsg_parse((struct nlmsghdr *)first, back) == 0);
		CHECK(build(second, back) == len);
		CHECK(memcmp(first, second, len) == 0);
	}
	nfct_destroy(back);
}

/* A ctnetlink message, and then the same bytes as bare attributes at any address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t words[CAP / 4];
	struct nf_conntrack *ct = nfct_new(), *bare = nfct_new();
	struct nlmsghdr *msg = malloc(size > 0 ? size : 1);

	CHECK(ct && bare && msg);
	if (size >= sizeof(*msg)) {
		memcpy(msg, data, size);
		if (msg->nlmsg_len > size) /* receivers see to it */
			msg->nlmsg_len = (uint32_t)size;
		(void)nfct_nlmsg_parse(msg, ct);
		build_and_return(ct);
		(void)nfct_payload_parse(data + HEADS / 2, size - HEADS / 2, data[0], bare);
		build_and_return(bare);
		(void)nfct_nlmsg_parse(msg, bare); /* of two families, maybe: no message is */
		(void)build(words, bare);
	}
	free(msg);
	nfct_destroy(ct);
	nfct_destroy(bare);
	return 0;
}
