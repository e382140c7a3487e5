/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes all expectations, or those of a helper.
 *
 *     ip netns exec NAME ./expect_flush [HELPER]
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

int main(int argc, char **argv)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct nf_expect *exp = nfexp_new();
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!exp || !nl)
		err(EXIT_FAILURE, "no memory or no socket");
	/* A deletion that names no expectation is one of all that are left. */
	if (argc > 1)
		nfexp_set_attr(exp, ATTR_EXP_HELPER_NAME, argv[1]);
	nlh = talk_request(
		buf, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_DELETE, NLM_F_ACK, AF_UNSPEC);
	if (nfexp_nlmsg_build(nlh, exp) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot flush the expectations");
	puts("flushed");
	mnl_socket_close(nl);
	nfexp_destroy(exp);
	return EXIT_SUCCESS;
}
