/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates an entry in zone 7 with labels, whose names a file gives, and prints it with these names.
 *
 *     ip netns exec NAME ./conntrack_create_zone_labels FILE LABEL...
 *
 * FILE has a line "NUMBER NAME" for each label; the usual one is nfct_labels_get_path(). The kernel
 * keeps labels only while a rule of the namespace uses some, as this one does:
 *
 *     nft add rule inet filter input meta l4proto 255 ct label set 127
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "mnl_talk.h"

/* The bits of the labels with these names. NULL: one is not in the map (ENOENT), or no memory. */
static struct nfct_bitmask *labels_by_name(struct nfct_labelmap *map, char *const *names, int count)
{
	struct nfct_bitmask *labels = nfct_bitmask_new(127); /* the kernel's highest */

	for (int i = 0; labels && i < count; i++) {
		int bit = nfct_labelmap_get_bit(map, names[i]);

		if (bit < 0) {
			nfct_bitmask_destroy(labels);
			errno = ENOENT;
			return NULL;
		}
		nfct_bitmask_set_bit(labels, (unsigned int)bit);
	}
	return labels;
}

/* NULL: no memory. */
static struct nf_conntrack *udp_connection(void)
{
	struct nf_conntrack *ct = nfct_new();

	if (!ct)
		return NULL;
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.0.2.1"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("198.51.100.2"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(4000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(53));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
	return ct;
}

int main(int argc, char **argv)
{
	alignas(struct nlmsghdr) char buf[TALK_REQUEST_BYTES];
	char text[1024];
	struct nfct_labelmap *map;
	struct nfct_bitmask *labels;
	struct nf_conntrack *ct;
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;

	if (argc < 3)
		errx(2, "usage: %s FILE LABEL...", argv[0]);
	ct = udp_connection();
	nl = talk_open(0);
	if (!ct || !nl)
		err(EXIT_FAILURE, "no memory or no socket");
	map = nfct_labelmap_new(argv[1]);
	if (!map)
		err(EXIT_FAILURE, "%s: no labels", argv[1]);
	labels = labels_by_name(map, argv + 2, argc - 2);
	if (!labels)
		err(EXIT_FAILURE, "the labels of %s", argv[1]);
	nfct_set_attr(ct, ATTR_CONNLABELS, labels); /* which belong to ct from here on */
	nfct_set_attr_u16(ct, ATTR_ZONE, 7);

	nlh = talk_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET);
	if (nfct_nlmsg_build(nlh, ct) < 0)
		err(EXIT_FAILURE, "cannot build the request");
	if (talk(nl, nlh, NULL, NULL) < 0)
		err(EXIT_FAILURE, "cannot create the entry");
	nfct_snprintf_labels(text, sizeof(text), ct, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0, map);
	puts(text);

	mnl_socket_close(nl);
	nfct_destroy(ct);
	nfct_labelmap_destroy(map);
	return EXIT_SUCCESS;
}
