/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/check.h"
#include "nfct/filter.h"
#include "nlmsg/bpf_asm.h"

/*
 * Values are loaded from the message once and kept in BPF's memory: the kernel makes a dozen
 * instructions of its own of each load from a message, and charges them to the socket, whose
 * budget (net.core.optmem_max) used to be 20 kB.
 */

/* The word in A: does one of these match? There is at least one. */
static void emit_words(struct bpf_asm *c, const struct filter_words *words, struct bpf_label *match,
	struct bpf_label *miss)
{
	struct bpf_label place, *next = miss; /* miss itself, not a copy: its islands are shared */

	for (unsigned i = words->count; i-- > 0;) {
		const struct filter_word *w = &words->list[i];

		bpf_asm_jeq(c, w->value, match, next);
		if (i == 0 || words->list[i - 1].mask != w->mask) {
			bpf_asm_put(c, BPF_ALU | BPF_AND | BPF_K, w->mask);
			bpf_asm_put(c, BPF_LD | BPF_MEM, 0);
		}
		place = bpf_asm_here(c);
		next = &place;
	}
	bpf_asm_put(c, BPF_ST, 0);
}

static void emit_ipv4(struct bpf_asm *c, uint32_t type, const struct filter_words *addrs,
	struct bpf_label *match, struct bpf_label *miss, struct bpf_label *missing)
{
	const uint32_t path[] = {CTA_TUPLE_ORIG, CTA_TUPLE_IP, type};

	emit_words(c, addrs, match, miss);
	bpf_asm_put(c, BPF_LD | BPF_W | BPF_IND, BPF_ASM_VALUE);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), missing);
}

/* The four words in memory: are they as these say? Words without any bit to compare are not. */
static void emit_ipv6_addr(struct bpf_asm *c, const struct filter_ipv6 *addr,
	struct bpf_label *match, struct bpf_label *miss)
{
	struct bpf_label place, *next = match;

	for (unsigned i = ARRAY_SIZE(addr->words); i-- > 0;) {
		if (addr->words[i].mask == 0)
			continue;
		bpf_asm_jeq(c, addr->words[i].value, next, miss);
		bpf_asm_put(c, BPF_ALU | BPF_AND | BPF_K, addr->words[i].mask);
		bpf_asm_put(c, BPF_LD | BPF_MEM, i);
		place = bpf_asm_here(c);
		next = &place;
	}
	if (next == match)
		bpf_asm_goto(c, match);
}

static void emit_ipv6(struct bpf_asm *c, uint32_t type, const struct filter_ipv6s *addrs,
	struct bpf_label *match, struct bpf_label *miss, struct bpf_label *missing)
{
	const uint32_t path[] = {CTA_TUPLE_ORIG, CTA_TUPLE_IP, type};
	struct bpf_label place, *next = miss;

	for (unsigned i = addrs->count; i-- > 0;) {
		emit_ipv6_addr(c, &addrs->list[i], match, next);
		place = bpf_asm_here(c);
		next = &place;
	}
	for (unsigned i = ARRAY_SIZE(addrs->list[0].words); i-- > 0;) {
		bpf_asm_put(c, BPF_ST, i);
		bpf_asm_put(c, BPF_LD | BPF_W | BPF_IND,
			BPF_ASM_VALUE + i * (uint32_t)sizeof(uint32_t));
	}
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), missing);
}

/* A number of size BPF_W or BPF_H that the kernel leaves out where it is 0. */
static void emit_number(struct bpf_asm *c, uint32_t type, uint16_t size,
	const struct filter_words *numbers, struct bpf_label *match, struct bpf_label *miss)
{
	struct bpf_label value;

	emit_words(c, numbers, match, miss);
	value = bpf_asm_here(c);
	bpf_asm_put(c, (uint16_t)(BPF_LD | BPF_IND | size), BPF_ASM_VALUE);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
	bpf_asm_find(c, type, &value); /* A is 0 where it is missing */
}

/* The states of each protocol are a clause by themselves. */
static void emit_states(struct bpf_asm *c, const struct nfct_filter *f, struct bpf_label pass,
	struct bpf_label *drop)
{
	static const uint32_t paths[FILTER_STATEFUL][3] = {
		[FILTER_TCP] = {CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE},
		[FILTER_DCCP] = {CTA_PROTOINFO, CTA_PROTOINFO_DCCP, CTA_PROTOINFO_DCCP_STATE},
		[FILTER_SCTP] = {CTA_PROTOINFO, CTA_PROTOINFO_SCTP, CTA_PROTOINFO_SCTP_STATE},
	};
	bool is_negative = f->is_negative[NFCT_FILTER_L4PROTO_STATE];

	for (unsigned i = FILTER_STATEFUL; i-- > 0;) {
		if (f->states[i] == 0)
			continue;
		bpf_asm_byte_in(c, &f->states[i], FILTER_STATES, is_negative ? drop : &pass,
			is_negative ? &pass : drop);
		bpf_asm_find_path(c, paths[i], ARRAY_SIZE(paths[i]), &pass);
		pass = bpf_asm_here(c);
	}
}

static void emit_protocols(struct bpf_asm *c, const struct nfct_filter *f, struct bpf_label *match,
	struct bpf_label *miss, struct bpf_label *missing)
{
	static const uint32_t path[] = {CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_NUM};
	uint32_t any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(f->protocols); i++)
		any |= f->protocols[i];
	if (!any)
		return;
	bpf_asm_byte_in(c, f->protocols, FILTER_PROTOCOLS, match, miss);
	bpf_asm_find_path(c, path, ARRAY_SIZE(path), missing);
}

static void emit_clause(struct bpf_asm *c, const struct nfct_filter *f, enum nfct_filter_attr attr,
	struct bpf_label pass, struct bpf_label *drop)
{
	struct bpf_label *match = f->is_negative[attr] ? drop : &pass;
	struct bpf_label *miss = f->is_negative[attr] ? &pass : drop;

	switch (attr) {
	case NFCT_FILTER_L4PROTO:
		emit_protocols(c, f, match, miss, &pass);
		break;
	case NFCT_FILTER_L4PROTO_STATE:
		emit_states(c, f, pass, drop);
		break;
	case NFCT_FILTER_SRC_IPV4:
		if (f->ipv4[FILTER_SRC].count > 0)
			emit_ipv4(c, CTA_IP_V4_SRC, &f->ipv4[FILTER_SRC], match, miss, &pass);
		break;
	case NFCT_FILTER_DST_IPV4:
		if (f->ipv4[FILTER_DST].count > 0)
			emit_ipv4(c, CTA_IP_V4_DST, &f->ipv4[FILTER_DST], match, miss, &pass);
		break;
	case NFCT_FILTER_SRC_IPV6:
		if (f->ipv6[FILTER_SRC].count > 0)
			emit_ipv6(c, CTA_IP_V6_SRC, &f->ipv6[FILTER_SRC], match, miss, &pass);
		break;
	case NFCT_FILTER_DST_IPV6:
		if (f->ipv6[FILTER_DST].count > 0)
			emit_ipv6(c, CTA_IP_V6_DST, &f->ipv6[FILTER_DST], match, miss, &pass);
		break;
	case NFCT_FILTER_MARK:
		if (f->marks.count > 0)
			emit_number(c, CTA_MARK, BPF_W, &f->marks, match, miss);
		break;
	case NFCT_FILTER_ZONE:
		if (f->zones.count > 0)
			emit_number(c, CTA_ZONE, BPF_H, &f->zones, match, miss);
		break;
	case NFCT_FILTER_MAX:
		break;
	}
}

int filter_bpf_build(struct sock_filter *prog, size_t cap, const struct nfct_filter *f)
{
	struct bpf_asm c = {prog, cap, 0};
	struct bpf_label accept, drop, clauses;

	bpf_asm_put(&c, BPF_RET | BPF_K, BPF_ASM_DROP);
	drop = bpf_asm_here(&c);
	bpf_asm_put(&c, BPF_RET | BPF_K, (uint32_t)BPF_ASM_ACCEPT);
	accept = bpf_asm_here(&c);
	for (unsigned attr = NFCT_FILTER_MAX; attr-- > 0;)
		emit_clause(&c, f, (enum nfct_filter_attr)attr, bpf_asm_here(&c), &drop);
	clauses = bpf_asm_here(&c);
	/* expectations, and answers to requests, have no such attributes and pass */
	bpf_asm_jeq(&c, NFNL_SUBSYS_CTNETLINK, &clauses, &accept);
	bpf_asm_put(&c, BPF_LD | BPF_B | BPF_ABS, BPF_ASM_TYPE_HIGH);
	return bpf_asm_finish(&c);
}
