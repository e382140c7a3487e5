/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints all entries of the kernel's table, and how many they are.
 *
 *     ip netns exec NAME ./conntrack_dump
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Prints the connection in a message, and counts. */
static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	unsigned int *count = data;
	char text[1024];

	if (!ct)
		return MNL_CB_ERROR;
	if (nfct_nlmsg_parse(nlh, ct) == 0 &&
		nfct_snprintf(text, sizeof(text), ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	nfct_destroy(ct);
	(*count)++;
	return MNL_CB_OK;
}

int main(void)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	struct mnl_socket *nl = talk_open(0);
	struct nlmsghdr *nlh;
	unsigned int count = 0;

	if (!nl)
		err(EXIT_FAILURE, "no socket");
	/* AF_INET or AF_INET6 would ask for one family. IPCTNL_MSG_CT_GET_CTRZERO instead of
	 * IPCTNL_MSG_CT_GET also sets the counters of what is dumped to zero. */
	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	if (talk(nl, nlh, on_connection, &count) < 0)
		err(EXIT_FAILURE, "cannot dump the table");
	printf("%u entries\n", count);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
