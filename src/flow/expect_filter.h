/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_EXPECT_FILTER_H
#define CTSYNC_FLOW_EXPECT_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/expect.h"

/*
 * Which expectations are replicated: ExpectationSync. Off; all of them; or those whose helper's
 * name begins with one of some names, in any letter case. With names, an expectation without a
 * helper's name is not replicated.
 */
enum { EXPECT_FILTER_NAMES_MAX = 32 };

struct expect_filter {
	bool on;
	unsigned names_count; /* 0: all */
	char names[EXPECT_FILTER_NAMES_MAX][FLOW_HELPER_NAME_MAX];
};

/* 0; -EINVAL: empty, or longer than a helper's name; -EEXIST; -ENOSPC. */
int expect_filter_add(struct expect_filter *, const char *name);

bool expect_filter_match(const struct expect_filter *, const struct expect *);

#endif
