/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_BPF_ASM_H
#define CTSYNC_NLMSG_BPF_ASM_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes classic BPF over ctnetlink's messages.
 *
 * Classic BPF jumps forward only, and a conditional one at most 255 instructions. So the program
 * is written from its last instruction to its first: each target is known when a jump to it is
 * written, and where it is out of reach, a jump without bound (an "island") is put right behind
 * the conditional one and serves those before it too.
 *
 * Places count from the program's end, the last instruction being 1. A program that does not fit
 * is counted to its end but not stored.
 */
struct bpf_asm {
	struct sock_filter *prog; /* the caller's, of cap instructions */
	size_t cap;
	size_t len;
};

/*
 * Where a jump goes to: the instruction itself or the nearest island that leads there. Whoever
 * writes a jump may move it to a new island, so jumps to one place share one label.
 */
struct bpf_label {
	size_t place;
};

enum {
	BPF_ASM_ACCEPT = -1, /* BPF_RET: all bytes of the message */
	BPF_ASM_DROP = 0,
	BPF_ASM_VALUE = 4, /* from an attribute's start to its value [bytes] */

	/* struct nlmsghdr's 16-bit type and flags are in host order; these are halves. */
	BPF_ASM_TYPE_LOW = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 4 : 5,
	BPF_ASM_TYPE_HIGH = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 5 : 4,
	BPF_ASM_FLAGS_HIGH = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 7 : 6, /* of its flags */
};

/* Puts an instruction before those that are there. */
void bpf_asm_put(struct bpf_asm *, uint16_t code, uint32_t k);

/* The place of the instruction that was put last, for those to come. */
struct bpf_label bpf_asm_here(const struct bpf_asm *);

/* Goes there in any case. */
void bpf_asm_goto(struct bpf_asm *, struct bpf_label *);

/* If A equals k goes to yes, else to no. */
void bpf_asm_jeq(struct bpf_asm *, uint32_t k, struct bpf_label *yes, struct bpf_label *no);

/*
 * A becomes the offset of the attribute of this type: one of the message's own; or one nested in
 * the attribute that A is the offset of, and none behind that. Goes to missing, with A = 0, where
 * there is none.
 */
void bpf_asm_find(struct bpf_asm *, uint32_t type, struct bpf_label *missing);
void bpf_asm_find_nested(struct bpf_asm *, uint32_t type, struct bpf_label *missing);

/* The same of the attribute at path[count - 1], each nested in the one before it. */
void bpf_asm_find_path(
	struct bpf_asm *, const uint32_t *path, size_t count, struct bpf_label *missing);

/* The byte that A's attribute holds: is it one of those whose bit is set in set[]? */
void bpf_asm_byte_in(struct bpf_asm *, const uint32_t *set, unsigned bits, struct bpf_label *match,
	struct bpf_label *miss);

/*
 * Moves the program to the start of its memory. Returns its length in instructions, -ENOSPC if cap
 * was too small, -E2BIG if the kernel's limit of 4096 would be passed.
 */
int bpf_asm_finish(struct bpf_asm *);

#endif
