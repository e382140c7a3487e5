/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives the entry of a connection another mark and timeout; everything else of it stays.
 *
 *     ip netns exec NAME ./conntrack_update
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_conntrack *ct = nfct_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.0.2.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	/* What is not set is not changed. */
	nfct_set_attr_u32(ct, ATTR_MARK, 42);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 1000);

	/* Without NLM_F_CREATE an entry that is missing stays so: ENOENT. */
	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NLM_F_ACK, AF_INET);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot update the entry");
	puts("updated");

	mnl_socket_close(nl);
	nfct_destroy(ct);
	return EXIT_SUCCESS;
}
