/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints all expectations of the kernel.
 *
 *     ip netns exec NAME ./expect_dump
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Prints where an expected connection is sent on to, which nfexp_snprintf() does not show. */
static void print_nat(const struct nf_expect *exp)
{
	/* Connections of an expectation have an original direction, nothing else. */
	const struct nf_conntrack *target = nfexp_get_attr(exp, ATTR_EXP_NAT_TUPLE);
	const char *function = nfexp_get_attr(exp, ATTR_EXP_FN);
	char address[INET_ADDRSTRLEN];

	if (!target || nfct_get_attr_u8(target, ATTR_L3PROTO) != AF_INET)
		return;
	printf("    NAT to %s port %u by %s\n",
		inet_ntop(AF_INET, nfct_get_attr(target, ATTR_IPV4_SRC), address, sizeof(address)),
		ntohs(nfct_get_attr_u16(target, ATTR_PORT_SRC)),
		function ? function : "its helper");
}

/* Prints the expectation in a message. */
static int on_expectation(const struct nlmsghdr *nlh, void *data)
{
	struct nf_expect *exp = nfexp_new();
	char text[1024];

	(void)data;
	if (!exp)
		return MNL_CB_ERROR;
	if (nfexp_nlmsg_parse(nlh, exp) == 0 &&
		nfexp_snprintf(text, sizeof(text), exp, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0) {
		puts(text);
		print_nat(exp);
	}
	nfexp_destroy(exp);
	return MNL_CB_OK;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!nl)
		err(EXIT_FAILURE, "no socket");
	nlh = talk_request(
		buf, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_GET, NLM_F_DUMP, AF_UNSPEC);
	if (talk(nl, nlh, on_expectation, NULL) < 0)
		err(EXIT_FAILURE, "cannot dump the expectations");
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
