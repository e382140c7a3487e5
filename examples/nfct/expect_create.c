/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates an expectation: 198.51.100.2 will open a connection to 192.0.2.1:4001, which then is
 * RELATED to the FTP control connection that announced it, its master.
 *
 *     modprobe nf_conntrack_ftp; ip netns exec NAME ./expect_create
 *
 * The master, whose entry the program creates, too, must have a helper.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "mnl_talk.h"

/* What an expectation is made of: the original direction of a TCP connection. NULL: no memory. */
static struct nf_conntrack *tuple(
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
	return ct;
}

/* Creates the entry of the control connection, with the helper that expectations need. */
static int create_master(struct mnl_socket *nl, const struct nf_conntrack *control)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nlmsghdr *nlh = talk_request(
		buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_ACK, AF_INET);
	struct nf_conntrack *ct = nfct_clone(control);
	int done = -1;

	if (!ct)
		return -1;
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	if (nfct_nlmsg_build(nlh, ct) == 0)
		done = talk(nl, nlh, NULL, NULL);
	nfct_destroy(ct);
	return done;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_conntrack *master = tuple("192.0.2.1", 4000, "198.51.100.2", 21);
	struct nf_conntrack *expected = tuple("198.51.100.2", 0, "192.0.2.1", 4001);
	/* Which bits of the expected tuple count: here not those of the source port. */
	struct nf_conntrack *mask = tuple("255.255.255.255", 0, "255.255.255.255", 0xffff);
	struct nf_expect *exp = nfexp_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!master || !expected || !mask || !exp || !nl)
		err(EXIT_FAILURE, "no memory or no socket");
	if (create_master(nl, master) < 0)
		err(EXIT_FAILURE, "cannot create the master's entry");

	nfexp_set_attr(exp, ATTR_EXP_MASTER, master); /* tuples are copied */
	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, expected);
	nfexp_set_attr(exp, ATTR_EXP_MASK, mask);
	nfct_destroy(master);
	nfct_destroy(expected);
	nfct_destroy(mask);

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET);
	if (nfexp_nlmsg_build(nlh, exp) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot create the expectation");
	puts("created");

	mnl_socket_close(nl);
	nfexp_destroy(exp);
	return EXIT_SUCCESS;
}
