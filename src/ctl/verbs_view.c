/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/print.h"

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
	if (number_of(peer, "bulk_total") > 0 && !strcmp(string_of(peer, "sync"), "bulk"))
		printf(" %lld of %lld", number_of(peer, "bulk_flows"),
			number_of(peer, "bulk_total"));
	printf("\n  flows %lld, not acknowledged %lld, lost %lld, heard %lld ms ago, %s\n",
		number_of(peer, "flows"), number_of(peer, "unacked"), number_of(peer, "lost"),
		number_of(peer, "heard_ago_ms"),
		truth_of(peer, "ctsync") ? "ctsyncd" : "conntrackd or unknown");
}

/* How much a promotion would find done already. */
static void print_warm(const json_t *status)
{
	const long long of = number_of(status, "remote_flows");
	const long long warm = number_of(status, "warm_flows");
	const long long unsettled = number_of(status, "warm_unsettled");
	const long long behind_ms = number_of(status, "warm_behind_ms");

	if (strcmp(string_of(status, "standby_table"), "warm") != 0)
		return;
	if (of == 0 && !strcmp(string_of(status, "role"), "primary"))
		return;
	printf("  warm: %lld of %lld in the kernel, %lld not settled yet", warm, of, unsettled);
	if (behind_ms > 0)
		printf(", oldest difference %lld ms", behind_ms);
	putchar('\n');
}

static void print_local(const json_t *status)
{
	bool synced = truth_of(status, "kernel_synced");

	if (json_is_false(json_object_get(status, "internal_cache")))
		printf("local table: not kept (DisableInternalCache), %lld flows on their way%s\n",
			number_of(status, "local_flows"), synced ? "" : ", a dump is under way");
	else
		printf("local table: %lld flows, %s\n", number_of(status, "local_flows"),
			synced ? "equal to the kernel's"
			       : "not equal to the kernel's yet: a dump is under way");
	if (number_of(status, "local_silent"))
		printf("  silent: %lld (born unheard; looked for by dumps)\n",
			number_of(status, "local_silent"));
}

/* Role, peers and what is between them are nothing of such a daemon's. */
static void print_statistics(const json_t *status)
{
	printf("statistics only: no peers\n");
	print_local(status);
	printf("memory of tables: %lld bytes\n", number_of(status, "memory_bytes"));
}

static void print_status(const json_t *status)
{
	const json_t *peers = json_object_get(status, "peers");
	size_t i;
	json_t *peer;

	if (!strcmp(string_of(status, "purpose"), "stats")) {
		print_statistics(status);
		return;
	}
	printf("role: %s\n", string_of(status, "role"));
	printf("in sync: %s\n", truth_of(status, "in_sync") ? "yes" : "no");
	print_local(status);
	printf("held for peers: %lld flows\n", number_of(status, "remote_flows"));
	print_warm(status);
	if (number_of(status, "former_flows"))
		printf("  of a former process: %lld that no peer has told yet\n",
			number_of(status, "former_flows"));
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

static enum ctl_exit verb_status(
	const struct ctl *ctl, const struct verb *v, size_t argc, char **argv)
{
	struct client_answer answer;
	json_t *status;
	enum ctl_exit result =
		ask_object(ctl, json_pack("{s:s}", "verb", v->name), &status, &answer);

	(void)argc;
	(void)argv;
	if (status && ctl->format == CTL_TEXT)
		print_status(status);
	else
		print_object(ctl->format, "status", status);
	json_decref(status);
	return result;
}

static const char *const groups[] = {
	"all", "network", "cache", "queue", "process", "link", "expect", "runtime", NULL};

static enum ctl_exit verb_stats(
	const struct ctl *ctl, const struct verb *v, size_t argc, char **argv)
{
	struct client_answer answer;
	json_t *stats, *value;
	enum ctl_exit result;
	const char *name;

	if (argc > 0 && !verb_takes(v, groups, argv[0]))
		return CTL_USAGE;
	result = ask_object(ctl,
		argc > 0 ? json_pack("{s:s, s:s}", "verb", v->name, "group", argv[0])
			 : json_pack("{s:s}", "verb", v->name),
		&stats, &answer);
	if (stats && argc == 0 && ctl->format == CTL_TEXT) {
		json_object_foreach(stats, name, value)
			printf("%-24s %20lld\n", name, (long long)json_integer_value(value));
	} else {
		print_object(ctl->format, argc > 0 ? argv[0] : "stats", stats);
	}
	json_decref(stats);
	return result;
}

/* A table being printed. An XML document is begun when it is known that there will be one. */
struct shown {
	const char *root; /* NULL: no XML */
	bool begun;
};

static void begin(struct shown *shown)
{
	if (shown->root && !shown->begun)
		print_xml_begin(shown->root);
	shown->begun = true;
}

static int print_line(void *ctx, const char *line, size_t len)
{
	begin(ctx);
	if (fwrite(line, 1, len, stdout) != len || putchar('\n') == EOF) {
		if (errno != EPIPE)
			perror("ctsyncctl: writing");
		return -1;
	}
	return 0;
}

static const char *format_name(enum ctl_format format)
{
	switch (format) {
	case CTL_TEXT:
		break;
	case CTL_JSON:
		return "json";
	case CTL_XML:
		return "xml";
	}
	return "text";
}

/* show [flows|expectations] [local|remote]: at least one of the two; local if only the first. */
static enum ctl_exit verb_show(
	const struct ctl *ctl, const struct verb *v, size_t argc, char **argv)
{
	bool expectations = argc > 0 && !strcmp(argv[0], "expectations");
	bool named = expectations || (argc > 0 && !strcmp(argv[0], "flows"));
	const char *table = argc > named ? argv[named] : "local";
	struct shown shown = {0};
	enum ctl_exit result;
	json_t *request;

	if (argc == 0 || argc > 1U + named || (strcmp(table, "local") && strcmp(table, "remote"))) {
		fprintf(stderr, "ctsyncctl: %s takes %s, at least one of the two\n", v->name,
			v->arguments);
		return CTL_USAGE;
	}
	request = json_pack("{s:s, s:s, s:s}", "verb", v->name, "table", table, "format",
		format_name(ctl->format));
	if (expectations && request)
		json_object_set_new(request, "what", json_string(argv[0]));
	if (ctl->format == CTL_XML)
		shown.root = expectations ? "expect" : "conntrack";
	result = ask(ctl, request, print_line, &shown);
	if (result == CTL_DONE)
		begin(&shown);
	if (shown.begun && shown.root)
		print_xml_end(shown.root);
	return result;
}

const struct verb verbs_view[] = {
	{"status", verb_status, NULL, "role, peers, in sync or not and why, sizes, losses"},
	{"stats", verb_stats, "[all|network|cache|queue|process|link|expect|runtime]",
		"every counter, or the figures of a group"},
	{"show", verb_show, "[flows|expectations] [local|remote]",
		"the flows or expectations, one a line"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
