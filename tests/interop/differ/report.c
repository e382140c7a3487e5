/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/interop/differ/differ.h"

enum { DIFFERENCES_MAX = 64 };

/* What differed, by its name, with the first occurrence. */
struct difference {
	char what[64], step[64], detail[160], text[400];
	uint64_t episode;
	unsigned long count;
};

static struct difference differences[DIFFERENCES_MAX];
static unsigned difference_count;
static unsigned long operations, exceptions[EXCEPTION_COUNT];

static const char *const exception_texts[] = {
#define EXCEPTION_TEXT(id, text) #id ": " text,
	EXCEPTIONS(EXCEPTION_TEXT)
#undef EXCEPTION_TEXT
};

void differ_step(struct differ *d, const char *format, ...)
{
	va_list ap;

	operations++;
	va_start(ap, format);
	vsnprintf(d->step, sizeof(d->step), format, ap);
	va_end(ap);
	if (d->verbose)
		printf("  %s\n", d->step);
}

void differ_report(struct differ *d, const char *what, const char *format, ...)
{
	struct difference *found = NULL;
	va_list ap;

	d->differed = true;
	for (unsigned i = 0; i < difference_count && !found; i++) {
		if (strcmp(differences[i].what, what) == 0)
			found = &differences[i];
	}
	if (!found && difference_count < DIFFERENCES_MAX) {
		found = &differences[difference_count++];
		snprintf(found->what, sizeof(found->what), "%s", what);
		snprintf(found->step, sizeof(found->step), "%s", d->step);
		found->episode = d->episode;
		va_start(ap, format);
		vsnprintf(found->text, sizeof(found->text), format, ap);
		va_end(ap);
	}
	if (found)
		found->count++;
	if (d->verbose) {
		printf("    DIFFERS %s: ", what);
		va_start(ap, format);
		vprintf(format, ap);
		va_end(ap);
		putchar('\n');
	}
}

void differ_except(struct differ *d, enum exception e)
{
	exceptions[e]++;
	if (d->verbose)
		printf("    exception %s\n", exception_texts[e]);
	if (d->same_library && e != EX_EXIT_ON_KERNEL_DATA)
		differ_report(d, exception_texts[e], "one library differs from itself");
}

bool differ_summary(bool whole)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < difference_count; i++) {
		const struct difference *f = &differences[i];

		printf("DIFFERS %s: %lu times, first in episode %llu at %s\n    %s\n", f->what,
			f->count, (unsigned long long)f->episode, f->step, f->text);
	}
	for (unsigned i = 0; i < EXCEPTION_COUNT; i++) {
		if (whole && !exceptions[i])
			missing++;
		if (whole || exceptions[i])
			printf("%s %8lu  %s\n", exceptions[i] ? "expected" : "NOT SEEN",
				exceptions[i], exception_texts[i]);
	}
	printf("%lu operations, %u differences, %u exceptions not seen\n", operations,
		difference_count, missing);
	return difference_count == 0 && missing == 0;
}

bool same_int(struct differ *d, const char *what, const long value[SIDES])
{
	if (value[OURS] == value[THEIRS])
		return true;
	differ_report(d, what, "ours %ld, theirs %ld", value[OURS], value[THEIRS]);
	return false;
}

bool same_failure(struct differ *d, const char *what, const long value[SIDES])
{
	char name[64];

	if (!same_int(d, what, value))
		return false;
	if (value[OURS] != -1 || errno_of[OURS] == errno_of[THEIRS])
		return true;
	if (errno_of[THEIRS] == 0 && (errno_of[OURS] == EINVAL || errno_of[OURS] == EBADMSG)) {
		differ_except(d, EX_NO_ERRNO);
		return true;
	}
	snprintf(name, sizeof(name), "errno of %s", what);
	differ_report(d, name, "ours %s, theirs %s", strerrorname_np(errno_of[OURS]),
		strerrorname_np(errno_of[THEIRS]));
	return false;
}

bool same_text(struct differ *d, const char *what, const char *const text[SIDES])
{
	if (text[OURS] && text[THEIRS] ? strcmp(text[OURS], text[THEIRS]) == 0
				       : !text[OURS] == !text[THEIRS])
		return true;
	differ_report(d, what, "\n    ours   %s\n    theirs %s", text[OURS] ? text[OURS] : "(null)",
		text[THEIRS] ? text[THEIRS] : "(null)");
	return false;
}

static void hex(char *text, size_t cap, const uint8_t *data, size_t len, size_t from)
{
	size_t end = len < from + 40 ? len : from + 40, at = 0;

	text[0] = '\0';
	for (size_t i = from; i < end && at + 4 < cap; i++)
		at += (size_t)snprintf(text + at, cap - at, "%s%02x", i % 4 ? "" : " ", data[i]);
}

bool same_bytes(
	struct differ *d, const char *what, const void *const data[SIDES], const size_t len[SIDES])
{
	size_t at = 0, less = len[OURS] < len[THEIRS] ? len[OURS] : len[THEIRS], from;
	const uint8_t *ours = data[OURS], *theirs = data[THEIRS];
	char text[SIDES][120];

	while (at < less && ours[at] == theirs[at])
		at++;
	if (at == less && len[OURS] == len[THEIRS])
		return true;
	from = at > 8 ? (at - 8) & ~(size_t)3 : 0;
	hex(text[OURS], sizeof(text[OURS]), ours, len[OURS], from);
	hex(text[THEIRS], sizeof(text[THEIRS]), theirs, len[THEIRS], from);
	differ_report(d, what, "at byte %zu of %zu and %zu\n    ours  %s\n    theirs%s", at,
		len[OURS], len[THEIRS], text[OURS], text[THEIRS]);
	return false;
}

uint64_t random_number(struct differ *d)
{
	switch (below(d, 4)) {
	case 0:
		return below(d, 4);
	case 1:
		return UINT64_C(1) << below(d, 64);
	case 2:
		return rng_u64(&d->rng) >> below(d, 64);
	default:
		return rng_u64(&d->rng);
	}
}

void random_bytes(struct differ *d, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u32(&d->rng);
}
