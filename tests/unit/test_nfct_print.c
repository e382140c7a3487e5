/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/status.h"
#include "nfct/exp_object.h"
#include "nfct/object.h"
#include "unit.h"

static char out[4096];
static struct nfct_labelmap *map;

enum { ALL_FLAGS = NFCT_OF_SHOW_LAYER3 | NFCT_OF_TIME | NFCT_OF_ID | NFCT_OF_TIMESTAMP };

static const char *print_labels(const struct nf_conntrack *ct, unsigned type, unsigned out_type,
	unsigned flags, struct nfct_labelmap *names)
{
	int len = nfct_snprintf_labels(out, sizeof(out), ct, type, out_type, flags, names);

	CU_ASSERT_EQUAL(len, (int)strlen(out));
	return out;
}

static const char *plain(const struct nf_conntrack *ct, unsigned flags)
{
	return print_labels(ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN, flags, NULL);
}

static const char *xml(const struct nf_conntrack *ct, unsigned flags)
{
	return print_labels(ct, NFCT_T_UNKNOWN, NFCT_O_XML, flags, NULL);
}

static void time_zone(const char *tz)
{
	setenv("TZ", tz, 1);
}

/* The third meta element of the XML, without its tags; "none". */
static const char *independent(const struct nf_conntrack *ct, unsigned flags)
{
	static const char begin[] = "<meta direction=\"independent\">";
	char *at = strstr(print_labels(ct, 0, NFCT_O_XML, flags, map), begin), *end;

	if (!at)
		return "none";
	at += sizeof(begin) - 1;
	end = strstr(at, "</meta>");
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	CU_ASSERT_NSTRING_EQUAL(end, "</meta></flow>", 14);
	*end = '\0';
	return at;
}

/* What follows the reply tuple of small_flow(). */
static const char *after_tuples(const char *line)
{
	static const char last[] = "sport=20 dport=10";
	const char *at = strstr(line, last);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return at + sizeof(last) - 1;
}

static struct nf_conntrack *flow_between(
	uint8_t l4, const char *src, const char *dst, uint16_t a, uint16_t b)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t l3 = strchr(src, ':') ? AF_INET6 : AF_INET, addr[16];

	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, l3);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, l4);
	CU_ASSERT_EQUAL(inet_pton(l3, src, addr), 1);
	nfct_set_attr(ct, l3 == AF_INET ? ATTR_IPV4_SRC : ATTR_IPV6_SRC, addr);
	CU_ASSERT_EQUAL(inet_pton(l3, dst, addr), 1);
	nfct_set_attr(ct, l3 == AF_INET ? ATTR_IPV4_DST : ATTR_IPV6_DST, addr);
	if (flow_l4_is_icmp(l4)) {
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(a));
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, (uint8_t)b);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 3);
	} else {
		nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(a));
		nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(b));
	}
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	return ct;
}

static struct nf_conntrack *small_flow(uint8_t l4)
{
	return flow_between(l4, "1.1.1.1", "2.2.2.2", 10, 20);
}

static void set_counters(
	struct nf_conntrack *ct, enum flow_dir dir, uint64_t packets, uint64_t bytes)
{
	ct->flow.counters[dir] = (struct flow_counters){packets, bytes};
	flow_mark_set(&ct->flow, dir ? FLOW_REPL_COUNTER_PACKETS : FLOW_ORIG_COUNTER_PACKETS);
	flow_mark_set(&ct->flow, dir ? FLOW_REPL_COUNTER_BYTES : FLOW_ORIG_COUNTER_BYTES);
}

static void set_secctx(struct nf_conntrack *ct, const char *text)
{
	CU_ASSERT(object_set_secctx(ct, text, strlen(text)));
	flow_mark_set(&ct->flow, FLOW_SECCTX);
}

static void set_times(struct nf_conntrack *ct, uint64_t start, uint64_t stop)
{
	ct->flow.timestamp_start = start;
	ct->flow.timestamp_stop = stop;
	if (start)
		flow_mark_set(&ct->flow, FLOW_TIMESTAMP_START);
	if (stop)
		flow_mark_set(&ct->flow, FLOW_TIMESTAMP_STOP);
}

static void set_labels(struct nf_conntrack *ct, const unsigned *bits, size_t count)
{
	struct nfct_bitmask *labels = nfct_bitmask_new(127);

	CU_ASSERT_PTR_NOT_NULL_FATAL(labels);
	for (size_t i = 0; i < count; i++)
		nfct_bitmask_set_bit(labels, bits[i]);
	nfct_set_attr(ct, ATTR_CONNLABELS, labels);
}

/* One that has everything a text can tell. */
static struct nf_conntrack *full_flow(void)
{
	static const unsigned bits[] = {5, 64};
	struct nf_conntrack *ct = flow_between(IPPROTO_TCP, "192.168.1.5", "8.8.8.8", 40000, 443);

	nfct_set_attr_u32(ct, ATTR_REPL_IPV4_DST, htonl(0xcb007109));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_DST, htons(61000));
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, FLOW_TCP_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 431999);
	nfct_set_attr_u32(ct, ATTR_MARK, 42);
	nfct_set_attr_u32(ct, ATTR_SECMARK, 4);
	nfct_set_attr_u32(ct, ATTR_STATUS, FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED);
	nfct_set_attr_u16(ct, ATTR_ZONE, 9);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	nfct_set_attr_u32(ct, ATTR_ID, 3735928559u);
	nfct_set_attr_u32(ct, ATTR_USE, 0);
	ct->flow.use = 1;
	set_counters(ct, FLOW_ORIG, 12, 3400);
	set_counters(ct, FLOW_REPL, 10, 98765);
	set_secctx(ct, "system_u:object_r:unlabeled_t:s0");
	set_times(ct, 1700000000123456789, 1700000060923456789);
	set_labels(ct, bits, 2);
	return ct;
}

static void a_full_line_is_the_tools(void)
{
	struct nf_conntrack *ct = full_flow();

	time_zone("UTC");
	CU_ASSERT_STRING_EQUAL(plain(ct, 0),
		"tcp      6 431999 ESTABLISHED src=192.168.1.5 dst=8.8.8.8 sport=40000 dport=443 "
		"packets=12 bytes=3400 src=8.8.8.8 dst=203.0.113.9 sport=443 dport=61000 "
		"packets=10 bytes=98765 [ASSURED] mark=42 secmark=4 "
		"secctx=system_u:object_r:unlabeled_t:s0 zone=9 delta-time=60 helper=ftp use=1");
	CU_ASSERT_STRING_EQUAL(print_labels(ct, NFCT_T_NEW, NFCT_O_PLAIN, ALL_FLAGS, map),
		"    [NEW] ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.1.5 dst=8.8.8.8 "
		"sport=40000 dport=443 packets=12 bytes=3400 src=8.8.8.8 dst=203.0.113.9 "
		"sport=443 dport=61000 packets=10 bytes=98765 [ASSURED] mark=42 secmark=4 "
		"secctx=system_u:object_r:unlabeled_t:s0 zone=9 delta-time=60 "
		"[start=Tue Nov 14 22:13:20 2023] [stop=Tue Nov 14 22:14:20 2023] helper=ftp "
		"use=1 id=3735928559 labels=svc-a,two words");
	nfct_destroy(ct);
}

static void full_xml_is_the_tools(void)
{
	struct nf_conntrack *ct = full_flow();

	CU_ASSERT_STRING_EQUAL(print_labels(ct, NFCT_T_UPDATE, NFCT_O_XML, NFCT_OF_TIMESTAMP, map),
		"<flow type=\"update\"><meta direction=\"original\">"
		"<layer3 protonum=\"2\" protoname=\"ipv4\">"
		"<src>192.168.1.5</src><dst>8.8.8.8</dst></layer3>"
		"<layer4 protonum=\"6\" protoname=\"tcp\">"
		"<sport>40000</sport><dport>443</dport></layer4>"
		"<counters><packets>12</packets><bytes>3400</bytes></counters></meta>"
		"<meta direction=\"reply\"><layer3 protonum=\"2\" protoname=\"ipv4\">"
		"<src>8.8.8.8</src><dst>203.0.113.9</dst></layer3>"
		"<layer4 protonum=\"6\" protoname=\"tcp\">"
		"<sport>443</sport><dport>61000</dport></layer4>"
		"<counters><packets>10</packets><bytes>98765</bytes></counters></meta>"
		"<meta direction=\"independent\"><state>ESTABLISHED</state>"
		"<timeout>431999</timeout><mark>42</mark>"
		"<labels><label>svc-a</label><label>two words</label></labels>"
		"<secmark>4</secmark><secctx>system_u:object_r:unlabeled_t:s0</secctx>"
		"<zone>9</zone><use>1</use><id>3735928559</id><assured/>"
		"<timestamp><start>1700000000123456789</start><stop>1700000060923456789</stop>"
		"</timestamp><deltatime>60</deltatime></meta><helper>ftp</helper></flow>");
	nfct_destroy(ct);
}

static void an_event_has_its_prefix_and_nothing_else_has(void)
{
	static const struct {
		unsigned type;
		const char *plain, *xml;
	} cases[] = {
		{NFCT_T_NEW, "    [NEW] udp      17 ", "<flow type=\"new\"><meta "},
		{NFCT_T_UPDATE, " [UPDATE] udp      17 ", "<flow type=\"update\"><meta "},
		{NFCT_T_DESTROY, "[DESTROY] udp      17 ", "<flow type=\"destroy\"><meta "},
		{NFCT_T_UNKNOWN, "udp      17 ", "<flow><meta "},
		{NFCT_T_NEW | NFCT_T_UPDATE, "udp      17 ", "<flow><meta "},
		{NFCT_T_ALL, "udp      17 ", "<flow><meta "},
		{8, "udp      17 ", "<flow><meta "},
		{1u << 31 | NFCT_T_NEW, "udp      17 ", "<flow><meta "},
	};
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_NSTRING_EQUAL(print_labels(ct, cases[i].type, NFCT_O_PLAIN, 0, NULL),
			cases[i].plain, strlen(cases[i].plain));
		CU_ASSERT_NSTRING_EQUAL(print_labels(ct, cases[i].type, NFCT_O_XML, 0, NULL),
			cases[i].xml, strlen(cases[i].xml));
	}
	nfct_destroy(ct);
}

static void each_flag_adds_its_own(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);

	nfct_set_attr_u32(ct, ATTR_ID, 7);
	CU_ASSERT_NSTRING_EQUAL(plain(ct, NFCT_OF_SHOW_LAYER3), "ipv4     2 udp      17 src=", 26);
	CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, NFCT_OF_ID)), " id=7");
	CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, NFCT_OF_TIME | NFCT_OF_TIMESTAMP)), "");
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<id>7</id>");
	set_times(ct, 1, 1);
	CU_ASSERT_STRING_EQUAL(
		after_tuples(plain(ct, ALL_FLAGS & ~NFCT_OF_TIMESTAMP)), " delta-time=0 id=7");
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<id>7</id><deltatime>0</deltatime>");
	nfct_destroy(ct);
}

static void what_cannot_be_printed_is_refused(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);
	struct nf_expect *exp = calloc(1, sizeof(*exp));

#define REFUSED(call, error)                                                                       \
	do {                                                                                       \
		errno = 0;                                                                         \
		CU_ASSERT_EQUAL(call, -1);                                                         \
		CU_ASSERT_EQUAL(errno, error);                                                     \
	} while (0)
	REFUSED(nfct_snprintf(out, sizeof(out), NULL, 0, NFCT_O_PLAIN, 0), EINVAL);
	REFUSED(nfct_snprintf(NULL, 1, ct, 0, NFCT_O_PLAIN, 0), EINVAL);
	REFUSED(nfct_snprintf_labels(NULL, 1, ct, 0, NFCT_O_XML, 0, map), EINVAL);
	REFUSED(nfct_snprintf(out, sizeof(out), ct, 0, NFCT_O_MAX, 0), ENOENT);
	REFUSED(nfct_snprintf(out, sizeof(out), ct, 0, UINT_MAX, 0), ENOENT);
	REFUSED(nfexp_snprintf(out, sizeof(out), NULL, 0, NFCT_O_PLAIN, 0), EINVAL);
	REFUSED(nfexp_snprintf(NULL, 1, exp, 0, NFCT_O_PLAIN, 0), EINVAL);
	REFUSED(nfexp_snprintf(out, sizeof(out), exp, 0, NFCT_O_MAX, 0), ENOENT);

	nfct_attr_unset(ct, ATTR_L3PROTO);
	REFUSED(nfct_snprintf(out, sizeof(out), ct, 1, NFCT_O_PLAIN, ALL_FLAGS), EINVAL);
	CU_ASSERT_STRING_EQUAL(out, "");
	CU_ASSERT(nfct_snprintf(out, sizeof(out), ct, 0, NFCT_O_PLAIN, 0) > 0);
	nfct_attr_unset(ct, ATTR_L4PROTO);
	REFUSED(nfct_snprintf(out, sizeof(out), ct, 0, NFCT_O_PLAIN, 0), EINVAL);
	CU_ASSERT_STRING_EQUAL(out, "");
	CU_ASSERT(nfct_snprintf(out, sizeof(out), ct, 0, NFCT_O_XML, 0) > 0);
	nfct_destroy(ct);
	free(exp);
}

/* Every size from 0 up, in heap blocks of that size: the text's beginning and the whole length. */
static void check_every_size(int (*print)(char *, unsigned, const void *, unsigned, unsigned),
	const void *object, unsigned out_type, unsigned flags)
{
	int len = print(out, sizeof(out), object, out_type, flags);

	CU_ASSERT_EQUAL(len, (int)strlen(out));
	CU_ASSERT_EQUAL(print(NULL, 0, object, out_type, flags), len);
	for (unsigned size = 1; size <= (unsigned)len + 2; size++) {
		char *block = malloc(size);

		CU_ASSERT_PTR_NOT_NULL_FATAL(block);
		memset(block, 'x', size);
		CU_ASSERT_EQUAL(print(block, size, object, out_type, flags), len);
		CU_ASSERT_EQUAL(
			strnlen(block, size), size <= (unsigned)len ? size - 1 : (unsigned)len);
		CU_ASSERT_NSTRING_EQUAL(block, out, strnlen(block, size));
		free(block);
	}
}

static int print_ct(char *buf, unsigned size, const void *ct, unsigned out_type, unsigned flags)
{
	return nfct_snprintf_labels(buf, size, ct, NFCT_T_DESTROY, out_type, flags, map);
}

static int print_exp(char *buf, unsigned size, const void *exp, unsigned out_type, unsigned flags)
{
	return nfexp_snprintf(buf, size, exp, NFCT_T_NEW, out_type, flags);
}

static struct nf_expect *full_expect(uint8_t l4)
{
	struct nf_expect *exp = calloc(1, sizeof(*exp));
	struct flow_head *heads[] = {
		&exp->expect.master, &exp->expect.expected, &exp->expect.mask, &exp->expect.nat};
	static const uint16_t ports[][2] = {{10, 21}, {20, 30}, {0, 65535}, {1, 2}};

	for (size_t i = 0; i < 4; i++) {
		struct flow_tuple *t = &heads[i]->tuple;

		t->l3 = AF_INET;
		t->l4 = l4;
		t->src.v4_be = htonl(0x01010101);
		t->dst.v4_be = htonl(0x02020202);
		t->sport_be = htons(ports[i][0]);
		t->dport_be = htons(ports[i][1]);
	}
	exp->expect.timeout = 200;
	exp->expect.class = 1;
	exp->expect.zone = 3;
	exp->expect.flags = EXPECT_FLAG_PERMANENT | EXPECT_FLAG_INACTIVE | EXPECT_FLAG_USERSPACE;
	memcpy(exp->expect.helper_name, "ftp", 4);
	memcpy(exp->expect.fn, "nat-follow-master", 18);
	exp->expect.set = (1u << EXPECT_ATTR_COUNT) - 1;
	return exp;
}

static void a_cut_text_is_the_wholes_beginning(void)
{
	struct nf_conntrack *ct = full_flow();
	struct nf_expect *exp = full_expect(IPPROTO_TCP);

	/* Not NFCT_OF_TIME, whose length depends on the hour of the day. */
	for (unsigned flags = 0; flags <= ALL_FLAGS; flags++) {
		if (flags & NFCT_OF_TIME)
			continue;
		check_every_size(print_ct, ct, NFCT_O_PLAIN, flags);
		check_every_size(print_ct, ct, NFCT_O_XML, flags);
	}
	check_every_size(print_exp, exp, NFCT_O_PLAIN, 0);
	check_every_size(print_exp, exp, NFCT_O_XML, 0);
	nfct_destroy(ct);
	free(exp);
}

static void times_are_local(void)
{
	static const struct {
		const char *tz;
		uint64_t s;
		const char *text;
	} cases[] = {
		{"UTC", 1700000000, "Tue Nov 14 22:13:20 2023"},
		{"EST5", 1700000000, "Tue Nov 14 17:13:20 2023"},
		{"ABC-11:30", 1700000000, "Wed Nov 15 09:43:20 2023"},
		{"UTC", 1704067199, "Sun Dec 31 23:59:59 2023"},
		{"UTC", 1704067205, "Mon Jan  1 00:00:05 2024"},
		{"UTC", 1709164799, "Wed Feb 28 23:59:59 2024"},
		{"UTC", 1709164800, "Thu Feb 29 00:00:00 2024"},
		{"UTC", 18446744073, "Sun Jul 21 23:34:33 2554"},
		{"UTC", 1, "Thu Jan  1 00:00:01 1970"},
	};
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t ns = cases[i].s * UINT64_C(1000000000) + (i ? 999999999 : 0);
		char want[128];

		if (cases[i].s == 18446744073)
			ns = UINT64_MAX;
		time_zone(cases[i].tz);
		set_times(ct, ns, ns);
		snprintf(want, sizeof(want), " delta-time=0 [start=%s] [stop=%s]", cases[i].text,
			cases[i].text);
		CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, NFCT_OF_TIMESTAMP)), want);
	}
	time_zone("UTC");
	nfct_destroy(ct);
}

/* The library's clock runs on between ours and its reading: until the second is the same. */
static void the_moment_of_xml_is_now(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);
	struct nf_expect *exp = full_expect(IPPROTO_TCP);
	time_t before, after;
	char want[256];
	struct tm tm;

	time_zone("EST5");
	tzset(); /* for localtime_r() here */
	do {
		before = time(NULL);
		localtime_r(&before, &tm);
		xml(ct, NFCT_OF_TIME);
		after = time(NULL);
	} while (before != after);
	snprintf(want, sizeof(want),
		"</meta><when><hour>%d</hour><min>%02d</min><sec>%02d</sec><wday>%d</wday>"
		"<day>%d</day><month>%d</month><year>%d</year></when></flow>",
		tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday + 1, tm.tm_mday, tm.tm_mon + 1,
		tm.tm_year + 1900);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(out, "</meta><when>"));
	CU_ASSERT_STRING_EQUAL(strstr(out, "</meta><when>"), want);
	CU_ASSERT_PTR_NULL(strstr(xml(ct, ALL_FLAGS & ~NFCT_OF_TIME), "<when>"));
	nfexp_snprintf(out, sizeof(out), exp, 0, NFCT_O_XML, NFCT_OF_TIME);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "<zone>3</zone><when><hour>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "</year></when><permanent/>"));
	time_zone("UTC");
	nfct_destroy(ct);
	free(exp);
}

static void time_runs_until_the_end(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);
	uint64_t before = (uint64_t)time(NULL), plain_s, xml_s, after;

	set_times(ct, 1700000000999999999, 0);
	plain_s = strtoull(after_tuples(plain(ct, 0)) + sizeof(" delta-time=") - 1, NULL, 10);
	xml_s = strtoull(independent(ct, 0) + sizeof("<deltatime>") - 1, NULL, 10);
	after = (uint64_t)time(NULL);
	CU_ASSERT(plain_s >= before - 1700000000 && plain_s <= after - 1700000000);
	CU_ASSERT(xml_s >= before - 1700000000 && xml_s <= after - 1700000000);

	/* The line takes whole seconds first, the element the difference. */
	set_times(ct, 1700000000900000000, 1700000001100000000);
	CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, 0)), " delta-time=1");
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<deltatime>0</deltatime>");
	nfct_attr_unset(ct, ATTR_TIMESTAMP_START);
	CU_ASSERT_STRING_EQUAL(
		after_tuples(plain(ct, NFCT_OF_TIMESTAMP)), " [stop=Tue Nov 14 22:13:21 2023]");
	CU_ASSERT_STRING_EQUAL(independent(ct, NFCT_OF_TIMESTAMP),
		"<timestamp><stop>1700000001100000000</stop></timestamp>");
	nfct_destroy(ct);
}

static void labels_with_names_are_told(void)
{
	static const unsigned bits[] = {0, 5, 7, 64, 127};
	static const struct {
		size_t from, count;
		const char *plain, *xml;
	} cases[] = {
		{0, 5, " labels=zero,svc-a,two words",
			"<labels><label>zero</label><label>svc-a</label><label>two words</label>"
			"</labels>"},
		{1, 1, " labels=svc-a", "<labels><label>svc-a</label></labels>"},
		{2, 2, " labels=two words", "<labels><label>two words</label></labels>"},
		{2, 1, "", "<labels></labels>"},
		{4, 1, "", "<labels></labels>"},
		{0, 0, "", "<labels></labels>"},
	};
	struct nf_conntrack *ct;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ct = small_flow(IPPROTO_UDP);
		set_labels(ct, bits + cases[i].from, cases[i].count);
		CU_ASSERT_STRING_EQUAL(
			after_tuples(print_labels(ct, 0, NFCT_O_PLAIN, 0, map)), cases[i].plain);
		CU_ASSERT_STRING_EQUAL(independent(ct, 0), cases[i].xml);
		CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, ALL_FLAGS)), "");
		CU_ASSERT_PTR_NULL(strstr(xml(ct, ALL_FLAGS), "label"));
		nfct_destroy(ct);
	}
	ct = small_flow(IPPROTO_UDP);
	set_labels(ct, bits, 5);
	nfct_attr_unset(ct, ATTR_CONNLABELS);
	CU_ASSERT_STRING_EQUAL(after_tuples(print_labels(ct, 0, NFCT_O_PLAIN, 0, map)), "");
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "none");
	nfct_destroy(ct);
}

static void xml_has_the_key_of_each_protocol(void)
{
	static const struct {
		uint8_t l4;
		const char *orig, *reply;
	} cases[] = {
		{IPPROTO_GRE,
			"<layer4 protonum=\"47\" protoname=\"gre\">"
			"<srckey>0xa</srckey><dstkey>0x14</dstkey></layer4>",
			"<srckey>0x14</srckey><dstkey>0xa</dstkey>"},
		{IPPROTO_ICMP,
			"<layer4 protonum=\"1\" protoname=\"icmp\">"
			"<type>8</type><code>3</code><id>10</id></layer4>",
			"<type>0</type><code>3</code><id>10</id>"},
		{IPPROTO_ESP, "<layer4 protonum=\"50\" protoname=\"unknown\"></layer4>",
			"<layer4 protonum=\"50\" protoname=\"unknown\"></layer4>"},
		{IPPROTO_UDPLITE,
			"<layer4 protonum=\"136\" protoname=\"udplite\">"
			"<sport>10</sport><dport>20</dport></layer4>",
			"<sport>20</sport><dport>10</dport>"},
	};
	struct nf_conntrack *ct;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *orig, *reply;

		ct = flow_between(cases[i].l4, "1.1.1.1", "2.2.2.2", 10,
			cases[i].l4 == IPPROTO_ICMP ? 8 : 20);
		orig = strstr(xml(ct, 0), cases[i].orig);
		reply = strstr(out, "<meta direction=\"reply\">");
		CU_ASSERT(orig && reply && orig < reply && strstr(reply, cases[i].reply));
		nfct_destroy(ct);
	}
	ct = flow_between(IPPROTO_ICMPV6, "fe80::1", "fe80::2", 777, 128);
	CU_ASSERT_PTR_NOT_NULL(strstr(xml(ct, 0),
		"<layer3 protonum=\"10\" protoname=\"ipv6\"><src>fe80::1</src>"
		"<dst>fe80::2</dst></layer3><layer4 protonum=\"58\" protoname=\"icmpv6\">"
		"<type>128</type><code>3</code><id>777</id></layer4></meta>"));
	nfct_destroy(ct);
}

static void xml_names_states_by_their_protocol(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_SCTP);

	nfct_set_attr_u8(ct, ATTR_SCTP_STATE, 4);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<state>ESTABLISHED</state>");
	nfct_set_attr_u8(ct, ATTR_SCTP_STATE, 9);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<state>HEARTBEAT_ACKED</state>");
	nfct_set_attr_u8(ct, ATTR_SCTP_STATE, 200);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<state>NONE</state>");
	nfct_destroy(ct);
	ct = small_flow(IPPROTO_DCCP);
	nfct_set_attr_u8(ct, ATTR_DCCP_STATE, 4);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<state>OPEN</state>");
	nfct_destroy(ct);
}

static void xml_counts_each_direction_by_its_own(void)
{
	static const char none[] = "</layer4></meta>";
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);
	const char *reply;

	set_counters(ct, FLOW_REPL, 3, 4);
	reply = strstr(xml(ct, 0), "<meta direction=\"reply\">");
	CU_ASSERT(strstr(out, none) < reply);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(reply, "<counters><packets>3</packets><bytes>4</bytes></counters></meta>"));
	nfct_attr_unset(ct, ATTR_REPL_COUNTER_BYTES);
	set_counters(ct, FLOW_ORIG, 1, 2);
	reply = strstr(xml(ct, 0), "<meta direction=\"reply\">");
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "<packets>1</packets><bytes>2</bytes>"));
	CU_ASSERT_PTR_NULL(strstr(reply, "<counters>"));
	nfct_destroy(ct);
}

static void xml_stays_well_formed(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);
	struct nf_expect *exp = full_expect(IPPROTO_TCP);

	set_secctx(ct, "a<b>&c\"'d");
	nfct_set_attr(ct, ATTR_HELPER_NAME, "<&>");
	CU_ASSERT_PTR_NOT_NULL(strstr(xml(ct, 0), "</meta><secctx>a&lt;b&gt;&amp;c\"'d</secctx>"
						  "<helper>&lt;&amp;&gt;</helper></flow>"));
	CU_ASSERT_STRING_EQUAL(after_tuples(plain(ct, 0)), " secctx=a<b>&c\"'d helper=<&>");
	memcpy(exp->expect.helper_name, "<x>", 4);
	nfexp_snprintf(out, sizeof(out), exp, 0, NFCT_O_XML, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "<helper-name>&lt;x&gt;</helper-name>"));
	nfct_destroy(ct);
	free(exp);
}

static void status_zones_and_use_have_their_places(void)
{
	struct nf_conntrack *ct = small_flow(IPPROTO_UDP);

	nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, 6);
	nfct_set_attr_u16(ct, ATTR_REPL_ZONE, 7);
	CU_ASSERT_PTR_NOT_NULL(strstr(xml(ct, 0),
		"<dport>20</dport></layer4><zone>6</zone></meta><meta direction=\"reply\">"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "<dport>10</dport></layer4><zone>7</zone></meta>"));
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "none");
	nfct_set_attr_u32(ct, ATTR_STATUS, FLOW_STATUS_ASSURED | FLOW_STATUS_OFFLOAD);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "<assured/><unreplied/>");
	nfct_set_attr_u32(ct, ATTR_STATUS, FLOW_STATUS_SEEN_REPLY);
	CU_ASSERT_STRING_EQUAL(independent(ct, 0), "");
	nfct_destroy(ct);
}

static void an_empty_object_has_xml_of_its_own(void)
{
	struct nf_conntrack *ct = nfct_new();
	struct nf_expect *exp = calloc(1, sizeof(*exp));

	CU_ASSERT_STRING_EQUAL(xml(ct, 0),
		"<flow><meta direction=\"original\"><layer3 protonum=\"0\" protoname=\"unknown\">"
		"<src></src><dst></dst></layer3><layer4 protonum=\"0\" protoname=\"unknown\">"
		"</layer4></meta><meta direction=\"reply\"><layer3 protonum=\"0\" "
		"protoname=\"unknown\"><src></src><dst></dst></layer3><layer4 protonum=\"0\" "
		"protoname=\"unknown\"></layer4></meta></flow>");
	CU_ASSERT_EQUAL(nfexp_snprintf(out, sizeof(out), exp, 0, NFCT_O_PLAIN, 0), 7);
	CU_ASSERT_STRING_EQUAL(out, "proto=0");
	CU_ASSERT_EQUAL(nfexp_snprintf(out, sizeof(out), exp, 0, NFCT_O_XML, 0), 294);
	/* What was set through attributes that cannot be set has no value. */
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_ESP);
	nfct_set_attr(ct, ATTR_SECCTX, "ignored");
	CU_ASSERT_STRING_EQUAL(plain(ct, 0), "unknown  50 secctx=");
	nfct_destroy(ct);
	free(exp);
}

/* In a heap block of its size: whoever looks beyond it is found out. */
static void an_expectations_tuple_prints_like_a_connection(void)
{
	struct flow_head *head = calloc(1, sizeof(*head));
	const struct nf_conntrack *ct = (const void *)head;

	CU_ASSERT_PTR_NOT_NULL_FATAL(head);
	memset(head->set, 0xff, sizeof(head->set));
	head->set[OBJECT_TAG_WORD] &= ~OBJECT_TAG_MASK;
	head->set[OBJECT_TAG_WORD] |= OBJECT_TAG_HEAD;
	head->tuple = (struct flow_tuple){.l3 = AF_INET,
		.l4 = IPPROTO_UDP,
		.src.v4_be = htonl(0x01010101),
		.dst.v4_be = htonl(0x02020202),
		.sport_be = htons(10),
		.dport_be = htons(20)};
	CU_ASSERT_PTR_NOT_NULL(strstr(plain(ct, 0), "src=1.1.1.1 dst=2.2.2.2 sport=10 dport=20"));
	CU_ASSERT(nfct_snprintf_labels(out, sizeof(out), ct, 1, NFCT_O_XML, ALL_FLAGS, map) > 0);
	free(head);
}

static const char *exp_plain(const struct nf_expect *exp, unsigned type)
{
	CU_ASSERT_EQUAL(nfexp_snprintf(out, sizeof(out), exp, type, NFCT_O_PLAIN, ALL_FLAGS),
		(int)strlen(out));
	return out;
}

static void an_expectation_is_the_tools_line(void)
{
	struct nf_expect *exp = full_expect(IPPROTO_TCP);

	CU_ASSERT_STRING_EQUAL(exp_plain(exp, NFCT_T_NEW),
		"    [NEW] 200 proto=6 src=1.1.1.1 dst=2.2.2.2 sport=20 dport=30 mask-src=1.1.1.1 "
		"mask-dst=2.2.2.2 sport=0 dport=65535 master-src=1.1.1.1 master-dst=2.2.2.2 "
		"sport=10 dport=21 zone=3 PERMANENT,INACTIVE,USERSPACE class=1 helper=ftp");
	exp->expect.set = 0;
	exp->expect.flags = EXPECT_FLAG_USERSPACE;
	CU_ASSERT_STRING_EQUAL(exp_plain(exp, NFCT_T_DESTROY),
		"[DESTROY] proto=6 src=1.1.1.1 dst=2.2.2.2 sport=20 dport=30 mask-src=1.1.1.1 "
		"mask-dst=2.2.2.2 sport=0 dport=65535 master-src=1.1.1.1 master-dst=2.2.2.2 "
		"sport=10 dport=21 USERSPACE");
	exp->expect.flags = 8;
	exp->expect.expected.tuple.l3 = AF_INET6;
	exp->expect.expected.tuple.l4 = IPPROTO_GRE;
	CU_ASSERT_STRING_EQUAL(exp_plain(exp, 0),
		"proto=47 src=101:101:: dst=202:202:: srckey=0x14 dstkey=0x1e mask-src=1.1.1.1 "
		"mask-dst=2.2.2.2 sport=0 dport=65535 master-src=1.1.1.1 master-dst=2.2.2.2 "
		"sport=10 dport=21");
	memset(&exp->expect, 0, sizeof(exp->expect));
	expect_mark_set(&exp->expect, EXPECT_HELPER_NAME);
	CU_ASSERT_STRING_EQUAL(exp_plain(exp, 0), "proto=0 helper=");
	free(exp);
}

static void an_expectation_is_the_tools_xml(void)
{
	struct nf_expect *exp = full_expect(IPPROTO_TCP);

	nfexp_snprintf(out, sizeof(out), exp, NFCT_T_NEW, NFCT_O_XML, 0);
	CU_ASSERT_STRING_EQUAL(out,
		"<flow type=\"new\"><layer3 protonum=\"2\" protoname=\"ipv4\">"
		"<expected><src>1.1.1.1</src><dst>2.2.2.2</dst></expected>"
		"<mask><src>1.1.1.1</src><dst>2.2.2.2</dst></mask>"
		"<master><src>1.1.1.1</src><dst>2.2.2.2</dst></master></layer3>"
		"<layer4 protonum=\"6\" protoname=\"tcp\">"
		"<expected><sport>20</sport><dport>30</dport></expected>"
		"<mask><sport>0</sport><dport>65535</dport></mask>"
		"<master><sport>10</sport><dport>21</dport></master></layer4>"
		"<meta><helper-name>ftp</helper-name><timeout>200</timeout><class>1</class>"
		"<zone>3</zone><permanent/><inactive/><userspace/></meta></flow>");
	free(exp);
}

static const struct unit_test tests[] = {
	{"a full line is the tool's", a_full_line_is_the_tools},
	{"full XML is the tool's", full_xml_is_the_tools},
	{"an event has its prefix and nothing else has",
		an_event_has_its_prefix_and_nothing_else_has},
	{"each flag adds its own", each_flag_adds_its_own},
	{"what cannot be printed is refused", what_cannot_be_printed_is_refused},
	{"a cut text is the whole's beginning", a_cut_text_is_the_wholes_beginning},
	{"times are local", times_are_local},
	{"the moment of XML is now", the_moment_of_xml_is_now},
	{"time runs until the end", time_runs_until_the_end},
	{"labels with names are told", labels_with_names_are_told},
	{"XML has the key of each protocol", xml_has_the_key_of_each_protocol},
	{"XML names states by their protocol", xml_names_states_by_their_protocol},
	{"XML counts each direction by its own", xml_counts_each_direction_by_its_own},
	{"XML stays well-formed", xml_stays_well_formed},
	{"status, zones and use have their places", status_zones_and_use_have_their_places},
	{"an empty object has XML of its own", an_empty_object_has_xml_of_its_own},
	{"an expectation's tuple prints like a connection",
		an_expectations_tuple_prints_like_a_connection},
	{"an expectation is the tool's line", an_expectation_is_the_tools_line},
	{"an expectation is the tool's XML", an_expectation_is_the_tools_xml},
};

int main(void)
{
	char path[] = "/tmp/test_nfct_print.XXXXXX";
	int fd = mkstemp(path), status;
	static const char names[] = "0 zero\n5 svc-a\n64 two words\n";

	if (fd < 0 || write(fd, names, sizeof(names) - 1) != sizeof(names) - 1 || close(fd))
		return 2;
	map = nfct_labelmap_new(path);
	unlink(path);
	if (!map)
		return 2;
	status = unit_run("nfct print", tests, sizeof(tests) / sizeof(tests[0]));
	nfct_labelmap_destroy(map);
	return status;
}
