/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/print.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"

static char line[1024];

static const char *print(const struct flow *f, unsigned flags)
{
	struct text t = text_of(line, sizeof(line));

	flow_print(&t, f, flags);
	CU_ASSERT_EQUAL(t.len, strlen(line));
	return line;
}

/* A flow between two addresses with cells a and b [host order], timeout 30 and a reply tuple. */
static struct flow flow_of(uint8_t l4, const char *src, const char *dst, uint16_t a, uint16_t b)
{
	struct flow f = {.timeout = 30};
	struct flow_tuple *t = &f.tuple[FLOW_ORIG];
	bool v6 = strchr(src, ':') != NULL;

	t->l3 = v6 ? AF_INET6 : AF_INET;
	t->l4 = l4;
	CU_ASSERT_EQUAL(inet_pton(t->l3, src, &t->src), 1);
	CU_ASSERT_EQUAL(inet_pton(t->l3, dst, &t->dst), 1);
	flow_mark_set(&f, FLOW_ORIG_L3PROTO);
	flow_mark_set(&f, FLOW_ORIG_L4PROTO);
	t->sport_be = htons(a);
	if (flow_l4_is_icmp(l4))
		t->icmp_type = (uint8_t)b;
	else
		t->dport_be = htons(b);
	flow_mark_set(&f, FLOW_TIMEOUT);
	flow_setup_reply(&f);
	return f;
}

static void each_protocol_prints_as_the_tool_does(void)
{
	struct flow f;

	f = flow_of(IPPROTO_ICMP, "10.0.0.1", "10.0.0.2", 777, 8);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=777 src=10.0.0.2 "
		"dst=10.0.0.1 type=0 code=0 id=777");
	f = flow_of(IPPROTO_ICMPV6, "fe80::1", "fe80::2", 777, 128);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"icmpv6   58 30 src=fe80::1 dst=fe80::2 type=128 code=0 id=777 src=fe80::2 "
		"dst=fe80::1 type=129 code=0 id=777");
	f = flow_of(IPPROTO_SCTP, "10.0.0.1", "10.0.0.2", 1, 2);
	f.sctp.state = 9;
	flow_mark_set(&f, FLOW_SCTP_STATE);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"sctp     132 30 HEARTBEAT_ACKED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 "
		"src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1");
	f = flow_of(IPPROTO_DCCP, "10.0.0.1", "10.0.0.2", 1, 2);
	f.dccp.state = 4;
	flow_mark_set(&f, FLOW_DCCP_STATE);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"dccp     33 30 OPEN src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 "
		"dst=10.0.0.1 sport=2 dport=1");
	f = flow_of(IPPROTO_GRE, "10.0.0.1", "10.0.0.2", 0x11, 0x22);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"gre      47 30 src=10.0.0.1 dst=10.0.0.2 srckey=0x11 dstkey=0x22 src=10.0.0.2 "
		"dst=10.0.0.1 srckey=0x22 dstkey=0x11");
	f = flow_of(IPPROTO_UDPLITE, "10.0.0.1", "10.0.0.2", 1, 2);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"udplite  136 30 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 "
		"dst=10.0.0.1 sport=2 dport=1");
	f = flow_of(IPPROTO_ESP, "10.0.0.1", "10.0.0.2", 0, 0);
	f.timeout = 600;
	f.status = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED | FLOW_STATUS_OFFLOAD;
	flow_mark_set(&f, FLOW_STATUS);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"unknown  50 600 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 [OFFLOAD]");
}

static void flags_add_layer_3_and_id(void)
{
	struct flow f = flow_of(IPPROTO_UDP, "2001:db8::1", "2001:db8::2", 53, 5353);

	f.timeout = 180;
	CU_ASSERT_STRING_EQUAL(print(&f, FLOW_PRINT_L3 | FLOW_PRINT_ID),
		"ipv6     10 udp      17 180 src=2001:db8::1 dst=2001:db8::2 sport=53 dport=5353 "
		"src=2001:db8::2 dst=2001:db8::1 sport=5353 dport=53");
	f.id = 3735928559u;
	flow_mark_set(&f, FLOW_ID);
	CU_ASSERT_PTR_NOT_NULL(strstr(print(&f, FLOW_PRINT_ID), "dport=53 id=3735928559"));
	CU_ASSERT_PTR_NULL(strstr(print(&f, 0), "id="));
}

static void fields_stand_in_the_tools_order(void)
{
	struct flow f = flow_of(IPPROTO_TCP, "192.168.1.5", "8.8.8.8", 40000, 443);

	f.tuple[FLOW_REPL].dst.v4_be = htonl(0xcb007109);
	f.tuple[FLOW_REPL].dport_be = htons(61000);
	f.timeout = 431999;
	f.tcp.state = FLOW_TCP_ESTABLISHED;
	f.status = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED;
	f.counters[FLOW_ORIG] = (struct flow_counters){12, 3400};
	f.counters[FLOW_REPL] = (struct flow_counters){10, 98765};
	f.mark = 42;
	f.secmark = 4;
	f.secctx = (struct flow_span){"system_u:object_r:unlabeled_t:s0", 32};
	f.zone = 9;
	strcpy(f.helper_name, "ftp");
	f.use = 1;
	for (enum flow_attr a = FLOW_ORIG_COUNTER_PACKETS; a <= FLOW_USE; a++)
		flow_mark_set(&f, a);
	flow_mark_set(&f, FLOW_TCP_STATE);
	flow_mark_set(&f, FLOW_STATUS);
	flow_mark_set(&f, FLOW_MARK);
	flow_mark_set(&f, FLOW_SECMARK);
	flow_mark_set(&f, FLOW_SECCTX);
	flow_mark_set(&f, FLOW_ZONE);
	flow_mark_set(&f, FLOW_HELPER_NAME);
	CU_ASSERT_STRING_EQUAL(print(&f, FLOW_PRINT_L3),
		"ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.1.5 dst=8.8.8.8 sport=40000 "
		"dport=443 packets=12 bytes=3400 src=8.8.8.8 dst=203.0.113.9 sport=443 dport=61000 "
		"packets=10 bytes=98765 [ASSURED] mark=42 secmark=4 "
		"secctx=system_u:object_r:unlabeled_t:s0 zone=9 helper=ftp use=1");
}

static void zones_counters_and_unreplied_have_their_places(void)
{
	struct flow f = flow_of(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 53, 5353);

	f.tuple[FLOW_ORIG].zone = 4;
	f.tuple[FLOW_REPL].zone = 5;
	f.counters[FLOW_ORIG] = (struct flow_counters){1, 60};
	flow_mark_set(&f, FLOW_ORIG_ZONE);
	flow_mark_set(&f, FLOW_REPL_ZONE);
	flow_mark_set(&f, FLOW_ORIG_COUNTER_PACKETS);
	flow_mark_set(&f, FLOW_ORIG_COUNTER_BYTES);
	flow_mark_set(&f, FLOW_REPL_COUNTER_BYTES); /* one of two prints nothing */
	flow_mark_set(&f, FLOW_STATUS);
	CU_ASSERT_STRING_EQUAL(print(&f, 0),
		"udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=53 dport=5353 zone-orig=4 "
		"packets=1 bytes=60 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=5353 dport=53 "
		"zone-reply=5");
	f.status = 0xffff;
	CU_ASSERT_PTR_NOT_NULL(strstr(print(&f, 0), "zone-reply=5 [HW_OFFLOAD]"));
	CU_ASSERT_PTR_NULL(strstr(line, "[ASSURED]"));
}

static void an_empty_flow_prints_its_protocol_alone(void)
{
	struct flow f = {.zone = 0};

	CU_ASSERT_STRING_EQUAL(print(&f, FLOW_PRINT_L3), "unknown  0 unknown  0");
}

static void a_line_that_does_not_fit_is_cut_and_counted(void)
{
	struct flow f = flow_of(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 53, 5353);
	char whole[512], cut[512];
	struct text t = text_of(whole, sizeof(whole));
	size_t len;

	flow_print(&t, &f, 0);
	len = t.len;
	for (size_t cap = 1; cap <= len + 1; cap++) {
		t = text_of(cut, cap);
		flow_print(&t, &f, 0);
		CU_ASSERT_EQUAL(t.len, len);
		CU_ASSERT_EQUAL(strlen(cut), cap - 1);
		CU_ASSERT_EQUAL(strncmp(cut, whole, cap - 1), 0);
	}
}

static void addresses_print_as_inet_ntop_does(void)
{
	struct rng r = rng_of(seed_get(__func__));

	for (int i = 0; i < 20000; i++) {
		uint8_t l3 = i % 2 ? AF_INET : AF_INET6;
		char ours[64], theirs[64];
		union flow_addr a;
		struct text t = text_of(ours, sizeof(ours));

		for (int j = 0; j < 4; j++)
			a.v6_be[j] = rng_chance(&r, 1, 3) ? 0 : rng_u32(&r) >> rng_below(&r, 32);
		if (rng_chance(&r, 1, 8)) /* mapped IPv4 */
			a = (union flow_addr){.v6_be = {0, 0, htonl(0xffff), a.v6_be[3]}};
		flow_print_addr(&t, l3, &a);
		CU_ASSERT_PTR_NOT_NULL(inet_ntop(l3, &a, theirs, sizeof(theirs)));
		CU_ASSERT_STRING_EQUAL(ours, theirs);
	}
}

/* Every pattern of groups that are zero, ffff or anything else. */
static void each_pattern_of_zeros_prints_as_inet_ntop_does(void)
{
	for (unsigned pattern = 0; pattern < 6561; pattern++) {
		char ours[64], theirs[64];
		struct text t = text_of(ours, sizeof(ours));
		unsigned rest = pattern;
		union flow_addr a;

		for (int i = 0; i < 8; i++, rest /= 3) {
			a.bytes[2 * i] = rest % 3 == 1 ? 0xff : 0;
			a.bytes[2 * i + 1] = rest % 3 == 1 ? 0xff : rest % 3 == 2 ? 0x50 : 0;
		}
		flow_print_addr(&t, AF_INET6, &a);
		CU_ASSERT_PTR_NOT_NULL(inet_ntop(AF_INET6, &a, theirs, sizeof(theirs)));
		CU_ASSERT_STRING_EQUAL(ours, theirs);
	}
}

static struct flow_date date_of(uint64_t s)
{
	return (struct flow_date){.year = (uint32_t)s,
		.month = 2,
		.day = 3,
		.hour = 4,
		.min = 5,
		.sec = 6,
		.weekday = 6};
}

static const char *label_name(const void *names, unsigned bit)
{
	return bit < 32 ? ((const char *const *)names)[bit] : NULL;
}

/* A context with a clock, or label names, or both; times stand before the helper, labels last. */
static void a_context_adds_times_and_labels(void)
{
	static const char *const names[32] = {"a", "", [31] = "b"};
	static const uint32_t labels[] = {0x80000003, 1};
	struct flow_print_context c = {.now_s = 1000};
	struct flow f = flow_of(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 53, 5353);
	char want[256];
	struct text t;

	flow_mark_set(&f, FLOW_LABELS);
	flow_mark_set(&f, FLOW_TIMESTAMP_START);
	flow_mark_set(&f, FLOW_HELPER_NAME);
	f.timestamp_start = 900 * UINT64_C(1000000000);
	f.helper_name[0] = 'h';
#define WITH(what)                                                                                 \
	do {                                                                                       \
		t = text_of(line, sizeof(line));                                                   \
		flow_print_with(&t, &f, FLOW_PRINT_TIMESTAMP, &c);                                 \
		snprintf(want, sizeof(want), "dport=53%s", what);                                  \
		CU_ASSERT_STRING_EQUAL(strstr(line, "dport=53 "), want);                           \
	} while (0)
	WITH(" helper=h");
	c.date_of = date_of;
	WITH(" delta-time=100 [start=Sat Feb  3 04:05:06 900] helper=h");
	c.label_name = label_name;
	c.label_names = names;
	c.labels = (struct flow_span){labels, sizeof(labels)};
	WITH(" delta-time=100 [start=Sat Feb  3 04:05:06 900] helper=h labels=a,b");
	c.labels.len = 3; /* not a word */
	WITH(" delta-time=100 [start=Sat Feb  3 04:05:06 900] helper=h");
	c.date_of = NULL;
	c.labels.len = sizeof(labels);
	WITH(" helper=h labels=a,b");
	flow_mark_unset(&f, FLOW_LABELS);
	WITH(" helper=h");
}

static void states_out_of_range_have_a_name(void)
{
	CU_ASSERT_STRING_EQUAL(flow_tcp_state_name(9), "SYN_SENT2");
	CU_ASSERT_STRING_EQUAL(flow_tcp_state_name(10), "NONE");
	CU_ASSERT_STRING_EQUAL(flow_tcp_state_name(255), "NONE");
	CU_ASSERT_STRING_EQUAL(flow_sctp_state_name(10), "NONE");
	CU_ASSERT_STRING_EQUAL(flow_sctp_state_name(3), "COOKIE_ECHOED");
	CU_ASSERT_STRING_EQUAL(flow_dccp_state_name(9), "INVALID");
	CU_ASSERT_STRING_EQUAL(flow_dccp_state_name(10), "NONE");
}

static const struct unit_test tests[] = {
	{"each protocol prints as the tool does", each_protocol_prints_as_the_tool_does},
	{"flags add layer 3 and id", flags_add_layer_3_and_id},
	{"fields stand in the tool's order", fields_stand_in_the_tools_order},
	{"zones, counters and UNREPLIED have their places",
		zones_counters_and_unreplied_have_their_places},
	{"an empty flow prints its protocol alone", an_empty_flow_prints_its_protocol_alone},
	{"a line that does not fit is cut and counted",
		a_line_that_does_not_fit_is_cut_and_counted},
	{"addresses print as inet_ntop does", addresses_print_as_inet_ntop_does},
	{"each pattern of zeros prints as inet_ntop does",
		each_pattern_of_zeros_prints_as_inet_ntop_does},
	{"a context adds times and labels", a_context_adds_times_and_labels},
	{"states out of range have a name", states_out_of_range_have_a_name},
};

UNIT_MAIN("flow print", tests)
