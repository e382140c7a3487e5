/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>

#include "tests/interop/differ/kernel.h"

static struct kernel {
	int fd; /* one more than it: 0 is none */
	unsigned first, requests;
	struct answers queue;
	struct message last;
} kernels[SIDES];

void kernel_take(enum side s, int fd)
{
	kernels[s].fd = fd + 1;
	kernel_forget(s);
}

void kernel_forget(enum side s)
{
	kernels[s].first = kernels[s].queue.count = 0;
}

bool kernel_has_more(enum side s)
{
	return kernels[s].first < kernels[s].queue.count;
}

void kernel_tell(enum side s, const struct answers *a)
{
	struct kernel *k = &kernels[s];

	k->requests = 0;
	memmove(k->queue.datagrams, k->queue.datagrams + k->first,
		(k->queue.count - k->first) * sizeof(struct datagram));
	k->queue.count -= k->first;
	k->first = 0;
	for (unsigned i = 0; i < a->count && k->queue.count < DATAGRAMS_MAX; i++)
		k->queue.datagrams[k->queue.count++] = a->datagrams[i];
}

unsigned kernel_requests(enum side s, struct message *last)
{
	*last = kernels[s].last;
	return kernels[s].requests;
}

static struct kernel *kernel_of(int fd)
{
	for (unsigned s = 0; s < SIDES; s++) {
		if (kernels[s].fd == fd + 1)
			return &kernels[s];
	}
	return NULL;
}

static ssize_t receive(
	struct kernel *k, struct iovec *iov, size_t iovs, struct sockaddr_nl *from, int *flags)
{
	struct datagram *g = &k->queue.datagrams[k->first];
	size_t at = 0, wanted = 0;

	if (k->first >= k->queue.count) {
		errno = EAGAIN;
		return -1;
	}
	k->first++;
	if (g->err) {
		errno = g->err;
		return -1;
	}
	for (size_t i = 0; i < iovs; i++) {
		size_t part = g->len - at < iov[i].iov_len ? g->len - at : iov[i].iov_len;

		memcpy(iov[i].iov_base, g->bytes + at, part);
		at += part;
		wanted += iov[i].iov_len;
	}
	if (from)
		*from = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = g->pid};
	*flags = g->len > wanted ? MSG_TRUNC : 0;
	return (ssize_t)at;
}

/* What waits for a request answers it: it gets its number. */
static void number_answers(struct kernel *k)
{
	for (unsigned i = k->first; i < k->queue.count; i++) {
		struct datagram *g = &k->queue.datagrams[i];

		for (size_t at = 0; at + NLMSG_HDRLEN <= g->len;) {
			struct nlmsghdr *nlh = (struct nlmsghdr *)(g->bytes + at);

			if (nlh->nlmsg_seq == KERNEL_SEQ_OF_REQUEST)
				nlh->nlmsg_seq = message_header(&k->last)->nlmsg_seq;
			if (nlh->nlmsg_len < NLMSG_HDRLEN)
				break;
			at += NLMSG_ALIGN(nlh->nlmsg_len);
		}
	}
}

static ssize_t take_request(struct kernel *k, const struct iovec *iov, size_t iovs)
{
	size_t len = 0;

	k->requests++;
	memset(&k->last, 0, sizeof(k->last));
	for (size_t i = 0; i < iovs && len + iov[i].iov_len <= sizeof(k->last.bytes); i++) {
		memcpy(k->last.bytes + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	number_answers(k);
	return (ssize_t)len;
}

/* What the libraries call instead of the C library's; other sockets are passed on to that. */

ssize_t sendto(
	int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
	__typeof__(sendto) *real = (__typeof__(sendto) *)dlsym(RTLD_NEXT, "sendto");
	struct kernel *k = kernel_of(fd);
	union {
		const void *given;
		void *base;
	} data = {buf};

	return k ? take_request(k, &(struct iovec){data.base, len}, 1)
		 : real(fd, buf, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	__typeof__(sendmsg) *real = (__typeof__(sendmsg) *)dlsym(RTLD_NEXT, "sendmsg");
	struct kernel *k = kernel_of(fd);

	return k ? take_request(k, m->msg_iov, m->msg_iovlen) : real(fd, m, flags);
}

ssize_t recvfrom(int fd, void *restrict buf, size_t len, int flags, struct sockaddr *restrict from,
	socklen_t *restrict from_len)
{
	__typeof__(recvfrom) *real = (__typeof__(recvfrom) *)dlsym(RTLD_NEXT, "recvfrom");
	struct kernel *k = kernel_of(fd);

	if (!k)
		return real(fd, buf, len, flags, from, from_len);
	if (from_len)
		*from_len = sizeof(struct sockaddr_nl);
	return receive(k, &(struct iovec){buf, len}, 1, (struct sockaddr_nl *)from, &flags);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	__typeof__(recvmsg) *real = (__typeof__(recvmsg) *)dlsym(RTLD_NEXT, "recvmsg");
	struct kernel *k = kernel_of(fd);

	if (!k)
		return real(fd, m, flags);
	m->msg_namelen = sizeof(struct sockaddr_nl);
	return receive(k, m->msg_iov, m->msg_iovlen, m->msg_name, &m->msg_flags);
}
