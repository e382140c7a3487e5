/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"
#include "io/log.h"

struct log {
	enum log_level level;
	bool to_stderr, to_journal, to_syslog;
	bool syslog_open; /* by log_to_syslog() alone */
	const char *ident;
	int fd; /* of the file; -1: none */
	char path[256];
};

static struct log the_log = {.level = LOG_LEVEL_INFO, .to_stderr = true, .fd = -1};

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "ERROR";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
		return "notice";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
	case LOG_LEVELS:
		break;
	}
	return "debug";
}

static int syslog_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARNING:
		return LOG_WARNING;
	case LOG_LEVEL_NOTICE:
		return LOG_NOTICE;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_DEBUG:
	case LOG_LEVELS:
		break;
	}
	return LOG_DEBUG;
}

/* $JOURNAL_STREAM holds device and inode of the stream that stdout or stderr was at exec. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	if (!stream || sscanf(stream, "%ju:%ju", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

int log_open(const struct log_config *config)
{
	const bool has_file = config->file && config->file[0] != '\0';
	int fd = -1;

	if (has_file && strlen(config->file) >= sizeof(the_log.path))
		return -ENAMETOOLONG;
	if (has_file) {
		fd = open_file(config->file);
		if (fd < 0)
			return fd;
	}
	log_close();
	the_log.level = config->level;
	the_log.ident = config->ident;
	the_log.to_stderr = config->to_stderr;
	the_log.to_journal = stderr_is_journal();
	the_log.fd = fd;
	if (has_file)
		text_copy(the_log.path, sizeof(the_log.path), config->file);
	if (config->syslog_facility >= 0) {
		openlog(config->ident, LOG_PID | LOG_NDELAY, config->syslog_facility);
		the_log.to_syslog = true;
	}
	return 0;
}

int log_reopen(void)
{
	int fd;

	if (the_log.fd < 0)
		return 0;
	fd = open_file(the_log.path);
	if (fd < 0)
		return fd;
	close(the_log.fd);
	the_log.fd = fd;
	return 0;
}

void log_close(void)
{
	if (the_log.fd >= 0)
		close(the_log.fd);
	if (the_log.to_syslog || the_log.syslog_open)
		closelog();
	the_log = (struct log){.level = LOG_LEVEL_INFO, .to_stderr = true, .fd = -1};
}

void log_set_stderr(bool on)
{
	the_log.to_stderr = on;
}

void log_set_level(enum log_level level)
{
	the_log.level = level;
}

bool log_wants(enum log_level level)
{
	return level <= the_log.level;
}

/* What came from outside may not move the reader's cursor or forge another line. */
static void put_clean(struct text *t, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		text_putc(t, c < 0x20 || c == 0x7f ? '?' : *s);
	}
}

/* Ends the line with a newline even if it was cut; returns its length. */
static size_t end_line(struct text *t)
{
	if (t->cap < 2)
		return 0;
	if (t->len > t->cap - 2) {
		t->buf[t->cap - 2] = '\0';
		t->len = t->cap - 2;
	}
	text_putc(t, '\n');
	return t->len;
}

size_t log_format(
	char *buf, size_t cap, time_t when, pid_t pid, enum log_level level, const char *text)
{
	struct text t = text_of(buf, cap);
	char date[64] = "";
	struct tm tm;

	/* ctime(3)'s form, whatever the locale */
	if (localtime_r(&when, &tm))
		asctime_r(&tm, date);
	date[strcspn(date, "\n")] = '\0';
	text_putc(&t, '[');
	text_puts(&t, date);
	text_puts(&t, "] (pid=");
	text_i64(&t, pid);
	text_puts(&t, ") [");
	text_puts(&t, level_name(level));
	text_puts(&t, "] ");
	put_clean(&t, text);
	return end_line(&t);
}

/* One write per line, so that lines of several processes do not mix. */
static void write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nowhere to complain */
		bytes += done;
		len -= (size_t)done;
	}
}

static void write_journal(enum log_level level, const char *text)
{
	char line[LOG_LINE_BYTES];
	struct text t = text_of(line, sizeof(line));
	size_t len;

	text_putc(&t, '<');
	text_u64(&t, (uint64_t)syslog_priority(level));
	text_putc(&t, '>');
	put_clean(&t, text);
	len = end_line(&t);
	write_all(STDERR_FILENO, line, len);
}

void log_vwrite(enum log_level level, const char *fmt, va_list args)
{
	char text[LOG_LINE_BYTES], line[LOG_LINE_BYTES + 128];
	int saved_errno = errno;
	size_t len;

	if (!log_wants(level))
		return;
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text_copy(text, sizeof(text), "(a message that could not be formatted)");
	len = log_format(line, sizeof(line), time(NULL), getpid(), level, text);
	if (the_log.fd >= 0)
		write_all(the_log.fd, line, len);
	if (the_log.to_syslog)
		syslog(syslog_priority(level), "%s", text);
	if (the_log.to_stderr && the_log.to_journal)
		write_journal(level, text);
	else if (the_log.to_stderr)
		write_all(STDERR_FILENO, line, len);
	errno = saved_errno;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vwrite(level, fmt, args);
	va_end(args);
}

void log_to_syslog(int facility, const char *text)
{
	if (!the_log.to_syslog && !the_log.syslog_open) {
		openlog(the_log.ident, LOG_PID, facility);
		the_log.syslog_open = true;
	}
	syslog(facility | LOG_INFO, "%s", text);
}

bool log_limit_pass(
	struct log_limit *l, mono now, int64_t interval_ns, unsigned burst, uint64_t *missed)
{
	*missed = 0;
	/* A static one starts zeroed: passed 0 means that no interval has begun. */
	if (l->passed == 0 || mono_reached(now, mono_add_ns(l->since, interval_ns))) {
		l->since = now;
		l->passed = 0;
	}
	if (l->passed >= burst) {
		l->held++;
		return false;
	}
	l->passed++;
	*missed = l->held;
	l->held = 0;
	return true;
}
