/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_FLOW_H
#define CTSYNC_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/attr.h"

/*
 * What a connection is, decoded. A struct flow lives on the stack or in its caller's memory while
 * a message is read or written; tables hold the packed form (flow/pack.h).
 *
 * Every value is present only if its attribute's bit is set (flow/attr.h); a zeroed struct flow is
 * the valid empty one. Addresses, ports, ICMP ids and GRE keys are in network byte order as on
 * the wire, everything else in host order.
 */
enum {
	FLOW_HELPER_NAME_MAX = 16, /* with its NUL: NF_CT_HELPER_NAME_LEN of the kernel */
	FLOW_LABELS_BYTES_MAX = 16, /* 128 bits: NF_CT_LABELS_MAX_SIZE */
};

union flow_addr {
	uint32_t v4_be;
	uint32_t v6_be[4];
	uint8_t bytes[16];
};

/*
 * One direction's tuple. The layer 4 key is two 16-bit cells, shared between protocols as in the
 * kernel: ports; GRE keys; or ICMP id (cell 0) with type and code (cell 1).
 */
struct flow_tuple {
	union flow_addr src, dst;
	union {
		uint16_t sport_be;
		uint16_t icmp_id_be;
	};
	union {
		uint16_t dport_be;
		struct {
			uint8_t icmp_type, icmp_code;
		};
	};
	uint8_t l3; /* AF_INET, AF_INET6 or 0 */
	uint8_t l4; /* IPPROTO_* */
	uint16_t zone; /* CTA_TUPLE_ZONE: of this direction alone */
};

struct flow_seqadj {
	uint32_t correction_pos, offset_before, offset_after;
};

struct flow_counters {
	uint64_t packets, bytes;
};

/*
 * Shares its memory with the other protocols' values. conntrackd sets flags and masks of whatever
 * it commits: in this order SCTP's verification tag loses no more by that than with other builds
 * of the library.
 */
struct flow_tcp {
	uint8_t state; /* enum tcp_conntrack of the kernel */
	uint8_t flags[2], flags_mask[2]; /* IP_CT_TCP_FLAG_* */
	uint8_t wscale[2]; /* by direction */
};

struct flow_sctp {
	uint8_t state;
	uint32_t vtag[2];
};

struct flow_dccp {
	uint8_t state, role;
	uint64_t handshake_seq;
};

/* Borrowed bytes: they belong to the message that the flow was parsed from, and die with it. */
struct flow_span {
	const void *data;
	uint32_t len;
};

enum flow_dir { FLOW_ORIG, FLOW_REPL, FLOW_DIRS };

/*
 * A tuple that stands for itself, as in an expectation, with what is present of it: the attributes
 * of the original tuple and no other. struct flow begins in the same way.
 */
struct flow_head {
	uint32_t set[FLOW_SET_WORDS];
	struct flow_tuple tuple;
};

struct flow {
	uint32_t set[FLOW_SET_WORDS]; /* which attributes are present: flow_has() and kin */

	struct flow_tuple tuple[FLOW_DIRS];
	struct flow_tuple master; /* the master's original tuple */

	/* NAT as it is requested of the kernel; the kernel itself reports it in the reply tuple. */
	union flow_addr snat, dnat;
	uint16_t snat_port_be, dnat_port_be;

	uint16_t zone; /* CTA_ZONE: of both directions */
	uint8_t labels_len; /* [bytes], a multiple of 4 */
	uint32_t status; /* IPS_* */
	uint32_t timeout; /* [s] left */
	uint32_t mark;
	uint32_t secmark;
	uint32_t use;
	uint32_t id;
	uint32_t synproxy_isn, synproxy_its, synproxy_tsoff;
	struct flow_seqadj seqadj[FLOW_DIRS];
	struct flow_counters counters[FLOW_DIRS];
	uint64_t timestamp_start, timestamp_stop; /* [ns since the epoch] */
	uint64_t timestamp_event; /* [ns since the epoch]: when the kernel made the event */
	union {
		struct flow_tcp tcp;
		struct flow_sctp sctp;
		struct flow_dccp dccp;
	};
	char helper_name[FLOW_HELPER_NAME_MAX];
	uint8_t labels[FLOW_LABELS_BYTES_MAX]; /* words in host order, word 0 = bits 0..31 */
	struct flow_span helper_info;
	struct flow_span secctx; /* text without NUL */
};

_Static_assert(offsetof(struct flow, tuple) == offsetof(struct flow_head, tuple),
	"a flow begins like a head");

static inline bool flow_has(const struct flow *f, enum flow_attr a)
{
	return f->set[a / 32] >> (a % 32) & 1;
}

static inline void flow_mark_set(struct flow *f, enum flow_attr a)
{
	f->set[a / 32] |= UINT32_C(1) << (a % 32);
}

static inline void flow_mark_unset(struct flow *f, enum flow_attr a)
{
	f->set[a / 32] &= ~(UINT32_C(1) << (a % 32));
}

/* Both addresses of the direction and its layer 3 protocol are present. */
bool flow_has_addrs(const struct flow *, enum flow_dir);

/* Protocol numbers as in <netinet/in.h>, which says much else. */
enum {
	FLOW_L4_ICMP = 1,
	FLOW_L4_TCP = 6,
	FLOW_L4_UDP = 17,
	FLOW_L4_DCCP = 33,
	FLOW_L4_GRE = 47,
	FLOW_L4_ICMPV6 = 58,
	FLOW_L4_SCTP = 132,
	FLOW_L4_UDPLITE = 136,
};

/* The protocols whose key is a pair of ports: TCP UDP UDPLITE SCTP DCCP. */
static inline bool flow_l4_has_ports(uint8_t l4)
{
	return l4 == FLOW_L4_TCP || l4 == FLOW_L4_UDP || l4 == FLOW_L4_UDPLITE ||
	       l4 == FLOW_L4_SCTP || l4 == FLOW_L4_DCCP;
}

static inline bool flow_l4_is_icmp(uint8_t l4) /* ICMP and ICMPv6 */
{
	return l4 == FLOW_L4_ICMP || l4 == FLOW_L4_ICMPV6;
}

/* The protocols whose tuples use the layer 4 cells at all: those with ports, ICMP, ICMPv6, GRE. */
static inline bool flow_l4_has_key(uint8_t l4)
{
	return flow_l4_has_ports(l4) || flow_l4_is_icmp(l4) || l4 == FLOW_L4_GRE;
}

/*
 * Source or destination NAT as the reply tuple shows it: the status is unknown or carries the
 * NAT-done bit, and the reply tuple differs from the inverted original one. The port tests leave
 * ICMP out, whose cells are no ports.
 */
bool flow_is_snat(const struct flow *);
bool flow_is_dnat(const struct flow *);
bool flow_is_spat(const struct flow *);
bool flow_is_dpat(const struct flow *);

/*
 * Sets the reply tuple from the original one: addresses, ports and GRE keys swapped, ICMP type
 * mapped to its answer's type; the attributes that follow from the original's are marked present
 * and no other (ICMP has none of the reply's own). The reply's zone is left alone. NAT (snat, dnat
 * and ports, where present) is then applied to it, so that the result is what the kernel would
 * report.
 */
void flow_setup_reply(struct flow *);

/*
 * The tuple of the answers to t, without NAT. out's zone stays, the rest of it is overwritten; out
 * and t must be two tuples.
 */
void flow_tuple_invert(struct flow_tuple *out, const struct flow_tuple *t);

/* The ICMP or ICMPv6 type that answers type, or 255 if none does. */
uint8_t flow_icmp_reply_type(uint8_t l3, uint8_t type);

#endif
