/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_WIRE_V1_H
#define CTSYNC_WIRE_V1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/expect.h"
#include "flow/flow.h"
#include "flow/plain.h"

/*
 * Version 1 of the sync protocol, the one conntrackd 1.4 speaks (doc/PROTOCOL.md): bytes of a
 * datagram <-> messages. Pure functions over caller's buffers; no state, no sequence logic.
 *
 * A datagram is a plain concatenation of messages. All fields of the 8-byte header are big endian:
 * version and type, flags, length of the whole message, sequence number.
 */
enum {
	WIRE_V1_VERSION = 1,
	WIRE_V1_HEADER_BYTES = 8,
	WIRE_V1_RANGE_BYTES = 16, /* header of ACK, NACK and RESYNC: with from and to */
	WIRE_V1_MESSAGE_BYTES_MAX = 1400, /* the most that wire_v1_put_flow() writes */
	WIRE_V1_HELPER_NAME_MAX = 11, /* [characters] longer ones make an upstream peer reject */
};

enum wire_v1_type {
	WIRE_V1_CT_NEW = 0,
	WIRE_V1_CT_UPD = 1,
	WIRE_V1_CT_DEL = 2,
	WIRE_V1_EXP_NEW = 3,
	WIRE_V1_EXP_UPD = 4,
	WIRE_V1_EXP_DEL = 5,
	WIRE_V1_CTL = 10,
};

enum wire_v1_flag {
	WIRE_V1_RESYNC = 0x02,
	WIRE_V1_NACK = 0x04,
	WIRE_V1_ACK = 0x08,
	WIRE_V1_ALIVE = 0x10,
	WIRE_V1_HELLO = 0x20,
	WIRE_V1_HELLO_BACK = 0x40,
};

/* What a call says about the bytes it was given; each refusal has a counter of its own. */
enum wire_v1_result {
	WIRE_V1_OK,
	WIRE_V1_END, /* no byte left */
	WIRE_V1_TRUNCATED, /* fewer bytes left than a header; the rest is given up */
	WIRE_V1_BAD_SIZE, /* length 0, past the end or below the header; the rest is given up */
	WIRE_V1_BAD_VERSION, /* this message is skipped */
	WIRE_V1_BAD_HEADER, /* type or flags make no sense; this message is skipped */
	WIRE_V1_BAD_PAYLOAD, /* an attribute is malformed; the message's header is sound */
	WIRE_V1_RESULTS,
};

struct wire_v1_message {
	uint8_t type; /* enum wire_v1_type */
	uint8_t flags; /* enum wire_v1_flag, or-ed */
	uint32_t seq;
	uint32_t from, to; /* ACK and NACK: the range, both ends included */
	const uint8_t
		*payload; /* attributes of a data message; what follows the header of an ALIVE */
	size_t payload_len;
};

/*
 * Takes the next message off the cursor: its framing and header are checked (version, size, type
 * and flags, to not before from), its attributes are not. After TRUNCATED and BAD_SIZE the cursor
 * is at its end; after BAD_VERSION and BAD_HEADER it stands behind the skipped message. With
 * BAD_HEADER, out->seq is the message's number.
 */
enum wire_v1_result wire_v1_next(struct rbuf *, struct wire_v1_message *out);

/*
 * Parses the attributes of a CT_NEW, CT_UPD or CT_DEL into *out (zeroed first). OK or BAD_PAYLOAD;
 * *out is undefined after the latter. Besides malformed attributes, a message without a layer 4
 * protocol or without both addresses is refused: it has no key; so is one with addresses of both
 * layer 3 protocols, and one whose helper name has other than printable characters. Attributes
 * that do not belong to the flow's protocols are ignored. The layer 3 protocol is set from the
 * address attribute; the reply tuple is rebuilt from the original one and NAT, which also stays
 * set as it was requested (FLOW_SNAT_IPV4 and kin).
 */
enum wire_v1_result wire_v1_get_flow(const struct wire_v1_message *, struct flow *out);

/*
 * The same in one pass for what is a plain flow, its attributes in the order in which they are
 * written. False: it may be anything else, bad included, and wire_v1_get_flow() has to tell. *out
 * borrows from the message.
 */
bool wire_v1_get_plain(const struct wire_v1_message *, struct flow_plain *out);

struct wire_v1_options {
	bool without_timeout; /* CommitTimeout is configured */
	bool tcp_window_tracking; /* window scale factors are sent */
};

/*
 * Appends one data message (type CT_NEW, CT_UPD or CT_DEL; flags: HELLO and HELLO_BACK alone). If
 * it does not fit, nothing is appended (and the cursor does not fail): the return is its length
 * [bytes], or 0. The flow must have both original addresses and a layer 4 protocol. NAT is taken
 * from what the reply tuple shows (flow_is_snat() and kin), not from what was requested.
 *
 * GRE keys and UDPLITE ports are said as ports, which upstream takes and does not say itself. Left
 * out, for version 1 has no place for it: zones of one direction, counters, timestamps, security
 * marks and contexts, helper names longer than WIRE_V1_HELPER_NAME_MAX.
 */
size_t wire_v1_put_flow(struct wbuf *, enum wire_v1_type, uint8_t flags, uint32_t seq,
	const struct flow *, const struct wire_v1_options *);

/*
 * The same bytes for a plain flow, at a third of the price; not with tcp_window_tracking, of whose
 * values a plain flow has none. What its NAT is, it says itself.
 */
size_t wire_v1_put_plain(struct wbuf *, enum wire_v1_type, uint8_t flags, uint32_t seq,
	const struct flow_plain *, const struct wire_v1_options *);

/*
 * The same for expectations: EXP_NEW, EXP_UPD and EXP_DEL. A message needs the master's, the
 * expected and the mask's tuples, all of one layer 3 protocol, as expect_has_key() does; names that
 * are not printable make it BAD_PAYLOAD. Not on the wire: the zone, helper names longer than
 * WIRE_V1_HELPER_NAME_MAX, functions' names longer than WIRE_V1_FN_MAX, and a NAT tuple's IPv6
 * addresses: it is left out unless they are 0, and is taken for 0 where it arrives.
 */
enum { WIRE_V1_FN_MAX = 27 }; /* [characters] */

enum wire_v1_result wire_v1_get_expect(const struct wire_v1_message *, struct expect *out);
size_t wire_v1_put_expect(struct wbuf *, enum wire_v1_type, uint8_t flags, uint32_t seq,
	const struct expect *, const struct wire_v1_options *);

/*
 * Of a stream's first len bytes: how many are whole messages, 0 if more have to be read first, or
 * -EBADMSG where no message can begin (length 0 or below its header): the stream is out of step.
 */
int64_t wire_v1_stream(const uint8_t *bytes, size_t len);

/*
 * Appends a control message of 8 (ALIVE) or 16 bytes; return as above. flags of a range: exactly
 * one of ACK, NACK and RESYNC, besides HELLO and HELLO_BACK; to is not before from.
 */
size_t wire_v1_put_alive(struct wbuf *, uint8_t flags, uint32_t seq);
size_t wire_v1_put_range(struct wbuf *, uint8_t flags, uint32_t seq, uint32_t from, uint32_t to);

/*
 * Our extension: an ALIVE with a body. conntrackd takes an ALIVE of any length and looks at its
 * header alone, so that these ride beside its protocol without an error counted there. They are
 * numbered and resent like any other message, which is what a marker needs.
 */
enum wire_v1_mark_kind {
	WIRE_V1_MARK_HELLO = 1, /* value: the sender's boot id; value2: 0 */
	WIRE_V1_MARK_BULK_BEGIN = 2, /* value: generation; value2: flows the sender holds */
	WIRE_V1_MARK_BULK_END = 3, /* value: generation; value2: flows sent since its begin */
};

struct wire_v1_mark {
	uint8_t kind; /* enum wire_v1_mark_kind */
	uint32_t boot_id; /* of the sender: changes with every start */
	uint32_t value, value2;
};

enum { WIRE_V1_MARK_BYTES = 28 }; /* header included */

size_t wire_v1_put_mark(struct wbuf *, uint8_t flags, uint32_t seq, const struct wire_v1_mark *);

/* True if the ALIVE carries a mark that we know; an ALIVE without one, or with more, does not. */
bool wire_v1_get_mark(const struct wire_v1_message *, struct wire_v1_mark *out);

/*
 * Our second extension: ACK and NACK with the boot id of the process they are meant for behind the
 * range. All nodes of a multicast group hear them, and the numbers of several senders overlap.
 */
enum { WIRE_V1_TARGET_BYTES = 8 }; /* behind a range message's 16 */

size_t wire_v1_put_range_to(struct wbuf *, uint8_t flags, uint32_t seq, uint32_t from, uint32_t to,
	uint32_t target_boot_id);

/* True if the ACK or NACK says whom it is meant for. */
bool wire_v1_get_target(const struct wire_v1_message *, uint32_t *boot_id);

/* a stands before b in the 32-bit circle of sequence numbers; equal ones do not. */
static inline bool wire_v1_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
