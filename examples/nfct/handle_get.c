/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_get.c with the library's own handle instead of a libmnl socket.
 *
 *     ip netns exec NAME ./handle_get
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* Prints a connection, which the library frees afterwards. */
static int on_connection(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	char text[1024];

	(void)type; /* an answer is NFCT_T_UPDATE */
	(void)data;
	if (nfct_snprintf(text, sizeof(text), ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	return NFCT_CB_CONTINUE;
}

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

	/* The answer comes to the callback before nfct_query() returns. */
	if (nfct_callback_register(h, NFCT_T_ALL, on_connection, NULL) < 0)
		err(EXIT_FAILURE, "no memory");
	if (nfct_query(h, NFCT_Q_GET, ct) < 0)
		err(EXIT_FAILURE, "cannot get the entry");

	nfct_destroy(ct);
	nfct_close(h);
	return EXIT_SUCCESS;
}
