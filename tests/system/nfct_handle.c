/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library's handles on the running kernel.
 *
 *     nfct_handle --list       names of the cases
 *     nfct_handle CASE         runs one in this network namespace, which should be a fresh one
 *
 * Exit status 0: as expected; 1: not, a line says what; 77: this machine cannot run the case.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "tests/system/nfct_handle.h"

void failed(const char *file, int line, const char *what)
{
	printf("%s:%d: expected %s (errno %s)\n", file, line, what, strerrorname_np(errno));
	fflush(stdout);
	_Exit(1);
}

struct nfct_handle *opened(uint8_t subsys, unsigned groups)
{
	struct nfct_handle *h = nfct_open(subsys, groups);

	EXPECT(h != NULL);
	return h;
}

void set_nonblocking(struct nfct_handle *h)
{
	EXPECT(fcntl(nfct_fd(h), F_SETFL, O_NONBLOCK) == 0);
}

static struct nf_conntrack *udp_of(uint8_t l3, unsigned number)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t src[16] = {0x20, 1, [15] = 1}, dst[16] = {0x20, 1, [15] = 2};

	EXPECT(ct != NULL);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, l3);
	if (l3 == AF_INET) {
		nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000001));
		nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x0a000002));
	} else {
		nfct_set_attr(ct, ATTR_IPV6_SRC, src);
		nfct_set_attr(ct, ATTR_IPV6_DST, dst);
	}
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(1000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons((uint16_t)number));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 600);
	return ct;
}

struct nf_conntrack *udp(unsigned number)
{
	return udp_of(AF_INET, number);
}

struct nf_conntrack *udp6(unsigned number)
{
	return udp_of(AF_INET6, number);
}

unsigned number_of(const struct nf_conntrack *ct)
{
	return ntohs(nfct_get_attr_u16(ct, ATTR_PORT_DST));
}

void create(struct nfct_handle *h, struct nf_conntrack *ct)
{
	EXPECT(nfct_query(h, NFCT_Q_CREATE, ct) == 0);
	EXPECT(errno == 0);
	nfct_destroy(ct);
}

void create_many(unsigned first, unsigned count)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);

	for (unsigned i = 0; i < count; i++)
		create(h, udp(first + i));
	EXPECT(nfct_close(h) == 0);
}

static int query(struct nfct_handle *h, enum nf_conntrack_query query, unsigned number)
{
	struct nf_conntrack *ct = udp(number);
	int ret, err;

	errno = EXFULL; /* what it must not leave */
	ret = nfct_query(h, query, ct);
	err = errno;
	nfct_destroy(ct);
	EXPECT(ret == (err ? -1 : 0));
	return err;
}

int get(struct nfct_handle *h, unsigned number)
{
	return query(h, NFCT_Q_GET, number);
}

int destroy(struct nfct_handle *h, unsigned number)
{
	return query(h, NFCT_Q_DESTROY, number);
}

int hear(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct heard *heard = (struct heard *)data;

	EXPECT(type == NFCT_T_NEW || type == NFCT_T_UPDATE || type == NFCT_T_DESTROY);
	heard->by_type[type]++;
	heard->last = number_of(ct);
	if (++heard->count != heard->verdict_at)
		return NFCT_CB_CONTINUE;
	errno = EXFULL;
	return heard->verdict;
}

void listen_to(struct nfct_handle *h, struct heard *heard)
{
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, hear, heard) == 0);
}

int main(int argc, char **argv)
{
	const struct nfct_case *groups[] = {query_cases, receive_cases, expect_cases};
	bool is_list = argc == 2 && strcmp(argv[1], "--list") == 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		for (const struct nfct_case *c = groups[i]; c->name; c++) {
			if (is_list) {
				puts(c->name);
			} else if (argc == 2 && strcmp(argv[1], c->name) == 0) {
				c->run();
				return 0;
			}
		}
	}
	if (!is_list)
		fprintf(stderr, "usage: nfct_handle --list | CASE\n");
	return is_list ? 0 : 2;
}
