/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <time.h>

#include "mnl_talk.h"

/* The kernel fills datagrams of a dump up to this size when the reader has room for it. */
enum { ANSWER_BYTES = 32768 };

struct mnl_socket *talk_open(unsigned int groups)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);

	if (nl && mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		int why = errno;

		mnl_socket_close(nl);
		errno = why;
		return NULL;
	}
	return nl;
}

struct nlmsghdr *talk_request(
	char *buf, uint8_t subsys, uint8_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = (uint16_t)(subsys << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

int talk(struct mnl_socket *nl, struct nlmsghdr *request, mnl_cb_t on_answer, void *data)
{
	alignas(struct nlmsghdr) char buf[ANSWER_BYTES];
	unsigned int seq = (unsigned int)time(NULL), port = mnl_socket_get_portid(nl);
	int verdict;

	/* The number shows which answers are to this request. */
	request->nlmsg_seq = seq;
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -1;
	do {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (len < 0)
			return -1;
		verdict = mnl_cb_run(buf, (size_t)len, seq, port, on_answer, data);
	} while (verdict > MNL_CB_STOP);
	return verdict;
}

int talk_listen(const struct mnl_socket *nl, mnl_cb_t on_event, void *data)
{
	alignas(struct nlmsghdr) char buf[ANSWER_BYTES];
	int verdict = MNL_CB_OK;

	while (verdict > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (len >= 0) {
			/* Events have no sequence number, and a port id only if a request caused
			 * them. */
			verdict = mnl_cb_run(buf, (size_t)len, 0, 0, on_event, data);
		} else if (errno == ENOBUFS) {
			/* Reading was too slow. Who needs to know all dumps the table now. */
			fprintf(stderr, "events were lost\n");
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return verdict;
}

enum nf_conntrack_msg_type talk_event_type(const struct nlmsghdr *nlh)
{
	/* Expectations' messages have the same numbers. */
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
		return nlh->nlmsg_flags & NLM_F_CREATE ? NFCT_T_NEW : NFCT_T_UPDATE;
	case IPCTNL_MSG_CT_DELETE:
		return NFCT_T_DESTROY;
	}
	return NFCT_T_UNKNOWN;
}
