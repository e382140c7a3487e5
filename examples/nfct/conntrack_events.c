/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what happens to connections, until it is interrupted or has seen COUNT events.
 *
 *     ip netns exec NAME ./conntrack_events [COUNT]
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* Prints the event's connection; data: how many events are wanted, 0 for all. */
static int on_event(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	unsigned long *wanted = data;
	char text[1024];

	if (!ct)
		return MNL_CB_ERROR;
	if (nfct_nlmsg_parse(nlh, ct) == 0 &&
		nfct_snprintf(text, sizeof(text), ct, talk_event_type(nlh), NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	nfct_destroy(ct);
	return *wanted > 0 && --*wanted == 0 ? MNL_CB_STOP : MNL_CB_OK;
}

int main(int argc, char **argv)
{
	unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct mnl_socket *nl = talk_open(NFCT_ALL_CT_GROUPS);

	if (!nl)
		err(EXIT_FAILURE, "no socket");
	setlinebuf(stdout);
	puts("listening");
	if (talk_listen(nl, on_event, &wanted) < 0)
		err(EXIT_FAILURE, "cannot read events");
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
