/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "io/memory.h"
#include "io/nlsock.h"

enum { LOSSES_MAX = 4 }; /* reports of lost messages in one reading */

/*
 * One mapping: this, then what datagrams usually need of room, side by side, so that few pages and
 * few lines of the caches serve them; then the rest of each one's room, and room for one of which
 * both parts were needed, to be put together. Only what is ever used becomes memory.
 */
struct nlsock_area {
	size_t bytes; /* of the mapping */
	unsigned datagrams;
	size_t usual_bytes;
	struct mmsghdr headers[NLSOCK_DATAGRAMS];
	struct iovec iov[NLSOCK_DATAGRAMS][2];
	uint8_t *whole;
	uint8_t buffers[] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void lay_out(struct nlsock_area *a, const struct nlsock_room *room)
{
	size_t rest_bytes = room->datagram_bytes - room->usual_bytes;
	uint8_t *rest = a->buffers + room->datagrams * room->usual_bytes;

	a->datagrams = room->datagrams;
	a->usual_bytes = room->usual_bytes;
	for (unsigned i = 0; i < room->datagrams; i++) {
		struct msghdr *h = &a->headers[i].msg_hdr;

		a->iov[i][0] =
			(struct iovec){a->buffers + i * room->usual_bytes, room->usual_bytes};
		a->iov[i][1] = (struct iovec){rest + i * rest_bytes, rest_bytes};
		h->msg_iov = a->iov[i];
		h->msg_iovlen = rest_bytes ? 2 : 1;
	}
	a->whole = rest + room->datagrams * rest_bytes;
}

static int make_area(struct nlsock *s, const struct nlsock_room *room)
{
	size_t bytes = sizeof(struct nlsock_area) + (room->datagrams + 1) * room->datagram_bytes;
	struct nlsock_area *a;
	void *start;
	int err = memory_reserve(bytes, &start);

	if (err)
		return err;
	a = start;
	a->bytes = bytes;
	lay_out(a, room);
	s->area = a;
	return 0;
}

/* Where a datagram of len bytes stands, in one piece. */
static const uint8_t *whole_datagram(struct nlsock_area *a, unsigned i, size_t len)
{
	if (len <= a->usual_bytes)
		return a->iov[i][0].iov_base;
	memcpy(a->whole, a->iov[i][0].iov_base, a->usual_bytes);
	memcpy(a->whole + a->usual_bytes, a->iov[i][1].iov_base, len - a->usual_bytes);
	return a->whole;
}

static int learn_rcvbuf(struct nlsock *s)
{
	int doubled;
	socklen_t len = sizeof(doubled);

	if (getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &doubled, &len) < 0)
		return -errno;
	s->rcvbuf_bytes = (size_t)doubled / 2;
	return 0;
}

/*
 * Any process may send to any port id. What is connected takes from its peer alone, and port id 0
 * is the kernel's: it refuses all others, so that nobody has to ask of each datagram whose it is,
 * which costs a twentieth of its price. Groups are joined later, so that what is queued now came in
 * between. (Whoever may change the kernel's tables may send to its groups as well.)
 */
static int hear_kernel_alone(struct nlsock *s)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t got;

	if (connect(s->fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	do {
		got = recv(s->fd, NULL, 0, MSG_TRUNC | MSG_DONTWAIT);
	} while (got >= 0 || errno == EINTR || errno == ENOBUFS);
	return errno == EAGAIN ? 0 : -errno;
}

/* The kernel chooses the port id: it is unique even if another socket of ours has our pid. */
static int bind_and_learn(struct nlsock *s)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(addr);
	int err;

	if (bind(s->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	err = hear_kernel_alone(s);
	if (err)
		return err;
	if (getsockname(s->fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	s->port = addr.nl_pid;
	return learn_rcvbuf(s);
}

int nlsock_open(struct nlsock *s, int protocol, const struct nlsock_room *room)
{
	int err;

	CHECK(room->datagrams >= 1 && room->datagrams <= NLSOCK_DATAGRAMS);
	CHECK(room->datagram_bytes % NLMSG_ALIGNTO == 0 && room->usual_bytes % NLMSG_ALIGNTO == 0);
	CHECK(room->usual_bytes >= NLMSG_HDRLEN && room->datagram_bytes >= room->usual_bytes);
	*s = (struct nlsock){.fd = -1};
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (s->fd < 0)
		return -errno;
	err = bind_and_learn(s);
	if (!err)
		err = make_area(s, room);
	if (err)
		nlsock_close(s);
	return err;
}

void nlsock_close(struct nlsock *s)
{
	/* A zeroed struct has no area, and its fd 0 is not ours. */
	if (s->fd > 0 || s->area)
		close(s->fd);
	s->fd = -1;
	if (s->area)
		memory_release(s->area, s->area->bytes);
	s->area = NULL;
}

void nlsock_forget(struct nlsock *s)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)s->area->buffers + page - 1) & ~(page - 1);
	uintptr_t to = (uintptr_t)s->area + s->area->bytes;

	if (from < to) /* only a wish */
		(void)memory_empty((void *)from, to - from);
}

static int set_membership(struct nlsock *s, int option, unsigned group)
{
	if (setsockopt(s->fd, SOL_NETLINK, option, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

int nlsock_join(struct nlsock *s, unsigned group)
{
	return set_membership(s, NETLINK_ADD_MEMBERSHIP, group);
}

int nlsock_leave(struct nlsock *s, unsigned group)
{
	return set_membership(s, NETLINK_DROP_MEMBERSHIP, group);
}

/* The FORCE variant passes the sysctl's limit but needs CAP_NET_ADMIN. */
static int set_buffer(int fd, int force, int plain, size_t bytes)
{
	int value = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	return setsockopt(fd, SOL_SOCKET, plain, &value, sizeof(value)) < 0 ? -errno : 0;
}

int nlsock_set_rcvbuf(struct nlsock *s, size_t bytes)
{
	int err = set_buffer(s->fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);

	return err ? err : learn_rcvbuf(s);
}

int nlsock_set_sndbuf(struct nlsock *s, size_t bytes)
{
	return set_buffer(s->fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

int nlsock_grow_rcvbuf(struct nlsock *s, size_t bytes_max)
{
	if (s->rcvbuf_bytes > bytes_max / 2)
		return -ENOSPC;
	return nlsock_set_rcvbuf(s, s->rcvbuf_bytes * 2);
}

int nlsock_attach_filter(struct nlsock *s, const struct sock_filter *filter, size_t count)
{
	struct sock_fprog prog = {.len = (unsigned short)count};

	if (count == 0 || count > BPF_MAXINSNS)
		return -EINVAL;
	/* The system call only reads it; its struct lacks the const. */
	memcpy(&prog.filter, &filter, sizeof(filter));
	if (setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	return 0;
}

int nlsock_set_short_acks(struct nlsock *s)
{
	int on = 1;

	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int nlsock_set_reliable(struct nlsock *s)
{
	int on = 1;

	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &on, sizeof(on)) < 0 ||
		setsockopt(s->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

bool nlsock_each_message(
	const void *bytes, size_t len, nlsock_message_fn *fn, void *ctx, unsigned *count)
{
	const uint8_t *at = bytes;

	while (len >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const void *)at;
		size_t whole = nlh->nlmsg_len;

		if (whole < NLMSG_HDRLEN || whole > len)
			return false;
		fn(ctx, nlh, whole);
		++*count;
		whole = NLMSG_ALIGN(whole);
		if (whole >= len) /* the last one may lack its padding */
			return true;
		at += whole;
		len -= whole;
	}
	return len == 0;
}

static void take_datagram(
	struct nlsock *s, unsigned i, nlsock_message_fn *fn, void *ctx, struct nlsock_reading *r)
{
	struct nlsock_area *a = s->area;
	size_t len = a->headers[i].msg_len;
	bool whole;

	s->datagrams++;
	r->datagrams++;
	whole = nlsock_each_message(whole_datagram(a, i, len), len, fn, ctx, &r->messages);
	if (!whole || (a->headers[i].msg_hdr.msg_flags & MSG_TRUNC))
		s->truncated++;
}

/* One system call. Datagrams taken, or negative errno. */
static int read_some(struct nlsock *s, unsigned max)
{
	struct nlsock_area *a = s->area;
	int n;

	if (max > a->datagrams)
		max = a->datagrams;
	for (unsigned i = 0; i < max; i++)
		a->headers[i].msg_hdr.msg_flags = 0;
	do {
		n = recvmmsg(s->fd, a->headers, max, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int nlsock_read(struct nlsock *s, unsigned datagrams_max, nlsock_message_fn *fn, void *ctx,
	struct nlsock_reading *r)
{
	unsigned losses = 0;
	int n, err = 0;

	*r = (struct nlsock_reading){.end = NLSOCK_MORE};
	while (r->datagrams < datagrams_max && losses < LOSSES_MAX) {
		n = read_some(s, datagrams_max - r->datagrams);
		if (n == -ENOBUFS) {
			/* Reported ahead of what is queued; reading goes on. */
			losses++;
			s->overruns++;
			s->overrun = true;
			r->overrun = true;
			continue;
		}
		if (n < 0) {
			if (n == -EAGAIN)
				r->end = NLSOCK_EMPTY;
			else
				err = n;
			break;
		}
		for (unsigned i = 0; i < (unsigned)n; i++)
			take_datagram(s, i, fn, ctx, r);
	}
	s->messages += r->messages;
	if (r->end == NLSOCK_EMPTY && s->overrun) {
		s->overrun = false;
		r->overrun_over = true;
	}
	return err;
}

int nlsock_send(struct nlsock *s, const void *bytes, size_t len)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	ssize_t done;

	do {
		done = sendto(s->fd, bytes, len, 0, (const struct sockaddr *)&to, sizeof(to));
	} while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}
