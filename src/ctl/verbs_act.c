/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/verbs.h"

/* They differ in their names alone: the daemon does the work and reports it in words. */
static enum ctl_exit verb_act(const struct ctl *ctl, const struct verb *v, const char *argument)
{
	char message[512] = "";
	json_t *report;
	enum ctl_exit result = ask_object(
		ctl, json_pack("{s:s}", "verb", v->name), &report, message, sizeof(message));

	(void)argument;
	if (ctl->json)
		print_object(report);
	else if (result == CTL_DONE)
		puts(message);
	json_decref(report);
	return result;
}

const struct verb verbs_act[] = {
	{"promote", verb_act, NULL, "take over: write the peers' flows into the kernel, own them"},
	{"demote", verb_act, NULL, "stand by"},
	{"fault", verb_act, NULL, "this node is out of order"},
	{"commit", verb_act, NULL, "write the peers' flows into the kernel"},
	{"flush", verb_act, NULL, "forget both tables; the kernel is left alone"},
	{"resync", verb_act, NULL, "read the kernel's table anew, ask the peers for theirs"},
	{"bulk", verb_act, NULL, "send the whole local table to the peers"},
	{NULL, NULL, NULL, NULL},
};
