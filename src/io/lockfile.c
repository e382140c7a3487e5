/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/lockfile.h"

enum { TRIES = 10 };

static pid_t read_holder(int fd)
{
	char text[32];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (len <= 0)
		return 0;
	text[len] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

/* The file may have been removed between our open() and our flock(): is it still the one? */
static int is_still_there(int fd, const char *path)
{
	struct stat ours, theirs;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (stat(path, &theirs) < 0)
		return errno == ENOENT ? 0 : -errno;
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	ssize_t done;

	if (ftruncate(fd, 0) < 0)
		return -errno;
	done = pwrite(fd, text, (size_t)len, 0);
	if (done < 0)
		return -errno;
	return done == len ? 0 : -EIO;
}

/* An open and locked file; -EAGAIN: it was removed meanwhile. */
static int open_locked(const char *path, pid_t *holder)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	int err;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (err == -EBUSY && holder)
			*holder = read_holder(fd);
		close(fd);
		return err;
	}
	err = is_still_there(fd, path);
	if (err > 0)
		return fd;
	close(fd);
	return err < 0 ? err : -EAGAIN;
}

int lockfile_take(struct lockfile *l, const char *path, pid_t *holder)
{
	int fd = -EAGAIN, err;

	l->fd = -1;
	if (holder)
		*holder = 0;
	if (strlen(path) >= sizeof(l->path))
		return -ENAMETOOLONG;
	for (int i = 0; fd == -EAGAIN && i < TRIES; i++)
		fd = open_locked(path, holder);
	if (fd == -EAGAIN)
		return -EBUSY;
	if (fd < 0)
		return fd;
	err = write_pid(fd);
	if (err) {
		close(fd);
		return err;
	}
	l->fd = fd;
	text_copy(l->path, sizeof(l->path), path);
	return 0;
}

void lockfile_release(struct lockfile *l)
{
	if (l->fd < 0)
		return;
	/* While it is still locked, so that nobody's fresh file is removed. */
	(void)unlink(l->path);
	close(l->fd);
	l->fd = -1;
}
