/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal.h"
#include "unit.h"

enum { MANY = 100000 };

static char path[] = "/tmp/ctsync-journal-XXXXXX";
static const uint8_t tag[JOURNAL_TAG_BYTES] = "a boot of a machine";
static const mono now = {5};

struct seen {
	unsigned count;
	uint64_t first, last, sum;
};

static void see(void *ctx, const void *record)
{
	struct seen *s = ctx;
	uint64_t value;

	memcpy(&value, record, sizeof(value));
	if (s->count++ == 0)
		s->first = value;
	s->last = value;
	s->sum += value;
}

static struct seen all_of(struct journal *j)
{
	struct seen s = {0};

	CU_ASSERT_EQUAL(journal_read(j, see, &s), 0);
	return s;
}

static bool open_as(struct journal *j, const uint8_t *which, uint8_t data)
{
	uint8_t bytes[JOURNAL_DATA_BYTES];
	bool found;

	memset(bytes, data, sizeof(bytes));
	CU_ASSERT_EQUAL_FATAL(journal_open(j, path, sizeof(uint64_t), which, bytes, &found), 0);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		CU_ASSERT(found ? bytes[i] == 7 : bytes[i] == data);
	return found;
}

static void put(struct journal *j, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		journal_put(j, &i);
}

/* The blocks that a file takes [bytes]. */
static uint64_t taken(void)
{
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void what_was_flushed_is_read_by_the_next_one(void)
{
	struct journal j;
	struct seen s;

	unlink(path);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	put(&j, 1, 3);
	CU_ASSERT_EQUAL(journal_flush(&j, now), 0);
	put(&j, 4, 1); /* this one stays in the buffer of a process that is killed */
	close(j.fd);
	j.fd = -1;
	journal_close(&j);

	CU_ASSERT_TRUE(open_as(&j, tag, 9));
	s = all_of(&j);
	CU_ASSERT_EQUAL(s.count, 3);
	CU_ASSERT_EQUAL(s.sum, 6);
	put(&j, 10, MANY); /* more than the buffer holds */
	journal_close(&j);
	CU_ASSERT_TRUE(open_as(&j, tag, 9));
	s = all_of(&j);
	CU_ASSERT_EQUAL(s.count, 3 + MANY);
	CU_ASSERT_EQUAL(s.first, 1);
	CU_ASSERT_EQUAL(s.last, 10 + MANY - 1);
	CU_ASSERT_EQUAL(journal_bytes(&j), (3 + MANY) * sizeof(uint64_t));
	journal_close(&j);
	journal_close(&j);
	put(&j, 1, 1);
	CU_ASSERT_EQUAL(journal_flush(&j, now), 0);
}

static void another_tag_begins_anew(void)
{
	static const uint8_t other[JOURNAL_TAG_BYTES] = "another boot";
	struct journal j;

	unlink(path);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	put(&j, 1, 3);
	journal_close(&j);
	CU_ASSERT_FALSE(open_as(&j, other, 9));
	CU_ASSERT_EQUAL(all_of(&j).count, 0);
	journal_close(&j);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	journal_close(&j);
}

/* Each length that a file may have been left with, and bytes of no journal. */
static void damage_is_no_record(void)
{
	uint8_t junk[5000];
	struct journal j;
	struct seen s;
	int fd;

	unlink(path);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	put(&j, 1, 3);
	journal_close(&j);
	for (int cut = 1; cut <= 24; cut++) {
		CU_ASSERT_EQUAL(truncate(path, 4096 + 24 - cut), 0);
		CU_ASSERT_TRUE(open_as(&j, tag, 7));
		s = all_of(&j);
		CU_ASSERT_EQUAL(s.count, (unsigned)(24 - cut) / 8);
		put(&j, s.count + 1, 3 - s.count); /* over what is left of one */
		journal_close(&j);
		CU_ASSERT_TRUE(open_as(&j, tag, 7));
		s = all_of(&j);
		CU_ASSERT_EQUAL(s.count, 3);
		CU_ASSERT_EQUAL(s.sum, 6);
		journal_close(&j);
	}
	CU_ASSERT_EQUAL(truncate(path, 40), 0);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	journal_close(&j);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	CU_ASSERT_EQUAL(write(fd, junk, sizeof(junk)), (ssize_t)sizeof(junk));
	close(fd);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	CU_ASSERT_EQUAL(all_of(&j).count, 0);
	journal_close(&j);
}

static void a_rewriting_never_says_less(void)
{
	struct journal j, next;
	struct seen s;

	unlink(path);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	for (int round = 0; round < 3; round++) {
		put(&j, 0, MANY);
		CU_ASSERT_EQUAL(journal_flush(&j, now), 0);
		journal_rewrite_begin(&j);
		put(&j, 1000, 10);
		CU_ASSERT_EQUAL(journal_flush(&j, now), 0);
		CU_ASSERT_TRUE(open_as(&next, tag, 9));
		s = all_of(&next);
		CU_ASSERT(s.count >= MANY + 10);
		journal_close(&next);
		put(&j, 2000, 10);
		CU_ASSERT_EQUAL(journal_rewrite_end(&j, now), 0);
		CU_ASSERT_TRUE(open_as(&next, tag, 9));
		s = all_of(&next);
		CU_ASSERT_EQUAL(s.count, 20);
		CU_ASSERT_EQUAL(s.first, 1000);
		CU_ASSERT_EQUAL(s.last, 2009);
		journal_close(&next);
		CU_ASSERT(taken() <= 3 * 4096);
	}
	CU_ASSERT_EQUAL(journal_clear(&j), 0);
	put(&j, 3000, 1);
	journal_close(&j);
	CU_ASSERT_TRUE(open_as(&j, tag, 9));
	s = all_of(&j);
	CU_ASSERT_EQUAL(s.count, 1);
	CU_ASSERT_EQUAL(s.sum, 3000);
	journal_close(&j);
}

static void without_room_records_are_lost_and_counted(void)
{
	struct rlimit was, small;
	struct journal j;
	mono later = now;

	unlink(path);
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 4096 + 80;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	put(&j, 0, 20);
	CU_ASSERT_EQUAL(journal_flush(&j, later), -EFBIG);
	CU_ASSERT_EQUAL(journal_flush(&j, later), 0); /* not tried again so soon */
	put(&j, 20, MANY);
	CU_ASSERT_TRUE(j.torn);
	CU_ASSERT_EQUAL(j.lost, MANY + 20 - JOURNAL_BUFFER_BYTES / 8);
	journal_rewrite_begin(&j);
	put(&j, 0, 20);
	CU_ASSERT_NOT_EQUAL(journal_rewrite_end(&j, later), 0);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	later = mono_add_ms(later, JOURNAL_RETRY_MS);
	CU_ASSERT_EQUAL(journal_flush(&j, later), 0);
	CU_ASSERT_EQUAL(all_of(&j).count, JOURNAL_BUFFER_BYTES / 8);
	CU_ASSERT_EQUAL(all_of(&j).last, JOURNAL_BUFFER_BYTES / 8 - 1);
	journal_rewrite_begin(&j);
	put(&j, 0, 20);
	CU_ASSERT_EQUAL(journal_rewrite_end(&j, later), 0);
	CU_ASSERT_EQUAL(all_of(&j).count, 20);
	CU_ASSERT_FALSE(j.torn);
	journal_close(&j);
}

static void only_a_file_of_ones_own_is_believed(void)
{
	uint8_t data[JOURNAL_DATA_BYTES] = {7};
	char name[sizeof(path) + 2];
	struct journal j;
	bool found;

	unlink(path);
	CU_ASSERT_FALSE(open_as(&j, tag, 7));
	journal_close(&j);
	CU_ASSERT_EQUAL(chmod(path, 0620), 0);
	CU_ASSERT_EQUAL(journal_open(&j, path, 8, tag, data, &found), -EPERM);
	CU_ASSERT_EQUAL(chmod(path, 0602), 0);
	CU_ASSERT_EQUAL(journal_open(&j, path, 8, tag, data, &found), -EPERM);
	CU_ASSERT_EQUAL(chmod(path, 0600), 0);
	snprintf(name, sizeof(name), "%s.l", path);
	unlink(name);
	CU_ASSERT_EQUAL(link(path, name), 0);
	CU_ASSERT_EQUAL(journal_open(&j, path, 8, tag, data, &found), -EPERM);
	unlink(name);
	CU_ASSERT_EQUAL(symlink(path, name), 0);
	CU_ASSERT_EQUAL(journal_open(&j, name, 8, tag, data, &found), -ELOOP);
	unlink(name);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(chown(path, 1, 1), 0);
		CU_ASSERT_EQUAL(journal_open(&j, path, 8, tag, data, &found), -EPERM);
	}
	CU_ASSERT_EQUAL(j.fd, -1);
	CU_ASSERT_EQUAL(journal_open(&j, "/nonexistent/x", 8, tag, data, &found), -ENOENT);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(journal_open(&j, path, 16, tag, data, &found), 0);
	journal_close(&j);
	CU_ASSERT_EQUAL(journal_open(&j, path, 8, tag, data, &found), 0);
	CU_ASSERT_FALSE(found); /* records of another size */
	journal_close(&j);
	unlink(path);
}

static const struct unit_test tests[] = {
	{"what was flushed is read by the next one", what_was_flushed_is_read_by_the_next_one},
	{"another tag begins anew", another_tag_begins_anew},
	{"damage is no record", damage_is_no_record},
	{"a rewriting never says less", a_rewriting_never_says_less},
	{"without room records are lost and counted", without_room_records_are_lost_and_counted},
	{"only a file of one's own is believed", only_a_file_of_ones_own_is_believed},
};

int main(void)
{
	int fd = mkstemp(path), status;

	if (fd < 0)
		return 2;
	close(fd);
	status = unit_run("journal", tests, sizeof(tests) / sizeof(tests[0]));
	unlink(path);
	return status;
}
