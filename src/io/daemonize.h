/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_DAEMONIZE_H
#define CTSYNC_IO_DAEMONIZE_H

#include <sys/types.h>

/*
 * Going to the background in such a way that whoever started the program learns how its start
 * went: the parent stays until the child has reported.
 */
struct daemonize {
	int fd; /* of the pipe to the parent; -1: in the foreground, or reported */
};

/*
 * Forks. Returns 1 in the parent, after the child has reported or died: *status is what main() is
 * to return (0 only if the child is ready) and *child its id. A failure's reason has been printed
 * to stderr. Returns 0 in the child, which leads a session of its own and still has the
 * parent's stderr. Negative errno: no child. To be called before threads, locks and epoll.
 */
int daemonize_fork(struct daemonize *, int *status, pid_t *child);

/*
 * In the child, when it works: changes to /, points stdin, stdout and stderr to /dev/null, and
 * lets the parent go with status 0. In the foreground (fd -1) nothing.
 */
int daemonize_ready(struct daemonize *);

/* In the child: the parent prints reason (a line without newline; NULL: nothing) and returns
 * status. */
void daemonize_failed(struct daemonize *, int status, const char *reason);

#endif
