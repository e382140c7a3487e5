/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CTL_VERBS_H
#define CTSYNC_CTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, in ctsyncctl(8). */
enum ctl_exit { CTL_DONE, CTL_FAILED, CTL_USAGE, CTL_NO_DAEMON, CTL_NO_ANSWER };

enum ctl_format { CTL_TEXT, CTL_JSON, CTL_XML };

struct ctl {
	const char *socket;
	int timeout_s; /* of client_ask() */
	enum ctl_format format;
};

struct verb {
	const char *name;
	enum ctl_exit (*run)(const struct ctl *, const struct verb *, size_t argc, char **argv);
	const char *arguments; /* in the usage; NULL: takes none */
	const char *help;
	const char *member; /* of the request, for the one argument; NULL: other arguments */
	const char *const *words; /* that it may be; the request's default is the first */
};

/* The verbs of each group; ends with a NULL name. */
extern const struct verb verbs_view[]; /* status, stats, show */
extern const struct verb verbs_act[]; /* commit, promote, ... */

/*
 * True if word is one of words, which end with NULL; if not, says so on stderr: "VERB takes ...".
 */
bool verb_takes(const struct verb *, const char *const words[], const char *word);

#endif
