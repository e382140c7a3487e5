/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/verbs.h"

static const char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "?";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool truth_of(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void print_peer(const json_t *peer)
{
	printf("peer %s: %s", string_of(peer, "address"), string_of(peer, "sync"));
	if (!truth_of(peer, "in_sync"))
		printf(" (%s)", string_of(peer, "why"));
	if (!strcmp(string_of(peer, "sync"), "bulk"))
		printf(" %lld of %lld", number_of(peer, "bulk_flows"),
			number_of(peer, "bulk_total"));
	printf("\n  flows %lld, not acknowledged %lld, lost %lld, heard %lld ms ago, %s\n",
		number_of(peer, "flows"), number_of(peer, "unacked"), number_of(peer, "lost"),
		number_of(peer, "heard_ago_ms"),
		truth_of(peer, "ctsync") ? "ctsyncd" : "conntrackd or unknown");
}

static void print_status(const json_t *status)
{
	const json_t *peers = json_object_get(status, "peers");
	size_t i;
	json_t *peer;

	printf("role: %s\n", string_of(status, "role"));
	printf("in sync: %s\n", truth_of(status, "in_sync") ? "yes" : "no");
	printf("local table: %lld flows, %s\n", number_of(status, "local_flows"),
		truth_of(status, "kernel_synced")
			? "equal to the kernel's"
			: "not equal to the kernel's yet: a dump is under way");
	if (number_of(status, "local_silent"))
		printf("  silent: %lld (born unheard; looked for by dumps)\n",
			number_of(status, "local_silent"));
	printf("held for peers: %lld flows\n", number_of(status, "remote_flows"));
	printf("to be sent: %lld, deletions not acknowledged: %lld\n",
		number_of(status, "send_queue"), number_of(status, "tombstones"));
	printf("memory of tables: %lld bytes\n", number_of(status, "memory_bytes"));
	if (truth_of(status, "committing"))
		printf("a commit is under way\n");
	if (truth_of(status, "purge_scheduled"))
		printf("this node's flows will be removed from the kernel in %lld s\n",
			(number_of(status, "purge_in_ms") + 999) / 1000);
	json_array_foreach(peers, i, peer) print_peer(peer);
	if (!json_array_size(peers))
		printf("no peer heard yet\n");
}

static enum ctl_exit verb_status(const struct ctl *ctl, const struct verb *v, const char *argument)
{
	json_t *status;
	enum ctl_exit result =
		ask_object(ctl, json_pack("{s:s}", "verb", v->name), &status, NULL, 0);

	(void)argument;
	if (status && ctl->json)
		print_object(status);
	else if (status)
		print_status(status);
	json_decref(status);
	return result;
}

static enum ctl_exit verb_stats(const struct ctl *ctl, const struct verb *v, const char *argument)
{
	json_t *stats, *value;
	const char *name;
	enum ctl_exit result =
		ask_object(ctl, json_pack("{s:s}", "verb", v->name), &stats, NULL, 0);

	(void)argument;
	if (stats && ctl->json) {
		print_object(stats);
	} else if (stats) {
		json_object_foreach(stats, name, value)
			printf("%-24s %20lld\n", name, (long long)json_integer_value(value));
	}
	json_decref(stats);
	return result;
}

static int print_line(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	if (fwrite(line, 1, len, stdout) != len || putchar('\n') == EOF) {
		if (errno != EPIPE)
			perror("ctsyncctl: writing");
		return -1;
	}
	return 0;
}

static enum ctl_exit verb_show(const struct ctl *ctl, const struct verb *v, const char *argument)
{
	if (!argument || (strcmp(argument, "local") && strcmp(argument, "remote"))) {
		fprintf(stderr, "ctsyncctl: show takes 'local' or 'remote'\n");
		return CTL_USAGE;
	}
	return ask(ctl,
		json_pack("{s:s, s:s, s:s}", "verb", v->name, "table", argument, "format",
			ctl->json ? "json" : "text"),
		print_line, NULL, NULL, 0);
}

const struct verb verbs_view[] = {
	{"status", verb_status, NULL, "role, peers, in sync or not and why, sizes, losses"},
	{"stats", verb_stats, NULL, "every counter"},
	{"show", verb_show, "local|remote", "the flows, one a line"},
	{NULL, NULL, NULL, NULL},
};
