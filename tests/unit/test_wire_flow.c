/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rng.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "tests/unit/flow_value.h"
#include "unit.h"
#include "wire/v1.h"

static const struct wire_v1_options plain, with_windows = {.tcp_window_tracking = true};

struct message_bytes {
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	size_t len;
};

/* From hex digits with blanks between. */
static struct message_bytes hex(const char *text)
{
	struct message_bytes m = {.len = 0};
	unsigned byte;
	int used;

	while (sscanf(text, " %2x%n", &byte, &used) == 1) {
		m.bytes[m.len++] = (uint8_t)byte;
		text += used;
	}
	return m;
}

static enum wire_v1_result get(const struct message_bytes *b, struct flow *f)
{
	struct rbuf r = rbuf_of(b->bytes, b->len);
	struct wire_v1_message m;

	CU_ASSERT_EQUAL_FATAL(wire_v1_next(&r, &m), WIRE_V1_OK);
	return wire_v1_get_flow(&m, f);
}

/* The result for attributes given in hex, behind a header that is made for them. */
static enum wire_v1_result get_attrs(const char *attrs, struct flow *f)
{
	struct message_bytes body = hex(attrs), m = hex("11000000 00000001");

	memcpy(m.bytes + m.len, body.bytes, body.len);
	m.len += body.len;
	m.bytes[2] = (uint8_t)(m.len >> 8);
	m.bytes[3] = (uint8_t)m.len;
	return get(&m, f);
}

static bool put_gives(const struct flow *f, const struct wire_v1_options *options,
	const struct message_bytes *expected)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	uint32_t seq = (uint32_t)expected->bytes[4] << 24 | (uint32_t)expected->bytes[5] << 16 |
		       (uint32_t)expected->bytes[6] << 8 | expected->bytes[7];

	wire_v1_put_flow(&w, expected->bytes[0] & 15, expected->bytes[1], seq, f, options);
	return w.used == expected->len && memcmp(bytes, expected->bytes, w.used) == 0;
}

static uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return htonl(a << 24 | b << 16 | c << 8 | d);
}

static void mark_all(struct flow *f, const enum flow_attr *attrs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		flow_mark_set(f, attrs[i]);
}

#define MARK_ALL(f, ...)                                                                           \
	mark_all(f, (const enum flow_attr[]){__VA_ARGS__},                                         \
		sizeof((const enum flow_attr[]){__VA_ARGS__}) / sizeof(enum flow_attr))

static void a_tcp_flow_is_as_upstream_writes_it(void)
{
	const struct message_bytes expected = hex("10000054 6b03bbcc 000c0000 c0000201 c6336402"
						  "00080005 0000000e 00050002 06000000"
						  "00080003 04570050 00050004 03000000"
						  "00080006 00000064 00080007 00000005"
						  "0010001f 00000000 00000000 00000000");
	struct flow f;

	flowgen_tcp4(&f, "192.0.2.1", 1111, "198.51.100.2", 80, FLOW_TCP_ESTABLISHED);
	f.status = 0xe;
	f.timeout = 100;
	f.mark = 5;
	MARK_ALL(&f, FLOW_MARK, FLOW_SYNPROXY_ISN, FLOW_SYNPROXY_ITS, FLOW_SYNPROXY_TSOFF);
	CU_ASSERT_TRUE(put_gives(&f, &plain, &expected));
	memset(&f, 0xff, sizeof(f));
	CU_ASSERT_EQUAL(get(&expected, &f), WIRE_V1_OK);
	CU_ASSERT_TRUE(put_gives(&f, &plain, &expected));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].src.v4_be, v4(192, 0, 2, 1));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, v4(192, 0, 2, 1));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].dport_be, htons(80));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].sport_be, htons(80));
	CU_ASSERT_EQUAL(f.tcp.state, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(f.timeout, 100);
	CU_ASSERT_EQUAL(f.mark, 5);
}

static void nat_windows_and_labels_are_as_upstream_writes_them(void)
{
	const struct message_bytes bytes = hex("11000070 6b03be39 000c0000 0a5b0102 0a5b0101"
					       "00080005 000001be 00050002 06000000"
					       "00080003 1b581f90 00050004 03000000"
					       "00050019 0a000000 0005001a 0a000000"
					       "0008000c 0a5b0201 0008000d 0a5b0202"
					       "0006000f 50000000"
					       "0014001c 00000020 00000000 00000000 80000000");
	struct message_bytes no_windows = bytes;
	uint32_t words[4];
	struct flow f;

	CU_ASSERT_EQUAL(get(&bytes, &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].src.v4_be, v4(10, 91, 2, 2));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, v4(10, 91, 2, 1));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].sport_be, htons(80));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dport_be, htons(7000));
	CU_ASSERT_TRUE(flow_has(&f, FLOW_SNAT_IPV4));
	CU_ASSERT_TRUE(flow_has(&f, FLOW_DNAT_IPV4));
	CU_ASSERT_TRUE(flow_has(&f, FLOW_DNAT_PORT));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_SNAT_PORT));
	CU_ASSERT_EQUAL(f.dnat_port_be, htons(80));
	CU_ASSERT_EQUAL(f.tcp.wscale[FLOW_REPL], 10);
	CU_ASSERT_EQUAL(f.labels_len, 16);
	memcpy(words, f.labels, sizeof(words));
	CU_ASSERT_EQUAL(words[0], 0x20);
	CU_ASSERT_EQUAL(words[3], 0x80000000);
	CU_ASSERT_TRUE(put_gives(&f, &with_windows, &bytes));
	/* Without window tracking: the same, less the two window scales. */
	memmove(no_windows.bytes + 52, bytes.bytes + 68, bytes.len - 68);
	no_windows.len -= 16;
	no_windows.bytes[3] = (uint8_t)no_windows.len;
	CU_ASSERT_TRUE(put_gives(&f, &plain, &no_windows));
}

static void icmp_takes_nat_addresses_but_no_ports(void)
{
	const struct message_bytes bytes = hex("1100005c 6b03bc59 000c0000 0a5b0102 0a5b0202"
					       "00080005 0000019a 00050002 01000000"
					       "00050016 08000000 00050017 00000000"
					       "00060018 22290000 00080006 0000001e"
					       "0008000c 0a5b0201 0006000e 00000000"
					       "0006000f 00000000");
	struct message_bytes ours = bytes;
	struct flow f;

	CU_ASSERT_EQUAL(get(&bytes, &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].icmp_id_be, htons(0x2922));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].icmp_id_be, htons(0x2922));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].icmp_type, 8);
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].icmp_type, 0);
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, v4(10, 91, 2, 1));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_SNAT_PORT));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_DNAT_PORT));
	ours.len -= 16;
	ours.bytes[3] = (uint8_t)ours.len;
	CU_ASSERT_TRUE(put_gives(&f, &plain, &ours));
}

static void icmpv6_and_its_nat_are_understood(void)
{
	const struct message_bytes bytes =
		hex("11000080 6b03bc5a 00240001 fd910001 00000000 00000000 00000002"
		    "fd910002 00000000 00000000 00000002 00080005 0000019a 00050002 3a000000"
		    "00050016 80000000 00050017 00000000 00060018 23290000 00080006 0000001e"
		    "0014001d fd910002 00000000 00000000 00000001"
		    "0006000e 00000000 0006000f 00000000");
	struct message_bytes ours = bytes;
	struct flow f;

	CU_ASSERT_EQUAL(get(&bytes, &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].l3, AF_INET6);
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v6_be[3], htonl(1));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].icmp_type, 129);
	ours.len -= 16;
	ours.bytes[3] = (uint8_t)ours.len;
	CU_ASSERT_TRUE(put_gives(&f, &plain, &ours));
}

/* All that has no example elsewhere: DCCP, SCTP, master, sequence adjustment, zone. */
static void the_other_attributes_are_in_their_places(void)
{
	const struct message_bytes sctp = hex("1200004c 00000001 000c0000 c0000201 c6336402"
					      "00080005 00000000 00050002 84000000"
					      "00080003 04570050 00050011 03000000"
					      "00080012 11223344 00080013 55667788"
					      "00060020 10000000");
	const struct message_bytes dccp =
		hex("1160007c 00000002 000c0000 c0000201 c6336402 00080005 00000001"
		    "00050002 21000000 00080003 04570050 00050014 02000000 00050015 01000000"
		    "000c0008 0a5b0102 0a5b0202 0005000a 06000000 0008000b e0e40015"
		    "001c0010 00000001 00000002 00000003 00000004 00000005 00000006"
		    "0008001b 66747000");
	struct flow f;

	CU_ASSERT_EQUAL(get(&sctp, &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.sctp.state, 3);
	CU_ASSERT_EQUAL(f.sctp.vtag[FLOW_ORIG], 0x11223344);
	CU_ASSERT_EQUAL(f.sctp.vtag[FLOW_REPL], 0x55667788);
	CU_ASSERT_EQUAL(f.zone, 0x1000);
	CU_ASSERT_TRUE(put_gives(&f, &plain, &sctp));
	CU_ASSERT_EQUAL(get(&dccp, &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.dccp.state, 2);
	CU_ASSERT_EQUAL(f.dccp.role, 1);
	CU_ASSERT_EQUAL(f.master.dst.v4_be, v4(10, 91, 2, 2));
	CU_ASSERT_EQUAL(f.master.dport_be, htons(21));
	CU_ASSERT_EQUAL(f.seqadj[FLOW_ORIG].correction_pos, 1);
	CU_ASSERT_EQUAL(f.seqadj[FLOW_REPL].offset_after, 6);
	CU_ASSERT_STRING_EQUAL(f.helper_name, "ftp");
	CU_ASSERT_TRUE(put_gives(&f, &plain, &dccp));
}

static void options_and_long_helper_names_leave_attributes_out(void)
{
	const struct wire_v1_options options = {.without_timeout = true};
	const struct message_bytes bytes = hex("1000003c 00000001 000c0000 c0000201 c6336402"
					       "00080005 0000000e 00050002 06000000"
					       "00080003 04570050 00050004 03000000");
	struct message_bytes expected = bytes;
	struct flow f;

	expected.len = 52;
	expected.bytes[3] = 52;
	flowgen_tcp4(&f, "192.0.2.1", 1111, "198.51.100.2", 80, FLOW_TCP_ESTABLISHED);
	f.status = 0xe;
	memcpy(f.helper_name, "twelve-chars", 13);
	flow_mark_set(&f, FLOW_HELPER_NAME);
	f.labels_len = 16; /* no bit set */
	flow_mark_set(&f, FLOW_LABELS);
	CU_ASSERT_TRUE(put_gives(&f, &options, &expected));
	f.helper_name[11] = 0;
	CU_ASSERT_FALSE(put_gives(&f, &options, &expected));
}

#define KEY "000c0000 c0000201 c6336402 00050002 06000000 "

static void malformed_attributes_are_refused(void)
{
	static const char *const bad[] = {
		"00050002 06000000", /* no address */
		"000c0000 c0000201 c6336402", /* no layer 4 protocol */
		KEY "00240001 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
		    "00000000", /* of both layer 3 protocols */
		KEY "00090003 04570050 00000000", /* one byte more than ports have */
		KEY "00070003 04570000", /* one less */
		KEY "00040005 00000000", /* an empty status, and something behind it */
		KEY "00030003 04570050", /* below a record's header */
		KEY "00080021 00000000", /* number 33 */
		KEY "00080103 04570050", /* number 259 */
		KEY "00080003 0457", /* past the end */
		KEY "0011001b 61616161 61616161 61616161 00000000", /* a name of 17 - 4 */
		KEY "0008001b 611b6100", /* a name that is no text */
		KEY "00050008 00000000", /* a master's address of a byte */
		KEY "000c0008 c0000201 c6336402 00240009 00000000 00000000 00000000 00000000"
		    "00000000 00000000 00000000 00000000",
	};
	struct flow f;

	CU_ASSERT_EQUAL(get_attrs(KEY, &f), WIRE_V1_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (get_attrs(bad[i], &f) != WIRE_V1_BAD_PAYLOAD)
			printf("accepted: %s\n", bad[i]);
		CU_ASSERT_EQUAL(get_attrs(bad[i], &f), WIRE_V1_BAD_PAYLOAD);
	}
}

static void odd_attributes_are_taken_as_upstream_takes_them(void)
{
	struct flow f;

	/* A repeated attribute overwrites. */
	CU_ASSERT_EQUAL(get_attrs("00050002 11000000 " KEY "00080003 00010002", &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].l4, IPPROTO_TCP);
	/* A last record of nothing but its header is not looked at, whatever it says. */
	CU_ASSERT_EQUAL(get_attrs(KEY "00040005", &f), WIRE_V1_OK);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_STATUS));
	CU_ASSERT_EQUAL(get_attrs(KEY "ffffffff", &f), WIRE_V1_OK);
	/* The padding of the last record may be missing. */
	CU_ASSERT_EQUAL(get_attrs(KEY "00050004 03", &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tcp.state, FLOW_TCP_ESTABLISHED);
	/* Labels of an odd size are none; those beyond the kernel's 128 are left out. */
	CU_ASSERT_EQUAL(get_attrs(KEY "0006001c 00010000", &f), WIRE_V1_OK);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_LABELS));
	CU_ASSERT_EQUAL(get_attrs(KEY "0008001c 00000001", &f), WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.labels_len, 4);
	CU_ASSERT_EQUAL(get_attrs(KEY "0018001c 00000001 00000002 00000003 00000004 00000005", &f),
		WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.labels_len, 16);
	/* A name without its NUL, and an empty one. */
	CU_ASSERT_EQUAL(get_attrs(KEY "0007001b 66747000", &f), WIRE_V1_OK);
	CU_ASSERT_STRING_EQUAL(f.helper_name, "ftp");
	CU_ASSERT_EQUAL(get_attrs(KEY "0005001b 00000000", &f), WIRE_V1_OK);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_HELPER_NAME));
}

/* struct flow keeps these in shared cells: the last one must not win. */
static void attributes_of_other_protocols_are_ignored(void)
{
	struct flow f;

	CU_ASSERT_EQUAL(get_attrs(KEY "00080003 04570050 00050004 03000000 00080012 ffffffff"
				      "00050016 ff000000 00060018 ffff0000 0014001d ffffffff"
				      "ffffffff ffffffff ffffffff",
				&f),
		WIRE_V1_OK);
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].sport_be, htons(1111));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].dport_be, htons(80));
	CU_ASSERT_EQUAL(f.tcp.state, FLOW_TCP_ESTABLISHED);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_SCTP_VTAG_ORIG));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_ICMP_TYPE));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_SNAT_IPV6));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, v4(192, 0, 2, 1));
	/* ESP has no ports. */
	CU_ASSERT_EQUAL(
		get_attrs("000c0000 c0000201 c6336402 00050002 32000000 00080003 04570050", &f),
		WIRE_V1_OK);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_ORIG_PORT_SRC));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].sport_be, 0);
}

static void keys_of_gre_and_ports_of_udplite_ride_as_ports(void)
{
	static const uint8_t protocols[] = {IPPROTO_GRE, IPPROTO_UDPLITE};

	for (size_t i = 0; i < sizeof(protocols); i++) {
		uint8_t bytes[200];
		struct wbuf w = wbuf_of(bytes, sizeof(bytes));
		struct wire_v1_message m;
		struct rbuf r;
		struct flow f, got;

		flowgen_numbered(1, &f);
		f.tuple[FLOW_ORIG].l4 = f.tuple[FLOW_REPL].l4 = protocols[i];
		flow_mark_unset(&f, FLOW_TCP_STATE);
		f.tuple[FLOW_ORIG].sport_be = htons(0x1111);
		f.tuple[FLOW_ORIG].dport_be = htons(0x2222);
		flow_tuple_invert(&f.tuple[FLOW_REPL], &f.tuple[FLOW_ORIG]);
		CU_ASSERT_FATAL(wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, 1, &f, &plain) > 0);
		r = rbuf_of(bytes, w.used);
		CU_ASSERT_EQUAL_FATAL(wire_v1_next(&r, &m), WIRE_V1_OK);
		CU_ASSERT_EQUAL_FATAL(wire_v1_get_flow(&m, &got), WIRE_V1_OK);
		CU_ASSERT_TRUE(flow_has(&got, FLOW_ORIG_PORT_SRC));
		CU_ASSERT_EQUAL(got.tuple[FLOW_ORIG].sport_be, htons(0x1111));
		CU_ASSERT_EQUAL(got.tuple[FLOW_REPL].sport_be, htons(0x2222));
		CU_ASSERT_EQUAL(got.tuple[FLOW_REPL].dport_be, htons(0x1111));
	}
	/* Without them, as conntrackd sends it, there are none. */
	{
		struct flow f;

		CU_ASSERT_EQUAL(
			get_attrs("000c0000 c0000201 c6336402 00050002 2f000000", &f), WIRE_V1_OK);
		CU_ASSERT_FALSE(flow_has(&f, FLOW_ORIG_PORT_SRC));
	}
}

static void what_does_not_fit_is_not_begun(void)
{
	uint8_t bytes[200];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	size_t len, used;
	struct flow f;

	flowgen_numbered(1, &f);
	len = wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, 1, &f, &plain);
	CU_ASSERT_EQUAL(len, 60);
	for (size_t cap = len; cap < 2 * len; cap++) {
		w.cap = cap;
		used = w.used;
		CU_ASSERT_EQUAL(wire_v1_put_flow(&w, WIRE_V1_CT_UPD, 0, 2, &f, &plain), 0);
		CU_ASSERT_EQUAL(w.used, used);
		CU_ASSERT_FALSE(w.bad);
	}
	w.cap = 2 * len;
	CU_ASSERT_EQUAL(wire_v1_put_flow(&w, WIRE_V1_CT_UPD, 0, 2, &f, &plain), len);
}

static bool is_carried(const struct flow *f, enum flow_attr a)
{
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;
	static const enum flow_attr never[] = {FLOW_ORIG_COUNTER_PACKETS, FLOW_REPL_COUNTER_PACKETS,
		FLOW_ORIG_COUNTER_BYTES, FLOW_REPL_COUNTER_BYTES, FLOW_USE, FLOW_ID,
		FLOW_TCP_FLAGS_ORIG, FLOW_TCP_FLAGS_REPL, FLOW_TCP_MASK_ORIG, FLOW_TCP_MASK_REPL,
		FLOW_SECMARK, FLOW_DCCP_HANDSHAKE_SEQ, FLOW_SECCTX, FLOW_TIMESTAMP_START,
		FLOW_TIMESTAMP_STOP, FLOW_HELPER_INFO, FLOW_LABELS_MASK, FLOW_ORIG_ZONE,
		FLOW_REPL_ZONE, FLOW_TIMESTAMP_EVENT};

	if (a >= FLOW_ORIG_PORT_SRC && a <= FLOW_REPL_PORT_DST)
		return flow_l4_has_ports(l4) || l4 == IPPROTO_GRE;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (a == never[i])
			return false;
	return true;
}

static bool is_requested_nat(enum flow_attr a)
{
	return (a >= FLOW_SNAT_IPV4 && a <= FLOW_DNAT_PORT && a != FLOW_TCP_STATE) ||
	       a == FLOW_SNAT_IPV6 || a == FLOW_DNAT_IPV6;
}

/* The first attribute that did not come across as it should, or -1. */
static int first_difference(struct flow *sent, struct flow *got)
{
	for (int i = 0; i < FLOW_ATTR_COUNT; i++) {
		enum flow_attr a = (enum flow_attr)i;
		struct flow_value x = flow_value(sent, a), y = flow_value(got, a);
		bool expected = flow_has(sent, a) && is_carried(sent, a);

		if (is_requested_nat(a)) /* got alone has it; the reply tuple is compared */
			continue;
		if (flow_has(got, a) != expected)
			return i;
		if (expected && memcmp(x.at, y.at, x.len) != 0)
			return i;
	}
	return -1;
}

static void random_flows_come_across(void)
{
	struct rng r = rng_of(seed_get("wire_flow"));

	for (int i = 0; i < 20000; i++) {
		struct message_bytes m;
		struct wbuf w = wbuf_of(m.bytes, sizeof(m.bytes));
		struct flow sent, got;
		int difference;

		flowgen_random(&r, &sent);
		m.len = wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, 1, &sent, &with_windows);
		CU_ASSERT_EQUAL_FATAL(get(&m, &got), WIRE_V1_OK);
		difference = first_difference(&sent, &got);
		if (difference >= 0)
			printf("flow %d: attribute %d\n", i, difference);
		CU_ASSERT_EQUAL_FATAL(difference, -1);
	}
}

static const struct unit_test tests[] = {
	{"a TCP flow is as upstream writes it", a_tcp_flow_is_as_upstream_writes_it},
	{"NAT, windows and labels are as upstream writes them",
		nat_windows_and_labels_are_as_upstream_writes_them},
	{"ICMP takes NAT addresses but no ports", icmp_takes_nat_addresses_but_no_ports},
	{"ICMPv6 and its NAT are understood", icmpv6_and_its_nat_are_understood},
	{"the other attributes are in their places", the_other_attributes_are_in_their_places},
	{"options and long helper names leave attributes out",
		options_and_long_helper_names_leave_attributes_out},
	{"malformed attributes are refused", malformed_attributes_are_refused},
	{"odd attributes are taken as upstream takes them",
		odd_attributes_are_taken_as_upstream_takes_them},
	{"attributes of other protocols are ignored", attributes_of_other_protocols_are_ignored},
	{"keys of GRE and ports of UDPLITE ride as ports",
		keys_of_gre_and_ports_of_udplite_ride_as_ports},
	{"what does not fit is not begun", what_does_not_fit_is_not_begun},
	{"random flows come across", random_flows_come_across},
};

UNIT_MAIN("wire_flow", tests)
