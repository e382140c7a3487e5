/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "io/channel.h"
#include "io/channel_impl.h"
#include "io/memory.h"

enum {
	TCP_IN_BYTES = 2 * CHANNEL_DATAGRAM_BYTES, /* a whole message always fits */
	TCP_READS_MAX = 16, /* per turn and connection */
	TCP_ACCEPTS_MAX = 16, /* per turn */
	TCP_UNSENT_BYTES = 128 * 1024, /* in the kernel: what waits there cannot be coalesced */
	TCP_EVENTS = 4,
};

enum tcp_end { END_LISTEN, END_IN, END_OUT };

/* The buffers are address space: only what is ever used becomes memory. */
struct channel_tcp {
	int listen_fd, in_fd, out_fd; /* in the epoll, which is the channel's rx_fd */
	bool connected; /* out_fd; else it is on its way */
	bool blocked; /* out_fd took no more: EPOLLOUT is awaited */
	mono tried; /* the last attempt to connect */
	bool at_once; /* the next one need not wait */
	bool deaf; /* no descriptor was left for a connection: the listener is not watched */
	mono deaf_until; /* set by the next tick; or 0 */
	size_t in_len;
	size_t rest_at, rest_len; /* of a datagram that was sent in part */
	uint8_t in[TCP_IN_BYTES];
	uint8_t rest[CHANNEL_DATAGRAM_BYTES];
};

static int watch(const struct channel *ch, int op, int fd, enum tcp_end end, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = end};

	return epoll_ctl(ch->rx_fd, op, fd, &event) < 0 ? -errno : 0;
}

/* Nobody may be left waiting for a peer that has died without a word. */
static int set_options(int fd)
{
	int err = channel_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);

	if (!err)
		err = channel_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 2);
	if (!err)
		err = channel_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	if (!err)
		err = channel_set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, CHANNEL_SILENCE_MS / 1000 - 2);
	if (!err)
		err = channel_set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CHANNEL_SILENCE_MS);
	if (!err)
		err = channel_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return err;
}

static int make_listener(struct channel *ch)
{
	const struct channel_config *c = &ch->config;
	struct channel_tcp *t = ch->tcp;
	union sockaddr_ip addr;
	socklen_t len;
	int err;

	t->listen_fd = socket(c->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->listen_fd < 0)
		return -errno;
	err = channel_set_int(t->listen_fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err && c->family == AF_INET6)
		err = channel_set_int(t->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err)
		err = channel_free_bind(ch, t->listen_fd);
	if (!err)
		err = channel_set_buffer(t->listen_fd, SO_RCVBUFFORCE, SO_RCVBUF, c->rcvbuf_bytes);
	if (err)
		return err;
	len = channel_sockaddr(ch, &c->local, c->port, &addr);
	if (bind(t->listen_fd, &addr.any, len) < 0 || listen(t->listen_fd, TCP_ACCEPTS_MAX) < 0)
		return -errno;
	return watch(ch, EPOLL_CTL_ADD, t->listen_fd, END_LISTEN, EPOLLIN);
}

int channel_tcp_open(struct channel *ch)
{
	struct channel_tcp *t;
	void *start;
	int err = memory_reserve(sizeof(*t), &start);

	if (err)
		return err;
	t = ch->tcp = start;
	t->listen_fd = t->in_fd = t->out_fd = -1;
	t->at_once = true;
	ch->rx_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ch->rx_fd < 0)
		return -errno;
	ch->source = ch->config.local;
	return make_listener(ch);
}

void channel_tcp_close(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;

	if (!t)
		return;
	if (t->listen_fd >= 0)
		close(t->listen_fd);
	if (t->in_fd >= 0)
		close(t->in_fd);
	if (t->out_fd >= 0)
		close(t->out_fd);
	memory_release(t, sizeof(*t));
	ch->tcp = NULL;
}

/* ---- the connection that we send on ---- */

static void out_close(struct channel *ch, int err)
{
	struct channel_tcp *t = ch->tcp;

	if (t->connected)
		ch->stats.breaks++;
	close(t->out_fd);
	t->out_fd = -1;
	t->connected = t->blocked = false;
	t->rest_len = 0; /* the next connection begins with a message */
	if (err)
		ch->last_error = err;
}

static int out_open(struct channel *ch)
{
	const struct channel_config *c = &ch->config;
	struct channel_tcp *t = ch->tcp;
	union sockaddr_ip addr;
	socklen_t len;
	int err;

	t->out_fd = socket(c->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->out_fd < 0)
		return -errno;
	err = set_options(t->out_fd);
	if (!err)
		err = channel_set_int(t->out_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_BYTES);
	if (!err)
		err = channel_set_buffer(t->out_fd, SO_SNDBUFFORCE, SO_SNDBUF, c->sndbuf_bytes);
	if (!err)
		err = channel_free_bind(ch, t->out_fd);
	if (err)
		return err;
	/* the peer takes a connection from the address that it was told of, and no other */
	if (!channel_addr_is_zero(&c->local)) {
		len = channel_sockaddr(ch, &c->local, 0, &addr);
		if (bind(t->out_fd, &addr.any, len) < 0)
			return -errno;
	}
	err = watch(ch, EPOLL_CTL_ADD, t->out_fd, END_OUT, EPOLLOUT);
	if (err)
		return err;
	len = channel_sockaddr(ch, &c->group, c->port, &addr);
	return connect(t->out_fd, &addr.any, len) < 0 && errno != EINPROGRESS ? -errno : 0;
}

/* What waits to be accepted would be reported again and again. */
static void deafen(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;

	t->deaf = !watch(ch, EPOLL_CTL_MOD, t->listen_fd, END_LISTEN, 0);
	t->deaf_until = (mono){0};
}

static void listen_again(struct channel *ch, mono now)
{
	struct channel_tcp *t = ch->tcp;

	bool is_over = t->deaf_until.ns != 0 && mono_reached(now, t->deaf_until);

	if (is_over || t->deaf_until.ns == 0)
		t->deaf_until = mono_add_ms(now, CHANNEL_CONNECT_MS);
	if (is_over)
		t->deaf = watch(ch, EPOLL_CTL_MOD, t->listen_fd, END_LISTEN, EPOLLIN) != 0;
}

static mono next_attempt(const struct channel_tcp *t)
{
	if (t->out_fd >= 0)
		return t->connected ? MONO_NEVER : mono_add_ms(t->tried, CHANNEL_CONNECT_WAIT_MS);
	return t->at_once ? (mono){0} : mono_add_ms(t->tried, CHANNEL_CONNECT_MS);
}

void channel_tcp_tick(struct channel *ch, mono now)
{
	struct channel_tcp *t = ch->tcp;
	int err;

	if (t->deaf)
		listen_again(ch, now);
	if (!mono_reached(now, next_attempt(t)))
		return;
	if (t->out_fd >= 0)
		out_close(ch, ETIMEDOUT);
	t->tried = now;
	t->at_once = false;
	err = out_open(ch);
	if (err && t->out_fd >= 0)
		out_close(ch, -err);
}

mono channel_tcp_deadline(const struct channel *ch)
{
	const struct channel_tcp *t = ch->tcp;

	return t->deaf ? mono_min(t->deaf_until, next_attempt(t)) : next_attempt(t);
}

void channel_tcp_hang_up(struct channel *ch)
{
	const struct linger now = {.l_onoff = 1};
	struct channel_tcp *t = ch->tcp;

	if (t->out_fd < 0)
		return;
	/* nothing of it is to come late, out of a buffer of the kernel */
	(void)setsockopt(t->out_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	out_close(ch, ENETDOWN);
	t->at_once = true;
}

bool channel_tcp_is_connected(const struct channel *ch)
{
	return ch->tcp->connected;
}

bool channel_tcp_is_accepted(const struct channel *ch)
{
	return ch->tcp->in_fd >= 0;
}

bool channel_tcp_is_full(const struct channel *ch)
{
	return ch->tcp->blocked;
}

static void out_block(struct channel *ch, bool blocked)
{
	struct channel_tcp *t = ch->tcp;

	t->blocked = blocked;
	(void)watch(ch, EPOLL_CTL_MOD, t->out_fd, END_OUT,
		EPOLLIN | EPOLLRDHUP | (blocked ? (uint32_t)EPOLLOUT : 0));
}

/* Returns how much was taken, or the negative errno by which the connection has ended. */
static ssize_t out_write(struct channel *ch, const uint8_t *bytes, size_t len)
{
	struct channel_tcp *t = ch->tcp;
	ssize_t done;

	do {
		done = send(t->out_fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (done < 0 && errno == EINTR);
	if (done < 0 && errno != EAGAIN) {
		int err = errno;

		ch->stats.send_errors++;
		if (channel_is_link_error(err))
			ch->stats.send_link_errors++;
		out_close(ch, err);
		return -err;
	}
	if (done < 0)
		done = 0;
	if ((size_t)done < len)
		out_block(ch, true);
	return done;
}

/* The rest of a datagram goes before all else. 0, -EAGAIN, or what has ended the connection. */
static int out_flush(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;
	ssize_t done;

	if (t->rest_len == 0)
		return 0;
	done = out_write(ch, t->rest + t->rest_at, t->rest_len);
	if (done < 0)
		return (int)done;
	t->rest_at += (size_t)done;
	t->rest_len -= (size_t)done;
	return t->rest_len ? -EAGAIN : 0;
}

int channel_tcp_send(struct channel *ch, const void *bytes, size_t len)
{
	struct channel_tcp *t = ch->tcp;
	ssize_t done;
	int err;

	if (len > sizeof(t->rest))
		return -EMSGSIZE;
	if (!t->connected)
		return -ENOTCONN;
	err = out_flush(ch);
	done = err ? 0 : out_write(ch, bytes, len);
	if (done < 0)
		return (int)done;
	if (err == -EAGAIN || (!err && done == 0)) {
		ch->stats.send_full++;
		return -EAGAIN;
	}
	if (err)
		return err;
	t->rest_at = 0;
	t->rest_len = len - (size_t)done;
	memcpy(t->rest, (const uint8_t *)bytes + done, t->rest_len);
	ch->stats.sent++;
	ch->stats.sent_bytes += len;
	return 0;
}

static void out_established(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(t->out_fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		out_close(ch, err);
		return;
	}
	t->connected = true;
	ch->last_error = 0;
	ch->stats.connects++;
	out_block(ch, false);
}

/* Nothing comes by this connection but its end; what a stranger to the protocol says is dropped. */
static void out_drop_input(struct channel *ch)
{
	for (unsigned i = 0; i < TCP_READS_MAX; i++) {
		ssize_t n = recv(ch->tcp->out_fd, NULL, TCP_IN_BYTES, MSG_TRUNC | MSG_DONTWAIT);

		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0 || errno != EAGAIN)
			out_close(ch, n == 0 ? ECONNRESET : errno);
		return;
	}
}

static void on_out(struct channel *ch, uint32_t events)
{
	struct channel_tcp *t = ch->tcp;

	if (!t->connected) {
		out_established(ch);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		out_drop_input(ch);
	if (t->connected && events & EPOLLOUT && out_flush(ch) == 0)
		out_block(ch, false);
}

/* ---- the connection that we receive on ---- */

static void in_close(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;

	close(t->in_fd);
	t->in_fd = -1;
	t->in_len = 0; /* a message that was cut short is not the next connection's */
	ch->stats.breaks++;
}

static bool is_peer(const struct channel *ch, const union sockaddr_ip *from)
{
	struct channel_addr addr = from->any.sa_family == AF_INET
					   ? channel_addr_of_v4(from->v4.sin_addr)
					   : channel_addr_of_v6(&from->v6.sin6_addr);

	return memcmp(&addr, &ch->config.group, sizeof(addr)) == 0;
}

static void on_listen(struct channel *ch)
{
	struct channel_tcp *t = ch->tcp;

	for (unsigned i = 0; i < TCP_ACCEPTS_MAX; i++) {
		union sockaddr_ip from = {0};
		socklen_t len = sizeof(from);
		int fd = accept4(t->listen_fd, &from.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
				return;
			ch->stats.receive_errors++;
			deafen(ch);
			return;
		}
		if (!is_peer(ch, &from)) {
			ch->stats.wrong_source++;
			close(fd);
			continue;
		}
		if (t->in_fd >= 0)
			in_close(ch); /* of the same peer, and older */
		if (set_options(fd) || watch(ch, EPOLL_CTL_ADD, fd, END_IN, EPOLLIN)) {
			ch->stats.receive_errors++;
			close(fd);
			continue;
		}
		t->in_fd = fd;
		ch->stats.accepts++;
	}
}

/* Hands on what is whole. False if the stream makes no sense. */
static bool in_deliver(struct channel *ch, channel_datagram_fn *fn, void *ctx)
{
	struct channel_tcp *t = ch->tcp;
	size_t at = 0;
	int64_t whole;

	while ((whole = ch->config.frame(t->in + at, t->in_len - at)) > 0) {
		CHECK((size_t)whole <= t->in_len - at);
		ch->stats.received++;
		ch->stats.received_bytes += (uint64_t)whole;
		fn(ctx, &ch->config.group, t->in + at, (size_t)whole);
		at += (size_t)whole;
	}
	t->in_len -= at;
	memmove(t->in, t->in + at, t->in_len);
	return whole == 0 && t->in_len < CHANNEL_DATAGRAM_BYTES;
}

static int on_in(struct channel *ch, unsigned reads_max, channel_datagram_fn *fn, void *ctx)
{
	struct channel_tcp *t = ch->tcp;
	unsigned reads = 0;

	while (reads < reads_max) {
		ssize_t n =
			recv(t->in_fd, t->in + t->in_len, sizeof(t->in) - t->in_len, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			in_close(ch);
			break;
		}
		reads++;
		t->in_len += (size_t)n;
		if (!in_deliver(ch, fn, ctx)) {
			ch->stats.out_of_step++;
			in_close(ch);
			break;
		}
	}
	return (int)reads;
}

int channel_tcp_receive(
	struct channel *ch, unsigned datagrams_max, channel_datagram_fn *fn, void *ctx)
{
	struct channel_tcp *t = ch->tcp;
	struct epoll_event events[TCP_EVENTS];
	unsigned reads_max = datagrams_max < TCP_READS_MAX ? datagrams_max : TCP_READS_MAX;
	int taken = 0, n;

	do {
		n = epoll_wait(ch->rx_fd, events, TCP_EVENTS, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* what an older event of this turn has closed is not there any more */
	for (int i = 0; i < n; i++) {
		switch ((enum tcp_end)events[i].data.u32) {
		case END_LISTEN:
			on_listen(ch);
			break;
		case END_IN:
			if (t->in_fd >= 0)
				taken += on_in(ch, reads_max, fn, ctx);
			break;
		case END_OUT:
			if (t->out_fd >= 0)
				on_out(ch, events[i].events);
			break;
		}
	}
	return taken;
}
