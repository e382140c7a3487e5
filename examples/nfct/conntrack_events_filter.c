/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what happens to TCP connections from 192.0.2.0/24, but not to those to 198.51.100.2. The
 * kernel drops the other events, so that they neither fill the socket nor wake the program.
 *
 *     ip netns exec NAME ./conntrack_events_filter [COUNT]
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

/* TCP, from that network, and not to that host. Returns NULL when there is no memory. */
static struct nfct_filter *make_filter(void)
{
	/* Here addresses are in host byte order. */
	const struct nfct_filter_ipv4 from = {.addr = 0xc0000200, .mask = 0xffffff00};
	const struct nfct_filter_ipv4 to = {.addr = 0xc6336402, .mask = 0xffffffff};
	struct nfct_filter *filter = nfct_filter_create();

	if (!filter)
		return NULL;
	/* Several values of one kind are alternatives; an event has to pass each kind. */
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV4, &from);
	nfct_filter_set_logic(filter, NFCT_FILTER_DST_IPV4, NFCT_FILTER_LOGIC_NEGATIVE);
	nfct_filter_add_attr(filter, NFCT_FILTER_DST_IPV4, &to);
	return filter;
}

int main(int argc, char **argv)
{
	unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct nfct_filter *filter = make_filter();
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);

	if (!filter || !nl)
		err(EXIT_FAILURE, "no memory or no socket");
	/* The filter first: once the socket hears a group, events are queued. */
	if (nfct_filter_attach(mnl_socket_get_fd(nl), filter) < 0)
		err(EXIT_FAILURE, "cannot attach the filter");
	nfct_filter_destroy(filter);
	if (mnl_socket_bind(nl, NFCT_ALL_CT_GROUPS, MNL_SOCKET_AUTOPID) < 0)
		err(EXIT_FAILURE, "cannot listen to events");
	setlinebuf(stdout);
	puts("listening");
	if (talk_listen(nl, on_event, &wanted) < 0)
		err(EXIT_FAILURE, "cannot read events");
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
