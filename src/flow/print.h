/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PRINT_H
#define CTSYNC_FLOW_PRINT_H

#include "base/text.h"
#include "flow/flow.h"

/*
 * The conntrack tool's line for a flow, without a newline: what `conntrack -L` and the library's
 * nfct_snprintf() print as plain text. Field order, names and spacing are relied on by scripts.
 *
 * The numbers are those of the library's NFCT_OF_*.
 */
enum flow_print_flags {
	FLOW_PRINT_L3 = 1, /* the layer 3 prefix: "ipv4     2 " */
	FLOW_PRINT_DATE = 2, /* of the moment; XML alone has it */
	FLOW_PRINT_ID = 4, /* id=N */
	FLOW_PRINT_TIMESTAMP = 8, /* when the flow started and ended */
};

/* What became of a flow; the numbers are those of the library's NFCT_T_*. */
enum flow_event {
	FLOW_EVENT_NEW = 1,
	FLOW_EVENT_UPDATE = 2,
	FLOW_EVENT_DESTROY = 4,
};

struct flow_date {
	uint32_t year;
	uint8_t month, day; /* from 1 */
	uint8_t hour, min, sec;
	uint8_t weekday; /* 0 = Sunday */
};

/* What a text tells beyond the flow; printers have no clock, no time zone and no files. */
struct flow_print_context {
	uint64_t now_s; /* [s since the epoch] */
	struct flow_date (*date_of)(uint64_t s); /* local; NULL: no text that depends on time */

	const char *(*label_name)(const void *names, unsigned bit); /* NULL or "": has none */
	const void *label_names; /* NULL: no labels are printed */
	struct flow_span labels; /* words in host order, word 0 = bits 0..31 */
};

/* Without times and labels. */
void flow_print(struct text *, const struct flow *, unsigned flags);

/* What stands before the line of an event: "    [NEW] "; nothing for any other number. */
void flow_print_event(struct text *, unsigned event);

void flow_print_with(
	struct text *, const struct flow *, unsigned flags, const struct flow_print_context *);

/*
 * A tuple by the values of its protocols, whatever is marked present: "src=A dst=B sport=N
 * dport=N " with prefix before src and dst; one that was never set prints nothing.
 */
void flow_print_tuple(struct text *, const char *prefix, const struct flow_tuple *);

/* An address as inet_ntop() writes it. */
void flow_print_addr(struct text *, uint8_t l3, const union flow_addr *);

/* Names as the tool prints them; "unknown" / "NONE" for what has none. */
const char *flow_l4_name(uint8_t l4);
const char *flow_l3_name(uint8_t l3);
const char *flow_tcp_state_name(uint8_t state);
const char *flow_sctp_state_name(uint8_t state);
const char *flow_dccp_state_name(uint8_t state);

/* The lowest named label from *bit on, which is left behind it; NULL: no more. For each label. */
const char *flow_next_label(const struct flow_print_context *, unsigned *bit);

#endif
