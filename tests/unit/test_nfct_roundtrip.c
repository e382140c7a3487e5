/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "nfct_value.h"
#include "unit.h"

/*
 * Every attribute with the value numbered 3 goes into a message, comes out of it and is printed. A
 * row says what else the object needs for that, whether messages carry the attribute at all, and
 * what a line shows of it (NULL: nothing).
 */
enum { NONE = ATTR_MAX, VALUE = 3 };

struct row {
	uint8_t l3, l4;
	bool carried;
	const char *text;
	uint8_t needs[3];
};

#define V4(l4, carried, text)                                                                      \
	{                                                                                          \
		AF_INET, IPPROTO_##l4, carried, text,                                              \
		{                                                                                  \
			NONE, NONE, NONE                                                           \
		}                                                                                  \
	}
#define V6(l4, carried, text)                                                                      \
	{                                                                                          \
		AF_INET6, IPPROTO_##l4, carried, text,                                             \
		{                                                                                  \
			NONE, NONE, NONE                                                           \
		}                                                                                  \
	}
#define WITH(l3, l4, text, a, b, c)                                                                \
	{                                                                                          \
		l3, IPPROTO_##l4, true, text,                                                      \
		{                                                                                  \
			ATTR_##a, ATTR_##b, ATTR_##c                                               \
		}                                                                                  \
	}
#define ATTR_NONE NONE

static const struct row rows[ATTR_MAX] = {
	[ATTR_ORIG_IPV4_SRC] = V4(TCP, true, "src=3.21.18.15 "),
	[ATTR_ORIG_IPV4_DST] = V4(TCP, true, "dst=3.21.18.15 "),
	[ATTR_REPL_IPV4_SRC] = WITH(AF_INET, TCP, "src=3.21.18.15 ", REPL_L3PROTO, NONE, NONE),
	[ATTR_REPL_IPV4_DST] = WITH(AF_INET, TCP, "dst=3.21.18.15", REPL_L3PROTO, NONE, NONE),
	[ATTR_ORIG_IPV6_SRC] = V6(TCP, true, "src=304:506:708:90a:b0c:d0e:f10:1112 "),
	[ATTR_ORIG_IPV6_DST] = V6(TCP, true, "dst=304:506:708:90a:b0c:d0e:f10:1112 "),
	[ATTR_REPL_IPV6_SRC] = WITH(
		AF_INET6, TCP, "src=304:506:708:90a:b0c:d0e:f10:1112 ", REPL_L3PROTO, NONE, NONE),
	[ATTR_REPL_IPV6_DST] = WITH(
		AF_INET6, TCP, "dst=304:506:708:90a:b0c:d0e:f10:1112", REPL_L3PROTO, NONE, NONE),
	[ATTR_ORIG_PORT_SRC] = V4(UDP, true, "sport=789 "),
	[ATTR_ORIG_PORT_DST] = V4(UDPLITE, true, "dport=789"),
	[ATTR_REPL_PORT_SRC] = WITH(AF_INET, UDP, "sport=789 ", REPL_L3PROTO, REPL_L4PROTO, NONE),
	[ATTR_REPL_PORT_DST] = WITH(AF_INET, UDP, "dport=789", REPL_L3PROTO, REPL_L4PROTO, NONE),
	[ATTR_ICMP_TYPE] = V4(ICMP, true, "type=3 "),
	[ATTR_ICMP_CODE] = V4(ICMP, true, "code=3 "),
	[ATTR_ICMP_ID] = V6(ICMPV6, true, "id=789"),
	[ATTR_ORIG_L3PROTO] = V4(TCP, true, "ipv4     2 "),
	[ATTR_REPL_L3PROTO] = V4(TCP, true, "src=0.0.0.0 dst=0.0.0.0"),
	[ATTR_ORIG_L4PROTO] = V4(TCP, true, "tcp      6 "),
	[ATTR_REPL_L4PROTO] = WITH(AF_INET, TCP, "sport=0 dport=0", REPL_L3PROTO, NONE, NONE),
	[ATTR_TCP_STATE] = V4(TCP, true, "ESTABLISHED "),
	[ATTR_SNAT_IPV4] = V4(TCP, true, NULL),
	[ATTR_DNAT_IPV4] = V4(TCP, true, NULL),
	[ATTR_SNAT_PORT] = V4(TCP, true, NULL),
	[ATTR_DNAT_PORT] = V4(TCP, true, NULL),
	[ATTR_TIMEOUT] = V4(TCP, true, " 252843267 "),
	[ATTR_MARK] = V4(TCP, true, "mark=252843267"),
	[ATTR_ORIG_COUNTER_PACKETS] = {AF_INET, IPPROTO_TCP, false,
		"packets=217871579371148547 bytes=", {ATTR_ORIG_COUNTER_BYTES, NONE, NONE}},
	[ATTR_REPL_COUNTER_PACKETS] = {AF_INET, IPPROTO_TCP, false,
		"packets=217871579371148547 bytes=", {ATTR_REPL_COUNTER_BYTES, NONE, NONE}},
	[ATTR_ORIG_COUNTER_BYTES] = {AF_INET, IPPROTO_TCP, false, "bytes=217871579371148547",
		{ATTR_ORIG_COUNTER_PACKETS, NONE, NONE}},
	[ATTR_REPL_COUNTER_BYTES] = {AF_INET, IPPROTO_TCP, false, "bytes=217871579371148547",
		{ATTR_REPL_COUNTER_PACKETS, NONE, NONE}},
	[ATTR_USE] = V4(TCP, false, "use=252843267"),
	[ATTR_ID] = V4(TCP, false, "id=252843267"),
	[ATTR_STATUS] = V4(TCP, true, "[HW_OFFLOAD]"),
	[ATTR_TCP_FLAGS_ORIG] = WITH(AF_INET, TCP, NULL, TCP_MASK_ORIG, NONE, NONE),
	[ATTR_TCP_FLAGS_REPL] = WITH(AF_INET, TCP, NULL, TCP_MASK_REPL, NONE, NONE),
	[ATTR_TCP_MASK_ORIG] = WITH(AF_INET, TCP, NULL, TCP_FLAGS_ORIG, NONE, NONE),
	[ATTR_TCP_MASK_REPL] = WITH(AF_INET, TCP, NULL, TCP_FLAGS_REPL, NONE, NONE),
	[ATTR_MASTER_IPV4_SRC] = WITH(AF_INET, TCP, NULL, MASTER_L3PROTO, NONE, NONE),
	[ATTR_MASTER_IPV4_DST] = WITH(AF_INET, TCP, NULL, MASTER_L3PROTO, NONE, NONE),
	[ATTR_MASTER_IPV6_SRC] = WITH(AF_INET6, TCP, NULL, MASTER_L3PROTO, NONE, NONE),
	[ATTR_MASTER_IPV6_DST] = WITH(AF_INET6, TCP, NULL, MASTER_L3PROTO, NONE, NONE),
	[ATTR_MASTER_PORT_SRC] = WITH(AF_INET, TCP, NULL, MASTER_L3PROTO, MASTER_L4PROTO, NONE),
	[ATTR_MASTER_PORT_DST] = WITH(AF_INET, TCP, NULL, MASTER_L3PROTO, MASTER_L4PROTO, NONE),
	[ATTR_MASTER_L3PROTO] = V4(TCP, true, NULL),
	[ATTR_MASTER_L4PROTO] = WITH(AF_INET, TCP, NULL, MASTER_L3PROTO, NONE, NONE),
	[ATTR_SECMARK] = V4(TCP, true, "secmark=252843267"),
	[ATTR_ORIG_NAT_SEQ_CORRECTION_POS] = WITH(
		AF_INET, TCP, NULL, ORIG_NAT_SEQ_OFFSET_BEFORE, ORIG_NAT_SEQ_OFFSET_AFTER, NONE),
	[ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE] = WITH(
		AF_INET, TCP, NULL, ORIG_NAT_SEQ_CORRECTION_POS, ORIG_NAT_SEQ_OFFSET_AFTER, NONE),
	[ATTR_ORIG_NAT_SEQ_OFFSET_AFTER] = WITH(
		AF_INET, TCP, NULL, ORIG_NAT_SEQ_CORRECTION_POS, ORIG_NAT_SEQ_OFFSET_BEFORE, NONE),
	[ATTR_REPL_NAT_SEQ_CORRECTION_POS] = WITH(
		AF_INET, TCP, NULL, REPL_NAT_SEQ_OFFSET_BEFORE, REPL_NAT_SEQ_OFFSET_AFTER, NONE),
	[ATTR_REPL_NAT_SEQ_OFFSET_BEFORE] = WITH(
		AF_INET, TCP, NULL, REPL_NAT_SEQ_CORRECTION_POS, REPL_NAT_SEQ_OFFSET_AFTER, NONE),
	[ATTR_REPL_NAT_SEQ_OFFSET_AFTER] = WITH(
		AF_INET, TCP, NULL, REPL_NAT_SEQ_CORRECTION_POS, REPL_NAT_SEQ_OFFSET_BEFORE, NONE),
	[ATTR_SCTP_STATE] = V4(SCTP, true, "COOKIE_ECHOED "),
	[ATTR_SCTP_VTAG_ORIG] = V4(SCTP, true, NULL),
	[ATTR_SCTP_VTAG_REPL] = V4(SCTP, true, NULL),
	[ATTR_HELPER_NAME] = V4(TCP, true, "helper=value-AD"),
	[ATTR_DCCP_STATE] = V4(DCCP, true, "PARTOPEN "),
	[ATTR_DCCP_ROLE] = V4(DCCP, true, NULL),
	[ATTR_DCCP_HANDSHAKE_SEQ] = V4(DCCP, true, NULL),
	[ATTR_TCP_WSCALE_ORIG] = V4(TCP, true, NULL),
	[ATTR_TCP_WSCALE_REPL] = V4(TCP, true, NULL),
	[ATTR_ZONE] = V4(TCP, true, "zone=5379"),
	[ATTR_SECCTX] = V4(TCP, false, "secctx=value-AD"),
	[ATTR_TIMESTAMP_START] = V4(TCP, false, "[start="),
	[ATTR_TIMESTAMP_STOP] = {AF_INET, IPPROTO_TCP, false,
		"[stop=", {ATTR_TIMESTAMP_START, NONE, NONE}},
	[ATTR_HELPER_INFO] = WITH(AF_INET, TCP, NULL, HELPER_NAME, NONE, NONE),
	[ATTR_CONNLABELS] = V4(TCP, true, NULL), /* names need a map */
	[ATTR_CONNLABELS_MASK] = WITH(AF_INET, TCP, NULL, CONNLABELS, NONE, NONE),
	[ATTR_ORIG_ZONE] = V4(TCP, true, "zone-orig=5379"),
	[ATTR_REPL_ZONE] = WITH(AF_INET, TCP, "zone-reply=5379", REPL_L3PROTO, NONE, NONE),
	[ATTR_SNAT_IPV6] = V6(TCP, true, NULL),
	[ATTR_DNAT_IPV6] = V6(TCP, true, NULL),
	[ATTR_SYNPROXY_ISN] = WITH(AF_INET, TCP, NULL, SYNPROXY_ITS, SYNPROXY_TSOFF, NONE),
	[ATTR_SYNPROXY_ITS] = WITH(AF_INET, TCP, NULL, SYNPROXY_ISN, SYNPROXY_TSOFF, NONE),
	[ATTR_SYNPROXY_TSOFF] = WITH(AF_INET, TCP, NULL, SYNPROXY_ISN, SYNPROXY_ITS, NONE),
	[ATTR_TIMESTAMP_EVENT] = V4(TCP, false, NULL),
};

/* Sent to the kernel, which answers with something else: the reply tuple, or nothing. */
static bool is_request_only(enum nf_conntrack_attr a)
{
	return (a >= ATTR_SNAT_IPV4 && a <= ATTR_DNAT_PORT) || a == ATTR_SNAT_IPV6 ||
	       a == ATTR_DNAT_IPV6 || a == ATTR_CONNLABELS_MASK;
}

/* Protocols are given by name: a number of 3 would be none that has more attributes. */
static void give(struct nf_conntrack *ct, const struct row *row, enum nf_conntrack_attr a)
{
	switch ((unsigned)a) {
	case ATTR_REPL_L3PROTO:
	case ATTR_MASTER_L3PROTO:
		nfct_set_attr_u8(ct, a, row->l3);
		break;
	case ATTR_REPL_L4PROTO:
	case ATTR_MASTER_L4PROTO:
		nfct_set_attr_u8(ct, a, row->l4);
		break;
	case ATTR_ORIG_L3PROTO:
	case ATTR_ORIG_L4PROTO:
		break; /* every object of this test has them */
	case ATTR_STATUS:
		nfct_set_attr_u32(ct, a, IPS_HW_OFFLOAD | IPS_CONFIRMED | IPS_SEEN_REPLY);
		break;
	default:
		nfct_value_give(ct, a, VALUE);
		break;
	}
}

static struct nf_conntrack *object_without(enum nf_conntrack_attr a)
{
	const struct row *row = &rows[a];
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u8(ct, ATTR_L3PROTO, row->l3);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, row->l4);
	for (unsigned i = 0; i < 3; i++)
		if (row->needs[i] != NONE)
			give(ct, row, row->needs[i]);
	return ct;
}

static struct nf_conntrack *object_with(enum nf_conntrack_attr a)
{
	struct nf_conntrack *ct = object_without(a);

	give(ct, &rows[a], a);
	return ct;
}

struct message {
	union {
		struct nlmsghdr head;
		uint8_t bytes[4096];
	};
};

static void build(struct message *m, const struct nf_conntrack *ct)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(m->bytes);
	struct nfgenmsg *family;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	family = mnl_nlmsg_put_extra_header(nlh, sizeof(*family));
	family->nfgen_family = nfct_get_attr_u8(ct, ATTR_L3PROTO);
	CU_ASSERT_EQUAL(nfct_nlmsg_build(nlh, ct), 0);
}

static bool same_message(const struct message *m1, const struct message *m2)
{
	return m1->head.nlmsg_len == m2->head.nlmsg_len &&
	       memcmp(m1->bytes, m2->bytes, m1->head.nlmsg_len) == 0;
}

static void every_attribute_has_a_row(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++)
		if (rows[a].l3 == 0)
			CU_FAIL("an attribute without a row");
}

static void check(bool as_expected, const char *what, enum nf_conntrack_attr a)
{
	if (!as_expected)
		printf("attribute %d: %s\n", (int)a, what);
	CU_ASSERT_TRUE(as_expected);
}

static void every_attribute_goes_through_a_message(void)
{
	for (unsigned i = 0; i < ATTR_MAX; i++) {
		enum nf_conntrack_attr a = i;
		struct nf_conntrack *with = object_with(a), *without = object_without(a);
		struct nf_conntrack *back = nfct_new();
		bool always = a == ATTR_ORIG_L3PROTO || a == ATTR_ORIG_L4PROTO;
		struct message m1, m2;

		build(&m1, with);
		build(&m2, without);
		if (!always)
			check(same_message(&m1, &m2) == !rows[a].carried, "carried?", a);
		CU_ASSERT_EQUAL(nfct_nlmsg_parse(&m1.head, back), 0);
		if (!rows[a].carried || is_request_only(a))
			check(nfct_attr_is_set(back, a) == 0, "parsed from nothing", a);
		else
			check(nfct_value_same(with, back, a), "another value came back", a);
		nfct_destroy(with);
		nfct_destroy(without);
		nfct_destroy(back);
	}
}

static int print(char *buf, size_t size, const struct nf_conntrack *ct)
{
	return nfct_snprintf(buf, (unsigned)size, ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN,
		NFCT_OF_SHOW_LAYER3 | NFCT_OF_ID | NFCT_OF_TIMESTAMP);
}

static void every_attribute_is_printed_or_not(void)
{
	for (unsigned i = 0; i < ATTR_MAX; i++) {
		enum nf_conntrack_attr a = i;
		struct nf_conntrack *with = object_with(a), *without = object_without(a);
		struct nf_conntrack *back = nfct_new();
		char text[1024], other[1024];
		struct message m;

		check(print(text, sizeof(text), with) > 0, "not printed", a);
		print(other, sizeof(other), without);
		if (rows[a].text)
			check(strstr(text, rows[a].text), text, a);
		else
			check(strcmp(text, other) == 0, text, a);
		if (rows[a].carried) {
			build(&m, with);
			CU_ASSERT_EQUAL(nfct_nlmsg_parse(&m.head, back), 0);
			print(other, sizeof(other), back);
			check(!rows[a].text || strstr(other, rows[a].text), other, a);
		}
		nfct_destroy(with);
		nfct_destroy(without);
		nfct_destroy(back);
	}
}

static const struct unit_test tests[] = {
	{"every_attribute_has_a_row", every_attribute_has_a_row},
	{"every_attribute_goes_through_a_message", every_attribute_goes_through_a_message},
	{"every_attribute_is_printed_or_not", every_attribute_is_printed_or_not},
};

UNIT_MAIN("nfct_roundtrip", tests)
