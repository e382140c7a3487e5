/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat/command.h"
#include "compat/options.h"
#include "compat/say.h"
#include "parser/diag.h"

/* The release of conntrackd whose command line and texts these are; scripts look for it. */
#define COMPAT_RELEASE "1.4.7"

static const char usage[] =
	"usage: conntrackd [-d] [-C FILE]            run ctsyncd, in the background with -d\n"
	"       conntrackd COMMAND [-C FILE]         ask the one that runs\n"
	"\n"
	"  -C FILE   the configuration (" CONFIG_DEFAULT_FILE ")\n"
	"\n"
	"  -s [network|cache|runtime|link|rsqueue|process|queue|ct|expect]\n"
	"                            print statistics\n"
	"  -i [ct|expect] [-x]       print this node's flows or expectations; -x: as XML\n"
	"  -e [ct|expect] [-x]       print those that are held for the peers\n"
	"  -c [ct|expect]            write what is held for the peers into the kernel\n"
	"  -f [internal|external]    forget this node's table, the peers', or both\n"
	"  -F [ct|expect]            delete the kernel's entries\n"
	"  -R [ct|expect]            read the kernel's tables anew\n"
	"  -B                        send this node's table to the peers\n"
	"  -n                        ask the peers for theirs\n"
	"  -t                        delete the kernel's entries after PurgeTimeout\n"
	"  -k                        stop the daemon\n"
	"\n"
	"  -h   print this\n"
	"  -v   print the version\n";

/* True if the file can be used; what is wrong with it is said. */
static bool read_config(const char *path, bool all, struct config *config)
{
	static struct diag diag;

	if (access(path, R_OK) < 0) {
		say(LOG_LEVEL_ERROR, "can't open config file `%s'", path);
		return false;
	}
	diag_init(&diag, path);
	config_load(config, path, &diag);
	for (size_t i = 0; i < diag.count; i++) {
		bool error = diag.items[i].severity == DIAG_ERROR;
		char buf[DIAG_NAME_MAX + DIAG_TEXT_MAX + 40];
		struct text t = text_of(buf, sizeof(buf));

		diag_print_item(&diag, &diag.items[i], &t);
		if (error || all)
			say(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", buf);
	}
	return diag.errors == 0;
}

static void exec_daemon(const char *path, const struct compat_options *o)
{
	execl(path, "ctsyncd", "-C", o->config, o->daemon ? "-d" : (char *)NULL, (char *)NULL);
}

/* Becomes the daemon: the one beside this program, else the installed one. */
static int run_daemon(const struct compat_options *o)
{
	static const char name[] = "ctsyncd";
	char path[PATH_MAX + sizeof(name)];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		memcpy(slash + 1, name, sizeof(name));
		exec_daemon(path, o);
	}
	exec_daemon(SBINDIR "/ctsyncd", o);
	say(LOG_LEVEL_ERROR, "cannot run %s/ctsyncd: %s", SBINDIR, strerror(errno));
	return EXIT_FAILURE;
}

static int run(const struct compat_options *o)
{
	static struct config config;

	if (o->says_multicast)
		say(LOG_LEVEL_WARNING, "use `link' instead of `multicast' as parameter.");
	/* the daemon tells the warnings itself; errors end in the status that is expected here */
	if (!read_config(o->config, o->action != COMPAT_NONE, &config))
		return EXIT_FAILURE;
	return o->action == COMPAT_NONE ? run_daemon(o) : compat_command(o->action, &config);
}

int main(int argc, char **argv)
{
	struct compat_options o;
	char buf[256];
	struct text error = text_of(buf, sizeof(buf));
	int status;

	if (!compat_parse(argc, argv, &o, &error)) {
		if (o.wants_usage)
			fputs(usage, stdout);
		say(LOG_LEVEL_ERROR, "%s", buf);
		return EXIT_FAILURE;
	}
	if (o.action == COMPAT_VERSION || o.action == COMPAT_HELP) {
		puts("Connection tracking userspace daemon v" COMPAT_RELEASE
		     " (ctsync " PACKAGE_VERSION "). Licensed under GPLv2.");
		if (o.action == COMPAT_HELP)
			fputs(usage, stdout);
		status = EXIT_SUCCESS;
	} else {
		status = run(&o);
	}
	return fflush(stdout) && status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}
