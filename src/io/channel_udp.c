/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/channel_impl.h"
#include "io/memory.h"

enum {
	CONTROL_BYTES = 128, /* ancillary data: one pktinfo */
	/*
	 * What one of Ethernet's usual MTU needs; an odd number of cache lines, so that buffers do
	 * not share sets of the caches.
	 */
	USUAL_BYTES = 25 * 64,
	REST_BYTES = CHANNEL_DATAGRAM_BYTES - USUAL_BYTES,
};

/*
 * What recvmmsg() needs. Only what is ever used becomes memory: datagrams of the usual length lie
 * side by side; a longer one goes on in its rest, and is put together in whole.
 */
struct channel_area {
	struct mmsghdr headers[CHANNEL_DATAGRAMS];
	struct iovec iov[CHANNEL_DATAGRAMS][2];
	union sockaddr_ip from[CHANNEL_DATAGRAMS];
	uint8_t control[CHANNEL_DATAGRAMS][CONTROL_BYTES] __attribute__((aligned(16)));
	uint8_t usual[CHANNEL_DATAGRAMS][USUAL_BYTES];
	uint8_t rest[CHANNEL_DATAGRAMS][REST_BYTES];
	uint8_t whole[CHANNEL_DATAGRAM_BYTES];
};

/* Multicast leaves through the configured interface, whatever the routes say. */
static int aim(struct channel *ch, int fd)
{
	if (ch->config.kind != CHANNEL_MULTICAST)
		return 0;
	if (ch->config.family == AF_INET6)
		return channel_set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)ch->ifindex);
	struct ip_mreqn mreq = {.imr_ifindex = (int)ch->ifindex};

	/* The source address, and by the index the interface, even if it has that address not. */
	if (!channel_addr_is_zero(&ch->config.local))
		mreq.imr_address = channel_v4_of(&ch->config.local);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)) < 0)
		return -errno;
	return 0;
}

/* The source address that the kernel chooses for us, learnt from a socket that sends nothing. */
static void learn_source(struct channel *ch)
{
	union sockaddr_ip addr;
	socklen_t len;
	int fd = socket(ch->config.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&ch->source, 0, sizeof(ch->source));
	if (fd < 0)
		return;
	len = channel_sockaddr(ch, &ch->config.group, ch->config.port, &addr);
	if (aim(ch, fd) == 0 && connect(fd, &addr.any, len) == 0) {
		len = sizeof(addr);
		if (getsockname(fd, &addr.any, &len) == 0)
			ch->source = addr.any.sa_family == AF_INET
					     ? channel_addr_of_v4(addr.v4.sin_addr)
					     : channel_addr_of_v6(&addr.v6.sin6_addr);
	}
	close(fd);
}

/*
 * One packet that the kernel, or the device, cuts. A kernel that does not know the option would
 * send it whole; without checksums it is not done.
 */
static void look_for_trains(struct channel *ch)
{
	const struct channel_config *c = &ch->config;

	ch->trains = (c->family == AF_INET6 || c->checksum) &&
		     channel_set_int(ch->tx_fd, IPPROTO_UDP, UDP_SEGMENT, 0) == 0;
}

/* The peer knows us by our source address, so it is the one that the operator gave us. */
static int bind_sender(struct channel *ch)
{
	union sockaddr_ip addr;
	socklen_t len = channel_sockaddr(ch, &ch->config.local, 0, &addr);

	if (channel_addr_is_zero(&ch->config.local))
		return 0;
	return bind(ch->tx_fd, &addr.any, len) < 0 ? -errno : 0;
}

/* Nothing of ours comes back to us, and nothing leaves the link (RFC 1112, RFC 3493). */
static int open_sender(struct channel *ch)
{
	const struct channel_config *c = &ch->config;
	const bool v4 = c->family == AF_INET;
	int err;

	ch->tx_fd = socket(c->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ch->tx_fd < 0)
		return -errno;
	err = channel_free_bind(ch, ch->tx_fd);
	if (!err)
		err = channel_set_buffer(ch->tx_fd, SO_SNDBUFFORCE, SO_SNDBUF, c->sndbuf_bytes);
	if (!err && v4 && !c->checksum)
		err = channel_set_int(ch->tx_fd, SOL_SOCKET, SO_NO_CHECK, 1);
	if (err)
		return err;
	look_for_trains(ch);
	if (c->kind != CHANNEL_MULTICAST)
		return bind_sender(ch);
	if (v4) {
		err = channel_set_int(ch->tx_fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
		if (!err)
			err = channel_set_int(ch->tx_fd, IPPROTO_IP, IP_MULTICAST_TTL, 1);
	} else {
		err = channel_set_int(ch->tx_fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
		if (!err)
			err = channel_set_int(ch->tx_fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
	}
	return err ? err : aim(ch, ch->tx_fd);
}

static int join(struct channel *ch)
{
	const struct channel_config *c = &ch->config;
	int n;

	if (c->kind != CHANNEL_MULTICAST)
		return 0;
	if (c->family == AF_INET) {
		struct ip_mreqn mreq = {channel_v4_of(&c->group), {0}, (int)ch->ifindex};

		n = setsockopt(ch->rx_fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq));
	} else {
		struct ipv6_mreq mreq = {channel_v6_of(&c->group), ch->ifindex};

		n = setsockopt(ch->rx_fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof(mreq));
	}
	return n < 0 && errno != EADDRINUSE ? -errno : 0; /* EADDRINUSE: has joined already */
}

/* The group that an interface of this index had; an interface that is gone took it with it. */
static void leave(struct channel *ch, unsigned ifindex)
{
	const struct channel_config *c = &ch->config;

	if (c->family == AF_INET) {
		struct ip_mreqn mreq = {channel_v4_of(&c->group), {0}, (int)ifindex};

		(void)setsockopt(ch->rx_fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreq, sizeof(mreq));
	} else {
		struct ipv6_mreq mreq = {channel_v6_of(&c->group), ifindex};

		(void)setsockopt(ch->rx_fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mreq, sizeof(mreq));
	}
}

/* Only groups that this socket has joined, and which interface a datagram came by. */
static int set_receiver_options(struct channel *ch)
{
	int err;

	if (ch->config.family == AF_INET) {
		err = channel_set_int(ch->rx_fd, IPPROTO_IP, IP_PKTINFO, 1);
		return err ? err : channel_set_int(ch->rx_fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	}
	err = channel_set_int(ch->rx_fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err)
		err = channel_set_int(ch->rx_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (!err) {
		err = channel_set_int(ch->rx_fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
		if (err == -ENOPROTOOPT) /* before Linux 4.20; the interface is checked anyway */
			err = 0;
	}
	return err;
}

/* The kernel doubles what it is asked for: its overhead counts, too. */
static int size_receiver(struct channel *ch)
{
	uint32_t wanted = ch->config.rcvbuf_bytes;
	socklen_t len = sizeof(int);
	int granted = 0, err = 0;

	if (!wanted && getsockopt(ch->rx_fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) == 0 &&
		granted < 2 * CHANNEL_RCVBUF_BYTES)
		wanted = CHANNEL_RCVBUF_BYTES;
	if (wanted)
		err = channel_set_buffer(ch->rx_fd, SO_RCVBUFFORCE, SO_RCVBUF, wanted);
	if (!err && getsockopt(ch->rx_fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) == 0)
		ch->rcvbuf_bytes = (uint32_t)granted;
	return err;
}

static int open_receiver(struct channel *ch)
{
	const struct channel_config *c = &ch->config;
	const bool multicast = c->kind == CHANNEL_MULTICAST;
	union sockaddr_ip addr;
	socklen_t len;
	int err;

	ch->rx_fd = socket(c->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ch->rx_fd < 0)
		return -errno;
	err = channel_set_int(ch->rx_fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = channel_free_bind(ch, ch->rx_fd);
	if (!err)
		err = size_receiver(ch);
	if (!err)
		err = set_receiver_options(ch);
	if (err)
		return err;
	len = channel_sockaddr(ch, multicast ? &c->group : &c->local, c->port, &addr);
	if (bind(ch->rx_fd, &addr.any, len) < 0)
		return -errno;
	return join(ch);
}

static int make_area(struct channel *ch)
{
	struct channel_area *a;
	void *start;
	int err = memory_reserve(sizeof(*a), &start);

	if (err)
		return err;
	a = start;
	for (unsigned i = 0; i < CHANNEL_DATAGRAMS; i++) {
		a->iov[i][0] = (struct iovec){a->usual[i], USUAL_BYTES};
		a->iov[i][1] = (struct iovec){a->rest[i], REST_BYTES};
		a->headers[i].msg_hdr = (struct msghdr){
			.msg_iov = a->iov[i],
			.msg_iovlen = 2,
			.msg_name = &a->from[i],
			.msg_control = a->control[i],
		};
	}
	ch->area = a;
	return 0;
}

int channel_udp_open(struct channel *ch)
{
	int err = make_area(ch);

	if (!err)
		err = open_sender(ch);
	if (!err)
		err = open_receiver(ch);
	if (!err)
		learn_source(ch);
	return err;
}

void channel_udp_close(struct channel *ch)
{
	if (ch->tx_fd >= 0)
		close(ch->tx_fd);
	if (ch->rx_fd >= 0)
		close(ch->rx_fd);
	memory_release(ch->area, sizeof(*ch->area));
	ch->area = NULL;
}

int channel_udp_refresh(struct channel *ch, unsigned before)
{
	int err = 0;

	if (before != ch->ifindex && ch->config.kind == CHANNEL_MULTICAST) {
		leave(ch, before);
		err = aim(ch, ch->tx_fd);
		if (!err)
			err = join(ch);
	}
	look_for_trains(ch);
	learn_source(ch);
	return err;
}

static void count_sent(struct channel *ch, size_t datagrams, size_t bytes)
{
	ch->stats.sent += datagrams;
	ch->stats.sent_bytes += bytes;
	ch->last_error = 0;
}

static int count_failed(struct channel *ch, size_t datagrams, int err)
{
	if (err == EAGAIN || err == ENOBUFS) {
		ch->stats.send_full++;
		return -err;
	}
	ch->last_error = err;
	ch->stats.send_errors += datagrams;
	if (channel_is_link_error(err))
		ch->stats.send_link_errors += datagrams;
	return -err;
}

int channel_udp_send(struct channel *ch, const void *bytes, size_t len)
{
	union sockaddr_ip to;
	socklen_t to_len = channel_sockaddr(ch, &ch->config.group, ch->config.port, &to);
	ssize_t done;

	do {
		done = sendto(ch->tx_fd, bytes, len, MSG_NOSIGNAL, &to.any, to_len);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return count_failed(ch, 1, errno);
	count_sent(ch, 1, len);
	return 0;
}

/* A device that sends no checksums of its own, or a path that takes less than we think. */
static bool is_no_train(int err)
{
	return err == EIO || err == EINVAL || err == EMSGSIZE || err == EOPNOTSUPP;
}

int channel_udp_send_train(
	struct channel *ch, const void *bytes, size_t len, size_t each, size_t *gone)
{
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(sizeof(uint16_t))];
	} control = {.header = {CMSG_LEN(sizeof(uint16_t)), IPPROTO_UDP, UDP_SEGMENT}};
	const uint16_t segment = (uint16_t)each;
	const size_t datagrams = (len + each - 1) / each;
	union sockaddr_ip to;
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = channel_sockaddr(ch, &ch->config.group, ch->config.port, &to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t done;

	memcpy(CMSG_DATA(&control.header), &segment, sizeof(segment));
	do {
		done = sendmsg(ch->tx_fd, &msg, MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	if (done >= 0) {
		count_sent(ch, datagrams, len);
		*gone = len;
		return 0;
	}
	ch->trains = !is_no_train(errno);
	return ch->trains ? count_failed(ch, datagrams, errno) : 0;
}

/* The interface that a datagram came by, 0 if the kernel does not tell. */
static unsigned arrival_ifindex(struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (unsigned)info.ipi_ifindex;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return info.ipi6_ifindex;
		}
	}
	return 0;
}

/* Where a datagram of len bytes stands, in one piece. */
static const uint8_t *whole_datagram(struct channel_area *a, unsigned i, size_t len)
{
	if (len <= USUAL_BYTES)
		return a->usual[i];
	memcpy(a->whole, a->usual[i], USUAL_BYTES);
	memcpy(a->whole + USUAL_BYTES, a->rest[i], len - USUAL_BYTES);
	return a->whole;
}

static void take_datagram(struct channel *ch, unsigned i, channel_datagram_fn *fn, void *ctx)
{
	struct channel_area *a = ch->area;
	struct msghdr *h = &a->headers[i].msg_hdr;
	const union sockaddr_ip *sa = &a->from[i];
	struct channel_addr from = sa->any.sa_family == AF_INET
					   ? channel_addr_of_v4(sa->v4.sin_addr)
					   : channel_addr_of_v6(&sa->v6.sin6_addr);

	if (h->msg_flags & MSG_TRUNC) {
		ch->stats.truncated++;
		return;
	}
	if (arrival_ifindex(h) != ch->ifindex) {
		ch->stats.wrong_interface++;
		return;
	}
	if (ch->config.kind == CHANNEL_UDP && memcmp(&from, &ch->config.group, sizeof(from)) != 0) {
		ch->stats.wrong_source++;
		return;
	}
	if (ch->config.kind == CHANNEL_MULTICAST && memcmp(&from, &ch->source, sizeof(from)) == 0) {
		ch->stats.own++;
		return;
	}
	ch->stats.received++;
	ch->stats.received_bytes += a->headers[i].msg_len;
	fn(ctx, &from, whole_datagram(a, i, a->headers[i].msg_len), a->headers[i].msg_len);
}

static int receive_some(struct channel *ch, unsigned max)
{
	struct channel_area *a = ch->area;
	int n;

	if (max > CHANNEL_DATAGRAMS)
		max = CHANNEL_DATAGRAMS;
	for (unsigned i = 0; i < max; i++) {
		struct msghdr *h = &a->headers[i].msg_hdr;

		h->msg_namelen = sizeof(a->from[i]);
		h->msg_controllen = sizeof(a->control[i]);
		h->msg_flags = 0;
	}
	do {
		n = recvmmsg(ch->rx_fd, a->headers, max, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int channel_udp_receive(
	struct channel *ch, unsigned datagrams_max, channel_datagram_fn *fn, void *ctx)
{
	unsigned taken = 0, asked;
	int n;

	while (taken < datagrams_max) {
		asked = datagrams_max - taken;
		if (asked > CHANNEL_DATAGRAMS)
			asked = CHANNEL_DATAGRAMS;
		n = receive_some(ch, asked);
		if (n == -EAGAIN)
			break;
		if (n < 0) {
			ch->stats.receive_errors++;
			return n;
		}
		for (unsigned i = 0; i < (unsigned)n; i++)
			take_datagram(ch, i, fn, ctx);
		taken += (unsigned)n;
		if ((unsigned)n < asked)
			break;
	}
	return (int)taken;
}
