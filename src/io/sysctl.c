/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/sysctl.h"

static int open_sysctl(const char *name, int flags)
{
	char path[128];
	int fd, n;

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return -EINVAL;
	n = snprintf(path, sizeof(path), "/proc/sys/net/netfilter/%s", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, int64_t *value)
{
	char text[64], *end;
	ssize_t len;
	int fd = open_sysctl(name, O_RDONLY);
	int err = 0;

	if (fd < 0)
		return fd;
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0)
		err = -errno;
	close(fd);
	if (err)
		return err;
	text[len] = '\0';
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno || end == text || (*end != '\0' && *end != '\n'))
		return -EINVAL;
	return 0;
}

int sysctl_write(const char *name, int64_t value)
{
	char text[32];
	ssize_t done;
	int fd = open_sysctl(name, O_WRONLY);
	int err = 0, len;

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%" PRId64 "\n", value);
	done = write(fd, text, (size_t)len);
	if (done < 0)
		err = -errno;
	else if (done != len)
		err = -EIO;
	close(fd);
	return err;
}
