/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_LOCKFILE_H
#define CTSYNC_IO_LOCKFILE_H

#include <sys/types.h>

/*
 * A file that says who runs: locked by flock(), with the process id inside. The lock ends with
 * the process, so what a dead one leaves behind never stops a start.
 */
struct lockfile {
	int fd;
	char path[256];
};

/*
 * 0, or -EBUSY if another process holds it (*holder: its id, 0 if the file does not tell; holder
 * may be NULL), -ENAMETOOLONG, or the negative errno of opening it.
 */
int lockfile_take(struct lockfile *, const char *path, pid_t *holder);

/* Removes the file and lets go of it; nothing if it was not taken (fd -1). */
void lockfile_release(struct lockfile *);

#endif
