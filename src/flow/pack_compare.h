/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PACK_COMPARE_H
#define CTSYNC_FLOW_PACK_COMPARE_H

#include <stdint.h>

/* What two packed forms of flows with the same key say of each other. */
enum flow_packed_change {
	FLOW_PACKED_SAME, /* flow_same_state() says so, and their reply tuples are equal */
	FLOW_PACKED_CHANGED, /* it does not, but their reply tuples are */
	FLOW_PACKED_UNSURE, /* this does not tell: they are to be unpacked */
};

/* The timeouts of both [s], or -1; not set if it is unsure. */
struct flow_packed_timeouts {
	int64_t before, now;
};

/*
 * Of bytes that flow_pack() made. What nearly every flow is, that peers tell, and nearly every
 * change of one, is told apart by the bytes: a fraction of the cost of unpacking both.
 */
enum flow_packed_change flow_packed_compare(
	const uint8_t *before, const uint8_t *now, struct flow_packed_timeouts *);

#endif
