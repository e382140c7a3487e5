/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "ctl/ask.h"

enum ctl_exit judge(const struct ctl *ctl, const struct client_answer *answer)
{
	char why[256];
	struct text t = text_of(why, sizeof(why));

	if (answer->err == -ECANCELED) /* print_line() has said why, or nobody reads our output */
		return CTL_FAILED;
	if (answer->err) {
		client_explain(&t, ctl->socket, answer->err);
		fprintf(stderr, "ctsyncctl: %s\n", why);
		if (answer->err == -ETIMEDOUT)
			return CTL_NO_ANSWER;
		return answer->err == -ECONNREFUSED ? CTL_NO_DAEMON : CTL_FAILED;
	}
	if (answer->status) {
		fprintf(stderr, "ctsyncctl: %s\n", answer->message);
		return CTL_FAILED;
	}
	return CTL_DONE;
}

enum ctl_exit ask(const struct ctl *ctl, json_t *request, control_client_line_fn *fn, void *ctx)
{
	struct client_answer answer;

	client_ask(ctl->socket, ctl->timeout_s, request, fn, ctx, &answer);
	return judge(ctl, &answer);
}

enum ctl_exit ask_object(
	const struct ctl *ctl, json_t *request, json_t **out, struct client_answer *answer)
{
	client_ask_object(ctl->socket, ctl->timeout_s, request, out, answer);
	return judge(ctl, answer);
}
