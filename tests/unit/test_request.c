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
	CU_ASSERT_FALSE(r.json);
	CU_ASSERT_EQUAL(
		parse("{\"format\":\"json\",\"table\":\"remote\",\"verb\":\"show\"}", &r, error),
		0);
	CU_ASSERT_TRUE(r.remote);
	CU_ASSERT_TRUE(r.json);
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
			"\"format\" must be text or json"},
		{"{\"verb\":\"stats\",\"table\":\"local\"}",
			"\"table\" and \"format\" belong to show alone"},
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
	{"nonsense is refused with its reason", nonsense_is_refused_with_its_reason},
};

UNIT_MAIN("request", tests)
