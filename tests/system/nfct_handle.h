/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_NFCT_HANDLE_H
#define CTSYNC_TESTS_NFCT_HANDLE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* What the cases of nfct_handle have in common: they run in a network namespace of their own. */

struct nfct_case {
	const char *name;
	void (*run)(void);
};

extern const struct nfct_case query_cases[], receive_cases[], expect_cases[]; /* NULL ends each */

/* Ends the program, as failed, with a line that says what was expected, and errno. */
_Noreturn void failed(const char *file, int line, const char *what);

#define EXPECT(cond) ((cond) ? (void)0 : failed(__FILE__, __LINE__, #cond))

/* Expects -1 with this errno. */
#define EXPECT_ERROR(call, err)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		EXPECT((call) == -1);                                                              \
		EXPECT(errno == (err));                                                            \
	} while (0)

struct nfct_handle *opened(uint8_t subsys, unsigned groups);
void set_nonblocking(struct nfct_handle *);

/* UDP 10.0.0.1:1000 -> 10.0.0.2:number, or the same over IPv6, to be freed; fit for creation. */
struct nf_conntrack *udp(unsigned number);
struct nf_conntrack *udp6(unsigned number);
unsigned number_of(const struct nf_conntrack *);

void create(struct nfct_handle *, struct nf_conntrack *); /* frees the object */
void create_many(unsigned first, unsigned count); /* udp(), over a handle of its own */

/* 0 or an errno; of the entry with that number. */
int get(struct nfct_handle *, unsigned number);
int destroy(struct nfct_handle *, unsigned number);

/* A callback that counts; what it returns follows from the struct. */
struct heard {
	unsigned count, by_type[5]; /* NFCT_T_NEW, _UPDATE, _DESTROY */
	unsigned last; /* number_of() the last one */
	unsigned verdict_at; /* the call, from 1 on, that returns verdict; 0: none */
	int verdict;
};

int hear(enum nf_conntrack_msg_type, struct nf_conntrack *, void *heard);
void listen_to(struct nfct_handle *, struct heard *);

#endif
