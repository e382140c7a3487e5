/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CTL_VERBS_H
#define CTSYNC_CTL_VERBS_H

#include <stdbool.h>

/* Exit statuses, in ctsyncctl(8). */
enum ctl_exit { CTL_DONE, CTL_FAILED, CTL_USAGE, CTL_NO_DAEMON };

struct ctl {
	const char *socket;
	bool json;
};

struct verb {
	const char *name;
	enum ctl_exit (*run)(const struct ctl *, const struct verb *, const char *argument);
	const char *argument; /* in the usage; NULL: takes none */
	const char *help;
};

/* The verbs of each group; ends with a NULL name. */
extern const struct verb verbs_view[]; /* status, stats, show */
extern const struct verb verbs_act[]; /* commit, promote, ... */

#endif
