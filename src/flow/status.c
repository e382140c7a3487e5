/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/status.h"

bool flow_tcp_is_half_open(uint8_t state)
{
	return state == FLOW_TCP_NONE || state == FLOW_TCP_SYN_SENT || state == FLOW_TCP_SYN_RECV ||
	       state == FLOW_TCP_SYN_SENT2;
}
