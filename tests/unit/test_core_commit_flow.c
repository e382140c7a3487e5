/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/commit_flow.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "flow/status.h"
#include "unit.h"

enum { BOTH = FLOW_TCP_FLAG_WINDOW_SCALE | FLOW_TCP_FLAG_BE_LIBERAL };

/* As the link brings it: scales, but no flags. */
static struct flow received(uint8_t l4, uint8_t orig, uint8_t reply)
{
	struct flow f = {0};

	f.tuple[FLOW_ORIG].l3 = AF_INET;
	f.tuple[FLOW_ORIG].l4 = l4;
	f.tcp.state = FLOW_TCP_ESTABLISHED;
	f.tcp.wscale[FLOW_ORIG] = orig;
	f.tcp.wscale[FLOW_REPL] = reply;
	if (l4 == IPPROTO_TCP) {
		flow_mark_set(&f, FLOW_TCP_STATE);
		flow_mark_set(&f, FLOW_TCP_WSCALE_ORIG);
		flow_mark_set(&f, FLOW_TCP_WSCALE_REPL);
	}
	return f;
}

static bool has_flags(const struct flow *f, uint8_t flags)
{
	return flow_has(f, FLOW_TCP_FLAGS_ORIG) && flow_has(f, FLOW_TCP_MASK_REPL) &&
	       f->tcp.flags[FLOW_ORIG] == flags && f->tcp.flags[FLOW_REPL] == flags &&
	       f->tcp.flags_mask[FLOW_ORIG] == flags && f->tcp.flags_mask[FLOW_REPL] == flags;
}

static void window_scales_come_with_their_flag(void)
{
	struct flow f = received(IPPROTO_TCP, 7, 9);

	commit_flow_create(&f, false);
	CU_ASSERT_TRUE(has_flags(&f, FLOW_TCP_FLAG_WINDOW_SCALE));
	f = received(IPPROTO_TCP, 0, 9);
	commit_flow_create(&f, true);
	CU_ASSERT_TRUE(has_flags(&f, BOTH));
	f = received(IPPROTO_TCP, 7, 0);
	commit_flow_update(&f, NULL, false, false);
	CU_ASSERT_TRUE(has_flags(&f, FLOW_TCP_FLAG_WINDOW_SCALE));
	CU_ASSERT_EQUAL(f.tcp.wscale[FLOW_ORIG], 7);
}

static void unknown_window_scales_set_no_flag(void)
{
	struct flow f = received(IPPROTO_TCP, 0, 0);

	commit_flow_create(&f, false);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_TCP_FLAGS_ORIG));
	commit_flow_create(&f, true);
	CU_ASSERT_TRUE(has_flags(&f, FLOW_TCP_FLAG_BE_LIBERAL));
}

static void other_protocols_get_no_tcp_flags(void)
{
	struct flow f = received(IPPROTO_UDP, 7, 7);

	commit_flow_create(&f, true);
	CU_ASSERT_FALSE(flow_has(&f, FLOW_TCP_FLAGS_ORIG));
}

static const struct unit_test tests[] = {
	{"window scales come with their flag", window_scales_come_with_their_flag},
	{"unknown window scales set no flag", unknown_window_scales_set_no_flag},
	{"other protocols get no TCP flags", other_protocols_get_no_tcp_flags},
};

UNIT_MAIN("core_commit_flow", tests)
