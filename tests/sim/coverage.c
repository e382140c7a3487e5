/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/coverage.h"

static const struct {
	const char *name;
	uint64_t floor;
} kinds[COVERAGE_KINDS] = {
#define X(name, text, floor) {text, floor},
	COVERAGE(X)
#undef X
};

/* What the engines must have gone through, by their own counters. */
static const struct {
	enum counter counter;
	uint64_t floor;
} engine_floors[] = {
	{COUNTER_LOST, 500},
	{COUNTER_BEFORE, 200},
	{COUNTER_NACKS_SENT, 200},
	{COUNTER_NACKS_RECEIVED, 200},
	{COUNTER_RESENT, 200},
	{COUNTER_BULKS_SENT, 200},
	{COUNTER_BULKS_LIMITED, 5},
	{COUNTER_RESYNCS_ASKED, 200},
	{COUNTER_RESYNCS_RECEIVED, 200},
	{COUNTER_PEER_RESTARTS, 20},
	{COUNTER_LINK_CHANGES, 20},
	{COUNTER_LINK_FOLLOWED, 20},
	{COUNTER_REMOTE_SWEPT, 20},
	{COUNTER_COALESCED, 200},
	{COUNTER_SHORT_LIVED, 200},
	{COUNTER_KERNEL_OVERRUNS, 20},
	{COUNTER_KERNEL_DUMP_ABORTS, 20},
	{COUNTER_KERNEL_SWEPT, 20},
	{COUNTER_KERNEL_WRITTEN, 200},
	{COUNTER_KERNEL_DELETED, 50},
	{COUNTER_KERNEL_REFUSED, 20},
	{COUNTER_COMMIT_SKIPPED, 20},
	{COUNTER_MEMORY_MOVED, 200},
	{COUNTER_INJECT_CREATED, 1000},
	{COUNTER_INJECT_UPDATED, 1000},
	{COUNTER_INJECT_DELETED, 300},
	{COUNTER_INJECT_EXPECT_CREATED, 100},
	{COUNTER_INJECT_KEPT, 100},
	{COUNTER_INJECT_RUN_OUT, 20},
	{COUNTER_INJECT_YIELDED, 20},
	{COUNTER_EXPECT_WRITTEN, 50},
	{COUNTER_EXPECT_SWEPT, 20},
	{COUNTER_RECEIVED_EXPECTATIONS, 1000},
};

void coverage_add(struct coverage *to, const struct coverage *from)
{
	for (int i = 0; i < COVERAGE_KINDS; i++)
		to->count[i] += from->count[i];
	for (int i = 0; i < COUNTERS; i++)
		to->engine[i] += from->engine[i];
	if (from->converge_ms_max > to->converge_ms_max)
		to->converge_ms_max = from->converge_ms_max;
}

void coverage_print(const struct coverage *c)
{
	printf("what happened:\n");
	for (int i = 0; i < COVERAGE_KINDS; i++)
		printf("  %-42s %12" PRIu64 "\n", kinds[i].name, c->count[i]);
	printf("the engines' counters:\n");
	for (int i = 0; i < COUNTERS; i++)
		printf("  %-42s %12" PRIu64 "\n", counter_info[i].name, c->engine[i]);
	printf("slowest convergence: %" PRId64 " ms\n", c->converge_ms_max);
}

bool coverage_enough(const struct coverage *c, uint64_t seeds)
{
	bool enough = true;

	for (int i = 0; i < COVERAGE_KINDS; i++) {
		if (c->count[i] * COVERAGE_SEEDS >= kinds[i].floor * seeds)
			continue;
		printf("coverage: too few: %s: %" PRIu64 "\n", kinds[i].name, c->count[i]);
		enough = false;
	}
	for (size_t i = 0; i < sizeof(engine_floors) / sizeof(engine_floors[0]); i++) {
		uint64_t have = c->engine[engine_floors[i].counter];

		if (have * COVERAGE_SEEDS >= engine_floors[i].floor * seeds)
			continue;
		printf("coverage: too few: %s: %" PRIu64 "\n",
			counter_info[engine_floors[i].counter].name, have);
		enough = false;
	}
	return enough;
}
