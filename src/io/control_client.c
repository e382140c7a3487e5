/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/text.h"
#include "io/control_client.h"
#include "io/loop.h"

struct client {
	const char *path;
	int fd;
	struct control_patience patience;
	control_client_line_fn *fn;
	void *ctx;
	int *status;
	char *message;
	size_t message_cap;
	size_t used;
	char buf[CONTROL_CLIENT_LINE_BYTES];
};

/* Of connect(), which waits while the daemon's queue of clients is full, and of send(). */
static int set_timeout(int fd, int timeout_ms)
{
	struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	if (timeout_ms <= 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

/* Sets *fd, which is to be closed also after an error, unless it is negative. */
static int connect_to(const char *path, int timeout_ms, int *fd)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int err;

	*fd = -1;
	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path))
		return -EINVAL;
	text_copy(addr.sun_path, sizeof(addr.sun_path), path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	err = set_timeout(*fd, timeout_ms);
	if (err)
		return err;
	if (connect(*fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		return -ECONNREFUSED;
	case EAGAIN:
		return -ETIMEDOUT;
	default:
		return -errno;
	}
}

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = send(fd, bytes, len, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			return -ETIMEDOUT;
		if (done < 0)
			return errno == EPIPE ? 0 : -errno; /* its reason may be there to be read */
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static int ask(int fd, const char *line)
{
	int err = send_all(fd, line, strlen(line));

	return err ? err : send_all(fd, "\n", 1);
}

/* "=STATUS MESSAGE" */
static int take_final(struct client *c, const char *line)
{
	char *end;
	long status;

	errno = 0;
	status = strtol(line + 1, &end, 10);
	if (errno || end == line + 1 || (*end != ' ' && *end != '\0') || status < -255 ||
		status > 255)
		return -EPROTO;
	*c->status = (int)status;
	if (c->message_cap > 0)
		snprintf(c->message, c->message_cap, "%s", *end ? end + 1 : "");
	return 1;
}

/* One line without its newline, NUL-terminated. 1: the final one; 0; negative errno. */
static int take_line(struct client *c, char *line, size_t len)
{
	if (len > 0 && line[0] == '=')
		return take_final(c, line);
	if (len == 0 || line[0] != '+')
		return -EPROTO;
	if (c->fn && c->fn(c->ctx, line + 1, len - 1))
		return -ECANCELED;
	return 0;
}

static int take_lines(struct client *c)
{
	char *at = c->buf, *newline;
	int end = 0;

	while (!end && (newline = memchr(at, '\n', (size_t)(c->buf + c->used - at)))) {
		*newline = '\0';
		end = take_line(c, at, (size_t)(newline - at));
		at = newline + 1;
	}
	c->used -= (size_t)(at - c->buf);
	memmove(c->buf, at, c->used);
	return end;
}

/* Until one of the descriptors (negative: none) can be read: true; false: it has become too late.
 */
static bool wait_until(int fd, int other, mono end)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = other, .events = POLLIN}};
	int64_t left_ms;
	int n;

	do {
		left_ms = mono_is_never(end) ? -1 : mono_diff_ms(end, loop_clock());
		n = poll(p, 2, !mono_is_never(end) && left_ms < 0 ? 0 : (int)left_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Is the daemon alive? True also when its answer has come meanwhile. */
static bool probe(struct client *c, mono end)
{
	int64_t left_ms = mono_diff_ms(end, loop_clock());
	bool alive;
	int fd, err = connect_to(c->path, left_ms > 0 ? (int)left_ms : 1, &fd);

	if (!err)
		err = ask(fd, c->patience.probe);
	alive = wait_until(c->fd, err ? -1 : fd, end);
	if (fd >= 0)
		close(fd);
	return alive;
}

/* Something of the answer has come, or its end. */
static int wait_for_answer(struct client *c)
{
	const int timeout_ms = c->patience.timeout_ms;

	for (;;) {
		mono now = loop_clock();
		mono end = timeout_ms > 0 ? mono_add_ms(now, timeout_ms) : MONO_NEVER;
		bool probes = timeout_ms > 0 && c->patience.probe;

		if (wait_until(c->fd, -1, probes ? mono_add_ms(now, timeout_ms / 4) : end))
			return 0;
		if (!probes || !probe(c, end))
			return -ETIMEDOUT;
	}
}

static int read_answer(struct client *c)
{
	int end = 0;

	while (!end) {
		ssize_t len;
		int err = wait_for_answer(c);

		if (err)
			return err;
		if (c->used == sizeof(c->buf))
			return -EPROTO;
		len = recv(c->fd, c->buf + c->used, sizeof(c->buf) - c->used, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (len == 0)
			return -ECONNRESET;
		c->used += (size_t)len;
		end = take_lines(c);
	}
	return end < 0 ? end : 0;
}

int control_client_request(const char *path, const char *line, struct control_patience patience,
	control_client_line_fn *fn, void *ctx, int *status, char *message, size_t message_cap)
{
	struct client *c;
	int err;

	if (message_cap > 0)
		message[0] = '\0';
	if (strlen(line) + 1 > CONTROL_CLIENT_REQUEST_BYTES || strchr(line, '\n'))
		return -EINVAL;
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->path = path;
	c->patience = patience;
	c->fn = fn;
	c->ctx = ctx;
	c->status = status;
	c->message = message;
	c->message_cap = message_cap;
	c->used = 0;
	err = connect_to(path, patience.timeout_ms, &c->fd);
	if (!err)
		err = ask(c->fd, line);
	if (!err)
		err = read_answer(c);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return err;
}
