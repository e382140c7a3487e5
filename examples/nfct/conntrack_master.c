/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates the entry of an FTP control connection and that of a data connection which belongs to it,
 * its master, then prints the data connection's master as the kernel knows it.
 *
 *     ip netns exec NAME ./conntrack_master
 *
 * An entry is found RELATED, and rules that accept those accept it, by having a master.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "mnl_talk.h"

/* A TCP connection over IPv4. NULL: no memory. */
static struct nf_conntrack *tcp_connection(
	const char *src, uint16_t src_port, const char *dst, uint16_t dst_port)
{
	struct nf_conntrack *ct = nfct_new();

	if (!ct)
		return NULL;
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr(src));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr(dst));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(src_port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(dst_port));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
	return ct;
}

/* Says that master caused ct: the original direction of the one, as an attribute of the other. */
static void set_master(struct nf_conntrack *ct, const struct nf_conntrack *master)
{
	nfct_set_attr_u8(ct, ATTR_MASTER_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_MASTER_IPV4_SRC, nfct_get_attr_u32(master, ATTR_IPV4_SRC));
	nfct_set_attr_u32(ct, ATTR_MASTER_IPV4_DST, nfct_get_attr_u32(master, ATTR_IPV4_DST));
	nfct_set_attr_u8(ct, ATTR_MASTER_L4PROTO, nfct_get_attr_u8(master, ATTR_L4PROTO));
	nfct_set_attr_u16(ct, ATTR_MASTER_PORT_SRC, nfct_get_attr_u16(master, ATTR_PORT_SRC));
	nfct_set_attr_u16(ct, ATTR_MASTER_PORT_DST, nfct_get_attr_u16(master, ATTR_PORT_DST));
}

static int create(struct mnl_socket *nl, const struct nf_conntrack *ct)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nlmsghdr *nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET);

	return nfct_nlmsg_build(nlh, ct) < 0 ? -1 : talk(nl, nlh, NULL, NULL);
}

static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	struct nfct_attr_grp_ipv4 ends;
	struct nfct_attr_grp_port ports;
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];

	(void)data;
	if (!ct)
		return MNL_CB_ERROR;
	if (nfct_nlmsg_parse(nlh, ct) == 0 &&
		nfct_get_attr_grp(ct, ATTR_GRP_MASTER_IPV4, &ends) == 0 &&
		nfct_get_attr_grp(ct, ATTR_GRP_MASTER_PORT, &ports) == 0)
		printf("master: from %s port %u to %s port %u\n",
			inet_ntop(AF_INET, &ends.src, src, sizeof(src)), ntohs(ports.sport),
			inet_ntop(AF_INET, &ends.dst, dst, sizeof(dst)), ntohs(ports.dport));
	nfct_destroy(ct);
	return MNL_CB_OK;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_conntrack *control = tcp_connection("192.0.2.1", 4000, "198.51.100.2", 21);
	struct nf_conntrack *transfer = tcp_connection("198.51.100.2", 20, "192.0.2.1", 4001);
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!control || !transfer || !nl)
		err(EXIT_FAILURE, "no memory or no socket");
	set_master(transfer, control);
	/* The master has to be there first. */
	if (create(nl, control) < 0 || create(nl, transfer) < 0)
		err(EXIT_FAILURE, "cannot create the entries");

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_ACK, AF_INET);
	if (nfct_nlmsg_build(nlh, transfer) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "cannot get the entry");

	mnl_socket_close(nl);
	nfct_destroy(control);
	nfct_destroy(transfer);
	return EXIT_SUCCESS;
}
