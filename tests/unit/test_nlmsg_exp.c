/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "hex.h"
#include "nlmsg/exp.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

enum { HEADS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg), CAP = 2048 };

/* What tests/lib/capture_nlmsg.py recorded: an event and the end, or a dump. */
static const char *const captures[] = {"expect_ftp", "expect_ftp_dump", "expect_ftp6",
	"expect_ftp6_dump", "expect_nat", "expect_nat_dump"};

struct capture {
	uint32_t words[CAP / 4];
	size_t len;
};

static void capture_read(struct capture *c, const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.bin", CAPTURES_DIR, name);
	file = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	c->len = fread(c->words, 1, sizeof(c->words), file);
	fclose(file);
	CU_ASSERT_TRUE_FATAL(c->len >= HEADS && c->len < sizeof(c->words));
}

static const struct nlmsghdr *capture_next(const struct capture *c, size_t *at)
{
	const struct nlmsghdr *msg = (const void *)((const uint8_t *)c->words + *at);

	if (*at == c->len)
		return NULL;
	CU_ASSERT_TRUE_FATAL(msg->nlmsg_len <= c->len - *at);
	*at += NLMSG_ALIGN(msg->nlmsg_len);
	return msg;
}

static void heads_are(const struct expect *e, uint8_t l3)
{
	const struct flow_head *heads[] = {&e->master, &e->expected, &e->mask};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		CU_ASSERT_TRUE(expect_has(
			e, (enum expect_attr[]){EXPECT_MASTER, EXPECT_EXPECTED, EXPECT_MASK}[i]));
		CU_ASSERT_TRUE(flow_head_has(heads[i], FLOW_ORIG_L3PROTO));
		CU_ASSERT_TRUE(flow_head_has(heads[i], FLOW_ORIG_L4PROTO));
		CU_ASSERT_TRUE(flow_head_has(heads[i], FLOW_ORIG_PORT_DST));
		CU_ASSERT_EQUAL(flow_head_has(heads[i], FLOW_ORIG_IPV4_SRC), l3 == AF_INET);
		CU_ASSERT_EQUAL(flow_head_has(heads[i], FLOW_ORIG_IPV6_DST), l3 == AF_INET6);
		CU_ASSERT_EQUAL(heads[i]->tuple.l3, l3);
		CU_ASSERT_EQUAL(heads[i]->tuple.l4, IPPROTO_TCP);
	}
}

static void messages_of_the_kernel_are_parsed_whole(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		bool is_dump = strstr(captures[i], "_dump"), is_v6 = strstr(captures[i], "6");
		bool is_nat = strstr(captures[i], "nat");
		const struct nlmsghdr *msg;
		struct capture c;
		size_t at = 0;
		unsigned n = 0;

		capture_read(&c, captures[i]);
		for (; (msg = capture_next(&c, &at)); n++) {
			struct expect e;

			CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, msg->nlmsg_len, &e), NLMSG_OK);
			CU_ASSERT_EQUAL(nlmsg_exp_event(msg), is_dump  ? NLMSG_EVENT_UPDATE
							      : n == 0 ? NLMSG_EVENT_NEW
								       : NLMSG_EVENT_DESTROY);
			heads_are(&e, is_v6 ? AF_INET6 : AF_INET);
			CU_ASSERT_EQUAL(e.expected.tuple.dport_be, htons(40001));
			CU_ASSERT_EQUAL(e.mask.tuple.dport_be, 0xffff);
			CU_ASSERT_EQUAL(e.master.tuple.dport_be, htons(21));
			CU_ASSERT_TRUE(e.timeout >= 290 && e.timeout <= 300);
			CU_ASSERT_STRING_EQUAL(e.helper_name, "ftp");
			CU_ASSERT_TRUE(
				expect_has(&e, EXPECT_CLASS) && expect_has(&e, EXPECT_FLAGS));
			CU_ASSERT_EQUAL(expect_has(&e, EXPECT_NAT_TUPLE), is_nat);
			CU_ASSERT_EQUAL(expect_has(&e, EXPECT_NAT_DIR), is_nat);
			CU_ASSERT_EQUAL(e.nat_dir, is_nat ? FLOW_REPL : 0);
			CU_ASSERT_EQUAL(e.nat.tuple.sport_be, is_nat ? htons(40001) : 0);
			CU_ASSERT_STRING_EQUAL(e.fn, is_nat ? "nat-follow-master" : "");
		}
		CU_ASSERT_EQUAL(n, is_dump ? 1 : 2);
	}
}

static void message_start(struct nlmsghdr *msg, uint8_t l3)
{
	const struct nfgenmsg family = {.nfgen_family = l3};

	memset(msg, 0xee, CAP);
	memset(msg, 0, HEADS);
	memcpy((uint8_t *)msg + sizeof(*msg), &family, sizeof(family));
	msg->nlmsg_len = HEADS;
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8;
}

static bool appends(const struct expect *e, const char *hex)
{
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;

	message_start(msg, AF_INET);
	return nlmsg_exp_append(msg, CAP, e) == 0 &&
	       hex_is((uint8_t *)words + HEADS, msg->nlmsg_len - HEADS, hex);
}

static struct flow_head head_of(uint32_t src)
{
	struct flow_head h = {.tuple = {.l3 = AF_INET, .l4 = IPPROTO_TCP}};

	h.tuple.src.v4_be = htonl(src);
	h.tuple.zone = 9; /* of no concern here */
	h.set[0] = 1u << FLOW_ORIG_L3PROTO | 1u << FLOW_ORIG_L4PROTO;
	return h;
}

#define TUPLE_REST                                                                                 \
	"08000200 00000000 1c000280 05000100 06000000 06000200 00000000 06000300 00000000 "

/* The first seven as 1.0.9 wrote them; it left out the class, NAT and the function. */
static void attributes_stand_in_their_order(void)
{
	struct expect e = {
		.master = head_of(1),
		.expected = head_of(2),
		.mask = head_of(3),
		.nat = head_of(4),
		.timeout = 3,
		.flags = 5,
		.class = 7,
		.nat_dir = 1,
		.zone = 4,
		.helper_name = "ftp",
		.fn = "nat-follow-master",
	};

	CU_ASSERT_TRUE(appends(&e, ""));
	e.set = (1u << EXPECT_ATTR_COUNT) - 1;
	CU_ASSERT_TRUE(appends(&e,
		"34000280 14000180 08000100 00000002 " TUPLE_REST
		"34000180 14000180 08000100 00000001 " TUPLE_REST
		"34000380 14000180 08000100 00000003 " TUPLE_REST
		"08000400 00000003 08000800 00000005 06000700 00040000 08000600 66747000 "
		"08000900 00000007 "
		"40000a80 34000280 14000180 08000100 00000004 " TUPLE_REST "08000100 00000001 "
		"16000b00 6e61742d 666f6c6c 6f772d6d 61737465 72000000"));
}

static void a_tuple_without_a_layer_3_protocol_is_left_out(void)
{
	struct expect e = {.expected = head_of(2), .timeout = 5};

	expect_mark_set(&e, EXPECT_EXPECTED);
	expect_mark_set(&e, EXPECT_MASTER);
	expect_mark_set(&e, EXPECT_TIMEOUT);
	e.expected.tuple.l3 = 9;
	CU_ASSERT_TRUE(appends(&e, "08000400 00000005"));
}

static void nat_needs_its_tuple_and_its_direction(void)
{
	struct expect e = {.nat = head_of(4)};

	expect_mark_set(&e, EXPECT_NAT_TUPLE);
	CU_ASSERT_TRUE(appends(&e, ""));
	expect_mark_unset(&e, EXPECT_NAT_TUPLE);
	expect_mark_set(&e, EXPECT_NAT_DIR);
	CU_ASSERT_TRUE(appends(&e, ""));
	expect_mark_set(&e, EXPECT_NAT_TUPLE);
	e.nat.tuple.l3 = 0;
	CU_ASSERT_TRUE(appends(&e, ""));
	e.nat.tuple.l3 = AF_INET;
	CU_ASSERT_TRUE(appends(&e,
		"40000a80 34000280 14000180 08000100 00000004 " TUPLE_REST "08000100 00000000"));
}

static void names_end_where_their_memory_ends(void)
{
	struct expect e = {0};

	memset(e.helper_name, 'h', sizeof(e.helper_name));
	memset(e.fn, 'f', sizeof(e.fn));
	expect_mark_set(&e, EXPECT_HELPER_NAME);
	expect_mark_set(&e, EXPECT_FN);
	CU_ASSERT_TRUE(
		appends(&e, "14000600 68686868 68686868 68686868 68686800 "
			    "1c000b00 66666666 66666666 66666666 66666666 66666666 66666600"));
}

static void what_is_built_is_parsed_again(void)
{
	struct rng r = rng_of(seed_get("what_is_built_is_parsed_again"));

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t words[CAP / 4];
		struct nlmsghdr *msg = (struct nlmsghdr *)words;
		struct expect e, back;
		uint8_t l3;

		nlmsg_random_expect(&r, &e);
		l3 = e.master.tuple.l3 | e.expected.tuple.l3 | e.mask.tuple.l3 | e.nat.tuple.l3;
		message_start(msg, l3);
		CU_ASSERT_EQUAL_FATAL(nlmsg_exp_append(msg, CAP, &e), 0);
		CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, msg->nlmsg_len, &back), NLMSG_OK);
		CU_ASSERT_EQUAL(memcmp(&e, &back, sizeof(e)), 0);
	}
}

static void what_does_not_fit_leaves_the_message_as_it_was(void)
{
	struct rng r = rng_of(seed_get("what_does_not_fit_leaves_the_message_as_it_was"));

	for (unsigned i = 0; i < 100; i++) {
		uint32_t words[CAP / 4];
		struct nlmsghdr *msg = (struct nlmsghdr *)words;
		struct expect e;

		nlmsg_random_expect(&r, &e);
		message_start(msg, AF_INET);
		CU_ASSERT_EQUAL_FATAL(nlmsg_exp_append(msg, CAP, &e), 0);
		for (size_t cap = HEADS; cap <= msg->nlmsg_len; cap++) {
			struct nlmsghdr *exact = malloc(cap);

			memset(exact, 0, HEADS);
			exact->nlmsg_len = HEADS;
			CU_ASSERT_EQUAL(nlmsg_exp_append(exact, cap, &e),
				cap < msg->nlmsg_len ? -EMSGSIZE : 0);
			CU_ASSERT_EQUAL(exact->nlmsg_len, cap < msg->nlmsg_len ? HEADS : cap);
			free(exact);
		}
	}
}

static bool is_request(
	const struct nlmsghdr *msg, size_t len, uint8_t type, uint16_t nl_flags, uint8_t l3)
{
	struct nfgenmsg family;

	memcpy(&family, (const uint8_t *)msg + sizeof(*msg), sizeof(family));
	return msg->nlmsg_len == len && msg->nlmsg_seq == 7 && msg->nlmsg_pid == 0 &&
	       msg->nlmsg_type == (NFNL_SUBSYS_CTNETLINK_EXP << 8 | type) &&
	       msg->nlmsg_flags == (NLM_F_REQUEST | nl_flags) && family.nfgen_family == l3;
}

static void requests_are_whole_messages(void)
{
	struct rng r = rng_of(seed_get("requests_are_whole_messages"));
	const uint32_t key = 1u << EXPECT_EXPECTED | 1u << EXPECT_MASK | 1u << EXPECT_MASTER;
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;
	struct expect e, back;
	size_t len;

	for (unsigned i = 0; i < 1000; i++) {
		nlmsg_random_expect(&r, &e);
		len = nlmsg_exp_build(msg, CAP, NLM_F_CREATE, 7, &e);
		CU_ASSERT_EQUAL(len > 0, (e.set & key) == key);
		if (len > 0) {
			CU_ASSERT_TRUE(is_request(
				msg, len, IPCTNL_MSG_EXP_NEW, NLM_F_CREATE, e.master.tuple.l3));
			CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, len, &back), NLMSG_OK);
			CU_ASSERT_EQUAL(memcmp(&e, &back, sizeof(e)), 0);
			CU_ASSERT_EQUAL(nlmsg_exp_build(msg, len - 1, 0, 7, &e), 0);
		}
		len = nlmsg_exp_build_delete(msg, CAP, 0, 7, &e);
		CU_ASSERT_EQUAL(len > 0, expect_has(&e, EXPECT_EXPECTED));
		if (len > 0) {
			CU_ASSERT_TRUE(is_request(
				msg, len, IPCTNL_MSG_EXP_DELETE, 0, e.expected.tuple.l3));
			CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, len, &back), NLMSG_OK);
			CU_ASSERT_EQUAL(
				back.set, e.set & (1u << EXPECT_EXPECTED | 1u << EXPECT_ZONE));
			CU_ASSERT_EQUAL(memcmp(&e.expected, &back.expected, sizeof(e.expected)), 0);
		}
	}
	len = nlmsg_exp_build_dump(msg, CAP, 7, AF_INET6);
	CU_ASSERT_EQUAL(len, HEADS);
	CU_ASSERT_TRUE(is_request(msg, len, IPCTNL_MSG_EXP_GET, NLM_F_DUMP, AF_INET6));
	len = nlmsg_exp_build_flush(msg, CAP, NLM_F_ACK, 7);
	CU_ASSERT_EQUAL(len, HEADS);
	CU_ASSERT_TRUE(is_request(msg, len, IPCTNL_MSG_EXP_DELETE, NLM_F_ACK, AF_UNSPEC));
	CU_ASSERT_EQUAL(nlmsg_exp_build_flush(msg, HEADS - 1, 0, 7), 0);
}

/* Attributes given in hex, in a heap block of their exact size. */
static enum nlmsg_result parse_hex(const char *hex, struct expect *e)
{
	uint8_t bytes[512];
	size_t len = hex_bytes(hex, bytes, sizeof(bytes));
	void *exact = malloc(len ? len : 1);
	enum nlmsg_result result;

	memcpy(exact, bytes, len);
	memset(e, 0, sizeof(*e));
	result = nlmsg_exp_parse_attrs(exact, len, AF_INET, e);
	free(exact);
	return result;
}

static void each_tuple_has_the_family_of_the_message(void)
{
	struct expect e;

	CU_ASSERT_EQUAL(parse_hex("04000180", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_MASTER);
	CU_ASSERT_TRUE(flow_head_has(&e.master, FLOW_ORIG_L3PROTO) && e.master.tuple.l3 == AF_INET);
	CU_ASSERT_EQUAL(parse_hex("04000280", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_EXPECTED);
	CU_ASSERT_TRUE(flow_head_has(&e.expected, FLOW_ORIG_L3PROTO));
	CU_ASSERT_EQUAL(parse_hex("04000380", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_MASK);
	CU_ASSERT_TRUE(flow_head_has(&e.mask, FLOW_ORIG_L3PROTO));
	CU_ASSERT_EQUAL(parse_hex("08000a80 04000280", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_NAT_TUPLE);
	CU_ASSERT_TRUE(flow_head_has(&e.nat, FLOW_ORIG_L3PROTO));
	CU_ASSERT_EQUAL(parse_hex("0c000a80 08000100 00000001", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_NAT_DIR);
	CU_ASSERT_EQUAL(e.nat_dir, 1);
}

static void texts_are_cut_to_their_room(void)
{
	struct expect e;

	/* 29 characters and a NUL; a name of 19 and a NUL */
	CU_ASSERT_EQUAL(parse_hex("22000b00 61616161 61616161 61616161 61616161 61616161 61616161 "
				  "61616161 61000000"
				  "18000600 62626262 62626262 62626262 62626262 62626200",
				&e),
		NLMSG_OK);
	CU_ASSERT_STRING_EQUAL(e.fn, "aaaaaaaaaaaaaaaaaaaaaaa");
	CU_ASSERT_STRING_EQUAL(e.helper_name, "bbbbbbbbbbbbbbb");
	/* without an end */
	CU_ASSERT_EQUAL(parse_hex("08000b00 61626364", &e), NLMSG_BAD_ATTR);
	CU_ASSERT_STRING_EQUAL(e.fn, "abcd");
	CU_ASSERT_EQUAL(parse_hex("04000b00", &e), NLMSG_BAD_ATTR);
	CU_ASSERT_EQUAL(e.set, 0);
}

static void a_bad_attribute_spoils_itself_alone(void)
{
	struct expect e;

	CU_ASSERT_EQUAL(parse_hex("06000400 00010000 " /* timeout: short */
				  "0c000800 00000000 00000000 " /* flags: oversized */
				  "08000700 00000001 " /* zone: oversized */
				  "06000900 00010000 " /* class: short */
				  "10000280 0c000180 40000100 00000000 " /* tuple: overflows */
				  "0c000a80 06000100 00010000 " /* NAT: a short direction */
				  "0800ff00 00000000 " /* unknown */
				  "08000600 66747000",
				&e),
		NLMSG_BAD_ATTR);
	CU_ASSERT_EQUAL(e.set, 1 << EXPECT_EXPECTED | 1 << EXPECT_HELPER_NAME);
	CU_ASSERT_FALSE(flow_head_has(&e.expected, FLOW_ORIG_IPV4_SRC));
	CU_ASSERT_STRING_EQUAL(e.helper_name, "ftp");
	CU_ASSERT_EQUAL(parse_hex("08000400 00000005 0000", &e), NLMSG_BAD_ATTR);
	CU_ASSERT_EQUAL(e.timeout, 5);
	CU_ASSERT_EQUAL(parse_hex("0800ff00 00000000 08000500 00000001", &e), NLMSG_OK);
	CU_ASSERT_EQUAL(e.set, 0);
}

static void of_several_of_one_type_the_last_counts(void)
{
	struct expect e;

	CU_ASSERT_EQUAL(parse_hex("18000280 14000180 08000100 01010101 08000200 02020202 "
				  "10000280 0c000280 05000100 11000000 "
				  "08000400 00000001 08000400 00000002",
				&e),
		NLMSG_OK);
	CU_ASSERT_EQUAL(e.expected.set[0], 1u << FLOW_ORIG_L3PROTO | 1u << FLOW_ORIG_L4PROTO);
	CU_ASSERT_EQUAL(e.expected.tuple.src.v4_be, 0);
	CU_ASSERT_EQUAL(e.expected.tuple.l4, IPPROTO_UDP);
	CU_ASSERT_EQUAL(e.timeout, 2);
}

static void parse_copy(const void *msg, size_t len)
{
	void *exact = malloc(len ? len : 1);
	struct expect e;

	memcpy(exact, msg, len);
	nlmsg_exp_parse(exact, len, &e);
	CU_ASSERT_PTR_NOT_NULL(memchr(e.fn, 0, sizeof(e.fn)));
	CU_ASSERT_PTR_NOT_NULL(memchr(e.helper_name, 0, sizeof(e.helper_name)));
	free(exact);
}

static void no_cut_or_bent_message_is_read_past_its_end(void)
{
	static const uint8_t bends[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x80, 0xff};

	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		const struct nlmsghdr *msg;
		struct capture c;
		size_t at = 0;

		capture_read(&c, captures[i]);
		while ((msg = capture_next(&c, &at))) {
			uint32_t words[CAP / 4];
			struct nlmsghdr *head = (struct nlmsghdr *)words;

			for (size_t cut = 0; cut < msg->nlmsg_len; cut++) {
				struct expect e;

				CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, cut, &e), NLMSG_TRUNCATED);
				memcpy(words, msg, msg->nlmsg_len);
				head->nlmsg_len = (uint32_t)cut;
				parse_copy(words, cut);
				for (size_t j = 0; j < ARRAY_SIZE(bends); j++) {
					memcpy(words, msg, msg->nlmsg_len);
					((uint8_t *)words)[cut] ^= bends[j];
					parse_copy(words, msg->nlmsg_len);
				}
			}
		}
	}
}

static void other_messages_are_told_apart(void)
{
	uint32_t words[CAP / 4];
	struct nlmsghdr *msg = (struct nlmsghdr *)words;
	struct expect e;

	message_start(msg, AF_INET);
	CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, HEADS, &e), NLMSG_OK);
	CU_ASSERT_EQUAL(nlmsg_exp_event(msg), NLMSG_EVENT_UPDATE);
	msg->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	CU_ASSERT_EQUAL(nlmsg_exp_event(msg), NLMSG_EVENT_NEW);
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_DELETE;
	CU_ASSERT_EQUAL(nlmsg_exp_event(msg), NLMSG_EVENT_DESTROY);
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_GET_STATS_CPU;
	CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, HEADS, &e), NLMSG_NOT_CT);
	CU_ASSERT_EQUAL(nlmsg_exp_event(msg), NLMSG_EVENT_NONE);
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	CU_ASSERT_EQUAL(nlmsg_exp_parse(msg, HEADS, &e), NLMSG_NOT_CT);
	CU_ASSERT_EQUAL(nlmsg_exp_event(msg), NLMSG_EVENT_NONE);
}

static const struct unit_test tests[] = {
	{"messages of the kernel are parsed whole", messages_of_the_kernel_are_parsed_whole},
	{"attributes stand in their order", attributes_stand_in_their_order},
	{"a tuple without a layer 3 protocol is left out",
		a_tuple_without_a_layer_3_protocol_is_left_out},
	{"NAT needs its tuple and its direction", nat_needs_its_tuple_and_its_direction},
	{"names end where their memory ends", names_end_where_their_memory_ends},
	{"what is built is parsed again", what_is_built_is_parsed_again},
	{"what does not fit leaves the message as it was",
		what_does_not_fit_leaves_the_message_as_it_was},
	{"requests are whole messages", requests_are_whole_messages},
	{"each tuple has the family of the message", each_tuple_has_the_family_of_the_message},
	{"texts are cut to their room", texts_are_cut_to_their_room},
	{"a bad attribute spoils itself alone", a_bad_attribute_spoils_itself_alone},
	{"of several of one type the last counts", of_several_of_one_type_the_last_counts},
	{"no cut or bent message is read past its end",
		no_cut_or_bent_message_is_read_past_its_end},
	{"other messages are told apart", other_messages_are_told_apart},
};

UNIT_MAIN("nlmsg_exp", tests)
