/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/record.h"
#include "io/log.h"

enum {
	SLICE = 1024, /* records of a rewriting in one turn */
	SLACK_BYTES = 1 << 20, /* by so much may a file outgrow twice its last whole */
	REWRITE_RETRY_MS = 1000, /* doubled by each failure, up to */
	REWRITE_RETRY_MS_MAX = 64000,
	KIND_BITS = 2,
	BOOT_ID_BYTES = 36, /* as text */
};

_Static_assert(BOOT_ID_BYTES + sizeof(uint64_t) <= JOURNAL_TAG_BYTES, "both are in the tag");

_Static_assert(sizeof(struct engine_record) == 16, "no padding goes into the file");
_Static_assert(sizeof(((struct engine_config *)NULL)->hash_key) == JOURNAL_DATA_BYTES,
	"the file is begun with the key");

/* ---- reading what was left ---- */

/* Whose kernel's table this is about: this boot's, in this network namespace. */
static int make_tag(uint8_t tag[JOURNAL_TAG_BYTES])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	uint64_t inode;
	ssize_t len;

	if (fd < 0)
		return -errno;
	memset(tag, 0, JOURNAL_TAG_BYTES);
	len = read(fd, tag, BOOT_ID_BYTES);
	if (len != BOOT_ID_BYTES)
		err = len < 0 ? -errno : -EIO;
	close(fd);
	if (!err && stat("/proc/self/ns/net", &st) < 0)
		err = -errno;
	if (err)
		return err;
	inode = st.st_ino;
	memcpy(tag + BOOT_ID_BYTES, &inode, sizeof(inode));
	return 0;
}

struct loading {
	struct engine_record *all;
	size_t count, cap;
};

static void load_one(void *ctx, const void *data)
{
	struct loading *l = ctx;
	struct engine_record r;

	memcpy(&r, data, sizeof(r));
	if (r.kind != ENGINE_RECORD_WRITTEN && r.kind != ENGINE_RECORD_GONE)
		return;
	if (l->count == l->cap)
		return;
	r.kind |= (uint32_t)l->count << KIND_BITS; /* what is said later counts */
	l->all[l->count++] = r;
}

static int compare(const void *a, const void *b)
{
	const struct engine_record *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

/* Of each flow the last word, if that is WRITTEN. */
static void reduce(struct loading *l)
{
	size_t kept = 0;

	qsort(l->all, l->count, sizeof(l->all[0]), compare);
	for (size_t i = 0; i < l->count; i++) {
		struct engine_record r = l->all[i];

		if (i + 1 < l->count && l->all[i + 1].hash == r.hash)
			continue;
		r.kind &= (1U << KIND_BITS) - 1;
		if (r.kind == ENGINE_RECORD_WRITTEN)
			l->all[kept++] = r;
	}
	l->count = kept;
}

static int load(struct record *r)
{
	struct loading l = {.cap = journal_bytes(&r->journal) / sizeof(struct engine_record)};
	int err;

	if (l.cap == 0)
		return 0;
	if (l.cap > UINT32_MAX >> KIND_BITS)
		return -EFBIG;
	l.all = malloc(l.cap * sizeof(l.all[0]));
	if (!l.all)
		return -ENOMEM;
	err = journal_read(&r->journal, load_one, &l);
	if (err) {
		free(l.all);
		return err;
	}
	reduce(&l);
	r->former = l.all;
	r->former_count = l.count;
	return 0;
}

static int open_at(struct record *r, const char *path, struct engine_config *out)
{
	uint8_t tag[JOURNAL_TAG_BYTES];
	bool found;
	int err = make_tag(tag);

	if (!err)
		err = journal_open(&r->journal, path, sizeof(struct engine_record), tag,
			out->hash_key, &found);
	if (err)
		return err;
	err = found ? load(r) : 0;
	if (err == -EFBIG || err == -ENOMEM) {
		log_warning("%s: too long to be read, and begun anew", path);
		err = journal_clear(&r->journal);
	}
	if (err)
		journal_close(&r->journal);
	return err;
}

/* ---- its place ---- */

struct record_places record_place(const char *lock_file)
{
	static const char *const small[] = {"/var/lock/", "/run/lock/"};
	struct record_places p = {.own = ""};

	snprintf(p.beside, sizeof(p.beside), "%s.record", lock_file);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		size_t len = strlen(small[i]), from = strlen(RECORD_DIR) + 1;

		if (strncmp(lock_file, small[i], len) != 0)
			continue;
		snprintf(p.own, sizeof(p.own), "%s/%s.record", RECORD_DIR, lock_file + len);
		for (char *c = p.own + from; (c = strchr(c, '/')) != NULL;)
			*c = '!';
	}
	return p;
}

int record_make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return 0;
}

/* One that is left in the other place would be believed some day. */
static int open_somewhere(
	struct record *r, const struct record_places *p, struct engine_config *out)
{
	int err = *p->own ? record_make_dir(RECORD_DIR) : -ENOENT;

	if (!err)
		err = open_at(r, p->own, out);
	if (!err) {
		(void)unlink(p->beside);
		return 0;
	}
	if (*p->own)
		(void)unlink(p->own);
	return open_at(r, p->beside, out);
}

void record_open(struct record *r, const struct config *config, struct engine_config *out)
{
	const struct record_places p = record_place(config->general.lock_file);
	int err;

	*r = (struct record){
		.journal.fd = -1, .rewrite_next = {INT64_MIN}, .pause_ms = REWRITE_RETRY_MS};
	if (!out->standby_warm) {
		/* what it says will not be true any more */
		(void)unlink(p.beside);
		if (*p.own)
			(void)unlink(p.own);
		return;
	}
	err = open_somewhere(r, &p, out);
	if (err) {
		log_warning("%s: %s: the next process cannot tell what this one writes for peers "
			    "from its own flows",
			p.beside, strerror(-err));
		return;
	}
	out->keeps_record = true;
	out->former = r->former;
	out->former_count = r->former_count;
	if (r->former_count > 0)
		log_notice("a former process has written %zu flows for peers", r->former_count);
}

void record_start(struct record *r, struct engine *engine)
{
	r->engine = engine;
}

void record_close(struct record *r)
{
	if (r->engine && r->journal.fd >= 0)
		record_keep(r);
	journal_close(&r->journal);
	free(r->former);
	r->former = NULL;
}

/* ---- writing ---- */

void record_keep(struct record *r)
{
	struct engine_record one;

	while (r->journal.fd >= 0 && engine_next_record(r->engine, &one)) {
		if (one.kind != ENGINE_RECORD_EMPTY) {
			journal_put(&r->journal, &one);
			continue;
		}
		r->rewriting = false; /* it would say again what is not so any more */
		if (journal_clear(&r->journal))
			r->journal.torn = true;
	}
}

static void put_off(struct record *r, mono now)
{
	r->rewrite_next = mono_add_ms(now, r->pause_ms);
	r->pause_ms *= 2;
	if (r->pause_ms > REWRITE_RETRY_MS_MAX)
		r->pause_ms = REWRITE_RETRY_MS_MAX;
}

/*
 * What was there twice has no room: it is given up, and said again. Until that is done less is
 * known than there was; but with a file that fills its file system it would never be done.
 */
static int make_room(struct record *r, mono now)
{
	int err = journal_make_room(&r->journal);

	if (r->cleared++ == 0)
		log_warning("no room for the record of flows beside what it says: that is given "
			    "up, and written again");
	r->rewriting = false;
	put_off(r, now);
	if (!err)
		err = journal_flush(&r->journal, now);
	r->journal.full = false; /* not again before the next write */
	return err;
}

void record_flush(struct record *r, mono now)
{
	static struct log_limit limit;
	uint64_t missed;
	int err = journal_flush(&r->journal, now);

	if (r->journal.full)
		err = make_room(r, now);
	if (err && log_limit_pass(&limit, now, 60 * NS_PER_SEC, 1, &missed))
		log_error("writing the record of flows failed: %s", strerror(-err));
}

static bool wants_rewrite(const struct record *r)
{
	return engine_wants_rewrite(r->engine) || r->journal.torn ||
	       journal_bytes(&r->journal) > 2 * r->whole_bytes + SLACK_BYTES;
}

static void rewrite_begin(struct record *r, mono now)
{
	r->rewrite_next = mono_add_ms(now, REWRITE_RETRY_MS);
	if (!engine_rewrite_begin(r->engine))
		return;
	journal_rewrite_begin(&r->journal);
	r->rewriting = true;
}

static void rewrite_step(struct record *r, mono now)
{
	static struct engine_record slice[SLICE];
	size_t count;
	bool more = engine_rewrite_next(r->engine, now, slice, SLICE, &count);

	for (size_t i = 0; i < count; i++)
		journal_put(&r->journal, &slice[i]);
	if (more)
		return;
	r->rewriting = false;
	if (journal_rewrite_end(&r->journal, now)) {
		r->journal.torn = true; /* it is done again */
		if (!r->journal.full)
			put_off(r, now);
		return;
	}
	r->whole_bytes = journal_bytes(&r->journal);
	r->pause_ms = REWRITE_RETRY_MS;
	r->rewrites++;
}

void record_run(struct record *r, mono now)
{
	if (r->former && !engine_wants_former(r->engine)) {
		free(r->former);
		r->former = NULL;
	}
	if (r->journal.fd < 0)
		return;
	record_keep(r);
	if (!r->rewriting && wants_rewrite(r) && mono_reached(now, r->rewrite_next))
		rewrite_begin(r, now);
	record_keep(r); /* what ends just now is told with the begin */
	if (r->rewriting)
		rewrite_step(r, now);
	record_flush(r, now);
}

mono record_deadline(const struct record *r, mono now)
{
	mono at = MONO_NEVER;

	if (r->journal.fd < 0)
		return at;
	if (r->rewriting)
		return now;
	if (wants_rewrite(r))
		at = r->rewrite_next;
	if (r->journal.len > 0)
		at = mono_min(at, mono_is_never(r->journal.retry) ? now : r->journal.retry);
	return at;
}
