/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ask.h"

static enum ctl_exit explain(const struct ctl *ctl, int err)
{
	switch (err) {
	case -ECONNREFUSED:
		fprintf(stderr, "ctsyncctl: no daemon answers on %s\n", ctl->socket);
		return CTL_NO_DAEMON;
	case -ECONNRESET:
		fprintf(stderr, "ctsyncctl: the daemon ended before it had answered\n");
		return CTL_FAILED;
	case -EPROTO:
		fprintf(stderr, "ctsyncctl: %s does not speak ctsyncd's protocol\n", ctl->socket);
		return CTL_FAILED;
	case -ECANCELED: /* the line function has said why, or nobody reads our output */
		return CTL_FAILED;
	default:
		fprintf(stderr, "ctsyncctl: %s: %s\n", ctl->socket, strerror(-err));
		return CTL_FAILED;
	}
}

enum ctl_exit ask(const struct ctl *ctl, json_t *request, control_client_line_fn *fn, void *ctx,
	char *message, size_t message_cap)
{
	char own_message[512];
	char *line = json_dumps(request, JSON_COMPACT);
	int status = 0, err;

	json_decref(request);
	if (!message) {
		message = own_message;
		message_cap = sizeof(own_message);
	}
	if (!line)
		return explain(ctl, -ENOMEM);
	/* No time limit: a commit of millions of flows takes what it takes. */
	err = control_client_request(ctl->socket, line, 0, fn, ctx, &status, message, message_cap);
	free(line);
	if (err)
		return explain(ctl, err);
	if (status) {
		fprintf(stderr, "ctsyncctl: %s\n", message);
		return CTL_FAILED;
	}
	return CTL_DONE;
}

static int keep_object(void *ctx, const char *line, size_t len)
{
	json_t **out = ctx;

	json_decref(*out);
	*out = json_loadb(line, len, 0, NULL);
	return *out ? 0 : -1;
}

enum ctl_exit ask_object(
	const struct ctl *ctl, json_t *request, json_t **out, char *message, size_t message_cap)
{
	*out = NULL;
	return ask(ctl, request, keep_object, out, message, message_cap);
}

void print_object(const json_t *object)
{
	if (!object)
		return;
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	putchar('\n');
}
