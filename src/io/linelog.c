/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/linelog.h"

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

int linelog_open(struct linelog *l, const char *path)
{
	*l = (struct linelog){.fd = -1, .retry = MONO_NEVER};
	if (strlen(path) >= sizeof(l->path))
		return -ENAMETOOLONG;
	memcpy(l->path, path, strlen(path) + 1);
	l->buf = malloc(LINELOG_BYTES);
	if (!l->buf)
		return -ENOMEM;
	l->fd = open_file(path);
	if (l->fd < 0) {
		int err = l->fd;

		free(l->buf);
		l->buf = NULL;
		l->fd = -1;
		return err;
	}
	return 0;
}

/* 0 or a negative errno, with what is left moved to the buffer's start. */
static int write_out(struct linelog *l)
{
	size_t done = 0;
	int err = 0;

	while (done < l->len) {
		ssize_t n = write(l->fd, l->buf + done, l->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : -EIO;
			break;
		}
		done += (size_t)n;
	}
	if (done > 0) {
		l->torn = l->buf[done - 1] != '\n';
		memmove(l->buf, l->buf + done, l->len - done);
		l->len -= done;
	}
	return err;
}

/* The rest of a line whose first part is in another file. */
static void drop_torn(struct linelog *l)
{
	const char *end = memchr(l->buf, '\n', l->len);
	size_t len = end ? (size_t)(end + 1 - l->buf) : l->len;

	memmove(l->buf, l->buf + len, l->len - len);
	l->len -= len;
	l->torn = false;
	l->lost++;
}

int linelog_reopen(struct linelog *l)
{
	int fd;

	if (l->fd < 0)
		return 0;
	(void)write_out(l); /* these belong to the old one */
	fd = open_file(l->path);
	if (fd < 0)
		return fd;
	close(l->fd);
	l->fd = fd;
	if (l->torn)
		drop_torn(l);
	l->retry = MONO_NEVER;
	l->failing = false;
	return 0;
}

void linelog_close(struct linelog *l)
{
	if (!l->buf)
		return;
	(void)write_out(l);
	close(l->fd);
	free(l->buf);
	*l = (struct linelog){.fd = -1, .retry = MONO_NEVER};
}

void linelog_put(struct linelog *l, const char *line, size_t len)
{
	if (l->fd < 0 || len > LINELOG_BYTES)
		return;
	if (len > LINELOG_BYTES - l->len && !l->failing && write_out(l))
		l->failing = true;
	if (len > LINELOG_BYTES - l->len) {
		l->lost++;
		return;
	}
	memcpy(l->buf + l->len, line, len);
	l->len += len;
	l->lines++;
}

int linelog_flush(struct linelog *l, mono now)
{
	int err;

	if (l->len == 0 || (!mono_is_never(l->retry) && !mono_reached(now, l->retry)))
		return 0;
	err = write_out(l);
	l->failing = err != 0;
	l->retry = err ? mono_add_ms(now, LINELOG_RETRY_MS) : MONO_NEVER;
	return err;
}

mono linelog_deadline(const struct linelog *l, mono now)
{
	if (l->len == 0)
		return MONO_NEVER;
	return mono_is_never(l->retry) ? now : l->retry;
}
