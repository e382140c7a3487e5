/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "compat/say.h"
#include "compat/stats.h"

enum { KILL_WAIT_MS = 30000 }; /* for the daemon's end; it takes far less */

/*
 * The request of each action. A bulk is not waited for: while no link is usable it has no end,
 * and a notify script must have one.
 */
static const struct {
	const char *request; /* NULL: of the STATS actions, or more than a request */
	bool in_stats; /* Stats mode knows it, too */
} requests[COMPAT_ACTIONS] = {
	[COMPAT_COMMIT] = {"{\"verb\":\"commit\"}"},
	[COMPAT_COMMIT_CT] = {"{\"verb\":\"commit\",\"scope\":\"flows\"}"},
	[COMPAT_COMMIT_EXPECT] = {"{\"verb\":\"commit\",\"scope\":\"expectations\"}"},
	[COMPAT_DUMP_INTERNAL] =
		{"{\"verb\":\"show\",\"table\":\"local\",\"format\":\"conntrackd\"}", true},
	[COMPAT_DUMP_INTERNAL_EXPECT] =
		{"{\"verb\":\"show\",\"what\":\"expectations\",\"table\":\"local\","
		 "\"format\":\"conntrackd\"}"},
	[COMPAT_DUMP_EXTERNAL] = {"{\"verb\":\"show\",\"table\":\"remote\","
				  "\"format\":\"conntrackd\"}"},
	[COMPAT_DUMP_EXTERNAL_EXPECT] =
		{"{\"verb\":\"show\",\"what\":\"expectations\",\"table\":\"remote\","
		 "\"format\":\"conntrackd\"}"},
	[COMPAT_DUMP_INTERNAL_XML] = {"{\"verb\":\"show\",\"table\":\"local\","
				      "\"format\":\"conntrackd-xml\"}",
		true},
	[COMPAT_DUMP_INTERNAL_EXPECT_XML] =
		{"{\"verb\":\"show\",\"what\":\"expectations\",\"table\":\"local\","
		 "\"format\":\"conntrackd-xml\"}"},
	[COMPAT_DUMP_EXTERNAL_XML] = {"{\"verb\":\"show\",\"table\":\"remote\","
				      "\"format\":\"conntrackd-xml\"}"},
	[COMPAT_DUMP_EXTERNAL_EXPECT_XML] =
		{"{\"verb\":\"show\",\"what\":\"expectations\",\"table\":\"remote\","
		 "\"format\":\"conntrackd-xml\"}"},
	[COMPAT_FLUSH] = {"{\"verb\":\"flush\"}", true},
	[COMPAT_FLUSH_INTERNAL] = {"{\"verb\":\"flush\",\"tables\":\"local\"}", true},
	[COMPAT_FLUSH_EXTERNAL] = {"{\"verb\":\"flush\",\"tables\":\"remote\"}"},
	[COMPAT_PURGE] = {"{\"verb\":\"purge\"}", true},
	[COMPAT_PURGE_CT] = {"{\"verb\":\"purge\",\"scope\":\"flows\"}", true},
	[COMPAT_PURGE_EXPECT] = {"{\"verb\":\"purge\",\"scope\":\"expectations\"}", true},
	[COMPAT_RESYNC] = {"{\"verb\":\"resync-kernel\"}", true},
	[COMPAT_RESYNC_CT] = {"{\"verb\":\"resync-kernel\",\"scope\":\"flows\"}", true},
	[COMPAT_RESYNC_EXPECT] = {"{\"verb\":\"resync-kernel\",\"scope\":\"expectations\"}", true},
	[COMPAT_BULK] = {"{\"verb\":\"bulk\",\"wait\":\"no\"}"},
	[COMPAT_REQUEST_RESYNC] = {"{\"verb\":\"resync-peers\"}"},
	[COMPAT_PURGE_LATER] = {"{\"verb\":\"purge-later\"}"},
};

/* What became of the request, as the exit status; what is wrong goes to stderr. */
static int judge(const char *socket, const struct client_answer *answer)
{
	char why[256];
	struct text t = text_of(why, sizeof(why));

	switch (answer->err) {
	case 0:
		if (answer->status)
			say(LOG_LEVEL_ERROR, "%s", answer->message);
		return EXIT_SUCCESS;
	case -ECONNREFUSED:
	case -EACCES:
		say(LOG_LEVEL_ERROR,
			"can't connect: is conntrackd running? appropriate permissions?");
		return EXIT_FAILURE;
	default:
		client_explain(&t, socket, answer->err);
		say(LOG_LEVEL_ERROR, "%s", why);
		return EXIT_FAILURE;
	}
}

static bool is_dump(enum compat_action action)
{
	return action >= COMPAT_DUMP_INTERNAL && action <= COMPAT_DUMP_EXTERNAL_EXPECT_XML;
}

static int print_line(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	return fwrite(line, 1, len, stdout) != len || putchar('\n') == EOF ? -1 : 0;
}

static int ask(enum compat_action action, const char *socket)
{
	struct client_answer answer;

	client_ask(socket, CLIENT_TIMEOUT_S, json_loads(requests[action].request, 0, NULL),
		is_dump(action) ? print_line : NULL, NULL, &answer);
	return judge(socket, &answer);
}

static int ask_stats(enum compat_action action, const char *socket)
{
	char buf[COMPAT_STATS_BYTES];
	struct text t = text_of(buf, sizeof(buf));
	struct client_answer answer;
	json_t *figures;

	client_ask_object(socket, CLIENT_TIMEOUT_S,
		json_pack("{s:s, s:s}", "verb", "stats", "group", "all"), &figures, &answer);
	if (figures)
		compat_stats(&t, action, figures);
	fputs(buf, stdout);
	json_decref(figures);
	return judge(socket, &answer);
}

/* Whether a daemon is there at all, for what it does not do in its mode. */
static int ask_nothing(const char *socket)
{
	struct client_answer answer;

	client_ask(socket, CLIENT_TIMEOUT_S, json_pack("{s:s}", "verb", "status"), NULL, NULL,
		&answer);
	return judge(socket, &answer);
}

static int ask_kill(const char *socket)
{
	struct client_answer answer;

	client_kill(socket, CLIENT_TIMEOUT_S, KILL_WAIT_MS, &answer);
	return judge(socket, &answer);
}

/* What conntrackd does nothing at, and prints nothing. */
static bool is_nothing(enum compat_action action, const struct config *config)
{
	if (config->purpose == CONFIG_STATS)
		return !requests[action].in_stats;
	/* what peers told is in the kernel; our record of it is none of its caches */
	return config->sync.disable_external_cache &&
	       (action == COMPAT_DUMP_EXTERNAL || action == COMPAT_DUMP_EXTERNAL_XML ||
		       action == COMPAT_DUMP_EXTERNAL_EXPECT ||
		       action == COMPAT_DUMP_EXTERNAL_EXPECT_XML);
}

int compat_command(enum compat_action action, const struct config *config)
{
	const char *socket = config->general.unix_path;

	if (!socket[0]) /* as if nobody listened */
		return judge(socket, &(struct client_answer){.err = -ECONNREFUSED});
	if (action == COMPAT_KILL)
		return ask_kill(socket);
	if (!requests[action].request)
		return ask_stats(action, socket);
	if (is_nothing(action, config))
		return ask_nothing(socket);
	return ask(action, socket);
}
