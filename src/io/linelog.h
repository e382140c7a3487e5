/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_LINELOG_H
#define CTSYNC_IO_LINELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * A file that gets many lines: they are gathered, and written when the caller says so. What cannot
 * be written (the disk is full) is kept and tried again; what finds no room meanwhile is counted.
 */
enum { LINELOG_BYTES = 256 << 10, LINELOG_RETRY_MS = 1000 };

struct linelog {
	int fd; /* -1: closed; lines are lost */
	char path[257]; /* the longest that the configuration takes, and its NUL */
	char *buf;
	size_t len;
	bool torn; /* the buffer begins within a line, whose first part is in the file */
	bool failing; /* the last writing failed */
	mono retry;
	uint64_t lines; /* taken */
	uint64_t lost; /* for which there was no room */
};

/* Opens or makes the file (mode 0640) to append to it. 0 or a negative errno. */
int linelog_open(struct linelog *, const char *path);

/* By its name again, after it was rotated away; on failure the old one stays. */
int linelog_reopen(struct linelog *);

/* Writes what it can. Also of one that is closed or zeroed. */
void linelog_close(struct linelog *);

/* The line with its newline. */
void linelog_put(struct linelog *, const char *line, size_t len);

/*
 * Writes what was gathered. 0, or the negative errno of write(): then nothing is tried for
 * LINELOG_RETRY_MS.
 */
int linelog_flush(struct linelog *, mono now);

/* When linelog_flush() is wanted; MONO_NEVER if nothing waits. */
mono linelog_deadline(const struct linelog *, mono now);

#endif
