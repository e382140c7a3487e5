/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP channel against plain sockets at the other end of a cable: framing, connections that come,
 * go and replace each other, strangers, a peer that does not read, one that dies. Wants
 * CAP_SYS_ADMIN and CAP_NET_ADMIN, and ip(8).
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/channel.h"
#include "io_lab.h"

enum { SKIPPED = 77, PORT = 3790, MESSAGE_BYTES = 1000, ROUNDS = 5000, ROUND_MS = 10 };

static mono now = {INT64_C(1000) * NS_PER_SEC};

/* ---- a protocol: be16 length of all, be32 number, then bytes that follow from the number ---- */

static int64_t frame(const uint8_t *bytes, size_t len)
{
	size_t at = 0, n;

	while (len - at >= 2) {
		n = (size_t)bytes[at] << 8 | bytes[at + 1];
		if (n < 6)
			return at ? (int64_t)at : -EBADMSG;
		if (n > len - at)
			break;
		at += n;
	}
	return (int64_t)at;
}

static size_t make(uint8_t *out, uint32_t number, size_t len)
{
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	for (int i = 0; i < 4; i++)
		out[2 + i] = (uint8_t)(number >> (24 - 8 * i));
	for (size_t i = 6; i < len; i++)
		out[i] = (uint8_t)(number + i);
	return len;
}

struct heard {
	unsigned count; /* messages */
	uint32_t last;
	bool bad; /* one was not as it was made */
	bool foreign; /* one was said to be of somebody else */
};

static void hear(struct heard *h, const uint8_t *bytes, size_t len)
{
	static uint8_t expected[65536];

	while (len >= 6) {
		size_t n = (size_t)bytes[0] << 8 | bytes[1];

		h->last = (uint32_t)bytes[2] << 24 | (uint32_t)bytes[3] << 16 |
			  (uint32_t)bytes[4] << 8 | bytes[5];
		h->bad |= n < 6 || n > len || memcmp(bytes, expected, make(expected, h->last, n));
		if (h->bad)
			return;
		h->count++;
		bytes += n;
		len -= n;
	}
	h->bad |= len != 0;
}

static struct channel_addr peer;

static void on_datagram(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct heard *h = ctx;

	h->foreign |= memcmp(from, &peer, sizeof(peer)) != 0;
	hear(h, bytes, len);
}

/* ---- plain sockets in the far namespace ---- */

static socklen_t sockaddr_of(const char *addr, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	(void)inet_pton(AF_INET6, addr, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	v6->sin6_scope_id = if_nametoindex("io1");
	return sizeof(*v6);
}

static int far_socket(const char *addr, uint16_t port)
{
	struct sockaddr_storage sa;
	int fd, one = 1;

	(void)enter(far_ns);
	socklen_t len = sockaddr_of(addr, port, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		note("bind %s: %s", addr, strerror(errno));
	(void)enter(near_ns);
	return fd;
}

static int far_connect(const char *from, const char *to)
{
	int fd = far_socket(from, 0);
	struct sockaddr_storage sa;
	socklen_t len;

	(void)enter(far_ns);
	len = sockaddr_of(to, PORT, &sa);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		note("connect %s: %s", to, strerror(errno));
	(void)enter(near_ns);
	return fd;
}

static int far_listen(const char *addr)
{
	int fd = far_socket(addr, PORT), small = 4096;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (listen(fd, 4) < 0)
		note("listen: %s", strerror(errno));
	return fd;
}

/* The other end has closed it. */
static bool is_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	return poll(&p, 1, 5000) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* ---- the channel ---- */

static struct channel_config config_of(const char *local, const char *remote)
{
	struct channel_config c = {.kind = CHANNEL_TCP,
		.family = strchr(local, ':') ? AF_INET6 : AF_INET,
		.group = addr_of(remote),
		.local = addr_of(local),
		.port = PORT,
		.interface = "io0",
		.frame = frame};

	peer = c.group;
	return c;
}

/* Turns until the condition holds. */
#define UNTIL(ch, h, condition)                                                                    \
	for (int i_ = 0; i_ < ROUNDS && !(condition); i_++) {                                      \
		struct pollfd p_ = {.fd = (ch)->rx_fd, .events = POLLIN};                          \
                                                                                                   \
		(void)poll(&p_, 1, ROUND_MS);                                                      \
		(void)channel_receive(ch, 256, on_datagram, h);                                    \
	}

static bool sent_whole(int fd, const uint8_t *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void test_framing(struct channel *ch, const char *near, const char *far)
{
	static uint8_t bytes[200000];
	struct heard h = {0};
	size_t len = 0, at = 0, steps = 0;
	uint32_t x = 1;
	int fd = far_connect(far, near);

	UNTIL(ch, &h, channel_is_accepted(ch));
	judge(channel_is_accepted(ch) && ch->stats.accepts == 1, "the peer's connection is taken");
	for (uint32_t i = 0; i < 300; i++)
		len += make(bytes + len, i, 6 + i * 2);
	for (; at < len; steps++) {
		x = x * 1664525 + 1013904223;
		size_t n = 1 + (x >> 16) % 1500;

		n = n < len - at ? n : len - at;
		if (!sent_whole(fd, bytes + at, n))
			break;
		at += n;
		(void)channel_receive(ch, 256, on_datagram, &h);
	}
	UNTIL(ch, &h, h.count == 300);
	judge(h.count == 300 && h.last == 299 && !h.bad && !h.foreign,
		"messages come whole, however the stream is cut");
	judge(ch->stats.received_bytes == len, "their bytes are counted");
	h = (struct heard){0};
	len = make(bytes, 7, 65535);
	for (at = 0; at < len; at += 5)
		if (!sent_whole(fd, bytes + at, len - at < 5 ? len - at : 5))
			break;
	UNTIL(ch, &h, h.count == 1);
	judge(h.count == 1 && !h.bad, "the largest message comes whole");
	close(fd);
	UNTIL(ch, &h, !channel_is_accepted(ch));
	judge(!channel_is_accepted(ch) && ch->stats.breaks == 1, "its end is seen");
}

static void test_replaced(struct channel *ch, const char *near, const char *far)
{
	uint8_t bytes[2 * MESSAGE_BYTES];
	struct heard h = {0};
	int first = far_connect(far, near), second;
	uint64_t accepts;

	UNTIL(ch, &h, channel_is_accepted(ch));
	make(bytes, 1, MESSAGE_BYTES);
	make(bytes + MESSAGE_BYTES, 2, MESSAGE_BYTES);
	(void)sent_whole(first, bytes, MESSAGE_BYTES + 500); /* the second one is cut short */
	UNTIL(ch, &h, h.count == 1);
	accepts = ch->stats.accepts;
	second = far_connect(far, near);
	UNTIL(ch, &h, ch->stats.accepts == accepts + 1);
	(void)sent_whole(second, bytes, 2 * MESSAGE_BYTES);
	UNTIL(ch, &h, h.count == 3);
	judge(h.count == 3 && !h.bad && ch->stats.out_of_step == 0,
		"a connection that replaces another begins anew");
	judge(is_closed(first), "the old one is closed");
	close(first);
	close(second);
	UNTIL(ch, &h, !channel_is_accepted(ch));
}

static void test_stranger(struct channel *ch, const char *near, const char *far, const char *other)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct heard h = {0};
	int fd = far_connect(far, near), stranger;

	UNTIL(ch, &h, channel_is_accepted(ch));
	stranger = far_connect(other, near);
	UNTIL(ch, &h, ch->stats.wrong_source == 1);
	judge(ch->stats.wrong_source == 1 && is_closed(stranger),
		"a stranger is refused and counted");
	make(bytes, 5, MESSAGE_BYTES);
	(void)sent_whole(fd, bytes, MESSAGE_BYTES);
	UNTIL(ch, &h, h.count == 1);
	judge(h.count == 1 && h.last == 5, "and does not disturb the peer");
	close(stranger);
	close(fd);
	UNTIL(ch, &h, !channel_is_accepted(ch));
}

static void test_out_of_step(struct channel *ch, const char *near, const char *far)
{
	uint8_t bytes[MESSAGE_BYTES + 6] = {0};
	struct heard h = {0};
	int fd = far_connect(far, near);

	make(bytes, 9, MESSAGE_BYTES); /* and then one of no length */
	(void)sent_whole(fd, bytes, sizeof(bytes));
	UNTIL(ch, &h, ch->stats.out_of_step == 1);
	judge(ch->stats.out_of_step == 1 && h.count == 1 && !h.bad && is_closed(fd),
		"a stream out of step is closed and counted");
	close(fd);
	fd = far_connect(far, near);
	(void)sent_whole(fd, bytes, MESSAGE_BYTES);
	UNTIL(ch, &h, h.count == 2);
	judge(h.count == 2, "and the next one is heard");
	close(fd);
	UNTIL(ch, &h, !channel_is_accepted(ch));
}

static void pass_ms(struct channel *ch, int64_t ms)
{
	now = mono_add_ms(now, ms);
	channel_tick(ch, now);
}

static void test_no_descriptor(struct channel *ch, const char *near, const char *far)
{
	struct heard h = {0};
	uint64_t errors = ch->stats.receive_errors;
	struct rlimit old, none;
	int fd = far_connect(far, near);

	(void)getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	(void)setrlimit(RLIMIT_NOFILE, &none);
	UNTIL(ch, &h, ch->stats.receive_errors > errors);
	for (int i = 0; i < 5; i++)
		(void)channel_receive(ch, 256, on_datagram, &h);
	(void)setrlimit(RLIMIT_NOFILE, &old);
	judge(ch->stats.receive_errors == errors + 1 && !channel_is_accepted(ch),
		"without a descriptor the peer's connection waits, and is left alone");
	pass_ms(ch, 0);
	pass_ms(ch, CHANNEL_CONNECT_MS);
	UNTIL(ch, &h, channel_is_accepted(ch));
	judge(channel_is_accepted(ch), "it is taken later");
	close(fd);
	UNTIL(ch, &h, !channel_is_accepted(ch));
}

static int accept_one(int listener)
{
	return wait_for(listener) ? accept(listener, NULL, NULL) : -1;
}

static void test_connecting(struct channel *ch, const char *far)
{
	struct heard h = {0};
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int listener, fd, second;

	judge(mono_reached(now, channel_deadline(ch)) && channel_send(ch, "x", 1) == -ENOTCONN,
		"it wants to connect at once, and sends nothing before");
	channel_tick(ch, now);
	UNTIL(ch, &h, ch->last_error == ECONNREFUSED);
	judge(ch->last_error == ECONNREFUSED && !channel_is_connected(ch) &&
			mono_diff_ms(channel_deadline(ch), now) == CHANNEL_CONNECT_MS,
		"nobody listens: again in a second");
	listener = far_listen(far);
	pass_ms(ch, CHANNEL_CONNECT_MS - 1);
	judge(ch->stats.connects == 0 && mono_diff_ms(channel_deadline(ch), now) == 1,
		"and not before");
	pass_ms(ch, 1);
	UNTIL(ch, &h, channel_is_connected(ch));
	fd = accept_one(listener);
	judge(channel_is_connected(ch) && mono_is_never(channel_deadline(ch)),
		"a peer that listens is connected to");
	(void)getpeername(fd, (struct sockaddr *)&from, &len);
	judge(from.ss_family == AF_INET ? ((struct sockaddr_in *)&from)->sin_addr.s_addr ==
						  *(in_addr_t *)(ch->config.local.bytes + 12)
					: memcmp(&((struct sockaddr_in6 *)&from)->sin6_addr,
						  ch->config.local.bytes, 16) == 0,
		"from the address that the peer was told of");
	(void)sent_whole(fd, (const uint8_t *)"nonsense", 8);
	UNTIL(ch, &h, false || i_ > 3);
	judge(channel_is_connected(ch), "what comes by it is nothing");
	close(fd);
	UNTIL(ch, &h, !channel_is_connected(ch));
	judge(!channel_is_connected(ch) && h.count == 0, "its end is seen");
	now = mono_add_ms(now, 60000);
	judge(mono_reached(now, channel_deadline(ch)), "one that had lasted is followed at once");
	channel_tick(ch, now);
	second = accept_one(listener);
	UNTIL(ch, &h, channel_is_connected(ch));
	judge(channel_is_connected(ch), "by another one");
	channel_hang_up(ch);
	judge(!channel_is_connected(ch) && mono_reached(now, channel_deadline(ch)) &&
			is_closed(second),
		"a link that went down is hung up, and called again as soon as it is up");
	close(second);
	close(listener);
}

/* Sends until there is no room; how many. */
static uint32_t fill(struct channel *ch, uint32_t from, size_t len)
{
	uint8_t bytes[65536];
	int err;

	for (;; from++) {
		make(bytes, from, len);
		err = channel_send(ch, bytes, len);
		if (err)
			break;
	}
	if (err != -EAGAIN)
		note("channel_send: %s", strerror(-err));
	return from;
}

/* Reads what is there and goes on until count messages have come. */
static void read_all(struct channel *ch, int fd, unsigned count, struct heard *h)
{
	static uint8_t bytes[1 << 20];
	struct heard none = {0};
	size_t len = 0;

	for (int i = 0; i < ROUNDS && h->count < count && !h->bad; i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;
		int64_t whole;

		(void)poll(&p, 1, ROUND_MS);
		n = recv(fd, bytes + len, sizeof(bytes) - len, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		whole = frame(bytes, len);
		if (whole < 0)
			h->bad = true;
		if (whole > 0) {
			hear(h, bytes, (size_t)whole);
			len -= (size_t)whole;
			memmove(bytes, bytes + whole, len);
		}
		(void)channel_receive(ch, 256, on_datagram, &none);
	}
}

static void test_back_pressure(struct channel *ch, const char *far)
{
	int listener = far_listen(far), fd, next;
	struct heard h = {0};
	uint32_t sent, more;

	pass_ms(ch, 60000);
	fd = accept_one(listener);
	UNTIL(ch, &h, channel_is_connected(ch));
	sent = fill(ch, 0, 60000);
	judge(sent > 0 && channel_is_full(ch) && ch->stats.send_full == 1,
		"a peer that does not read is waited for");
	note("%u messages of 60000 bytes were taken", sent);
	read_all(ch, fd, sent, &h);
	judge(h.count == sent && h.last == sent - 1 && !h.bad,
		"what was taken arrives whole, and in order");
	UNTIL(ch, &h, !channel_is_full(ch));
	more = fill(ch, sent, 1300);
	judge(more > sent, "then there is room again");
	close(fd); /* in the middle of a message, as likely as not */
	UNTIL(ch, &h, !channel_is_connected(ch));
	judge(!channel_is_full(ch), "a broken connection is not full");
	pass_ms(ch, 60000);
	next = accept_one(listener);
	UNTIL(ch, &h, channel_is_connected(ch));
	h = (struct heard){0};
	sent = fill(ch, 1000000, 1300) - 1000000;
	read_all(ch, next, sent, &h);
	judge(h.count == sent && !h.bad && h.last == 1000000 + sent - 1,
		"the next one begins with a message");
	close(next);
	close(listener);
	UNTIL(ch, &h, !channel_is_connected(ch));
}

/* Its end is not told, and the cable stays. */
static void test_dead_peer(struct channel *ch, const char *near, const char *far)
{
	int listener = far_listen(far), out, in;
	struct heard h = {0};
	uint64_t breaks;

	pass_ms(ch, 60000);
	out = accept_one(listener);
	UNTIL(ch, &h, channel_is_connected(ch));
	in = far_connect(far, near);
	UNTIL(ch, &h, channel_is_accepted(ch));
	breaks = ch->stats.breaks;
	(void)enter(far_ns);
	(void)run("ip addr del 192.0.2.2/24 dev io1");
	(void)enter(near_ns);
	(void)fill(ch, 0, 1300);
	UNTIL(ch, &h, ch->stats.breaks == breaks + 2);
	judge(ch->stats.breaks == breaks + 2 && ch->last_error == ETIMEDOUT,
		"a peer that dies without a word is noticed in both directions");
	(void)enter(far_ns);
	(void)run("ip addr add 192.0.2.2/24 dev io1");
	(void)enter(near_ns);
	close(out);
	close(in);
	close(listener);
}

static void test_all(const char *near, const char *far, const char *other)
{
	struct channel_config c = config_of(near, far);
	struct channel ch;
	int err = channel_open(&ch, &c);

	printf("     TCP %s\n", near);
	judge(err == 0, "a channel opens");
	if (err) {
		note("channel_open: %s", strerror(-err));
		return;
	}
	judge(channel_payload_bytes(&ch) == (c.family == AF_INET ? 1460u : 1440u),
		"the payload fills a segment");
	test_framing(&ch, near, far);
	test_replaced(&ch, near, far);
	test_stranger(&ch, near, far, other);
	test_out_of_step(&ch, near, far);
	test_connecting(&ch, far);
	test_back_pressure(&ch, far);
	if (c.family == AF_INET)
		test_dead_peer(&ch, near, far);
	test_no_descriptor(&ch, near, far);
	channel_close(&ch);
	judge(channel_open(&ch, &c) == 0, "it may be opened again at once");
	channel_close(&ch);
}

static void test_refusals(void)
{
	struct channel_config c = config_of("192.0.2.77", "192.0.2.2");
	struct channel ch;

	judge(channel_open(&ch, &c) == -EADDRNOTAVAIL, "an address that is not ours is told");
	c = config_of("fe80::77", "fe80::2");
	judge(channel_open(&ch, &c) == -EADDRNOTAVAIL, "also of IPv6");
	(void)run("ip link set io0 down");
	judge(channel_open(&ch, &c) == 0, "unless its interface is down");
	channel_close(&ch);
	(void)run("ip link set io0 up");
	c.frame = NULL;
	judge(channel_open(&ch, &c) == -EINVAL, "a stream has to be cut by somebody");
}

int main(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace can be made: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (make_links()) {
		(void)enter(far_ns);
		(void)run(
			"ip addr add 192.0.2.3/24 dev io1 && ip addr add fe80::3/64 dev io1 nodad");
		(void)enter(near_ns);
		test_all("192.0.2.1", "192.0.2.2", "192.0.2.3");
		test_all("fe80::1", "fe80::2", "fe80::3");
		test_refusals();
	} else {
		judge(false, "a veth pair is made");
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
