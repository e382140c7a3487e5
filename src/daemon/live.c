/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/live.h"

#include <stdlib.h>

#include "nlmsg/exp.h"

/* Room for one more of what the last step brought. */
static bool make_room(struct live *l)
{
	size_t cap = l->cap ? 2 * l->cap : 256;
	void *grown;

	if (l->count < l->cap)
		return true;
	grown = l->expect_filter ? reallocarray(l->expects, cap, sizeof(*l->expects))
				 : reallocarray(l->flows, cap, sizeof(*l->flows));
	if (!grown) {
		l->short_of_memory = true;
		return false;
	}
	if (l->expect_filter)
		l->expects = grown;
	else
		l->flows = grown;
	l->cap = cap;
	return true;
}

static bool is_usable(enum nlmsg_result result)
{
	return result == NLMSG_OK || result == NLMSG_BAD_ATTR;
}

static void on_message(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct live *l = ctx;

	if (!make_room(l))
		return;
	if (l->expect_filter) {
		struct expect *x = &l->expects[l->count];

		if (is_usable(nlmsg_exp_parse(nlh, len, x)) &&
			expect_filter_match(l->expect_filter, x))
			l->count++;
	} else {
		struct flow *f = &l->flows[l->count];

		if (!is_usable(nlmsg_ct_parse(nlh, len, f)) || !flow_filter_match(l->filter, f))
			return;
		/* they point into the message */
		f->secctx = f->helper_info = (struct flow_span){0};
		flow_mark_unset(f, FLOW_SECCTX);
		flow_mark_unset(f, FLOW_HELPER_INFO);
		l->count++;
	}
}

int live_open(struct live *l, const struct flow_filter *filter, const struct expect_filter *expects)
{
	uint8_t request[128];
	size_t len = expects ? nlmsg_exp_build_dump(request, sizeof(request), 0, 0)
			     : nlmsg_ct_build_dump(request, sizeof(request), 0, 0);
	int err;

	*l = (struct live){.filter = filter, .expect_filter = expects};
	err = nldump_init(&l->dump);
	return err ? err : nldump_start(&l->dump, request, len);
}

void live_close(struct live *l)
{
	nldump_fini(&l->dump);
	free(l->flows);
	free(l->expects);
}

enum live_next live_next(struct live *l, const struct flow **flow, const struct expect **expect)
{
	enum nldump_result result;

	if (l->at == l->count && !l->over) {
		l->at = l->count = 0;
		result = nldump_step(&l->dump, 1, on_message, l);
		if (result == NLDUMP_FAILED || l->short_of_memory)
			return LIVE_FAILED;
		/* interrupted: the table changed meanwhile, and some may be missing or come twice
		 */
		l->over = result != NLDUMP_RUNNING;
	}
	if (l->at == l->count)
		return l->over ? LIVE_END : LIVE_LATER;
	*flow = l->expect_filter ? NULL : &l->flows[l->at];
	*expect = l->expect_filter ? &l->expects[l->at] : NULL;
	l->at++;
	return LIVE_ONE;
}
