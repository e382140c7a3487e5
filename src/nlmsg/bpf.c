/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/check.h"
#include "nlmsg/bpf.h"
#include "nlmsg/bpf_asm.h"

enum {
	WORD_BITS = 32,
	PORTID_OFFSET = offsetof(struct nlmsghdr, nlmsg_pid),
};

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

static void emit_load_word(struct bpf_asm *c, unsigned word)
{
	bpf_asm_put(c, BPF_LD | BPF_W | BPF_IND, BPF_ASM_VALUE + word * sizeof(uint32_t));
}

static void emit_nets(struct bpf_asm *c, const struct net *nets, size_t count, unsigned word,
	struct bpf_label *match, struct bpf_label *miss);

/*
 * The networks that fill this word to its end: one comparison for each of its values, and behind
 * it what the next word has to be. Returns false if there is none, and then has written nothing.
 */
static bool emit_nets_full(struct bpf_asm *c, const struct net *nets, size_t count, unsigned word,
	struct bpf_label *match, struct bpf_label *miss)
{
	unsigned word_end = (word + 1) * WORD_BITS;
	struct bpf_label place, *next = miss; /* miss itself, not a copy: its islands are shared */

	for (size_t end = count, start; end > 0; end = start) {
		bool is_end = false, goes_on = false;
		uint32_t value = nets[end - 1].words[word];
		struct bpf_label inner;

		for (start = end; start > 0 && nets[start - 1].words[word] == value; start--) {
			is_end = is_end || nets[start - 1].prefix_len == word_end;
			goes_on = goes_on || nets[start - 1].prefix_len > word_end;
		}
		if (is_end) {
			bpf_asm_jeq(c, value, match, next);
		} else if (goes_on) {
			emit_nets(c, nets + start, end - start, word + 1, match, miss);
			inner = bpf_asm_here(c);
			bpf_asm_jeq(c, value, &inner, next);
		} else {
			continue;
		}
		place = bpf_asm_here(c);
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
static void emit_nets(struct bpf_asm *c, const struct net *nets, size_t count, unsigned word,
	struct bpf_label *match, struct bpf_label *miss)
{
	bool any = emit_nets_full(c, nets, count, word, match, miss);
	struct bpf_label place = bpf_asm_here(c), *next = any ? &place : miss;

	for (int bits = WORD_BITS - 1; bits >= 0; bits--) {
		any = false;
		for (size_t i = count; i-- > 0;) {
			if (nets[i].prefix_len != word * WORD_BITS + (unsigned)bits)
				continue;
			bpf_asm_jeq(c, nets[i].words[word], match, next);
			place = bpf_asm_here(c);
			next = &place;
			any = true;
		}
		if (!any)
			continue;
		bpf_asm_put(c, BPF_ALU | BPF_AND | BPF_K, prefix_mask((unsigned)bits));
		emit_load_word(c, word);
		place = bpf_asm_here(c);
	}
	if (next == miss)
		bpf_asm_goto(c, miss);
}

/*
 * Goes to match or miss by the source address of one direction's tuple, to missing if the message
 * has none.
 */
static void emit_source(struct bpf_asm *c, uint32_t tuple, const struct nets *v4,
	const struct nets *v6, struct bpf_label *match, struct bpf_label *miss,
	struct bpf_label *missing)
{
	const uint32_t path[] = {tuple, CTA_TUPLE_IP};
	struct bpf_label is_v4, is_v6;

	emit_nets(c, v6->list, v6->count, 0, match, miss);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	bpf_asm_find_nested(c, CTA_IP_V6_SRC, missing);
	bpf_asm_put(c, BPF_LD | BPF_MEM, 0);
	is_v6 = bpf_asm_here(c);
	emit_nets(c, v4->list, v4->count, 0, match, miss);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	is_v4 = bpf_asm_here(c);
	bpf_asm_jeq(c, 0, &is_v6, &is_v4);
	bpf_asm_put(c, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR_NEST));
	bpf_asm_put(c, BPF_LDX | BPF_IMM, CTA_IP_V4_SRC);
	bpf_asm_put(c, BPF_ST, 0);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), missing);
}

/* The reply's source is looked at where the original one did not decide. */
static void emit_addresses(struct bpf_asm *c, const struct flow_filter *f, struct bpf_label *pass,
	struct bpf_label *drop)
{
	bool is_accept = f->address_policy == FLOW_FILTER_ACCEPT;
	struct nets v4 = {.count = 0}, v6 = {.count = 0};
	struct bpf_label *match = is_accept ? pass : drop, *miss = is_accept ? drop : pass;
	struct bpf_label reply;

	for (size_t i = 0; i < f->nets_count && i < FLOW_FILTER_NETS_MAX; i++)
		nets_add(f->nets[i].l3 == AF_INET ? &v4 : &v6, &f->nets[i]);
	emit_source(c, CTA_TUPLE_REPLY, &v4, &v6, match, miss, pass);
	reply = bpf_asm_here(c);
	emit_source(c, CTA_TUPLE_ORIG, &v4, &v6, match, &reply, pass);
}

static void emit_byte_set(struct bpf_asm *c, const uint32_t *set, unsigned bits,
	enum flow_filter_policy policy, struct bpf_label *pass, struct bpf_label *drop)
{
	bool is_accept = policy == FLOW_FILTER_ACCEPT;

	bpf_asm_byte_in(c, set, bits, is_accept ? pass : drop, is_accept ? drop : pass);
}

static void emit_protocols(struct bpf_asm *c, const struct flow_filter *f, struct bpf_label *pass,
	struct bpf_label *drop)
{
	const uint32_t path[] = {CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_NUM};

	emit_byte_set(c, f->protocols, 256, f->protocol_policy, pass, drop);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), pass);
}

static void emit_tcp_states(struct bpf_asm *c, const struct flow_filter *f, struct bpf_label *pass,
	struct bpf_label *drop)
{
	const uint32_t path[] = {CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE};
	const uint32_t states = f->tcp_states;

	emit_byte_set(c, &states, 16, f->state_policy, pass, drop);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), pass);
}

/* A mark of 0 is left out of the message. */
static void emit_marks(struct bpf_asm *c, const struct flow_filter *f, struct bpf_label *pass,
	struct bpf_label *drop)
{
	bool is_accept = f->mark_policy == FLOW_FILTER_ACCEPT;
	struct bpf_label *match = is_accept ? pass : drop, *miss = is_accept ? drop : pass;
	struct bpf_label place, known, *next = miss;

	for (size_t i = f->marks_count; i-- > 0;) {
		bpf_asm_jeq(c, f->marks[i].value, match, next);
		bpf_asm_put(c, BPF_ALU | BPF_AND | BPF_K, f->marks[i].mask);
		bpf_asm_put(c, BPF_LD | BPF_MEM, 0);
		place = bpf_asm_here(c);
		next = &place;
	}
	if (next == miss)
		bpf_asm_goto(c, miss);
	bpf_asm_put(c, BPF_ST, 0);
	known = bpf_asm_here(c);
	bpf_asm_put(c, BPF_LD | BPF_W | BPF_IND, BPF_ASM_VALUE);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	bpf_asm_find(c, CTA_MARK, &known);
}

/*
 * What changes in a flow's life refuses its birth alone. An update may take a flow out of the
 * filter that was let in before, and user space has to hear of that, and of each flow's end.
 */
static void emit_birth(struct bpf_asm *c, struct bpf_label *pass)
{
	struct bpf_label birth = bpf_asm_here(c);

	bpf_asm_jeq(c, 0, pass, &birth);
	bpf_asm_put(c, BPF_ALU | BPF_AND | BPF_K, (NLM_F_CREATE | NLM_F_EXCL) >> 8);
	bpf_asm_put(c, BPF_LD | BPF_B | BPF_ABS, BPF_ASM_FLAGS_HIGH);
}

/* The labels' islands move with the program, so each clause gets copies that start from the end. */
static void emit_filter(struct bpf_asm *c, const struct flow_filter *f, struct bpf_label accept,
	struct bpf_label drop)
{
	struct bpf_label pass = accept;

	if (f->state_policy != FLOW_FILTER_OFF) {
		emit_tcp_states(c, f, &pass, &drop);
		pass = bpf_asm_here(c);
	}
	if (f->mark_policy != FLOW_FILTER_OFF) {
		emit_marks(c, f, &pass, &drop);
		pass = bpf_asm_here(c);
	}
	if (f->state_policy != FLOW_FILTER_OFF || f->mark_policy != FLOW_FILTER_OFF) {
		emit_birth(c, &accept);
		pass = bpf_asm_here(c);
	}
	if (f->address_policy != FLOW_FILTER_OFF) {
		emit_addresses(c, f, &pass, &drop);
		pass = bpf_asm_here(c);
	}
	if (f->protocol_policy != FLOW_FILTER_OFF)
		emit_protocols(c, f, &pass, &drop);
}

int nlmsg_bpf_build(struct sock_filter *prog, size_t cap, const uint32_t *own_ports,
	size_t own_ports_count, const struct flow_filter *filter)
{
	struct bpf_asm c = {prog, cap, 0};
	struct bpf_label accept, drop, rest, is_expect, is_ct;

	CHECK(own_ports_count <= NLMSG_BPF_OWN_PORTS_MAX);
	bpf_asm_put(&c, BPF_RET | BPF_K, BPF_ASM_DROP);
	drop = bpf_asm_here(&c);
	bpf_asm_put(&c, BPF_RET | BPF_K, (uint32_t)BPF_ASM_ACCEPT);
	accept = bpf_asm_here(&c);
	if (filter)
		emit_filter(&c, filter, accept, drop);
	rest = bpf_asm_here(&c);
	/* only a connection's message has a filter's attributes */
	bpf_asm_jeq(&c, NFNL_SUBSYS_CTNETLINK, &rest, &accept);
	bpf_asm_put(&c, BPF_LD | BPF_B | BPF_ABS, BPF_ASM_TYPE_HIGH);
	for (size_t i = own_ports_count; i-- > 0;) {
		rest = bpf_asm_here(&c);
		bpf_asm_jeq(&c, htonl(own_ports[i]), &drop, &rest);
	}
	if (own_ports_count > 0)
		bpf_asm_put(&c, BPF_LD | BPF_W | BPF_ABS, PORTID_OFFSET);
	/* errors and the like are the socket's own business and pass */
	is_ct = bpf_asm_here(&c);
	bpf_asm_jeq(&c, NFNL_SUBSYS_CTNETLINK_EXP, &is_ct, &accept);
	is_expect = bpf_asm_here(&c);
	bpf_asm_jeq(&c, NFNL_SUBSYS_CTNETLINK, &is_ct, &is_expect);
	bpf_asm_put(&c, BPF_LD | BPF_B | BPF_ABS, BPF_ASM_TYPE_HIGH);
	return bpf_asm_finish(&c);
}
