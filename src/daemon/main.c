/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "daemon/daemon.h"
#include "parser/diag.h"

enum { EXIT_USAGE = 2, PRINT_BYTES = 1 << 16, DIAG_BYTES = 1 << 16 };

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT };

struct options {
	enum action action;
	const char *config;
	bool daemon;
};

static const char usage[] =
	"usage: ctsyncd [-d] [-C FILE]        run, in the background with -d\n"
	"       ctsyncd --check [-C FILE]     list every problem of a configuration\n"
	"       ctsyncd --print [-C FILE]     print the settings in force\n"
	"\n"
	"  -C, --config FILE   the configuration (" CONFIG_DEFAULT_FILE ")\n"
	"  -d, --daemon        detach once everything is set up\n"
	"  -h, --help          print this\n"
	"  -V, --version       print the version\n";

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"check", no_argument, NULL, 'c'},
		{"config", required_argument, NULL, 'C'},
		{"daemon", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"print", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "C:dhV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->action = ACTION_CHECK;
			break;
		case 'C':
			o->config = optarg;
			break;
		case 'd':
			o->daemon = true;
			break;
		case 'p':
			o->action = ACTION_PRINT;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("ctsyncd " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default: /* getopt has said what is wrong */
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ctsyncd: unexpected argument '%s'\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	return -1;
}

static void print_problems(const struct diag *diag)
{
	static char buf[DIAG_BYTES];
	struct text t = text_of(buf, sizeof(buf));

	diag_print(diag, &t);
	fputs(buf, stderr);
}

static int print_config(const struct config *config)
{
	static char buf[PRINT_BYTES];
	struct text t = text_of(buf, sizeof(buf));

	config_print(config, &t);
	fputs(buf, stdout);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct options *o, const struct config *config)
{
	static struct daemon daemon; /* large, and there is one */
	struct daemonize daemonize = {.fd = -1};
	/* The daemon changes to /; a reload has to find the file all the same. */
	char *path = realpath(o->config, NULL);
	int status = EXIT_FAILURE, err = 0;
	pid_t child;

	if (!path) {
		fprintf(stderr, "ctsyncd: %s: %s\n", o->config, strerror(errno));
		return EXIT_FAILURE;
	}
	if (o->daemon)
		err = daemonize_fork(&daemonize, &status, &child);
	if (err < 0)
		fprintf(stderr, "ctsyncd: cannot detach: %s\n", strerror(-err));
	else if (err == 0)
		status = daemon_main(&daemon, config, path, &daemonize);
	free(path);
	return status;
}

int main(int argc, char **argv)
{
	static struct config config;
	static struct diag diag;
	struct options o = {.config = CONFIG_DEFAULT_FILE};
	int status = parse_options(argc, argv, &o);
	int err;

	if (status >= 0)
		return status;
	diag_init(&diag, o.config);
	err = config_load(&config, o.config, &diag);
	print_problems(&diag);
	if (err)
		return EXIT_USAGE;
	switch (o.action) {
	case ACTION_CHECK:
		printf("%s: no errors, %zu warning%s\n", o.config, diag.warnings,
			diag.warnings == 1 ? "" : "s");
		return EXIT_SUCCESS;
	case ACTION_PRINT:
		return print_config(&config);
	case ACTION_RUN:
		break;
	}
	return run(&o, &config);
}
