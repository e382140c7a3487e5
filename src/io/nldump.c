/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "io/nldump.h"

static int open_socket(struct nldump *d)
{
	static const struct nlsock_room room = {
		NLDUMP_DATAGRAMS, NLSOCK_DUMP_BYTES, NLSOCK_DUMP_BYTES};

	return nlsock_open(&d->sock, NETLINK_NETFILTER, &room);
}

int nldump_init(struct nldump *d)
{
	*d = (struct nldump){.sock = {.fd = -1}};
	return open_socket(d);
}

void nldump_fini(struct nldump *d)
{
	nlsock_close(&d->sock);
	d->running = false;
}

int nldump_start(struct nldump *d, void *request, size_t len)
{
	struct nlmsghdr *nlh = request;
	int err;

	if (d->running)
		return -EBUSY;
	if (len < NLMSG_HDRLEN || nlh->nlmsg_len != len)
		return -EINVAL;
	if (d->sock.fd < 0) { /* a cancelled dump could not open a fresh one */
		err = open_socket(d);
		if (err)
			return err;
	}
	nlh->nlmsg_seq = ++d->seq;
	err = nlsock_send(&d->sock, request, len);
	if (err)
		return err;
	d->running = true;
	d->interrupted = false;
	d->ended = false;
	d->err = 0;
	d->messages = 0;
	return 0;
}

/* NLMSG_DONE and NLMSG_ERROR both begin with an int32_t: 0 or a negative errno. */
static int read_code(const struct nlmsghdr *nlh, size_t len)
{
	int32_t code;

	if (len < NLMSG_HDRLEN + sizeof(code))
		return 0;
	memcpy(&code, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(code));
	return code < 0 && code >= -4095 ? -code : 0;
}

static void on_message(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct nldump *d = ctx;

	if (nlh->nlmsg_seq != d->seq || d->ended) {
		d->strays++;
		return;
	}
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
		d->ended = true;
		d->err = read_code(nlh, len);
		break;
	case NLMSG_ERROR:
		d->ended = true;
		d->err = read_code(nlh, len);
		if (d->err == 0)
			d->err = EPROTO; /* an acknowledgement is no end of a dump */
		break;
	case NLMSG_NOOP:
		break;
	case NLMSG_OVERRUN:
		d->ended = true;
		d->err = ENOBUFS;
		break;
	default:
		d->messages++;
		d->fn(d->ctx, nlh, len);
		break;
	}
}

int nldump_cancel(struct nldump *d)
{
	if (!d->running)
		return 0;
	/* The kernel goes on with a dump for as long as its socket lives. */
	d->running = false;
	nlsock_close(&d->sock);
	return open_socket(d);
}

static enum nldump_result fail(struct nldump *d, int err)
{
	(void)nldump_cancel(d); /* if it cannot open a socket, nldump_start() tries again */
	d->err = err;
	return NLDUMP_FAILED;
}

enum nldump_result nldump_step(
	struct nldump *d, unsigned datagrams_max, nlsock_message_fn *fn, void *ctx)
{
	const uint64_t truncated = d->sock.truncated;
	struct nlsock_reading reading;
	int err;

	if (!d->running)
		return NLDUMP_IDLE;
	d->fn = fn;
	d->ctx = ctx;
	err = nlsock_read(&d->sock, datagrams_max, on_message, d, &reading);
	if (err)
		return fail(d, -err);
	if (reading.overrun)
		return fail(d, ENOBUFS);
	if (d->sock.truncated != truncated)
		return fail(d, EMSGSIZE);
	if (d->ended && d->err)
		return fail(d, d->err);
	if (d->ended) {
		d->running = false;
		nlsock_forget(&d->sock);
		return d->interrupted ? NLDUMP_INTERRUPTED : NLDUMP_DONE;
	}
	/* A part follows the one before inside recvmsg(): none means that the kernel gave up. */
	if (reading.end == NLSOCK_EMPTY)
		return fail(d, EIO);
	return NLDUMP_RUNNING;
}
