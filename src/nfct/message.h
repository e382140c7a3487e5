/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_MESSAGE_H
#define CTSYNC_NFCT_MESSAGE_H

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* What messages about connections and about expectations have in common. */

enum {
	MESSAGE_HEADS_BYTES = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg),
	/*
	 * nfct_nlmsg_build() and nfexp_nlmsg_build() are not told how much room there is. With
	 * their heads, messages of programs have always been written to memory of a page at least;
	 * nothing that the kernel would take comes near it.
	 */
	MESSAGE_ATTRS_BYTES_MAX = 4096 - MESSAGE_HEADS_BYTES,
};

_Static_assert((int)IPCTNL_MSG_CT_NEW == (int)IPCTNL_MSG_EXP_NEW &&
		       (int)IPCTNL_MSG_CT_DELETE == (int)IPCTNL_MSG_EXP_DELETE,
	"one rule for both kinds of messages");

/* What a message tells, by its type and flags; 0: nothing of a connection or an expectation. */
static inline uint32_t message_type(const struct nlmsghdr *msg)
{
	switch (NFNL_MSG_TYPE(msg->nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
		return msg->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? NFCT_T_NEW : NFCT_T_UPDATE;
	case IPCTNL_MSG_CT_DELETE:
		return NFCT_T_DESTROY;
	default:
		return 0;
	}
}

/* Writes a request's heads; there must be room for them. */
static inline struct nlmsghdr *message_begin(
	void *buf, uint8_t subsys, uint16_t type, uint16_t flags, uint8_t l3)
{
	const struct nlmsghdr head = {
		.nlmsg_len = MESSAGE_HEADS_BYTES,
		.nlmsg_type = (uint16_t)(subsys << 8 | (type & 0xff)),
		.nlmsg_flags = flags,
	};
	const struct nfgenmsg family = {.nfgen_family = l3, .version = NFNETLINK_V0};

	memcpy(buf, &head, sizeof(head));
	memcpy((uint8_t *)buf + sizeof(head), &family, sizeof(family));
	return buf;
}

/*
 * nfct_nlmsg_build() within cap [bytes], counted from msg: 0 or a negative errno, -EMSGSIZE if it
 * does not fit; on errors the message is as it was.
 */
int message_append(struct nlmsghdr *msg, size_t cap, const struct nf_conntrack *ct);

#endif
