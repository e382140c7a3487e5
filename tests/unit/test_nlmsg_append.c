/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "flow/flow.h"
#include "flow/status.h"
#include "hex.h"
#include "nlmsg/ct.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

/* The bytes that libnetfilter_conntrack 1.0.9 wrote for the same, but where a comment says so. */

enum { HEADS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg), CAP = 4096 };

#define TUPLE_TCP                                                                                  \
	"34000180 14000180 08000100 00000000 08000200 00000000 "                                   \
	"1c000280 05000100 06000000 06000200 00000000 06000300 00000000 "
#define TUPLE_OF(l4)                                                                               \
	"34000180 14000180 08000100 00000000 08000200 00000000 "                                   \
	"1c000280 05000100 " l4 "000000 06000200 00000000 06000300 00000000 "

static void message_start(struct nlmsghdr *msg)
{
	memset(msg, 0xee, CAP);
	memset(msg, 0, HEADS);
	msg->nlmsg_len = HEADS;
}

static bool appends_labels(const struct flow *f, const struct nlmsg_labels *labels, const char *hex)
{
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;

	message_start(msg);
	return nlmsg_ct_append(msg, CAP, f, labels) == 0 &&
	       hex_is((uint8_t *)words + HEADS, msg->nlmsg_len - HEADS, hex);
}

static bool appends(const struct flow *f, const char *hex)
{
	return appends_labels(f, NULL, hex);
}

static struct flow flow_of(uint8_t l4)
{
	struct flow f = {.tuple[FLOW_ORIG] = {.l3 = AF_INET, .l4 = l4}};

	flow_mark_set(&f, FLOW_ORIG_L3PROTO);
	flow_mark_set(&f, FLOW_ORIG_L4PROTO);
	return f;
}

static void mark(struct flow *f, size_t count, const enum flow_attr *ids)
{
	for (size_t i = 0; i < count; i++)
		flow_mark_set(f, ids[i]);
}

#define MARK(f, ...)                                                                               \
	mark(f, ARRAY_SIZE(((const enum flow_attr[]){__VA_ARGS__})),                               \
		(const enum flow_attr[]){__VA_ARGS__})

static void a_flow_with_nearly_everything(void)
{
	const uint32_t bits[4] = {1 << 5, 0, 0, UINT32_C(1) << 31};
	const struct nlmsg_labels labels = {.bits = {bits, sizeof(bits)}};
	struct flow f = flow_of(IPPROTO_TCP);
	struct flow_tuple *t = f.tuple;

	t[FLOW_ORIG].src.v4_be = htonl(0x01010101);
	t[FLOW_ORIG].dst.v4_be = htonl(0x02020202);
	t[FLOW_ORIG].sport_be = htons(20);
	t[FLOW_ORIG].dport_be = htons(10);
	t[FLOW_ORIG].zone = 6;
	MARK(&f, FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST,
		FLOW_ORIG_ZONE);
	flow_setup_reply(&f);
	f.tcp.state = 3;
	f.tcp.flags[FLOW_ORIG] = f.tcp.flags_mask[FLOW_ORIG] = 8;
	f.status = 0x104;
	f.timeout = 100;
	f.mark = 0x01020304;
	f.snat.v4_be = htonl(0x09090909);
	f.snat_port_be = htons(999);
	f.zone = 5;
	memcpy(f.helper_name, "ftp", 4);
	f.labels_len = 4; /* the flow's own are not looked at */
	MARK(&f, FLOW_TCP_STATE, FLOW_TCP_FLAGS_ORIG, FLOW_TCP_MASK_ORIG, FLOW_STATUS, FLOW_TIMEOUT,
		FLOW_MARK, FLOW_SNAT_IPV4, FLOW_SNAT_PORT, FLOW_ZONE, FLOW_HELPER_NAME,
		FLOW_LABELS);
	CU_ASSERT_TRUE(appends_labels(&f, &labels,
		"3c000180 14000180 08000100 01010101 08000200 02020202 1c000280 05000100 06000000"
		"06000200 00140000 06000300 000a0000 06000300 00060000 34000280 14000180 08000100"
		"02020202 08000200 01010101 1c000280 05000100 06000000 06000200 000a0000 06000300"
		"00140000 08000300 0000010c 08000700 00000064 08000800 01020304 18000480 14000180"
		"05000100 03000000 06000400 08080000 20000680 08000100 09090909 14000380 06000100"
		"03e70000 06000200 03e70000 0c000580 08000100 66747000 06001200 00050000 14001600"
		"20000000 00000000 00000000 00000080"));
}

static void what_the_kernel_alone_knows_is_left_out(void)
{
	struct flow f = flow_of(IPPROTO_TCP);

	MARK(&f, FLOW_ORIG_COUNTER_BYTES, FLOW_REPL_COUNTER_PACKETS, FLOW_USE, FLOW_ID,
		FLOW_TIMESTAMP_START, FLOW_TIMESTAMP_STOP, FLOW_TIMESTAMP_EVENT, FLOW_SECCTX);
	f.secctx = (struct flow_span){"text", 4};
	f.id = 5;
	CU_ASSERT_TRUE(appends(&f, TUPLE_TCP));
}

static void a_tuple_is_written_once_anything_of_it_is_there(void)
{
	static const enum flow_attr reply[] = {FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST,
		FLOW_REPL_IPV6_SRC, FLOW_REPL_IPV6_DST, FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST,
		FLOW_REPL_L3PROTO, FLOW_REPL_L4PROTO};
	static const enum flow_attr master[] = {FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST,
		FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST, FLOW_MASTER_PORT_SRC,
		FLOW_MASTER_PORT_DST, FLOW_MASTER_L3PROTO, FLOW_MASTER_L4PROTO};
	struct flow f;

	for (size_t i = 0; i < ARRAY_SIZE(reply); i++) {
		f = flow_of(IPPROTO_TCP);
		f.tuple[FLOW_REPL].l3 = AF_INET;
		flow_mark_set(&f, reply[i]);
		CU_ASSERT_TRUE(appends(&f,
			TUPLE_TCP "24000280 14000180 08000100 00000000 08000200 00000000 0c000280 "
				  "05000100 00000000"));
	}
	f = flow_of(IPPROTO_TCP);
	f.tuple[FLOW_REPL].l3 = AF_INET;
	f.tuple[FLOW_REPL].zone = 7;
	flow_mark_set(&f, FLOW_REPL_ZONE);
	CU_ASSERT_TRUE(appends(&f,
		TUPLE_TCP "2c000280 14000180 08000100 00000000 08000200 00000000 0c000280 05000100 "
			  "00000000 06000300 00070000"));
	for (size_t i = 0; i < ARRAY_SIZE(master); i++) {
		f = flow_of(IPPROTO_TCP);
		flow_mark_set(&f, master[i]);
		CU_ASSERT_TRUE(appends(&f, TUPLE_TCP)); /* it has no layer 3 protocol */
		f.master.l3 = 7;
		CU_ASSERT_TRUE(appends(&f, TUPLE_TCP));
		f.master.l3 = AF_INET;
		CU_ASSERT_TRUE(appends(&f,
			TUPLE_TCP "24000e80 14000180 08000100 00000000 08000200 00000000 0c000280 "
				  "05000100 00000000"));
	}
}

static void tuples_are_written_by_their_protocols(void)
{
	struct flow f = flow_of(IPPROTO_ICMP);

	f.tuple[FLOW_ORIG].icmp_type = 8;
	f.tuple[FLOW_ORIG].icmp_code = 1;
	f.tuple[FLOW_ORIG].icmp_id_be = htons(0x1234);
	CU_ASSERT_TRUE(appends(&f,
		"3c000180 14000180 08000100 00000000 08000200 00000000 24000280 05000100 01000000 "
		"05000600 01000000 05000500 08000000 06000400 12340000"));
	f.tuple[FLOW_ORIG].l4 = IPPROTO_ICMPV6;
	CU_ASSERT_TRUE(appends(&f,
		"3c000180 14000180 08000100 00000000 08000200 00000000 24000280 05000100 3a000000 "
		"05000900 01000000 05000800 08000000 06000700 12340000"));
	f = flow_of(IPPROTO_GRE);
	CU_ASSERT_TRUE(appends(&f, TUPLE_OF("2f")));
	f = flow_of(50);
	CU_ASSERT_TRUE(appends(&f, "24000180 14000180 08000100 00000000 08000200 00000000 "
				   "0c000280 05000100 32000000"));
	f.tuple[FLOW_ORIG].l3 = AF_INET6;
	CU_ASSERT_TRUE(appends(&f,
		"3c000180 2c000180 14000300 00000000 00000000 00000000 00000000 14000400 00000000 "
		"00000000 00000000 00000000 0c000280 05000100 32000000"));
}

static void numbers_stand_in_their_order(void)
{
	struct flow f = flow_of(IPPROTO_TCP);

	f.timeout = f.mark = f.secmark = 9;
	f.status = FLOW_STATUS_ASSURED;
	MARK(&f, FLOW_STATUS, FLOW_TIMEOUT, FLOW_MARK, FLOW_SECMARK);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "08000300 0000000c 08000700 00000009 08000800 00000009 "
				      "08001100 00000009"));
}

static void flags_of_tcp_need_their_mask(void)
{
	static const enum flow_attr halves[] = {
		FLOW_TCP_FLAGS_ORIG, FLOW_TCP_FLAGS_REPL, FLOW_TCP_MASK_ORIG, FLOW_TCP_MASK_REPL};
	struct flow f;

	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		f = flow_of(IPPROTO_TCP);
		flow_mark_set(&f, halves[i]);
		CU_ASSERT_TRUE(appends(&f, TUPLE_TCP "08000480 04000180"));
	}
	f = flow_of(IPPROTO_TCP);
	f.tcp.flags[FLOW_REPL] = 1;
	f.tcp.flags_mask[FLOW_REPL] = 3;
	f.tcp.wscale[FLOW_ORIG] = 4;
	f.tcp.wscale[FLOW_REPL] = 5;
	MARK(&f, FLOW_TCP_FLAGS_REPL, FLOW_TCP_MASK_REPL, FLOW_TCP_WSCALE_ORIG,
		FLOW_TCP_WSCALE_REPL);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "20000480 1c000180 06000500 01030000 05000200 04000000 "
				      "05000300 05000000"));
	f.tuple[FLOW_ORIG].l4 = IPPROTO_UDP; /* of another protocol than the flow's */
	CU_ASSERT_TRUE(appends(&f, TUPLE_OF("11")));
}

static void sctp_and_dccp(void)
{
	struct flow f = flow_of(IPPROTO_SCTP);

	f.sctp.state = 3;
	f.sctp.vtag[FLOW_REPL] = 5;
	MARK(&f, FLOW_SCTP_VTAG_REPL);
	CU_ASSERT_TRUE(appends(&f, TUPLE_OF("84") "10000480 0c000380 08000300 00000005"));
	MARK(&f, FLOW_SCTP_STATE);
	CU_ASSERT_TRUE(appends(
		&f, TUPLE_OF("84") "18000480 14000380 05000100 03000000 08000300 00000005"));
	f = flow_of(IPPROTO_DCCP);
	f.dccp.role = 1;
	f.dccp.handshake_seq = 5;
	MARK(&f, FLOW_DCCP_ROLE, FLOW_DCCP_HANDSHAKE_SEQ);
	CU_ASSERT_TRUE(appends(&f, TUPLE_OF("21") "1c000480 18000280 05000200 01000000 "
						  "0c000300 00000000 00000005"));
}

static void nat_is_asked_for_as_it_is_set(void)
{
	struct flow f = flow_of(IPPROTO_TCP);

	for (unsigned i = 0; i < 4; i++)
		f.snat.v6_be[i] = f.dnat.v6_be[i] = htonl(0x01010101 * (i + 1));
	f.snat_port_be = f.dnat_port_be = htons(7);
	MARK(&f, FLOW_SNAT_IPV4, FLOW_DNAT_IPV4);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "0c000680 08000100 01010101 0c000d80 08000100 01010101"));
	MARK(&f, FLOW_SNAT_PORT);
	flow_mark_unset(&f, FLOW_DNAT_IPV4);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "20000680 08000100 01010101 14000380 06000100 00070000 "
				      "06000200 00070000"));
	MARK(&f, FLOW_SNAT_IPV6); /* IPv4 wins */
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "20000680 08000100 01010101 14000380 06000100 00070000 "
				      "06000200 00070000"));
	flow_mark_unset(&f, FLOW_SNAT_IPV4);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "2c000680 14000400 01010101 02020202 03030303 04040404 "
				      "14000380 06000100 00070000 06000200 00070000"));
	flow_mark_unset(&f, FLOW_SNAT_IPV6);
	flow_mark_unset(&f, FLOW_SNAT_PORT);
	MARK(&f, FLOW_DNAT_PORT);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "18000d80 14000380 06000100 00070000 06000200 00070000"));
}

/* Unlike 1.0.9, whose port nest was empty for all but TCP and UDP. */
static void nat_has_ports_for_every_protocol_with_cells(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
		IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_ICMPV6};
	static const char nat[] = "18000680 14000380 06000100 00070000 06000200 00070000";
	uint8_t wanted[64];
	size_t nat_len = hex_bytes(nat, wanted, sizeof(wanted));
	struct flow f;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		uint32_t words[CAP / 4];
		struct nlmsghdr *msg = (struct nlmsghdr *)words;

		f = flow_of(protocols[i]);
		f.snat_port_be = htons(7);
		MARK(&f, FLOW_SNAT_PORT);
		message_start(msg);
		CU_ASSERT_EQUAL(nlmsg_ct_append(msg, CAP, &f, NULL), 0);
		CU_ASSERT_EQUAL(
			memcmp((uint8_t *)words + msg->nlmsg_len - nat_len, wanted, nat_len), 0);
	}
	f = flow_of(50);
	MARK(&f, FLOW_SNAT_PORT);
	CU_ASSERT_TRUE(appends(&f,
		"24000180 14000180 08000100 00000000 08000200 00000000 0c000280 05000100 32000000 "
		"08000680 04000380"));
}

static void triples_are_written_only_complete(void)
{
	static const enum flow_attr triples[][3] = {
		{FLOW_ORIG_SEQADJ_CORRECTION_POS, FLOW_ORIG_SEQADJ_OFFSET_BEFORE,
			FLOW_ORIG_SEQADJ_OFFSET_AFTER},
		{FLOW_REPL_SEQADJ_CORRECTION_POS, FLOW_REPL_SEQADJ_OFFSET_BEFORE,
			FLOW_REPL_SEQADJ_OFFSET_AFTER},
		{FLOW_SYNPROXY_ISN, FLOW_SYNPROXY_ITS, FLOW_SYNPROXY_TSOFF}};
	static const char *const wanted[] = {TUPLE_TCP
		"1c000f80 08000100 00000001 08000200 00000002 08000300 00000003",
		TUPLE_TCP "1c001080 08000100 00000001 08000200 00000002 08000300 00000003",
		TUPLE_TCP "1c001880 08000100 00000001 08000200 00000002 08000300 00000003"};
	const struct flow_seqadj numbers = {1, 2, 3};

	for (size_t i = 0; i < ARRAY_SIZE(triples); i++) {
		for (size_t without = 0; without <= 3; without++) {
			struct flow f = flow_of(IPPROTO_TCP);

			f.seqadj[FLOW_ORIG] = f.seqadj[FLOW_REPL] = numbers;
			f.synproxy_isn = 1;
			f.synproxy_its = 2;
			f.synproxy_tsoff = 3;
			mark(&f, 3, triples[i]);
			if (without < 3)
				flow_mark_unset(&f, triples[i][without]);
			CU_ASSERT_TRUE(appends(&f, without < 3 ? TUPLE_TCP : wanted[i]));
		}
	}
}

static void helper_information_goes_with_the_name(void)
{
	struct flow f = flow_of(IPPROTO_TCP);

	f.helper_info = (struct flow_span){"abcdefg", 7};
	MARK(&f, FLOW_HELPER_INFO);
	CU_ASSERT_TRUE(appends(&f, TUPLE_TCP));
	MARK(&f, FLOW_HELPER_NAME);
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "18000580 05000100 00000000 0b000200 61626364 65666700"));
	memcpy(f.helper_name, "ftp", 4);
	f.helper_info.len = 0;
	CU_ASSERT_TRUE(appends(&f, TUPLE_TCP "10000580 08000100 66747000 04000200"));
	flow_mark_unset(&f, FLOW_HELPER_INFO);
	memset(f.helper_name, 'h', sizeof(f.helper_name)); /* nobody ended it */
	CU_ASSERT_TRUE(
		appends(&f, TUPLE_TCP "18000580 14000100 68686868 68686868 68686868 68686800"));
}

static void a_labels_mask_needs_labels_of_its_size(void)
{
	const uint32_t bits[2] = {1, 2}, mask[3] = {3, 4, 5};
	struct nlmsg_labels labels = {.mask = {mask, sizeof(bits)}};
	struct flow f = flow_of(IPPROTO_TCP);

	CU_ASSERT_TRUE(appends_labels(&f, &labels, TUPLE_TCP));
	labels.bits = (struct flow_span){bits, sizeof(bits)};
	CU_ASSERT_TRUE(appends_labels(
		&f, &labels, TUPLE_TCP "0c001600 01000000 02000000 0c001700 03000000 04000000"));
	labels.mask.len = sizeof(mask);
	CU_ASSERT_TRUE(appends_labels(&f, &labels, TUPLE_TCP "0c001600 01000000 02000000"));
}

static void without_a_layer_3_protocol_nothing_is_appended(void)
{
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;
	struct flow f = flow_of(IPPROTO_TCP);

	message_start(msg);
	flow_mark_unset(&f, FLOW_ORIG_L3PROTO);
	CU_ASSERT_EQUAL(nlmsg_ct_append(msg, CAP, &f, NULL), -EINVAL);
	flow_mark_set(&f, FLOW_ORIG_L3PROTO);
	f.tuple[FLOW_ORIG].l3 = 7;
	CU_ASSERT_EQUAL(nlmsg_ct_append(msg, CAP, &f, NULL), -EINVAL);
	f.tuple[FLOW_ORIG].l3 = AF_INET;
	flow_mark_set(&f, FLOW_REPL_ZONE);
	CU_ASSERT_EQUAL(nlmsg_ct_append(msg, CAP, &f, NULL), -EINVAL);
	CU_ASSERT_EQUAL(msg->nlmsg_len, HEADS);
	CU_ASSERT_EQUAL(words[HEADS / 4], 0xeeeeeeee);
}

/* The ends of messages lie in heap blocks of their exact sizes. */
static void what_does_not_fit_leaves_the_message_as_it_was(void)
{
	struct rng r = rng_of(seed_get("what_does_not_fit_leaves_the_message_as_it_was"));

	for (unsigned i = 0; i < 100; i++) {
		uint32_t words[CAP / 4], bits[4] = {1, 2, 3, 4};
		const struct nlmsg_labels labels = {{bits, sizeof(bits)}, {bits, sizeof(bits)}};
		struct nlmsghdr *msg = (struct nlmsghdr *)words;
		struct flow f;

		nlmsg_random_flow(&r, &f);
		message_start(msg);
		CU_ASSERT_EQUAL_FATAL(nlmsg_ct_append(msg, CAP, &f, &labels), 0);
		for (size_t cap = HEADS; cap <= msg->nlmsg_len; cap++) {
			struct nlmsghdr *exact = malloc(cap);

			memset(exact, 0, HEADS);
			exact->nlmsg_len = HEADS;
			CU_ASSERT_EQUAL(nlmsg_ct_append(exact, cap, &f, &labels),
				cap < msg->nlmsg_len ? -EMSGSIZE : 0);
			CU_ASSERT_EQUAL(exact->nlmsg_len, cap < msg->nlmsg_len ? HEADS : cap);
			free(exact);
		}
	}
}

static void an_attribute_is_no_longer_than_its_length_can_say(void)
{
	static uint8_t info[70000];
	static uint32_t words[200000 / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;
	struct flow f = flow_of(IPPROTO_TCP);

	MARK(&f, FLOW_HELPER_NAME, FLOW_HELPER_INFO);
	/* a nest of 65535 bytes: two heads of 4, a name of 8, and padding */
	for (uint32_t len = 65510; len < sizeof(info); len++) {
		bool fits = len <= 65516;

		f.helper_info = (struct flow_span){info, len};
		message_start(msg);
		CU_ASSERT_EQUAL(
			nlmsg_ct_append(msg, sizeof(words), &f, NULL), fits ? 0 : -EMSGSIZE);
		CU_ASSERT_EQUAL(fits, msg->nlmsg_len > HEADS);
	}
}

static void it_goes_on_behind_what_a_message_holds(void)
{
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;
	struct flow f = flow_of(IPPROTO_TCP);

	message_start(msg);
	msg->nlmsg_len = HEADS + 5; /* unpadded */
	memset((uint8_t *)words + HEADS, 0x11, 5);
	CU_ASSERT_EQUAL(nlmsg_ct_append(msg, CAP, &f, NULL), 0);
	CU_ASSERT_TRUE(
		hex_is(words + HEADS / 4, msg->nlmsg_len - HEADS, "11111111 11000000" TUPLE_TCP));
	msg->nlmsg_len = HEADS;
	CU_ASSERT_EQUAL(nlmsg_ct_append(msg, HEADS - 1, &f, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(msg->nlmsg_len, HEADS);
}

static const struct unit_test tests[] = {
	{"a flow with nearly everything", a_flow_with_nearly_everything},
	{"what the kernel alone knows is left out", what_the_kernel_alone_knows_is_left_out},
	{"a tuple is written once anything of it is there",
		a_tuple_is_written_once_anything_of_it_is_there},
	{"tuples are written by their protocols", tuples_are_written_by_their_protocols},
	{"numbers stand in their order", numbers_stand_in_their_order},
	{"flags of TCP need their mask", flags_of_tcp_need_their_mask},
	{"SCTP and DCCP", sctp_and_dccp},
	{"NAT is asked for as it is set", nat_is_asked_for_as_it_is_set},
	{"NAT has ports for every protocol with cells",
		nat_has_ports_for_every_protocol_with_cells},
	{"triples are written only complete", triples_are_written_only_complete},
	{"helper information goes with the name", helper_information_goes_with_the_name},
	{"a labels mask needs labels of its size", a_labels_mask_needs_labels_of_its_size},
	{"without a layer 3 protocol nothing is appended",
		without_a_layer_3_protocol_nothing_is_appended},
	{"what does not fit leaves the message as it was",
		what_does_not_fit_leaves_the_message_as_it_was},
	{"an attribute is no longer than its length can say",
		an_attribute_is_no_longer_than_its_length_can_say},
	{"it goes on behind what a message holds", it_goes_on_behind_what_a_message_holds},
};

UNIT_MAIN("nlmsg_append", tests)
