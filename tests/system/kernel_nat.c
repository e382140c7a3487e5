/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/system/kernel_lab.h"

/* What doc/KERNEL.md states about NAT; part of kernel_accepts. */

void add_snat(struct flow *f, const char *addr)
{
	static uint16_t port = 20000;
	bool is_v4 = f->tuple[FLOW_ORIG].l3 == AF_INET;

	inet_pton(f->tuple[FLOW_ORIG].l3, addr, &f->snat);
	flow_mark_set(f, is_v4 ? FLOW_SNAT_IPV4 : FLOW_SNAT_IPV6);
	f->snat_port_be = htons(port++);
	flow_mark_set(f, FLOW_SNAT_PORT);
}

void add_dnat(struct flow *f, const char *addr)
{
	bool is_v4 = f->tuple[FLOW_ORIG].l3 == AF_INET;

	inet_pton(f->tuple[FLOW_ORIG].l3, addr, &f->dnat);
	flow_mark_set(f, is_v4 ? FLOW_DNAT_IPV4 : FLOW_DNAT_IPV6);
	f->dnat_port_be = htons(8080);
	flow_mark_set(f, FLOW_DNAT_PORT);
}

/* What the kernel made of f's requests is what they come to by our own reckoning. */
static bool is_mapped(const struct flow *f, uint32_t nat_bits)
{
	struct flow wanted = *f, now = get(f);

	flow_setup_reply(&wanted);
	if (flow_l4_is_icmp(f->tuple[FLOW_ORIG].l4)) /* its id is what a port request is about */
		wanted.tuple[FLOW_REPL].icmp_id_be = f->snat_port_be;
	return (now.status & NAT_BITS) == nat_bits && (now.status & NAT_DONE) == NAT_DONE &&
	       memcmp(&now.tuple[FLOW_REPL], &wanted.tuple[FLOW_REPL], sizeof(now.master)) == 0;
}

static void nat_of_protocol(uint8_t l3, uint8_t l4, const char *name)
{
	struct flow f = fresh(l3, l4), seen;
	char text[96];

	add_snat(&f, l3 == AF_INET ? "192.0.2.9" : "fd01::9");
	snprintf(text, sizeof(text), "create %s with source NAT", name);
	expect(text, create(&f), 0);
	snprintf(text, sizeof(text), "source NAT of %s is set up", name);
	fact(text, is_mapped(&f, FLOW_STATUS_SRC_NAT));
	seen = get(&f);
	fact("(the entry is deleted)", destroy(&f, 0) == 0);
	snprintf(text, sizeof(text), "source NAT of %s is set up from a report of it", name);
	fact(text, create(&seen) == 0 && is_mapped(&f, FLOW_STATUS_SRC_NAT));
}

/* The builder does not write such requests, so the mapping is put behind what it wrote. */
static void mapped_replies(void)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	struct flow f = tcp();
	struct nlattr *nest;

	f.status |= NAT_BITS | NAT_DONE;
	add_snat(&f, "192.0.2.9");
	flow_setup_reply(&f);
	expect("create with a mapped reply tuple and no mapping",
		request(&f, CREATE, NLMSG_PART_ALL & ~NLMSG_PART_NAT), 0);
	fact("a mapped reply tuple alone makes no NAT", get(&f).status == SETTLED);
	fact("(the entry is deleted)", destroy(&f, 0) == 0);
	nlmsg_ct_build(
		buf, sizeof(buf), NLM_F_ACK | CREATE, 1, &f, NLMSG_PART_ALL & ~NLMSG_PART_NAT);
	nest = mnl_attr_nest_start(msg, CTA_NAT_SRC);
	mnl_attr_put(msg, CTA_NAT_V4_MINIP, 4, &f.snat);
	mnl_attr_nest_end(msg, nest);
	expect("create with a mapped reply tuple and the mapping", talk(buf, msg->nlmsg_len, NULL),
		0);
	fact("the two together make no NAT either", (get(&f).status & NAT_BITS) == 0);
}

void nat(void)
{
	struct flow f, seen, other;

	for (int l3 = AF_INET; l3 <= AF_INET6; l3 += AF_INET6 - AF_INET) {
		f = fresh((uint8_t)l3, IPPROTO_TCP);
		f.status |= NAT_BITS | NAT_DONE;
		add_snat(&f, l3 == AF_INET ? "192.0.2.9" : "fd01::9");
		add_dnat(&f, l3 == AF_INET ? "10.9.9.9" : "fd02::9");
		expect("create with source and destination NAT", create(&f), 0);
		fact("source and destination NAT are set up", is_mapped(&f, NAT_BITS));
		/* the same, learnt from another kernel */
		seen = get(&f);
		fact("(the entry is deleted)", destroy(&f, 0) == 0);
		expect("create from what another kernel reported", create(&seen), 0);
		fact("the NAT of the report is set up again", is_mapped(&f, NAT_BITS));
	}
	nat_of_protocol(AF_INET, IPPROTO_UDP, "UDP");
	nat_of_protocol(AF_INET, IPPROTO_UDPLITE, "UDPlite");
	nat_of_protocol(AF_INET, IPPROTO_SCTP, "SCTP");
	nat_of_protocol(AF_INET, IPPROTO_ICMP, "ICMP");
	nat_of_protocol(AF_INET6, IPPROTO_ICMPV6, "ICMPv6");
	nat_of_protocol(AF_INET, 103, "protocol 103");

	f = fresh(AF_INET, IPPROTO_GRE);
	add_snat(&f, "192.0.2.9");
	expect("create GRE with source NAT and another key", create(&f), 0);
	fact("the key is not mapped",
		get(&f).tuple[FLOW_REPL].dport_be == f.tuple[FLOW_ORIG].sport_be);
	mapped_replies();
	f = tcp();
	add_snat(&f, "192.0.2.9");
	add_dnat(&f, "10.9.9.9");
	expect("create with NAT", create(&f), 0);
	other = tcp();
	other.snat = f.snat;
	other.snat_port_be = f.snat_port_be;
	flow_mark_set(&other, FLOW_SNAT_IPV4);
	flow_mark_set(&other, FLOW_SNAT_PORT);
	add_dnat(&other, "10.9.9.9");
	expect("create with NAT to a tuple that is taken", create(&other), EEXIST);
	expect("update names the same NAT", request(&f, 0, NLMSG_PART_ALL), EOPNOTSUPP);
	expect("update without NAT", update(&f), 0);
	fact("NAT stays", is_mapped(&f, NAT_BITS));
	f = tcp_created();
	add_snat(&f, "192.0.2.9");
	expect("update adds NAT", request(&f, 0, NLMSG_PART_ALL), EOPNOTSUPP);
	expect("create without EXCL adds NAT", request(&f, NLM_F_CREATE, NLMSG_PART_ALL),
		EOPNOTSUPP);
	f = tcp_created();
	f.tuple[FLOW_REPL].src.v4_be = htonl(0x01020304);
	expect("update with another reply tuple", update(&f), 0);
	fact("an existing entry keeps its reply tuple",
		get(&f).tuple[FLOW_REPL].src.v4_be != f.tuple[FLOW_REPL].src.v4_be);
}
