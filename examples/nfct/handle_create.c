/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_create.c with the library's own handle instead of a libmnl socket: shorter, for
 * programs that do one thing at a time.
 *
 *     ip netns exec NAME ./handle_create
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

int main(void)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	struct nf_conntrack *ct = nfct_new();

	if (!h || !ct)
		err(EXIT_FAILURE, "no memory or no socket");

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.0.2.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);

	/* NFCT_Q_UPDATE, NFCT_Q_CREATE_UPDATE and NFCT_Q_DESTROY are used alike. */
	if (nfct_query(h, NFCT_Q_CREATE, ct) < 0)
		err(EXIT_FAILURE, "cannot create the entry");
	puts("created");

	nfct_destroy(ct);
	nfct_close(h);
	return EXIT_SUCCESS;
}
