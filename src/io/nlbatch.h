/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_NLBATCH_H
#define CTSYNC_IO_NLBATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/nlsock.h"

/*
 * Requests to the kernel, many per system call. Only the last of a batch asks for an
 * acknowledgement (NLM_F_ACK); one that fails is reported by the kernel in any case, with its
 * sequence number; those of which nothing was heard when the last one is answered have succeeded.
 * The kernel does the work inside sendmsg(), so the answers are there when it returns; there is
 * at most one batch under way.
 *
 * Use: while there are operations, nlbatch_room(), build a message there, nlbatch_add(); when
 * nlbatch_is_full() or none is left, nlbatch_flush(). Every operation added gets one result.
 */
enum {
	NLBATCH_MESSAGES_MAX = 64,
	NLBATCH_MESSAGES = 32, /* a good value: above 16 the gain is small */
	NLBATCH_MESSAGE_BYTES = 2048, /* room there is for each message */
};

/* err: 0 or a positive errno. No nlbatch function may be called from it. */
typedef void nlbatch_result_fn(void *ctx, uint64_t op_id, int err);

struct nlbatch {
	struct nlsock sock;
	unsigned messages_max;
	uint8_t *buf;
	size_t buf_bytes, used;
	unsigned count; /* messages in buf */
	unsigned last_at; /* offset of the last one */
	bool sent; /* and answers are awaited */
	bool lost; /* answers were dropped by the kernel */
	int refused; /* errno of a batch that the kernel did not look at, 0: none */
	uint32_t first_seq, next_seq;
	uint64_t answered; /* a bit per message */
	uint64_t op_ids[NLBATCH_MESSAGES_MAX];
	uint64_t batches, acked, failed, unanswered, strays;
};

/* messages_max: 1 to NLBATCH_MESSAGES_MAX per send. 0 or negative errno; opens a socket. */
int nlbatch_init(struct nlbatch *, unsigned messages_max);
void nlbatch_fini(struct nlbatch *);

/* Where to build the next message, and how large it may be; NULL if the batch is full. */
void *nlbatch_room(struct nlbatch *, size_t *cap);

/*
 * The message built in nlbatch_room(), len bytes (aligned or not), belongs to op_id. Its nlmsg_seq
 * and NLM_F_ACK are set here. 0, or -EINVAL if len does not fit nlmsg_len or the room.
 */
int nlbatch_add(struct nlbatch *, size_t len, uint64_t op_id);

bool nlbatch_is_full(const struct nlbatch *);
static inline bool nlbatch_is_empty(const struct nlbatch *b)
{
	return b->count == 0;
}

/*
 * Sends the batch and gives the result of each of its operations, in no particular order. If the
 * answers were lost (ENOBUFS) those without one get ENOBUFS, if the kernel gave none EIO, if
 * sendmsg() failed its errno. Returns the number of results, or the negative errno of a failing
 * sendmsg() or recvmmsg() (the results have been given all the same).
 */
int nlbatch_flush(struct nlbatch *, nlbatch_result_fn *, void *ctx);

/* The two halves of nlbatch_flush(), for tests with a kernel of their own. */
int nlbatch_send(struct nlbatch *);
int nlbatch_receive(struct nlbatch *, nlbatch_result_fn *, void *ctx);

#endif
