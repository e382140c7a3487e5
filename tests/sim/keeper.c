/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tests/sim/keeper.h"
#include "tests/sim/sim.h"

enum { SLICE = 5, REWRITE_PERMILLE = 5 };

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
	recordset_copy(&k->former, &k->kept);
	recordset_sort(&k->former);
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
		recordset_take(&k->kept, &r);
		if (r.kind == ENGINE_RECORD_EMPTY)
			k->rewriting = false;
		if (k->rewriting)
			recordset_take(&k->anew, &r);
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
		recordset_take(&k->kept, &slice[i]); /* it may be cut short: all is in one file */
		recordset_take(&k->anew, &slice[i]);
	}
	if (more)
		return;
	k->rewriting = false;
	recordset_copy(&k->kept, &k->anew);
	s->coverage.count[COVERAGE_REWRITTEN]++;
}

void keeper_reboot(struct sim_node *n)
{
	n->keeper.kept.count = 0;
	n->keeper.has_key = false;
}

void keeper_fini(struct sim_node *n)
{
	recordset_fini(&n->keeper.kept);
	recordset_fini(&n->keeper.anew);
	recordset_fini(&n->keeper.former);
}
