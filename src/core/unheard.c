/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/unheard.h"

#include "flow/status.h"

bool unheard_is_young(const struct engine *e)
{
	return e->config.births_unheard && e->dump.complete;
}

bool unheard_is_part(const struct engine *e, uint32_t handle, const struct flow *f)
{
	const struct entry *x = entry_at(&e->store, handle);

	return e->config.births_unheard && flow_has(f, FLOW_STATUS) &&
	       f->status & FLOW_STATUS_EXPECTED && !flow_has(f, FLOW_MASTER_L4PROTO) &&
	       !(x->flags & ENTRY_ANNOUNCED) && x->list == ENTRY_UNLISTED;
}
