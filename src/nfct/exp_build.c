/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "nfct/exp_object.h"
#include "nfct/export.h"
#include "nfct/message.h"
#include "nlmsg/exp.h"

/**
 * Appends an expectation's attributes to a ctnetlink request.
 *
 * Everything that is set goes in; of tuples the addresses, the protocol and its ports or ICMP
 * parts. A tuple without ATTR_L3PROTO is left out; so is NAT unless both ATTR_EXP_NAT_TUPLE and
 * ATTR_EXP_NAT_DIR are set. What is appended is at most 4076 bytes long.
 *
 * @param nlh message that holds at least its struct nlmsghdr and struct nfgenmsg; nlmsg_len grows
 * @param exp the expectation; it is not changed
 * @return 0, or -1 with errno and the message's length as it was
 * @errors EINVAL: nlh or exp is NULL, or the message is shorter than its heads
 * @source enum ctattr_expect of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_nlmsg_build(struct nlmsghdr *nlh, const struct nf_expect *exp)
{
	int err;

	if (!nlh || !exp || nlh->nlmsg_len < sizeof(*nlh)) {
		errno = EINVAL;
		return -1;
	}
	err = nlmsg_exp_append(
		nlh, NLMSG_ALIGN((size_t)nlh->nlmsg_len) + MESSAGE_ATTRS_BYTES_MAX, &exp->expect);
	if (err) {
		errno = -err;
		return -1;
	}
	return 0;
}

/* The family of a request: the master's or, without it, the expected tuple's; 0: neither. */
static uint8_t family_of(const struct expect *e)
{
	if (expect_has(e, EXPECT_MASTER) && flow_head_has(&e->master, FLOW_ORIG_L3PROTO))
		return e->master.tuple.l3;
	if (expect_has(e, EXPECT_EXPECTED) && flow_head_has(&e->expected, FLOW_ORIG_L3PROTO))
		return e->expected.tuple.l3;
	return 0;
}

/**
 * Makes a whole ctnetlink request about an expectation. New programs use nfexp_nlmsg_build().
 *
 * The memory is zeroed, then the heads and what nfexp_nlmsg_build() appends are written. The family
 * is that of the master's tuple or, if there is none, of the expected one.
 *
 * @param ssh any pointer but NULL; it is not used
 * @param req memory for the request, aligned to 4
 * @param size of req [bytes]
 * @param type IPCTNL_MSG_EXP_NEW, _GET, _DELETE
 * @param flags NLM_F_* of the request
 * @param exp the expectation; it is not changed
 * @return 0, or -1 with errno
 * @errors EINVAL: a pointer is NULL, size is 0, or neither tuple has ATTR_L3PROTO (req is as it
 *	was); EMSGSIZE: size is too small (req is zeroed)
 * @source struct nfgenmsg of linux/netfilter/nfnetlink.h, enum ctnl_exp_msg_types and ctattr_expect
 *	of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_build_expect(struct nfnl_subsys_handle *ssh, void *req, size_t size,
	uint16_t type, uint16_t flags, const struct nf_expect *exp)
{
	int err = -EMSGSIZE;
	uint8_t l3;

	l3 = exp ? family_of(&exp->expect) : 0;
	if (!ssh || !req || size == 0 || !l3) {
		errno = EINVAL;
		return -1;
	}
	memset(req, 0, size);
	if (size >= MESSAGE_HEADS_BYTES)
		err = nlmsg_exp_append(
			message_begin(req, NFNL_SUBSYS_CTNETLINK_EXP, type, flags, l3), size,
			&exp->expect);
	if (err) { /* a request that names less than it should could flush the table */
		memset(req, 0, size);
		errno = -err;
		return -1;
	}
	return 0;
}
