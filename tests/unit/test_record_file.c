/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/record.h"
#include "unit.h"

/* The record of an engine that is not there: what it would say stands here. */
enum { HEAD_BYTES = 4096, FLOWS = 8000, LATER_S = 600 };

static char dir[] = "/tmp/ctsync-record-XXXXXX";
static char lock[sizeof(dir) + 16], path[sizeof(lock) + 16];
static uint64_t says, cursor;
static bool again, empty;
static char engine; /* nobody looks into it */

bool engine_next_record(struct engine *e, struct engine_record *out)
{
	bool is = empty;

	(void)e;
	if (is)
		*out = (struct engine_record){.kind = ENGINE_RECORD_EMPTY};
	empty = false;
	return is;
}

bool engine_wants_rewrite(const struct engine *e)
{
	(void)e;
	return again;
}

bool engine_wants_former(const struct engine *e)
{
	(void)e;
	return false;
}

bool engine_rewrite_begin(struct engine *e)
{
	(void)e;
	again = false;
	cursor = 0;
	return true;
}

bool engine_rewrite_next(
	struct engine *e, mono now, struct engine_record *out, size_t max, size_t *count)
{
	(void)e;
	(void)now;
	for (*count = 0; *count < max && cursor < says; (*count)++)
		out[*count] = (struct engine_record){++cursor, UINT32_MAX, ENGINE_RECORD_WRITTEN};
	return cursor < says;
}

static struct engine_config open_record(struct record *r)
{
	struct engine_config c = {.standby_warm = true};
	struct config config = {0};

	text_copy(config.general.lock_file, sizeof(config.general.lock_file), lock);
	record_open(r, &config, &c);
	record_start(r, (struct engine *)(void *)&engine);
	return c;
}

/* What the next process would read. */
static size_t left(void)
{
	struct record r;
	size_t count = open_record(&r).former_count;

	r.engine = NULL;
	record_close(&r);
	return count;
}

/* So long is a file at the most. */
static void limit(uint64_t bytes)
{
	struct rlimit l;

	CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes ? bytes : l.rlim_max;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* Turns, as the daemon's loop has them, until there is nothing to do before then. */
static unsigned run(struct record *r, mono *now, mono then)
{
	unsigned turns = 0;

	while (!mono_before(then, *now) && turns < 100000) {
		mono at;

		record_run(r, *now);
		turns++;
		at = record_deadline(r, *now);
		if (mono_before(*now, at))
			*now = at;
	}
	*now = then;
	return turns;
}

static void without_room_for_two_the_old_one_goes(void)
{
	struct record r;
	mono now = {NS_PER_SEC};

	unlink(path);
	says = FLOWS;
	again = true;
	CU_ASSERT_TRUE(open_record(&r).keeps_record);
	limit(HEAD_BYTES + FLOWS * sizeof(struct engine_record) * 3 / 2);
	run(&r, &now, mono_add_ms(now, 10000));
	CU_ASSERT_EQUAL(r.rewrites, 1);
	CU_ASSERT_EQUAL(r.cleared, 0);
	for (unsigned n = 1; n <= 3; n++) {
		again = true;
		CU_ASSERT(run(&r, &now, mono_add_ms(now, 10000)) < 100);
		CU_ASSERT_EQUAL(r.rewrites, 1 + n);
		CU_ASSERT_FALSE(r.journal.torn);
		CU_ASSERT_EQUAL(journal_bytes(&r.journal), FLOWS * sizeof(struct engine_record));
	}
	CU_ASSERT(r.cleared > 0);
	limit(0);
	record_close(&r);
	CU_ASSERT_EQUAL(left(), FLOWS);
}

static void without_room_for_one_it_is_tried_now_and_then(void)
{
	struct record r;
	mono now = {NS_PER_SEC};

	unlink(path);
	says = FLOWS;
	again = true;
	CU_ASSERT_TRUE(open_record(&r).keeps_record);
	limit(HEAD_BYTES + 2048);
	CU_ASSERT(run(&r, &now, mono_add_ms(now, LATER_S * 1000)) < 1000);
	CU_ASSERT_EQUAL(r.rewrites, 0);
	limit(0);
	CU_ASSERT(run(&r, &now, mono_add_ms(now, 70000)) < 100);
	CU_ASSERT_EQUAL(r.rewrites, 1);
	record_close(&r);
	CU_ASSERT_EQUAL(left(), FLOWS);
}

/* More records than any node has flows: no reason to be without one for ever. */
static void one_that_is_too_long_is_begun_anew(void)
{
	struct engine_config c;
	struct record r;

	unlink(path);
	CU_ASSERT_EQUAL(left(), 0);
	CU_ASSERT_EQUAL(truncate(path, HEAD_BYTES + (16LL << 30) + 16), 0);
	c = open_record(&r);
	CU_ASSERT_TRUE(c.keeps_record);
	CU_ASSERT_EQUAL(c.former_count, 0);
	CU_ASSERT_EQUAL(journal_bytes(&r.journal), 0);
	record_close(&r);
}

static void a_promotion_ends_a_rewrite(void)
{
	struct record r;
	mono now = {NS_PER_SEC};

	unlink(path);
	says = FLOWS;
	again = true;
	CU_ASSERT_TRUE(open_record(&r).keeps_record);
	record_run(&r, now);
	CU_ASSERT(journal_bytes(&r.journal) > 0);
	CU_ASSERT(cursor < says);
	empty = true;
	run(&r, &now, mono_add_ms(now, 10000));
	CU_ASSERT_EQUAL(journal_bytes(&r.journal), 0);
	CU_ASSERT_EQUAL(r.rewrites, 0);
	record_close(&r);
	CU_ASSERT_EQUAL(left(), 0);
}

static void locks_have_little_room_beside_them(void)
{
	struct record_places p = record_place("/var/lock/conntrackd.lock");

	CU_ASSERT_STRING_EQUAL(p.own, "/run/ctsyncd/conntrackd.lock.record");
	CU_ASSERT_STRING_EQUAL(p.beside, "/var/lock/conntrackd.lock.record");
	p = record_place("/run/lock/a/b.lock");
	CU_ASSERT_STRING_EQUAL(p.own, "/run/ctsyncd/a!b.lock.record");
	p = record_place("/var/lib/x/lock");
	CU_ASSERT_STRING_EQUAL(p.own, "");
	CU_ASSERT_STRING_EQUAL(p.beside, "/var/lib/x/lock.record");
	p = record_place("");
	CU_ASSERT_STRING_EQUAL(p.own, "");
}

static void the_directory_is_nobody_elses(void)
{
	char name[sizeof(dir) + 8];
	struct stat st;

	snprintf(name, sizeof(name), "%s/d", dir);
	CU_ASSERT_EQUAL(record_make_dir(name), 0);
	CU_ASSERT_EQUAL_FATAL(stat(name, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	CU_ASSERT_EQUAL(record_make_dir(name), 0);
	CU_ASSERT_EQUAL(chmod(name, 0770), 0);
	CU_ASSERT_EQUAL(record_make_dir(name), -EPERM);
	CU_ASSERT_EQUAL(rmdir(name), 0);
	CU_ASSERT_EQUAL(symlink("/tmp", name), 0);
	CU_ASSERT_EQUAL(record_make_dir(name), -EPERM);
	CU_ASSERT_EQUAL(unlink(name), 0);
	CU_ASSERT_EQUAL(record_make_dir("/nonexistent/x"), -ENOENT);
}

static const struct unit_test tests[] = {
	{"locks have little room beside them", locks_have_little_room_beside_them},
	{"the directory is nobody else's", the_directory_is_nobody_elses},
	{"a promotion ends a rewrite", a_promotion_ends_a_rewrite},
	{"without room for two the old one goes", without_room_for_two_the_old_one_goes},
	{"without room for one it is tried now and then",
		without_room_for_one_it_is_tried_now_and_then},
	{"one that is too long is begun anew", one_that_is_too_long_is_begun_anew},
};

int main(void)
{
	int status;

	if (!mkdtemp(dir))
		return 2;
	signal(SIGXFSZ, SIG_IGN);
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	snprintf(path, sizeof(path), "%s.record", lock);
	status = unit_run("record file", tests, sizeof(tests) / sizeof(tests[0]));
	unlink(path);
	rmdir(dir);
	return status;
}
