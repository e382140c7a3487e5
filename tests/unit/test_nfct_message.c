/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "hex.h"
#include "nfct/bitmask.h"
#include "nfct/exp_object.h"
#include "nfct/object.h"
#include "nlmsg/ct.h"
#include "nlmsg/exp.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

/* nfct_build_*() and nfct_parse_*() are tested as well */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { HEADS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg), CAP = 4096 };

/* What tests/lib/capture_nlmsg.py recorded of a kernel. */
static const char *const captures[] = {"dccp", "ftp", "ftp_dump", "gre", "icmp", "icmpv6",
	"labels_mark", "labels_mark_dump", "nat", "nat_dump", "proto103", "sctp", "sctp_dump",
	"synproxy", "synproxy_dump", "tcp", "tcp6", "tcp6_dump", "tcp_dump", "udp", "udplite",
	"zones", "zones_dump"};
static const char *const exp_captures[] = {"expect_ftp", "expect_ftp_dump", "expect_ftp6",
	"expect_ftp6_dump", "expect_nat", "expect_nat_dump"};

struct capture {
	uint32_t words[16384 / sizeof(uint32_t)];
	size_t len, at;
};

static void capture_open(struct capture *c, const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.bin", CAPTURES_DIR, name);
	file = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	c->len = fread(c->words, 1, sizeof(c->words), file);
	c->at = 0;
	fclose(file);
	CU_ASSERT_TRUE_FATAL(c->len > 0 && c->len < sizeof(c->words));
}

/* A copy of the next message in a heap block of its exact size, or NULL. */
static struct nlmsghdr *capture_next(struct capture *c)
{
	const struct nlmsghdr *msg = (const void *)((const uint8_t *)c->words + c->at);
	struct nlmsghdr *copy;

	if (c->at == c->len)
		return NULL;
	CU_ASSERT_TRUE_FATAL(msg->nlmsg_len <= c->len - c->at);
	c->at += NLMSG_ALIGN(msg->nlmsg_len);
	copy = malloc(msg->nlmsg_len);
	memcpy(copy, msg, msg->nlmsg_len);
	return copy;
}

static bool spans_equal(const struct flow_span *a, const struct flow_span *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Flows field by field, the tag and labels apart; what they borrow or own by content. */
static bool flows_equal(const struct flow *a, const struct flow *b)
{
	struct flow x = *a, y = *b;

	if (!spans_equal(&x.helper_info, &y.helper_info) || !spans_equal(&x.secctx, &y.secctx))
		return false;
	x.helper_info = y.helper_info = x.secctx = y.secctx = (struct flow_span){NULL, 0};
	x.set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	y.set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	memset(x.labels, 0, sizeof(x.labels));
	memset(y.labels, 0, sizeof(y.labels));
	x.labels_len = y.labels_len = 0;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static void messages_of_the_kernel_become_objects(void)
{
	static struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		struct nlmsghdr *msg;

		capture_open(&c, captures[i]);
		while ((msg = capture_next(&c))) {
			struct nf_conntrack *ct = nfct_new();
			const struct nfct_bitmask *labels;
			struct flow f;

			CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, msg->nlmsg_len, &f), NLMSG_OK);
			CU_ASSERT_EQUAL(nfct_nlmsg_parse(msg, ct), 0);
			CU_ASSERT_TRUE(flows_equal(&ct->flow, &f));
			labels = nfct_get_attr(ct, ATTR_CONNLABELS);
			CU_ASSERT_EQUAL(labels != NULL, flow_has(&f, FLOW_LABELS));
			if (labels)
				CU_ASSERT_TRUE(labels->words * 4 == f.labels_len &&
					       memcmp(labels->bits, f.labels, f.labels_len) == 0);
			free(msg);
			nfct_destroy(ct);
		}
	}
}

static void a_message_says_all_that_the_getters_give(void)
{
	static struct capture c;
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *msg;

	capture_open(&c, "labels_mark_dump");
	msg = capture_next(&c);
	CU_ASSERT_EQUAL(nfct_nlmsg_parse(msg, ct), 0);
	free(msg);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_L3PROTO), AF_INET);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_L4PROTO), IPPROTO_UDP);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_REPL_L3PROTO), AF_INET);
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_IPV4_SRC), inet_addr("10.71.1.2"));
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_REPL_IPV4_SRC), inet_addr("10.71.2.2"));
	CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_PORT_DST), htons(53));
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_MARK), 0xdeadbeef);
	CU_ASSERT_TRUE(nfct_bitmask_test_bit(nfct_get_attr(ct, ATTR_CONNLABELS), 5) == 1);
	CU_ASSERT_TRUE(nfct_bitmask_test_bit(nfct_get_attr(ct, ATTR_CONNLABELS), 127) == 1);
	CU_ASSERT_TRUE(nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS) > 0);
	CU_ASSERT_TRUE(nfct_attr_is_set(ct, ATTR_STATUS) == 1);
	nfct_destroy(ct);
}

static struct nlmsghdr *message_start(void *buf, uint8_t l3)
{
	const struct nfgenmsg family = {.nfgen_family = l3};
	struct nlmsghdr *msg = buf;

	memset(msg, 0, sizeof(*msg));
	memcpy(msg + 1, &family, sizeof(family));
	msg->nlmsg_len = HEADS;
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	return msg;
}

static struct nfct_bitmask *random_bitmask(struct rng *r, unsigned words)
{
	struct nfct_bitmask *b = nfct_bitmask_new(words * 32 - 1);

	for (unsigned i = 0; i < words; i++)
		b->bits[i] = (uint32_t)rng_u64(r);
	return b;
}

/* Everything that can be set, and what of it comes back from the message that is built. */
static struct nf_conntrack *random_object(struct rng *r, struct flow *back)
{
	struct nf_conntrack *ct = nfct_new();
	struct flow f;

	nlmsg_random_flow(r, &f);
	flow_mark_unset(&f, FLOW_LABELS);
	flow_mark_unset(&f, FLOW_ID);
	f.id = 0;
	f.set[OBJECT_TAG_WORD] |= object_tag(ct);
	*back = ct->flow = f;
	back->status |= IPS_CONFIRMED;
	ct->flow.helper_info = (struct flow_span){NULL, 0};
	if (flow_has(&f, FLOW_HELPER_INFO))
		nfct_set_attr_l(ct, ATTR_HELPER_INFO, f.helper_info.data, f.helper_info.len);
	if (rng_below(r, 2)) {
		unsigned words = 1 + rng_below(r, 40);

		nfct_set_attr(ct, ATTR_CONNLABELS, random_bitmask(r, words));
		if (rng_below(r, 2))
			nfct_set_attr(ct, ATTR_CONNLABELS_MASK, random_bitmask(r, words));
		flow_mark_set(back, FLOW_LABELS);
	}
	for (unsigned i = 0; i < 4; i++) { /* asked for, never told */
		static const enum nf_conntrack_attr ids[] = {
			ATTR_SNAT_IPV4, ATTR_DNAT_IPV4, ATTR_ID, ATTR_SECMARK};

		if (rng_below(r, 2))
			nfct_set_attr_u32(ct, ids[i], (uint32_t)rng_u64(r));
	}
	if (nfct_attr_is_set(ct, ATTR_SECMARK) > 0) {
		back->secmark = nfct_get_attr_u32(ct, ATTR_SECMARK);
		flow_mark_set(back, FLOW_SECMARK);
	}
	return ct;
}

static void what_is_built_is_parsed_again(void)
{
	struct rng r = rng_of(seed_get("what_is_built_is_parsed_again"));

	for (unsigned i = 0; i < 10000; i++) {
		uint32_t words[CAP / 4];
		struct flow wanted;
		struct nf_conntrack *ct = random_object(&r, &wanted), *back = nfct_new();
		struct nlmsghdr *msg = message_start(words, wanted.tuple[FLOW_ORIG].l3);

		CU_ASSERT_EQUAL(nfct_nlmsg_build(msg, ct), 0);
		CU_ASSERT_EQUAL(nfct_nlmsg_parse(msg, back), 0);
		CU_ASSERT_TRUE(flows_equal(&back->flow, &wanted));
		CU_ASSERT_EQUAL(back->labels != NULL, ct->labels != NULL);
		if (back->labels)
			CU_ASSERT_TRUE(nfct_bitmask_equal(back->labels, ct->labels));
		nfct_destroy(ct);
		nfct_destroy(back);
	}
}

static void expectations_come_back_too(void)
{
	struct rng r = rng_of(seed_get("expectations_come_back_too"));

	for (unsigned i = 0; i < 10000; i++) {
		uint32_t words[CAP / 4];
		struct nf_expect exp, *back = nfexp_new();
		const struct expect *e = &exp.expect;
		struct nlmsghdr *msg;

		nlmsg_random_expect(&r, &exp.expect);
		msg = message_start(words, e->master.tuple.l3 | e->expected.tuple.l3 |
						   e->mask.tuple.l3 | e->nat.tuple.l3);
		CU_ASSERT_EQUAL(nfexp_nlmsg_build(msg, &exp), 0);
		CU_ASSERT_EQUAL(nfexp_nlmsg_parse(msg, back), 0);
		exp_object_tag_heads(&exp); /* which the parser did */
		CU_ASSERT_EQUAL(memcmp(&exp, back, sizeof(exp)), 0);
		nfexp_destroy(back);
	}
}

static void messages_of_the_kernel_become_expectations(void)
{
	static struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(exp_captures); i++) {
		struct nlmsghdr *msg;

		capture_open(&c, exp_captures[i]);
		while ((msg = capture_next(&c))) {
			struct nf_expect *exp = nfexp_new();
			const struct nf_conntrack *ct;

			CU_ASSERT_EQUAL(nfexp_nlmsg_parse(msg, exp), 0);
			free(msg);
			ct = nfexp_get_attr(exp, ATTR_EXP_MASTER);
			CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
			CU_ASSERT_EQUAL(object_tag(ct), OBJECT_TAG_HEAD);
			CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_PORT_DST), htons(21));
			CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_L4PROTO), IPPROTO_TCP);
			ct = nfexp_get_attr(exp, ATTR_EXP_EXPECTED);
			CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_PORT_DST), htons(40001));
			CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_L3PROTO),
				strstr(exp_captures[i], "6") ? AF_INET6 : AF_INET);
			ct = nfexp_get_attr(exp, ATTR_EXP_MASK);
			CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_PORT_DST), 0xffff);
			CU_ASSERT_STRING_EQUAL(nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME), "ftp");
			CU_ASSERT_EQUAL(nfexp_attr_is_set(exp, ATTR_EXP_NAT_TUPLE),
				strstr(exp_captures[i], "nat") != NULL);
			nfexp_destroy(exp);
		}
	}
}

/* The tuple of an expectation is a connection to whoever reads it, and may be sent as one. */
static void an_expectations_tuple_can_be_built_but_not_parsed_into(void)
{
	static struct capture c;
	uint32_t words[CAP / 4];
	struct nf_expect *exp = malloc(sizeof(*exp)); /* with nothing behind it */
	struct nlmsghdr *msg;
	struct nf_conntrack *head;

	memset(exp, 0, sizeof(*exp));
	capture_open(&c, "expect_ftp_dump");
	msg = capture_next(&c);
	CU_ASSERT_EQUAL(nfexp_nlmsg_parse(msg, exp), 0);
	free(msg);
	head = (struct nf_conntrack *)(uintptr_t)nfexp_get_attr(exp, ATTR_EXP_EXPECTED);
	msg = message_start(words, AF_INET);
	CU_ASSERT_EQUAL(nfct_nlmsg_build(msg, head), 0);
	CU_ASSERT_TRUE(hex_is((uint8_t *)words + HEADS, msg->nlmsg_len - HEADS,
		"34000180 14000180 08000100 0a470202 08000200 0a470102 1c000280 05000100 06000000 "
		"06000200 00000000 06000300 9c410000"));
	errno = 0;
	CU_ASSERT_EQUAL(nfct_nlmsg_parse(msg, head), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
	errno = 0;
	CU_ASSERT_EQUAL(nfct_payload_parse(words, 4, AF_INET, head), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
	free(exp);
}

/* Attributes in hex, in a heap block of their exact size, at an odd address. */
static int parse_hex(struct nf_conntrack *ct, const char *hex)
{
	uint8_t bytes[512];
	size_t len = hex_bytes(hex, bytes, sizeof(bytes));
	uint8_t *exact = malloc(len + 1);
	int ret;

	memcpy(exact + 1, bytes, len);
	errno = 0;
	ret = nfct_payload_parse(exact + 1, len, AF_INET, ct);
	free(exact);
	return ret;
}

#define FTP_INFO "14000580 08000100 66747000 07000200 61626300 "
#define SECCTX	 "0c001380 08000100 73797300 "

static void a_message_adds_to_the_object(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_EQUAL(parse_hex(ct, "08000800 00000005 08000300 00000009"), 0);
	CU_ASSERT_EQUAL(parse_hex(ct, "08000800 00000006"), 0);
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_MARK), 6);
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_STATUS), 9);
	CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_L3PROTO), 0); /* no tuple has told it */
	CU_ASSERT_EQUAL(parse_hex(ct, "04000280"), 0);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_REPL_L3PROTO), AF_INET);
	CU_ASSERT_EQUAL(object_tag(ct), OBJECT_TAG_MADE);
	nfct_destroy(ct);
}

static void what_a_message_tells_is_the_objects_own(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_EQUAL(parse_hex(ct, FTP_INFO SECCTX "0b001600 01020304 05060700"), 0);
	CU_ASSERT_EQUAL(parse_hex(ct, "08000800 00000005"), 0); /* they stay */
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_HELPER_NAME), "ftp");
	CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, ATTR_HELPER_INFO), "abc", 3), 0);
	CU_ASSERT_EQUAL(ct->flow.helper_info.len, 3);
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_SECCTX), "sys");
	CU_ASSERT_EQUAL(ct->labels->words, 2);
	CU_ASSERT_EQUAL(memcmp(ct->labels->bits, "\1\2\3\4\5\6\7\0", 8), 0);
	/* others take their places */
	CU_ASSERT_EQUAL(parse_hex(ct, "14000580 08000100 66747000 06000200 64650000 "
				      "0a001380 06000100 78000000 08001600 01000000"),
		0);
	CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, ATTR_HELPER_INFO), "de", 2), 0);
	CU_ASSERT_EQUAL(ct->flow.helper_info.len, 2);
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_SECCTX), "x");
	CU_ASSERT_EQUAL(ct->labels->words, 1);
	/* information without a name is nobody's, empty labels are none */
	CU_ASSERT_EQUAL(parse_hex(ct, "0c000580 06000200 66660000 04001600"), 0);
	CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, ATTR_HELPER_INFO), "de", 2), 0);
	CU_ASSERT_EQUAL(ct->labels->words, 1);
	nfct_destroy(ct);
}

static void icmp_of_any_tuple_marks_the_flows(void)
{
	static const char *const tuples[] = {
		"20000180 1c000280 05000500 08000000 05000600 01000000 06000400 00050000",
		"20000280 1c000280 05000500 08000000 05000600 01000000 06000400 00050000",
		"20000e80 1c000280 05000500 08000000 05000600 01000000 06000400 00050000"};

	for (size_t i = 0; i < ARRAY_SIZE(tuples); i++) {
		struct nf_conntrack *ct = nfct_new();

		CU_ASSERT_EQUAL(parse_hex(ct, tuples[i]), 0);
		CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_ICMP_TYPE), 1);
		CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_ICMP_CODE), 1);
		CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_ICMP_ID), 1);
		CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_ICMP_TYPE), i == 0 ? 8 : 0);
		nfct_destroy(ct);
	}
}

static void what_is_not_sound_is_told_and_the_rest_is_taken(void)
{
	static const char *const bad[] = {
		"06000300 00010000", /* short */
		"0c000300 00000000 00000000", /* oversized */
		"04000300", /* empty */
		"0c000180 40000180 00000000", /* a nest beyond its end */
		"05000180 00000000", /* no nest */
		"40000300 00000000", /* beyond the message */
		"08000300 00000000 00", /* bytes behind */
		"10000480 0c000180 08000100 00000000", /* a state of four bytes */
		"0c000580 08000100 66747078", /* a name without end */
		"08000580 04000100", /* no name at all */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct nf_conntrack *ct = nfct_new();
		char hex[256];

		snprintf(hex, sizeof(hex), "08000800 00000005 %s", bad[i]);
		CU_ASSERT_EQUAL(parse_hex(ct, hex), -1);
		CU_ASSERT_EQUAL(errno, EBADMSG);
		CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_MARK), 5);
		CU_ASSERT_TRUE(i == 6 || nfct_attr_is_set(ct, ATTR_STATUS) == 0);
		nfct_destroy(ct);
	}
}

/* As always: a name that is too long is cut, and addresses of the other family are taken. */
static void what_programs_were_always_given_they_are_given(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_EQUAL(parse_hex(ct, "1c000580 17000100 61616161 61616161 61616161 61616161 "
				      "61610000"),
		0);
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_HELPER_NAME), "aaaaaaaaaaaaaaa");
	CU_ASSERT_EQUAL(parse_hex(ct, "1c000180 18000180 14000300 01000000 00000000 00000000 "
				      "00000002"),
		0);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_L3PROTO), AF_INET);
	CU_ASSERT_EQUAL(((const uint8_t *)nfct_get_attr(ct, ATTR_ORIG_IPV6_SRC))[15], 2);
	nfct_destroy(ct);
}

static void labels_have_a_bound(void)
{
	enum { BYTES = BITMASK_BITS_MAX / 8 };
	static uint32_t words[3 + BYTES / 4];
	const struct nlattr max = {4 + BYTES, CTA_LABELS}, more = {4 + BYTES + 4, CTA_LABELS};
	struct nf_conntrack *ct = nfct_new();

	memcpy(words, &max, sizeof(max));
	CU_ASSERT_EQUAL(nfct_payload_parse(words, 4 + BYTES, AF_INET, ct), 0);
	CU_ASSERT_EQUAL(nfct_bitmask_maxbit(nfct_get_attr(ct, ATTR_CONNLABELS)), 65535);
	nfct_destroy(ct);
	ct = nfct_new();
	memcpy(words, &more, sizeof(more));
	CU_ASSERT_EQUAL(nfct_payload_parse(words, 8 + BYTES, AF_INET, ct), -1);
	CU_ASSERT_EQUAL(errno, EBADMSG);
	CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_CONNLABELS), 0);
	nfct_destroy(ct);
}

static struct nf_conntrack *tcp_object(void)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x01010101));
	return ct;
}

/* Labels of every size, to a block of the size that the documentation asks for. */
static void a_build_takes_no_more_than_its_bound(void)
{
	struct nf_conntrack *ct = tcp_object();
	unsigned fit = 0;

	for (unsigned words = 1; words <= 2048; words += words < 960 || words > 1040 ? 37 : 1) {
		struct nlmsghdr *msg = message_start(malloc(CAP), AF_INET);
		int ret;

		nfct_set_attr(ct, ATTR_CONNLABELS, nfct_bitmask_new(words * 32 - 1));
		errno = 0;
		ret = nfct_nlmsg_build(msg, ct);
		if (ret == 0)
			fit = words;
		else
			CU_ASSERT_TRUE(ret == -1 && errno == EMSGSIZE && msg->nlmsg_len == HEADS);
		free(msg);
	}
	CU_ASSERT_EQUAL(fit, (CAP - HEADS - 52 - 4) / 4);
	nfct_destroy(ct);
}

static void misuse_is_told(void)
{
	uint32_t words[CAP / 4] = {0};
	struct nlmsghdr *msg = message_start(words, AF_INET);
	struct nf_conntrack *ct = tcp_object();
	struct nf_expect *exp = nfexp_new();
	struct nfnl_subsys_handle *ssh = (void *)words;

#define EINVAL_IS(call)                                                                            \
	do {                                                                                       \
		errno = 0;                                                                         \
		CU_ASSERT_EQUAL(call, -1);                                                         \
		CU_ASSERT_EQUAL(errno, EINVAL);                                                    \
	} while (0)
	EINVAL_IS(nfct_nlmsg_build(NULL, ct));
	EINVAL_IS(nfct_nlmsg_build(msg, NULL));
	EINVAL_IS(nfct_nlmsg_parse(NULL, ct));
	EINVAL_IS(nfct_nlmsg_parse(msg, NULL));
	EINVAL_IS(nfct_payload_parse(NULL, 0, AF_INET, ct));
	EINVAL_IS(nfct_payload_parse(words, 0, AF_INET, NULL));
	EINVAL_IS(nfct_payload_parse(words, 0, 0x102, ct));
	EINVAL_IS(nfct_build_conntrack(NULL, words, 100, 0, 0, ct));
	EINVAL_IS(nfct_build_conntrack(ssh, NULL, 100, 0, 0, ct));
	EINVAL_IS(nfct_build_conntrack(ssh, words, 0, 0, 0, ct));
	EINVAL_IS(nfct_build_conntrack(ssh, words, 100, 0, 0, NULL));
	EINVAL_IS(nfct_parse_conntrack(NFCT_T_ALL, NULL, ct));
	EINVAL_IS(nfct_parse_conntrack(NFCT_T_ALL, msg, NULL));
	EINVAL_IS(nfexp_nlmsg_build(NULL, exp));
	EINVAL_IS(nfexp_nlmsg_build(msg, NULL));
	EINVAL_IS(nfexp_nlmsg_parse(NULL, exp));
	EINVAL_IS(nfexp_nlmsg_parse(msg, NULL));
	EINVAL_IS(nfexp_build_expect(ssh, words, 100, 0, 0, NULL));
	EINVAL_IS(nfexp_build_expect(ssh, words, 100, 0, 0, exp)); /* no family */
	EINVAL_IS(nfexp_parse_expect(NFCT_T_ALL, NULL, exp));
	EINVAL_IS(nfexp_parse_expect(NFCT_T_ALL, msg, NULL));
	nfct_attr_unset(ct, ATTR_L3PROTO);
	EINVAL_IS(nfct_nlmsg_build(msg, ct));
	EINVAL_IS(nfct_build_conntrack(ssh, words, 100, 0, 0, ct));
	CU_ASSERT_EQUAL(msg->nlmsg_len, HEADS);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_UNIX);
	EINVAL_IS(nfct_nlmsg_build(msg, ct));
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_SRC, 1);
	EINVAL_IS(nfct_nlmsg_build(msg, ct));
	CU_ASSERT_EQUAL(msg->nlmsg_len, HEADS);
	msg->nlmsg_len = 0; /* nothing has been put there */
	EINVAL_IS(nfct_nlmsg_build(msg, ct));
	EINVAL_IS(nfexp_nlmsg_build(msg, exp));
	errno = 0;
	CU_ASSERT_TRUE(nfct_nlmsg_parse(msg, ct) == -1 && errno == EBADMSG);
	errno = 0;
	CU_ASSERT_TRUE(nfexp_nlmsg_parse(msg, exp) == -1 && errno == EBADMSG);
	nfct_destroy(ct);
	nfexp_destroy(exp);
}

#define BUILT_TUPLE(type)                                                                          \
	"3400" type "80 14000180 08000100 01010101 08000200 00000000 1c000280 05000100 "           \
	"06000000 06000200 00000000 06000300 00000000 "

/* In blocks of every size up to the one that is needed, and one beyond. */
static void whole_requests_keep_to_their_memory(void)
{
	struct nf_conntrack *ct = tcp_object();
	struct nf_expect *exp = nfexp_new();
	struct nfnl_subsys_handle *ssh = (void *)ct;

	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, ct);
	for (size_t size = 1; size <= 76; size++) {
		static const uint8_t zeros[76];
		uint8_t *req = malloc(size), *exp_req = malloc(size);
		int wanted = size < 72 ? -1 : 0;

		memset(req, 0xaa, size);
		memset(exp_req, 0xaa, size);
		errno = 0;
		CU_ASSERT_EQUAL(
			nfct_build_conntrack(ssh, req, size, IPCTNL_MSG_CT_GET, 0x605, ct), wanted);
		CU_ASSERT_EQUAL(errno, wanted ? EMSGSIZE : 0);
		errno = 0;
		CU_ASSERT_EQUAL(
			nfexp_build_expect(ssh, exp_req, size, IPCTNL_MSG_EXP_GET, 0x605, exp),
			wanted);
		CU_ASSERT_EQUAL(errno, wanted ? EMSGSIZE : 0);
		if (wanted) { /* nothing that could be sent by mistake */
			CU_ASSERT_TRUE(memcmp(req, zeros, size) == 0);
			CU_ASSERT_TRUE(memcmp(exp_req, zeros, size) == 0);
		} else {
			CU_ASSERT_TRUE(hex_is(req, 72,
				"48000000 01010506 00000000 00000000 02000000 " BUILT_TUPLE("01")));
			CU_ASSERT_TRUE(hex_is(exp_req, 72,
				"48000000 01020506 00000000 00000000 02000000 " BUILT_TUPLE("02")));
			CU_ASSERT_TRUE(memcmp(req + 72, zeros, size - 72) == 0);
		}
		free(req);
		free(exp_req);
	}
	nfct_destroy(ct);
	nfexp_destroy(exp);
}

static void types_are_told_by_number_and_flags(void)
{
	static const struct {
		uint16_t type, flags;
		int wanted;
	} rows[] = {{0, 0, NFCT_T_UPDATE}, {0, NLM_F_CREATE, NFCT_T_NEW},
		{0, NLM_F_EXCL, NFCT_T_NEW}, {0, NLM_F_CREATE | NLM_F_EXCL, NFCT_T_NEW},
		{0, NLM_F_MULTI, NFCT_T_UPDATE}, {1, 0, 0}, {1, NLM_F_CREATE, 0},
		{2, 0, NFCT_T_DESTROY}, {2, NLM_F_CREATE, NFCT_T_DESTROY}, {3, 0, 0}, {4, 0, 0},
		{7, 0, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned wish = 0; wish <= NFCT_T_ALL; wish++) {
			uint32_t words[CAP / 4];
			struct nlmsghdr *msg = message_start(words, AF_INET);
			struct nf_conntrack *ct = nfct_new();
			struct nf_expect *exp = nfexp_new();
			int wanted = rows[i].wanted & (int)wish;

			msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | rows[i].type;
			msg->nlmsg_flags = rows[i].flags;
			memcpy((uint8_t *)msg + HEADS, "\x08\0\x08\0\0\0\0\5", 8);
			msg->nlmsg_len = HEADS + 8;
			CU_ASSERT_EQUAL(nfct_parse_conntrack(wish, msg, ct), wanted);
			CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_MARK), wanted != 0);
			msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | rows[i].type;
			CU_ASSERT_EQUAL(nfexp_parse_expect(wish, msg, exp), wanted);
			CU_ASSERT_EQUAL(nfexp_attr_is_set(exp, ATTR_EXP_FLAGS), wanted != 0);
			msg->nlmsg_len++; /* a byte behind */
			CU_ASSERT_EQUAL(nfct_parse_conntrack(wish, msg, ct), wanted);
			CU_ASSERT_EQUAL(nfexp_parse_expect(wish, msg, exp), wanted);
			msg->nlmsg_len = HEADS - 1;
			CU_ASSERT_EQUAL(nfct_parse_conntrack(wish, msg, ct), wanted ? -1 : 0);
			CU_ASSERT_EQUAL(nfexp_parse_expect(wish, msg, exp), wanted ? -1 : 0);
			nfct_destroy(ct);
			nfexp_destroy(exp);
		}
	}
}

/* Parses what may be anything, then builds of it what can be built. */
static void try(const struct nlmsghdr *msg)
{
	uint32_t words[CAP / 4];
	struct nf_conntrack *ct = nfct_new();
	struct nf_expect *exp = nfexp_new();

	(void)nfct_nlmsg_parse(msg, ct);
	(void)nfct_nlmsg_build(message_start(words, AF_INET), ct);
	(void)nfexp_nlmsg_parse(msg, exp);
	CU_ASSERT_EQUAL(nfexp_nlmsg_build(message_start(words, AF_INET), exp), 0);
	nfct_destroy(ct);
	nfexp_destroy(exp);
}

static void mangle(const struct nlmsghdr *msg)
{
	static const uint8_t bends[] = {0x01, 0x02, 0x04, 0x10, 0x80, 0xff};
	size_t len = msg->nlmsg_len;

	for (size_t cut = sizeof(*msg); cut < len; cut++) {
		struct nlmsghdr *exact = malloc(cut);

		memcpy(exact, msg, cut);
		exact->nlmsg_len = (uint32_t)cut;
		try(exact);
		free(exact);
	}
	for (size_t i = sizeof(*msg); i < len; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bends); j++) {
			struct nlmsghdr *exact = malloc(len);

			memcpy(exact, msg, len);
			((uint8_t *)exact)[i] ^= bends[j];
			try(exact);
			free(exact);
		}
	}
	/* without each word, and with each of them twice: attributes missing, heads out of place */
	for (size_t i = HEADS; i + 4 <= len; i += 4) {
		struct nlmsghdr *less = malloc(len - 4), *more = malloc(len + 4);

		memcpy(less, msg, i);
		memcpy((uint8_t *)less + i, (const uint8_t *)msg + i + 4, len - i - 4);
		less->nlmsg_len = (uint32_t)len - 4;
		try(less);
		memcpy(more, msg, i);
		memcpy((uint8_t *)more + i, (const uint8_t *)msg + i, 4);
		memcpy((uint8_t *)more + i + 4, (const uint8_t *)msg + i, len - i);
		more->nlmsg_len = (uint32_t)len + 4;
		try(more);
		free(less);
		free(more);
	}
}

static void no_mangled_message_is_read_past_its_end(void)
{
	static struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(captures) + ARRAY_SIZE(exp_captures); i++) {
		size_t last_len = 0;
		struct nlmsghdr *msg;

		capture_open(&c, i < ARRAY_SIZE(captures) ? captures[i]
							  : exp_captures[i - ARRAY_SIZE(captures)]);
		for (; (msg = capture_next(&c)); free(msg)) {
			if (msg->nlmsg_len != last_len) /* mostly the same message again */
				mangle(msg);
			last_len = msg->nlmsg_len;
		}
	}
}

static const struct unit_test tests[] = {
	{"messages of the kernel become objects", messages_of_the_kernel_become_objects},
	{"a message says all that the getters give", a_message_says_all_that_the_getters_give},
	{"what is built is parsed again", what_is_built_is_parsed_again},
	{"expectations come back, too", expectations_come_back_too},
	{"messages of the kernel become expectations", messages_of_the_kernel_become_expectations},
	{"an expectation's tuple can be built but not parsed into",
		an_expectations_tuple_can_be_built_but_not_parsed_into},
	{"a message adds to the object", a_message_adds_to_the_object},
	{"what a message tells is the object's own", what_a_message_tells_is_the_objects_own},
	{"ICMP of any tuple marks the flow's", icmp_of_any_tuple_marks_the_flows},
	{"what is not sound is told, and the rest is taken",
		what_is_not_sound_is_told_and_the_rest_is_taken},
	{"what programs were always given they are given",
		what_programs_were_always_given_they_are_given},
	{"labels have a bound", labels_have_a_bound},
	{"a build takes no more than its bound", a_build_takes_no_more_than_its_bound},
	{"misuse is told", misuse_is_told},
	{"whole requests keep to their memory", whole_requests_keep_to_their_memory},
	{"types are told by number and flags", types_are_told_by_number_and_flags},
	{"no mangled message is read past its end", no_mangled_message_is_read_past_its_end},
};

UNIT_MAIN("nfct_message", tests)
