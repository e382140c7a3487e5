/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "client/ask.h"

bool client_ask(const char *socket, int timeout_s, json_t *request, control_client_line_fn *fn,
	void *ctx, struct client_answer *answer)
{
	const struct control_patience patience = {1000 * timeout_s, "{\"verb\":\"status\"}"};
	char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;

	*answer = (struct client_answer){.err = -ENOMEM};
	json_decref(request);
	if (!line)
		return false;
	answer->err = control_client_request(socket, line, patience, fn, ctx, &answer->status,
		answer->message, sizeof(answer->message));
	free(line);
	return !answer->err && !answer->status;
}

static int keep_object(void *ctx, const char *line, size_t len)
{
	json_t **out = ctx;

	json_decref(*out);
	*out = json_loadb(line, len, 0, NULL);
	return *out ? 0 : -1;
}

bool client_ask_object(const char *socket, int timeout_s, json_t *request, json_t **out,
	struct client_answer *answer)
{
	*out = NULL;
	return client_ask(socket, timeout_s, request, keep_object, out, answer);
}

bool client_kill(const char *socket, int timeout_s, int wait_ms, struct client_answer *answer)
{
	json_t *who;
	bool done = client_ask_object(
		socket, timeout_s, json_pack("{s:s}", "verb", "kill"), &who, answer);
	json_int_t pid = json_integer_value(json_object_get(who, "pid"));
	struct pollfd end = {.events = POLLIN};

	json_decref(who);
	if (!done || pid <= 0)
		return done;
	end.fd = pidfd_open((pid_t)pid, 0);
	if (end.fd < 0)
		return true; /* it has ended, or lives where we cannot see it */
	while (poll(&end, 1, wait_ms) < 0 && errno == EINTR)
		;
	close(end.fd);
	return true;
}

void client_explain(struct text *t, const char *socket, int err)
{
	switch (err) {
	case -ECONNREFUSED:
		text_puts(t, "no daemon answers on ");
		text_puts(t, socket);
		break;
	case -ECONNRESET:
		text_puts(t, "the daemon ended before it had answered");
		break;
	case -ETIMEDOUT:
		text_puts(t, "the daemon on ");
		text_puts(t, socket);
		text_puts(t, " gives no sign of life");
		break;
	case -EPROTO:
		text_puts(t, socket);
		text_puts(t, " does not speak ctsyncd's protocol");
		break;
	default:
		text_puts(t, socket);
		text_puts(t, ": ");
		text_puts(t, strerror(-err));
		break;
	}
}
