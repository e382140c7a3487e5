/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_EXPECT_PRINT_H
#define CTSYNC_FLOW_EXPECT_PRINT_H

#include "flow/expect.h"
#include "flow/print.h"

/*
 * An expectation as `conntrack -L expect` and the library's nfexp_snprintf() print it, without a
 * newline: as a line of text or as an XML element. Its NAT tuple and its function are not shown.
 * What stands before an event's line is flow_print_event().
 */
void expect_print(struct text *, const struct expect *);

/* Of the flags FLOW_PRINT_DATE counts, of the context the time. */
void expect_print_xml(struct text *, const struct expect *, unsigned event, unsigned flags,
	const struct flow_print_context *);

#endif
