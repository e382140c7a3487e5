/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REQUEST_H
#define CTSYNC_DAEMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/engine.h"

/*
 * A request on the control socket: one line holding one JSON object,
 *
 *	{"verb": "show", "table": "remote", "format": "json"}
 *
 * "verb" is required. The other members belong to some verbs each (request.c has the table), and
 * all but show's "table" may be left out; their defaults are the first of the enumerations here.
 * Unknown members are refused: a client that asks for more than we know must not believe it was
 * done.
 */
enum request_verb {
	REQUEST_STATUS,
	REQUEST_STATS,
	REQUEST_SHOW,
	REQUEST_COMMIT,
	REQUEST_FLUSH,
	REQUEST_RESYNC, /* of the kernel's tables and of the peers' */
	REQUEST_RESYNC_KERNEL,
	REQUEST_RESYNC_PEERS,
	REQUEST_BULK,
	REQUEST_PURGE,
	REQUEST_PURGE_LATER,
	REQUEST_PROMOTE,
	REQUEST_DEMOTE,
	REQUEST_FAULT,
	REQUEST_KILL,
	REQUEST_VERBS,
};

/* stats: which figures. The counters are all there is, by name; the groups are made for reading. */
enum request_group {
	REQUEST_GROUP_COUNTERS, /* without "group" */
	REQUEST_GROUP_ALL, /* all of the following, by their names */
	REQUEST_GROUP_NETWORK,
	REQUEST_GROUP_CACHE,
	REQUEST_GROUP_QUEUE,
	REQUEST_GROUP_PROCESS,
	REQUEST_GROUP_LINK,
	REQUEST_GROUP_EXPECT,
	REQUEST_GROUP_RUNTIME,
	REQUEST_GROUPS,
};

/* show: what a line looks like */
enum request_format {
	REQUEST_TEXT, /* the conntrack tool's */
	REQUEST_JSON,
	REQUEST_XML, /* the conntrack tool's element */
	REQUEST_DUMP, /* as conntrackd dumps its caches: "conntrackd" */
	REQUEST_DUMP_XML, /* "conntrackd-xml" */
	REQUEST_FORMATS,
};

struct request {
	enum request_verb verb;
	bool expectations; /* show: "what" is expectations, else flows */
	bool remote; /* show: "table" is remote, else local */
	bool no_wait; /* bulk: "wait" is no: answer when it has begun, not when it has ended */
	enum request_format format;
	enum request_group group;
	enum engine_scope scope; /* commit, resync, resync-kernel, purge */
	enum engine_tables tables; /* flush */
};

enum { REQUEST_ERROR_BYTES = 160 };

/* Parses line, len bytes without its newline. 0, or -EINVAL with the reason in error. */
int request_parse(const char *line, size_t len, struct request *, char error[REQUEST_ERROR_BYTES]);

const char *request_verb_name(enum request_verb);
const char *request_group_name(enum request_group); /* not of the counters */

#endif
