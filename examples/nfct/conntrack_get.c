/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the entry of the TCP connection from 192.0.2.1:4000 to 198.51.100.2:80.
 *
 *     ip netns exec NAME ./conntrack_get
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
	struct nf_conntrack *ct = nfct_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	/* One direction names a connection; outside of zone 0, ATTR_ZONE belongs to it. */
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.0.2.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_ACK, AF_INET);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "cannot get the entry");

	mnl_socket_close(nl);
	nfct_destroy(ct);
	return EXIT_SUCCESS;
}
