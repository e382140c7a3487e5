/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/daemonize.h"

/* What the child tells: its status and, for a failure, the reason. Less than PIPE_BUF. */
struct report {
	int32_t status;
	char reason[1024];
};

/* In the parent: 0 if a whole report came, otherwise the child has died without one. */
static int read_report(int fd, struct report *r)
{
	size_t have = 0;
	ssize_t len;

	while (have < sizeof(*r)) {
		len = read(fd, (char *)r + have, sizeof(*r) - have);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return -EPIPE;
		have += (size_t)len;
	}
	r->reason[sizeof(r->reason) - 1] = '\0';
	return 0;
}

static int parent_status(int fd, pid_t child)
{
	struct report r;
	int how;

	if (read_report(fd, &r) == 0) {
		if (r.status != 0) {
			if (r.reason[0])
				fprintf(stderr, "%s\n", r.reason);
			(void)waitpid(child, NULL, 0);
		}
		return r.status;
	}
	if (waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) != 0)
		return WEXITSTATUS(how); /* it has said why on its own stderr */
	fprintf(stderr, "the daemon died during its start\n");
	return 1;
}

int daemonize_fork(struct daemonize *d, int *status, pid_t *child)
{
	int fds[2];
	pid_t pid;

	d->fd = -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (pid > 0) {
		close(fds[1]);
		*status = parent_status(fds[0], pid);
		*child = pid;
		close(fds[0]);
		return 1;
	}
	close(fds[0]);
	d->fd = fds[1];
	(void)setsid(); /* cannot fail in a fresh child: it leads no process group */
	return 0;
}

static void send_report(struct daemonize *d, int status, const char *reason)
{
	struct report r = {.status = status};
	ssize_t len;

	if (reason)
		snprintf(r.reason, sizeof(r.reason), "%s", reason);
	do {
		len = write(d->fd, &r, sizeof(r));
	} while (len < 0 && errno == EINTR);
	close(d->fd);
	d->fd = -1;
}

int daemonize_ready(struct daemonize *d)
{
	int null;

	if (d->fd < 0)
		return 0;
	if (chdir("/") < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	fflush(NULL);
	for (int fd = 0; fd <= 2; fd++)
		if (null != fd && dup2(null, fd) < 0) {
			int err = -errno;

			close(null);
			return err;
		}
	if (null > 2)
		close(null);
	send_report(d, 0, NULL);
	return 0;
}

void daemonize_failed(struct daemonize *d, int status, const char *reason)
{
	if (d->fd >= 0)
		send_report(d, status, reason);
}
