/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_INTEROP_DIFFER_KERNEL_H
#define CTSYNC_TESTS_INTEROP_DIFFER_KERNEL_H

#include <sys/types.h>

#include "tests/interop/differ/pair.h"

/*
 * A kernel that says what it is told to: it stands before the system calls of the handles' sockets,
 * so that both libraries' handles are sent the same.
 */
enum {
	DATAGRAMS_MAX = 24,
	DATAGRAM_BYTES = 8192, /* what the other library has room for */
	KERNEL_SEQ_OF_REQUEST = 0x41414141, /* stands for the next request's number */
};

struct datagram {
	int err; /* receiving gives this errno instead */
	uint32_t pid; /* of the sender; the kernel's is 0 */
	size_t len;
	_Alignas(8) uint8_t bytes[DATAGRAM_BYTES];
};

/* What comes, first one first. */
struct answers {
	unsigned count;
	struct datagram datagrams[DATAGRAMS_MAX];
};

/* The socket of that side is the kernel's from now on; -1: none. */
void kernel_take(enum side, int fd);

/* Puts these behind what is there and, sent requests being forgotten, waits for the next. */
void kernel_tell(enum side, const struct answers *);
void kernel_forget(enum side); /* what was not received */
bool kernel_has_more(enum side);

/* How many requests were sent, and the last one of them. */
unsigned kernel_requests(enum side, struct message *last);

#endif
