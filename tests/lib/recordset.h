/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_LIB_RECORDSET_H
#define CTSYNC_TESTS_LIB_RECORDSET_H

#include "core/engine.h"

/* What a file of an engine's records comes to: the flows of the last WRITTEN that nothing has
 * taken back. All zero is an empty one. */
struct recordset {
	struct engine_record *record;
	size_t count, cap;
};

void recordset_take(struct recordset *, const struct engine_record *);
void recordset_copy(struct recordset *to, const struct recordset *from);
void recordset_sort(struct recordset *); /* by hash, as an engine wants its former ones */
void recordset_fini(struct recordset *);

#endif
