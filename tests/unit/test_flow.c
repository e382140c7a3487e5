/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/flow.h"
#include "flow/status.h"
#include "tests/lib/flowgen.h"
#include "tests/lib/seed.h"
#include "unit.h"

static void setup_reply_inverts_and_marks_only_what_applies(void)
{
	static const struct {
		uint8_t l3, l4;
		uint32_t set; /* the reply's attributes, all in word 0 */
	} cases[] = {
		{AF_INET, IPPROTO_TCP, 3 << FLOW_REPL_IPV4_SRC | 3 << FLOW_REPL_PORT_SRC},
		{AF_INET6, IPPROTO_UDP, 3 << FLOW_REPL_IPV6_SRC | 3 << FLOW_REPL_PORT_SRC},
		{AF_INET, IPPROTO_GRE, 3 << FLOW_REPL_IPV4_SRC | 3 << FLOW_REPL_PORT_SRC},
		{AF_INET, IPPROTO_ICMP, 3 << FLOW_REPL_IPV4_SRC},
		{AF_INET6, IPPROTO_ESP, 3 << FLOW_REPL_IPV6_SRC},
	};
	const uint32_t repl_attrs = 3 << FLOW_REPL_IPV4_SRC | 3 << FLOW_REPL_IPV6_SRC |
				    3 << FLOW_REPL_PORT_SRC | 1 << FLOW_REPL_L3PROTO |
				    1 << FLOW_REPL_L4PROTO;
	struct rng r = rng_of(3);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_tuple *o, *p;
		struct flow f;

		flowgen_tuples(&r, &f, cases[i].l3, cases[i].l4);
		o = &f.tuple[FLOW_ORIG];
		p = &f.tuple[FLOW_REPL];
		f.set[0] |= repl_attrs; /* stale ones go */
		f.set[0] |= 3 << FLOW_ORIG_IPV4_SRC | 3 << FLOW_ORIG_IPV6_SRC; /* one family's */
		flow_setup_reply(&f);
		CU_ASSERT_EQUAL(f.set[0] & repl_attrs,
			cases[i].set | 1 << FLOW_REPL_L3PROTO | 1 << FLOW_REPL_L4PROTO);
		CU_ASSERT_EQUAL(memcmp(&o->src, &p->dst, 16), 0);
		CU_ASSERT_EQUAL(memcmp(&o->dst, &p->src, 16), 0);
		CU_ASSERT_EQUAL(p->l3, cases[i].l3);
		CU_ASSERT_EQUAL(p->l4, cases[i].l4);
		if (cases[i].l4 == IPPROTO_ICMP) {
			CU_ASSERT_EQUAL(p->icmp_id_be, o->icmp_id_be);
			CU_ASSERT_EQUAL(p->icmp_code, o->icmp_code);
			CU_ASSERT_EQUAL(p->icmp_type, flow_icmp_reply_type(o->l3, o->icmp_type));
		} else {
			CU_ASSERT_EQUAL(p->sport_be, o->dport_be);
			CU_ASSERT_EQUAL(p->dport_be, o->sport_be);
		}
	}
}

static void setup_reply_applies_requested_nat(void)
{
	struct flow f;

	flowgen_tcp4(&f, "192.168.1.5", 40000, "203.0.113.1", 80, FLOW_TCP_ESTABLISHED);
	f.snat.v4_be = htonl(0x01020304);
	f.dnat.v4_be = htonl(0x0a000001);
	f.snat_port_be = htons(61000);
	f.dnat_port_be = htons(8080);
	flow_setup_reply(&f); /* not marked present yet */
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dport_be, htons(40000));
	flow_mark_set(&f, FLOW_SNAT_IPV4);
	flow_mark_set(&f, FLOW_DNAT_IPV4);
	flow_mark_set(&f, FLOW_SNAT_PORT);
	flow_mark_set(&f, FLOW_DNAT_PORT);
	flow_setup_reply(&f);
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].src.v4_be, htonl(0x0a000001));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dst.v4_be, htonl(0x01020304));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].sport_be, htons(8080));
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].dport_be, htons(61000));
	f.tuple[FLOW_ORIG].l4 = IPPROTO_GRE;
	flow_setup_reply(&f); /* a GRE key is no port */
	CU_ASSERT_EQUAL(f.tuple[FLOW_REPL].sport_be, f.tuple[FLOW_ORIG].dport_be);
}

static void nat_is_seen_in_the_reply_tuple(void)
{
	struct flow f;

	flowgen_tcp4(&f, "192.168.1.5", 40000, "203.0.113.1", 80, FLOW_TCP_ESTABLISHED);
	f.status |= FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE;
	CU_ASSERT_FALSE(flow_is_snat(&f) || flow_is_dnat(&f));
	CU_ASSERT_FALSE(flow_is_spat(&f) || flow_is_dpat(&f));
	f.tuple[FLOW_REPL].dst.bytes[3] = 6;
	CU_ASSERT_TRUE(flow_is_snat(&f));
	CU_ASSERT_FALSE(flow_is_dnat(&f));
	f.tuple[FLOW_REPL].src.bytes[3] = 6;
	CU_ASSERT_TRUE(flow_is_dnat(&f));
	f.tuple[FLOW_REPL].dport_be = htons(1);
	CU_ASSERT_TRUE(flow_is_spat(&f));
	CU_ASSERT_FALSE(flow_is_dpat(&f));
	f.tuple[FLOW_REPL].sport_be = htons(1);
	CU_ASSERT_TRUE(flow_is_dpat(&f));
	f.status &= ~(uint32_t)FLOW_STATUS_SRC_NAT_DONE;
	CU_ASSERT_FALSE(flow_is_snat(&f) || flow_is_spat(&f));
	CU_ASSERT_TRUE(flow_is_dnat(&f) && flow_is_dpat(&f));
	flow_mark_unset(&f, FLOW_STATUS);
	CU_ASSERT_TRUE(flow_is_snat(&f) && flow_is_spat(&f));
	flow_mark_unset(&f, FLOW_REPL_L3PROTO);
	CU_ASSERT_FALSE(flow_is_snat(&f) || flow_is_dnat(&f));
}

static void icmp_has_no_port_nat(void)
{
	struct rng r = rng_of(9);
	struct flow f;

	flowgen_tuples(&r, &f, AF_INET, IPPROTO_ICMP);
	f.tuple[FLOW_REPL].icmp_id_be ^= 1;
	flow_mark_set(&f, FLOW_ORIG_PORT_SRC);
	flow_mark_set(&f, FLOW_ORIG_PORT_DST);
	flow_mark_set(&f, FLOW_REPL_PORT_SRC);
	flow_mark_set(&f, FLOW_REPL_PORT_DST);
	CU_ASSERT_FALSE(flow_is_spat(&f) || flow_is_dpat(&f));
}

static void icmp_types_are_answered_in_pairs(void)
{
	static const uint8_t v4[] = {0, 8, 13, 14, 15, 16, 17, 18}, v6[] = {128, 129, 139, 140};
	unsigned answered = 0;

	for (unsigned type = 0; type < 256; type++) {
		uint8_t a4 = flow_icmp_reply_type(AF_INET, (uint8_t)type);
		uint8_t a6 = flow_icmp_reply_type(AF_INET6, (uint8_t)type);

		answered += (a4 != 255) + (a6 != 255);
		CU_ASSERT_TRUE(a4 == 255 || flow_icmp_reply_type(AF_INET, a4) == type);
		CU_ASSERT_TRUE(a6 == 255 || flow_icmp_reply_type(AF_INET6, a6) == type);
		CU_ASSERT_EQUAL(flow_icmp_reply_type(0, (uint8_t)type), 255);
	}
	CU_ASSERT_EQUAL(answered, sizeof(v4) + sizeof(v6));
	for (size_t i = 0; i < sizeof(v4); i++)
		CU_ASSERT_NOT_EQUAL(flow_icmp_reply_type(AF_INET, v4[i]), 255);
	for (size_t i = 0; i < sizeof(v6); i++)
		CU_ASSERT_NOT_EQUAL(flow_icmp_reply_type(AF_INET6, v6[i]), 255);
	CU_ASSERT_EQUAL(flow_icmp_reply_type(AF_INET, 8), 0);
}

static void protocols_are_told_by_their_keys(void)
{
	unsigned ports = 0, keys = 0;

	for (unsigned l4 = 0; l4 < 256; l4++) {
		ports += flow_l4_has_ports((uint8_t)l4);
		keys += flow_l4_has_key((uint8_t)l4);
	}
	CU_ASSERT_EQUAL(ports, 5);
	CU_ASSERT_EQUAL(keys, 8);
	CU_ASSERT_TRUE(flow_l4_has_ports(6) && flow_l4_has_ports(17) && flow_l4_has_ports(33));
	CU_ASSERT_TRUE(flow_l4_has_ports(132) && flow_l4_has_ports(136));
	CU_ASSERT_TRUE(flow_l4_is_icmp(1) && flow_l4_is_icmp(58) && !flow_l4_is_icmp(6));
	CU_ASSERT_TRUE(flow_l4_has_key(47) && !flow_l4_has_key(50));
}

static void half_open_is_before_the_handshakes_end(void)
{
	for (uint8_t state = 0; state < FLOW_TCP_STATES; state++)
		CU_ASSERT_EQUAL(flow_tcp_is_half_open(state),
			state <= FLOW_TCP_SYN_RECV || state == FLOW_TCP_SYN_SENT2);
}

static void generated_flows_are_sound(void)
{
	struct rng r = rng_of(seed_get(__func__));
	unsigned nat = 0, v6 = 0;

	for (int i = 0; i < 5000; i++) {
		struct flow f;

		flowgen_random(&r, &f);
		CU_ASSERT_TRUE(flow_has_addrs(&f, FLOW_ORIG) && flow_has_addrs(&f, FLOW_REPL));
		CU_ASSERT_TRUE(f.tuple[FLOW_ORIG].l4 == f.tuple[FLOW_REPL].l4);
		nat += flow_is_snat(&f) || flow_is_dnat(&f);
		v6 += f.tuple[FLOW_ORIG].l3 == AF_INET6;
	}
	CU_ASSERT_TRUE(nat > 1000 && v6 > 1000);
}

static const struct unit_test tests[] = {
	{"setup reply inverts and marks only what applies",
		setup_reply_inverts_and_marks_only_what_applies},
	{"setup reply applies requested NAT", setup_reply_applies_requested_nat},
	{"NAT is seen in the reply tuple", nat_is_seen_in_the_reply_tuple},
	{"ICMP has no port NAT", icmp_has_no_port_nat},
	{"ICMP types are answered in pairs", icmp_types_are_answered_in_pairs},
	{"protocols are told by their keys", protocols_are_told_by_their_keys},
	{"half open is before the handshake's end", half_open_is_before_the_handshakes_end},
	{"generated flows are sound", generated_flows_are_sound},
};

UNIT_MAIN("flow", tests)
