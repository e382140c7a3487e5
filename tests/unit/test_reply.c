/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/reply.h"
#include "daemon/reply_expect.h"
#include "daemon/reply_flow.h"
#include "daemon/reply_stats.h"
#include "daemon/report.h"
#include "flow/status.h"
#include "unit.h"

/* What the daemon says of the engine's values: names, status, reports, flows. */

static void every_value_has_a_name_of_its_own(void)
{
	const char *seen[64];
	size_t count = 0;

	for (unsigned i = ENGINE_ROLE_BACKUP; i <= ENGINE_ROLE_FAULT; i++)
		seen[count++] = name_role((enum engine_role)i);
	for (unsigned i = ENGINE_SYNCED; i <= ENGINE_SYNC_LAGGING; i++)
		seen[count++] = name_sync((enum engine_sync)i);
	for (unsigned i = ENGINE_SYNCED; i <= ENGINE_SYNC_LAGGING; i++)
		seen[count++] = explain_sync((enum engine_sync)i);
	for (unsigned i = ENGINE_COMMIT; i <= ENGINE_PURGE; i++)
		if (i != ENGINE_FAULT && i != ENGINE_BULK) /* also a role, also a sync state */
			seen[count++] = name_command((enum engine_command_kind)i);
	for (unsigned i = ENGINE_OK; i <= ENGINE_PARTIAL; i++)
		seen[count++] = name_outcome((enum engine_outcome)i);
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT_TRUE(strlen(seen[i]) > 0);
		for (size_t j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(seen[i], seen[j]);
	}
}

static struct engine_addr v4(uint8_t last)
{
	struct engine_addr a = {{[10] = 0xff, [11] = 0xff, [12] = 10, [15] = last}};

	return a;
}

static void addresses_and_errnos_are_readable(void)
{
	struct engine_addr a = v4(7), b = {{0xfe, 0x80, [15] = 1}};
	char buf[NAME_ADDR_BYTES];

	CU_ASSERT_STRING_EQUAL(name_addr(&a, buf), "10.0.0.7");
	CU_ASSERT_STRING_EQUAL(name_addr(&b, buf), "fe80::1");
	CU_ASSERT_STRING_EQUAL(name_errno(EEXIST), "EEXIST");
	CU_ASSERT_STRING_EQUAL(name_errno(99999), "errno");
}

static bool in_sync(const struct engine_status *status)
{
	static const struct config config;
	json_t *object = reply_status(status, &config);
	bool yes = json_is_true(json_object_get(object, "in_sync"));

	json_decref(object);
	return yes;
}

static void in_sync_takes_a_table_and_every_peer_that_counts(void)
{
	struct engine_status s = {.kernel_synced = true, .peers_count = 1};

	s.peers[0] = (struct engine_peer_status){.addr = v4(1), .sync = ENGINE_SYNCED};
	CU_ASSERT_TRUE(in_sync(&s));
	s.kernel_synced = false;
	CU_ASSERT_FALSE(in_sync(&s));
	s.kernel_synced = true;
	for (unsigned i = ENGINE_SYNC_SILENT; i <= ENGINE_SYNC_LAGGING; i++) {
		s.peers[0].sync = (enum engine_sync)i;
		CU_ASSERT_FALSE(in_sync(&s));
	}
	/* A ghost beside a peer in step does not matter; one that holds flows does. */
	s.peers_count = 2;
	s.peers[0].sync = ENGINE_SYNC_SILENT;
	s.peers[1] = (struct engine_peer_status){.addr = v4(2), .sync = ENGINE_SYNCED};
	CU_ASSERT_TRUE(in_sync(&s));
	s.peers[0].flows = 1;
	CU_ASSERT_FALSE(in_sync(&s));
	s.peers_count = 0;
	CU_ASSERT_FALSE(in_sync(&s));
}

static void a_warm_standby_says_how_warm_it_is(void)
{
	struct engine_status s = {.remote_flows = 9,
		.warm_flows = 6,
		.warm_unsettled = 2,
		.warm_behind_ms = 30,
		.former_flows = 4};
	static struct config config = {.sync.standby_warm = true};
	json_t *object = reply_status(&s, &config);

	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "standby_table")), "warm");
	CU_ASSERT_TRUE(json_is_true(json_object_get(object, "internal_cache")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "remote_flows")), 9);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "warm_flows")), 6);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "warm_unsettled")), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "warm_behind_ms")), 30);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "former_flows")), 4);
	json_decref(object);
	config.sync.standby_warm = false;
	config.sync.disable_internal_cache = true;
	object = reply_status(&s, &config);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "standby_table")), "cold");
	CU_ASSERT_TRUE(json_is_false(json_object_get(object, "internal_cache")));
	json_decref(object);
}

static void every_counter_is_told_once(void)
{
	uint64_t values[COUNTERS];
	json_t *object;

	for (unsigned i = 0; i < COUNTERS; i++)
		values[i] = 1000 + i;
	object = reply_counters(values);
	CU_ASSERT_EQUAL(json_object_size(object), COUNTERS);
	for (unsigned i = 0; i < COUNTERS; i++)
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, counter_info[i].name)),
			(json_int_t)values[i]);
	json_decref(object);
}

static struct engine_event partly_done(void)
{
	struct engine_event e = {
		.kind = ENGINE_EVENT_DONE,
		.command = ENGINE_PROMOTE,
		.outcome = ENGINE_PARTIAL,
		.written = 12,
		.refused = 3,
		.skipped = 1,
		.took_ns = 4250 * NS_PER_US,
	};

	e.errnos[0].err = EEXIST;
	e.errnos[0].count = 2;
	e.errnos[1].err = ENOMEM;
	e.errnos[1].count = 1;
	return e;
}

static void an_outcome_is_told_by_errno(void)
{
	struct engine_event e = partly_done();
	char buf[200];
	struct text t = text_of(buf, sizeof(buf));
	json_t *object = reply_done(&e);
	char *dump = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	report_outcome(&t, &e);
	CU_ASSERT_STRING_EQUAL(
		buf, "12 written, 3 refused (EEXIST 2, ENOMEM 1), 1 skipped in 4.2 ms");
	CU_ASSERT_STRING_EQUAL(dump,
		"{\"command\":\"promote\",\"errnos\":{\"EEXIST\":2,\"ENOMEM\":1},"
		"\"outcome\":\"partly done\",\"refused\":3,\"skipped\":1,\"took_ms\":4.25,"
		"\"written\":12}");
	free(dump);
	json_decref(object);
}

static struct engine_flow_view view(uint8_t l4)
{
	struct engine_flow_view v = {.age_ms = 1500, .peer = 1};
	struct flow *f = &v.flow;

	f->tuple[FLOW_ORIG].l3 = AF_INET;
	f->tuple[FLOW_ORIG].l4 = l4;
	f->tuple[FLOW_ORIG].src.v4_be = htonl(0xc0000201);
	f->tuple[FLOW_ORIG].dst.v4_be = htonl(0xc6336402);
	f->tuple[FLOW_ORIG].sport_be = htons(1025);
	f->tuple[FLOW_ORIG].dport_be = htons(80);
	flow_mark_set(f, FLOW_ORIG_L3PROTO);
	flow_mark_set(f, FLOW_ORIG_L4PROTO);
	flow_mark_set(f, FLOW_ORIG_IPV4_SRC);
	flow_mark_set(f, FLOW_ORIG_IPV4_DST);
	flow_mark_set(f, FLOW_ORIG_PORT_SRC);
	flow_mark_set(f, FLOW_ORIG_PORT_DST);
	return v;
}

static void a_flow_is_valid_json_whatever_it_holds(void)
{
	static const uint8_t protocols[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_SCTP, 103};

	for (size_t i = 0; i < sizeof(protocols); i++) {
		struct engine_flow_view v = view(protocols[i]);
		char buf[2048];
		struct text t = text_of(buf, sizeof(buf));
		json_t *object;

		memcpy(v.flow.helper_name, "f\"t\\p\n", 7);
		flow_mark_set(&v.flow, FLOW_HELPER_NAME);
		v.flow.mark = 5;
		flow_mark_set(&v.flow, FLOW_MARK);
		reply_flow(&t, &v, ENGINE_TABLE_LOCAL, REQUEST_JSON);
		CU_ASSERT_TRUE(t.len < sizeof(buf));
		object = json_loads(buf, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(object);
		CU_ASSERT_EQUAL(
			json_integer_value(json_object_get(object, "protonum")), protocols[i]);
		CU_ASSERT_STRING_EQUAL(
			json_string_value(json_object_get(object, "helper")), "f?t?p?");
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "mark")), 5);
		json_decref(object);
	}
}

static void a_flow_is_a_line_of_the_conntrack_tool(void)
{
	struct engine_flow_view v = view(IPPROTO_TCP);
	char buf[512];
	struct text t = text_of(buf, sizeof(buf));

	v.flow.timeout = 100;
	flow_mark_set(&v.flow, FLOW_TIMEOUT);
	v.flow.tcp.state = FLOW_TCP_ESTABLISHED;
	flow_mark_set(&v.flow, FLOW_TCP_STATE);
	reply_flow(&t, &v, ENGINE_TABLE_LOCAL, REQUEST_TEXT);
	CU_ASSERT_STRING_EQUAL(buf, "tcp      6 100 ESTABLISHED src=192.0.2.1 dst=198.51.100.2 "
				    "sport=1025 dport=80");
}

/* What conntrackd has in its caches: no timeout, an age; of a peer's flow no reply and no id. */
static void a_flow_as_conntrackd_dumps_it(void)
{
	struct engine_flow_view v = view(IPPROTO_UDP);
	char buf[1024];
	struct text t = text_of(buf, sizeof(buf));

	v.age_ms = 3999;
	v.expires_ms = -1;
	v.flow.timeout = 100;
	v.flow.id = 7;
	v.flow.tuple[FLOW_ORIG].l3 = AF_INET;
	flow_setup_reply(&v.flow);
	flow_mark_set(&v.flow, FLOW_TIMEOUT);
	flow_mark_set(&v.flow, FLOW_ID);
	reply_flow(&t, &v, ENGINE_TABLE_LOCAL, REQUEST_DUMP);
	CU_ASSERT_STRING_EQUAL(buf,
		"udp      17 src=192.0.2.1 dst=198.51.100.2 sport=1025 dport=80 "
		"src=198.51.100.2 dst=192.0.2.1 sport=80 dport=1025 "
		"[active since 3s]");
	t = text_of(buf, sizeof(buf));
	v.expires_ms = 16700;
	reply_flow(&t, &v, ENGINE_TABLE_REMOTE, REQUEST_DUMP);
	CU_ASSERT_STRING_EQUAL(buf,
		"udp      17 src=192.0.2.1 dst=198.51.100.2 sport=1025 dport=80 "
		"[expires in 17s] [active since 3s]");
	t = text_of(buf, sizeof(buf));
	reply_flow(&t, &v, ENGINE_TABLE_LOCAL, REQUEST_DUMP_XML);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "<id>7</id>"));
	CU_ASSERT_PTR_NULL(strstr(buf, "<timeout>"));
	t = text_of(buf, sizeof(buf));
	reply_flow(&t, &v, ENGINE_TABLE_REMOTE, REQUEST_DUMP_XML);
	CU_ASSERT_PTR_NULL(strstr(buf, "<id>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf,
		"<meta direction=\"reply\"><layer3 protonum=\"0\" protoname=\"unknown\"><src>"
		"</src><dst></dst></layer3><layer4 protonum=\"0\" protoname=\"unknown\"></layer4>"
		"</meta>"));
	t = text_of(buf, sizeof(buf));
	reply_flow(&t, &v, ENGINE_TABLE_REMOTE, REQUEST_XML);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "<timeout>100</timeout>"));
}

static struct engine_expect_view expectation(void)
{
	struct engine_expect_view v = {.age_ms = 1200, .expires_ms = -1, .peer = 2};
	struct flow f = view(IPPROTO_TCP).flow;

	flow_head_of(&v.expect.master, &f);
	flow_head_of(&v.expect.expected, &f);
	v.expect.expected.tuple.sport_be = 0;
	flow_head_of(&v.expect.mask, &f);
	memset(&v.expect.mask.tuple.src, 0xff, 4);
	v.expect.timeout = 290;
	v.expect.class = 1;
	memcpy(v.expect.helper_name, "ftp", 4);
	memcpy(v.expect.fn, "n\"at", 5);
	for (unsigned a = EXPECT_MASTER; a <= EXPECT_TIMEOUT; a++)
		expect_mark_set(&v.expect, (enum expect_attr)a);
	expect_mark_set(&v.expect, EXPECT_HELPER_NAME);
	expect_mark_set(&v.expect, EXPECT_CLASS);
	expect_mark_set(&v.expect, EXPECT_FN);
	return v;
}

static void an_expectation_in_every_format(void)
{
	struct engine_expect_view v = expectation();
	char text[2048], dump[2048];
	struct text t = text_of(text, sizeof(text)), d = text_of(dump, sizeof(dump));
	json_t *object;

	reply_expect(&t, &v, REQUEST_TEXT);
	CU_ASSERT_EQUAL(strncmp(text, "290 proto=6 src=192.0.2.1 ", 26), 0);
	reply_expect(&d, &v, REQUEST_DUMP);
	text_puts(&t, " [active since 1s]");
	CU_ASSERT_STRING_EQUAL(dump, text + 4);
	t = text_of(text, sizeof(text));
	reply_expect(&t, &v, REQUEST_JSON);
	object = json_loads(text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "timeout")), 290);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "peer")), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "helper")), "ftp");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "function")), "n?at");
	CU_ASSERT_TRUE(json_is_object(json_object_get(object, "mask")));
	json_decref(object);
	t = text_of(text, sizeof(text));
	reply_expect(&t, &v, REQUEST_XML);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "<timeout>290</timeout>"));
	t = text_of(text, sizeof(text));
	reply_expect(&t, &v, REQUEST_DUMP_XML);
	CU_ASSERT_PTR_NULL(strstr(text, "<timeout>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "<helper-name>ftp</helper-name>"));
}

static const struct unit_test tests[] = {
	{"every value has a name of its own", every_value_has_a_name_of_its_own},
	{"addresses and errnos are readable", addresses_and_errnos_are_readable},
	{"in sync takes a table and every peer that counts",
		in_sync_takes_a_table_and_every_peer_that_counts},
	{"a warm standby says how warm it is", a_warm_standby_says_how_warm_it_is},
	{"every counter is told once", every_counter_is_told_once},
	{"an outcome is told by errno", an_outcome_is_told_by_errno},
	{"a flow is valid JSON whatever it holds", a_flow_is_valid_json_whatever_it_holds},
	{"a flow is a line of the conntrack tool", a_flow_is_a_line_of_the_conntrack_tool},
	{"a flow as conntrackd dumps it", a_flow_as_conntrackd_dumps_it},
	{"an expectation in every format", an_expectation_in_every_format},
};

UNIT_MAIN("reply", tests)
