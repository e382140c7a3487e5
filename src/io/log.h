/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_LOG_H
#define CTSYNC_IO_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/mono.h"

/*
 * The program's log: to stderr, a file and syslog, in any combination. There is one per process;
 * until log_open() it writes to stderr from LOG_LEVEL_INFO on.
 */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVELS,
};

enum { LOG_LINE_BYTES = 2048 }; /* longer ones are cut */

struct log_config {
	const char *ident; /* for syslog; must live as long as the log */
	enum log_level level; /* what is less important is dropped */
	bool to_stderr;
	const char *file; /* NULL or "": none */
	int syslog_facility; /* LOG_DAEMON, LOG_LOCAL0...; -1: none */
};

/* Replaces the former configuration. 0 or the negative errno of opening the file (mode 0640). */
int log_open(const struct log_config *);

/* Opens the file by its name again, after it was rotated away; on failure the old one stays. */
int log_reopen(void);
void log_close(void);

/* Stop (or start) writing to stderr, as when going to the background. */
void log_set_stderr(bool on);
void log_set_level(enum log_level);
bool log_wants(enum log_level);

void log_write(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vwrite(enum log_level, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));

/* A text for syslog alone, at LOG_INFO and with a facility of its own. */
void log_to_syslog(int facility, const char *text);

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * One line as it stands in the file: "[ctime] (pid=N) [level] text" and a newline, at most cap
 * bytes with the NUL; control characters of text become '?'. Returns its length.
 */
size_t log_format(char *buf, size_t cap, time_t when, pid_t pid, enum log_level, const char *text);

/*
 * At most burst lines per interval from one place. A static struct log_limit beside the call:
 *	if (log_limit_pass(&limit, now, NS_PER_SEC, 1, &missed))
 *		log_warning("... (%" PRIu64 " more like it)", missed);
 * missed: how many were held back since the last one that passed.
 */
struct log_limit {
	mono since;
	unsigned passed;
	uint64_t held;
};

bool log_limit_pass(
	struct log_limit *, mono now, int64_t interval_ns, unsigned burst, uint64_t *missed);

#endif
