/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_FILTER_H
#define CTSYNC_FLOW_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

/*
 * Which flows the daemon takes notice of: the Filter section of the configuration. A value with
 * fixed bounds, filled by the parser, read by the engine and by the kernel filter's builder
 * (nlmsg/bpf.h).
 *
 * All sets must agree. Each is off until its policy is set.
 *  protocol: the layer 4 protocol is in the list (accept) or is not (ignore)
 *  address:  the original source or the reply source is in a listed network; under accept a flow
 *            of a family without any listed network is rejected
 *  mark:     mark & mask is value for a listed one; a flow without a mark has mark 0
 *  state:    TCP only; a flow without a known TCP state, or of another protocol, passes
 */
enum { FLOW_FILTER_NETS_MAX = 256, FLOW_FILTER_MARKS_MAX = 32 };

enum flow_filter_policy { FLOW_FILTER_OFF, FLOW_FILTER_ACCEPT, FLOW_FILTER_IGNORE };

struct flow_filter_net {
	union flow_addr addr; /* host bits are zero */
	uint8_t l3; /* AF_INET or AF_INET6 */
	uint8_t prefix_len;
};

struct flow_filter {
	enum flow_filter_policy protocol_policy;
	uint32_t protocols[8]; /* bit n of word n/32: protocol n */

	enum flow_filter_policy address_policy;
	struct flow_filter_net nets[FLOW_FILTER_NETS_MAX];
	uint16_t nets_count;

	enum flow_filter_policy mark_policy;
	struct {
		uint32_t value, mask; /* value & ~mask is 0 */
	} marks[FLOW_FILTER_MARKS_MAX];
	uint16_t marks_count;

	enum flow_filter_policy state_policy;
	uint16_t tcp_states; /* bit n: TCP state n */
};

void flow_filter_add_protocol(struct flow_filter *, uint8_t l4);
bool flow_filter_has_protocol(const struct flow_filter *, uint8_t l4);
void flow_filter_add_tcp_state(struct flow_filter *, uint8_t state);

/*
 * Adds a network; the host bits of addr are cleared. Returns 0, -EINVAL (family or prefix length
 * out of range), -EEXIST (listed already) or -ENOSPC.
 */
int flow_filter_add_net(
	struct flow_filter *, uint8_t l3, const union flow_addr *addr, uint8_t prefix_len);

/* 0, -EINVAL (value has bits that mask has not), -EEXIST or -ENOSPC. */
int flow_filter_add_mark(struct flow_filter *, uint32_t value, uint32_t mask);

/* True if the flow passes. A flow without addresses does not, if the address set is on. */
bool flow_filter_match(const struct flow_filter *, const struct flow *);

/*
 * True if it passes the sets that are the same for its whole life, protocol and address: then it
 * may have passed at some time. A flow's end says neither its state nor, often, its mark.
 */
bool flow_filter_match_tuples(const struct flow_filter *, const struct flow *);

#endif
