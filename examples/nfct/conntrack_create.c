/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates an entry for an established TCP connection from 192.0.2.1:4000 to 198.51.100.2:80.
 *
 *     ip netns exec NAME ./conntrack_create
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "mnl_talk.h"

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_conntrack *ct = nfct_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	/* Addresses and ports are in network byte order, everything else is in the host's. */
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.0.2.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY); /* the same, seen from the other end */
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100); /* seconds */

	/* Without NLM_F_EXCL an entry that exists would be updated. */
	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot create the entry");
	puts("created");

	mnl_socket_close(nl);
	nfct_destroy(ct);
	return EXIT_SUCCESS;
}
