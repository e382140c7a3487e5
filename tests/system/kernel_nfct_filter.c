/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows that the library's event filters keep events of the running kernel from a socket, and no
 * others: each attribute in both logics, and every list full at once. Needs root; works in a
 * network namespace of its own. Exit status as kernel_accepts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "nfct/filter.h"
#include "tests/system/kernel_lab.h"

/* Is the creation of f heard by an event socket with this filter? */
static bool is_heard(const struct flow *f, struct nfct_filter *filter)
{
	uint32_t buf[2048];
	struct mnl_socket *events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	ssize_t got;

	if (!events || nfct_filter_attach(mnl_socket_get_fd(events), filter) != 0 ||
		mnl_socket_bind(events, 1, MNL_SOCKET_AUTOPID) < 0)
		fact("(an event socket is filtered)", false);
	if (create(f) != 0)
		fact("(the entry is created)", false);
	/* the answer to the request came behind the event */
	got = mnl_socket_recvfrom(events, buf, sizeof(buf));
	if (destroy(f, 0) != 0)
		fact("(the entry is destroyed)", false);
	mnl_socket_close(events);
	return got > 0;
}

enum { SAMPLES = 9 };
static const struct sample {
	const char *name;
	uint8_t l3, l4, state;
	uint32_t mark;
	uint16_t zone;
} samples[SAMPLES] = {
	{"IPv4 TCP established", AF_INET, IPPROTO_TCP, 3, 0, 0},
	{"IPv4 TCP close wait", AF_INET, IPPROTO_TCP, 5, 0x105, 0},
	{"IPv4 UDP", AF_INET, IPPROTO_UDP, 0, 0, 7},
	{"IPv4 SCTP established", AF_INET, IPPROTO_SCTP, 4, 0, 0},
	{"IPv4 ICMP", AF_INET, IPPROTO_ICMP, 0, 5, 0},
	{"IPv4 GRE", AF_INET, IPPROTO_GRE, 0, 0, 0xffff},
	{"IPv6 TCP established", AF_INET6, IPPROTO_TCP, 3, 0x80000005, 0},
	{"IPv6 UDP", AF_INET6, IPPROTO_UDP, 0, 0, 7},
	{"IPv6 ICMP", AF_INET6, IPPROTO_ICMPV6, 0, 0, 0},
};

/* Number n's addresses are 10.n.x.1 and 10.n.0.2, or fd00:n::x:1 and fd00:n::2. */
static struct flow flow_of(unsigned n)
{
	const struct sample *s = &samples[n];
	struct flow f = fresh(s->l3, s->l4);
	struct flow_tuple *t = &f.tuple[FLOW_ORIG];

	t->src.bytes[s->l3 == AF_INET ? 1 : 3] = (uint8_t)n;
	t->dst.bytes[s->l3 == AF_INET ? 1 : 3] = (uint8_t)n;
	flow_setup_reply(&f);
	if (s->l4 == IPPROTO_TCP) {
		f.tcp.state = s->state;
	} else if (s->l4 == IPPROTO_SCTP) {
		f.sctp.state = s->state;
		f.sctp.vtag[FLOW_ORIG] = f.sctp.vtag[FLOW_REPL] = 1;
		flow_mark_set(&f, FLOW_SCTP_STATE);
		flow_mark_set(&f, FLOW_SCTP_VTAG_ORIG);
		flow_mark_set(&f, FLOW_SCTP_VTAG_REPL);
	}
	f.mark = s->mark;
	f.zone = s->zone;
	flow_mark_set(&f, FLOW_MARK);
	if (s->zone != 0)
		flow_mark_set(&f, FLOW_ZONE);
	return f;
}

/*
 * One clause. in_list and without say, by a bit for each sample, which an element matches and which
 * do not have what the clause is about.
 */
struct clause {
	const char *name;
	enum nfct_filter_attr attr;
	const void *elements[2]; /* at least the first */
	unsigned in_list, without;
};

enum { ALL_IPV4 = 0x3f, ALL_IPV6 = 0x1c0 };

static const uint32_t udp = IPPROTO_UDP, icmp = IPPROTO_ICMP;
static const struct nfct_filter_proto tcp_established = {IPPROTO_TCP, 3};
static const struct nfct_filter_proto sctp_established = {IPPROTO_SCTP, 4};
static const struct nfct_filter_proto sctp_closed = {IPPROTO_SCTP, 1};
static const struct nfct_filter_ipv4 net1 = {0x0a010000, 0xffff0000};
static const struct nfct_filter_ipv4 host3 = {0x0a030002, 0xffffffff};
static const struct nfct_filter_ipv4 host4 = {0x0a000001, 0xff0000ff};
static const struct nfct_filter_ipv6 net6 = {{0xfd000006}, {0xffffffff}};
static const struct nfct_filter_ipv6 host7 = {
	{0xfd000007, 0, 0, 2}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}};
static const struct nfct_filter_ipv6 even = {{0, 0, 0, 1}, {1, 0, 0, 0xff}};
static const struct nfct_filter_dump_mark no_mark = {0, 0xffffffff};
static const struct nfct_filter_dump_mark mark5 = {5, 0xff};
static const struct nfct_filter_dump_mark mark5_exactly = {5, 0xffffffff};
static const uint16_t zone7 = 7, zone_none, zone_last = 0xffff;

static const struct clause clauses[] = {
	{"protocol UDP", NFCT_FILTER_L4PROTO, {&udp}, 1 << 2 | 1 << 7, 0},
	{"protocol UDP, ICMP", NFCT_FILTER_L4PROTO, {&udp, &icmp}, 1 << 2 | 1 << 4 | 1 << 7, 0},
	{"TCP state", NFCT_FILTER_L4PROTO_STATE, {&tcp_established}, 1 << 0 | 1 << 6,
		0x1ff & ~(1 << 0 | 1 << 1 | 1 << 6)},
	{"SCTP state", NFCT_FILTER_L4PROTO_STATE, {&sctp_established}, 1 << 3, 0x1ff & ~(1 << 3)},
	{"states of TCP and SCTP", NFCT_FILTER_L4PROTO_STATE, {&tcp_established, &sctp_closed},
		1 << 0 | 1 << 6, 0x1ff & ~(1 << 0 | 1 << 1 | 1 << 3 | 1 << 6)},
	{"IPv4 source net", NFCT_FILTER_SRC_IPV4, {&net1}, 1 << 1, ALL_IPV6},
	{"IPv4 source by odd mask", NFCT_FILTER_SRC_IPV4, {&net1, &host4}, ALL_IPV4, ALL_IPV6},
	{"IPv4 destination", NFCT_FILTER_DST_IPV4, {&host3}, 1 << 3, ALL_IPV6},
	{"IPv4 destinations", NFCT_FILTER_DST_IPV4, {&host3, &net1}, 1 << 1 | 1 << 3, ALL_IPV6},
	{"IPv6 source", NFCT_FILTER_SRC_IPV6, {&net6}, 1 << 6, ALL_IPV4},
	{"IPv6 sources", NFCT_FILTER_SRC_IPV6, {&even, &net6}, 1 << 6 | 1 << 8, ALL_IPV4},
	{"IPv6 destination", NFCT_FILTER_DST_IPV6, {&host7}, 1 << 7, ALL_IPV4},
	{"IPv6 destinations", NFCT_FILTER_DST_IPV6, {&net6, &host7}, 1 << 6 | 1 << 7, ALL_IPV4},
	{"no mark", NFCT_FILTER_MARK, {&no_mark}, 0x1ff & ~(1 << 1 | 1 << 4 | 1 << 6), 0},
	{"mark under a mask", NFCT_FILTER_MARK, {&mark5}, 1 << 1 | 1 << 4 | 1 << 6, 0},
	{"mark", NFCT_FILTER_MARK, {&mark5_exactly}, 1 << 4, 0},
	{"no zone", NFCT_FILTER_ZONE, {&zone_none}, 0x1ff & ~(1 << 2 | 1 << 5 | 1 << 7), 0},
	{"zones", NFCT_FILTER_ZONE, {&zone7, &zone_last}, 1 << 2 | 1 << 5 | 1 << 7, 0},
};

static void clause_holds(const struct clause *c, enum nfct_filter_logic logic)
{
	bool is_positive = logic == NFCT_FILTER_LOGIC_POSITIVE;
	struct nfct_filter *filter = nfct_filter_create();
	unsigned wanted = (is_positive ? c->in_list : ~c->in_list) | c->without, heard = 0;
	char text[128];

	if (!filter)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->elements); i++)
		if (c->elements[i])
			nfct_filter_add_attr(filter, c->attr, c->elements[i]);
	nfct_filter_set_logic(filter, c->attr, logic);
	for (unsigned n = 0; n < SAMPLES; n++) {
		struct flow f = flow_of(n);

		heard |= (unsigned)is_heard(&f, filter) << n;
	}
	wanted &= (1 << SAMPLES) - 1;
	snprintf(text, sizeof(text), "a filter %s %s: the right events are heard",
		is_positive ? "on" : "against", c->name);
	fact(text, heard == wanted);
	for (unsigned n = 0; n < SAMPLES; n++)
		if ((heard ^ wanted) >> n & 1)
			printf("     %s was%s\n", samples[n].name, heard >> n & 1 ? "" : " not");
	nfct_filter_destroy(filter);
}

/* Clauses are joined by "and". */
static void clauses_are_joined(void)
{
	struct nfct_filter *filter = nfct_filter_create();
	unsigned heard = 0;

	if (!filter)
		return;
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_UDP);
	nfct_filter_add_attr(filter, NFCT_FILTER_L4PROTO_STATE, &tcp_established);
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_ZONE, 7);
	nfct_filter_set_logic(filter, NFCT_FILTER_ZONE, NFCT_FILTER_LOGIC_NEGATIVE);
	for (unsigned n = 0; n < SAMPLES; n++) {
		struct flow f = flow_of(n);

		heard |= (unsigned)is_heard(&f, filter) << n;
	}
	fact("clauses on protocol, state and against a zone are joined",
		heard == (1 << 0 | 1 << 6));
	nfct_filter_destroy(filter);
}

static void empty_filter(void)
{
	struct nfct_filter *filter = nfct_filter_create();
	unsigned heard = 0;

	if (!filter)
		return;
	for (unsigned n = 0; n < SAMPLES; n++) {
		struct flow f = flow_of(n);

		heard |= (unsigned)is_heard(&f, filter) << n;
	}
	fact("an empty filter lets everything pass", heard == (1 << SAMPLES) - 1);
	nfct_filter_destroy(filter);
}

static void fill(struct nfct_filter *filter, bool is_worst)
{
	for (unsigned i = 0; i < 255; i++)
		nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, i);
	for (uint16_t i = 0; i < 16; i++) {
		const struct nfct_filter_proto tcp_state = {IPPROTO_TCP, i};
		const struct nfct_filter_proto dccp_state = {IPPROTO_DCCP, i};
		const struct nfct_filter_proto sctp_state = {IPPROTO_SCTP, i};

		nfct_filter_add_attr(filter, NFCT_FILTER_L4PROTO_STATE, &tcp_state);
		nfct_filter_add_attr(filter, NFCT_FILTER_L4PROTO_STATE, &dccp_state);
		nfct_filter_add_attr(filter, NFCT_FILTER_L4PROTO_STATE, &sctp_state);
	}
	for (unsigned i = 127; i-- > 0;) {
		uint32_t mask = is_worst ? UINT32_MAX ^ i << 8 : UINT32_MAX;
		const struct nfct_filter_ipv4 v4 = {i ? 0x8b000001 + i : 0x0a010002, mask};
		const struct nfct_filter_dump_mark mark = {i ? 0x80000000 | i : 5, mask};

		nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV4, &v4);
		nfct_filter_add_attr(filter, NFCT_FILTER_DST_IPV4, &v4);
		nfct_filter_add_attr(filter, NFCT_FILTER_MARK, &mark);
		nfct_filter_add_attr_u32(filter, NFCT_FILTER_ZONE, i);
	}
	for (unsigned i = 20; i-- > 0;) {
		const struct nfct_filter_ipv6 v6 = {{i ? 0x80000000 + i : 0xfd000006, 0, 0, 2},
			{0xffffffff, 0xffffffff, 0xffffffff, is_worst ? 0x8fffffff : 0xffffffff}};

		nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV6, &v6);
		nfct_filter_add_attr(filter, NFCT_FILTER_DST_IPV6, &v6);
	}
}

/* A flow whose every attribute is the one that fill() added last. */
static struct flow flow_of_the_last(uint8_t l3)
{
	struct flow f = fresh(l3, IPPROTO_TCP);
	struct flow_tuple *t = &f.tuple[FLOW_ORIG];

	inet_pton(l3, l3 == AF_INET ? "10.1.0.2" : "fd00:6::2", &t->src);
	t->dst = t->src;
	flow_setup_reply(&f);
	f.mark = 5;
	flow_mark_set(&f, FLOW_MARK);
	return f;
}

static void full_lists(bool is_worst)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct nfct_filter *filter = nfct_filter_create();

	if (!filter)
		return;
	errno = 0;
	fill(filter, is_worst);
	fact("lists of all attributes are filled", errno == 0);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct flow f = flow_of_the_last(families[i]);

		fact("with all lists full an event of the last elements is heard",
			is_heard(&f, filter));
		f.mark = 6;
		fact("with all lists full one of another mark is not", !is_heard(&f, filter));
		f = flow_of_the_last(families[i]);
		f.tuple[FLOW_ORIG].dst.bytes[0] ^= 0x40;
		flow_setup_reply(&f);
		fact("with all lists full one of another destination is not",
			!is_heard(&f, filter));
	}
	nfct_filter_set_logic(filter, NFCT_FILTER_MARK, NFCT_FILTER_LOGIC_NEGATIVE);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct flow f = flow_of_the_last(families[i]);

		fact("with all lists full and a mark denied its event is not heard",
			!is_heard(&f, filter));
		f.mark = 6;
		fact("with all lists full and a mark denied another's is", is_heard(&f, filter));
	}
	nfct_filter_destroy(filter);
}

/* What a socket might keep of memory for such things before Linux 6.8. */
static void full_lists_fit_older_kernels(void)
{
	static const char budget[] = "20480\n";
	int fd = open("/proc/sys/net/core/optmem_max", O_WRONLY | O_CLOEXEC);
	bool is_ours = fd >= 0 && write(fd, budget, strlen(budget)) == (ssize_t)strlen(budget);

	if (fd >= 0)
		close(fd);
	if (!is_ours) {
		printf("SKIP (the socket budget is not the namespace's own here)\n");
		return;
	}
	printf("with net.core.optmem_max = %s", budget);
	full_lists(false);
}

int main(void)
{
	if (lab_open() != 0) {
		perror("kernel_nfct_filter: no network namespace");
		return 77;
	}
	for (size_t i = 0; i < ARRAY_SIZE(clauses); i++) {
		clause_holds(&clauses[i], NFCT_FILTER_LOGIC_POSITIVE);
		clause_holds(&clauses[i], NFCT_FILTER_LOGIC_NEGATIVE);
	}
	clauses_are_joined();
	empty_filter();
	full_lists(false);
	full_lists(true);
	full_lists_fit_older_kernels();
	return lab_close("kernel_nfct_filter");
}
