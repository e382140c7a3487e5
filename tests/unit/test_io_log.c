/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/log.h"
#include "unit.h"

static char dir[64];

static void in_dir(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", dir, name);
}

static size_t slurp(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, cap - 1);

	if (fd >= 0)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

static void line_has_the_form_of_the_file(void)
{
	char buf[256];
	size_t len;

	setenv("TZ", "UTC", 1);
	tzset();
	len = log_format(buf, sizeof(buf), 1795408080, 14824, LOG_LEVEL_ERROR, "can't connect");
	CU_ASSERT_STRING_EQUAL(
		buf, "[Mon Nov 23 04:28:00 2026] (pid=14824) [ERROR] can't connect\n");
	CU_ASSERT_EQUAL(len, strlen(buf));
	log_format(buf, sizeof(buf), 0, 1, LOG_LEVEL_NOTICE, "x");
	CU_ASSERT_STRING_EQUAL(buf, "[Thu Jan  1 00:00:00 1970] (pid=1) [notice] x\n");
}

static void line_is_cut_and_cannot_be_forged(void)
{
	char buf[60];
	size_t len = log_format(buf, sizeof(buf), 0, 1, LOG_LEVEL_INFO,
		"a\nb\033[2Jc long tail that does not fit into the buffer");

	CU_ASSERT_EQUAL(len, sizeof(buf) - 1);
	CU_ASSERT_EQUAL(strlen(buf), len);
	CU_ASSERT_EQUAL(buf[len - 1], '\n');
	CU_ASSERT_PTR_EQUAL(strchr(buf, '\n'), buf + len - 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "[info] a?b?[2Jc"));
}

static void file_takes_what_the_level_lets_through(void)
{
	char path[128], buf[4096];
	struct log_config config = {
		.ident = "test", .level = LOG_LEVEL_NOTICE, .syslog_facility = -1};

	in_dir(path, "level.log");
	config.file = path;
	CU_ASSERT_EQUAL(log_open(&config), 0);
	log_info("hidden %d", 1);
	log_warning("shown %d", 2);
	log_close();
	slurp(path, buf, sizeof(buf));
	CU_ASSERT_PTR_NULL(strstr(buf, "hidden"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "[warning] shown 2\n"));
	unlink(path);
}

static void reopening_follows_a_rotation(void)
{
	char path[128], old[128], buf[4096];
	struct log_config config = {
		.ident = "test", .level = LOG_LEVEL_DEBUG, .syslog_facility = -1};

	in_dir(path, "rotate.log");
	in_dir(old, "rotate.log.1");
	config.file = path;
	CU_ASSERT_EQUAL(log_open(&config), 0);
	log_info("before");
	CU_ASSERT_EQUAL(rename(path, old), 0);
	log_info("between");
	CU_ASSERT_EQUAL(log_reopen(), 0);
	log_info("after");
	log_close();
	slurp(old, buf, sizeof(buf));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "before"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "between"));
	CU_ASSERT_PTR_NULL(strstr(buf, "after"));
	slurp(path, buf, sizeof(buf));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "after"));
	unlink(path);
	unlink(old);
}

/* Runs the log with stderr as a file that $JOURNAL_STREAM names, or not. */
static void log_to_stderr(bool journal, const char *path, char *buf, size_t cap)
{
	struct log_config config = {
		.ident = "test", .level = LOG_LEVEL_INFO, .to_stderr = true, .syslog_facility = -1};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;

	dup2(fd, STDERR_FILENO);
	fstat(fd, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino + (journal ? 0 : 1));
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(&config);
	log_warning("hello");
	log_close();
	unsetenv("JOURNAL_STREAM");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	slurp(path, buf, cap);
	unlink(path);
}

static void journal_gets_a_priority_and_no_date(void)
{
	char path[128], buf[1024];

	in_dir(path, "stderr");
	log_to_stderr(true, path, buf, sizeof(buf));
	CU_ASSERT_STRING_EQUAL(buf, "<4>hello\n");
	log_to_stderr(false, path, buf, sizeof(buf));
	CU_ASSERT_EQUAL(buf[0], '[');
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "[warning] hello\n"));
}

static void a_file_that_cannot_be_opened_changes_nothing(void)
{
	char path[128];
	struct log_config config = {
		.ident = "test", .level = LOG_LEVEL_ERROR, .syslog_facility = -1};

	in_dir(path, "no/such/dir");
	config.file = path;
	CU_ASSERT_EQUAL(log_open(&config), -ENOENT);
	CU_ASSERT_TRUE(log_wants(LOG_LEVEL_INFO));
	CU_ASSERT_FALSE(log_wants(LOG_LEVEL_DEBUG));
}

static void limit_counts_what_it_holds_back(void)
{
	struct log_limit limit = {0};
	uint64_t missed;

	CU_ASSERT_TRUE(log_limit_pass(&limit, (mono){0}, NS_PER_SEC, 2, &missed));
	CU_ASSERT_EQUAL(missed, 0);
	CU_ASSERT_TRUE(log_limit_pass(&limit, (mono){1}, NS_PER_SEC, 2, &missed));
	for (int i = 0; i < 5; i++)
		CU_ASSERT_FALSE(log_limit_pass(&limit, (mono){2}, NS_PER_SEC, 2, &missed));
	CU_ASSERT_TRUE(log_limit_pass(&limit, (mono){NS_PER_SEC}, NS_PER_SEC, 2, &missed));
	CU_ASSERT_EQUAL(missed, 5);
	CU_ASSERT_TRUE(log_limit_pass(&limit, (mono){NS_PER_SEC}, NS_PER_SEC, 2, &missed));
	CU_ASSERT_EQUAL(missed, 0);
}

static const struct unit_test tests[] = {
	{"a line has the form of the file", line_has_the_form_of_the_file},
	{"a line is cut and cannot be forged", line_is_cut_and_cannot_be_forged},
	{"the file takes what the level lets through", file_takes_what_the_level_lets_through},
	{"reopening follows a rotation", reopening_follows_a_rotation},
	{"the journal gets a priority and no date", journal_gets_a_priority_and_no_date},
	{"a file that cannot be opened changes nothing",
		a_file_that_cannot_be_opened_changes_nothing},
	{"a limit counts what it holds back", limit_counts_what_it_holds_back},
};

int main(void)
{
	int status;

	strcpy(dir, "/tmp/ctsync-log-XXXXXX");
	if (!mkdtemp(dir))
		return 2;
	status = unit_run("io log", tests, sizeof(tests) / sizeof(tests[0]));
	rmdir(dir);
	return status;
}
