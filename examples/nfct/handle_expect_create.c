/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expect_create.c with the library's own handles instead of a libmnl socket.
 *
 *     modprobe nf_conntrack_ftp; ip netns exec NAME ./handle_expect_create
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

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
static int create_master(const struct nf_conntrack *control)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	struct nf_conntrack *ct = nfct_clone(control);
	int done = -1;

	if (h && ct) {
		nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
		nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
		nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
		done = nfct_query(h, NFCT_Q_CREATE_UPDATE, ct);
	}
	if (ct)
		nfct_destroy(ct);
	if (h)
		nfct_close(h);
	return done;
}

int main(void)
{
	struct nf_conntrack *master = tuple("192.0.2.1", 4000, "198.51.100.2", 21);
	struct nf_conntrack *expected = tuple("198.51.100.2", 0, "192.0.2.1", 4001);
	struct nf_conntrack *mask = tuple("255.255.255.255", 0, "255.255.255.255", 0xffff);
	struct nf_expect *exp = nfexp_new();
	struct nfct_handle *h = nfct_open(EXPECT, 0);

	if (!master || !expected || !mask || !exp || !h)
		err(EXIT_FAILURE, "no memory or no socket");
	if (create_master(master) < 0)
		err(EXIT_FAILURE, "cannot create the master's entry");

	nfexp_set_attr(exp, ATTR_EXP_MASTER, master);
	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, expected);
	nfexp_set_attr(exp, ATTR_EXP_MASK, mask);
	nfct_destroy(master);
	nfct_destroy(expected);
	nfct_destroy(mask);
	if (nfexp_query(h, NFCT_Q_CREATE, exp) < 0)
		err(EXIT_FAILURE, "cannot create the expectation");
	puts("created");

	nfexp_destroy(exp);
	nfct_close(h);
	return EXIT_SUCCESS;
}
