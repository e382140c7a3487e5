/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the expectation of a connection from 198.51.100.2 to 192.0.2.1:4001.
 *
 *     ip netns exec NAME ./expect_get
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Prints the expectation in a message. */
static int on_expectation(const struct nlmsghdr *nlh, void *data)
{
	struct nf_expect *exp = nfexp_new();
	char text[1024];

	(void)data;
	if (!exp)
		return MNL_CB_ERROR;
	if (nfexp_nlmsg_parse(nlh, exp) == 0 &&
		nfexp_snprintf(text, sizeof(text), exp, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	nfexp_destroy(exp);
	return MNL_CB_OK;
}

/* Names the expectation that expect_create makes, by what is expected. NULL: no memory. */
static struct nf_expect *expectation(void)
{
	struct nf_conntrack *expected = nfct_new();
	struct nf_expect *exp = nfexp_new();

	if (expected && exp) {
		nfct_set_attr_u8(expected, ATTR_L3PROTO, AF_INET);
		nfct_set_attr_u32(expected, ATTR_IPV4_SRC, inet_addr("198.51.100.2"));
		nfct_set_attr_u32(expected, ATTR_IPV4_DST, inet_addr("192.0.2.1"));
		nfct_set_attr_u8(expected, ATTR_L4PROTO, IPPROTO_TCP);
		nfct_set_attr_u16(expected, ATTR_PORT_SRC, htons(0));
		nfct_set_attr_u16(expected, ATTR_PORT_DST, htons(4001));
		nfexp_set_attr(exp, ATTR_EXP_EXPECTED, expected);
	} else if (exp) {
		nfexp_destroy(exp);
		exp = NULL;
	}
	if (expected)
		nfct_destroy(expected);
	return exp;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_expect *exp = expectation();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!exp || !nl)
		err(EXIT_FAILURE, "no memory or no socket");

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_GET, NLM_F_ACK, AF_INET);
	if (nfexp_nlmsg_build(nlh, exp) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, on_expectation, NULL) < 0)
		err(EXIT_FAILURE, "cannot get the expectation");

	mnl_socket_close(nl);
	nfexp_destroy(exp);
	return EXIT_SUCCESS;
}
