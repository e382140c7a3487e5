/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PACK_H
#define CTSYNC_FLOW_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

/*
 * The form in which tables hold a flow: its key first, then what else is known, nothing that is
 * absent. The format is private to a running process; it is never on a wire or a disk.
 *
 * Key: the original tuple (layer 3 and 4 protocol, addresses, layer 4 key of every protocol,
 * GRE included) and the zones (common, original, reply). Its bytes are canonical: two flows have
 * the same key exactly if the bytes are equal. The length follows from the first byte(s).
 *
 * An attribute that is absent counts as 0 in it: zone 0 and no zone are one key.
 *
 * Not packed, because it lives only as long as its message or changes without an event:
 * use count, secctx, helper info, packet and byte counters, timestamps, the library's label mask,
 * requested NAT. What is requested must stand in the reply tuple when a flow is packed: whoever
 * makes a flow with requests calls flow_setup_reply() on it. Layer 4 attributes of a protocol
 * other than the flow's (ports of ICMP) are dropped as well; everything else comes back as it
 * was, and so does its presence.
 *
 * An IPv4 TCP flow with all that the kernel says of it takes 41 bytes, an IPv6 one 65.
 */
enum {
	FLOW_KEY_BYTES_MAX = 48,
	FLOW_PACKED_BYTES_MAX = 320,
};

/* True if the flow has what a key needs: addresses of one family and a layer 4 protocol. */
bool flow_has_key(const struct flow *);

/* Writes the key; returns its length, at most FLOW_KEY_BYTES_MAX, or 0 without flow_has_key(). */
size_t flow_key_make(const struct flow *, uint8_t key[FLOW_KEY_BYTES_MAX]);

/*
 * Packs; returns the length, at most FLOW_PACKED_BYTES_MAX, or 0 without flow_has_key().
 * The first flow_key_len() bytes of the result are the key.
 */
size_t flow_pack(const struct flow *, uint8_t packed[FLOW_PACKED_BYTES_MAX]);

/* The length of the key that packed starts with. */
size_t flow_key_len(const uint8_t *packed);

/* What decides how a flow is treated; 0 where it is not present. */
struct flow_brief {
	bool has_id, has_timeout, has_tcp_state;
	uint8_t l4;
	uint8_t tcp_state;
	uint32_t id, status, timeout;
};

/* That alone, of bytes that flow_pack made: a fraction of flow_unpack()'s cost. */
void flow_unpack_brief(const uint8_t *packed, size_t len, struct flow_brief *);

/* The inverse of flow_pack for bytes that it made (a CHECK stands behind it, not an error). */
void flow_unpack(const uint8_t *packed, size_t len, struct flow *);

#endif
