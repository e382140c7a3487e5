/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/check.h"
#include "tests/sim/history.h"

void history_fini(struct history *h)
{
	free(h->states);
	*h = (struct history){0};
}

void history_add(struct history *h, mono at, const struct flow *f, bool rewritten)
{
	struct history_state *s;

	if (h->count == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 16;
		h->states = realloc(h->states, (size_t)h->cap * sizeof(*h->states));
		CHECK(h->states);
	}
	s = &h->states[h->count++];
	*s = (struct history_state){.at = at, .live = f != NULL, .rewritten = rewritten};
	if (f)
		s->flow = *f;
}

static bool state_is(const struct history *h, int i, const struct flow *got,
	const struct traffic_compare *c, const char **what)
{
	const struct history_state *s = &h->states[i];
	struct traffic_compare mine = *c;

	if (!s->live || s->flow.mark != got->mark)
		return false;
	/* An event may be read after the answer to a write that followed it. */
	mine.rewritten =
		c->rewritten || s->rewritten || (i + 1 < h->count && h->states[i + 1].rewritten);
	return traffic_same(&s->flow, got, &mine, what);
}

enum history_find history_find(const struct history *h, int from, const struct flow *got,
	const struct traffic_compare *c, int *at, const char **what)
{
	*what = "no state with this mark";
	for (int i = from < 0 ? 0 : from; i < h->count; i++) {
		if (state_is(h, i, got, c, what)) {
			*at = i;
			return HISTORY_FOUND;
		}
	}
	for (int i = from < h->count ? from - 1 : h->count - 1; i >= 0; i--) {
		if (state_is(h, i, got, c, what)) {
			*at = i;
			return HISTORY_OLDER;
		}
	}
	return HISTORY_NEVER;
}

int history_find_end(const struct history *h, int from)
{
	for (int i = from < 0 ? 0 : from; i < h->count; i++)
		if (!h->states[i].live)
			return i;
	return -1;
}
