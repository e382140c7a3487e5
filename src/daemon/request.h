/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REQUEST_H
#define CTSYNC_DAEMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A request on the control socket: one line holding one JSON object,
 *
 *	{"verb": "show", "table": "remote", "format": "json"}
 *
 * "verb" is required; "table" (local, remote) belongs to show alone and is required there;
 * "format" (text, json) is show's and is text if absent. Unknown members are refused: a client
 * that asks for more than we know must not believe it was done.
 */
enum request_verb {
	REQUEST_STATUS,
	REQUEST_STATS,
	REQUEST_SHOW,
	REQUEST_COMMIT,
	REQUEST_FLUSH,
	REQUEST_RESYNC,
	REQUEST_BULK,
	REQUEST_PROMOTE,
	REQUEST_DEMOTE,
	REQUEST_FAULT,
	REQUEST_VERBS,
};

struct request {
	enum request_verb verb;
	bool remote; /* show: the remote tables, else the local one */
	bool json; /* show: one JSON object a line, else the conntrack tool's lines */
};

enum { REQUEST_ERROR_BYTES = 128 };

/* Parses line, len bytes without its newline. 0, or -EINVAL with the reason in error. */
int request_parse(const char *line, size_t len, struct request *, char error[REQUEST_ERROR_BYTES]);

const char *request_verb_name(enum request_verb);

#endif
