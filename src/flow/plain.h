/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PLAIN_H
#define CTSYNC_FLOW_PLAIN_H

#include "flow/pack.h"

/*
 * A plain flow: TCP or UDP with both addresses and both ports, and of all other things only what
 * is named here. Nearly every flow that peers tell is one; it goes into the packed form without a
 * struct flow, whose 500 bytes cost more to clear than these to fill.
 */
enum flow_plain_has {
	FLOW_PLAIN_STATUS = 1 << 0,
	FLOW_PLAIN_TIMEOUT = 1 << 1,
	FLOW_PLAIN_MARK = 1 << 2,
	FLOW_PLAIN_TCP_STATE = 1 << 3,
	FLOW_PLAIN_NO_SYNPROXY = 1 << 4, /* its three numbers are present, and 0 */
	FLOW_PLAIN_SNAT = 1 << 5,
	FLOW_PLAIN_DNAT = 1 << 6,
	FLOW_PLAIN_SNAT_PORT = 1 << 7,
	FLOW_PLAIN_DNAT_PORT = 1 << 8,
};

struct flow_plain {
	bool ipv6;
	uint8_t l4; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t tcp_state;
	uint16_t has; /* enum flow_plain_has: which of the values below count */
	uint32_t status, timeout, mark;
	const uint8_t *addrs; /* source, then destination: 4 or 16 bytes each */
	const uint8_t *ports; /* source, then destination */
	const uint8_t *snat, *dnat; /* addresses: the reply's destination, the reply's source */
	uint16_t snat_port_be, dnat_port_be;
};

/*
 * A packed flow that is plain, but for its id and TCP's window scales and flags, which are left
 * out. False: it is not. *out borrows from the packed one. The reply tuple is told as NAT, where
 * the status does not deny that: what flow_is_snat() and kin say.
 */
bool flow_plain_unpack(const uint8_t *packed, size_t len, struct flow_plain *out);

/* Writes the key as flow_key_make() does; returns its length. */
size_t flow_plain_key(const struct flow_plain *, uint8_t key[FLOW_KEY_BYTES_MAX]);

/*
 * Packs to the very bytes that flow_pack() makes of the same flow, once flow_setup_reply() has been
 * called on it. Returns the length.
 */
size_t flow_plain_pack(const struct flow_plain *, uint8_t packed[FLOW_PACKED_BYTES_MAX]);

#endif
