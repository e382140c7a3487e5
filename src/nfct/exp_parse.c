/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "nfct/exp_object.h"
#include "nfct/export.h"
#include "nfct/message.h"
#include "nlmsg/exp.h"

/**
 * Reads a ctnetlink message (event, dump or answer) into an expectation.
 *
 * It adds to what the object has: attributes of the message become set and replace earlier values,
 * the others stay. Each tuple's ATTR_L3PROTO is set to the message's family. A function's name is
 * cut to 23 characters, a helper's to 15. Attributes that are unknown are skipped; of several of
 * one type the last counts. The message's type is not looked at.
 *
 * @param nlh message; nothing beyond its nlmsg_len is read
 * @param exp an expectation of nfexp_new(), or zeroed memory of nfexp_maxsize() bytes
 * @return 0, or -1 with errno; the object then has what was sound of the message
 * @errors EBADMSG: the message is shorter than its heads, or an attribute is short, oversized, cut
 *	off or wrongly nested; EINVAL: nlh or exp is NULL
 * @source enum ctattr_expect of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_nlmsg_parse(const struct nlmsghdr *nlh, struct nf_expect *exp)
{
	const uint8_t *bytes = (const uint8_t *)nlh;
	struct nlmsghdr head;
	struct nfgenmsg family;
	enum nlmsg_result result;

	if (!nlh || !exp) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_len < MESSAGE_HEADS_BYTES) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(&family, bytes + sizeof(head), sizeof(family));
	result = nlmsg_exp_parse_attrs(bytes + MESSAGE_HEADS_BYTES,
		head.nlmsg_len - MESSAGE_HEADS_BYTES, family.nfgen_family, &exp->expect);
	exp_object_tag_heads(exp);
	if (result != NLMSG_OK) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

/**
 * Reads a ctnetlink message if it is of a wanted type. New programs use nfexp_nlmsg_parse().
 *
 * @param type NFCT_T_NEW, NFCT_T_UPDATE, NFCT_T_DESTROY or several of them; dumps and answers are
 *	updates
 * @param nlh as for nfexp_nlmsg_parse()
 * @param exp as for nfexp_nlmsg_parse()
 * @return the message's type, also if an attribute was not sound (errno is EBADMSG then, and the
 *	object has what was); 0 without a look at the attributes if it is not a wanted one; -1 with
 *	errno
 * @errors EINVAL: nlh or exp is NULL; EBADMSG: the message is shorter than its heads
 * @source enum ctnl_exp_msg_types and ctattr_expect of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_parse_expect(
	enum nf_conntrack_msg_type type, const struct nlmsghdr *nlh, struct nf_expect *exp)
{
	uint32_t is;

	if (!nlh || !exp) {
		errno = EINVAL;
		return -1;
	}
	is = message_type(nlh);
	if (!(is & (uint32_t)type))
		return 0;
	if (nfexp_nlmsg_parse(nlh, exp) && nlh->nlmsg_len < MESSAGE_HEADS_BYTES)
		return -1;
	return (int)is;
}
