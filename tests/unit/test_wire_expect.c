/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/expect_pack.h"
#include "hex.h"
#include "tests/lib/expectgen.h"
#include "tests/lib/seed.h"
#include "unit.h"
#include "wire/v1.h"

static const struct wire_v1_options plain;

/* An FTP data connection 10.91.1.2 -> 10.91.2.2 port 44303, as conntrackd sent it. */
#define MASTER	  "000c0000 0a5b0102 0a5b0202 00050002 06000000 00080003 e0e40015"
#define EXPECTED  "000c0004 0a5b0102 0a5b0202 00050006 06000000 00080007 0000ad0f"
#define MASK	  "000c0008 ffffffff ffffffff 0005000a 06000000 0008000b 0000ffff"
#define NUMBERS	  "0008000c 0000012c 0008000d 00000000 0008000e 00000000"
#define NAT	  "000c000f 00000000 00000000 00050011 06000000 00080010 ad0f0000 00080012 00000000"
#define NAMES	  "00080013 66747000 00160014 6e61742d 666f6c6c 6f772d6d 61737465 72000000"
#define ALL_TYPED MASTER " " EXPECTED " " MASK " " NUMBERS " " NAT " " NAMES

static enum wire_v1_result get_typed(uint8_t type, const char *attrs, struct expect *x)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX] = {(uint8_t)(0x10 | type), 0, 0, 0, 0, 0, 0, 1};
	size_t len = 8 + hex_bytes(attrs, bytes + 8, sizeof(bytes) - 8);
	struct wire_v1_message m;
	struct rbuf r;

	bytes[2] = (uint8_t)(len >> 8);
	bytes[3] = (uint8_t)len;
	r = rbuf_of(bytes, len);
	CU_ASSERT_EQUAL_FATAL(wire_v1_next(&r, &m), WIRE_V1_OK);
	return wire_v1_get_expect(&m, x);
}

static enum wire_v1_result get(const char *attrs, struct expect *x)
{
	return get_typed(WIRE_V1_EXP_NEW, attrs, x);
}

static void the_worked_example_is_read(void)
{
	struct expect x;

	CU_ASSERT_EQUAL_FATAL(get(ALL_TYPED, &x), WIRE_V1_OK);
	CU_ASSERT(expect_has_key(&x));
	CU_ASSERT_EQUAL(x.master.tuple.l3, AF_INET);
	CU_ASSERT_EQUAL(x.master.tuple.src.v4_be, htonl(0x0a5b0102));
	CU_ASSERT_EQUAL(x.master.tuple.dport_be, htons(21));
	CU_ASSERT_EQUAL(x.expected.tuple.l4, IPPROTO_TCP);
	CU_ASSERT_EQUAL(x.expected.tuple.dport_be, htons(44303));
	CU_ASSERT_EQUAL(x.mask.tuple.sport_be, 0);
	CU_ASSERT_EQUAL(x.mask.tuple.dport_be, 0xffff);
	CU_ASSERT(expect_has(&x, EXPECT_TIMEOUT) && x.timeout == 300);
	CU_ASSERT(expect_has(&x, EXPECT_FLAGS) && expect_has(&x, EXPECT_CLASS));
	CU_ASSERT(expect_has(&x, EXPECT_NAT_TUPLE) && expect_has(&x, EXPECT_NAT_DIR));
	CU_ASSERT_EQUAL(x.nat.tuple.sport_be, htons(44303));
	CU_ASSERT_STRING_EQUAL(x.helper_name, "ftp");
	CU_ASSERT_STRING_EQUAL(x.fn, "nat-follow-master");
	CU_ASSERT_FALSE(expect_has(&x, EXPECT_ZONE));
}

static void the_worked_example_is_written(void)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct expect x;

	CU_ASSERT_EQUAL_FATAL(get(ALL_TYPED, &x), WIRE_V1_OK);
	CU_ASSERT_EQUAL(wire_v1_put_expect(&w, WIRE_V1_EXP_NEW, 0, 0x6b03bc5f, &x, &plain), 0xb8);
	CU_ASSERT(hex_is(bytes, w.used, "130000b8 6b03bc5f " ALL_TYPED));
}

static void ipv6_tuples_are_read_and_written(void)
{
	static const char attrs[] =
		"00240001 fd910001 00000000 00000000 00000002 fd910002 00000000 00000000 00000002 "
		"00050002 06000000 00080003 e0e40015 "
		"00240005 fd910001 00000000 00000000 00000002 fd910002 00000000 00000000 00000002 "
		"00050006 06000000 00080007 0000ad0f "
		"00240009 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff "
		"0005000a 06000000 0008000b 0000ffff 0008000d 00000003";
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct expect x;

	CU_ASSERT_EQUAL_FATAL(get(attrs, &x), WIRE_V1_OK);
	CU_ASSERT_EQUAL(x.expected.tuple.l3, AF_INET6);
	CU_ASSERT_EQUAL(x.flags, EXPECT_FLAG_PERMANENT | EXPECT_FLAG_INACTIVE);
	CU_ASSERT(wire_v1_put_expect(&w, WIRE_V1_EXP_DEL, 0, 1, &x, &plain) > 0);
	CU_ASSERT_EQUAL(bytes[0], 0x15);
	CU_ASSERT(hex_is(bytes + 8, w.used - 8, attrs));
}

/* Each alone, and both families at once. */
static void a_message_without_its_three_tuples_is_refused(void)
{
	static const char *const bad[] = {
		MASTER " " EXPECTED,
		MASTER " " MASK,
		EXPECTED " " MASK,
		"000c0000 0a5b0102 0a5b0202 00080003 e0e40015 " EXPECTED " " MASK,
		MASTER " " EXPECTED " 000c0008 ffffffff ffffffff",
		MASTER " " EXPECTED " " MASK
		       " 00240009 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
		       "00000000",
		MASTER " " EXPECTED
		       " 00240009 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
		       "00000000 0005000a 06000000",
	};
	struct expect x;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(get(bad[i], &x), WIRE_V1_BAD_PAYLOAD);
	CU_ASSERT_EQUAL(get(MASTER " " EXPECTED " " MASK, &x), WIRE_V1_OK);
}

static void malformed_attributes_are_refused(void)
{
	static const char *const bad[] = {
		"0009000c 0000012c 00000000", /* a timeout of 5 bytes */
		"00080015 00000000", /* number 21 */
		"0003000d 00000000", /* a length below the header */
		"0020000d 00000000", /* and one past the end */
		"00110013 61616161 61616161 61616161 61000000", /* helper: 13 bytes */
		("00250014 61616161 61616161 61616161 61616161 61616161 61616161 61616161 61616161 "
		 "61000000"), /* function: 33 bytes */
		"00070013 66200000", /* helper "f " */
		"00070013 661b0000", /* and with ESC */
		"00070014 667f0000", /* function with DEL */
		"00070014 c3a40000", /* not ASCII */
	};
	char attrs[1024];
	struct expect x;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(attrs, sizeof(attrs), "%s %s %s %s", MASTER, EXPECTED, MASK, bad[i]);
		CU_ASSERT_EQUAL(get(attrs, &x), WIRE_V1_BAD_PAYLOAD);
	}
}

static void names_need_no_nul_and_empty_ones_are_none(void)
{
	struct expect x;

	CU_ASSERT_EQUAL(get(MASTER " " EXPECTED " " MASK " 00070013 66747000", &x), WIRE_V1_OK);
	CU_ASSERT_STRING_EQUAL(x.helper_name, "ftp");
	CU_ASSERT_EQUAL(get(MASTER " " EXPECTED " " MASK " 00050013 00000000", &x), WIRE_V1_OK);
	CU_ASSERT_FALSE(expect_has(&x, EXPECT_HELPER_NAME));
	/* 27 characters may be on the wire; no function of the kernel has so many */
	CU_ASSERT_EQUAL(get(MASTER " " EXPECTED " " MASK
				   " 00200014 61616161 61616161 61616161 61616161 61616161 "
				   "61616161 61616100",
				&x),
		WIRE_V1_OK);
	CU_ASSERT_FALSE(expect_has(&x, EXPECT_FN));
}

/* Without protocol or direction a mapping is of no use; an address is 0 unless told. */
static void nat_needs_protocol_and_direction(void)
{
	struct expect x;

	CU_ASSERT_EQUAL(
		get(MASTER " " EXPECTED " " MASK " 00080010 ad0f0000 00080012 00000001", &x),
		WIRE_V1_OK);
	CU_ASSERT_FALSE(expect_has(&x, EXPECT_NAT_TUPLE));
	CU_ASSERT_EQUAL(get(MASTER " " EXPECTED " " MASK " 00050011 06000000", &x), WIRE_V1_OK);
	CU_ASSERT_FALSE(expect_has(&x, EXPECT_NAT_TUPLE));
	CU_ASSERT_EQUAL(
		get(MASTER " " EXPECTED " " MASK " 00050011 06000000 00080012 00000001", &x),
		WIRE_V1_OK);
	CU_ASSERT(expect_has(&x, EXPECT_NAT_TUPLE) && x.nat_dir == 1);
	CU_ASSERT_EQUAL(x.nat.tuple.src.v4_be, 0);
}

static void an_ipv6_mapping_goes_only_without_an_address(void)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct rng r = rng_of(5);
	struct expect x, back;
	struct wire_v1_message m;

	do
		expectgen_random(&r, &x);
	while (x.master.tuple.l3 != AF_INET6 || !expect_has(&x, EXPECT_NAT_TUPLE));
	for (int with = 0; with < 2; with++) {
		struct wbuf w = wbuf_of(bytes, sizeof(bytes));
		struct rbuf in;

		memset(&x.nat.tuple.src, 0, sizeof(x.nat.tuple.src));
		memset(&x.nat.tuple.dst, 0, sizeof(x.nat.tuple.dst));
		x.nat.tuple.dst.bytes[15] = (uint8_t)with;
		CU_ASSERT(wire_v1_put_expect(&w, WIRE_V1_EXP_NEW, 0, 1, &x, &plain) > 0);
		in = rbuf_of(bytes, w.used);
		CU_ASSERT_EQUAL(wire_v1_next(&in, &m), WIRE_V1_OK);
		CU_ASSERT_EQUAL(wire_v1_get_expect(&m, &back), WIRE_V1_OK);
		CU_ASSERT_EQUAL(expect_has(&back, EXPECT_NAT_TUPLE), !with);
		CU_ASSERT(with || back.nat.tuple.l3 == AF_INET6);
	}
}

static void names_that_upstream_would_refuse_are_left_out(void)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct expect x;

	CU_ASSERT_EQUAL_FATAL(
		get(MASTER " " EXPECTED " " MASK " 0008000d 00000000", &x), WIRE_V1_OK);
	memcpy(x.helper_name, "twelve-chars", 13);
	expect_mark_set(&x, EXPECT_HELPER_NAME);
	memcpy(x.fn, "no\nfunction", 12);
	expect_mark_set(&x, EXPECT_FN);
	CU_ASSERT(wire_v1_put_expect(&w, WIRE_V1_EXP_NEW, 0, 1, &x, &plain) > 0);
	CU_ASSERT(hex_is(bytes + 8, w.used - 8, MASTER " " EXPECTED " " MASK " 0008000d 00000000"));
}

static void with_commit_timeout_no_timeout_is_sent(void)
{
	const struct wire_v1_options options = {.without_timeout = true};
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct expect x;

	CU_ASSERT_EQUAL_FATAL(
		get(MASTER " " EXPECTED " " MASK " 0008000c 0000012c", &x), WIRE_V1_OK);
	CU_ASSERT(wire_v1_put_expect(&w, WIRE_V1_EXP_UPD, 0, 1, &x, &options) > 0);
	CU_ASSERT_EQUAL(bytes[0], 0x14);
	CU_ASSERT(hex_is(bytes + 8, w.used - 8, MASTER " " EXPECTED " " MASK " 0008000d 00000000"));
}

static void what_does_not_fit_is_not_written(void)
{
	uint8_t bytes[WIRE_V1_MESSAGE_BYTES_MAX];
	struct expect x;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(get(ALL_TYPED, &x), WIRE_V1_OK);
	len = 0xb8;
	for (size_t cap = 0; cap <= len; cap++) {
		struct wbuf w = wbuf_of(bytes, cap);

		CU_ASSERT_EQUAL(wire_v1_put_expect(&w, WIRE_V1_EXP_NEW, 0, 1, &x, &plain),
			cap == len ? len : 0);
		CU_ASSERT_EQUAL(w.used, cap == len ? len : 0);
		CU_ASSERT_FALSE(w.bad);
	}
}

/* Any expectation arrives as far as the wire carries it: said again, the bytes are the same. */
static void random_expectations_cross(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[2][WIRE_V1_MESSAGE_BYTES_MAX];
		struct expect x, back;
		struct wire_v1_message m;
		size_t len[2];
		struct wbuf w = wbuf_of(bytes[0], sizeof(bytes[0]));
		struct rbuf in;

		expectgen_random(&r, &x);
		len[0] = wire_v1_put_expect(&w, WIRE_V1_EXP_UPD, 0, 9, &x, &plain);
		CU_ASSERT_FATAL(len[0] > 0);
		in = rbuf_of(bytes[0], len[0]);
		CU_ASSERT_EQUAL_FATAL(wire_v1_next(&in, &m), WIRE_V1_OK);
		CU_ASSERT_EQUAL_FATAL(wire_v1_get_expect(&m, &back), WIRE_V1_OK);
		CU_ASSERT(expect_has_key(&back));
		w = wbuf_of(bytes[1], sizeof(bytes[1]));
		len[1] = wire_v1_put_expect(&w, WIRE_V1_EXP_UPD, 0, 9, &back, &plain);
		CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
		CU_ASSERT_EQUAL_FATAL(memcmp(bytes[0], bytes[1], len[0]), 0);
		CU_ASSERT_EQUAL(back.timeout, x.timeout);
		CU_ASSERT_EQUAL(back.flags, x.flags);
		CU_ASSERT_EQUAL(back.class, x.class);
	}
}

static const struct unit_test tests[] = {
	{"the worked example is read", the_worked_example_is_read},
	{"the worked example is written", the_worked_example_is_written},
	{"IPv6 tuples are read and written", ipv6_tuples_are_read_and_written},
	{"a message without its three tuples is refused",
		a_message_without_its_three_tuples_is_refused},
	{"malformed attributes are refused", malformed_attributes_are_refused},
	{"names need no NUL, and empty ones are none", names_need_no_nul_and_empty_ones_are_none},
	{"NAT needs protocol and direction", nat_needs_protocol_and_direction},
	{"an IPv6 mapping goes only without an address",
		an_ipv6_mapping_goes_only_without_an_address},
	{"names that upstream would refuse are left out",
		names_that_upstream_would_refuse_are_left_out},
	{"with CommitTimeout no timeout is sent", with_commit_timeout_no_timeout_is_sent},
	{"what does not fit is not written", what_does_not_fit_is_not_written},
	{"random expectations cross", random_expectations_cross},
};

UNIT_MAIN("wire_expect", tests)
