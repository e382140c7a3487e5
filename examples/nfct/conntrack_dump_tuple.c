/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the entries of TCP connections to port 80: the kernel sends no others.
 *
 *     ip netns exec NAME ./conntrack_dump_tuple
 *
 * A tuple as a filter: what the object has of its original direction is compared (Linux 5.8).
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
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nfct_filter_dump *filter = nfct_filter_dump_create();
	struct nf_conntrack *ct = nfct_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!filter || !ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_filter_dump_set_attr_u8(filter, NFCT_FILTER_DUMP_L3NUM, AF_INET);
	nfct_filter_dump_set_attr(filter, NFCT_FILTER_DUMP_TUPLE, ct); /* which is copied */

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	if (nfct_nlmsg_build_filter(nlh, filter) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "cannot dump the table");

	mnl_socket_close(nl);
	nfct_destroy(ct);
	nfct_filter_dump_destroy(filter);
	return EXIT_SUCCESS;
}
