/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/nlbatch.h"

enum {
	/*
	 * An answer with its request quoted, as the kernel accounts for it: more than the largest
	 * message and the kernel's own bookkeeping. A whole batch of failures has to fit.
	 */
	ANSWER_TRUESIZE = 8192,
};

/* What nlbatch_receive() carries through the answers. */
struct answers {
	struct nlbatch *batch;
	nlbatch_result_fn *fn;
	void *ctx;
	int results;
	bool closed; /* the last message of the batch is answered */
};

int nlbatch_init(struct nlbatch *b, unsigned messages_max)
{
	static const struct nlsock_room room = {
		NLBATCH_MESSAGES_MAX, NLSOCK_EVENT_USUAL_BYTES, NLSOCK_EVENT_BYTES};
	int err;

	*b = (struct nlbatch){.messages_max = messages_max, .sock = {.fd = -1}};
	if (messages_max < 1 || messages_max > NLBATCH_MESSAGES_MAX)
		return -EINVAL;
	b->buf_bytes = (size_t)messages_max * NLBATCH_MESSAGE_BYTES;
	b->buf = malloc(b->buf_bytes);
	if (!b->buf)
		return -ENOMEM;
	err = nlsock_open(&b->sock, NETLINK_NETFILTER, &room);
	if (!err)
		err = nlsock_set_rcvbuf(&b->sock, (size_t)NLBATCH_MESSAGES_MAX * ANSWER_TRUESIZE);
	if (!err)
		err = nlsock_set_sndbuf(&b->sock, b->buf_bytes * 2);
	if (err) {
		nlbatch_fini(b);
		return err;
	}
	/* Saves copying; older kernels lack it, and it does not matter. */
	(void)nlsock_set_short_acks(&b->sock);
	b->next_seq = 1;
	return 0;
}

void nlbatch_fini(struct nlbatch *b)
{
	nlsock_close(&b->sock);
	free(b->buf);
	b->buf = NULL;
	b->count = 0;
}

bool nlbatch_is_full(const struct nlbatch *b)
{
	return b->sent || b->count == b->messages_max ||
	       b->buf_bytes - b->used < NLBATCH_MESSAGE_BYTES;
}

void *nlbatch_room(struct nlbatch *b, size_t *cap)
{
	if (nlbatch_is_full(b))
		return NULL;
	*cap = b->buf_bytes - b->used;
	return b->buf + b->used;
}

int nlbatch_add(struct nlbatch *b, size_t len, uint64_t op_id)
{
	struct nlmsghdr *nlh = (void *)(b->buf + b->used);

	CHECK(!nlbatch_is_full(b));
	if (len < NLMSG_HDRLEN || NLMSG_ALIGN(len) > b->buf_bytes - b->used ||
		nlh->nlmsg_len < NLMSG_HDRLEN || NLMSG_ALIGN(nlh->nlmsg_len) != NLMSG_ALIGN(len))
		return -EINVAL;
	if (b->count == 0)
		b->first_seq = b->next_seq;
	nlh->nlmsg_seq = b->next_seq++;
	nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	b->last_at = (unsigned)b->used;
	b->used += NLMSG_ALIGN(len);
	b->op_ids[b->count++] = op_id;
	return 0;
}

static void give_result(struct answers *a, unsigned i, int err)
{
	struct nlbatch *b = a->batch;

	if (b->answered & UINT64_C(1) << i)
		return;
	b->answered |= UINT64_C(1) << i;
	if (err)
		b->failed++;
	else
		b->acked++;
	a->results++;
	a->fn(a->ctx, b->op_ids[i], err);
}

static void give_rest(struct answers *a, int err)
{
	struct nlbatch *b = a->batch;

	for (unsigned i = 0; i < b->count; i++)
		give_result(a, i, err);
	b->count = 0;
	b->used = 0;
	b->answered = 0;
	b->refused = 0;
	b->sent = false;
	b->lost = false;
}

static void on_answer(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct answers *a = ctx;
	struct nlbatch *b = a->batch;
	uint32_t i = nlh->nlmsg_seq - b->first_seq;
	int32_t code;

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return; /* an answer with data; its request's acknowledgement counts */
	if (len < NLMSG_HDRLEN + sizeof(code) || i >= b->count) {
		b->strays++;
		return;
	}
	memcpy(&code, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(code));
	if (code > 0 || code < -4095) {
		b->strays++;
		return;
	}
	/* Without the capability nfnetlink answers the first message and reads no other. */
	if (code == -EPERM && i == 0)
		b->refused = EPERM;
	if (i == b->count - 1)
		a->closed = true;
	give_result(a, i, -code);
}

int nlbatch_send(struct nlbatch *b)
{
	struct nlmsghdr *last = (void *)(b->buf + b->last_at);
	int err;

	CHECK(!b->sent);
	if (b->count == 0)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	err = nlsock_send(&b->sock, b->buf, b->used);
	if (err)
		return err;
	b->sent = true;
	b->batches++;
	return 0;
}

int nlbatch_receive(struct nlbatch *b, nlbatch_result_fn *fn, void *ctx)
{
	struct answers a = {.batch = b, .fn = fn, .ctx = ctx};
	struct nlsock_reading reading;
	int err;

	if (!b->sent)
		return 0;
	do {
		err = nlsock_read(&b->sock, NLBATCH_MESSAGES_MAX, on_answer, &a, &reading);
		b->lost |= reading.overrun;
	} while (!err && !a.closed && reading.end == NLSOCK_MORE);
	/*
	 * After a loss silence proves nothing. A batch that was not closed although the socket is
	 * empty never will be: the kernel answers inside sendmsg().
	 */
	if (err) {
		b->unanswered += b->count;
		give_rest(&a, -err);
		return err;
	}
	if (b->lost)
		give_rest(&a, ENOBUFS);
	else if (a.closed)
		give_rest(&a, 0);
	else {
		b->unanswered += b->count;
		give_rest(&a, b->refused ? b->refused : EIO);
	}
	return a.results;
}

int nlbatch_flush(struct nlbatch *b, nlbatch_result_fn *fn, void *ctx)
{
	int err = nlbatch_send(b);

	if (err) {
		struct answers a = {.batch = b, .fn = fn, .ctx = ctx};

		give_rest(&a, -err);
		return err;
	}
	return nlbatch_receive(b, fn, ctx);
}
