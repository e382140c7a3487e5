/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nfct/export.h"
#include "nfct/handle.h"

/*
 * One loop serves queries and catches. It has a buffer of its own, since a callback may ask a query
 * on the same handle; what is left in it when a callback stops the loop is kept for the next one.
 */
static struct receive_buf *buf_new(size_t cap)
{
	struct receive_buf *b = (struct receive_buf *)malloc(sizeof(*b) + cap);

	if (b)
		*b = (struct receive_buf){.cap = cap};
	return b;
}

/* The oldest one that is unread or, with is_inner or without such a one, one to receive into. */
static struct receive_buf *buf_take(struct nfct_handle *h, bool is_inner)
{
	struct receive_buf **from = h->unread && !is_inner ? &h->unread : &h->spare;
	struct receive_buf *b = *from;

	if (!b)
		return buf_new(HANDLE_RECEIVE_BYTES);
	*from = b->next;
	return b;
}

static void unread_append(struct nfct_handle *h, struct receive_buf *b)
{
	struct receive_buf **end = &h->unread;

	while (*end)
		end = &(*end)->next;
	b->next = NULL;
	*end = b;
}

static void buf_give(struct nfct_handle *h, struct receive_buf *b, bool is_inner)
{
	if (b->at < b->len && is_inner) {
		unread_append(h, b);
	} else if (b->at < b->len) {
		b->next = h->unread;
		h->unread = b;
	} else if (b->cap == HANDLE_RECEIVE_BYTES && !h->spare) {
		b->next = NULL;
		h->spare = b;
	} else {
		free(b);
	}
}

void handle_receive_fini(struct nfct_handle *h)
{
	struct receive_buf *b;

	while ((b = h->unread)) {
		h->unread = b->next;
		free(b);
	}
	free(h->spare);
	h->spare = NULL;
}

static int buf_fill(struct nfct_handle *h, struct receive_buf *b)
{
	struct sockaddr_nl from;
	struct iovec iov = {b->bytes, b->cap};
	ssize_t n;

	for (;;) {
		struct msghdr m = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};

		n = recvmsg(nfnl_fd(h->nfnlh), &m, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (m.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue; /* another process sent it, not the kernel */
		if (m.msg_flags & MSG_TRUNC) {
			errno = ENOSPC;
			return -1;
		}
		b->at = 0;
		b->len = (size_t)n;
		return 0;
	}
}

/* The next message of the buffer; NULL: it is used up. */
static const struct nlmsghdr *buf_next(struct receive_buf *b)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)(b->bytes + b->at);
	size_t left = b->len - b->at;

	if (left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > left) {
		b->at = b->len;
		return NULL;
	}
	b->at += NLMSG_ALIGN(nlh->nlmsg_len) < left ? NLMSG_ALIGN(nlh->nlmsg_len) : left;
	return nlh;
}

/* Leaves all from nlh on for the loop around this one. */
static bool buf_put_off(struct nfct_handle *h, struct receive_buf *b, const struct nlmsghdr *nlh)
{
	size_t at = (size_t)((const uint8_t *)nlh - b->bytes);
	struct receive_buf *rest = buf_new(b->len - at);

	if (!rest)
		return false;
	rest->len = b->len - at;
	memcpy(rest->bytes, nlh, rest->len);
	unread_append(h, rest);
	b->at = b->len;
	return true;
}

static bool is_querys(uint32_t seq)
{
	return (seq & HANDLE_SEQ_QUERY) == HANDLE_SEQ_QUERY;
}

static struct exchange *exchange_of(const struct nfct_handle *h, uint32_t seq)
{
	struct exchange *x = h->exchange;

	while (x && x->seq != seq)
		x = x->outer;
	return x;
}

static void kept_put(struct nfct_handle *h, int err)
{
	if (h->kept_count == HANDLE_KEPT_MAX) { /* nobody catches: forget the oldest */
		h->kept_first = (h->kept_first + 1) % HANDLE_KEPT_MAX;
		h->kept_count--;
	}
	h->kept[(h->kept_first + h->kept_count++) % HANDLE_KEPT_MAX] = err;
}

static int kept_take(struct nfct_handle *h)
{
	int err = h->kept[h->kept_first];

	h->kept_first = (h->kept_first + 1) % HANDLE_KEPT_MAX;
	h->kept_count--;
	return err;
}

/* errno is 0 after a success: programs look at it. */
static int verdict_of(int err)
{
	errno = err;
	return err ? -1 : 0;
}

static void end_of_query(struct exchange *x, int err)
{
	/*
	 * A socket has one dump at a time, and the one that runs is what a stopped callback left.
	 * (An inner query may not wait: it might be in a callback of the very dump.)
	 */
	if (err == EBUSY && x->is_dump && !x->is_inner) {
		x->is_refused = true;
		return;
	}
	x->err = err;
	x->is_ended = true;
}

/* An acknowledgement, an error or the end of a dump. x: the query to be answered, NULL: a catch. */
static int on_end(struct nfct_handle *h, struct exchange *x, const struct nlmsghdr *nlh)
{
	bool is_done = nlh->nlmsg_type == NLMSG_DONE;
	struct exchange *of;
	int code, err = EBADMSG;

	if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(code))) {
		memcpy(&code, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(code));
		if (code <= 0)
			err = -code;
	}
	of = is_querys(nlh->nlmsg_seq) ? exchange_of(h, nlh->nlmsg_seq) : NULL;
	if (of) {
		end_of_query(of, err);
		return NFCT_CB_CONTINUE;
	}
	if (is_done && x && x->is_refused)
		x->is_ended = x->is_again = true;
	if (is_querys(nlh->nlmsg_seq))
		return NFCT_CB_CONTINUE;
	if (is_done && h->is_sent_stopped) {
		h->is_sent_stopped = false;
		if (x)
			return NFCT_CB_CONTINUE;
	}
	if (!x)
		return verdict_of(err);
	kept_put(h, err);
	return NFCT_CB_CONTINUE;
}

static int on_entry(struct nfct_handle *h, const struct exchange *x, const struct nlmsghdr *nlh)
{
	bool is_of_query = is_querys(nlh->nlmsg_seq);
	bool is_of_sent_dump = !is_of_query && nlh->nlmsg_flags & NLM_F_MULTI;
	unsigned subsys = NFNL_SUBSYS_ID(nlh->nlmsg_type);
	int verdict;

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg))) {
		errno = ENOSPC;
		return -1;
	}
	if (is_of_query && !exchange_of(h, nlh->nlmsg_seq))
		return NFCT_CB_CONTINUE;
	if (is_of_sent_dump && h->is_sent_stopped && x)
		return NFCT_CB_CONTINUE;
	if ((subsys == NFNL_SUBSYS_CTNETLINK && h->ct_subsys) ||
		(subsys == NFNL_SUBSYS_CTNETLINK_EXP && h->exp_subsys)) {
		verdict = handle_deliver(h, nlh);
		if (verdict <= 0 && is_of_sent_dump)
			h->is_sent_stopped = true;
		return verdict;
	}
	if (is_of_query)
		return NFCT_CB_CONTINUE;
	/* Of whoever else uses the handle of libnfnetlink; its verdict is no query's answer. */
	verdict = nfnl_process(h->nfnlh, (const unsigned char *)nlh, nlh->nlmsg_len);
	return x ? NFCT_CB_CONTINUE : verdict;
}

static int on_message(struct nfct_handle *h, struct exchange *x, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
		return on_end(h, x, nlh);
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return NFCT_CB_CONTINUE;
	return on_entry(h, x, nlh);
}

/* Is it for the loop around the inner query x? */
static bool is_of_outer(
	const struct nfct_handle *h, const struct exchange *x, const struct nlmsghdr *nlh)
{
	if (!is_querys(nlh->nlmsg_seq))
		return true;
	return nlh->nlmsg_seq != x->seq && exchange_of(h, nlh->nlmsg_seq);
}

/* Until the query x is answered or, if it is NULL, until a verdict. */
static int receive_until(struct nfct_handle *h, struct exchange *x)
{
	bool is_inner = x && x->is_inner;
	struct receive_buf *b = buf_take(h, is_inner);
	const struct nlmsghdr *nlh;
	int verdict = NFCT_CB_CONTINUE;

	while (verdict > 0) {
		if (!b)
			return -1;
		nlh = buf_next(b);
		if (nlh && is_inner && is_of_outer(h, x, nlh)) {
			if (!buf_put_off(h, b, nlh))
				verdict = -1;
		} else if (nlh) {
			verdict = on_message(h, x, nlh);
		} else if (x && x->is_ended) {
			verdict = verdict_of(x->err);
		} else if ((h->unread && !is_inner) || b->cap < HANDLE_RECEIVE_BYTES) {
			buf_give(h, b, is_inner);
			b = buf_take(h, is_inner);
		} else if (buf_fill(h, b) < 0) {
			verdict = -1;
		}
	}
	buf_give(h, b, is_inner);
	return verdict;
}

static int receive(struct nfct_handle *h, struct exchange *x)
{
	int ret;

	h->depth++;
	ret = receive_until(h, x);
	h->depth--;
	return ret;
}

static int send_request(struct nfct_handle *h, struct nlmsghdr *request)
{
	int sent;

	do
		sent = nfnl_send(h->nfnlh, request);
	while (sent < 0 && errno == EINTR);
	return sent;
}

static bool is_dump(const struct nlmsghdr *request)
{
	return (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

int handle_query(struct nfct_handle *h, struct nlmsghdr *request)
{
	struct exchange x = {
		.outer = h->exchange,
		.is_inner = h->depth > 0,
		.is_dump = is_dump(request),
	};
	int ret;

	h->exchange = &x;
	do {
		x.is_ended = x.is_refused = x.is_again = false;
		x.seq = ++h->seq | HANDLE_SEQ_QUERY;
		request->nlmsg_seq = x.seq;
		ret = send_request(h, request);
		if (ret >= 0)
			ret = receive(h, &x);
	} while (ret == 0 && x.is_again);
	h->exchange = x.outer;
	return ret;
}

int handle_send(struct nfct_handle *h, struct nlmsghdr *request)
{
	request->nlmsg_seq = 0;
	if (is_dump(request))
		h->is_sent_stopped = false;
	return send_request(h, request);
}

static int catch_next(struct nfct_handle *h)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	return h->kept_count > 0 ? verdict_of(kept_take(h)) : receive(h, NULL);
}

/**
 * Receives, and calls the callbacks, until something ends it.
 *
 * That is a callback's verdict, an error, or the answer to what nfct_send() has sent. On a blocking
 * socket it may wait for ever; on a non-blocking one it handles all that is queued and then returns
 * -1 with EAGAIN. After NFCT_CB_STOP or NFCT_CB_FAILURE the next call goes on behind the message
 * that the callback was given.
 *
 * @param h handle
 * @return 0: a callback stopped, or a request has succeeded (errno is 0 then); -1: see errors
 * @errors EINVAL: h is NULL; EAGAIN: all is read; ENOBUFS: the kernel has dropped messages since
 * the socket's buffer was full, what follows can be caught as before; ENOSPC: a message larger than
 * the kernel sends; ENOMEM; what the callback left when it returned NFCT_CB_FAILURE; what the
 * kernel answered to a request: ENOENT, EEXIST, EPERM, ...
 * @source netlink(7)
 */
NFCT_EXPORT int nfct_catch(struct nfct_handle *h)
{
	return catch_next(h);
}

/**
 * The same as nfct_catch(): connections and expectations that come are both handled.
 *
 * @param h handle
 * @return 0: a callback stopped, or a request has succeeded (errno is 0 then); -1: see errors
 * @errors as of nfct_catch()
 * @source netlink(7)
 */
NFCT_EXPORT int nfexp_catch(struct nfct_handle *h)
{
	return catch_next(h);
}
