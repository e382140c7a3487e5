/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "daemon/request.h"

static const char *const verb_names[REQUEST_VERBS] = {
	[REQUEST_STATUS] = "status",
	[REQUEST_STATS] = "stats",
	[REQUEST_SHOW] = "show",
	[REQUEST_COMMIT] = "commit",
	[REQUEST_FLUSH] = "flush",
	[REQUEST_RESYNC] = "resync",
	[REQUEST_RESYNC_KERNEL] = "resync-kernel",
	[REQUEST_RESYNC_PEERS] = "resync-peers",
	[REQUEST_BULK] = "bulk",
	[REQUEST_PURGE] = "purge",
	[REQUEST_PURGE_LATER] = "purge-later",
	[REQUEST_PROMOTE] = "promote",
	[REQUEST_DEMOTE] = "demote",
	[REQUEST_FAULT] = "fault",
	[REQUEST_KILL] = "kill",
};

enum member {
	MEMBER_WHAT,
	MEMBER_TABLE,
	MEMBER_FORMAT,
	MEMBER_GROUP,
	MEMBER_SCOPE,
	MEMBER_TABLES,
	MEMBER_WAIT,
	MEMBERS,
};

enum { WORDS_MAX = REQUEST_GROUPS };

/* words: in the order of the enumeration that they stand for, from `first` on. */
static const struct {
	const char *name;
	unsigned verbs; /* bit n: enum request_verb n takes it */
	unsigned first;
	const char *words[WORDS_MAX];
} members[MEMBERS] = {
	[MEMBER_WHAT] = {"what", 1 << REQUEST_SHOW, 0, {"flows", "expectations"}},
	[MEMBER_TABLE] = {"table", 1 << REQUEST_SHOW, 0, {"local", "remote"}},
	[MEMBER_FORMAT] = {"format", 1 << REQUEST_SHOW, 0,
		{"text", "json", "xml", "conntrackd", "conntrackd-xml"}},
	[MEMBER_GROUP] = {"group", 1 << REQUEST_STATS, REQUEST_GROUP_ALL,
		{"all", "network", "cache", "queue", "process", "link", "expect", "runtime"}},
	[MEMBER_SCOPE] = {"scope",
		1 << REQUEST_COMMIT | 1 << REQUEST_RESYNC | 1 << REQUEST_RESYNC_KERNEL |
			1 << REQUEST_PURGE,
		0, {"all", "flows", "expectations"}},
	[MEMBER_TABLES] = {"tables", 1 << REQUEST_FLUSH, 0, {"all", "local", "remote"}},
	[MEMBER_WAIT] = {"wait", 1 << REQUEST_BULK, 0, {"yes", "no"}},
};

const char *request_verb_name(enum request_verb verb)
{
	CHECK(verb < REQUEST_VERBS);
	return verb_names[verb];
}

const char *request_group_name(enum request_group group)
{
	CHECK(group >= REQUEST_GROUP_ALL && group < REQUEST_GROUPS);
	return members[MEMBER_GROUP].words[group - REQUEST_GROUP_ALL];
}

/* What a client sent goes back to it and into the log: a few printable characters of it. */
static void put_found(struct text *t, const char *found)
{
	text_puts(t, " '");
	for (size_t n = 0; found[n] && n < 39; n++)
		text_putc(t, found[n] >= ' ' && found[n] < 127 ? found[n] : '?');
	text_putc(t, '\'');
}

static int refuse(char *error, const char *what, const char *found)
{
	struct text t = text_of(error, REQUEST_ERROR_BYTES);

	text_puts(&t, what);
	if (found)
		put_found(&t, found);
	return -EINVAL;
}

static int refuse_word(char *error, enum member m, const char *found)
{
	struct text t = text_of(error, REQUEST_ERROR_BYTES);

	text_putc(&t, '"');
	text_puts(&t, members[m].name);
	text_puts(&t, "\" must be ");
	for (unsigned i = 0; i < WORDS_MAX && members[m].words[i]; i++) {
		bool last = i + 1 == WORDS_MAX || !members[m].words[i + 1];

		text_puts(&t, i == 0 ? "" : last ? " or " : ", ");
		text_puts(&t, members[m].words[i]);
	}
	if (found)
		put_found(&t, found);
	return -EINVAL;
}

static int parse_verb(const json_t *value, struct request *request, char *error)
{
	const char *name = json_string_value(value);

	if (!name)
		return refuse(error, "\"verb\" must be a string", NULL);
	for (unsigned i = 0; i < REQUEST_VERBS; i++)
		if (!strcmp(name, verb_names[i])) {
			request->verb = (enum request_verb)i;
			return 0;
		}
	return refuse(error, "unknown verb", name);
}

static void set_member(struct request *request, enum member m, unsigned value)
{
	switch (m) {
	case MEMBER_WHAT:
		request->expectations = value;
		break;
	case MEMBER_TABLE:
		request->remote = value;
		break;
	case MEMBER_FORMAT:
		request->format = (enum request_format)value;
		break;
	case MEMBER_GROUP:
		request->group = (enum request_group)value;
		break;
	case MEMBER_SCOPE:
		request->scope = (enum engine_scope)value;
		break;
	case MEMBER_TABLES:
		request->tables = (enum engine_tables)value;
		break;
	case MEMBER_WAIT:
		request->no_wait = value;
		break;
	case MEMBERS:
		break;
	}
}

static int parse_member(const json_t *value, enum member m, struct request *request, char *error)
{
	const char *word = json_string_value(value);

	for (unsigned i = 0; word && i < WORDS_MAX && members[m].words[i]; i++)
		if (!strcmp(word, members[m].words[i])) {
			set_member(request, m, members[m].first + i);
			return 0;
		}
	return refuse_word(error, m, word);
}

static int check_members(
	const struct request *request, bool has_verb, const bool has[MEMBERS], char *error)
{
	if (!has_verb)
		return refuse(error, "\"verb\" is missing", NULL);
	for (unsigned m = 0; m < MEMBERS; m++)
		if (has[m] && !(members[m].verbs >> request->verb & 1)) {
			struct text t = text_of(error, REQUEST_ERROR_BYTES);

			text_puts(&t, request_verb_name(request->verb));
			text_puts(&t, " takes no \"");
			text_puts(&t, members[m].name);
			text_putc(&t, '"');
			return -EINVAL;
		}
	if (request->verb == REQUEST_SHOW && !has[MEMBER_TABLE])
		return refuse(error, "\"table\" is missing", NULL);
	return 0;
}

static int parse_members(json_t *object, struct request *request, char *error)
{
	bool has_verb = false, has[MEMBERS] = {0};
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(object, key, value)
	{
		unsigned m = 0;

		if (!strcmp(key, "verb")) {
			has_verb = true;
			err = parse_verb(value, request, error);
		} else {
			while (m < MEMBERS && strcmp(key, members[m].name))
				m++;
			if (m == MEMBERS)
				return refuse(error, "unknown member", key);
			has[m] = true;
			err = parse_member(value, (enum member)m, request, error);
		}
		if (err)
			return err;
	}
	return check_members(request, has_verb, has, error);
}

int request_parse(
	const char *line, size_t len, struct request *request, char error[REQUEST_ERROR_BYTES])
{
	json_error_t where;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	int err;

	*request = (struct request){0};
	error[0] = '\0';
	if (!json_is_object(object))
		err = refuse(error, "a request is one JSON object a line", NULL);
	else
		err = parse_members(object, request, error);
	json_decref(object);
	return err;
}
