/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_WIRE_V1_ATTR_H
#define CTSYNC_WIRE_V1_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/v1.h"

/*
 * What the files of the version 1 codec share; nothing here is for other modules.
 *
 * An attribute is a record: be16 length (4 + payload), be16 number, payload, zeros up to the next
 * multiple of 4 that the length does not count.
 */
enum { V1_RECORD_HEADER_BYTES = 4 };

/* Attributes of CT_NEW, CT_UPD and CT_DEL by their numbers (doc/PROTOCOL.md, "Attributes"). */
enum v1_attr {
	V1_IPV4 = 0,
	V1_IPV6 = 1,
	V1_L4PROTO = 2,
	V1_PORT = 3,
	V1_TCP_STATE = 4,
	V1_STATUS = 5,
	V1_TIMEOUT = 6,
	V1_MARK = 7,
	V1_MASTER_IPV4 = 8,
	V1_MASTER_IPV6 = 9,
	V1_MASTER_L4PROTO = 10,
	V1_MASTER_PORT = 11,
	V1_SNAT_IPV4 = 12,
	V1_DNAT_IPV4 = 13,
	V1_SPAT_PORT = 14,
	V1_DPAT_PORT = 15,
	V1_NAT_SEQ_ADJ = 16,
	V1_SCTP_STATE = 17,
	V1_SCTP_VTAG_ORIG = 18,
	V1_SCTP_VTAG_REPL = 19,
	V1_DCCP_STATE = 20,
	V1_DCCP_ROLE = 21,
	V1_ICMP_TYPE = 22,
	V1_ICMP_CODE = 23,
	V1_ICMP_ID = 24,
	V1_TCP_WSCALE_ORIG = 25,
	V1_TCP_WSCALE_REPL = 26,
	V1_HELPER_NAME = 27,
	V1_LABELS = 28,
	V1_SNAT_IPV6 = 29,
	V1_DNAT_IPV6 = 30,
	V1_SYNPROXY = 31,
	V1_ZONE = 32,
	V1_ATTRS,
};

/* Those of EXP_NEW, EXP_UPD and EXP_DEL. */
enum v1_expect_attr {
	V1X_MASTER_IPV4 = 0,
	V1X_MASTER_IPV6 = 1,
	V1X_MASTER_L4PROTO = 2,
	V1X_MASTER_PORT = 3,
	V1X_EXPECT_IPV4 = 4,
	V1X_EXPECT_IPV6 = 5,
	V1X_EXPECT_L4PROTO = 6,
	V1X_EXPECT_PORT = 7,
	V1X_MASK_IPV4 = 8,
	V1X_MASK_IPV6 = 9,
	V1X_MASK_L4PROTO = 10,
	V1X_MASK_PORT = 11,
	V1X_TIMEOUT = 12,
	V1X_FLAGS = 13,
	V1X_CLASS = 14,
	V1X_NAT_IPV4 = 15,
	V1X_NAT_PORT = 16,
	V1X_NAT_L4PROTO = 17,
	V1X_NAT_DIR = 18,
	V1X_HELPER_NAME = 19,
	V1X_FN = 20,
	V1X_ATTRS,
};

/* The protocols whose flows say PORT: those with ports, and GRE for its keys. */
static inline bool v1_has_ports(uint8_t l4)
{
	return flow_l4_has_key(l4) && !flow_l4_is_icmp(l4);
}

/* Where a message starts in its buffer, to come back to if it does not fit. */
struct v1_start {
	size_t used;
	bool bad;
};

/* A message is written between these two; end fills in its length and returns it, or 0. */
struct v1_start wire_v1_put_begin(struct wbuf *, enum wire_v1_type, uint8_t flags, uint32_t seq);
size_t wire_v1_put_end(struct wbuf *, struct v1_start);

/*
 * A helper's or a function's name that may be on the wire: 1 to max printable characters. The
 * name ends up on terminals and in logs.
 */
bool wire_v1_name_is_good(const char *name, size_t len, size_t max);

#endif
