/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/print.h"

enum { KILL_WAIT_MS = 30000 }; /* for the daemon's end; it takes far less */

static const char *const scopes[] = {"all", "flows", "expectations", NULL};
static const char *const tables[] = {"all", "local", "remote", NULL};

/* They differ in their names alone: the daemon does the work and reports it in words. */
static enum ctl_exit verb_act(const struct ctl *ctl, const struct verb *v, size_t argc, char **argv)
{
	struct client_answer answer;
	enum ctl_exit result;
	json_t *report;

	if (argc > 0 && !verb_takes(v, v->words, argv[0]))
		return CTL_USAGE;
	result = ask_object(ctl,
		argc > 0 ? json_pack("{s:s, s:s}", "verb", v->name, v->member, argv[0])
			 : json_pack("{s:s}", "verb", v->name),
		&report, &answer);
	if (ctl->format != CTL_TEXT)
		print_object(ctl->format, "report", report);
	else if (result == CTL_DONE)
		puts(answer.message);
	json_decref(report);
	return result;
}

static enum ctl_exit verb_kill(
	const struct ctl *ctl, const struct verb *v, size_t argc, char **argv)
{
	struct client_answer answer;

	(void)v;
	(void)argc;
	(void)argv;
	client_kill(ctl->socket, ctl->timeout_s, KILL_WAIT_MS, &answer);
	return judge(ctl, &answer);
}

const struct verb verbs_act[] = {
	{"promote", verb_act, NULL, "take over: write the peers' flows into the kernel, own them"},
	{"demote", verb_act, NULL, "stand by"},
	{"fault", verb_act, NULL, "this node is out of order"},
	{"commit", verb_act, "[flows|expectations]",
		"write what is held for the peers into the kernel", "scope", scopes},
	{"flush", verb_act, "[local|remote]", "forget the tables; the kernel is left alone",
		"tables", tables},
	{"resync", verb_act, "[flows|expectations]",
		"read the kernel's tables anew, ask the peers for theirs", "scope", scopes},
	{"resync-kernel", verb_act, "[flows|expectations]", "read the kernel's tables anew",
		"scope", scopes},
	{"resync-peers", verb_act, NULL, "ask the peers for their tables"},
	{"bulk", verb_act, NULL, "send the whole local table to the peers"},
	{"purge", verb_act, "[flows|expectations]",
		"delete from the kernel what the filter lets pass", "scope", scopes},
	{"purge-later", verb_act, NULL, "the same after PurgeTimeout"},
	{"kill", verb_kill, NULL, "stop the daemon"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
