/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_CT_H
#define CTSYNC_NLMSG_CT_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

/*
 * ctnetlink's messages about connections <-> struct flow (linux/netfilter/nfnetlink_conntrack.h).
 * Pure functions over caller's buffers; libmnl's helpers alone are used, no socket.
 */
enum {
	NLMSG_CT_BYTES_MAX = 2048, /* room that any message built here fits in */
};

enum nlmsg_result {
	NLMSG_OK,
	NLMSG_NOT_CT, /* not a ctnetlink connection message */
	NLMSG_TRUNCATED, /* shorter than its headers say */
	NLMSG_BAD_ATTR, /* an attribute is short, oversized or wrongly nested; see below */
	NLMSG_RESULTS,
};

/*
 * Parses one message (event, dump or get answer) into *out, which is zeroed first. len is what the
 * caller holds [bytes]; nothing is read past it, whatever nlmsg_len says. Unknown attributes are
 * skipped. With NLMSG_BAD_ATTR, *out holds what was sound before and after the bad attribute.
 */
enum nlmsg_result nlmsg_ct_parse(const struct nlmsghdr *, size_t len, struct flow *out);

/* The same over the bare CTA_* attributes, as NFQUEUE and NFLOG carry them; out is not zeroed. */
enum nlmsg_result nlmsg_ct_parse_attrs(const void *attrs, size_t len, uint8_t l3, struct flow *out);

/*
 * The same for objects that hold labels of any size: CTA_LABELS is not decoded into out, it is
 * given as it stands (labels->data NULL: there is none), and FLOW_LABELS is not marked.
 */
enum nlmsg_result nlmsg_ct_parse_attrs_raw_labels(
	const void *attrs, size_t len, uint8_t l3, struct flow *out, struct flow_span *labels);

enum nlmsg_event { NLMSG_EVENT_NONE, NLMSG_EVENT_NEW, NLMSG_EVENT_UPDATE, NLMSG_EVENT_DESTROY };

/* What an event message tells, by its type and flags. */
enum nlmsg_event nlmsg_ct_event(const struct nlmsghdr *);

/* Which parts of a flow a request names. */
enum nlmsg_parts {
	NLMSG_PART_TUPLES = 1 << 0, /* original and, if known, reply; and zones */
	NLMSG_PART_MASTER = 1 << 1,
	/* status, timeout, mark, protocol state, labels, synproxy, seqadj */
	NLMSG_PART_STATE = 1 << 2,
	/* the snat and dnat requests or, without any, what status and reply tuple show */
	NLMSG_PART_NAT = 1 << 3,
	NLMSG_PART_HELPER = 1 << 4,
	NLMSG_PART_ID = 1 << 5, /* for a delete: only the entry with this very id */
	NLMSG_PART_ALL = 0x1f, /* without the id */
};

/*
 * Each builds one complete request into buf (aligned to 4) and returns its length [bytes], already
 * aligned so that the next can follow it in one send; 0 if it does not fit or the flow has no key.
 * nl_flags are added to NLM_F_REQUEST. What the kernel accepts of all this: doc/KERNEL.md.
 *
 * With TUPLES and NAT of a flow that has NAT, the reply tuple is written as it would be without:
 * the kernel derives the real one. An update must leave out NAT and MASTER, which the kernel sets
 * at creation only. The status is written as given. TCP flags change nothing unless their mask
 * says so, and the kernel reports them with a mask of 0; it takes window scales only together with
 * the flags of both directions.
 *
 * A delete or get names the original tuple and the zones; of parts a delete takes ID alone.
 */
size_t nlmsg_ct_build(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct flow *,
	unsigned parts); /* IPCTNL_MSG_CT_NEW: create or update */
size_t nlmsg_ct_build_delete(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq,
	const struct flow *, unsigned parts);
size_t nlmsg_ct_build_get(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct flow *);

/* Labels and what of them is to be changed, in words of host order; data NULL: absent. */
struct nlmsg_labels {
	struct flow_span bits, mask;
};

/*
 * Appends all that the flow has to a message that holds its headers, as it is and in the order in
 * which libnetfilter_conntrack does, within cap [bytes] counted from msg. The flow's own labels are
 * ignored, labels (may be NULL) are taken instead. Returns 0; -EINVAL without a layer 3 protocol
 * or with one that is neither IPv4 nor IPv6; -EMSGSIZE if it does not fit. On errors the message
 * is as it was.
 */
int nlmsg_ct_append(
	struct nlmsghdr *msg, size_t cap, const struct flow *, const struct nlmsg_labels *labels);

size_t nlmsg_ct_build_dump(void *buf, size_t cap, uint32_t seq, uint8_t l3); /* l3 0: all */
size_t nlmsg_ct_build_flush(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, uint8_t l3);

#endif
