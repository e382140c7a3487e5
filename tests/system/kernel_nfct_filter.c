/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows that nfct_filter_attach() lets those events of the running kernel pass that it should, and
 * no others. Needs root; works in a network namespace of its own. Exit status as kernel_accepts.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/check.h"
#include "tests/system/kernel_lab.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* What each creation below is; the filter under test names some of it. */
static const char *const sources[] = {"10.1.0.1", "10.2.0.1", "2001:db8:1::1", "2001:db8:2::1"};

enum event { TCP_A, TCP_B, TCP_SYN, UDP_A, TCP6_A, TCP6_B, MARKED, ZONED, EVENTS };

static struct flow flow_of(enum event e)
{
	static const uint8_t source[EVENTS] = {0, 1, 0, 0, 2, 3, 0, 0};
	uint8_t l3 = source[e] >= 2 ? AF_INET6 : AF_INET;
	struct flow f = fresh(l3, e == UDP_A ? IPPROTO_UDP : IPPROTO_TCP);

	inet_pton(l3, sources[source[e]], &f.tuple[FLOW_ORIG].src);
	flow_setup_reply(&f);
	if (e == TCP_SYN) {
		f.tcp.state = FLOW_TCP_SYN_SENT;
		flow_mark_set(&f, FLOW_TCP_STATE);
	} else if (e == MARKED) {
		f.mark = 0x51;
		flow_mark_set(&f, FLOW_MARK);
	} else if (e == ZONED) {
		f.zone = 5;
		flow_mark_set(&f, FLOW_ZONE);
	}
	return f;
}

/* Which of the events an event socket with the filter hears: bit e for event e. */
static unsigned heard(struct nfct_filter *filter)
{
	struct mnl_socket *events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	uint32_t buf[2048];
	unsigned found = 0;

	if (!events || mnl_socket_bind(events, NF_NETLINK_CONNTRACK_NEW, MNL_SOCKET_AUTOPID) < 0 ||
		nfct_filter_attach(mnl_socket_get_fd(events), filter) != 0)
		fact("(a filter is attached to an event socket)", false);
	for (unsigned e = 0; e < EVENTS; e++) {
		struct flow f = flow_of(e);

		if (create(&f) != 0)
			fact("(a flow is created)", false);
		if (mnl_socket_recvfrom(events, buf, sizeof(buf)) > 0)
			found |= 1u << e;
	}
	mnl_socket_close(events);
	nfct_filter_destroy(filter);
	return found;
}

static struct nfct_filter *filter_of(
	enum nfct_filter_attr attr, const void *value, enum nfct_filter_logic logic)
{
	struct nfct_filter *filter = nfct_filter_create();

	CHECK(filter);
	nfct_filter_add_attr(filter, attr, value);
	nfct_filter_set_logic(filter, attr, logic);
	return filter;
}

#define BIT(e)	(1u << (e))
#define ALL	(BIT(EVENTS) - 1)
#define FAMILY6 (BIT(TCP6_A) | BIT(TCP6_B))

/* in: the events that an element matches; never: those that have nothing to be matched. */
static void clause(const char *name, enum nfct_filter_attr attr, const void *value, unsigned in,
	unsigned never)
{
	char what[128];

	snprintf(what, sizeof(what), "%s, positive: what matches is heard", name);
	fact(what, heard(filter_of(attr, value, NFCT_FILTER_LOGIC_POSITIVE)) == (in | never));
	snprintf(what, sizeof(what), "%s, negative: what matches is not heard", name);
	fact(what, heard(filter_of(attr, value, NFCT_FILTER_LOGIC_NEGATIVE)) == (ALL & ~in));
}

static struct nfct_filter_ipv6 net6(uint32_t third_half)
{
	return (struct nfct_filter_ipv6){
		{0x20010db8, third_half << 16, 0, 0}, {UINT32_MAX, 0xffff0000, 0, 0}};
}

static void clauses(void)
{
	const uint32_t udp = IPPROTO_UDP;
	const struct nfct_filter_proto syn = {IPPROTO_TCP, FLOW_TCP_SYN_SENT};
	const struct nfct_filter_ipv4 net = {0x0a010000, 0xffff0000};
	const struct nfct_filter_dump_mark mark = {0x50, 0xf0};
	const struct nfct_filter_ipv6 v6 = net6(1);
	const uint16_t zone = 5;
	struct flow dst = flow_of(TCP_A);
	struct nfct_filter_ipv4 dst4 = {ntohl(dst.tuple[FLOW_ORIG].dst.v4_be), UINT32_MAX};
	struct nfct_filter_ipv6 dst6 = {{0}, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	unsigned v4_from_1 = ALL & ~FAMILY6 & ~BIT(TCP_B);

	dst = flow_of(TCP6_A);
	for (unsigned i = 0; i < 4; i++)
		dst6.addr[i] = ntohl(dst.tuple[FLOW_ORIG].dst.v6_be[i]);
	clause("a protocol", NFCT_FILTER_L4PROTO, &udp, BIT(UDP_A), 0);
	clause("a state", NFCT_FILTER_L4PROTO_STATE, &syn, BIT(TCP_SYN), BIT(UDP_A));
	clause("an IPv4 source", NFCT_FILTER_SRC_IPV4, &net, v4_from_1, FAMILY6);
	clause("an IPv4 destination", NFCT_FILTER_DST_IPV4, &dst4, ALL & ~FAMILY6, FAMILY6);
	clause("an IPv6 source", NFCT_FILTER_SRC_IPV6, &v6, BIT(TCP6_A), ALL & ~FAMILY6);
	clause("an IPv6 destination", NFCT_FILTER_DST_IPV6, &dst6, FAMILY6, ALL & ~FAMILY6);
	clause("a mark", NFCT_FILTER_MARK, &mark, BIT(MARKED), 0);
	clause("a zone", NFCT_FILTER_ZONE, &zone, BIT(ZONED), 0);
}

static void combined(void)
{
	struct nfct_filter *filter = nfct_filter_create();
	struct nfct_filter_ipv6 v6[] = {net6(7), net6(2), net6(1)};
	const struct nfct_filter_ipv4 net = {0x0a020000, 0xffff0000};

	CHECK(filter);
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV4, &net);
	for (unsigned i = 0; i < ARRAY_SIZE(v6); i++)
		nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV6, &v6[i]);
	fact("clauses are joined, elements are alternatives",
		heard(filter) == (BIT(TCP_B) | FAMILY6));
	fact("an empty filter lets everything pass", heard(nfct_filter_create()) == ALL);
}

/* Every list as long as it may be, none but the last element of each being right. */
static struct nfct_filter *full(void)
{
	struct nfct_filter *filter = nfct_filter_create();

	CHECK(filter);
	for (uint32_t n = 0; n < 255; n++)
		nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, n);
	for (uint16_t n = 0; n < 10; n++) {
		struct nfct_filter_proto state = {IPPROTO_TCP, n};

		nfct_filter_add_attr(filter, NFCT_FILTER_L4PROTO_STATE, &state);
	}
	for (uint32_t n = 127; n > 0; n--) {
		struct nfct_filter_ipv4 src = {0x0a000000 | n << 16, 0xffff0000}, dst = {n, n};
		struct nfct_filter_dump_mark mark = {n - 1, UINT32_MAX};
		uint16_t zone = (uint16_t)(n - 1);

		dst.mask = n == 1 ? 0 : UINT32_MAX;
		nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV4, &src);
		nfct_filter_add_attr(filter, NFCT_FILTER_DST_IPV4, &dst);
		nfct_filter_add_attr(filter, NFCT_FILTER_MARK, &mark);
		nfct_filter_add_attr(filter, NFCT_FILTER_ZONE, &zone);
	}
	for (uint32_t n = 21; n > 1; n--) {
		struct nfct_filter_ipv6 src = net6(n), dst = {{n}, {n == 2 ? 0 : UINT32_MAX}};

		dst.addr[0] = n == 2 ? 0 : n;
		nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV6, &src);
		nfct_filter_add_attr(filter, NFCT_FILTER_DST_IPV6, &dst);
	}
	return filter;
}

int main(void)
{
	if (lab_open() != 0) {
		perror("kernel_nfct_filter: no network namespace");
		return 77;
	}
	clauses();
	combined();
	fact("a filter with full lists is taken by the kernel and right",
		heard(full()) == (ALL & ~BIT(TCP6_A)));
	return lab_close("kernel_nfct_filter");
}
