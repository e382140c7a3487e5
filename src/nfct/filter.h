/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_FILTER_H
#define CTSYNC_NFCT_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

enum {
	FILTER_PROTOCOLS = 256,
	FILTER_STATES = 16, /* of each protocol that has them */
	FILTER_WORDS_MAX = 127, /* IPv4 addresses of a side, marks, zones */
	FILTER_IPV6_MAX = 20, /* of a side */
};

enum filter_side { FILTER_SRC, FILTER_DST, FILTER_SIDES };

enum filter_stateful { FILTER_TCP, FILTER_DCCP, FILTER_SCTP, FILTER_STATEFUL };

/* A word of which the bits in mask have to be those of value, which has no others. */
struct filter_word {
	uint32_t mask, value;
};

/* Sorted by mask, for the program to apply each once; no two are the same. */
struct filter_words {
	struct filter_word list[FILTER_WORDS_MAX];
	unsigned count;
};

struct filter_ipv6 {
	struct filter_word words[4];
};

/* No two are the same. */
struct filter_ipv6s {
	struct filter_ipv6 list[FILTER_IPV6_MAX];
	unsigned count;
};

/*
 * Each attribute is a clause; one without elements is none. An event passes that all clauses let
 * pass: one that does not have what the clause is about; else by default (positive) one that an
 * element matches, or (negative) one that none does. Numbers are in host order.
 */
struct nfct_filter {
	bool is_negative[NFCT_FILTER_MAX];
	uint32_t protocols[FILTER_PROTOCOLS / 32]; /* bit n of word n/32: protocol n */
	uint32_t states[FILTER_STATEFUL]; /* bit n: state n; each a clause of its own */
	struct filter_words ipv4[FILTER_SIDES];
	struct filter_ipv6s ipv6[FILTER_SIDES];
	struct filter_words marks, zones; /* an event without one has 0 */
};

/*
 * Writes the filter as a program for an event socket; returns its number of instructions, or
 * -ENOSPC if cap is too small. BPF_MAXINSNS are enough for every filter.
 */
int filter_bpf_build(struct sock_filter *prog, size_t cap, const struct nfct_filter *);

#endif
