/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/check.h"
#include "tests/sim/agenda.h"

static bool job_before(const struct job *a, const struct job *b)
{
	return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static void jobs_swap(struct job *a, struct job *b)
{
	struct job t = *a;

	*a = *b;
	*b = t;
}

void agenda_init(struct agenda *g)
{
	*g = (struct agenda){0};
}

void agenda_fini(struct agenda *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->jobs[i].data);
	free(g->jobs);
	*g = (struct agenda){0};
}

void agenda_add(struct agenda *g, const struct job *j)
{
	size_t i = g->count;

	if (g->count == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 256;
		g->jobs = realloc(g->jobs, g->cap * sizeof(*g->jobs));
		CHECK(g->jobs);
	}
	g->jobs[i] = *j;
	g->jobs[i].order = g->order++;
	g->count++;
	for (; i > 0 && job_before(&g->jobs[i], &g->jobs[(i - 1) / 2]); i = (i - 1) / 2)
		jobs_swap(&g->jobs[i], &g->jobs[(i - 1) / 2]);
}

bool agenda_next(struct agenda *g, struct job *out)
{
	size_t i = 0;

	if (g->count == 0)
		return false;
	*out = g->jobs[0];
	g->jobs[0] = g->jobs[--g->count];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < g->count; c++)
			if (job_before(&g->jobs[c], &g->jobs[least]))
				least = c;
		if (least == i)
			break;
		jobs_swap(&g->jobs[i], &g->jobs[least]);
		i = least;
	}
	return true;
}

mono agenda_when(const struct agenda *g)
{
	return g->count ? g->jobs[0].at : MONO_NEVER;
}
