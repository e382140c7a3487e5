/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets and reads attributes that belong together in one call each: creates the entry of a UDP
 * connection over IPv6, gets it, and prints its ends and counters.
 *
 *     ip netns exec NAME ./conntrack_groups
 *
 * Counters are kept where the sysctl net.netfilter.nf_conntrack_acct is 1.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Reads addresses, ports and counters of the connection in a message by their groups. */
static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	struct nfct_attr_grp_ipv6 ends;
	struct nfct_attr_grp_port ports;
	struct nfct_attr_grp_ctrs counters;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	(void)data;
	if (!ct)
		return MNL_CB_ERROR;
	/* A group is there when all of its attributes are. */
	if (nfct_nlmsg_parse(nlh, ct) == 0 &&
		nfct_get_attr_grp(ct, ATTR_GRP_ORIG_IPV6, &ends) == 0 &&
		nfct_get_attr_grp(ct, ATTR_GRP_ORIG_PORT, &ports) == 0)
		printf("from %s port %u to %s port %u\n",
			inet_ntop(AF_INET6, ends.src, src, sizeof(src)), ntohs(ports.sport),
			inet_ntop(AF_INET6, ends.dst, dst, sizeof(dst)), ntohs(ports.dport));
	if (nfct_get_attr_grp(ct, ATTR_GRP_ORIG_COUNTERS, &counters) == 0)
		printf("%llu packets, %llu bytes\n", (unsigned long long)counters.packets,
			(unsigned long long)counters.bytes);
	nfct_destroy(ct);
	return MNL_CB_OK;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	const struct nfct_attr_grp_port ports = {.sport = htons(4000), .dport = htons(53)};
	struct nfct_attr_grp_ipv6 ends;
	struct nf_conntrack *ct = nfct_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	inet_pton(AF_INET6, "2001:db8::1", ends.src);
	inet_pton(AF_INET6, "2001:db8:1::2", ends.dst);
	nfct_set_attr_grp(ct, ATTR_GRP_ORIG_IPV6, &ends); /* sets the layer 3 protocol, too */
	nfct_set_attr_grp(ct, ATTR_GRP_ORIG_PORT, &ports);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET6);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot create the entry");

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_ACK, AF_INET6);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "cannot get the entry");

	mnl_socket_close(nl);
	nfct_destroy(ct);
	return EXIT_SUCCESS;
}
