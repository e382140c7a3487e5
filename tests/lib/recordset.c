/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/check.h"
#include "tests/lib/recordset.h"

void recordset_take(struct recordset *s, const struct engine_record *r)
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
	CHECK(r->kind == ENGINE_RECORD_WRITTEN);
	if (i == s->cap) {
		s->cap = 2 * s->cap + 64;
		s->record = realloc(s->record, s->cap * sizeof(s->record[0]));
		CHECK(s->record);
	}
	s->record[i] = *r;
	s->count += i == s->count;
}

void recordset_copy(struct recordset *to, const struct recordset *from)
{
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		recordset_take(to, &from->record[i]);
}

static int by_hash(const void *a, const void *b)
{
	const struct engine_record *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void recordset_sort(struct recordset *s)
{
	if (s->count > 0)
		qsort(s->record, s->count, sizeof(s->record[0]), by_hash);
}

void recordset_fini(struct recordset *s)
{
	free(s->record);
	*s = (struct recordset){0};
}
