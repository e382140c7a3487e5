/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "flow/expect.h"

/* Attributes of the original tuple, by word of the presence set. */
static const uint32_t head_attrs[FLOW_SET_WORDS] = {
	1u << FLOW_ORIG_IPV4_SRC | 1u << FLOW_ORIG_IPV4_DST | 1u << FLOW_ORIG_IPV6_SRC |
		1u << FLOW_ORIG_IPV6_DST | 1u << FLOW_ORIG_PORT_SRC | 1u << FLOW_ORIG_PORT_DST |
		1u << FLOW_ICMP_TYPE | 1u << FLOW_ICMP_CODE | 1u << FLOW_ICMP_ID |
		1u << FLOW_ORIG_L3PROTO | 1u << FLOW_ORIG_L4PROTO,
	0,
	1u << (FLOW_ORIG_ZONE - 64),
};

void flow_head_of(struct flow_head *h, const struct flow *f)
{
	for (unsigned i = 0; i < FLOW_SET_WORDS; i++)
		h->set[i] = f->set[i] & head_attrs[i];
	h->tuple = f->tuple[FLOW_ORIG];
}
