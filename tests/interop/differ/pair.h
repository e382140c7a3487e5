/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_INTEROP_DIFFER_PAIR_H
#define CTSYNC_TESTS_INTEROP_DIFFER_PAIR_H

#include "tests/interop/differ/differ.h"

enum {
	ATTRS = ATTR_SYNPROXY_TSOFF + 1, /* that both libraries know */
	MESSAGE_BYTES = 16384,
	TEXT_BYTES = 8192,
};

enum attr_kind { KIND_NUMBER, KIND_ADDR, KIND_NAME, KIND_TEXT, KIND_BLOB, KIND_BITMASK };

/* What a value of the attribute looks like, for all ATTRS. */
struct attr_info {
	uint8_t kind; /* enum attr_kind */
	uint8_t bytes; /* of a number */
	uint8_t l4; /* the only protocol whose flows have it, or 0 */
};
extern const struct attr_info attr_infos[ATTRS];

/*
 * A connection in both libraries. Theirs forgets the length of a helper's info that is set or
 * copied, and writes as many bytes as it last parsed: an upper bound of that is known here, so that
 * it is not made to read beyond its memory.
 */
struct ct_pair {
	struct nf_conntrack *of[SIDES];
	bool in_callers_memory;
	size_t their_info;
	bool info_lost; /* theirs has an info whose length it may not know */
};

void ct_new(struct differ *, struct ct_pair *);
void ct_destroy(struct ct_pair *);

/* Compares all that the getters tell. */
void ct_observe(struct differ *, const struct ct_pair *);

/* Sets one attribute to a random value that fits a flow of the protocol. */
void ct_set_random(struct differ *, struct ct_pair *, uint8_t l4);

/* An original tuple with addresses and, where the protocol has them, ports. */
void ct_set_tuple(struct differ *, struct ct_pair *, uint8_t l3, uint8_t l4);

/* An expectation in both libraries. */
struct exp_pair {
	struct nf_expect *of[SIDES];
};

void exp_destroy(struct exp_pair *);
void exp_observe(struct differ *, const struct exp_pair *);

/* Operations on a pair, in files of their own. */
void ct_build(struct differ *, struct ct_pair *);
void ct_parse(struct differ *, struct ct_pair *, uint8_t l4);
void ct_print(struct differ *, struct ct_pair *);
void exp_print(struct differ *, struct nf_expect *const exp[SIDES]);

/* A netlink message in exactly as many bytes as it has. */
struct message {
	_Alignas(8) uint8_t bytes[MESSAGE_BYTES];
};

static inline struct nlmsghdr *message_header(struct message *m)
{
	return (struct nlmsghdr *)m->bytes;
}

enum message_kind { MESSAGE_CT, MESSAGE_EXP };

/*
 * A message as a kernel could send it: random attributes of the right sizes. rough: some are not.
 * l4 is the protocol of its tuples.
 */
void message_random(struct differ *, struct message *, enum message_kind, uint8_t l4, bool rough);

/* One of those that a kernel sent; false if there are none. */
bool message_captured(struct differ *, struct message *);

/* Changes values, or the order or the sizes of attributes. */
void message_mutate(struct differ *, struct message *, bool rough);

/* The bytes of the attribute at the end of a path of types that ends with 0, or NULL. */
uint8_t *message_find(struct message *, const uint16_t *path, size_t *len);

/*
 * Shortens the attribute at the end of a path to so many bytes, or takes it out (GONE); false if
 * there is none, or none that is longer.
 */
enum { GONE = -1 };
bool message_shorten(struct message *, const uint16_t *path, int to);

/* Zeroes the padding behind attributes; true if there was anything else. */
bool message_zero_padding(struct message *);

/* What is odd in a message, which the libraries need not take alike. */
struct oddities {
	bool malformed; /* an attribute that is cut, or a text without its end */
	bool empty_again; /* an empty attribute after one of its type */
	bool tuple_order; /* the protocol's attributes of a tuple are not in order of their types */
};
struct oddities message_oddities(struct message *, enum message_kind);

/* Whether both make the same of an expectation's message: all its tuples, no NAT, short texts. */
bool exp_is_plain(struct message *);

/* Both sides' copy of a message; free() them. Ours ends where the message ends. */
void message_copies(const struct differ *, const struct message *, struct nlmsghdr *copy[SIDES]);

#endif
