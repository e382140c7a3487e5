/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_JOURNAL_H
#define CTSYNC_IO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * A file of records of one size that outlives its writer: what was flushed is read by the next
 * process, however this one ends. It does not outlive the machine (nothing is synced to a disk),
 * and is not meant to: the tag says what the records are about, and a file with another tag is
 * begun anew.
 *
 * Records are appended, and read in that order; the last one about a thing counts. So what is there
 * may be said again at the end, a few records at a time and with new ones between them, and when
 * all has been said the records before that do not count any more: journal_rewrite_begin(), puts,
 * journal_rewrite_end(). At no moment does the file say less than all. It needs no other file, so
 * that it goes on after privileges are given up.
 */
enum {
	JOURNAL_TAG_BYTES = 48,
	JOURNAL_DATA_BYTES = 16,
	JOURNAL_BUFFER_BYTES = 64 << 10,
	JOURNAL_RETRY_MS = 2000, /* after a write that failed */
};

struct journal {
	int fd; /* -1: closed */
	size_t record_bytes;
	uint64_t start, end; /* of the records that count [bytes from the file's begin] */
	uint64_t mark; /* where the rewriting under way began */
	uint64_t bytes_max; /* of a file that cannot give back what does not count */
	uint8_t *buf; /* put, but not in the file yet */
	size_t len;
	mono retry; /* not written before; MONO_NEVER: whenever there is something */
	bool full; /* the last write found no room; see journal_make_room() */
	bool torn; /* records were lost, so that the file does not say all */
	uint64_t lost; /* records */
};

/*
 * Opens or makes the file, which nobody else may be able to write (-EPERM; -ELOOP: a link). If it
 * has this tag and this size of record, data is set to what it was begun with and *found to true;
 * otherwise it is emptied and begun with data. Else 0 or a negative errno.
 */
int journal_open(struct journal *, const char *path, size_t record_bytes,
	const uint8_t tag[JOURNAL_TAG_BYTES], uint8_t data[JOURNAL_DATA_BYTES], bool *found);

/* Leaves the file for the next process. Nothing if it is closed. */
void journal_close(struct journal *);

/* Gives each record that counts, in order. 0 or a negative errno. */
int journal_read(struct journal *, void (*record)(void *ctx, const void *), void *ctx);

/* Adds a record; it is in the file after the next journal_flush() that returns 0. */
void journal_put(struct journal *, const void *record);
int journal_flush(struct journal *, mono now);

/* All that follows says all that there is; see above. */
void journal_rewrite_begin(struct journal *);

/*
 * 0: what was there before the begin is gone, as is torn, unless records were lost meanwhile
 * (-EAGAIN: it is to be done again).
 */
int journal_rewrite_end(struct journal *, mono now);

/*
 * Gives back what the file takes, when there is no room to write behind it: what it said is lost
 * (torn) until a rewriting has said it again. What is in the buffer stays, and may be written at
 * once. 0 or a negative errno.
 */
int journal_make_room(struct journal *);

/* Nothing counts any more. */
int journal_clear(struct journal *);

/* Of the records that count, those in the buffer included. */
static inline uint64_t journal_bytes(const struct journal *j)
{
	return j->end - j->start + j->len;
}

#endif
