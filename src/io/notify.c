/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/notify.h"

/* Half the interval that the service manager waits, or 0. */
static int64_t watchdog_half_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	char *end;
	long long v;

	if (!usec)
		return 0;
	if (pid && strtoll(pid, NULL, 10) != getpid())
		return 0;
	errno = 0;
	v = strtoll(usec, &end, 10);
	if (errno || *end != '\0' || end == usec || v <= 0 || v > INT64_MAX / NS_PER_US)
		return 0;
	return v * NS_PER_US / 2;
}

static int read_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if (len < 2 || (path[0] != '/' && path[0] != '@'))
		return -EINVAL;
	if (len >= sizeof(n->addr.sun_path))
		return -ENAMETOOLONG;
	n->addr.sun_family = AF_UNIX;
	memcpy(n->addr.sun_path, path, len);
	if (path[0] == '@')
		n->addr.sun_path[0] = '\0'; /* abstract: no terminator either */
	n->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				  (path[0] == '@' ? 0 : 1));
	return 0;
}

int notify_init(struct notify *n, mono now)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int err;

	*n = (struct notify){.fd = -1, .watchdog_at = MONO_NEVER};
	if (!path || path[0] == '\0')
		return 0;
	err = read_address(n, path);
	if (err)
		return err;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return -errno;
	n->watchdog_ns = watchdog_half_ns();
	if (n->watchdog_ns > 0)
		n->watchdog_at = mono_add_ns(now, n->watchdog_ns);
	return 0;
}

void notify_fini(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	n->watchdog_at = MONO_NEVER;
}

static int send_text(struct notify *n, const char *text)
{
	if (n->fd < 0)
		return 0;
	if (sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->addr,
		    n->addr_len) < 0)
		return -errno;
	return 0;
}

int notify_ready(struct notify *n)
{
	return send_text(n, "READY=1");
}

int notify_reloading(struct notify *n, mono now)
{
	char text[80];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now.ns / NS_PER_US);
	return send_text(n, text);
}

int notify_stopping(struct notify *n)
{
	return send_text(n, "STOPPING=1");
}

int notify_main_pid(struct notify *n, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "MAINPID=%ld", (long)pid);
	return send_text(n, text);
}

int notify_status(struct notify *n, const char *text)
{
	char line[512];

	/* A newline would start another assignment. */
	if (strchr(text, '\n'))
		return -EINVAL;
	snprintf(line, sizeof(line), "STATUS=%s", text);
	return send_text(n, line);
}

int notify_tick(struct notify *n, mono now)
{
	if (!mono_reached(now, n->watchdog_at))
		return 0;
	n->watchdog_at = mono_add_ns(now, n->watchdog_ns);
	return send_text(n, "WATCHDOG=1");
}

mono notify_deadline(const struct notify *n)
{
	return n->watchdog_at;
}
