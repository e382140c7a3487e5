/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "base/check.h"
#include "nlmsg/bpf_asm.h"

enum {
	REACH_MAX = 255,
	PROGRAM_MAX = BPF_MAXINSNS,
	ATTRS_OFFSET = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg),
};
_Static_assert(BPF_ASM_VALUE == sizeof(struct nlattr), "an attribute's header");

static void put_raw(struct bpf_asm *c, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	c->len++;
	if (c->len <= c->cap)
		c->prog[c->cap - c->len] = (struct sock_filter){code, jt, jf, k};
}

void bpf_asm_put(struct bpf_asm *c, uint16_t code, uint32_t k)
{
	put_raw(c, code, 0, 0, k);
}

struct bpf_label bpf_asm_here(const struct bpf_asm *c)
{
	return (struct bpf_label){c->len};
}

/* How many instructions a jump at place c->len + 1 + extra has to skip to get to the label. */
static size_t distance(const struct bpf_asm *c, const struct bpf_label *l, size_t extra)
{
	return c->len + extra - l->place;
}

void bpf_asm_goto(struct bpf_asm *c, struct bpf_label *l)
{
	bpf_asm_put(c, BPF_JMP | BPF_JA, (uint32_t)distance(c, l, 0));
	*l = bpf_asm_here(c);
}

/*
 * The islands of both may be wanted, and the second moves the first one step away, so there is a
 * step of slack.
 */
void bpf_asm_jeq(struct bpf_asm *c, uint32_t k, struct bpf_label *yes, struct bpf_label *no)
{
	if (distance(c, yes, 1) > REACH_MAX)
		bpf_asm_goto(c, yes);
	if (distance(c, no, 0) > REACH_MAX)
		bpf_asm_goto(c, no);
	CHECK(distance(c, yes, 0) <= REACH_MAX && distance(c, no, 0) <= REACH_MAX);
	put_raw(c, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)distance(c, yes, 0),
		(uint8_t)distance(c, no, 0), k);
}

static void find(struct bpf_asm *c, uint32_t ancillary, uint32_t type, struct bpf_label *missing)
{
	struct bpf_label found = bpf_asm_here(c);

	bpf_asm_jeq(c, 0, missing, &found);
	bpf_asm_put(c, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + (int)ancillary));
	bpf_asm_put(c, BPF_LDX | BPF_IMM, type);
}

void bpf_asm_find(struct bpf_asm *c, uint32_t type, struct bpf_label *missing)
{
	find(c, SKF_AD_NLATTR, type, missing);
	bpf_asm_put(c, BPF_LD | BPF_IMM, ATTRS_OFFSET);
}

void bpf_asm_find_nested(struct bpf_asm *c, uint32_t type, struct bpf_label *missing)
{
	find(c, SKF_AD_NLATTR_NEST, type, missing);
}

void bpf_asm_find_path(
	struct bpf_asm *c, const uint32_t *path, size_t count, struct bpf_label *missing)
{
	while (count-- > 1)
		bpf_asm_find_nested(c, path[count], missing);
	bpf_asm_find(c, path[0], missing);
}

void bpf_asm_byte_in(struct bpf_asm *c, const uint32_t *set, unsigned bits, struct bpf_label *match,
	struct bpf_label *miss)
{
	struct bpf_label place, *next = miss;

	for (unsigned n = bits; n-- > 0;) {
		if (!(set[n / 32] >> (n % 32) & 1))
			continue;
		bpf_asm_jeq(c, n, match, next);
		place = bpf_asm_here(c);
		next = &place;
	}
	if (next == miss)
		bpf_asm_goto(c, miss);
	bpf_asm_put(c, BPF_LD | BPF_B | BPF_IND, BPF_ASM_VALUE);
	bpf_asm_put(c, BPF_MISC | BPF_TAX, 0);
}

int bpf_asm_finish(struct bpf_asm *c)
{
	if (c->len > PROGRAM_MAX)
		return -E2BIG;
	if (c->len > c->cap)
		return -ENOSPC;
	memmove(c->prog, c->prog + (c->cap - c->len), c->len * sizeof(*c->prog));
	return (int)c->len;
}
