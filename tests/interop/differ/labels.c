/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmasks and files of label names. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/interop/differ/pair.h"

enum { MASKS = 3, STEPS_MAX = 60, LINES_MAX = 40, LINE_MAX = 200, BITS_ASKED = 1030 };

static void mask_observe(struct differ *d, struct nfct_bitmask *const mask[SIDES])
{
	long got[SIDES];

	BOTH (s)
		got[s] = api_of[s].nfct_bitmask_maxbit(mask[s]);
	if (!same_int(d, "nfct_bitmask_maxbit", got))
		return;
	for (unsigned bit = 0; bit < (unsigned)got[OURS] + 40; bit++) {
		long test[SIDES];

		BOTH (s)
			test[s] = api_of[s].nfct_bitmask_test_bit(mask[s], bit);
		if (!same_int(d, "nfct_bitmask_test_bit", test))
			return;
	}
}

static void mask_new(struct differ *d, struct nfct_bitmask *mask[SIDES])
{
	static const unsigned odd[] = {0, 31, 32, 63, 64, 127, 1023, 65535, 65536, UINT32_MAX};
	unsigned maxbit = one_in(d, 4) ? odd[below(d, 10)] : below(d, 200);
	long made[SIDES];

	differ_step(d, "bitmask of %u", maxbit);
	BOTH (s) {
		api_of[s].nfct_bitmask_destroy(mask[s]);
		mask[s] = api_of[s].nfct_bitmask_new(maxbit);
		made[s] = mask[s] ? 0 : -1;
	}
	same_int(d, "nfct_bitmask_new", made);
}

static void mask_step(struct differ *d, struct nfct_bitmask *mask[MASKS][SIDES], unsigned i)
{
	unsigned j = below(d, MASKS), bit = below(d, 260), what = below(d, 10);
	struct nfct_bitmask *made[SIDES];
	long got[SIDES];

	if (what == 0 || !mask[i][OURS]) {
		mask_new(d, mask[i]);
	} else if (what < 6) {
		differ_step(d, "bit %u of %u", bit, i);
		BOTH (s) {
			if (what < 5)
				api_of[s].nfct_bitmask_set_bit(mask[i][s], bit);
			else
				api_of[s].nfct_bitmask_unset_bit(mask[i][s], bit);
		}
	} else if (what == 6 && i != j) {
		differ_step(d, "clone %u to %u", i, j);
		BOTH (s) {
			made[s] = api_of[s].nfct_bitmask_clone(mask[i][s]);
			api_of[s].nfct_bitmask_destroy(mask[j][s]);
			mask[j][s] = made[s];
		}
	} else if (what == 7) {
		differ_step(d, "clear %u", i);
		BOTH (s)
			api_of[s].nfct_bitmask_clear(mask[i][s]);
	} else if (mask[j][OURS]) {
		differ_step(d, "compare %u with %u", i, j);
		BOTH (s)
			got[s] = api_of[s].nfct_bitmask_equal(mask[i][s], mask[j][s]);
		same_int(d, "nfct_bitmask_equal", got);
	}
}

void episode_bitmask(struct differ *d)
{
	struct nfct_bitmask *mask[MASKS][SIDES] = {0};

	for (unsigned n = below(d, STEPS_MAX); n > 0 && !d->differed; n--) {
		unsigned i = below(d, MASKS);

		mask_step(d, mask, i);
		if (mask[i][OURS] && mask[i][THEIRS] && !d->differed)
			mask_observe(d, mask[i]);
	}
	for (unsigned i = 0; i < MASKS; i++) {
		BOTH (s)
			api_of[s].nfct_bitmask_destroy(mask[i][s]);
	}
}

/* Label maps */

static void random_line(struct differ *d, char line[LINE_MAX])
{
	static const char *const forms[] = {"%u name-%u\n", "%u\tname %u\n", "  %u name%u  \n",
		"0x%x hex-%u\n", "0%o octal-%u\n", "%uname%u\n", "# %u %u\n", "%u name_%u\n",
		"-%u n%u\n", "%u name%u # why\n", "%u \r\n", "\n", "   \n", "%u name%u\r\n",
		"x%u name%u\n", "%u  a b\t c %u\n", "+%u plus%u\n", "%u\vname%u\n", "%u name%u",
		" # %u %u\n", "%u,name%u\n", "%u \x80%u\n", "99999999999999999999%u big%u\n",
		"%u -%u\n"};
	unsigned bit = one_in(d, 4) ? below(d, 1100) : below(d, 64);

	/* The forms are the literals above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	snprintf(line, LINE_MAX, forms[one_in(d, 2) ? below(d, 6) : below(d, 24)], bit,
		below(d, 50));
#pragma GCC diagnostic pop
}

/* A file with lines of all kinds; one of them may be longer than fits. */
static bool random_file(struct differ *d, const char *path)
{
	unsigned lines = one_in(d, 10) ? 0 : below(d, LINES_MAX);
	FILE *f = fopen(path, "w");
	char line[LINE_MAX];

	if (!f)
		return false;
	for (unsigned i = 0; i < lines; i++) {
		random_line(d, line);
		fputs(line, f);
		if (one_in(d, 40)) {
			fprintf(f, "%u ", below(d, 64));
			for (unsigned n = 900 + below(d, 300); n > 0; n--)
				fputc(one_in(d, 50) ? ' ' : 'a' + (int)below(d, 3), f);
			fputc('\n', f);
		}
	}
	return fclose(f) == 0;
}

static void same_names(struct differ *d, struct nfct_labelmap *const map[SIDES])
{
	const char *name[SIDES];
	long bits[SIDES];

	for (unsigned bit = 0; bit < BITS_ASKED; bit++) {
		BOTH (s)
			name[s] = api_of[s].nfct_labelmap_get_name(map[s], bit);
		if (!same_text(d, "nfct_labelmap_get_name", name))
			return;
		if (!name[OURS])
			continue;
		BOTH (s)
			bits[s] = api_of[s].nfct_labelmap_get_bit(map[s], name[OURS]);
		same_int(d, "nfct_labelmap_get_bit", bits);
	}
}

void episode_labelmap(struct differ *d)
{
	static const char *const asked[] = {
		"", " ", "name-1", "name", "NAME-1", "name-1 ", "hex-0"};
	struct nfct_labelmap *map[SIDES];
	const char *text[SIDES];
	long got[SIDES];
	char path[256];

	snprintf(path, sizeof(path), "%s/labelmap", d->tmp);
	differ_step(d, "a label map");
	if (!random_file(d, path))
		return;
	if (one_in(d, 20))
		unlink(path);
	BOTH (s) {
		map[s] = api_of[s].nfct_labelmap_new(path);
		got[s] = map[s] ? 0 : -1;
	}
	if (same_failure(d, "nfct_labelmap_new", got) && map[OURS]) {
		same_names(d, map);
		for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
			BOTH (s)
				got[s] = api_of[s].nfct_labelmap_get_bit(map[s], asked[i]);
			same_int(d, "nfct_labelmap_get_bit", got);
		}
	}
	BOTH (s)
		text[s] = api_of[s].nfct_labels_get_path();
	same_text(d, "nfct_labels_get_path", text);
	BOTH (s) {
		if (map[s])
			api_of[s].nfct_labelmap_destroy(map[s]);
	}
	if (d->verbose && d->differed)
		printf("    %s is kept\n", path);
	else
		unlink(path);
}
