/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/text.h"
#include "flow/print.h"
#include "flow/status.h"
#include "nlmsg/ct.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

/* What tests/lib/capture_nlmsg.py recorded of a kernel, and what the conntrack tool made of it. */
static const char *const captures[] = {"dccp", "ftp", "ftp_dump", "gre", "icmp", "icmpv6",
	"labels_mark", "labels_mark_dump", "nat", "nat_dump", "proto103", "sctp", "sctp_dump",
	"synproxy", "synproxy_dump", "tcp", "tcp6", "tcp6_dump", "tcp_dump", "udp", "udplite",
	"zones", "zones_dump"};

struct capture {
	uint32_t words[16384 / sizeof(uint32_t)];
	size_t len;
	FILE *lines;
};

static void capture_open(struct capture *c, const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.bin", CAPTURES_DIR, name);
	file = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	c->len = fread(c->words, 1, sizeof(c->words), file);
	fclose(file);
	CU_ASSERT_TRUE_FATAL(c->len > 0 && c->len < sizeof(c->words));
	snprintf(path, sizeof(path), "%s/%s.txt", CAPTURES_DIR, name);
	c->lines = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->lines);
}

static const struct nlmsghdr *capture_next(const struct capture *c, size_t *at)
{
	const struct nlmsghdr *msg = (const void *)((const uint8_t *)c->words + *at);

	if (*at == c->len)
		return NULL;
	CU_ASSERT_TRUE_FATAL(c->len - *at >= sizeof(*msg) && msg->nlmsg_len <= c->len - *at);
	*at += NLMSG_ALIGN(msg->nlmsg_len);
	return msg;
}

/* The n-th message of a capture, parsed; borrowed bytes stay valid until the next call. */
static struct flow capture_flow(const char *name, unsigned n)
{
	static struct capture c;
	const struct nlmsghdr *msg = NULL;
	size_t at = 0;
	struct flow f;

	capture_open(&c, name);
	fclose(c.lines);
	do
		msg = capture_next(&c, &at);
	while (msg && n-- > 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, msg->nlmsg_len, &f), NLMSG_OK);
	return f;
}

static void messages_print_as_the_conntrack_tool_prints_them(void)
{
	static const char *const prefix[] = {
		[NLMSG_EVENT_NEW] = "[NEW] ",
		[NLMSG_EVENT_UPDATE] = "[UPDATE] ",
		[NLMSG_EVENT_DESTROY] = "[DESTROY] ",
	};
	static struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		bool is_dump = strstr(captures[i], "_dump");
		char line[1024], wanted[1024];
		const struct nlmsghdr *msg;
		size_t at = 0;

		capture_open(&c, captures[i]);
		while ((msg = capture_next(&c, &at))) {
			struct text t = text_of(line, sizeof(line));
			struct flow f;

			CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, msg->nlmsg_len, &f), NLMSG_OK);
			if (!is_dump)
				text_right(&t, prefix[nlmsg_ct_event(msg)], 10);
			flow_print(&t, &f, FLOW_PRINT_ID);
			CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(wanted, sizeof(wanted), c.lines));
			wanted[strcspn(wanted, "\n")] = '\0';
			CU_ASSERT_STRING_EQUAL(line, wanted);
			if (strcmp(line, wanted) != 0)
				printf("%s:\n got: %s\nwant: %s\n", captures[i], line, wanted);
		}
		CU_ASSERT_PTR_NULL(fgets(wanted, sizeof(wanted), c.lines));
		fclose(c.lines);
	}
}

static void what_the_tool_does_not_print_is_parsed_too(void)
{
	struct flow f = capture_flow("tcp", 2);

	CU_ASSERT_TRUE(flow_has(&f, FLOW_TCP_WSCALE_ORIG) && flow_has(&f, FLOW_TCP_WSCALE_REPL));
	CU_ASSERT_TRUE(flow_has(&f, FLOW_TCP_FLAGS_ORIG) && flow_has(&f, FLOW_TCP_MASK_REPL));
	CU_ASSERT_TRUE(f.tcp.wscale[FLOW_ORIG] > 0 && f.tcp.wscale[FLOW_REPL] > 0);
	CU_ASSERT_TRUE(f.tcp.flags[FLOW_ORIG] & FLOW_TCP_FLAG_WINDOW_SCALE);
	CU_ASSERT_EQUAL(
		f.status, FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED | FLOW_STATUS_CONFIRMED);

	f = capture_flow("tcp", 6);
	CU_ASSERT_TRUE(f.timestamp_start > UINT64_C(1600000000000000000));
	CU_ASSERT_TRUE(f.timestamp_stop >= f.timestamp_start);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_TIMESTAMP_STOP));

	f = capture_flow("sctp_dump", 0);
	CU_ASSERT_EQUAL(f.sctp.vtag[FLOW_ORIG], 0x22222222);
	CU_ASSERT_EQUAL(f.sctp.vtag[FLOW_REPL], 0x11111111);

	f = capture_flow("labels_mark_dump", 0);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_LABELS));
	CU_ASSERT_EQUAL(f.labels_len, 16);
	CU_ASSERT_EQUAL(f.labels[0], 1 << 5);
	CU_ASSERT_EQUAL(f.labels[15], 1 << 7);

	f = capture_flow("synproxy_dump", 0);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_SYNPROXY_ISN) && flow_has(&f, FLOW_SYNPROXY_TSOFF));
	CU_ASSERT_NOT_EQUAL(f.synproxy_isn, 0);

	f = capture_flow("nat_dump", 0);
	CU_ASSERT_TRUE(flow_is_snat(&f) && flow_is_dnat(&f));
}

static void a_helper_leaves_a_master_and_sequence_adjustment(void)
{
	struct flow data = capture_flow("ftp_dump", 0), control = capture_flow("ftp_dump", 1);

	if (!flow_has(&data, FLOW_MASTER_L3PROTO)) { /* a dump has no order */
		struct flow other = data;

		data = control;
		control = other;
	}
	CU_ASSERT_TRUE(data.status & FLOW_STATUS_EXPECTED);
	CU_ASSERT_EQUAL(data.master.l3, AF_INET);
	CU_ASSERT_EQUAL(data.master.l4, IPPROTO_TCP);
	CU_ASSERT_EQUAL(data.master.src.v4_be, control.tuple[FLOW_ORIG].src.v4_be);
	CU_ASSERT_EQUAL(data.master.dst.v4_be, control.tuple[FLOW_ORIG].dst.v4_be);
	CU_ASSERT_EQUAL(data.master.sport_be, control.tuple[FLOW_ORIG].sport_be);
	CU_ASSERT_EQUAL(data.master.dport_be, htons(21));
	CU_ASSERT_STRING_EQUAL(control.helper_name, "ftp");
	CU_ASSERT_TRUE(flow_has(&control, FLOW_ORIG_SEQADJ_CORRECTION_POS));
	CU_ASSERT_TRUE(flow_has(&control, FLOW_REPL_SEQADJ_OFFSET_AFTER));
	CU_ASSERT_NOT_EQUAL(control.seqadj[FLOW_ORIG].correction_pos, 0);
	CU_ASSERT_NOT_EQUAL(control.seqadj[FLOW_ORIG].offset_after, 0);
	CU_ASSERT_EQUAL(control.seqadj[FLOW_REPL].correction_pos, 0);
}

/* Field by field; the borrowed bytes by content. */
static bool flows_equal(const struct flow *a, const struct flow *b)
{
	struct flow x = *a, y = *b;

	if (x.helper_info.len != y.helper_info.len ||
		(x.helper_info.len &&
			memcmp(x.helper_info.data, y.helper_info.data, x.helper_info.len) != 0))
		return false;
	x.helper_info.data = y.helper_info.data = NULL;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static void what_is_built_is_parsed_again(void)
{
	struct rng r = rng_of(seed_get("what_is_built_is_parsed_again"));

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
		struct flow f, back;
		size_t len;

		nlmsg_random_flow(&r, &f);
		memset(buf, 0xaa, sizeof(buf));
		len = nlmsg_ct_build(buf, sizeof(buf), NLM_F_CREATE, i, &f,
			(NLMSG_PART_ALL & ~NLMSG_PART_NAT) | NLMSG_PART_ID);
		CU_ASSERT_TRUE_FATAL(len > 0 && len % 4 == 0);
		CU_ASSERT_EQUAL(nlmsg_ct_parse((const void *)buf, len, &back), NLMSG_OK);
		CU_ASSERT_TRUE(flows_equal(&f, &back));
	}
}

/* The value of the attribute at path in a request, each nested in the one before; NULL if none. */
static const void *value_at(const struct nlmsghdr *msg, const uint16_t *path, size_t count)
{
	struct nlattr *a, *found = NULL; /* not const: the macros of libmnl cast it away */

	mnl_attr_for_each(a, msg, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == path[0])
		found = a;
	for (size_t i = 1; found && i < count; i++) {
		const struct nlattr *nest = found;

		found = NULL;
		mnl_attr_for_each_nested(a, nest) if (mnl_attr_get_type(a) == path[i]) found = a;
	}
	return found ? mnl_attr_get_payload(found) : NULL;
}

static uint16_t nat_port(const struct nlmsghdr *msg, uint16_t nat, uint16_t end)
{
	const uint8_t *v = value_at(msg, (const uint16_t[]){nat, CTA_NAT_PROTO, end}, 3);

	return v ? (uint16_t)(v[0] << 8 | v[1]) : 0;
}

static uint32_t nat_v4(const struct nlmsghdr *msg, uint16_t nat)
{
	const void *v = value_at(msg, (const uint16_t[]){nat, CTA_NAT_V4_MINIP}, 2);

	return v ? ntohl(*(const uint32_t *)v) : 0;
}

static void nat_is_requested_as_the_reply_tuple_shows_it(void)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;
	struct flow_tuple plain;
	struct flow f, back;
	size_t len;

	flowgen_tcp4(&f, "10.0.0.1", 1000, "10.0.0.2", 80, FLOW_TCP_ESTABLISHED);
	plain = f.tuple[FLOW_REPL];
	f.status |= FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE;
	len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL);
	CU_ASSERT_NOT_EQUAL(len, 0);
	CU_ASSERT_PTR_NULL(value_at(msg, (const uint16_t[]){CTA_NAT_SRC}, 1));
	CU_ASSERT_PTR_NULL(value_at(msg, (const uint16_t[]){CTA_NAT_DST}, 1));

	f.tuple[FLOW_REPL].dst.v4_be = htonl(0xc0000201);
	f.tuple[FLOW_REPL].dport_be = htons(3000);
	f.tuple[FLOW_REPL].src.v4_be = htonl(0xc0000202);
	len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL);
	CU_ASSERT_EQUAL(nat_v4(msg, CTA_NAT_SRC), 0xc0000201);
	CU_ASSERT_EQUAL(nat_port(msg, CTA_NAT_SRC, CTA_PROTONAT_PORT_MIN), 3000);
	CU_ASSERT_EQUAL(nat_port(msg, CTA_NAT_SRC, CTA_PROTONAT_PORT_MAX), 3000);
	CU_ASSERT_EQUAL(nat_v4(msg, CTA_NAT_DST), 0xc0000202);
	CU_ASSERT_EQUAL(nat_port(msg, CTA_NAT_DST, CTA_PROTONAT_PORT_MIN), 80);
	CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, len, &back), NLMSG_OK);
	CU_ASSERT_EQUAL(memcmp(&back.tuple[FLOW_REPL], &plain, sizeof(plain)), 0);

	/* without the part the reply tuple is what it is */
	len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL & ~NLMSG_PART_NAT);
	CU_ASSERT_PTR_NULL(value_at(msg, (const uint16_t[]){CTA_NAT_SRC}, 1));
	CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, len, &back), NLMSG_OK);
	CU_ASSERT_EQUAL(back.tuple[FLOW_REPL].dport_be, htons(3000));

	/* a request goes before what is seen */
	f.snat.v4_be = htonl(0xc0000203);
	flow_mark_set(&f, FLOW_SNAT_IPV4);
	nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL);
	CU_ASSERT_EQUAL(nat_v4(msg, CTA_NAT_SRC), 0xc0000203);
	CU_ASSERT_EQUAL(nat_port(msg, CTA_NAT_SRC, CTA_PROTONAT_PORT_MIN), 0);
	CU_ASSERT_PTR_NULL(value_at(msg, (const uint16_t[]){CTA_NAT_DST}, 1));
}

static void a_request_that_does_not_fit_is_not_built(void)
{
	struct rng r = rng_of(seed_get("a_request_that_does_not_fit_is_not_built"));

	for (unsigned i = 0; i < 100; i++) {
		uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
		struct flow f;
		size_t len;

		nlmsg_random_flow(&r, &f);
		len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL);
		for (size_t cap = 0; cap <= len; cap++) {
			void *exact = malloc(cap ? cap : 1);

			CU_ASSERT_EQUAL(nlmsg_ct_build(exact, cap, 0, 0, &f, NLMSG_PART_ALL),
				cap < len ? 0 : len);
			free(exact);
		}
	}
}

static void a_request_does_not_depend_on_what_was_in_its_buffer(void)
{
	struct rng r = rng_of(seed_get("a_request_does_not_depend_on_what_was_in_its_buffer"));

	for (unsigned i = 0; i < 100; i++) {
		uint32_t one[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)], other[ARRAY_SIZE(one)];
		struct flow f;
		size_t len;

		nlmsg_random_flow(&r, &f);
		memset(one, 0xaa, sizeof(one));
		memset(other, 0x55, sizeof(other));
		len = nlmsg_ct_build(one, sizeof(one), 0, 0, &f, NLMSG_PART_ALL);
		CU_ASSERT_EQUAL(
			nlmsg_ct_build(other, sizeof(other), 0, 0, &f, NLMSG_PART_ALL), len);
		CU_ASSERT_EQUAL(memcmp(one, other, len), 0);
	}
}

static void a_flow_without_a_key_builds_nothing(void)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct flow f = {0};

	CU_ASSERT_EQUAL(nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL), 0);
	CU_ASSERT_EQUAL(nlmsg_ct_build_get(buf, sizeof(buf), 0, 0, &f), 0);
	/* a delete that names nothing would empty the table */
	CU_ASSERT_EQUAL(nlmsg_ct_build_delete(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL), 0);
}

static void requests_name_the_original_tuple_and_the_zone(void)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	struct rng r = rng_of(4);
	struct flow f, back;
	size_t len;

	do
		nlmsg_random_flow(&r, &f);
	while (!flow_has(&f, FLOW_ZONE) || !flow_has(&f, FLOW_ID));
	len = nlmsg_ct_build_delete(buf, sizeof(buf), NLM_F_ACK, 9, &f, NLMSG_PART_ID);
	CU_ASSERT_EQUAL(msg->nlmsg_type, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE);
	CU_ASSERT_EQUAL(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	CU_ASSERT_EQUAL(msg->nlmsg_seq, 9);
	CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, len, &back), NLMSG_OK);
	CU_ASSERT_EQUAL(memcmp(&back.tuple[FLOW_ORIG], &f.tuple[FLOW_ORIG], sizeof(f.master)), 0);
	CU_ASSERT_EQUAL(back.zone, f.zone);
	CU_ASSERT_EQUAL(back.id, f.id);
	CU_ASSERT_FALSE(flow_has(&back, FLOW_REPL_L3PROTO) || flow_has(&back, FLOW_STATUS));

	len = nlmsg_ct_build_get(buf, sizeof(buf), 0, 0, &f);
	CU_ASSERT_EQUAL(msg->nlmsg_type, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
	CU_ASSERT_EQUAL(nlmsg_ct_parse(msg, len, &back), NLMSG_OK);
	CU_ASSERT_FALSE(flow_has(&back, FLOW_ID));
	CU_ASSERT_EQUAL(back.zone, f.zone);

	CU_ASSERT_EQUAL(nlmsg_ct_build_dump(buf, sizeof(buf), 0, AF_INET6), 20);
	CU_ASSERT_EQUAL(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	CU_ASSERT_EQUAL(nlmsg_ct_build_flush(buf, sizeof(buf), 0, 0, 0), 20);
	CU_ASSERT_EQUAL(nlmsg_ct_build_flush(buf, 19, 0, 0, 0), 0);
}

/* Parses an exact-size copy, so that a read past the end does not go unnoticed. */
static enum nlmsg_result parse_copy(const void *msg, size_t len, struct flow *f)
{
	void *copy = malloc(len ? len : 1);
	enum nlmsg_result result;

	memcpy(copy, msg, len);
	result = nlmsg_ct_parse(copy, len, f);
	/* what is borrowed lies within the message */
	if (flow_has(f, FLOW_HELPER_INFO))
		CU_ASSERT_TRUE((const uint8_t *)f->helper_info.data + f->helper_info.len <=
			       (uint8_t *)copy + len);
	if (flow_has(f, FLOW_SECCTX))
		CU_ASSERT_TRUE(
			(const uint8_t *)f->secctx.data + f->secctx.len <= (uint8_t *)copy + len);
	free(copy);
	return result;
}

static void cut_and_bend(const struct nlmsghdr *msg)
{
	uint32_t words[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct nlmsghdr *head = (struct nlmsghdr *)words;
	uint8_t *bytes = (uint8_t *)words;
	size_t len = msg->nlmsg_len;
	struct flow f;

	CU_ASSERT_TRUE_FATAL(len <= sizeof(words));
	for (size_t cut = 0; cut < len; cut++) {
		CU_ASSERT_EQUAL(parse_copy(msg, cut, &f), NLMSG_TRUNCATED);
		memcpy(words, msg, len);
		head->nlmsg_len = (uint32_t)cut;
		if (cut >= sizeof(*head))
			parse_copy(words, cut, &f);
	}
	for (size_t i = 0; i < len; i++) {
		static const uint8_t bends[] = {0x01, 0x02, 0x04, 0x08, 0x80, 0xff};

		for (size_t j = 0; j < ARRAY_SIZE(bends); j++) {
			memcpy(words, msg, len);
			bytes[i] ^= bends[j];
			parse_copy(words, len, &f);
		}
	}
}

static void no_cut_or_bent_message_is_read_past_its_end(void)
{
	struct rng r = rng_of(seed_get("no_cut_or_bent_message_is_read_past_its_end"));
	static struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		const struct nlmsghdr *msg;
		size_t at = 0;

		capture_open(&c, captures[i]);
		fclose(c.lines);
		while ((msg = capture_next(&c, &at)))
			cut_and_bend(msg);
	}
	for (unsigned i = 0; i < 20; i++) {
		uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
		struct flow f;

		nlmsg_random_flow(&r, &f);
		nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_ALL);
		cut_and_bend((const void *)buf);
	}
}

/* A message of hand-made attributes. */
struct made {
	union {
		struct nlmsghdr head;
		uint8_t bytes[256];
	};
	size_t len;
};

static void made_start(struct made *m)
{
	const struct nfgenmsg family = {.nfgen_family = AF_INET};

	memset(m, 0, sizeof(*m));
	m->head.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	memcpy(m->bytes + sizeof(m->head), &family, sizeof(family));
	m->len = sizeof(m->head) + sizeof(family);
}

static void made_add(struct made *m, uint16_t type, uint16_t nla_len, const void *data, size_t len)
{
	const struct nlattr head = {nla_len, type};

	memcpy(m->bytes + m->len, &head, sizeof(head));
	if (len > 0)
		memcpy(m->bytes + m->len + sizeof(head), data, len);
	m->len += sizeof(head) + NLA_ALIGN(len);
	m->head.nlmsg_len = (uint32_t)m->len;
}

static void a_bad_attribute_spoils_itself_alone(void)
{
	const uint32_t mark = htonl(5), timeout = htonl(7);
	const uint8_t wide[8] = {0}, labels[20] = {1};
	struct made m;
	struct flow f;

	made_start(&m);
	made_add(&m, CTA_MARK, 8, &mark, 4);
	made_add(&m, CTA_STATUS, 12, wide, 8); /* oversized */
	made_add(&m, CTA_ID, 6, wide, 2); /* short */
	made_add(&m, CTA_LABELS, 24, labels, 20); /* more than 128 bits */
	made_add(&m, CTA_TUPLE_ORIG | NLA_F_NESTED, 8, "\x40\0\1\0", 4); /* its nest overflows */
	made_add(&m, 999, 8, wide, 4); /* unknown */
	made_add(&m, CTA_TIMEOUT, 8, &timeout, 4);
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_BAD_ATTR);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_MARK) && flow_has(&f, FLOW_TIMEOUT));
	CU_ASSERT_EQUAL(f.mark, 5);
	CU_ASSERT_EQUAL(f.timeout, 7);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_STATUS) || flow_has(&f, FLOW_ID));
	CU_ASSERT_FALSE(flow_has(&f, FLOW_LABELS) || flow_has(&f, FLOW_ORIG_IPV4_SRC));

	made_start(&m);
	made_add(&m, 999, 8, wide, 4);
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_OK);
	made_add(&m, CTA_MARK, 9, &mark, 4); /* says more than there is */
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_BAD_ATTR);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_MARK));
}

static void wide_counters_win_over_narrow_ones(void)
{
	static const uint8_t nest[] = {12, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 8, 0, 3, 0, 0, 0, 0, 9,
		8, 0, 4, 0, 0, 0, 0, 8};
	struct made m;
	struct flow f;

	made_start(&m);
	made_add(&m, CTA_COUNTERS_ORIG | NLA_F_NESTED, 4 + sizeof(nest), nest, sizeof(nest));
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_OK);
	CU_ASSERT_EQUAL(f.counters[FLOW_ORIG].packets, UINT64_C(0x100000002));
	CU_ASSERT_EQUAL(f.counters[FLOW_ORIG].bytes, 8);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_REPL_COUNTER_BYTES));
}

static void texts_end_at_their_nul_or_their_attribute(void)
{
	struct made m;
	struct flow f;

	made_start(&m);
	made_add(&m, CTA_SECCTX | NLA_F_NESTED, 12, "\x08\0\1\0sys\0", 8);
	CU_ASSERT_EQUAL(nlmsg_ct_parse(&m.head, m.len, &f), NLMSG_OK);
	CU_ASSERT_EQUAL(f.secctx.len, 3);
	CU_ASSERT_EQUAL(memcmp(f.secctx.data, "sys", 3), 0);

	made_start(&m);
	made_add(&m, CTA_HELP | NLA_F_NESTED, 16, "\x08\0\1\0ftp\0\x06\0\2\0", 10);
	CU_ASSERT_EQUAL(
		parse_copy(&m, m.len, &f), NLMSG_BAD_ATTR); /* 2 bytes of info are missing */
	CU_ASSERT_STRING_EQUAL(f.helper_name, "ftp");

	made_start(&m);
	made_add(&m, CTA_HELP | NLA_F_NESTED, 28, "\x18\0\1\0a name longer than 1", 24);
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_BAD_ATTR);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_HELPER_NAME));
}

static void of_several_of_one_type_the_last_counts(void)
{
	static const uint8_t with_addrs[] = {20, 0, CTA_TUPLE_IP, 0x80, 8, 0, CTA_IP_V4_SRC, 0, 1,
		1, 1, 1, 8, 0, CTA_IP_V4_DST, 0, 2, 2, 2, 2};
	static const uint8_t with_proto[] = {
		12, 0, CTA_TUPLE_PROTO, 0x80, 5, 0, CTA_PROTO_NUM, 0, IPPROTO_UDP, 0, 0, 0};
	const uint32_t one = htonl(1), two = htonl(2);
	struct made m;
	struct flow f;

	made_start(&m);
	made_add(&m, CTA_MARK, 8, &one, 4);
	made_add(&m, CTA_MARK, 8, &two, 4);
	made_add(&m, CTA_STATUS, 8, &one, 4);
	made_add(&m, CTA_STATUS, 4, NULL, 0); /* padding before CTA_TIMESTAMP_EVENT */
	made_add(&m, CTA_TUPLE_ORIG | NLA_F_NESTED, 24, with_addrs, sizeof(with_addrs));
	made_add(&m, CTA_TUPLE_ORIG | NLA_F_NESTED, 16, with_proto, sizeof(with_proto));
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_OK);
	CU_ASSERT_EQUAL(f.mark, 2);
	CU_ASSERT_EQUAL(f.status, 1);
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].l4, IPPROTO_UDP);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_ORIG_IPV4_SRC) || flow_has(&f, FLOW_ORIG_IPV4_DST));
	CU_ASSERT_EQUAL(f.tuple[FLOW_ORIG].src.v4_be, 0);
}

/* Nests without their flag are read by the general walk, others mostly not. */
static void a_tuple_in_the_usual_form_reads_as_any_other(void)
{
	struct rng r = rng_of(seed_get("a_tuple_in_the_usual_form_reads_as_any_other"));

	for (unsigned i = 0; i < 2000; i++) {
		uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
		struct nlattr *a; /* not const: the macros of libmnl cast it away */
		struct flow f, usual, any;

		nlmsg_random_flow(&r, &f);
		nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_TUPLES | NLMSG_PART_MASTER);
		CU_ASSERT_EQUAL(nlmsg_ct_parse((void *)buf, sizeof(buf), &usual), NLMSG_OK);
		mnl_attr_for_each(a, (struct nlmsghdr *)buf,
			sizeof(struct nfgenmsg)) if (a->nla_type & NLA_F_NESTED) a[1]
			.nla_type &= NLA_TYPE_MASK;
		CU_ASSERT_EQUAL(nlmsg_ct_parse((void *)buf, sizeof(buf), &any), NLMSG_OK);
		CU_ASSERT_TRUE(flows_equal(&usual, &any));
	}
}

/* A tuple of ports whose heads are bent one by one: none may be taken for the usual one. */
static void a_nearly_usual_tuple_is_read_by_its_heads(void)
{
	struct flow f, one, other;
	struct flow_tuple *t = f.tuple;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
		uint8_t *bytes = (uint8_t *)buf;
		size_t len, at = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg) + NLA_HDRLEN;

		flowgen_tcp4(&f, "1.2.3.4", 0x0506, "7.8.9.10", 0x0b0c, FLOW_TCP_ESTABLISHED);
		if (v6) {
			t[FLOW_ORIG].l3 = t[FLOW_REPL].l3 = AF_INET6;
			memset(&t[FLOW_ORIG].src, 9, sizeof(t[FLOW_ORIG].src));
			for (unsigned id = FLOW_ORIG_IPV6_SRC; id <= FLOW_REPL_IPV6_DST; id++)
				flow_mark_set(&f, id);
		}
		len = nlmsg_ct_build_get(buf, sizeof(buf), 0, 0, &f);
		CU_ASSERT_EQUAL_FATAL(len, at + (v6 ? 72 : 48));
		for (size_t i = at + NLA_HDRLEN; i < len; i++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				bytes[i] ^= 1 << bit;
				nlmsg_ct_parse((void *)buf, len, &one);
				bytes[at + 3] ^= 0x80; /* the first nest's flag */
				nlmsg_ct_parse((void *)buf, len, &other);
				bytes[at + 3] ^= 0x80;
				bytes[i] ^= 1 << bit;
				CU_ASSERT_TRUE(flows_equal(&one, &other));
			}
		}
	}
}

static void an_event_tells_when_it_was_made(void)
{
	static const uint8_t ns[] = {0x17, 0x9b, 0, 0, 0, 0, 0, 1};
	struct made m;
	struct flow f;

	made_start(&m);
	made_add(&m, 27 /* CTA_TIMESTAMP_EVENT */, 12, ns, sizeof(ns));
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_OK);
	CU_ASSERT_TRUE(flow_has(&f, FLOW_TIMESTAMP_EVENT));
	CU_ASSERT_EQUAL(f.timestamp_event, UINT64_C(0x179b000000000001));
}

static void labels_of_any_size_are_given_as_they_stand(void)
{
	const uint8_t labels[20] = {1};
	struct flow_span raw;
	struct made m;
	struct flow f = {0};

	made_start(&m);
	made_add(&m, CTA_LABELS, 24, labels, 20);
	CU_ASSERT_EQUAL(
		nlmsg_ct_parse_attrs_raw_labels(m.bytes + 20, m.len - 20, AF_INET, &f, &raw),
		NLMSG_OK);
	CU_ASSERT_EQUAL(raw.len, 20);
	CU_ASSERT_PTR_EQUAL(raw.data, m.bytes + 24);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_LABELS));
	made_start(&m);
	made_add(&m, CTA_LABELS, 4, NULL, 0);
	CU_ASSERT_EQUAL(
		nlmsg_ct_parse_attrs_raw_labels(m.bytes + 20, m.len - 20, AF_INET, &f, &raw),
		NLMSG_OK);
	CU_ASSERT_PTR_NULL(raw.data);
}

static void other_messages_are_told_apart(void)
{
	struct made m;
	struct flow f;

	made_start(&m);
	m.head.nlmsg_len = (uint32_t)m.len;
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_OK);
	CU_ASSERT_EQUAL(nlmsg_ct_event(&m.head), NLMSG_EVENT_UPDATE);
	m.head.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	CU_ASSERT_EQUAL(nlmsg_ct_event(&m.head), NLMSG_EVENT_NEW);
	m.head.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	CU_ASSERT_EQUAL(nlmsg_ct_event(&m.head), NLMSG_EVENT_DESTROY);
	m.head.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS;
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_NOT_CT);
	CU_ASSERT_EQUAL(nlmsg_ct_event(&m.head), NLMSG_EVENT_NONE);
	m.head.nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8;
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_NOT_CT);
	CU_ASSERT_EQUAL(nlmsg_ct_event(&m.head), NLMSG_EVENT_NONE);
	m.head.nlmsg_type = NLMSG_ERROR;
	CU_ASSERT_EQUAL(parse_copy(&m, m.len, &f), NLMSG_NOT_CT);
}

static const struct unit_test tests[] = {
	{"messages print as the conntrack tool prints them",
		messages_print_as_the_conntrack_tool_prints_them},
	{"what the tool does not print is parsed too", what_the_tool_does_not_print_is_parsed_too},
	{"a helper leaves a master and sequence adjustment",
		a_helper_leaves_a_master_and_sequence_adjustment},
	{"what is built is parsed again", what_is_built_is_parsed_again},
	{"NAT is requested as the reply tuple shows it",
		nat_is_requested_as_the_reply_tuple_shows_it},
	{"a request that does not fit is not built", a_request_that_does_not_fit_is_not_built},
	{"a request does not depend on what was in its buffer",
		a_request_does_not_depend_on_what_was_in_its_buffer},
	{"a flow without a key builds nothing", a_flow_without_a_key_builds_nothing},
	{"requests name the original tuple and the zone",
		requests_name_the_original_tuple_and_the_zone},
	{"no cut or bent message is read past its end",
		no_cut_or_bent_message_is_read_past_its_end},
	{"a bad attribute spoils itself alone", a_bad_attribute_spoils_itself_alone},
	{"wide counters win over narrow ones", wide_counters_win_over_narrow_ones},
	{"texts end at their NUL or their attribute", texts_end_at_their_nul_or_their_attribute},
	{"of several of one type the last counts", of_several_of_one_type_the_last_counts},
	{"a tuple in the usual form reads as any other",
		a_tuple_in_the_usual_form_reads_as_any_other},
	{"a nearly usual tuple is read by its heads", a_nearly_usual_tuple_is_read_by_its_heads},
	{"an event tells when it was made", an_event_tells_when_it_was_made},
	{"labels of any size are given as they stand", labels_of_any_size_are_given_as_they_stand},
	{"other messages are told apart", other_messages_are_told_apart},
};

UNIT_MAIN("nlmsg_ct", tests)
