/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_COMPAT_OPTIONS_H
#define CTSYNC_COMPAT_OPTIONS_H

#include <stdbool.h>

#include "base/text.h"

/*
 * conntrackd's command line. There is no bundling and no long form: the letter behind the dash
 * decides, and what follows it in the same word is not looked at. A parameter may be cut to any
 * prefix; the first one that fits counts, in the order of options.c. Of several commands the last
 * one counts.
 */
enum compat_action {
	COMPAT_NONE, /* no command: be the daemon */
	COMPAT_COMMIT,
	COMPAT_COMMIT_CT,
	COMPAT_COMMIT_EXPECT,
	COMPAT_DUMP_INTERNAL,
	COMPAT_DUMP_INTERNAL_EXPECT,
	COMPAT_DUMP_EXTERNAL,
	COMPAT_DUMP_EXTERNAL_EXPECT,
	COMPAT_DUMP_INTERNAL_XML,
	COMPAT_DUMP_INTERNAL_EXPECT_XML,
	COMPAT_DUMP_EXTERNAL_XML,
	COMPAT_DUMP_EXTERNAL_EXPECT_XML,
	COMPAT_FLUSH,
	COMPAT_FLUSH_INTERNAL,
	COMPAT_FLUSH_EXTERNAL,
	COMPAT_PURGE,
	COMPAT_PURGE_CT,
	COMPAT_PURGE_EXPECT,
	COMPAT_RESYNC,
	COMPAT_RESYNC_CT,
	COMPAT_RESYNC_EXPECT,
	COMPAT_BULK,
	COMPAT_REQUEST_RESYNC,
	COMPAT_PURGE_LATER,
	COMPAT_KILL,
	COMPAT_STATS,
	COMPAT_STATS_NETWORK,
	COMPAT_STATS_CACHE,
	COMPAT_STATS_RUNTIME,
	COMPAT_STATS_LINK,
	COMPAT_STATS_RSQUEUE,
	COMPAT_STATS_PROCESS,
	COMPAT_STATS_QUEUE,
	COMPAT_STATS_EXPECT,
	COMPAT_VERSION,
	COMPAT_HELP,
	COMPAT_ACTIONS,
};

struct compat_options {
	enum compat_action action;
	bool daemon; /* -d */
	bool says_multicast; /* -s multicast, whose name is link today */
	bool wants_usage; /* with an error: print the usage too */
	const char *config;
};

/* True; or false and the reason in error. */
bool compat_parse(int argc, char *const argv[], struct compat_options *, struct text *error);

#endif
