/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "parser/config.h"
#include "parser/diag.h"
#include "parser/served.h"

/*
 * The parser on one file, for the golden tests: its problems go to stderr, a line each.
 *   --check FILE    exit status 2 if there is an error
 *   --print FILE    the settings in force on stdout, unless there is an error
 *   --directives    the names of all directives, a line each
 */
static char out[1 << 16];
static struct diag diag;
static struct config config;

static int run(bool print, const char *path)
{
	struct text t = text_of(out, sizeof(out));
	int err = config_load(&config, path, &diag);

	diag_print(&diag, &t);
	fputs(out, stderr);
	if (err < 0)
		return 2;
	if (print) {
		t = text_of(out, sizeof(out));
		config_print(&config, &t);
		fputs(out, stdout);
	}
	return t.len < sizeof(out) ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return run(false, argv[2]);
	if (argc == 3 && strcmp(argv[1], "--print") == 0)
		return run(true, argv[2]);
	if (argc == 2 && strcmp(argv[1], "--directives") == 0) {
		for (const struct directive *d = directives; d->name; d++)
			puts(d->name);
		return 0;
	}
	fputs("usage: conf_driver --check FILE | --print FILE | --directives\n", stderr);
	return 1;
}
