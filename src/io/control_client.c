/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "io/control_client.h"

struct client {
	int fd;
	int timeout_ms;
	control_client_line_fn *fn;
	void *ctx;
	int *status;
	char *message;
	size_t message_cap;
	size_t used;
	char buf[CONTROL_CLIENT_LINE_BYTES];
};

static int set_timeouts(int fd, int timeout_ms)
{
	struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	if (timeout_ms <= 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	return 0;
}

static int connect_to(struct client *c, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int err;

	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path))
		return -EINVAL;
	text_copy(addr.sun_path, sizeof(addr.sun_path), path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	err = set_timeouts(c->fd, c->timeout_ms);
	if (err)
		return err;
	if (connect(c->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
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

static int send_all(struct client *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = send(c->fd, bytes, len, MSG_NOSIGNAL);

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

static int read_answer(struct client *c)
{
	int end = 0;

	while (!end) {
		ssize_t len;

		if (c->used == sizeof(c->buf))
			return -EPROTO;
		len = recv(c->fd, c->buf + c->used, sizeof(c->buf) - c->used, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (len == 0)
			return -ECONNRESET;
		c->used += (size_t)len;
		end = take_lines(c);
	}
	return end < 0 ? end : 0;
}

int control_client_request(const char *path, const char *line, int timeout_ms,
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
	c->fd = -1;
	c->timeout_ms = timeout_ms;
	c->fn = fn;
	c->ctx = ctx;
	c->status = status;
	c->message = message;
	c->message_cap = message_cap;
	c->used = 0;
	err = connect_to(c, path);
	if (!err)
		err = send_all(c, line, strlen(line));
	if (!err)
		err = send_all(c, "\n", 1);
	if (!err)
		err = read_answer(c);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return err;
}
