/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/control.h"
#include "io/control_client.h"
#include "unit.h"

static char dir[64], path[100];

/* A daemon that knows a few requests. */
struct server {
	struct loop loop;
	struct control control;
	unsigned requests, fills, closes;
	char last[CONTROL_REQUEST_BYTES];
	unsigned lines_left;
	uid_t uid;
	struct control_conn *parked;
};

static void on_request(void *ctx, struct control_conn *conn, char *line, size_t len)
{
	struct server *s = ctx;

	s->requests++;
	CU_ASSERT_EQUAL(strlen(line), len);
	strcpy(s->last, line);
	s->uid = control_peer(conn)->uid;
	control_set_user(conn, s);
	if (strcmp(line, "hello") == 0) {
		CU_ASSERT_TRUE(control_text(conn, "one\n\nthree", 10));
		CU_ASSERT_TRUE(control_text(conn, "", 0));
		control_finish(conn, 0, "all\nwell");
		CU_ASSERT_FALSE(control_text(conn, "late", 4));
		control_finish(conn, 1, "late");
	} else if (strcmp(line, "huge") == 0) {
		static char text[CONTROL_OUT_BYTES];

		memset(text, 'x', sizeof(text));
		CU_ASSERT_FALSE(control_text(conn, text, sizeof(text)));
		CU_ASSERT_TRUE(control_text(conn, text, control_room(conn)));
		CU_ASSERT_FALSE(control_text(conn, "x", 1));
		memset(text, 'm', 2000);
		text[2000] = '\0';
		control_finish(conn, 255, text);
	}
}

static enum control_fill fill(void *ctx, struct control_conn *conn)
{
	struct server *s = ctx;
	char line[100];

	CU_ASSERT_PTR_EQUAL(control_user(conn), s);
	CU_ASSERT_TRUE(control_room(conn) >= CONTROL_ROOM_BYTES - 2);
	s->fills++;
	if (strcmp(s->last, "wait") == 0 && s->lines_left == 0) {
		s->parked = conn;
		return CONTROL_WAIT;
	}
	for (int i = 0; i < 100 && s->lines_left > 0; i++) {
		memset(line, 'a', sizeof(line));
		CU_ASSERT_TRUE(control_text(conn, line, sizeof(line)));
		s->lines_left--;
	}
	if (s->lines_left == 0)
		control_finish(conn, 0, "done");
	return CONTROL_MORE;
}

static void on_close(void *ctx, struct control_conn *conn)
{
	struct server *s = ctx;

	if (s->parked == conn)
		s->parked = NULL;
	s->closes++;
}

static const struct control_ops ops = {on_request, fill, on_close};

static void server_init(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->uid = (uid_t)-1;
	CU_ASSERT_EQUAL_FATAL(loop_init(&s->loop), 0);
	CU_ASSERT_EQUAL_FATAL(control_open(&s->control, &s->loop, path, &ops, s), 0);
}

static void server_fini(struct server *s)
{
	control_close(&s->control);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	loop_fini(&s->loop);
}

/* Turns until there is nothing to do at once. */
static void run(struct server *s)
{
	while (loop_run_once(&s->loop, (mono){0}) > 0)
		;
}

static int dial(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(a.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything that is there; *eof tells whether the server has closed. */
static size_t hear(int fd, char *buf, size_t cap, bool *eof)
{
	size_t used = 0;
	ssize_t len = 1;

	while (used < cap - 1 && (len = recv(fd, buf + used, cap - 1 - used, 0)) > 0)
		used += (size_t)len;
	buf[used] = '\0';
	*eof = len == 0 || (len < 0 && errno == ECONNRESET);
	return used;
}

static void an_answer_is_framed_line_by_line(void)
{
	static struct server s;
	char buf[1024];
	struct stat st;
	bool eof;
	int fd;

	server_init(&s);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	fd = dial();
	say(fd, "hel");
	run(&s);
	CU_ASSERT_EQUAL(s.requests, 0);
	say(fd, "lo\n");
	run(&s);
	CU_ASSERT_EQUAL(s.requests, 1);
	CU_ASSERT_EQUAL(s.uid, getuid());
	hear(fd, buf, sizeof(buf), &eof);
	CU_ASSERT_STRING_EQUAL(buf, "+one\n+\n+three\n+\n=0 all well\n");
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_EQUAL(s.closes, 1);
	CU_ASSERT_EQUAL(s.control.count, 0);
	close(fd);
	server_fini(&s);
}

static void an_answer_never_passes_its_buffer(void)
{
	static struct server s;
	static char buf[2 * CONTROL_OUT_BYTES];
	size_t len;
	bool eof;
	int fd;

	server_init(&s);
	fd = dial();
	say(fd, "huge\n");
	run(&s);
	len = hear(fd, buf, sizeof(buf), &eof);
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_TRUE(len <= CONTROL_OUT_BYTES);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "x\n=255 mmmm"));
	CU_ASSERT_EQUAL(strlen(strrchr(buf, '=')), strlen("=255 \n") + CONTROL_MESSAGE_BYTES - 1);
	close(fd);
	server_fini(&s);
}

static void a_slow_reader_is_filled_as_it_reads(void)
{
	static struct server s;
	static char buf[1 << 20];
	const unsigned lines = 50000;
	size_t total = 0;
	unsigned stalls = 0;
	bool eof = false;
	int slow, quick;

	server_init(&s);
	s.lines_left = lines;
	slow = dial();
	say(slow, "many\n");
	run(&s); /* ends although the reader takes nothing */
	CU_ASSERT_TRUE(s.lines_left > lines / 2);
	quick = dial(); /* meanwhile another is served */
	say(quick, "hello\n");
	run(&s);
	CU_ASSERT_TRUE(hear(quick, buf, sizeof(buf), &eof) > 0 && eof);
	close(quick);
	eof = false;
	while (!eof && stalls < 100) {
		size_t len = hear(slow, buf, sizeof(buf), &eof);

		total += len;
		stalls = len ? 0 : stalls + 1;
		run(&s);
	}
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_EQUAL(total, lines * 102 + strlen("=0 done\n"));
	CU_ASSERT_EQUAL(s.closes, 2);
	close(slow);
	server_fini(&s);
}

static void a_waiting_answer_goes_on_when_resumed(void)
{
	static struct server s;
	static char buf[4096];
	unsigned fills;
	bool eof;
	int fd;

	server_init(&s);
	fd = dial();
	say(fd, "wait\n");
	run(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s.parked);
	fills = s.fills;
	run(&s);
	CU_ASSERT_EQUAL(s.fills, fills); /* asked once, not all the time */
	s.lines_left = 3;
	control_resume(s.parked);
	run(&s);
	CU_ASSERT_EQUAL(hear(fd, buf, sizeof(buf), &eof), 3 * 102 + strlen("=0 done\n"));
	CU_ASSERT_TRUE(eof);
	close(fd);
	/* and one that is finished from outside, its client gone meanwhile */
	fd = dial();
	say(fd, "wait\n");
	run(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s.parked);
	close(fd);
	run(&s);
	CU_ASSERT_PTR_NULL(s.parked);
	CU_ASSERT_EQUAL(s.closes, 2);
	server_fini(&s);
}

static void a_request_too_long_or_with_nul_is_dropped(void)
{
	static struct server s;
	static char buf[CONTROL_REQUEST_BYTES + 1];
	bool eof;
	int fd;

	server_init(&s);
	memset(buf, 'q', CONTROL_REQUEST_BYTES);
	fd = dial();
	say(fd, buf);
	run(&s);
	hear(fd, buf, sizeof(buf), &eof);
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_EQUAL(s.control.too_long, 1);
	close(fd);
	fd = dial();
	CU_ASSERT_EQUAL(send(fd, "a\0b\n", 4, 0), 4);
	run(&s);
	hear(fd, buf, sizeof(buf), &eof);
	CU_ASSERT_TRUE(eof);
	close(fd);
	/* the longest that is allowed */
	s.lines_left = 0;
	memset(buf, 'q', CONTROL_REQUEST_BYTES - 1);
	buf[CONTROL_REQUEST_BYTES - 1] = '\n';
	buf[CONTROL_REQUEST_BYTES] = '\0';
	fd = dial();
	say(fd, buf);
	run(&s);
	CU_ASSERT_EQUAL(s.requests, 1);
	CU_ASSERT_EQUAL(strlen(s.last), CONTROL_REQUEST_BYTES - 1);
	close(fd);
	server_fini(&s);
}

static void who_says_nothing_is_dropped_after_a_while(void)
{
	static struct server s;
	mono deadline;
	char buf[64];
	bool eof;
	int fd, waiting;

	server_init(&s);
	CU_ASSERT_TRUE(mono_is_never(control_deadline(&s.control)));
	waiting = dial();
	say(waiting, "wait\n");
	fd = dial();
	say(fd, "half a requ");
	run(&s);
	deadline = control_deadline(&s.control);
	CU_ASSERT_FALSE(mono_is_never(deadline));
	control_tick(&s.control, mono_add_ns(deadline, -1));
	CU_ASSERT_EQUAL(s.control.count, 2);
	control_tick(&s.control, deadline);
	CU_ASSERT_EQUAL(s.control.count, 1); /* the one that has asked may wait for ever */
	hear(fd, buf, sizeof(buf), &eof);
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_EQUAL(s.control.dropped, 1);
	CU_ASSERT_TRUE(mono_is_never(control_deadline(&s.control)));
	close(fd);
	close(waiting);
	server_fini(&s);
}

static void clients_are_bounded(void)
{
	static struct server s;
	int fds[CONTROL_CLIENTS_MAX + 1];
	char buf[64];
	bool eof;

	server_init(&s);
	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial();
		run(&s);
	}
	CU_ASSERT_EQUAL(s.control.count, CONTROL_CLIENTS_MAX);
	CU_ASSERT_EQUAL(s.control.refused, 1);
	hear(fds[CONTROL_CLIENTS_MAX], buf, sizeof(buf), &eof);
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_STRING_EQUAL(buf, "=1 too many clients\n");
	close(fds[0]);
	run(&s);
	CU_ASSERT_EQUAL(s.control.count, CONTROL_CLIENTS_MAX - 1);
	for (int i = 1; i <= CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	server_fini(&s);
}

/* The client stays in the kernel's queue; to look at it again and again would be a busy loop. */
static void without_a_descriptor_it_pauses(void)
{
	static struct server s;
	struct rlimit old, none;
	bool idle = true;
	int fd;

	server_init(&s);
	fd = dial();
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	CU_ASSERT_EQUAL(loop_run_once(&s.loop, (mono){0}), 1);
	for (int i = 0; i < 10; i++)
		idle = idle && loop_run_once(&s.loop, (mono){0}) == 0;
	CU_ASSERT_TRUE(idle);
	CU_ASSERT_EQUAL(s.control.paused, 1);
	CU_ASSERT_FALSE(mono_is_never(control_deadline(&s.control)));
	control_tick(&s.control, control_deadline(&s.control));
	CU_ASSERT_EQUAL(loop_run_once(&s.loop, (mono){0}), 1);
	CU_ASSERT_EQUAL(s.control.paused, 2);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	control_tick(&s.control, control_deadline(&s.control));
	run(&s);
	CU_ASSERT_EQUAL(s.control.count, 1);
	CU_ASSERT_EQUAL(s.control.refused, 0);
	close(fd);
	run(&s);
	CU_ASSERT_TRUE(mono_is_never(control_deadline(&s.control)));
	server_fini(&s);
}

static void a_stale_socket_is_replaced_a_live_one_is_not(void)
{
	static struct server s;
	static struct control second;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd); /* the file stays */
	server_init(&s);
	CU_ASSERT_EQUAL(control_open(&second, &s.loop, path, &ops, &s), -EADDRINUSE);
	CU_ASSERT_EQUAL(access(path, F_OK), 0); /* the live one's file is still there */
	run(&s);
	server_fini(&s);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(loop_init(&s.loop), 0);
	CU_ASSERT_EQUAL(control_open(&second, &s.loop, path, &ops, &s), -EEXIST);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	unlink(path);
	loop_fini(&s.loop);
}

/* ---- the client's side ---- */

static int count_line(void *ctx, const char *line, size_t len)
{
	unsigned *count = ctx;

	if (strlen(line) != len)
		return 1;
	++*count;
	return *count == 3;
}

/* Asks in a process of its own; returns what the request returned, negated (0 to 255). */
static int ask_in_child(
	struct server *s, const char *line, control_client_line_fn *fn, int want_status)
{
	pid_t pid = fork();
	int how;

	if (pid == 0) {
		char message[64];
		unsigned count = 0;
		int status = -1;
		int err = control_client_request(path, line, (struct control_patience){20000, NULL},
			fn, &count, &status, message, sizeof(message));

		if (!err && (status != want_status || message[0] == '\0'))
			err = -200;
		_exit(-err);
	}
	while (s->closes == 0)
		loop_run_once(&s->loop, MONO_NEVER);
	waitpid(pid, &how, 0);
	return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void the_client_gets_status_and_message(void)
{
	static struct server s;

	server_init(&s);
	CU_ASSERT_EQUAL(ask_in_child(&s, "huge", NULL, 255), 0);
	s.closes = 0;
	s.lines_left = 2;
	CU_ASSERT_EQUAL(ask_in_child(&s, "many", count_line, 0), 0);
	s.closes = 0;
	s.lines_left = 100000;
	CU_ASSERT_EQUAL(ask_in_child(&s, "many", count_line, 0), ECANCELED);
	server_fini(&s);
}

/* The answer is longer in coming than its client bears silence, but each probe is answered. */
static void the_client_waits_for_who_is_alive(void)
{
	static const struct control_patience patience = {4000, "hello"};
	static struct server s;
	pid_t pid;
	int how;

	server_init(&s);
	pid = fork();
	if (pid == 0) {
		int status = -1;
		int err = control_client_request(
			path, "wait", patience, NULL, NULL, &status, NULL, 0);

		_exit(err ? -err : status);
	}
	do { /* a quarter of 4 s before each of the probes */
		loop_run_once(&s.loop, MONO_NEVER);
		s.lines_left = s.closes == 5;
	} while (s.closes < 5 && (s.parked || s.requests == 0));
	CU_ASSERT_EQUAL(s.requests, 6);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s.parked);
	control_resume(s.parked);
	while (s.closes < 6)
		loop_run_once(&s.loop, MONO_NEVER);
	CU_ASSERT_EQUAL(waitpid(pid, &how, 0), pid);
	CU_ASSERT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	server_fini(&s);
}

/* A server that says what it is told, to a client of ours. */
static int ask_liar(const char *answer, struct control_patience patience)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status, err;
	char message[16];
	pid_t pid;

	strcpy(a.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	pid = fork();
	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		char request[64];

		/* The request has to be read, or closing would reset the connection. */
		if (recv(fd, request, sizeof(request), 0) < 0 ||
			recv(fd, request, 1, MSG_DONTWAIT | MSG_PEEK) < -1 ||
			(answer && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0))
			_exit(1);
		if (!answer) /* silent until the client goes */
			while (recv(fd, request, sizeof(request), 0) > 0)
				;
		shutdown(fd, SHUT_WR);
		while (recv(fd, request, sizeof(request), 0) > 0)
			;
		_exit(0);
	}
	close(listener);
	err = control_client_request(
		path, "x", patience, NULL, NULL, &status, message, sizeof(message));
	waitpid(pid, NULL, 0);
	unlink(path);
	return err;
}

static void the_client_tells_failures_apart(void)
{
	static char line[CONTROL_CLIENT_REQUEST_BYTES + 1];
	static const struct control_patience patient = {20000, NULL};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char message[16] = "old";
	int status, fd;

	CU_ASSERT_EQUAL(control_client_request(
				path, "x", patient, NULL, NULL, &status, message, sizeof(message)),
		-ECONNREFUSED);
	CU_ASSERT_STRING_EQUAL(message, "");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(a.sun_path, path);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	CU_ASSERT_EQUAL(control_client_request(path, "x", patient, NULL, NULL, &status, message, 0),
		-ECONNREFUSED);
	unlink(path);
	CU_ASSERT_EQUAL(
		control_client_request(path, "a\nb", patient, NULL, NULL, &status, message, 0),
		-EINVAL);
	memset(line, 'a', CONTROL_CLIENT_REQUEST_BYTES);
	CU_ASSERT_EQUAL(
		control_client_request(path, line, patient, NULL, NULL, &status, message, 0),
		-EINVAL);
	CU_ASSERT_EQUAL(ask_liar("+data\n", patient), -ECONNRESET);
	CU_ASSERT_EQUAL(ask_liar("", patient), -ECONNRESET);
	CU_ASSERT_EQUAL(ask_liar("=0 cut before its newline", patient), -ECONNRESET);
	CU_ASSERT_EQUAL(ask_liar("what is this\n", patient), -EPROTO);
	CU_ASSERT_EQUAL(ask_liar("=x y\n", patient), -EPROTO);
	CU_ASSERT_EQUAL(ask_liar("\n", patient), -EPROTO);
	CU_ASSERT_EQUAL(ask_liar("=7\n", patient), 0);
	CU_ASSERT_EQUAL(ask_liar(NULL, (struct control_patience){20, NULL}), -ETIMEDOUT);
	CU_ASSERT_EQUAL(ask_liar(NULL, (struct control_patience){40, "y"}), -ETIMEDOUT);
}

static const struct unit_test tests[] = {
	{"an answer is framed line by line", an_answer_is_framed_line_by_line},
	{"an answer never passes its buffer", an_answer_never_passes_its_buffer},
	{"a slow reader is filled as it reads", a_slow_reader_is_filled_as_it_reads},
	{"a waiting answer goes on when resumed", a_waiting_answer_goes_on_when_resumed},
	{"a request too long or with NUL is dropped", a_request_too_long_or_with_nul_is_dropped},
	{"who says nothing is dropped after a while", who_says_nothing_is_dropped_after_a_while},
	{"clients are bounded", clients_are_bounded},
	{"without a descriptor it pauses", without_a_descriptor_it_pauses},
	{"a stale socket is replaced, a live one is not",
		a_stale_socket_is_replaced_a_live_one_is_not},
	{"the client gets status and message", the_client_gets_status_and_message},
	{"the client waits for who is alive", the_client_waits_for_who_is_alive},
	{"the client tells failures apart", the_client_tells_failures_apart},
};

int main(void)
{
	int status;

	strcpy(dir, "/tmp/ctsync-control-XXXXXX");
	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/ctl", dir);
	status = unit_run("io control", tests, sizeof(tests) / sizeof(tests[0]));
	rmdir(dir);
	return status;
}
