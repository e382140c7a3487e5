/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/keeper.h"
#include "tests/sim/sim.h"

enum { SLICE = 5, REWRITE_PERMILLE = 5 };

static void set_take(struct keeper_set *s, const struct engine_record *r)
{
	size_t i = 0;

	if (r->kind == ENGINE_RECORD_EMPTY) {
		s->count = 0;
		return;
	}
	while (i < s->count && s->record[i].hash != r->hash)
		i++;
	if (r->kind == ENGINE_RECORD_GONE) {
		if (i < s->count)
			s->record[i] = s->record[--s->count];
		return;
	}
	if (i == s->cap) {
		s->cap = 2 * s->cap + 64;
		s->record = realloc(s->record, s->cap * sizeof(s->record[0]));
		CHECK(s->record);
	}
	s->record[i] = *r;
	s->count += i == s->count;
}

static void set_copy(struct keeper_set *to, const struct keeper_set *from)
{
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		set_take(to, &from->record[i]);
}

static int by_hash(const void *a, const void *b)
{
	const struct engine_record *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void keeper_start(struct sim *s, struct sim_node *n)
{
	struct keeper *k = &n->keeper;

	if (!n->config.standby_warm)
		return;
	if (k->has_key)
		memcpy(n->config.hash_key, k->hash_key, sizeof(k->hash_key));
	memcpy(k->hash_key, n->config.hash_key, sizeof(k->hash_key));
	k->has_key = true;
	k->rewriting = false;
	set_copy(&k->former, &k->kept);
	if (k->former.count > 0)
		qsort(k->former.record, k->former.count, sizeof(k->former.record[0]), by_hash);
	s->coverage.count[COVERAGE_RECORDED] += k->former.count;
	n->config.keeps_record = true;
	n->config.former = k->former.record;
	n->config.former_count = k->former.count;
}

void keeper_take(struct sim *s, struct sim_node *n)
{
	struct keeper *k = &n->keeper;
	struct engine_record r;

	(void)s;
	while (engine_next_record(n->engine, &r)) {
		set_take(&k->kept, &r);
		if (r.kind == ENGINE_RECORD_EMPTY)
			k->rewriting = false;
		if (k->rewriting)
			set_take(&k->anew, &r);
	}
}

static void begin(struct sim *s, struct sim_node *n)
{
	if (!engine_wants_rewrite(n->engine) && !dice_permille(&s->rng_keeper, REWRITE_PERMILLE))
		return;
	n->keeper.rewriting = engine_rewrite_begin(n->engine);
	n->keeper.anew.count = 0;
}

void keeper_run(struct sim *s, struct sim_node *n)
{
	struct keeper *k = &n->keeper;
	struct engine_record slice[SLICE];
	bool more;
	size_t count;

	if (!n->config.keeps_record)
		return;
	keeper_take(s, n);
	if (!k->rewriting)
		begin(s, n);
	keeper_take(s, n); /* what ends just now comes with the begin */
	if (!k->rewriting)
		return;
	more = engine_rewrite_next(n->engine, s->now, slice, SLICE, &count);
	for (size_t i = 0; i < count; i++) {
		set_take(&k->kept, &slice[i]); /* it may be cut short: all is in one file */
		set_take(&k->anew, &slice[i]);
	}
	if (more)
		return;
	k->rewriting = false;
	set_copy(&k->kept, &k->anew);
	s->coverage.count[COVERAGE_REWRITTEN]++;
}

void keeper_reboot(struct sim_node *n)
{
	n->keeper.kept.count = 0;
	n->keeper.has_key = false;
}

void keeper_fini(struct sim_node *n)
{
	free(n->keeper.kept.record);
	free(n->keeper.anew.record);
	free(n->keeper.former.record);
}
