/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "client/ask.h"
#include "ctl/verbs.h"
#include "parser/config.h"
#include "parser/diag.h"

static const struct verb *const groups[] = {verbs_view, verbs_act};

static const char hint[] = "ctsyncctl: --help tells how it is used\n";

static void print_usage(FILE *to)
{
	fputs("usage: ctsyncctl [-C FILE | -s SOCKET] [-w SEC] [-j | -x] VERB [ARGUMENT...]\n\n",
		to);
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct verb *v = groups[g]; v->name; v++) {
			fprintf(to, "  %s%s%s\n", v->name, v->arguments ? " " : "",
				v->arguments ? v->arguments : "");
			fprintf(to, "        %s\n", v->help);
		}
	fputs("\n"
	      "  -C, --config FILE    find the control socket there (" CONFIG_DEFAULT_FILE ")\n"
	      "  -s, --socket SOCKET  the control socket\n"
	      "  -w, --timeout SEC    bear no sign of life for so long (10; 0: for ever)\n"
	      "  -j, --json           print data as JSON\n"
	      "  -x, --xml            print data as XML\n"
	      "  -h, --help           print this\n"
	      "  -V, --version        print the version\n"
	      "\n"
	      "exit status: 0 done, 1 the daemon refused or failed, 2 usage, 3 no daemon,\n"
	      "4 a daemon that gives no sign of life\n",
		to);
}

bool verb_takes(const struct verb *v, const char *const words[], const char *word)
{
	size_t i = 0;

	while (words[i] && strcmp(words[i], word))
		i++;
	if (!words[i])
		fprintf(stderr, "ctsyncctl: %s takes %s, not '%s'\n", v->name, v->arguments, word);
	return words[i] != NULL;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct verb *v = groups[g]; v->name; v++)
			if (!strcmp(v->name, name))
				return v;
	return NULL;
}

/*
 * The configuration only tells where the socket is. An error that came into the file while the
 * daemon runs is told, but must not stand in the way of a promotion.
 */
static const char *socket_of(const char *path)
{
	static struct config config;
	static struct diag diag;
	static char problems[1 << 16];
	struct text t = text_of(problems, sizeof(problems));

	diag_init(&diag, path);
	if (config_load(&config, path, &diag)) {
		diag_print(&diag, &t);
		fputs(problems, stderr);
	}
	if (config.general.unix_path[0])
		return config.general.unix_path;
	if (diag.errors == 0)
		fprintf(stderr, "ctsyncctl: %s has no UNIX { Path }\n", path);
	return NULL;
}

enum { TIMEOUT_MAX_S = 86400 };

/* False: it is no number, or too large, which is said. */
static bool read_seconds(const char *word, int *seconds)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (end == word || *end || n < 0 || n > TIMEOUT_MAX_S) {
		fprintf(stderr, "ctsyncctl: -w takes 0 to %d seconds, not '%s'\n", TIMEOUT_MAX_S,
			word);
		return false;
	}
	*seconds = (int)n;
	return true;
}

struct options {
	const char *config;
	struct ctl ctl;
};

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 'w'},
		{"version", no_argument, NULL, 'V'},
		{"xml", no_argument, NULL, 'x'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "C:hjs:Vw:x", longs, NULL)) != -1) {
		switch (c) {
		case 'C':
			o->config = optarg;
			break;
		case 's':
			o->ctl.socket = optarg;
			break;
		case 'j':
			o->ctl.format = CTL_JSON;
			break;
		case 'w':
			if (!read_seconds(optarg, &o->ctl.timeout_s)) {
				fputs(hint, stderr);
				return CTL_USAGE;
			}
			break;
		case 'x':
			o->ctl.format = CTL_XML;
			break;
		case 'h':
			print_usage(stdout);
			return CTL_DONE;
		case 'V':
			puts("ctsyncctl " PACKAGE_VERSION);
			return CTL_DONE;
		default: /* getopt has said what is wrong */
			fputs(hint, stderr);
			return CTL_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options o = {.config = CONFIG_DEFAULT_FILE, .ctl.timeout_s = CLIENT_TIMEOUT_S};
	int result = parse_options(argc, argv, &o);
	const struct verb *verb;
	size_t args, args_max;

	if (result >= 0)
		return result;
	args = (size_t)(argc - optind);
	verb = args > 0 ? find_verb(argv[optind]) : NULL;
	args_max = !verb || !verb->arguments ? 1 : strchr(verb->arguments, ' ') ? 3 : 2;
	if (!verb || args > args_max) {
		if (args == 0)
			fprintf(stderr, "ctsyncctl: what is to be done?\n");
		else if (!verb)
			fprintf(stderr, "ctsyncctl: unknown verb '%s'\n", argv[optind]);
		else
			fprintf(stderr, "ctsyncctl: %s: too many arguments\n", verb->name);
		fputs(hint, stderr);
		return CTL_USAGE;
	}
	if (!o.ctl.socket)
		o.ctl.socket = socket_of(o.config);
	if (!o.ctl.socket)
		return CTL_USAGE;
	signal(SIGPIPE, SIG_IGN); /* `show | head` ends by EPIPE */
	result = verb->run(&o.ctl, verb, args - 1, argv + optind + 1);
	if (fflush(stdout) && errno != EPIPE && result == CTL_DONE)
		result = CTL_FAILED;
	return result;
}
