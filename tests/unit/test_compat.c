/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "compat/options.h"
#include "parser/config.h"
#include "unit.h"

/* conntrackd's command line: what was seen of 1.4.7 by the request that each one sent. */

enum { WORDS_MAX = 6 };

struct line {
	const char *words[WORDS_MAX];
	enum compat_action action;
	const char *error; /* NULL: none */
	bool usage;
};

static int count(const char *const *words)
{
	int n = 0;

	while (n < WORDS_MAX && words[n])
		n++;
	return n;
}

static bool parse(const char *const *words, struct compat_options *o, char error[256])
{
	struct text t = text_of(error, 256);
	char copies[WORDS_MAX + 1][32], *argv[WORDS_MAX + 2] = {copies[0]};
	int argc = 1 + count(words);

	memcpy(copies[0], "conntrackd", 11);
	for (int i = 1; i < argc; i++) {
		text_copy(copies[i], sizeof(copies[i]), words[i - 1]);
		argv[i] = copies[i];
	}
	bool done = compat_parse(argc, argv, o, &t);
	CU_ASSERT_TRUE(t.len < 256);
	if (done && o->config >= copies[0] && o->config < copies[0] + sizeof(copies))
		o->config = words[1]; /* a test's name for it that lives on */
	return done;
}

static void check_lines(const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct compat_options o;
		char error[256];
		bool done = parse(lines[i].words, &o, error);

		if (lines[i].error ? done || strcmp(error, lines[i].error)
				   : !done || o.action != lines[i].action)
			printf("line %zu: %s %s: action %d, \"%s\"\n", i, lines[i].words[0],
				lines[i].words[1] ? lines[i].words[1] : "", (int)o.action, error);
		CU_ASSERT_EQUAL(done, !lines[i].error);
		if (lines[i].error) {
			CU_ASSERT_STRING_EQUAL(error, lines[i].error);
			CU_ASSERT_EQUAL(o.wants_usage, lines[i].usage);
		} else {
			CU_ASSERT_EQUAL(o.action, lines[i].action);
		}
	}
}

#define CHECK_LINES(lines) check_lines(lines, sizeof(lines) / sizeof((lines)[0]))

static void every_command_and_every_prefix(void)
{
	static const struct {
		const char *option, *parameter;
		unsigned shortest; /* prefix that is not another's before it */
		enum compat_action action;
	} parameters[] = {
		{"-c", "ct", 0, COMPAT_COMMIT_CT},
		{"-c", "expect", 1, COMPAT_COMMIT_EXPECT},
		{"-i", "ct", 0, COMPAT_DUMP_INTERNAL},
		{"-i", "expect", 1, COMPAT_DUMP_INTERNAL_EXPECT},
		{"-e", "ct", 0, COMPAT_DUMP_EXTERNAL},
		{"-e", "expect", 1, COMPAT_DUMP_EXTERNAL_EXPECT},
		{"-f", "internal", 0, COMPAT_FLUSH_INTERNAL},
		{"-f", "external", 1, COMPAT_FLUSH_EXTERNAL},
		{"-F", "ct", 0, COMPAT_PURGE_CT},
		{"-F", "expect", 1, COMPAT_PURGE_EXPECT},
		{"-R", "ct", 0, COMPAT_RESYNC_CT},
		{"-R", "expect", 1, COMPAT_RESYNC_EXPECT},
		{"-s", "network", 0, COMPAT_STATS_NETWORK},
		{"-s", "cache", 1, COMPAT_STATS_CACHE},
		{"-s", "runtime", 1, COMPAT_STATS_RUNTIME},
		{"-s", "multicast", 1, COMPAT_STATS_LINK},
		{"-s", "link", 1, COMPAT_STATS_LINK},
		{"-s", "rsqueue", 2, COMPAT_STATS_RSQUEUE},
		{"-s", "process", 1, COMPAT_STATS_PROCESS},
		{"-s", "queue", 1, COMPAT_STATS_QUEUE},
		{"-s", "ct", 2, COMPAT_STATS},
		{"-s", "expect", 1, COMPAT_STATS_EXPECT},
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		for (size_t len = parameters[i].shortest; len <= strlen(parameters[i].parameter);
			len++) {
			char prefix[16], error[256];
			const char *const words[WORDS_MAX] = {parameters[i].option, prefix};
			struct compat_options o;

			snprintf(prefix, sizeof(prefix), "%.*s", (int)len, parameters[i].parameter);
			CU_ASSERT_TRUE(parse(words, &o, error));
			CU_ASSERT_EQUAL(o.action, parameters[i].action);
			CU_ASSERT_EQUAL(o.says_multicast, parameters[i].parameter[0] == 'm');
		}
}

static void commands_without_a_parameter(void)
{
	static const struct line lines[] = {
		{{0}, COMPAT_NONE},
		{{"-d"}, COMPAT_NONE},
		{{"-c"}, COMPAT_COMMIT},
		{{"-i"}, COMPAT_DUMP_INTERNAL},
		{{"-e"}, COMPAT_DUMP_EXTERNAL},
		{{"-f"}, COMPAT_FLUSH},
		{{"-F"}, COMPAT_PURGE},
		{{"-R"}, COMPAT_RESYNC},
		{{"-B"}, COMPAT_BULK},
		{{"-n"}, COMPAT_REQUEST_RESYNC},
		{{"-t"}, COMPAT_PURGE_LATER},
		{{"-k"}, COMPAT_KILL},
		{{"-s"}, COMPAT_STATS},
		{{"-v"}, COMPAT_VERSION},
		{{"-h"}, COMPAT_HELP},
		/* what follows the letter in its word is not looked at */
		{{"-sn"}, COMPAT_STATS},
		{{"-cfoo"}, COMPAT_COMMIT},
	};

	CHECK_LINES(lines);
}

static void combinations(void)
{
	static const struct line lines[] = {
		{{"-i", "-x"}, COMPAT_DUMP_INTERNAL_XML},
		{{"-i", "expect", "-x"}, COMPAT_DUMP_INTERNAL_EXPECT_XML},
		{{"-e", "-x"}, COMPAT_DUMP_EXTERNAL_XML},
		{{"-e", "e", "-x"}, COMPAT_DUMP_EXTERNAL_EXPECT_XML},
		{{"-e", "-x", "-s"}, COMPAT_STATS},
		/* the last command counts, and the first of -v and -h ends it all */
		{{"-s", "-k"}, COMPAT_KILL},
		{{"-s", "-n"}, COMPAT_REQUEST_RESYNC},
		{{"-B", "-n"}, COMPAT_REQUEST_RESYNC},
		{{"-n", "-B"}, COMPAT_BULK},
		{{"-c", "ct", "-i"}, COMPAT_DUMP_INTERNAL},
		{{"-v", "-s"}, COMPAT_VERSION},
		{{"-s", "-v"}, COMPAT_VERSION},
		{{"-d", "-v"}, COMPAT_VERSION},
		{{"-v", "-q"}, COMPAT_VERSION},
		{{"-s", "-h"}, COMPAT_HELP},
	};

	CHECK_LINES(lines);
}

static void what_is_wrong_is_told(void)
{
	static const struct line lines[] = {
		{{"-x"}, 0, "Invalid parameters", true},
		{{"-x", "-i"}, 0, "Invalid parameters", true},
		{{"-i", "-x", "-x"}, 0, "Invalid parameters", true},
		{{"-s", "-x"}, 0, "Invalid parameters", true},
		{{"-e", "-s", "-x"}, 0, "Invalid parameters", true},
		{{"-d", "-s"}, 0, "Invalid parameters", true},
		{{"-s", "-d"}, 0, "Invalid parameters", true},
		{{"-s", "foo"}, 0, "unknown parameter `foo' for option `-s'", false},
		{{"-s", "networks"}, 0, "unknown parameter `networks' for option `-s'", false},
		{{"-f", "foo"}, 0, "unknown parameter `foo' for option `-f'", false},
		{{"-c", "foo"}, 0, "Unknown option: foo", true},
		{{"-s", "n", "l"}, 0, "Unknown option: l", true},
		{{"-q"}, 0, "Unknown option: -q", true},
		{{"-"}, 0, "Unknown option: -", true},
		{{""}, 0, "Unknown option: ", true},
		{{"--help"}, 0, "Unknown option: --help", true},
		{{"-z", "-s"}, 0, "Unknown option: -z", true},
		{{"-C"}, 0, "Missing config filename", true},
		{{"-s", "-C"}, 0, "Missing config filename", true},
		/* 1.4.7 looks at the second letter alone, and so takes these for -t and -s */
		{{"-k", "ct"}, 0, "Unknown option: ct", true},
		{{"-c", "ctx"}, 0, "Unknown option: ctx", true},
		{{"xs"}, 0, "Unknown option: xs", true},
		{{"-s", "ct", "expect"}, 0, "Unknown option: expect", true},
	};

	CHECK_LINES(lines);
}

static void the_configuration(void)
{
	static const char *const named[WORDS_MAX] = {"-C", "x.conf", "-s"};
	static const char *const empty[WORDS_MAX] = {"-s", "-C", ""};
	static const char *const none[WORDS_MAX] = {"-d"};
	struct compat_options o;
	char error[256];

	CU_ASSERT_TRUE(parse(named, &o, error));
	CU_ASSERT_STRING_EQUAL(o.config, "x.conf");
	CU_ASSERT_EQUAL(o.action, COMPAT_STATS);
	CU_ASSERT_TRUE(parse(empty, &o, error));
	CU_ASSERT_STRING_EQUAL(o.config, CONFIG_DEFAULT_FILE);
	CU_ASSERT_TRUE(parse(none, &o, error));
	CU_ASSERT_STRING_EQUAL(o.config, CONFIG_DEFAULT_FILE);
	CU_ASSERT_TRUE(o.daemon);
}

static const struct unit_test tests[] = {
	{"every command and every prefix", every_command_and_every_prefix},
	{"commands without a parameter", commands_without_a_parameter},
	{"combinations", combinations},
	{"what is wrong is told", what_is_wrong_is_told},
	{"the configuration", the_configuration},
};

UNIT_MAIN("compat", tests)
