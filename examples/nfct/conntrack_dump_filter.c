/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the IPv4 entries that have an answer and a mark of 42: the kernel sends no others.
 *
 *     ip netns exec NAME ./conntrack_dump_filter
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Prints the connection in a message. */
static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	char text[1024];

	(void)data;
	if (!ct)
		return MNL_CB_ERROR;
	if (nfct_nlmsg_parse(nlh, ct) == 0 &&
		nfct_snprintf(text, sizeof(text), ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	nfct_destroy(ct);
	return MNL_CB_OK;
}

int main(void)
{
	const struct nfct_filter_dump_mark mark = {.val = 42, .mask = 0xffffffff};
	const struct nfct_filter_dump_mark answered = {
		.val = IPS_SEEN_REPLY, .mask = IPS_SEEN_REPLY};
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nfct_filter_dump *filter = nfct_filter_dump_create();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!filter || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	/* An entry is sent if it passes all of these. */
	nfct_filter_dump_set_attr_u8(filter, NFCT_FILTER_DUMP_L3NUM, AF_INET);
	nfct_filter_dump_set_attr(filter, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr(filter, NFCT_FILTER_DUMP_STATUS, &answered);

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	if (nfct_nlmsg_build_filter(nlh, filter) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "cannot dump the table");

	mnl_socket_close(nl);
	nfct_filter_dump_destroy(filter);
	return EXIT_SUCCESS;
}
