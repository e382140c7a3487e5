/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "daemon/live.h"
#include "daemon/names.h"
#include "daemon/reply.h"
#include "daemon/reply_expect.h"
#include "daemon/reply_flow.h"
#include "daemon/reply_stats.h"
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
	bool purge_next; /* once the awaited one, a resync, is done */
	uint64_t cursor; /* of show */
	struct live *live; /* what is shown is the kernel's table, for want of our own */
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
	struct figures f;

	s->figures(s->ctx, &f);
	answer_object(conn, reply_status(&f.status, f.config));
}

static void answer_stats(struct service *s, struct control_conn *conn, enum request_group group)
{
	struct figures figures;

	s->figures(s->ctx, &figures);
	answer_object(conn, reply_stats(&figures, group));
}

/* The client learns whose end it may wait for. */
static void answer_kill(struct service *s, struct control_conn *conn)
{
	char line[40];
	struct text t = text_of(line, sizeof(line));

	text_puts(&t, "{\"pid\":");
	text_i64(&t, getpid());
	text_putc(&t, '}');
	control_text(conn, line, t.len);
	control_finish(conn, SERVICE_DONE, "stopping");
	s->stop(s->ctx);
}

static uint64_t give_command(
	struct service *s, enum engine_command_kind kind, const struct request *request)
{
	struct engine_command command = {
		.kind = kind,
		.id = ++s->next_command,
		.scope = request->scope,
		.tables = request->tables,
	};

	s->catch_up(s->ctx);
	engine_command(s->engine, loop_now(s->loop), &command);
	return command.id;
}

/* The command that a verb stands for; the verbs that only show, and kill, have none. */
static bool command_of_verb(enum request_verb verb, enum engine_command_kind *kind)
{
	static const struct {
		bool is_command;
		enum engine_command_kind kind;
	} commands[REQUEST_VERBS] = {
		[REQUEST_COMMIT] = {true, ENGINE_COMMIT},
		[REQUEST_FLUSH] = {true, ENGINE_FLUSH},
		[REQUEST_RESYNC] = {true, ENGINE_RESYNC_KERNEL},
		[REQUEST_RESYNC_KERNEL] = {true, ENGINE_RESYNC_KERNEL},
		[REQUEST_RESYNC_PEERS] = {true, ENGINE_RESYNC_PEERS},
		[REQUEST_BULK] = {true, ENGINE_BULK},
		[REQUEST_PURGE] = {true, ENGINE_PURGE},
		[REQUEST_PURGE_LATER] = {true, ENGINE_PURGE_LATER},
		[REQUEST_PROMOTE] = {true, ENGINE_PROMOTE},
		[REQUEST_DEMOTE] = {true, ENGINE_DEMOTE},
		[REQUEST_FAULT] = {true, ENGINE_FAULT},
	};

	*kind = commands[verb].kind;
	return commands[verb].is_command;
}

/*
 * What is about peers. Where the daemon only keeps statistics it must not seem to be done, least of
 * all the demotion, which would empty the kernel's table after PurgeTimeout.
 */
static bool is_about_peers(enum request_verb verb)
{
	switch (verb) {
	case REQUEST_COMMIT:
	case REQUEST_RESYNC_PEERS:
	case REQUEST_BULK:
	case REQUEST_PURGE_LATER:
	case REQUEST_PROMOTE:
	case REQUEST_DEMOTE:
	case REQUEST_FAULT:
		return true;
	case REQUEST_STATUS:
	case REQUEST_STATS:
	case REQUEST_SHOW:
	case REQUEST_FLUSH:
	case REQUEST_RESYNC:
	case REQUEST_RESYNC_KERNEL:
	case REQUEST_PURGE:
	case REQUEST_KILL:
	case REQUEST_VERBS:
		break;
	}
	return false;
}

static void refuse_in_stats(struct control_conn *conn, enum request_verb verb)
{
	char message[128];
	struct text t = text_of(message, sizeof(message));

	text_puts(&t, request_verb_name(verb));
	text_puts(&t, ": this daemon has no peers, it only keeps statistics (Stats)");
	control_finish(conn, SERVICE_FAILED, message);
}

static void count_request(struct service *s, enum engine_command_kind kind)
{
	s->purges += kind == ENGINE_PURGE;
	s->resyncs += kind == ENGINE_RESYNC_KERNEL;
}

/* A verb that takes more than one turn: what it needs until its end. NULL: it has been refused. */
static struct session *open_session(struct control_conn *conn, const struct request *request)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session) {
		control_finish(conn, SERVICE_FAILED, "out of memory");
		return NULL;
	}
	session->conn = conn;
	session->request = *request;
	control_set_user(conn, session);
	return session;
}

/* What is not in the local table is not purged: after a flush it has to be read again before. */
static bool must_read_before(struct service *s, enum engine_command_kind kind)
{
	struct engine_status status;

	if (kind != ENGINE_PURGE)
		return false;
	engine_get_status(s->engine, loop_now(s->loop), &status);
	return !status.kernel_synced;
}

static void on_command(struct service *s, struct control_conn *conn, const struct request *request,
	enum engine_command_kind kind)
{
	struct session *session;

	if (request->no_wait) {
		give_command(s, kind, request);
		control_finish(conn, SERVICE_DONE, "begun");
		return;
	}
	session = open_session(conn, request);
	if (!session)
		return;
	count_request(s, kind);
	if (request->verb == REQUEST_RESYNC)
		give_command(s, ENGINE_RESYNC_PEERS, request);
	session->next = s->waiting;
	s->waiting = session;
	session->purge_next = must_read_before(s, kind);
	session->command_id =
		give_command(s, session->purge_next ? ENGINE_RESYNC_KERNEL : kind, request);
}

/* What can be said of one of the kernel's entries. conntrackd tells its timeout, and no age. */
static void print_live(const struct request *r, struct text *t, const struct flow *flow,
	const struct expect *expect)
{
	enum request_format format = r->format == REQUEST_DUMP	     ? REQUEST_TEXT
				     : r->format == REQUEST_DUMP_XML ? REQUEST_XML
								     : r->format;
	struct engine_flow_view view = {.expires_ms = -1};
	struct engine_expect_view expect_view = {.expires_ms = -1};

	if (flow) {
		view.flow = *flow;
		reply_flow(t, &view, ENGINE_TABLE_LOCAL, format);
	} else {
		expect_view.expect = *expect;
		reply_expect(t, &expect_view, format);
	}
}

/* Prints the next entry of the kernel's table. */
static enum live_next live_show_next(struct session *session, struct text *t)
{
	const struct flow *flow;
	const struct expect *expect;
	enum live_next next = live_next(session->live, &flow, &expect);

	if (next == LIVE_ONE)
		print_live(&session->request, t, flow, expect);
	return next;
}

/* Prints the next entry of the table that is shown. */
static enum live_next show_next(struct service *s, struct session *session, struct text *t)
{
	const struct request *r = &session->request;
	enum engine_table table = r->remote ? ENGINE_TABLE_REMOTE : ENGINE_TABLE_LOCAL;
	mono now = loop_now(s->loop);

	if (session->live)
		return live_show_next(session, t);
	if (r->expectations) {
		struct engine_expect_view view;

		if (!engine_show_next_expect(s->engine, now, table, &session->cursor, &view))
			return LIVE_END;
		reply_expect(t, &view, r->format);
	} else {
		struct engine_flow_view view;

		if (!engine_show_next(s->engine, now, table, &session->cursor, &view))
			return LIVE_END;
		reply_flow(t, &view, table, r->format);
	}
	return LIVE_ONE;
}

static enum control_fill show(struct service *s, struct session *session)
{
	for (unsigned i = 0; i < SESSION_FLOWS_PER_FILL; i++) {
		char line[SESSION_LINE_BYTES];
		struct text t = text_of(line, sizeof(line));

		if (control_room(session->conn) < sizeof(line))
			return CONTROL_MORE;
		switch (show_next(s, session, &t)) {
		case LIVE_ONE:
			break;
		case LIVE_LATER:
			return CONTROL_MORE;
		case LIVE_END:
			finish_ok(session->conn);
			return CONTROL_MORE;
		case LIVE_FAILED:
			control_finish(
				session->conn, SERVICE_FAILED, "the kernel's table cannot be read");
			return CONTROL_MORE;
		}
		CHECK(t.len < sizeof(line));
		CHECK(control_text(session->conn, line, t.len));
	}
	return CONTROL_MORE;
}

/* fill() does the rest. */
static void begin_show(struct service *s, struct control_conn *conn, const struct request *request)
{
	const struct config_sync *sync = &s->config->sync;
	struct session *session = open_session(conn, request);

	if (!session || request->remote || !sync->disable_internal_cache)
		return;
	if (request->expectations && !sync->expectation_sync.on)
		return;
	session->live = calloc(1, sizeof(*session->live));
	if (!session->live || live_open(session->live, &s->config->general.filter,
				      request->expectations ? &sync->expectation_sync : NULL))
		control_finish(conn, SERVICE_FAILED, "the kernel's table cannot be read");
}

static void on_request(void *ctx, struct control_conn *conn, char *line, size_t len)
{
	struct service *s = ctx;
	char error[REQUEST_ERROR_BYTES];
	enum engine_command_kind kind;
	struct request request;

	if (request_parse(line, len, &request, error)) {
		s->malformed++;
		control_finish(conn, SERVICE_FAILED, error);
	} else if (request.verb == REQUEST_STATUS) {
		answer_status(s, conn);
	} else if (request.verb == REQUEST_STATS) {
		answer_stats(s, conn, request.group);
	} else if (request.verb == REQUEST_KILL) {
		answer_kill(s, conn);
	} else if (s->config->purpose == CONFIG_STATS && is_about_peers(request.verb)) {
		refuse_in_stats(conn, request.verb);
	} else if (command_of_verb(request.verb, &kind)) {
		on_command(s, conn, &request, kind);
	} else {
		begin_show(s, conn, &request);
	}
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
	if (session->live)
		live_close(session->live);
	free(session->live);
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
	if (session->purge_next && event->outcome == ENGINE_OK) {
		session->purge_next = false;
		session->command_id = give_command(s, ENGINE_PURGE, &session->request);
		return;
	}
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
