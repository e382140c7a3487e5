/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/expect_filter.h"

#include <errno.h>
#include <string.h>

/* Helpers' names are ASCII. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins_with(const char *name, const char *prefix)
{
	for (; *prefix; name++, prefix++)
		if (lower(*name) != lower(*prefix))
			return false;
	return true;
}

int expect_filter_add(struct expect_filter *filter, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(filter->names[0]))
		return -EINVAL;
	for (unsigned i = 0; i < filter->names_count; i++)
		if (strlen(filter->names[i]) == len && begins_with(filter->names[i], name))
			return -EEXIST;
	if (filter->names_count == EXPECT_FILTER_NAMES_MAX)
		return -ENOSPC;
	memcpy(filter->names[filter->names_count++], name, len + 1);
	return 0;
}

bool expect_filter_match(const struct expect_filter *filter, const struct expect *e)
{
	if (!filter->on || filter->names_count == 0)
		return filter->on;
	if (!expect_has(e, EXPECT_HELPER_NAME))
		return false;
	for (unsigned i = 0; i < filter->names_count; i++)
		if (begins_with(e->helper_name, filter->names[i]))
			return true;
	return false;
}
