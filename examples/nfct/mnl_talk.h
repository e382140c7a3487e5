/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_EXAMPLES_MNL_TALK_H
#define CTSYNC_EXAMPLES_MNL_TALK_H

/*
 * What the examples with a libmnl socket of their own have in common: a request's headers, sending
 * it and waiting for the kernel's verdict, and reading events.
 */
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* Room for any message of one connection or expectation; nf*_nlmsg_build() cannot ask for more. */
enum { TALK_REQUEST_BYTES = 4096 };

/* A bound socket that hears groups (NF_NETLINK_CONNTRACK_*, 0 for none); NULL with errno. */
struct mnl_socket *talk_open(unsigned int groups);

/*
 * Begins a request in buf (TALK_REQUEST_BYTES, aligned for struct nlmsghdr) with netlink's header
 * and nfnetlink's. subsys is NFNL_SUBSYS_CTNETLINK or NFNL_SUBSYS_CTNETLINK_EXP, type an
 * IPCTNL_MSG_*, family AF_INET, AF_INET6 or, where both are meant, AF_UNSPEC. NLM_F_REQUEST is
 * added to flags.
 */
struct nlmsghdr *talk_request(
	char *buf, uint8_t subsys, uint8_t type, uint16_t flags, uint8_t family);

/*
 * Sends a request that has NLM_F_ACK or NLM_F_DUMP and gives each answer to on_answer (may be NULL)
 * until the kernel says that this was all. 0, or -1 with what the kernel said in errno.
 */
int talk(struct mnl_socket *nl, struct nlmsghdr *request, mnl_cb_t on_answer, void *data);

/* Gives each event to on_event until that returns MNL_CB_STOP: 0, or -1 with errno. */
int talk_listen(const struct mnl_socket *nl, mnl_cb_t on_event, void *data);

/* What an event tells of its connection or expectation. */
enum nf_conntrack_msg_type talk_event_type(const struct nlmsghdr *nlh);

#endif
