/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "nfct/bitmask.h"
#include "nfct/export.h"
#include "nfct/message.h"
#include "nfct/object.h"
#include "nlmsg/ct.h"

static struct flow_span span_of(
	const struct nf_conntrack *ct, enum flow_attr id, const struct nfct_bitmask *b)
{
	if (!b || !flow_has(&ct->flow, id))
		return (struct flow_span){NULL, 0};
	return (struct flow_span){b->bits, (uint32_t)(b->words * sizeof(b->bits[0]))};
}

int message_append(struct nlmsghdr *msg, size_t cap, const struct nf_conntrack *ct)
{
	struct nf_conntrack room;
	struct nlmsg_labels labels;

	ct = object_whole(ct, &room);
	labels.bits = span_of(ct, FLOW_LABELS, ct->labels);
	labels.mask = span_of(ct, FLOW_LABELS_MASK, ct->labels_mask);
	return nlmsg_ct_append(msg, cap, &ct->flow, &labels);
}

/**
 * Appends a connection's attributes to a ctnetlink request.
 *
 * Everything that is set goes in, but for what the kernel alone knows: counters, use, id, security
 * context, timestamps. The status gets IPS_CONFIRMED; a tuple is written as soon as one of its
 * attributes is set, with zeros for those that are not; flags of TCP, sequence adjustment and
 * SYNPROXY go in only if they are complete, helper information only beside a helper's name, a
 * labels mask only beside labels of its size.
 *
 * What is appended is at most 4076 bytes long, so that room of 4096 bytes does for a message with
 * nothing before it. Only labels or helper information far beyond what the kernel takes need more.
 *
 * @param nlh message that holds at least its struct nlmsghdr and struct nfgenmsg; nlmsg_len grows
 * @param ct the connection, or an expectation's tuple; it is not changed
 * @return 0, or -1 with errno and the message's length as it was
 * @errors EINVAL: nlh or ct is NULL, the message is shorter than its heads, ATTR_L3PROTO is not
 *	set or neither AF_INET nor AF_INET6, or there is a reply tuple without ATTR_REPL_L3PROTO;
 *	EMSGSIZE: the attributes are longer than 4076 bytes
 * @source enum ctattr_type of linux/netfilter/nfnetlink_conntrack.h; doc/KERNEL.md
 */
NFCT_EXPORT int nfct_nlmsg_build(struct nlmsghdr *nlh, const struct nf_conntrack *ct)
{
	int err;

	if (!nlh || !ct || nlh->nlmsg_len < sizeof(*nlh)) {
		errno = EINVAL;
		return -1;
	}
	err = message_append(
		nlh, NLMSG_ALIGN((size_t)nlh->nlmsg_len) + MESSAGE_ATTRS_BYTES_MAX, ct);
	if (err) {
		errno = -err;
		return -1;
	}
	return 0;
}

/**
 * Makes a whole ctnetlink request about a connection. New programs use nfct_nlmsg_build().
 *
 * The memory is zeroed, then the heads and what nfct_nlmsg_build() appends are written.
 *
 * @param ssh any pointer but NULL; it is not used
 * @param req memory for the request, aligned to 4
 * @param size of req [bytes]
 * @param type IPCTNL_MSG_CT_NEW, _GET, _DELETE
 * @param flags NLM_F_* of the request
 * @param ct the connection; it is not changed
 * @return 0, or -1 with errno
 * @errors EINVAL: a pointer is NULL, size is 0 or ATTR_L3PROTO is not set (req is as it was), or
 *	as nfct_nlmsg_build(); EMSGSIZE: size is too small (req is zeroed)
 * @source struct nfgenmsg of linux/netfilter/nfnetlink.h, enum cntl_msg_types and ctattr_type of
 *	linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_build_conntrack(struct nfnl_subsys_handle *ssh, void *req, size_t size,
	uint16_t type, uint16_t flags, const struct nf_conntrack *ct)
{
	int err = -EMSGSIZE;

	if (!ssh || !req || size == 0 || !ct || !flow_has(&ct->flow, FLOW_ORIG_L3PROTO)) {
		errno = EINVAL;
		return -1;
	}
	memset(req, 0, size);
	if (size >= MESSAGE_HEADS_BYTES)
		err = message_append(message_begin(req, NFNL_SUBSYS_CTNETLINK, type, flags,
					     ct->flow.tuple[FLOW_ORIG].l3),
			size, ct);
	if (err) { /* a request that names less than it should could flush the table */
		memset(req, 0, size);
		errno = -err;
		return -1;
	}
	return 0;
}
