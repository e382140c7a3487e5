/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_EXPECT_CHECK_H
#define CTSYNC_TESTS_SIM_EXPECT_CHECK_H

#include "tests/sim/sim.h"

/* What must hold of expectations: at any time, of a write, and in the end. */
void expect_check(struct sim *, struct sim_node *);
void expect_check_op(struct sim *, struct sim_node *, const struct kernel_op *);

/* False, and why: n's local table is not its kernel, or its copy of owner's not owner's. */
bool expect_local_is_kernel(struct sim *, struct sim_node *n, char *why, size_t cap);
bool expect_remote_is_local(
	struct sim *, struct sim_node *n, struct sim_node *owner, char *why, size_t cap);

#endif
