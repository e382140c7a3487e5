/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PRINT_H
#define CTSYNC_FLOW_PRINT_H

#include "base/text.h"
#include "flow/flow.h"

/*
 * The conntrack tool's line for a flow, without a newline: what `conntrack -L` and the library's
 * nfct_snprintf() print as plain text. Field order, names and spacing are relied on by scripts.
 */
enum flow_print_flags {
	FLOW_PRINT_L3 = 1, /* the layer 3 prefix: "ipv4     2 " */
	FLOW_PRINT_ID = 4, /* id=N */
};

/* Fields whose values depend on the clock (delta-time, start, stop) are the library's business. */
void flow_print(struct text *, const struct flow *, unsigned flags);

/*
 * The same line in two parts, each field with a blank behind it, for who prints more: the times
 * stand between the two, label names at the end.
 */
void flow_print_head(struct text *, const struct flow *, unsigned flags);
void flow_print_tail(struct text *, const struct flow *, unsigned flags);

/* An address as inet_ntop() writes it. */
void flow_print_addr(struct text *, uint8_t l3, const union flow_addr *);

/* Names as the tool prints them; "unknown" / "NONE" for what has none. */
const char *flow_l4_name(uint8_t l4);
const char *flow_l3_name(uint8_t l3);
const char *flow_tcp_state_name(uint8_t state);
const char *flow_sctp_state_name(uint8_t state);
const char *flow_dccp_state_name(uint8_t state);

#endif
