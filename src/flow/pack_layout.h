/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PACK_LAYOUT_H
#define CTSYNC_FLOW_PACK_LAYOUT_H

#include <stdint.h>

/* How a packed flow is laid out, for the files that write and read one; not for other modules. */

/*
 * Layout:
 *   key     u8 enum key_bit, u8 layer 4 protocol, source, destination (4 or 16 bytes each),
 *           layer 4 cells (4 bytes, if the protocol has them), nonzero zones (2 bytes each)
 *   u32     enum group, as bits: what follows and, with it, which attributes are present
 *   values  in the order of enum group
 *
 * A cell or zone that is not present counts as 0 in the key, so that a message which spares it
 * finds the same flow. Groups are chosen so that what kernel and peers say in practice needs
 * nothing beyond the group bits to know the attributes present. Whatever else occurs carries the
 * presence set itself (GROUP_SET).
 */
enum key_bit { /* 1 << 7 is an expectation's: expect_pack.h */
	KEY_IPV6 = 1 << 0,
	KEY_CELLS = 1 << 1,
	KEY_ZONE = 1 << 2,
	KEY_ORIG_ZONE = 1 << 3,
	KEY_REPL_ZONE = 1 << 4,
	KEY_ZONES = KEY_ZONE | KEY_ORIG_ZONE | KEY_REPL_ZONE,
};

enum group {
	GROUP_SET, /* the presence set in full */
	GROUP_CELLS, /* no value: all layer 4 attributes of the protocol are present */
	GROUP_REPL, /* no value: the reply tuple is the inverted original, but for the next ones */
	GROUP_REPL_RAW, /* the whole tuple: its protocols are not the original's */
	GROUP_REPL_SRC,
	GROUP_REPL_DST,
	GROUP_REPL_SPORT,
	GROUP_REPL_DPORT,
	GROUP_ID,
	GROUP_STATUS, /* 16 bits */
	GROUP_STATUS_HIGH, /* 16 more */
	GROUP_TIMEOUT,
	GROUP_MARK, /* no value: present */
	GROUP_MARK_VALUE, /* if it is not 0 */
	GROUP_TCP_STATE,
	GROUP_TCP_WSCALE,
	GROUP_TCP_FLAGS,
	GROUP_SCTP_STATE,
	GROUP_SCTP_VTAG,
	GROUP_DCCP,
	GROUP_MASTER, /* layer 3 and 4 protocol and cells */
	GROUP_MASTER_IPV4,
	GROUP_MASTER_IPV6,
	GROUP_MASTER_PORTS, /* no value: present */
	GROUP_SECMARK,
	GROUP_SEQADJ_ORIG,
	GROUP_SEQADJ_REPL,
	GROUP_HELPER_NAME,
	GROUP_LABELS,
	GROUP_SYNPROXY, /* no value: present */
	GROUP_SYNPROXY_VALUE, /* if one is not 0 */
	GROUPS,
};

#define GROUP(g) (UINT32_C(1) << GROUP_##g)

#endif
