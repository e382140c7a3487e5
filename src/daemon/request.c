/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "daemon/request.h"

static const char *const verb_names[REQUEST_VERBS] = {
	[REQUEST_STATUS] = "status",
	[REQUEST_STATS] = "stats",
	[REQUEST_SHOW] = "show",
	[REQUEST_COMMIT] = "commit",
	[REQUEST_FLUSH] = "flush",
	[REQUEST_RESYNC] = "resync",
	[REQUEST_BULK] = "bulk",
	[REQUEST_PROMOTE] = "promote",
	[REQUEST_DEMOTE] = "demote",
	[REQUEST_FAULT] = "fault",
};

const char *request_verb_name(enum request_verb verb)
{
	CHECK(verb < REQUEST_VERBS);
	return verb_names[verb];
}

static int refuse(char error[REQUEST_ERROR_BYTES], const char *what, const char *found)
{
	/* What a client sent goes back to it and into the log: printable characters only. */
	char clean[40];
	size_t n = 0;

	for (; found && found[n] && n < sizeof(clean) - 1; n++)
		clean[n] = found[n] >= ' ' && found[n] < 127 ? found[n] : '?';
	clean[n] = '\0';
	snprintf(error, REQUEST_ERROR_BYTES, "%s%s%s%s", what, found ? " '" : "", clean,
		found ? "'" : "");
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

/* A member whose value is one of two words; *out tells whether it is the second one. */
static int parse_choice(
	const json_t *value, const char *no, const char *yes, bool *out, char *error)
{
	const char *word = json_string_value(value);

	if (word && (!strcmp(word, no) || !strcmp(word, yes))) {
		*out = !strcmp(word, yes);
		return 0;
	}
	return refuse(error,
		yes[0] == 'r' ? "\"table\" must be local or remote"
			      : "\"format\" must be text or json",
		word);
}

static int parse_members(json_t *object, struct request *request, char *error)
{
	bool has_verb = false, has_table = false, has_format = false;
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(object, key, value)
	{
		if (!strcmp(key, "verb")) {
			has_verb = true;
			err = parse_verb(value, request, error);
		} else if (!strcmp(key, "table")) {
			has_table = true;
			err = parse_choice(value, "local", "remote", &request->remote, error);
		} else if (!strcmp(key, "format")) {
			has_format = true;
			err = parse_choice(value, "text", "json", &request->json, error);
		} else {
			err = refuse(error, "unknown member", key);
		}
		if (err)
			return err;
	}
	if (!has_verb)
		return refuse(error, "\"verb\" is missing", NULL);
	if ((has_table || has_format) && request->verb != REQUEST_SHOW)
		return refuse(error, "\"table\" and \"format\" belong to show alone", NULL);
	if (request->verb == REQUEST_SHOW && !has_table)
		return refuse(error, "\"table\" is missing", NULL);
	return 0;
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
