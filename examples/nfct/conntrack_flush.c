/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes all entries of the kernel's table, or those with a mark.
 *
 *     ip netns exec NAME ./conntrack_flush [MARK]
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
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;

	if (!nl)
		err(EXIT_FAILURE, "no socket");
	/* A deletion that names no connection is one of all that pass the filter. */
	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_UNSPEC);
	if (argc > 1) {
		const struct nfct_filter_dump_mark mark = {
			.val = (uint32_t)strtoul(argv[1], NULL, 0),
			.mask = 0xffffffff,
		};
		struct nfct_filter_dump *filter = nfct_filter_dump_create();

		if (!filter)
			err(EXIT_FAILURE, "no memory");
		nfct_filter_dump_set_attr(filter, NFCT_FILTER_DUMP_MARK, &mark);
		if (nfct_nlmsg_build_filter(nlh, filter) < 0)
			err(EXIT_FAILURE, "cannot build the request");
		nfct_filter_dump_destroy(filter);
	}
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot flush the table");
	puts("flushed");
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
