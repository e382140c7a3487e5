/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "nfct/bitmask.h"
#include "nfct/export.h"
#include "nfct/message.h"
#include "nfct/object.h"
#include "nlmsg/ct.h"

typedef bool (*object_setter)(struct nf_conntrack *, const void *, size_t);

/*
 * What the parser borrowed of the message becomes the object's own; had is what the object held
 * before. Without memory it goes on holding that.
 */
static bool own_span(struct nf_conntrack *ct, enum flow_attr id, struct flow_span *span,
	struct flow_span had, object_setter set)
{
	struct flow_span borrowed = *span;

	*span = had;
	if (!borrowed.data || set(ct, borrowed.data, borrowed.len))
		return true;
	if (!had.data)
		flow_mark_unset(&ct->flow, id);
	return false;
}

static bool own_labels(struct nf_conntrack *ct, struct flow_span payload)
{
	struct nfct_bitmask *labels;

	if (!payload.data)
		return true;
	labels = bitmask_of_payload(payload.data, payload.len);
	if (!labels)
		return false;
	if (ct->labels)
		nfct_bitmask_destroy(ct->labels);
	ct->labels = labels;
	flow_mark_set(&ct->flow, FLOW_LABELS);
	return true;
}

static int parse(const void *attrs, size_t len, uint8_t l3, struct nf_conntrack *ct)
{
	struct flow *f = &ct->flow;
	struct flow_span info = f->helper_info, secctx = f->secctx, labels;
	bool sound, owned;

	f->helper_info.data = f->secctx.data = NULL;
	sound = nlmsg_ct_parse_attrs_raw_labels(attrs, len, l3, f, &labels) == NLMSG_OK;
	if (labels.len > BITMASK_BITS_MAX / 8) {
		labels.data = NULL;
		sound = false;
	}
	owned = own_span(ct, FLOW_HELPER_INFO, &f->helper_info, info, object_set_helper_info);
	owned = own_span(ct, FLOW_SECCTX, &f->secctx, secctx, object_set_secctx) && owned;
	owned = own_labels(ct, labels) && owned;
	if (!sound || !owned) {
		errno = owned ? EBADMSG : ENOMEM;
		return -1;
	}
	return 0;
}

/**
 * Reads a ctnetlink message (event, dump or answer) into a connection.
 *
 * It adds to what the object has: attributes of the message become set and replace earlier values,
 * the others stay. A tuple sets its L3PROTO to the message's family. Attributes that are unknown
 * are skipped; of several of one type the last counts. The message's type is not looked at.
 *
 * @param nlh message; nothing beyond its nlmsg_len is read. The object keeps no pointer into it
 * @param ct a connection of nfct_new(), or zeroed memory of nfct_maxsize() bytes
 * @return 0, or -1 with errno; the object then has what was sound of the message
 * @errors EBADMSG: the message is shorter than its heads, or an attribute is short, oversized, cut
 *	off or wrongly nested; ENOMEM: no memory for text or labels; EINVAL: nlh or ct is NULL, or
 *	ct is an expectation's tuple
 * @source enum ctattr_type of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_nlmsg_parse(const struct nlmsghdr *nlh, struct nf_conntrack *ct)
{
	const uint8_t *bytes = (const uint8_t *)nlh;
	struct nlmsghdr head;
	struct nfgenmsg family;

	if (!nlh || !ct || object_tag(ct) == OBJECT_TAG_HEAD) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_len < MESSAGE_HEADS_BYTES) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(&family, bytes + sizeof(head), sizeof(family));
	return parse(bytes + MESSAGE_HEADS_BYTES, head.nlmsg_len - MESSAGE_HEADS_BYTES,
		family.nfgen_family, ct);
}

/**
 * Reads bare CTA_* attributes, as NFQUEUE and NFLOG carry them beside a packet, into a connection.
 *
 * In all else as nfct_nlmsg_parse().
 *
 * @param payload the attributes, of any alignment
 * @param payload_len of payload [bytes]
 * @param l3num family of the packet: AF_INET or AF_INET6
 * @param ct as for nfct_nlmsg_parse()
 * @return 0, or -1 with errno; the object then has what was sound of the attributes
 * @errors EBADMSG, ENOMEM: as nfct_nlmsg_parse(); EINVAL: payload or ct is NULL, ct is an
 *	expectation's tuple, or l3num is larger than 255
 * @source enum ctattr_type of linux/netfilter/nfnetlink_conntrack.h; NFQA_CT of
 *	linux/netfilter/nfnetlink_queue.h, NFULA_CT of linux/netfilter/nfnetlink_log.h
 */
NFCT_EXPORT int nfct_payload_parse(
	const void *payload, size_t payload_len, uint16_t l3num, struct nf_conntrack *ct)
{
	if (!payload || !ct || l3num > UINT8_MAX || object_tag(ct) == OBJECT_TAG_HEAD) {
		errno = EINVAL;
		return -1;
	}
	return parse(payload, payload_len, (uint8_t)l3num, ct);
}

/**
 * Reads a ctnetlink message if it is of a wanted type. New programs use nfct_nlmsg_parse().
 *
 * @param msg NFCT_T_NEW, NFCT_T_UPDATE, NFCT_T_DESTROY or several of them; dumps and answers are
 *	updates
 * @param nlh as for nfct_nlmsg_parse()
 * @param ct as for nfct_nlmsg_parse()
 * @return the message's type, also if an attribute was not sound (errno is EBADMSG then, and the
 *	object has what was); 0 without a look at the attributes if it is not a wanted one; -1 with
 *	errno
 * @errors EINVAL, ENOMEM: as nfct_nlmsg_parse(); EBADMSG: the message is shorter than its heads
 * @source enum cntl_msg_types and ctattr_type of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_parse_conntrack(
	enum nf_conntrack_msg_type msg, const struct nlmsghdr *nlh, struct nf_conntrack *ct)
{
	uint32_t type;

	if (!nlh || !ct) {
		errno = EINVAL;
		return -1;
	}
	type = message_type(nlh);
	if (!(type & (uint32_t)msg))
		return 0;
	if (nfct_nlmsg_parse(nlh, ct) && (errno != EBADMSG || nlh->nlmsg_len < MESSAGE_HEADS_BYTES))
		return -1;
	return (int)type;
}
