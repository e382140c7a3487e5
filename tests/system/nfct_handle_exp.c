/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/system/nfct_handle.h"

/* Expectations. The master is a call of the kernel's SIP helper, which has several classes. */

enum { MASTER = 5060, CLASS_AUDIO = 1 };

static const uint32_t all = AF_UNSPEC;

static struct nf_conntrack *tuple(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(src));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(dst));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(sport));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(dport));
	return ct;
}

static void set_tuple(struct nf_expect *exp, enum nf_expect_attr attr, struct nf_conntrack *ct)
{
	nfexp_set_attr(exp, attr, ct);
	nfct_destroy(ct);
}

static struct nf_expect *expected(uint16_t number)
{
	struct nf_expect *exp = nfexp_new();

	EXPECT(exp != NULL);
	set_tuple(exp, ATTR_EXP_MASTER, tuple(0x0a000001, 0x0a000002, 1000, MASTER));
	set_tuple(exp, ATTR_EXP_EXPECTED, tuple(0, 0x0a000001, 0, number));
	set_tuple(exp, ATTR_EXP_MASK, tuple(0, 0xffffffff, 0, 0xffff));
	nfexp_set_attr_u32(exp, ATTR_EXP_TIMEOUT, 300);
	nfexp_set_attr_u32(exp, ATTR_EXP_CLASS, CLASS_AUDIO); /* four at a time; of others, one */
	return exp;
}

static void create_master(struct nfct_handle *h, const char *helper)
{
	struct nf_conntrack *ct = udp(MASTER);

	if (helper)
		nfct_set_attr(ct, ATTR_HELPER_NAME, helper);
	create(h, ct);
}

struct seen {
	unsigned count, by_type[5];
	struct nf_expect *last;
	int verdict;
};

static int see(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	struct seen *seen = (struct seen *)data;

	seen->by_type[type]++;
	seen->count++;
	if (seen->verdict != NFCT_CB_STOLEN)
		return seen->verdict;
	if (seen->last)
		nfexp_destroy(seen->last);
	seen->last = exp;
	return NFCT_CB_STOLEN;
}

static int see2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type, struct nf_expect *exp,
	void *data)
{
	EXPECT(NFNL_SUBSYS_ID(nlh->nlmsg_type) == NFNL_SUBSYS_CTNETLINK_EXP);
	return see(type, exp, data);
}

static void life_of_an_expectation(void)
{
	struct nfct_handle *h = opened(0, 0);
	struct nf_expect *exp = expected(7000);
	struct seen seen = {.verdict = NFCT_CB_CONTINUE};

	EXPECT_ERROR(nfexp_query(h, NFCT_Q_CREATE, exp), ENOENT); /* no such master */
	create_master(h, NULL);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_CREATE, exp), EOPNOTSUPP); /* without a helper */
	EXPECT(destroy(h, MASTER) == 0);
	create_master(h, "sip");
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_GET, exp), ENOENT);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_DESTROY, exp), ENOENT);
	EXPECT(nfexp_query(h, NFCT_Q_CREATE, exp) == 0 && errno == 0);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_CREATE, exp), EEXIST);
	EXPECT(nfexp_query(h, NFCT_Q_CREATE_UPDATE, exp) == 0);
	EXPECT(nfexp_callback_register(h, NFCT_T_ALL, see, &seen) == 0);
	EXPECT(nfexp_query(h, NFCT_Q_GET, exp) == 0 && seen.by_type[NFCT_T_UPDATE] == 1);
	EXPECT(nfexp_query(h, NFCT_Q_DESTROY, exp) == 0);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_GET, exp), ENOENT);
	EXPECT(seen.count == 1);
	nfexp_destroy(exp);
	for (uint16_t i = 0; i < 4; i++) {
		exp = expected(7000 + i);
		EXPECT(nfexp_send(h, NFCT_Q_CREATE, exp) > 20);
		EXPECT(nfexp_catch(h) == 0);
		nfexp_destroy(exp);
	}
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0 && seen.count == 5);
	EXPECT(nfexp_query(h, NFCT_Q_FLUSH, &all) == 0);
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0 && seen.count == 5);
	EXPECT(nfct_close(h) == 0);
}

/* What was lost on the way to the kernel once: class, NAT and function. */
static void everything_of_an_expectation(void)
{
	struct nfct_handle *h = opened(0, 0);
	struct nf_expect *exp = expected(7000);
	struct seen seen = {.verdict = NFCT_CB_STOLEN};
	const struct nf_conntrack *nat;

	create_master(h, "sip");
	nfexp_set_attr_u32(exp, ATTR_EXP_FLAGS, NF_CT_EXPECT_PERMANENT);
	nfexp_set_attr(exp, ATTR_EXP_FN, "nat-follow-master");
	nfexp_set_attr(exp, ATTR_EXP_HELPER_NAME, "sip");
	set_tuple(exp, ATTR_EXP_NAT_TUPLE, tuple(0x0a000009, 0, 7009, 0));
	nfexp_set_attr_u32(exp, ATTR_EXP_NAT_DIR, NFCT_DIR_REPLY);
	EXPECT(nfexp_query(h, NFCT_Q_CREATE, exp) == 0);
	EXPECT(nfexp_callback_register(h, NFCT_T_ALL, see, &seen) == 0);
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0 && seen.count == 1);
	EXPECT(nfexp_get_attr_u32(seen.last, ATTR_EXP_CLASS) == CLASS_AUDIO);
	EXPECT(nfexp_get_attr_u32(seen.last, ATTR_EXP_FLAGS) & NF_CT_EXPECT_PERMANENT);
	EXPECT(nfexp_get_attr_u32(seen.last, ATTR_EXP_NAT_DIR) == NFCT_DIR_REPLY);
	EXPECT(nfexp_attr_is_set(seen.last, ATTR_EXP_FN) == 1);
	EXPECT(!strcmp(nfexp_get_attr(seen.last, ATTR_EXP_FN), "nat-follow-master"));
	EXPECT(!strcmp(nfexp_get_attr(seen.last, ATTR_EXP_HELPER_NAME), "sip"));
	nat = nfexp_get_attr(seen.last, ATTR_EXP_NAT_TUPLE);
	EXPECT(nat && nfct_get_attr_u32(nat, ATTR_IPV4_SRC) == htonl(0x0a000009) &&
		nfct_get_attr_u16(nat, ATTR_PORT_SRC) == htons(7009));
	/* What came can be asked for. */
	EXPECT(nfexp_query(h, NFCT_Q_GET, seen.last) == 0 && seen.count == 2);
	EXPECT(nfexp_query(h, NFCT_Q_DESTROY, seen.last) == 0);
	nfexp_destroy(seen.last);
	nfexp_destroy(exp);
	EXPECT(nfct_close(h) == 0);
}

static void both_subsystems(void)
{
	unsigned groups = NFCT_ALL_CT_GROUPS | NF_NETLINK_CONNTRACK_EXP_NEW |
			  NF_NETLINK_CONNTRACK_EXP_DESTROY;
	struct nfct_handle *h = opened(0, groups), *other = opened(0, 0);
	struct nf_expect *exp = expected(7000);
	struct seen seen = {.verdict = NFCT_CB_CONTINUE}, two = seen;
	struct heard heard = {0};

	set_nonblocking(h);
	listen_to(h, &heard);
	EXPECT(nfexp_callback_register(h, NFCT_T_ALL, see, &seen) == 0);
	create_master(other, "sip");
	EXPECT(nfexp_query(other, NFCT_Q_CREATE, exp) == 0);
	EXPECT(nfexp_query(other, NFCT_Q_DESTROY, exp) == 0);
	EXPECT(destroy(other, MASTER) == 0);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 2 && heard.by_type[NFCT_T_NEW] == 1 &&
		heard.by_type[NFCT_T_DESTROY] == 1);
	EXPECT(seen.count == 2 && seen.by_type[NFCT_T_NEW] == 1 &&
		seen.by_type[NFCT_T_DESTROY] == 1);

	create_master(h, "sip");
	EXPECT(nfexp_callback_register2(h, NFCT_T_ALL, see2, &two) == 0);
	EXPECT(nfexp_query(h, NFCT_Q_CREATE, exp) == 0);
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(seen.count == 4 && two.count == 0); /* its event, and the dump */
	nfexp_callback_unregister(h);
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(seen.count == 4 && two.count == 1);
	two.verdict = NFCT_CB_STOP;
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0); /* another dump of the same socket */
	EXPECT(get(h, 1) == ENOENT && get(h, MASTER) == 0);
	nfexp_callback_unregister2(h);
	EXPECT(nfexp_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(two.count == 2);
	nfexp_destroy(exp);
	EXPECT(nfct_close(h) == 0 && nfct_close(other) == 0);
}

const struct nfct_case expect_cases[] = {
	{"life_of_an_expectation", life_of_an_expectation},
	{"everything_of_an_expectation", everything_of_an_expectation},
	{"both_subsystems", both_subsystems},
	{NULL, NULL},
};
