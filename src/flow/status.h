/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_STATUS_H
#define CTSYNC_FLOW_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"

/* Status bits of a flow, as linux/netfilter/nf_conntrack_common.h numbers them. */
enum flow_status {
	FLOW_STATUS_EXPECTED = 1 << 0,
	FLOW_STATUS_SEEN_REPLY = 1 << 1,
	FLOW_STATUS_ASSURED = 1 << 2,
	FLOW_STATUS_CONFIRMED = 1 << 3,
	FLOW_STATUS_SRC_NAT = 1 << 4,
	FLOW_STATUS_DST_NAT = 1 << 5,
	FLOW_STATUS_SEQ_ADJUST = 1 << 6,
	FLOW_STATUS_SRC_NAT_DONE = 1 << 7,
	FLOW_STATUS_DST_NAT_DONE = 1 << 8,
	FLOW_STATUS_DYING = 1 << 9,
	FLOW_STATUS_FIXED_TIMEOUT = 1 << 10,
	FLOW_STATUS_TEMPLATE = 1 << 11,
	FLOW_STATUS_UNTRACKED = 1 << 12,
	FLOW_STATUS_HELPER = 1 << 13,
	FLOW_STATUS_OFFLOAD = 1 << 14,
	FLOW_STATUS_HW_OFFLOAD = 1 << 15,
};

/* enum tcp_conntrack of the kernel. */
enum flow_tcp_state {
	FLOW_TCP_NONE,
	FLOW_TCP_SYN_SENT,
	FLOW_TCP_SYN_RECV,
	FLOW_TCP_ESTABLISHED,
	FLOW_TCP_FIN_WAIT,
	FLOW_TCP_CLOSE_WAIT,
	FLOW_TCP_LAST_ACK,
	FLOW_TCP_TIME_WAIT,
	FLOW_TCP_CLOSE,
	FLOW_TCP_SYN_SENT2, /* called LISTEN in configurations and in the old API */
	FLOW_TCP_STATES,
};

/* IP_CT_TCP_FLAG_* of the kernel. */
enum flow_tcp_flag {
	FLOW_TCP_FLAG_WINDOW_SCALE = 1,
	FLOW_TCP_FLAG_SACK_PERM = 2,
	FLOW_TCP_FLAG_CLOSE_INIT = 4,
	FLOW_TCP_FLAG_BE_LIBERAL = 8,
};

/* TCP before the three-way handshake's end: NONE, SYN_SENT, SYN_RECV, SYN_SENT2. */
bool flow_tcp_is_half_open(uint8_t state);

#endif
