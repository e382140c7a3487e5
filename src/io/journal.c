/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal.h"

enum {
	HEAD_BYTES = 4096, /* a page of its own, so that what does not count ends at one */
	BYTES_MAX = 1 << 30,
	READ_BYTES = 1 << 20,
};

/* At the file's begin, in host order: no other machine reads it. */
struct head {
	char magic[8];
	uint64_t record_bytes;
	uint64_t start;
	uint8_t tag[JOURNAL_TAG_BYTES];
	uint8_t data[JOURNAL_DATA_BYTES];
};

_Static_assert(sizeof(struct head) <= HEAD_BYTES, "the records follow it");

static const char magic[8] = "ctsync1";

/* Whatever another user can write into it would be done to our kernel's table. */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ||
		st.st_nlink != 1)
		return -EPERM;
	return 0;
}

static int write_all(int fd, const void *data, size_t len, uint64_t at)
{
	const uint8_t *from = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int begin_anew(struct journal *j, const uint8_t tag[JOURNAL_TAG_BYTES], const uint8_t *data)
{
	struct head head = {.record_bytes = j->record_bytes, .start = HEAD_BYTES};

	memcpy(head.magic, magic, sizeof(magic));
	memcpy(head.tag, tag, sizeof(head.tag));
	memcpy(head.data, data, sizeof(head.data));
	j->start = j->end = HEAD_BYTES;
	if (ftruncate(j->fd, 0) < 0)
		return -errno;
	return write_all(j->fd, &head, sizeof(head), 0);
}

/* True if the file is one that this tag's process left. */
static bool is_of(struct journal *j, const uint8_t tag[JOURNAL_TAG_BYTES], uint8_t *data)
{
	struct head head;
	struct stat st;

	if (pread(j->fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) || fstat(j->fd, &st) < 0)
		return false;
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.record_bytes != j->record_bytes ||
		memcmp(head.tag, tag, sizeof(head.tag)) != 0)
		return false;
	j->start = head.start;
	j->end = (uint64_t)st.st_size;
	if (j->end < HEAD_BYTES)
		j->end = HEAD_BYTES;
	if (j->start < HEAD_BYTES || j->start > j->end ||
		(j->start - HEAD_BYTES) % j->record_bytes != 0)
		return false;
	/* the last one's writer may have ended in the middle of it */
	j->end -= (j->end - HEAD_BYTES) % j->record_bytes;
	memcpy(data, head.data, sizeof(head.data));
	return true;
}

int journal_open(struct journal *j, const char *path, size_t record_bytes,
	const uint8_t tag[JOURNAL_TAG_BYTES], uint8_t data[JOURNAL_DATA_BYTES], bool *found)
{
	int err;

	*j = (struct journal){.fd = -1,
		.record_bytes = record_bytes,
		.retry = MONO_NEVER,
		.bytes_max = BYTES_MAX};
	*found = false;
	j->buf = malloc(JOURNAL_BUFFER_BYTES);
	if (!j->buf)
		return -ENOMEM;
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	err = j->fd < 0 ? -errno : check_owner(j->fd);
	if (!err) {
		*found = is_of(j, tag, data);
		if (!*found)
			err = begin_anew(j, tag, data);
	}
	if (err)
		journal_close(j);
	return err;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0) {
		(void)journal_flush(j, MONO_NEVER);
		close(j->fd);
	}
	free(j->buf);
	j->buf = NULL;
	j->len = 0;
	j->fd = -1;
}

int journal_read(struct journal *j, void (*record)(void *ctx, const void *), void *ctx)
{
	size_t cap = READ_BYTES / j->record_bytes * j->record_bytes;
	uint8_t *buf = malloc(cap);
	uint64_t at = j->start;
	int err = buf ? 0 : -ENOMEM;

	while (!err && at < j->end) {
		size_t len = j->end - at < cap ? (size_t)(j->end - at) : cap;
		ssize_t n = pread(j->fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)j->record_bytes) {
			err = n < 0 ? -errno : -EIO;
			break;
		}
		n -= n % (ssize_t)j->record_bytes;
		for (ssize_t i = 0; i < n; i += (ssize_t)j->record_bytes)
			record(ctx, buf + i);
		at += (uint64_t)n;
	}
	free(buf);
	return err;
}

static int write_out(struct journal *j)
{
	int err = write_all(j->fd, j->buf, j->len, j->end);

	j->full = err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
	if (err)
		return err; /* what was written of it is written over */
	j->end += j->len;
	j->len = 0;
	return 0;
}

void journal_put(struct journal *j, const void *record)
{
	if (j->fd < 0)
		return;
	if (j->len + j->record_bytes > JOURNAL_BUFFER_BYTES &&
		(j->full || !mono_is_never(j->retry) || write_out(j))) {
		j->lost++;
		j->torn = true;
		return;
	}
	memcpy(j->buf + j->len, record, j->record_bytes);
	j->len += j->record_bytes;
}

int journal_flush(struct journal *j, mono now)
{
	int err;

	if (j->fd < 0 || j->len == 0 || (!mono_is_never(j->retry) && !mono_reached(now, j->retry)))
		return 0;
	err = write_out(j);
	j->retry = err && !mono_is_never(now) ? mono_add_ms(now, JOURNAL_RETRY_MS) : MONO_NEVER;
	return err;
}

void journal_rewrite_begin(struct journal *j)
{
	j->mark = j->end + j->len;
	j->torn = false;
}

/* What lies before the start takes no room: as good as a file of its own. */
static int give_back(struct journal *j)
{
	uint64_t bytes = j->start - HEAD_BYTES;

	if (bytes == 0 || !fallocate(j->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HEAD_BYTES,
				  (off_t)bytes))
		return 0;
	if (j->end <= j->bytes_max)
		return 0;
	/* not every file system can; then all begins again, and is not there for a moment */
	(void)journal_clear(j);
	j->torn = true;
	return -EAGAIN;
}

int journal_rewrite_end(struct journal *j, mono now)
{
	int err;

	if (j->fd < 0)
		return 0;
	err = journal_flush(j, now);
	if (!err && (j->len > 0 || j->torn))
		err = -EAGAIN;
	if (!err)
		err = write_all(j->fd, &j->mark, sizeof(j->mark), offsetof(struct head, start));
	if (err)
		return err;
	j->start = j->mark;
	return give_back(j);
}

int journal_make_room(struct journal *j)
{
	size_t len = j->len;
	int err = journal_clear(j);

	j->len = len;
	j->torn = true;
	j->full = false;
	j->retry = MONO_NEVER;
	return err;
}

int journal_clear(struct journal *j)
{
	const uint64_t start = HEAD_BYTES;
	int err;

	j->len = 0;
	if (j->fd < 0)
		return 0;
	/* in this order, what a process that ends between the two leaves is empty as well */
	if (ftruncate(j->fd, HEAD_BYTES) < 0)
		return -errno;
	err = write_all(j->fd, &start, sizeof(start), offsetof(struct head, start));
	if (err)
		return err;
	j->start = j->end = j->mark = HEAD_BYTES;
	j->torn = false;
	return 0;
}
