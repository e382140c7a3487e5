/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates an entry whose client, 10.0.0.1:4000, is seen as 203.0.113.3:5000 by the server: source
 * NAT.
 *
 *     ip netns exec NAME ./conntrack_create_nat
 *
 * The request has the reply as it would be without NAT, and the mapping. From these the kernel
 * makes the reply that `conntrack -L` shows; a reply that is mapped already would leave it nothing
 * to do.
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

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("10.0.0.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
	/* What the source shall become; ATTR_DNAT_* do the same for the destination. */
	nfct_set_attr_u32(ct, ATTR_SNAT_IPV4, inet_addr("203.0.113.3"));
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, htons(5000));

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
