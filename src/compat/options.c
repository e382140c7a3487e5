/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat/options.h"

#include <string.h>

#include "parser/config.h"

enum { PARAMETERS_MAX = 10 };

struct parameter {
	const char *name;
	enum compat_action action;
};

/* A command: what it is without a parameter, and with each that it takes. */
static const struct command {
	char letter;
	bool strict; /* an unknown parameter is an error; else it is the next option */
	enum compat_action bare;
	struct parameter parameters[PARAMETERS_MAX];
} commands[] = {
	{'c', false, COMPAT_COMMIT, {{"ct", COMPAT_COMMIT_CT}, {"expect", COMPAT_COMMIT_EXPECT}}},
	{'i', false, COMPAT_DUMP_INTERNAL,
		{{"ct", COMPAT_DUMP_INTERNAL}, {"expect", COMPAT_DUMP_INTERNAL_EXPECT}}},
	{'e', false, COMPAT_DUMP_EXTERNAL,
		{{"ct", COMPAT_DUMP_EXTERNAL}, {"expect", COMPAT_DUMP_EXTERNAL_EXPECT}}},
	{'f', true, COMPAT_FLUSH,
		{{"internal", COMPAT_FLUSH_INTERNAL}, {"external", COMPAT_FLUSH_EXTERNAL}}},
	{'F', false, COMPAT_PURGE, {{"ct", COMPAT_PURGE_CT}, {"expect", COMPAT_PURGE_EXPECT}}},
	{'R', false, COMPAT_RESYNC, {{"ct", COMPAT_RESYNC_CT}, {"expect", COMPAT_RESYNC_EXPECT}}},
	{'B', false, COMPAT_BULK, {{0}}},
	{'n', false, COMPAT_REQUEST_RESYNC, {{0}}},
	{'t', false, COMPAT_PURGE_LATER, {{0}}},
	{'k', false, COMPAT_KILL, {{0}}},
	{'s', true, COMPAT_STATS,
		{{"network", COMPAT_STATS_NETWORK}, {"cache", COMPAT_STATS_CACHE},
			{"runtime", COMPAT_STATS_RUNTIME}, {"multicast", COMPAT_STATS_LINK},
			{"link", COMPAT_STATS_LINK}, {"rsqueue", COMPAT_STATS_RSQUEUE},
			{"process", COMPAT_STATS_PROCESS}, {"queue", COMPAT_STATS_QUEUE},
			{"ct", COMPAT_STATS}, {"expect", COMPAT_STATS_EXPECT}}},
};

/* -x behind a dump makes it one of XML; behind anything else, and behind itself, it is wrong. */
static const struct {
	enum compat_action plain, xml;
} xml_actions[] = {
	{COMPAT_DUMP_INTERNAL, COMPAT_DUMP_INTERNAL_XML},
	{COMPAT_DUMP_INTERNAL_EXPECT, COMPAT_DUMP_INTERNAL_EXPECT_XML},
	{COMPAT_DUMP_EXTERNAL, COMPAT_DUMP_EXTERNAL_XML},
	{COMPAT_DUMP_EXTERNAL_EXPECT, COMPAT_DUMP_EXTERNAL_EXPECT_XML},
};

struct arguments {
	int argc, at;
	char *const *argv;
	struct compat_options *options;
	struct text *error;
};

static bool fail(struct arguments *a, bool usage, const char *what, const char *found)
{
	text_puts(a->error, what);
	text_puts(a->error, found);
	a->options->wants_usage = usage;
	return false;
}

/* The word behind the option, if it can be its parameter; NULL if there is none. */
static const char *next_word(const struct arguments *a)
{
	const char *word = a->at < a->argc ? a->argv[a->at] : NULL;

	return word && word[0] != '-' ? word : NULL;
}

static bool take_command(struct arguments *a, const struct command *c)
{
	const char *word = next_word(a);
	bool takes_any = c->parameters[0].name;

	a->options->action = c->bare;
	for (size_t i = 0; word && i < PARAMETERS_MAX && c->parameters[i].name; i++) {
		if (strncmp(word, c->parameters[i].name, strlen(word)) != 0)
			continue;
		a->options->action = c->parameters[i].action;
		a->options->says_multicast = c->parameters[i].name[0] == 'm';
		a->at++;
		return true;
	}
	if (!word || !takes_any || !c->strict)
		return true;
	fail(a, false, "unknown parameter `", word);
	text_puts(a->error, "' for option `-");
	text_putc(a->error, c->letter);
	text_putc(a->error, '\'');
	return false;
}

static bool take_xml(struct arguments *a)
{
	for (size_t i = 0; i < sizeof(xml_actions) / sizeof(xml_actions[0]); i++)
		if (a->options->action == xml_actions[i].plain) {
			a->options->action = xml_actions[i].xml;
			return true;
		}
	return fail(a, true, "Invalid parameters", "");
}

static bool take_config(struct arguments *a)
{
	if (a->at == a->argc)
		return fail(a, true, "Missing config filename", "");
	if (a->argv[a->at][0])
		a->options->config = a->argv[a->at];
	a->at++;
	return true;
}

static bool take_option(struct arguments *a, const char *option)
{
	if (option[0] != '-')
		return fail(a, true, "Unknown option: ", option);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].letter == option[1])
			return take_command(a, &commands[i]);
	switch (option[1]) {
	case 'd':
		a->options->daemon = true;
		return true;
	case 'C':
		return take_config(a);
	case 'x':
		return take_xml(a);
	}
	return fail(a, true, "Unknown option: ", option);
}

bool compat_parse(int argc, char *const argv[], struct compat_options *o, struct text *error)
{
	struct arguments a = {argc, 1, argv, o, error};

	*o = (struct compat_options){.config = CONFIG_DEFAULT_FILE};
	while (a.at < argc) {
		const char *option = argv[a.at++];

		if (option[0] == '-' && (option[1] == 'v' || option[1] == 'h')) {
			o->action = option[1] == 'v' ? COMPAT_VERSION : COMPAT_HELP;
			return true;
		}
		if (!take_option(&a, option))
			return false;
	}
	if (o->daemon && o->action != COMPAT_NONE)
		return fail(&a, true, "Invalid parameters", "");
	return true;
}
