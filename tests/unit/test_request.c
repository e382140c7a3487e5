/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "daemon/request.h"
#include "unit.h"

static int parse(const char *line, struct request *request, char *error)
{
	return request_parse(line, strlen(line), request, error);
}

static void every_verb_is_understood(void)
{
	char line[80], error[REQUEST_ERROR_BYTES];
	struct request request;

	for (unsigned v = 0; v < REQUEST_VERBS; v++) {
		if (v == REQUEST_SHOW)
			continue;
		snprintf(line, sizeof(line), "{\"verb\": \"%s\"}",
			request_verb_name((enum request_verb)v));
		CU_ASSERT_EQUAL(parse(line, &request, error), 0);
		CU_ASSERT_EQUAL(request.verb, v);
	}
}

static void show_takes_a_table_and_a_format(void)
{
	char error[REQUEST_ERROR_BYTES];
	struct request r;

	CU_ASSERT_EQUAL(parse("{\"verb\":\"show\",\"table\":\"local\"}", &r, error), 0);
	CU_ASSERT_FALSE(r.remote);
	CU_ASSERT_FALSE(r.expectations);
	CU_ASSERT_EQUAL(r.format, REQUEST_TEXT);
	CU_ASSERT_EQUAL(
		parse("{\"format\":\"json\",\"table\":\"remote\",\"verb\":\"show\"}", &r, error),
		0);
	CU_ASSERT_TRUE(r.remote);
	CU_ASSERT_EQUAL(r.format, REQUEST_JSON);
	CU_ASSERT_EQUAL(parse("{\"verb\":\"show\",\"what\":\"expectations\",\"table\":\"remote\","
			      "\"format\":\"conntrackd-xml\"}",
				&r, error),
		0);
	CU_ASSERT_TRUE(r.expectations);
	CU_ASSERT_EQUAL(r.format, REQUEST_DUMP_XML);
}

static void every_word_has_its_meaning(void)
{
	static const char *const groups[] = {
		"all", "network", "cache", "queue", "process", "link", "expect", "runtime"};
	static const char *const scopes[] = {"all", "flows", "expectations"};
	static const char *const scoped[] = {"commit", "resync", "resync-kernel", "purge"};
	static const char *const tables[] = {"all", "local", "remote"};
	char line[120], error[REQUEST_ERROR_BYTES];
	struct request r;

	CU_ASSERT_EQUAL(parse("{\"verb\":\"stats\"}", &r, error), 0);
	CU_ASSERT_EQUAL(r.group, REQUEST_GROUP_COUNTERS);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(line, sizeof(line), "{\"verb\":\"stats\",\"group\":\"%s\"}", groups[i]);
		CU_ASSERT_EQUAL(parse(line, &r, error), 0);
		CU_ASSERT_EQUAL(r.group, REQUEST_GROUP_ALL + i);
		CU_ASSERT_STRING_EQUAL(request_group_name(r.group), groups[i]);
	}
	for (unsigned i = 0; i < 12; i++) {
		snprintf(line, sizeof(line), "{\"scope\":\"%s\",\"verb\":\"%s\"}", scopes[i % 3],
			scoped[i / 3]);
		CU_ASSERT_EQUAL(parse(line, &r, error), 0);
		CU_ASSERT_EQUAL(r.scope, ENGINE_SCOPE_ALL + i % 3);
	}
	for (unsigned i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "{\"verb\":\"flush\",\"tables\":\"%s\"}", tables[i]);
		CU_ASSERT_EQUAL(parse(line, &r, error), 0);
		CU_ASSERT_EQUAL(r.tables, ENGINE_TABLES_ALL + i);
	}
	CU_ASSERT_EQUAL(parse("{\"verb\":\"bulk\",\"wait\":\"yes\"}", &r, error), 0);
	CU_ASSERT_FALSE(r.no_wait);
	CU_ASSERT_EQUAL(parse("{\"verb\":\"bulk\",\"wait\":\"no\"}", &r, error), 0);
	CU_ASSERT_TRUE(r.no_wait);
}

static void nonsense_is_refused_with_its_reason(void)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"", "a request is one JSON object a line"},
		{"[1]", "a request is one JSON object a line"},
		{"{\"verb\":\"status\"} x", "a request is one JSON object a line"},
		{"{\"verb\":\"status\",\"verb\":\"stats\"}", "a request is one JSON object a line"},
		{"{}", "\"verb\" is missing"},
		{"{\"verb\":7}", "\"verb\" must be a string"},
		{"{\"verb\":\"frob\"}", "unknown verb 'frob'"},
		{"{\"verb\":\"a\\nb\\u00e9\"}", "unknown verb 'a?b\?\?'"},
		{"{\"verb\":\"stats\",\"now\":1}", "unknown member 'now'"},
		{"{\"verb\":\"show\"}", "\"table\" is missing"},
		{"{\"verb\":\"show\",\"table\":\"all\"}",
			"\"table\" must be local or remote 'all'"},
		{"{\"verb\":\"show\",\"table\":\"local\",\"format\":1}",
			"\"format\" must be text, json, xml, conntrackd or conntrackd-xml"},
		{"{\"verb\":\"stats\",\"table\":\"local\"}", "stats takes no \"table\""},
		{"{\"table\":\"local\",\"verb\":\"stats\"}", "stats takes no \"table\""},
		{"{\"verb\":\"stats\",\"group\":\"cash\"}",
			"\"group\" must be all, network, cache, queue, process, link, expect or "
			"runtime 'cash'"},
		{"{\"verb\":\"bulk\",\"scope\":\"all\"}", "bulk takes no \"scope\""},
		{"{\"verb\":\"commit\",\"tables\":\"all\"}", "commit takes no \"tables\""},
		{"{\"verb\":\"commit\",\"wait\":\"no\"}", "commit takes no \"wait\""},
		{"{\"verb\":\"flush\",\"tables\":true}", "\"tables\" must be all, local or remote"},
	};
	char error[REQUEST_ERROR_BYTES];
	struct request request;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(parse(cases[i].line, &request, error), -EINVAL);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
	}
}

static const struct unit_test tests[] = {
	{"every verb is understood", every_verb_is_understood},
	{"show takes a table and a format", show_takes_a_table_and_a_format},
	{"every word has its meaning", every_word_has_its_meaning},
	{"nonsense is refused with its reason", nonsense_is_refused_with_its_reason},
};

UNIT_MAIN("request", tests)
