/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "io/control.h"

enum {
	/* '=', a number, a blank, the message, newline: kept free for the end of the answer. */
	FINAL_BYTES = 1 + 11 + 1 + CONTROL_MESSAGE_BYTES + 1,
	BACKLOG = 64,
	ACCEPTS_PER_TURN = 16,
	FILLS_PER_TURN = 64, /* so that one client that reads fast does not stop the others */
};

struct control_conn {
	struct control *control;
	unsigned slot;
	struct loop_watch watch;
	struct ucred peer;
	void *user;
	mono since; /* connected, or last progress in writing */
	bool has_request, finished, waiting;
	size_t in_used;
	size_t out_at, out_used; /* unsent: [out_at, out_used) */
	char in[CONTROL_REQUEST_BYTES];
	char out[CONTROL_OUT_BYTES];
};

static size_t pending(const struct control_conn *c)
{
	return c->out_used - c->out_at;
}

static void make_room(struct control_conn *c)
{
	if (c->out_at == 0)
		return;
	memmove(c->out, c->out + c->out_at, pending(c));
	c->out_used -= c->out_at;
	c->out_at = 0;
}

static void drop(struct control_conn *c)
{
	struct control *ctl = c->control;

	if (c->has_request && ctl->ops->on_close)
		ctl->ops->on_close(ctl->ctx, c);
	loop_remove(ctl->loop, &c->watch);
	close(c->watch.fd);
	ctl->conns[c->slot] = NULL;
	ctl->count--;
	free(c);
}

/* ---- answers ---- */

/* Bytes of room for data lines. */
static size_t data_room(const struct control_conn *c)
{
	size_t used = pending(c) + FINAL_BYTES;

	return c->finished || used > sizeof(c->out) ? 0 : sizeof(c->out) - used;
}

size_t control_room(const struct control_conn *c)
{
	size_t room = data_room(c);

	return room > 2 ? room - 2 : 0; /* the tag and the newline */
}

/* Wakes the loop up for this connection: it has to write, or fill may be asked. */
static void arm(struct control_conn *c)
{
	bool write = pending(c) > 0 ||
		     (c->has_request && !c->finished && !c->waiting && c->control->ops->fill);

	/* Cannot fail on a watched descriptor but for want of memory; the next turn tries again. */
	(void)loop_want(c->control->loop, &c->watch,
		(c->has_request ? 0 : LOOP_READ) | (write || c->finished ? LOOP_WRITE : 0));
}

bool control_text(struct control_conn *c, const char *text, size_t len)
{
	const char *end = text + len;
	size_t lines = 0;

	for (const char *p = text; p < end; p++)
		lines += *p == '\n';
	if (len > 0 && end[-1] != '\n')
		lines++;
	if (len == 0)
		lines = 1;
	/* Never more than this: a tag and perhaps a newline for each line. */
	if (len + 2 * lines > data_room(c))
		return false;
	make_room(c);
	do {
		const char *nl = len > 0 ? memchr(text, '\n', (size_t)(end - text)) : NULL;
		size_t n = (size_t)((nl ? nl : end) - text);

		c->out[c->out_used++] = '+';
		if (n > 0)
			memcpy(c->out + c->out_used, text, n);
		c->out_used += n;
		c->out[c->out_used++] = '\n';
		text += n + (nl != NULL);
	} while (text < end);
	arm(c);
	return true;
}

void control_finish(struct control_conn *c, int status, const char *message)
{
	struct text t;

	if (c->finished)
		return;
	make_room(c);
	CHECK(sizeof(c->out) - c->out_used >= FINAL_BYTES);
	t = text_of(c->out + c->out_used, FINAL_BYTES);
	text_putc(&t, '=');
	text_i64(&t, status);
	text_putc(&t, ' ');
	for (size_t i = 0; message[i] && i < CONTROL_MESSAGE_BYTES - 1; i++)
		text_putc(&t, message[i] == '\n' ? ' ' : message[i]);
	text_putc(&t, '\n');
	c->out_used += t.len;
	c->finished = true;
	arm(c);
}

void control_resume(struct control_conn *c)
{
	c->waiting = false;
	arm(c);
}

void control_set_user(struct control_conn *c, void *user)
{
	c->user = user;
}

void *control_user(const struct control_conn *c)
{
	return c->user;
}

const struct ucred *control_peer(const struct control_conn *c)
{
	return &c->peer;
}

/* ---- one connection ---- */

/* Asks for more of the answer while there is room for a good piece of it. */
static void fill(struct control_conn *c)
{
	struct control *ctl = c->control;

	for (int i = 0; i < FILLS_PER_TURN; i++) {
		if (!c->has_request || c->finished || c->waiting ||
			data_room(c) < CONTROL_ROOM_BYTES)
			break;
		if (!ctl->ops->fill)
			break;
		switch (ctl->ops->fill(ctl->ctx, c)) {
		case CONTROL_MORE:
			break;
		case CONTROL_WAIT:
			c->waiting = true;
			break;
		}
	}
}

/* Writes what can be written; false: the client has gone. */
static bool flush(struct control_conn *c)
{
	ssize_t done;

	while (pending(c) > 0) {
		done = send(c->watch.fd, c->out + c->out_at, pending(c), MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EAGAIN;
		c->out_at += (size_t)done;
		c->since = loop_now(c->control->loop);
	}
	c->out_at = c->out_used = 0;
	return true;
}

/* The request has come in full: in[0..len) and a newline. */
static void take_request(struct control_conn *c, size_t len)
{
	struct control *ctl = c->control;

	c->in[len] = '\0';
	c->has_request = true;
	ctl->ops->on_request(ctl->ctx, c, c->in, len);
}

/* Reads the request; false: the connection is of no use any more. */
static bool read_request(struct control_conn *c)
{
	const char *newline;
	ssize_t len;

	do {
		len = recv(c->watch.fd, c->in + c->in_used, sizeof(c->in) - c->in_used, 0);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN;
	if (len == 0)
		return false;
	newline = memchr(c->in + c->in_used, '\n', (size_t)len);
	c->in_used += (size_t)len;
	if (newline) {
		size_t n = (size_t)(newline - c->in);

		if (memchr(c->in, '\0', n))
			return false;
		take_request(c, n);
	} else if (c->in_used == sizeof(c->in)) {
		c->control->too_long++;
		return false;
	}
	return true;
}

static void on_conn(void *ctx, unsigned ready)
{
	struct control_conn *c = ctx;
	bool alive = true;

	if (!c->has_request && (ready & LOOP_READ))
		alive = read_request(c);
	/* Nothing more is read: a client that has closed shows by an error in writing or a hangup.
	 */
	if (alive && c->has_request && (ready & LOOP_HANGUP))
		alive = false;
	if (alive) {
		fill(c);
		alive = flush(c);
	}
	if (!alive || (c->finished && pending(c) == 0)) {
		drop(c);
		return;
	}
	arm(c);
}

/* ---- the listening socket ---- */

/* The connection that has made no progress for longest, if it is long enough; or NULL. */
static struct control_conn *most_stalled(struct control *ctl, mono now)
{
	struct control_conn *worst = NULL;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_conn *c = ctl->conns[i];

		if (c && pending(c) > 0 && (!worst || mono_before(c->since, worst->since)))
			worst = c;
	}
	if (!worst || !mono_reached(now, mono_add_sec(worst->since, CONTROL_STALL_S)))
		return NULL;
	return worst;
}

static void refuse(struct control *ctl, int fd)
{
	static const char busy[] = "=1 too many clients\n";

	(void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	ctl->refused++;
}

static void take_client(struct control *ctl, int fd)
{
	struct control_conn *c;
	socklen_t len = sizeof(c->peer);
	unsigned slot = 0;

	if (ctl->count == CONTROL_CLIENTS_MAX) {
		c = most_stalled(ctl, loop_now(ctl->loop));
		if (c) {
			drop(c);
			ctl->dropped++;
		}
	}
	while (slot < CONTROL_CLIENTS_MAX && ctl->conns[slot])
		slot++;
	c = slot < CONTROL_CLIENTS_MAX ? malloc(sizeof(*c)) : NULL;
	if (!c) {
		refuse(ctl, fd);
		return;
	}
	/* Not the buffers: they are no secret of the former user's and 64 KiB long. */
	memset(c, 0, offsetof(struct control_conn, in));
	c->control = ctl;
	c->slot = slot;
	c->since = loop_now(ctl->loop);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) < 0 ||
		loop_add(ctl->loop, &c->watch, fd, LOOP_READ, on_conn, c)) {
		free(c);
		refuse(ctl, fd);
		return;
	}
	ctl->conns[slot] = c;
	ctl->count++;
	ctl->accepted++;
}

/*
 * No descriptor or no memory: the client stays in the kernel's queue, so that epoll would remind us
 * of it at once, and again.
 */
static void pause_listening(struct control *ctl)
{
	if (loop_want(ctl->loop, &ctl->watch, 0))
		return;
	ctl->paused_until = mono_add_ms(loop_now(ctl->loop), CONTROL_PAUSE_MS);
	ctl->paused++;
}

static void end_pause(struct control *ctl, mono now)
{
	if (mono_is_never(ctl->paused_until) || !mono_reached(now, ctl->paused_until))
		return;
	if (loop_want(ctl->loop, &ctl->watch, LOOP_READ))
		ctl->paused_until = mono_add_ms(now, CONTROL_PAUSE_MS);
	else
		ctl->paused_until = MONO_NEVER;
}

static void on_listener(void *ctx, unsigned ready)
{
	struct control *ctl = ctx;

	(void)ready;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			take_client(ctl, fd);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR && errno != ECONNABORTED) {
			pause_listening(ctl);
			return;
		}
	}
}

/* Is somebody listening at the socket file? 0: no, and it may go; otherwise a negative errno. */
static int check_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(addr->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		err = -EADDRINUSE; /* EAGAIN: its queue of clients is full, so it lives */
	else if (errno != ECONNREFUSED)
		err = -errno;
	close(fd);
	return err;
}

static int bind_path(struct control *ctl)
{
	const struct sockaddr *addr = (const struct sockaddr *)&ctl->addr;
	mode_t mask = umask(0177); /* the file is private from its first moment on */
	int err = 0;

	if (bind(ctl->fd, addr, sizeof(ctl->addr)) < 0)
		err = -errno;
	if (err == -EADDRINUSE) {
		err = check_stale(&ctl->addr);
		if (!err && unlink(ctl->addr.sun_path) < 0)
			err = -errno;
		if (!err && bind(ctl->fd, addr, sizeof(ctl->addr)) < 0)
			err = -errno;
	}
	umask(mask);
	return err;
}

int control_open(struct control *ctl, struct loop *loop, const char *path,
	const struct control_ops *ops, void *ctx)
{
	int err;

	*ctl = (struct control){
		.loop = loop, .fd = -1, .ops = ops, .ctx = ctx, .paused_until = MONO_NEVER};
	ctl->addr.sun_family = AF_UNIX;
	if (path[0] == '\0')
		return -EINVAL;
	if (strlen(path) >= sizeof(ctl->addr.sun_path))
		return -ENAMETOOLONG;
	text_copy(ctl->addr.sun_path, sizeof(ctl->addr.sun_path), path);
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->fd < 0)
		return -errno;
	err = bind_path(ctl);
	if (!err) {
		ctl->bound = true;
		err = listen(ctl->fd, BACKLOG) < 0 ? -errno : 0;
	}
	if (!err)
		err = loop_add(loop, &ctl->watch, ctl->fd, LOOP_READ, on_listener, ctl);
	if (err)
		control_close(ctl);
	return err;
}

void control_close(struct control *ctl)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (ctl->conns[i]) {
			(void)flush(ctl->conns[i]); /* a last answer, if the client takes it */
			drop(ctl->conns[i]);
		}
	if (ctl->watch.in_loop)
		loop_remove(ctl->loop, &ctl->watch);
	if (ctl->bound)
		(void)unlink(ctl->addr.sun_path);
	if (ctl->fd >= 0)
		close(ctl->fd);
	ctl->bound = false;
	ctl->fd = -1;
}

static mono idle_until(const struct control_conn *c)
{
	return c->has_request ? MONO_NEVER : mono_add_sec(c->since, CONTROL_IDLE_S);
}

void control_tick(struct control *ctl, mono now)
{
	end_pause(ctl, now);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_conn *c = ctl->conns[i];

		if (c && mono_reached(now, idle_until(c))) {
			drop(c);
			ctl->dropped++;
		}
	}
}

mono control_deadline(const struct control *ctl)
{
	mono first = ctl->paused_until;

	for (unsigned i = 0; ctl->count > 0 && i < CONTROL_CLIENTS_MAX; i++)
		if (ctl->conns[i])
			first = mono_min(first, idle_until(ctl->conns[i]));
	return first;
}
