/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "daemon/names.h"
#include "daemon/reply.h"
#include "daemon/report.h"
#include "daemon/request.h"
#include "daemon/service.h"
#include "io/log.h"

/* The digits that a double has for sure, not those of its binary form. */
#define SERVICE_JSON (JSON_COMPACT | JSON_REAL_PRECISION(9))

enum {
	SESSION_LINE_BYTES = 4096, /* of show: no flow's line is longer */
	SESSION_FLOWS_PER_FILL = 256, /* shown per turn, so that it holds up nobody */
};

struct session {
	struct session *next; /* in service.waiting */
	struct control_conn *conn; /* NULL once the client has gone */
	struct request request;
	uint64_t command_id; /* awaited; 0: none */
	uint64_t cursor; /* of show */
	uint64_t shown;
};

static void finish_ok(struct control_conn *conn)
{
	control_finish(conn, SERVICE_DONE, "done");
}

static void answer_object(struct control_conn *conn, json_t *object)
{
	char *text = object ? json_dumps(object, SERVICE_JSON) : NULL;

	if (text && control_text(conn, text, strlen(text)))
		finish_ok(conn);
	else
		control_finish(conn, SERVICE_FAILED, "out of memory");
	free(text);
	json_decref(object);
}

static void answer_status(struct service *s, struct control_conn *conn)
{
	struct engine_status status;

	engine_get_status(s->engine, loop_now(s->loop), &status);
	answer_object(conn, reply_status(&status));
}

static uint64_t give_command(struct service *s, enum engine_command_kind kind)
{
	struct engine_command command = {.kind = kind, .id = ++s->next_command};

	engine_command(s->engine, loop_now(s->loop), &command);
	return command.id;
}

/* The command that a verb stands for; the verbs that only show have none. */
static bool command_of_verb(enum request_verb verb, enum engine_command_kind *kind)
{
	switch (verb) {
	case REQUEST_COMMIT:
		*kind = ENGINE_COMMIT;
		return true;
	case REQUEST_FLUSH:
		*kind = ENGINE_FLUSH;
		return true;
	case REQUEST_RESYNC:
		*kind = ENGINE_RESYNC_KERNEL;
		return true;
	case REQUEST_BULK:
		*kind = ENGINE_BULK;
		return true;
	case REQUEST_PROMOTE:
		*kind = ENGINE_PROMOTE;
		return true;
	case REQUEST_DEMOTE:
		*kind = ENGINE_DEMOTE;
		return true;
	case REQUEST_FAULT:
		*kind = ENGINE_FAULT;
		return true;
	case REQUEST_STATUS:
	case REQUEST_STATS:
	case REQUEST_SHOW:
	case REQUEST_VERBS:
		break;
	}
	return false;
}

static void on_request(void *ctx, struct control_conn *conn, char *line, size_t len)
{
	struct service *s = ctx;
	char error[REQUEST_ERROR_BYTES];
	enum engine_command_kind kind;
	struct session *session;
	struct request request;

	if (request_parse(line, len, &request, error)) {
		s->malformed++;
		control_finish(conn, SERVICE_FAILED, error);
		return;
	}
	if (request.verb == REQUEST_STATUS) {
		answer_status(s, conn);
		return;
	}
	if (request.verb == REQUEST_STATS) {
		answer_object(conn, s->stats(s->stats_ctx));
		return;
	}
	session = calloc(1, sizeof(*session));
	if (!session) {
		control_finish(conn, SERVICE_FAILED, "out of memory");
		return;
	}
	session->conn = conn;
	session->request = request;
	control_set_user(conn, session);
	if (!command_of_verb(request.verb, &kind))
		return; /* show: fill() does it */
	if (request.verb == REQUEST_RESYNC)
		give_command(s, ENGINE_RESYNC_PEERS);
	session->next = s->waiting;
	s->waiting = session;
	session->command_id = give_command(s, kind);
}

static enum control_fill show(struct service *s, struct session *session)
{
	enum engine_table table =
		session->request.remote ? ENGINE_TABLE_REMOTE : ENGINE_TABLE_LOCAL;
	struct engine_flow_view view;

	for (unsigned i = 0; i < SESSION_FLOWS_PER_FILL; i++) {
		char line[SESSION_LINE_BYTES];
		struct text t = text_of(line, sizeof(line));

		if (control_room(session->conn) < sizeof(line))
			return CONTROL_MORE;
		if (!engine_show_next(
			    s->engine, loop_now(s->loop), table, &session->cursor, &view)) {
			finish_ok(session->conn);
			return CONTROL_MORE;
		}
		if (session->request.json)
			reply_flow_json(&t, &view);
		else
			reply_flow_text(&t, &view);
		CHECK(t.len < sizeof(line));
		session->shown++;
		CHECK(control_text(session->conn, line, t.len));
	}
	return CONTROL_MORE;
}

static enum control_fill fill(void *ctx, struct control_conn *conn)
{
	struct session *session = control_user(conn);

	if (session && session->request.verb == REQUEST_SHOW)
		return show(ctx, session);
	return CONTROL_WAIT; /* for service_on_done() */
}

static void forget_waiting(struct service *s, struct session *session)
{
	struct session **at = &s->waiting;

	while (*at && *at != session)
		at = &(*at)->next;
	if (*at)
		*at = session->next;
}

static void on_close(void *ctx, struct control_conn *conn)
{
	struct service *s = ctx;
	struct session *session = control_user(conn);

	if (!session)
		return;
	forget_waiting(s, session);
	free(session);
}

void service_on_done(struct service *s, const struct engine_event *event)
{
	struct session *session = s->waiting;
	char message[CONTROL_MESSAGE_BYTES];
	struct text t = text_of(message, sizeof(message));
	json_t *object;
	char *data;
	bool done;

	while (session && session->command_id != event->command_id)
		session = session->next;
	if (!session)
		return;
	forget_waiting(s, session);
	text_puts(&t, name_command(event->command));
	text_putc(&t, ' ');
	text_puts(&t, name_outcome(event->outcome));
	if (event->outcome == ENGINE_BUSY)
		text_puts(&t, ": another one is under way");
	if (event->written || event->refused || event->skipped) {
		text_puts(&t, ": ");
		report_outcome(&t, event);
	}
	object = reply_done(event);
	data = object ? json_dumps(object, SERVICE_JSON) : NULL;
	if (data)
		control_text(session->conn, data, strlen(data));
	free(data);
	json_decref(object);
	/* Some entries that the kernel refused make no failure of a takeover; all of them do. */
	done = event->outcome == ENGINE_OK ||
	       (event->outcome == ENGINE_PARTIAL && event->written > 0);
	control_finish(session->conn, done ? SERVICE_DONE : SERVICE_FAILED, message);
}

static const struct control_ops ops = {
	.on_request = on_request,
	.fill = fill,
	.on_close = on_close,
};

int service_open(struct service *s, struct loop *loop, struct engine *engine, const char *path)
{
	s->loop = loop;
	s->engine = engine;
	return control_open(&s->control, loop, path, &ops, s);
}

void service_close(struct service *s)
{
	if (s->loop)
		control_close(&s->control);
}
