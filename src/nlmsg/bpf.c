/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "nlmsg/bpf.h"

/*
 * Classic BPF jumps forward only, and a conditional one at most 255 instructions. So the program
 * is written from its last instruction to its first: each target is known when a jump to it is
 * written, and where it is out of reach, a jump without bound (an "island") is put right behind
 * the conditional one and serves those before it too.
 *
 * Places count from the program's end, the last instruction being 1. A program that does not fit
 * is counted to its end but not stored.
 */
struct code {
	struct sock_filter *prog;
	size_t cap;
	size_t len;
};

/* Where a jump goes to: the instruction itself or the nearest island that leads there. */
struct label {
	size_t place;
};

enum {
	REACH_MAX = 255,
	PROGRAM_MAX = BPF_MAXINSNS,
	ACCEPT = -1, /* BPF_RET: all bytes of the message */
	DROP = 0,
	ATTRS_OFFSET = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg),
	NLA_VALUE = sizeof(struct nlattr), /* from an attribute's start to its value */
	WORD_BITS = 32,
};

/* struct nlmsghdr's 16-bit type is in host order; these are its halves. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { TYPE_LOW_OFFSET = 4, TYPE_HIGH_OFFSET = 5 };
#else
enum { TYPE_LOW_OFFSET = 5, TYPE_HIGH_OFFSET = 4 };
#endif
enum { PORTID_OFFSET = 12 };

static void emit_raw(struct code *c, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	c->len++;
	if (c->len <= c->cap)
		c->prog[c->cap - c->len] = (struct sock_filter){code, jt, jf, k};
}

static void emit(struct code *c, uint16_t code, uint32_t k)
{
	emit_raw(c, code, 0, 0, k);
}

/* The place that the next instruction to be written will jump to with an offset of 0. */
static struct label here(const struct code *c)
{
	return (struct label){c->len};
}

/* How many instructions a jump at place c->len + 1 + extra has to skip to get to the label. */
static size_t distance(const struct code *c, const struct label *l, size_t extra)
{
	return c->len + extra - l->place;
}

static void emit_island(struct code *c, struct label *l)
{
	emit(c, BPF_JMP | BPF_JA, (uint32_t)distance(c, l, 0));
	*l = here(c);
}

/*
 * If A equals k goes to yes, else to no. The islands of both may be wanted, and the second moves
 * the first one step away, so there is a step of slack.
 */
static void emit_jeq(struct code *c, uint32_t k, struct label *yes, struct label *no)
{
	if (distance(c, yes, 1) > REACH_MAX)
		emit_island(c, yes);
	if (distance(c, no, 0) > REACH_MAX)
		emit_island(c, no);
	CHECK(distance(c, yes, 0) <= REACH_MAX && distance(c, no, 0) <= REACH_MAX);
	emit_raw(c, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)distance(c, yes, 0),
		(uint8_t)distance(c, no, 0), k);
}

/* A is the offset of the attribute that the search begins at, and becomes the found one's. */
static void emit_find(struct code *c, uint32_t ancillary, uint32_t type, struct label *missing)
{
	struct label found = here(c);

	emit_jeq(c, 0, missing, &found);
	emit(c, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + (int)ancillary));
	emit(c, BPF_LDX | BPF_IMM, type);
}

/* A becomes the offset of the attribute at path[count], each nested in the one before it. */
static void emit_find_path(
	struct code *c, const uint32_t *path, size_t count, struct label *missing)
{
	while (count-- > 1)
		emit_find(c, SKF_AD_NLATTR_NEST, path[count], missing);
	emit_find(c, SKF_AD_NLATTR, path[0], missing);
	emit(c, BPF_LD | BPF_IMM, ATTRS_OFFSET);
}

/* The networks of one family, their words in host order as BPF loads give them. */
struct net {
	uint32_t words[4];
	uint8_t prefix_len;
};

struct nets {
	struct net list[FLOW_FILTER_NETS_MAX];
	size_t count;
};

static uint32_t prefix_mask(unsigned bits)
{
	return bits == 0 ? 0 : UINT32_MAX << (WORD_BITS - bits);
}

/* By address, then by prefix length, so that equal leading words stand together. */
static bool net_before(const struct net *a, const struct net *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->words); i++)
		if (a->words[i] != b->words[i])
			return a->words[i] < b->words[i];
	return a->prefix_len < b->prefix_len;
}

static void nets_add(struct nets *nets, const struct flow_filter_net *from)
{
	unsigned bits = from->l3 == AF_INET ? 32 : 128;
	struct net net = {.prefix_len = from->prefix_len < bits ? from->prefix_len : (uint8_t)bits};
	size_t at = nets->count;

	for (unsigned i = 0; i * WORD_BITS < bits; i++) {
		unsigned used = net.prefix_len > i * WORD_BITS ? net.prefix_len - i * WORD_BITS : 0;

		net.words[i] = ntohl(from->addr.v6_be[i]) &
			       prefix_mask(used < WORD_BITS ? used : WORD_BITS);
	}
	while (at > 0 && net_before(&net, &nets->list[at - 1])) {
		nets->list[at] = nets->list[at - 1];
		at--;
	}
	nets->list[at] = net;
	nets->count++;
}

static void emit_load_word(struct code *c, unsigned word)
{
	emit(c, BPF_LD | BPF_W | BPF_IND, NLA_VALUE + word * sizeof(uint32_t));
}

static void emit_nets(struct code *c, const struct net *nets, size_t count, unsigned word,
	struct label *match, struct label *miss);

/*
 * The networks that fill this word to its end: one comparison for each of its values, and behind
 * it what the next word has to be. Returns false if there is none, and then has written nothing.
 */
static bool emit_nets_full(struct code *c, const struct net *nets, size_t count, unsigned word,
	struct label *match, struct label *miss)
{
	unsigned word_end = (word + 1) * WORD_BITS;
	struct label place, *next = miss; /* miss itself, not a copy: its islands are shared */

	for (size_t end = count, start; end > 0; end = start) {
		bool is_end = false, goes_on = false;
		uint32_t value = nets[end - 1].words[word];
		struct label inner;

		for (start = end; start > 0 && nets[start - 1].words[word] == value; start--) {
			is_end = is_end || nets[start - 1].prefix_len == word_end;
			goes_on = goes_on || nets[start - 1].prefix_len > word_end;
		}
		if (is_end) {
			emit_jeq(c, value, match, next);
		} else if (goes_on) {
			emit_nets(c, nets + start, end - start, word + 1, match, miss);
			inner = here(c);
			emit_jeq(c, value, &inner, next);
		} else {
			continue;
		}
		place = here(c);
		next = &place;
	}
	if (next != miss)
		emit_load_word(c, word);
	return next != miss;
}

/*
 * Goes to match if the address whose attribute X points to is in one of the networks, which agree
 * in all words before this one, else to miss.
 */
static void emit_nets(struct code *c, const struct net *nets, size_t count, unsigned word,
	struct label *match, struct label *miss)
{
	bool any = emit_nets_full(c, nets, count, word, match, miss);
	struct label place = here(c), *next = any ? &place : miss;

	for (int bits = WORD_BITS - 1; bits >= 0; bits--) {
		any = false;
		for (size_t i = count; i-- > 0;) {
			if (nets[i].prefix_len != word * WORD_BITS + (unsigned)bits)
				continue;
			emit_jeq(c, nets[i].words[word], match, next);
			place = here(c);
			next = &place;
			any = true;
		}
		if (!any)
			continue;
		emit(c, BPF_ALU | BPF_AND | BPF_K, prefix_mask((unsigned)bits));
		emit_load_word(c, word);
		place = here(c);
	}
	if (next == miss)
		emit_island(c, miss);
}

/*
 * Goes to match or miss by the source address of one direction's tuple, to missing if the message
 * has none.
 */
static void emit_source(struct code *c, uint32_t tuple, const struct nets *v4,
	const struct nets *v6, struct label *match, struct label *miss, struct label *missing)
{
	const uint32_t path[] = {tuple, CTA_TUPLE_IP};
	struct label is_v4, is_v6;

	emit_nets(c, v6->list, v6->count, 0, match, miss);
	emit(c, BPF_MISC | BPF_TAX, 0);
	emit_find(c, SKF_AD_NLATTR_NEST, CTA_IP_V6_SRC, missing);
	emit(c, BPF_LD | BPF_MEM, 0);
	is_v6 = here(c);
	emit_nets(c, v4->list, v4->count, 0, match, miss);
	emit(c, BPF_MISC | BPF_TAX, 0);
	is_v4 = here(c);
	emit_jeq(c, 0, &is_v6, &is_v4);
	emit(c, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR_NEST));
	emit(c, BPF_LDX | BPF_IMM, CTA_IP_V4_SRC);
	emit(c, BPF_ST, 0);
	emit_find_path(c, path, ARRAY_SIZE(path), missing);
}

/* The reply's source is looked at where the original one did not decide. */
static void emit_addresses(
	struct code *c, const struct flow_filter *f, struct label *pass, struct label *drop)
{
	bool is_accept = f->address_policy == FLOW_FILTER_ACCEPT;
	struct nets v4 = {.count = 0}, v6 = {.count = 0};
	struct label *match = is_accept ? pass : drop, *miss = is_accept ? drop : pass;
	struct label reply;

	for (size_t i = 0; i < f->nets_count && i < FLOW_FILTER_NETS_MAX; i++)
		nets_add(f->nets[i].l3 == AF_INET ? &v4 : &v6, &f->nets[i]);
	emit_source(c, CTA_TUPLE_REPLY, &v4, &v6, match, miss, pass);
	reply = here(c);
	emit_source(c, CTA_TUPLE_ORIG, &v4, &v6, match, &reply, pass);
}

/* Goes by the byte in A: is it one of those whose bit is set in set[]? */
static void emit_byte_set(struct code *c, const uint32_t *set, unsigned bits,
	enum flow_filter_policy policy, struct label *pass, struct label *drop)
{
	bool is_accept = policy == FLOW_FILTER_ACCEPT;
	struct label *match = is_accept ? pass : drop, *next = is_accept ? drop : pass;
	struct label place;

	for (unsigned n = bits; n-- > 0;) {
		if (!(set[n / 32] >> (n % 32) & 1))
			continue;
		emit_jeq(c, n, match, next);
		place = here(c);
		next = &place;
	}
	if (next != &place)
		emit_island(c, next);
	emit(c, BPF_LD | BPF_B | BPF_IND, NLA_VALUE);
	emit(c, BPF_MISC | BPF_TAX, 0);
}

static void emit_protocols(
	struct code *c, const struct flow_filter *f, struct label *pass, struct label *drop)
{
	const uint32_t path[] = {CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_NUM};

	emit_byte_set(c, f->protocols, 256, f->protocol_policy, pass, drop);
	emit_find_path(c, path, ARRAY_SIZE(path), pass);
}

/*
 * The end of a flow passes whatever its last state was: a flow that was let in with another state
 * would never be seen to go.
 */
static void emit_tcp_states(
	struct code *c, const struct flow_filter *f, struct label *pass, struct label *drop)
{
	const uint32_t path[] = {CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE};
	const uint32_t states = f->tcp_states;
	struct label search;

	emit_byte_set(c, &states, 16, f->state_policy, pass, drop);
	emit_find_path(c, path, ARRAY_SIZE(path), pass);
	search = here(c);
	emit_jeq(c, IPCTNL_MSG_CT_DELETE, pass, &search);
	emit(c, BPF_LD | BPF_B | BPF_ABS, TYPE_LOW_OFFSET);
}

/* The labels' islands move with the program, so each clause gets copies that start from the end. */
static void emit_filter(
	struct code *c, const struct flow_filter *f, struct label accept, struct label drop)
{
	struct label pass = accept;

	if (f->state_policy != FLOW_FILTER_OFF) {
		emit_tcp_states(c, f, &pass, &drop);
		pass = here(c);
	}
	if (f->address_policy != FLOW_FILTER_OFF) {
		emit_addresses(c, f, &pass, &drop);
		pass = here(c);
	}
	if (f->protocol_policy != FLOW_FILTER_OFF)
		emit_protocols(c, f, &pass, &drop);
}

int nlmsg_bpf_build(struct sock_filter *prog, size_t cap, const uint32_t *own_ports,
	size_t own_ports_count, const struct flow_filter *filter)
{
	struct code c = {prog, cap, 0};
	struct label accept, drop, rest, is_expect, is_ct;

	CHECK(own_ports_count <= NLMSG_BPF_OWN_PORTS_MAX);
	emit(&c, BPF_RET | BPF_K, DROP);
	drop = here(&c);
	emit(&c, BPF_RET | BPF_K, (uint32_t)ACCEPT);
	accept = here(&c);
	if (filter)
		emit_filter(&c, filter, accept, drop);
	rest = here(&c);
	/* only a connection's message has a filter's attributes */
	emit_jeq(&c, NFNL_SUBSYS_CTNETLINK, &rest, &accept);
	emit(&c, BPF_LD | BPF_B | BPF_ABS, TYPE_HIGH_OFFSET);
	for (size_t i = own_ports_count; i-- > 0;) {
		rest = here(&c);
		emit_jeq(&c, htonl(own_ports[i]), &drop, &rest);
	}
	if (own_ports_count > 0)
		emit(&c, BPF_LD | BPF_W | BPF_ABS, PORTID_OFFSET);
	/* errors and the like are the socket's own business and pass */
	is_ct = here(&c);
	emit_jeq(&c, NFNL_SUBSYS_CTNETLINK_EXP, &is_ct, &accept);
	is_expect = here(&c);
	emit_jeq(&c, NFNL_SUBSYS_CTNETLINK, &is_ct, &is_expect);
	emit(&c, BPF_LD | BPF_B | BPF_ABS, TYPE_HIGH_OFFSET);
	if (c.len > PROGRAM_MAX)
		return -E2BIG;
	if (c.len > cap)
		return -ENOSPC;
	memmove(prog, prog + (cap - c.len), c.len * sizeof(*prog));
	return (int)c.len;
}
