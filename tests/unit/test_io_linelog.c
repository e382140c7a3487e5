/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/linelog.h"
#include "unit.h"

static char path[] = "/tmp/ctsync-linelog-XXXXXX";

static void file_is(const char *wanted)
{
	char buf[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	CU_ASSERT_STRING_EQUAL(buf, wanted);
}

static void put(struct linelog *l, const char *line)
{
	linelog_put(l, line, strlen(line));
}

static void lines_are_gathered_and_written_together(void)
{
	struct linelog l;
	mono now = {5};

	unlink(path);
	CU_ASSERT_EQUAL(linelog_open(&l, path), 0);
	CU_ASSERT_TRUE(mono_is_never(linelog_deadline(&l, now)));
	put(&l, "one\n");
	put(&l, "two\n");
	file_is("");
	CU_ASSERT_EQUAL(linelog_deadline(&l, now).ns, now.ns);
	CU_ASSERT_EQUAL(linelog_flush(&l, now), 0);
	file_is("one\ntwo\n");
	CU_ASSERT_TRUE(mono_is_never(linelog_deadline(&l, now)));
	put(&l, "three\n");
	CU_ASSERT_EQUAL(l.lines, 3);
	linelog_close(&l);
	file_is("one\ntwo\nthree\n");
	CU_ASSERT_EQUAL(linelog_open(&l, path), 0); /* appends */
	put(&l, "four\n");
	linelog_close(&l);
	file_is("one\ntwo\nthree\nfour\n");
	linelog_close(&l);
	put(&l, "nowhere\n");
	CU_ASSERT_EQUAL(linelog_flush(&l, now), 0);
	CU_ASSERT_EQUAL(linelog_open(&l, "/nonexistent/x"), -ENOENT);
	linelog_close(&l);
	unlink(path);
}

static void a_rotated_file_gets_no_more(void)
{
	struct linelog l;
	char old[sizeof(path) + 2];
	mono now = {5};

	snprintf(old, sizeof(old), "%s.1", path);
	unlink(path);
	CU_ASSERT_EQUAL(linelog_open(&l, path), 0);
	put(&l, "one\n");
	CU_ASSERT_EQUAL(linelog_flush(&l, now), 0);
	CU_ASSERT_EQUAL(rename(path, old), 0);
	put(&l, "two\n");
	CU_ASSERT_EQUAL(linelog_reopen(&l), 0);
	put(&l, "three\n");
	linelog_close(&l);
	file_is("three\n");
	CU_ASSERT_EQUAL(rename(old, path), 0);
	file_is("one\ntwo\n");
	unlink(path);
}

static void what_cannot_be_written_waits_and_is_bounded(void)
{
	static char line[1024];
	struct linelog l;
	mono now = {5};

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	CU_ASSERT_EQUAL(linelog_open(&l, "/dev/full"), 0);
	linelog_put(&l, line, sizeof(line));
	CU_ASSERT_EQUAL(linelog_flush(&l, now), -ENOSPC);
	CU_ASSERT_EQUAL(linelog_deadline(&l, now).ns, mono_add_ms(now, LINELOG_RETRY_MS).ns);
	CU_ASSERT_EQUAL(linelog_flush(&l, now), 0); /* not tried again yet */
	for (unsigned i = 1; i < LINELOG_BYTES / sizeof(line); i++)
		linelog_put(&l, line, sizeof(line));
	CU_ASSERT_EQUAL(l.lost, 0);
	put(&l, "no room\n");
	CU_ASSERT_EQUAL(l.lost, 1);
	memcpy(l.path, path, sizeof(path));
	unlink(path);
	CU_ASSERT_EQUAL(linelog_reopen(&l), 0);
	CU_ASSERT_EQUAL(linelog_flush(&l, now), 0);
	CU_ASSERT_EQUAL(l.len, 0);
	put(&l, "room\n");
	CU_ASSERT_EQUAL(l.lines, LINELOG_BYTES / sizeof(line) + 1);
	linelog_close(&l);
	unlink(path);
}

/* A disk that takes half a line: the rest is not to begin the file after it. */
static void a_torn_line_does_not_begin_the_next_file(void)
{
	struct linelog l;

	unlink(path);
	CU_ASSERT_EQUAL(linelog_open(&l, path), 0);
	put(&l, "rest\n");
	put(&l, "whole\n");
	l.torn = true;
	close(l.fd);
	l.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(linelog_reopen(&l), 0);
	CU_ASSERT_EQUAL(l.lost, 1);
	linelog_close(&l);
	file_is("whole\n");
	unlink(path);
}

static const struct unit_test tests[] = {
	{"lines are gathered and written together", lines_are_gathered_and_written_together},
	{"a rotated file gets no more", a_rotated_file_gets_no_more},
	{"what cannot be written waits and is bounded",
		what_cannot_be_written_waits_and_is_bounded},
	{"a torn line does not begin the next file", a_torn_line_does_not_begin_the_next_file},
};

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	return unit_run("io linelog", tests, sizeof(tests) / sizeof(tests[0]));
}
