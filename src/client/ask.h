/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CLIENT_ASK_H
#define CTSYNC_CLIENT_ASK_H

#include <jansson.h>

#include "base/text.h"
#include "io/control_client.h"

/*
 * One request to the daemon, as ctsyncctl and the conntrackd command make it: JSON there, lines of
 * data and a final line back (doc/ARCHITECTURE.md). Nothing is printed here.
 */
enum {
	CLIENT_MESSAGE_BYTES = 512, /* of the final line, with its NUL */
	CLIENT_TIMEOUT_S = 10, /* if nothing else is wanted; Pacemaker gives an operation 20 */
};

struct client_answer {
	int err; /* 0, or of control_client_request(): there was no answer, or not a whole one */
	int status; /* of the final line: not 0, the daemon refused or failed */
	char message[CLIENT_MESSAGE_BYTES]; /* and its text */
};

/*
 * Sends request (stolen; NULL is -ENOMEM) and gives each line of data to fn, which may be NULL.
 * timeout_s: for how long the daemon may give no sign of life, 0: for ever. What it does for us has
 * no limit: a commit of millions of flows takes what it takes. True if the daemon has done it.
 */
bool client_ask(const char *socket, int timeout_s, json_t *request, control_client_line_fn *fn,
	void *ctx, struct client_answer *);

/* The same for an answer of one JSON object; *out is NULL without one, and the caller's. */
bool client_ask_object(
	const char *socket, int timeout_s, json_t *request, json_t **out, struct client_answer *);

/*
 * Asks the daemon to stop, and returns when its process has ended, so that another can be started;
 * after wait_ms in any case.
 */
bool client_kill(const char *socket, int timeout_s, int wait_ms, struct client_answer *);

/* Why there was no answer (answer->err), for an operator. */
void client_explain(struct text *, const char *socket, int err);

#endif
