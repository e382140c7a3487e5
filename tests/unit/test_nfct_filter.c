/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "nfct/filter.h"
#include "nlmsg/ct.h"
#include "tests/lib/nlmsg_random.h"
#include "tests/lib/seed.h"
#include "unit.h"

/*
 * The programs are run by the kernel: attached to one end of a datagram socket pair, a message
 * sent to it arrives or does not. What should happen is told by a model of its own, which goes
 * through the elements as they were given.
 */
static int pair[2];

static void pair_open(void)
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void pair_close(void)
{
	close(pair[0]);
	close(pair[1]);
}

static bool passes(const void *msg, size_t len)
{
	uint8_t back[NLMSG_CT_BYTES_MAX];
	ssize_t got;

	CU_ASSERT_EQUAL_FATAL(send(pair[0], msg, len, 0), (ssize_t)len);
	got = recv(pair[1], back, sizeof(back), 0);
	CU_ASSERT_TRUE(got == (ssize_t)len || (got < 0 && errno == EAGAIN));
	return got >= 0;
}

static bool event_passes(const struct flow *f)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	size_t len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, f,
		NLMSG_PART_TUPLES | NLMSG_PART_MASTER | NLMSG_PART_STATE);

	CU_ASSERT_NOT_EQUAL_FATAL(len, 0);
	return passes(buf, len);
}

/* The elements as they were given. */
enum { ELEMENTS_MAX = 300 };

struct model {
	enum nfct_filter_logic logic[NFCT_FILTER_MAX];
	unsigned count[NFCT_FILTER_MAX];
	uint32_t protocols[ELEMENTS_MAX];
	struct nfct_filter_proto states[ELEMENTS_MAX];
	struct nfct_filter_ipv4 ipv4[2][ELEMENTS_MAX];
	struct nfct_filter_ipv6 ipv6[2][ELEMENTS_MAX];
	struct nfct_filter_dump_mark marks[ELEMENTS_MAX];
	uint16_t zones[ELEMENTS_MAX];
};

static const void *element(const struct model *m, enum nfct_filter_attr attr, unsigned i)
{
	switch (attr) {
	case NFCT_FILTER_L4PROTO:
		return &m->protocols[i];
	case NFCT_FILTER_L4PROTO_STATE:
		return &m->states[i];
	case NFCT_FILTER_SRC_IPV4:
	case NFCT_FILTER_DST_IPV4:
		return &m->ipv4[attr == NFCT_FILTER_DST_IPV4][i];
	case NFCT_FILTER_SRC_IPV6:
	case NFCT_FILTER_DST_IPV6:
		return &m->ipv6[attr == NFCT_FILTER_DST_IPV6][i];
	case NFCT_FILTER_MARK:
		return &m->marks[i];
	case NFCT_FILTER_ZONE:
		return &m->zones[i];
	case NFCT_FILTER_MAX:
		break;
	}
	return NULL;
}

/* Puts the model's filter on the socket; returns the length of its program. */
static int attach(const struct model *m)
{
	static struct sock_filter prog[BPF_MAXINSNS];
	struct nfct_filter *filter = nfct_filter_create();
	int len;

	CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++) {
		for (unsigned i = 0; i < m->count[a]; i++)
			nfct_filter_add_attr(filter, a, element(m, a, i));
		CU_ASSERT_EQUAL(nfct_filter_set_logic(filter, a, m->logic[a]), 0);
	}
	CU_ASSERT_EQUAL_FATAL(nfct_filter_attach(pair[1], filter), 0);
	len = filter_bpf_build(prog, ARRAY_SIZE(prog), filter);
	nfct_filter_destroy(filter);
	return len;
}

static bool addr_matches(
	const union flow_addr *addr, unsigned words, const uint32_t *value, const uint32_t *mask)
{
	for (unsigned i = 0; i < words; i++)
		if ((ntohl(addr->v6_be[i]) & mask[i]) != (value[i] & mask[i]))
			return false;
	return true;
}

/* Does the element match, if the flow has at all what it is about? */
static bool element_matches(
	const struct model *m, const struct flow *f, enum nfct_filter_attr attr, unsigned i)
{
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	const struct nfct_filter_ipv4 *v4;
	const struct nfct_filter_ipv6 *v6;
	uint32_t mark = flow_has(f, FLOW_MARK) ? f->mark : 0;

	switch (attr) {
	case NFCT_FILTER_L4PROTO:
		return m->protocols[i] == t->l4;
	case NFCT_FILTER_SRC_IPV4:
	case NFCT_FILTER_DST_IPV4:
		v4 = element(m, attr, i);
		return addr_matches(
			attr == NFCT_FILTER_SRC_IPV4 ? &t->src : &t->dst, 1, &v4->addr, &v4->mask);
	case NFCT_FILTER_SRC_IPV6:
	case NFCT_FILTER_DST_IPV6:
		v6 = element(m, attr, i);
		return addr_matches(
			attr == NFCT_FILTER_SRC_IPV6 ? &t->src : &t->dst, 4, v6->addr, v6->mask);
	case NFCT_FILTER_MARK:
		return ((mark ^ m->marks[i].val) & m->marks[i].mask) == 0;
	case NFCT_FILTER_ZONE:
		return m->zones[i] == (flow_has(f, FLOW_ZONE) ? f->zone : 0);
	case NFCT_FILTER_L4PROTO_STATE:
	case NFCT_FILTER_MAX:
		break;
	}
	return false;
}

static bool states_pass(const struct model *m, const struct flow *f)
{
	bool is_listed = false, any = false;
	int proto = -1, state = -1;

	if (flow_has(f, FLOW_TCP_STATE)) {
		proto = IPPROTO_TCP;
		state = f->tcp.state;
	} else if (flow_has(f, FLOW_SCTP_STATE)) {
		proto = IPPROTO_SCTP;
		state = f->sctp.state;
	} else if (flow_has(f, FLOW_DCCP_STATE)) {
		proto = IPPROTO_DCCP;
		state = f->dccp.state;
	}
	for (unsigned i = 0; i < m->count[NFCT_FILTER_L4PROTO_STATE]; i++) {
		if (m->states[i].proto != proto || m->states[i].state >= 16)
			continue;
		any = true;
		is_listed = is_listed || m->states[i].state == state;
	}
	return !any ||
	       is_listed == (m->logic[NFCT_FILTER_L4PROTO_STATE] == NFCT_FILTER_LOGIC_POSITIVE);
}

static bool model_passes(const struct model *m, const struct flow *f)
{
	bool is_v4 = f->tuple[FLOW_ORIG].l3 == AF_INET;

	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++) {
		bool is_listed = false, any = false;

		if (a == NFCT_FILTER_L4PROTO_STATE)
			continue;
		if (is_v4 ? a == NFCT_FILTER_SRC_IPV6 || a == NFCT_FILTER_DST_IPV6
			  : a == NFCT_FILTER_SRC_IPV4 || a == NFCT_FILTER_DST_IPV4)
			continue;
		for (unsigned i = 0; i < m->count[a]; i++) {
			any = any || a != NFCT_FILTER_L4PROTO || m->protocols[i] < 256;
			is_listed = is_listed || element_matches(m, f, a, i);
		}
		if (any && is_listed != (m->logic[a] == NFCT_FILTER_LOGIC_POSITIVE))
			return false;
	}
	return states_pass(m, f);
}

static const unsigned limits[NFCT_FILTER_MAX] = {
	[NFCT_FILTER_L4PROTO] = 256,
	[NFCT_FILTER_L4PROTO_STATE] = 48,
	[NFCT_FILTER_SRC_IPV4] = 127,
	[NFCT_FILTER_DST_IPV4] = 127,
	[NFCT_FILTER_SRC_IPV6] = 20,
	[NFCT_FILTER_DST_IPV6] = 20,
	[NFCT_FILTER_MARK] = 127,
	[NFCT_FILTER_ZONE] = 127,
};

static uint32_t random_mask(struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0:
		return (uint32_t)(rng_u64(r) | rng_u64(r) | rng_u64(r));
	case 1:
		return UINT32_MAX << rng_below(r, 32);
	default:
		return UINT32_MAX;
	}
}

/* One of the events is where most elements come from, so that they match now and then. */
static void random_element(
	struct rng *r, struct model *m, enum nfct_filter_attr a, unsigned i, const struct flow *f)
{
	static const uint16_t stateful[] = {
		IPPROTO_TCP, IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDP};
	const struct flow_tuple *t = &f->tuple[FLOW_ORIG];
	bool is_dst = a == NFCT_FILTER_DST_IPV4 || a == NFCT_FILTER_DST_IPV6;
	union flow_addr addr = is_dst ? t->dst : t->src;

	m->protocols[i] = rng_below(r, 4) ? rng_below(r, 260) : t->l4;
	m->states[i].proto = stateful[rng_below(r, ARRAY_SIZE(stateful))];
	m->states[i].state = (uint16_t)rng_below(r, 18);
	m->marks[i].val = rng_below(r, 3) ? f->mark : (uint32_t)rng_u64(r);
	m->marks[i].mask = random_mask(r);
	m->zones[i] = rng_below(r, 3) ? f->zone : (uint16_t)rng_u64(r);
	if (rng_below(r, 3) == 0)
		nlmsg_random_addr(r, t->l3, &addr);
	if (a == NFCT_FILTER_SRC_IPV4 || a == NFCT_FILTER_DST_IPV4)
		m->ipv4[is_dst][i] = (struct nfct_filter_ipv4){ntohl(addr.v4_be), random_mask(r)};
	else if (a == NFCT_FILTER_SRC_IPV6 || a == NFCT_FILTER_DST_IPV6)
		for (unsigned k = 0; k < 4; k++) {
			m->ipv6[is_dst][i].addr[k] = ntohl(addr.v6_be[k]);
			m->ipv6[is_dst][i].mask[k] = rng_below(r, 4) ? random_mask(r) : 0;
		}
}

enum { EVENTS = 50 };

static void random_model(struct rng *r, struct model *m, const struct flow *events)
{
	memset(m, 0, sizeof(*m));
	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++) {
		unsigned dice = rng_below(r, 8), n = dice == 0	? limits[a]
						     : dice < 3 ? 1 + rng_below(r, 10)
								: 0;

		m->count[a] = n < ELEMENTS_MAX ? n : ELEMENTS_MAX;
		m->logic[a] =
			rng_below(r, 2) ? NFCT_FILTER_LOGIC_NEGATIVE : NFCT_FILTER_LOGIC_POSITIVE;
		for (unsigned i = 0; i < m->count[a]; i++)
			random_element(r, m, a, i, &events[rng_below(r, EVENTS)]);
	}
}

static void kernel_and_model_agree(void)
{
	struct rng r = rng_of(seed_get("kernel_and_model_agree"));
	static struct flow events[EVENTS];
	static struct model m;
	unsigned verdicts[2] = {0, 0};

	pair_open();
	for (unsigned round = 0; round < 600; round++) {
		unsigned wrong = 0;

		for (unsigned i = 0; i < EVENTS; i++) {
			nlmsg_random_flow(&r, &events[i]);
			events[i].mark &= 0x80000003;
		}
		random_model(&r, &m, events);
		attach(&m);
		for (unsigned i = 0; i < EVENTS; i++) {
			bool wanted = model_passes(&m, &events[i]);

			wrong += event_passes(&events[i]) != wanted;
			verdicts[wanted]++;
		}
		CU_ASSERT_EQUAL(wrong, 0);
	}
	pair_close();
	CU_ASSERT_TRUE(verdicts[false] > 3000 && verdicts[true] > 3000);
}

static struct flow flow_of(uint8_t l3, uint8_t l4, uint32_t src, uint32_t dst)
{
	struct flow f = {.set = {0}};
	struct flow_tuple *t = &f.tuple[FLOW_ORIG];
	bool is_v4 = l3 == AF_INET;

	t->l3 = l3;
	t->l4 = l4;
	t->src.v6_be[is_v4 ? 0 : 3] = htonl(src);
	t->dst.v6_be[is_v4 ? 0 : 3] = htonl(dst);
	if (!is_v4)
		t->src.v6_be[0] = t->dst.v6_be[0] = htonl(0xfd000000);
	flow_mark_set(&f, is_v4 ? FLOW_ORIG_IPV4_SRC : FLOW_ORIG_IPV6_SRC);
	flow_mark_set(&f, is_v4 ? FLOW_ORIG_IPV4_DST : FLOW_ORIG_IPV6_DST);
	flow_mark_set(&f, FLOW_ORIG_L3PROTO);
	flow_mark_set(&f, FLOW_ORIG_L4PROTO);
	return f;
}

/* Every list full, no two masks alike, nothing to be saved: the longest program there is. */
static void fill(struct model *m, enum nfct_filter_attr a)
{
	m->count[a] = limits[a];
	for (unsigned i = 0; i < m->count[a]; i++) {
		struct nfct_filter_ipv6 v6 = {{0x80000000, 0x80000000, 0x80000000, 0x80000000 | i},
			{0xfd000000, 0x80000000, 0x80000000, 0x80000fff}};
		struct nfct_filter_ipv4 v4 = {0x80000000 | i << 8, 0xffffff00 | i};

		m->protocols[i] = i;
		m->zones[i] = (uint16_t)(500 + i);
		m->marks[i] = (struct nfct_filter_dump_mark){0x80000000 | i << 8, 0xffffff00 | i};
		m->states[i] = (struct nfct_filter_proto){IPPROTO_TCP, (uint16_t)(i % 16)};
		if (i >= 16)
			m->states[i].proto = i >= 32 ? IPPROTO_SCTP : IPPROTO_DCCP;
		if (a == NFCT_FILTER_SRC_IPV4 || a == NFCT_FILTER_DST_IPV4)
			m->ipv4[a == NFCT_FILTER_DST_IPV4][i] = v4;
		else if (a == NFCT_FILTER_SRC_IPV6 || a == NFCT_FILTER_DST_IPV6)
			m->ipv6[a == NFCT_FILTER_DST_IPV6][i] = v6;
	}
}

static struct flow flow_that_matches(uint8_t l3, unsigned i)
{
	uint32_t addr = l3 == AF_INET ? 0x80000000 | (i % 127) << 8 : 0x80000000 | i % 20;
	struct flow f = flow_of(l3, IPPROTO_TCP, addr, addr);

	if (l3 == AF_INET6)
		for (unsigned k = 0; k < 3; k++)
			f.tuple[FLOW_ORIG].src.v6_be[k] = f.tuple[FLOW_ORIG].dst.v6_be[k] =
				htonl(0x80000000);
	f.mark = 0x80000000 | (i % 127) << 8;
	f.zone = (uint16_t)(500 + i % 127);
	f.tcp.state = (uint8_t)(i % 10);
	flow_mark_set(&f, FLOW_MARK);
	flow_mark_set(&f, FLOW_ZONE);
	flow_mark_set(&f, FLOW_TCP_STATE);
	return f;
}

static void each_list_can_be_full(void)
{
	static struct model m;

	pair_open();
	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++) {
		for (unsigned logic = 0; logic < NFCT_FILTER_LOGIC_MAX; logic++) {
			memset(&m, 0, sizeof(m));
			fill(&m, a);
			m.logic[a] = (enum nfct_filter_logic)logic;
			attach(&m);
			for (unsigned i = 0; i < 3 * limits[a]; i++) {
				struct flow v4 = flow_that_matches(AF_INET, i);
				struct flow v6 = flow_that_matches(AF_INET6, i);
				struct flow other = flow_of(AF_INET, IPPROTO_UDP, i, i);

				v4.tuple[FLOW_ORIG].l4 = (uint8_t)i;
				flow_mark_unset(&v4, FLOW_TCP_STATE);
				CU_ASSERT_EQUAL(event_passes(&v4), model_passes(&m, &v4));
				CU_ASSERT_EQUAL(event_passes(&v6), model_passes(&m, &v6));
				CU_ASSERT_EQUAL(event_passes(&other), model_passes(&m, &other));
			}
		}
	}
	pair_close();
}

static void all_lists_can_be_full_at_once(void)
{
	static struct model m;
	int len;

	pair_open();
	memset(&m, 0, sizeof(m));
	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++)
		fill(&m, a);
	len = attach(&m);
	CU_ASSERT_TRUE(len > 1500 && len < BPF_MAXINSNS);
	for (unsigned i = 0; i < 3 * 127; i++) {
		struct flow v4 = flow_that_matches(AF_INET, i);
		struct flow v6 = flow_that_matches(AF_INET6, i);

		CU_ASSERT_TRUE(event_passes(&v4));
		CU_ASSERT_TRUE(event_passes(&v6));
		v4.mark = v6.mark = 1;
		CU_ASSERT_FALSE(event_passes(&v4));
		CU_ASSERT_FALSE(event_passes(&v6));
	}
	for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++)
		m.logic[a] = NFCT_FILTER_LOGIC_NEGATIVE;
	attach(&m);
	for (unsigned i = 0; i < 127; i++) {
		struct flow v4 = flow_that_matches(AF_INET, i);

		CU_ASSERT_FALSE(event_passes(&v4));
	}
	pair_close();
}

static void surplus_is_refused(void)
{
	static struct model m;
	struct nfct_filter *filter = nfct_filter_create();
	struct flow f;

	pair_open();
	for (enum nfct_filter_attr a = NFCT_FILTER_SRC_IPV4; a < NFCT_FILTER_MAX; a++) {
		fill(&m, a);
		for (unsigned i = 0; i < limits[a]; i++) {
			errno = 0;
			nfct_filter_add_attr(filter, a, element(&m, a, i));
			/* again: it is there already, and takes no room */
			nfct_filter_add_attr(filter, a, element(&m, a, i / 2));
			CU_ASSERT_EQUAL(errno, 0);
		}
		m.ipv4[0][0].addr = m.ipv4[1][0].addr = 1;
		m.ipv4[0][0].mask = m.ipv4[1][0].mask = UINT32_MAX;
		m.ipv6[0][0].addr[3] = m.ipv6[1][0].addr[3] = 1;
		m.marks[0] = (struct nfct_filter_dump_mark){1, UINT32_MAX};
		m.zones[0] = 1;
		nfct_filter_add_attr(filter, a, element(&m, a, 0));
		CU_ASSERT_EQUAL(errno, ENOSPC);
	}
	errno = 0;
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_ZONE, 2);
	CU_ASSERT_EQUAL(errno, ENOSPC);
	CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
	f = flow_that_matches(AF_INET, 126);
	CU_ASSERT_TRUE(event_passes(&f));
	f.zone = 1;
	CU_ASSERT_FALSE(event_passes(&f));
	f = flow_that_matches(AF_INET, 126);
	f.mark = 1;
	CU_ASSERT_FALSE(event_passes(&f));
	f = flow_that_matches(AF_INET, 126);
	f.tuple[FLOW_ORIG].dst.v4_be = htonl(1);
	CU_ASSERT_FALSE(event_passes(&f));
	pair_close();
	nfct_filter_destroy(filter);
}

static void lists_of_ipv6(void)
{
	struct nfct_filter_ipv6 addr = {
		{0xfd000000, 0, 0, 0}, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	struct flow f, v4 = flow_of(AF_INET, IPPROTO_TCP, 1, 1);

	for (unsigned dst = 0; dst < 2; dst++) {
		enum nfct_filter_attr attr = dst ? NFCT_FILTER_DST_IPV6 : NFCT_FILTER_SRC_IPV6;

		for (unsigned logic = 0; logic < NFCT_FILTER_LOGIC_MAX; logic++) {
			struct nfct_filter *filter = nfct_filter_create();

			pair_open();
			nfct_filter_set_logic(filter, attr, (enum nfct_filter_logic)logic);
			for (unsigned n = 1; n <= 20; n++) {
				addr.addr[3] = n;
				nfct_filter_add_attr(filter, attr, &addr);
				CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
				for (unsigned i = 1; i <= 20; i++) {
					f = flow_of(
						AF_INET6, IPPROTO_TCP, dst ? 99 : i, dst ? i : 99);
					CU_ASSERT_EQUAL(event_passes(&f), (i <= n) == (logic == 0));
				}
				CU_ASSERT_TRUE(event_passes(&v4));
			}
			pair_close();
			nfct_filter_destroy(filter);
		}
	}
}

/* Attributes of the same number stand behind the nest that is searched. */
static void ipv4_says_nothing_about_ipv6(void)
{
	static const enum nfct_filter_attr attrs[] = {NFCT_FILTER_SRC_IPV4, NFCT_FILTER_DST_IPV4};
	const struct nfct_filter_ipv4 addr = {0x0a000000, 0xff000000};
	struct flow v6 = flow_of(AF_INET6, IPPROTO_TCP, 1, 2);
	struct flow v4 = flow_of(AF_INET, IPPROTO_TCP, 1, 2);

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		struct nfct_filter *filter = nfct_filter_create();

		pair_open();
		nfct_filter_add_attr(filter, attrs[i], &addr);
		CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
		CU_ASSERT_TRUE(event_passes(&v6));
		CU_ASSERT_FALSE(event_passes(&v4));
		pair_close();
		nfct_filter_destroy(filter);
	}
}

struct bare {
	struct nlmsghdr head;
	struct nfgenmsg family;
};

static void a_missing_attribute_passes_but_mark_and_zone(void)
{
	struct bare bare = {{sizeof(bare), NFNL_SUBSYS_CTNETLINK << 8, 0, 0, 0}, {AF_INET, 0, 0}};
	static struct model m;

	pair_open();
	for (unsigned logic = 0; logic < NFCT_FILTER_LOGIC_MAX; logic++) {
		memset(&m, 0, sizeof(m));
		for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MAX; a++)
			m.logic[a] = (enum nfct_filter_logic)logic;
		for (enum nfct_filter_attr a = 0; a < NFCT_FILTER_MARK; a++)
			fill(&m, a);
		attach(&m);
		CU_ASSERT_TRUE(passes(&bare, sizeof(bare)));
		m.count[NFCT_FILTER_MARK] = 1;
		m.marks[0] = (struct nfct_filter_dump_mark){0, UINT32_MAX};
		attach(&m);
		CU_ASSERT_EQUAL(passes(&bare, sizeof(bare)), logic == NFCT_FILTER_LOGIC_POSITIVE);
		m.marks[0].val = 1;
		attach(&m);
		CU_ASSERT_EQUAL(passes(&bare, sizeof(bare)), logic == NFCT_FILTER_LOGIC_NEGATIVE);
		m.count[NFCT_FILTER_MARK] = 0;
		m.count[NFCT_FILTER_ZONE] = 1;
		m.zones[0] = 0;
		attach(&m);
		CU_ASSERT_EQUAL(passes(&bare, sizeof(bare)), logic == NFCT_FILTER_LOGIC_POSITIVE);
		m.zones[0] = 1;
		attach(&m);
		CU_ASSERT_EQUAL(passes(&bare, sizeof(bare)), logic == NFCT_FILTER_LOGIC_NEGATIVE);
	}
	pair_close();
}

static void other_messages_pass(void)
{
	const uint16_t types[] = {NLMSG_ERROR, NLMSG_DONE,
		NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW,
		NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8};
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	struct nfct_filter *filter = nfct_filter_create();
	struct flow f = flow_of(AF_INET, IPPROTO_UDP, 1, 2);
	size_t len = nlmsg_ct_build(buf, sizeof(buf), 0, 0, &f, NLMSG_PART_TUPLES);

	pair_open();
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
	CU_ASSERT_FALSE(passes(buf, len));
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	CU_ASSERT_FALSE(passes(buf, len));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		msg->nlmsg_type = types[i];
		CU_ASSERT_TRUE(passes(buf, len));
	}
	pair_close();
	nfct_filter_destroy(filter);
}

static void attaching_replaces(void)
{
	struct nfct_filter *filter = nfct_filter_create();
	struct flow tcp = flow_of(AF_INET, IPPROTO_TCP, 1, 2);
	struct flow udp = flow_of(AF_INET, IPPROTO_UDP, 1, 2);

	pair_open();
	CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
	CU_ASSERT_TRUE(event_passes(&tcp) && event_passes(&udp));
	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	CU_ASSERT_TRUE(event_passes(&tcp) && event_passes(&udp));
	CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
	CU_ASSERT_TRUE(event_passes(&tcp) && !event_passes(&udp));
	CU_ASSERT_EQUAL(nfct_filter_set_logic(filter, NFCT_FILTER_L4PROTO, 1), 0);
	CU_ASSERT_EQUAL(nfct_filter_attach(pair[1], filter), 0);
	nfct_filter_destroy(filter);
	CU_ASSERT_TRUE(!event_passes(&tcp) && event_passes(&udp));
	CU_ASSERT_EQUAL(nfct_filter_detach(pair[1]), 0);
	CU_ASSERT_TRUE(event_passes(&tcp) && event_passes(&udp));
	errno = 0;
	CU_ASSERT_TRUE(nfct_filter_detach(pair[1]) == -1 && errno == ENOENT);
	pair_close();
}

#define REFUSED(call, err) (errno = 0, (call), errno == (err))
#define FAILS(call, err)   (errno = 0, (call) == -1 && errno == (err))

static void misuse_is_refused(void)
{
	const enum nfct_filter_attr none = NFCT_FILTER_MAX, far = (enum nfct_filter_attr)1000000;
	const enum nfct_filter_attr proto = NFCT_FILTER_L4PROTO, mark = NFCT_FILTER_MARK;
	const enum nfct_filter_attr state = NFCT_FILTER_L4PROTO_STATE, zone = NFCT_FILTER_ZONE;
	const struct nfct_filter_proto udp = {IPPROTO_UDP, 1}, late = {IPPROTO_TCP, 16};
	const struct nfct_filter_proto neither = {70, 65535};
	struct nfct_filter *f = nfct_filter_create(), *empty = nfct_filter_create();
	uint32_t value = 256;

	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(NULL, proto, &value), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, proto, NULL), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, none, &value), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, far, &value), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, proto, &value), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, state, &udp), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, state, &late), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr(f, state, &neither), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr_u32(NULL, proto, 6), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr_u32(f, proto, UINT32_MAX), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr_u32(f, mark, 6), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr_u32(f, zone, 65536), EINVAL));
	CU_ASSERT_TRUE(REFUSED(nfct_filter_add_attr_u32(f, none, 6), EINVAL));
	CU_ASSERT_EQUAL(memcmp(f, empty, sizeof(*f)), 0);
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(NULL, proto, 1), EINVAL));
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(f, none, 1), ENOTSUP));
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(f, far, 1), ENOTSUP));
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(f, proto, NFCT_FILTER_LOGIC_MAX), EINVAL));
	CU_ASSERT_EQUAL(nfct_filter_set_logic(f, proto, NFCT_FILTER_LOGIC_POSITIVE), 0);
	CU_ASSERT_EQUAL(nfct_filter_set_logic(f, proto, NFCT_FILTER_LOGIC_NEGATIVE), 0);
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(f, proto, 0), EBUSY));
	CU_ASSERT_TRUE(FAILS(nfct_filter_set_logic(f, proto, 1), EBUSY));
	CU_ASSERT_EQUAL(nfct_filter_set_logic(f, zone, NFCT_FILTER_LOGIC_NEGATIVE), 0);
	CU_ASSERT_TRUE(FAILS(nfct_filter_attach(0, NULL), EINVAL));
	CU_ASSERT_TRUE(FAILS(nfct_filter_attach(-1, f), EBADF));
	CU_ASSERT_TRUE(FAILS(nfct_filter_detach(-1), EBADF));
	nfct_filter_destroy(NULL);
	nfct_filter_destroy(empty);
	nfct_filter_destroy(f);
}

static const struct unit_test tests[] = {
	{"kernel and model agree", kernel_and_model_agree},
	{"each list can be full", each_list_can_be_full},
	{"all lists can be full at once", all_lists_can_be_full_at_once},
	{"surplus is refused", surplus_is_refused},
	{"lists of IPv6", lists_of_ipv6},
	{"IPv4 says nothing about IPv6", ipv4_says_nothing_about_ipv6},
	{"a missing attribute passes, but mark and zone",
		a_missing_attribute_passes_but_mark_and_zone},
	{"other messages pass", other_messages_pass},
	{"attaching replaces", attaching_replaces},
	{"misuse is refused", misuse_is_refused},
};

UNIT_MAIN("nfct_filter", tests)
