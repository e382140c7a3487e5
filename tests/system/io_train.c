/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several datagrams by one system call, over a cable: each arrives as the one that it is. Where
 * that cannot be done, they go one by one. Wants CAP_SYS_ADMIN and CAP_NET_ADMIN, and ip(8).
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "io/channel.h"
#include "io_lab.h"

enum { SKIPPED = 77, EACH = 1428, LAST = 300, BURST = CHANNEL_TRAIN };

enum { TOO_LONG = 65535, /* for a datagram */ TRAINS = 20 };

static uint8_t train[TOO_LONG + LAST];

struct heard {
	unsigned count;
	size_t at; /* bytes of the train that have come, in its order */
	size_t longest;
	bool bad;
};

static void on_datagram(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct heard *h = ctx;

	(void)from;
	h->count++;
	h->longest = len > h->longest ? len : h->longest;
	if (len > sizeof(train) - h->at || memcmp(train + h->at, bytes, len) != 0)
		h->bad = true;
	else
		h->at += len;
}

static void on_length(void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	size_t *out = ctx;

	(void)from;
	(void)bytes;
	*out = len;
}

/* In any order: what waits for room is sent on by any of the processors. */
struct numbers {
	uint32_t count;
	bool seen[TRAINS * BURST];
	bool bad;
};

static void on_number(void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct numbers *got = ctx;
	uint32_t n;

	(void)from;
	memcpy(&n, bytes, sizeof(n));
	if (len != EACH || n >= ARRAY_SIZE(got->seen) || got->seen[n])
		got->bad = true;
	else
		got->seen[n] = true;
	got->count++;
}

static struct channel_config config_of(
	enum channel_kind kind, int family, const char *group, const char *interface)
{
	struct channel_config c = {.kind = kind,
		.family = family,
		.group = addr_of(group),
		.port = 3782,
		.sndbuf_bytes = 1 << 20,
		.rcvbuf_bytes = 1 << 20,
		.checksum = true};

	strcpy(c.interface, interface);
	return c;
}

/* Sends len bytes of the train at once; true if it arrived whole, in datagrams of each bytes. */
static bool passes(struct channel *from, struct channel *to, size_t len, size_t each)
{
	unsigned n = (unsigned)((len + each - 1) / each);
	uint64_t sent = from->stats.sent, sent_bytes = from->stats.sent_bytes;
	struct heard h = {0};
	size_t gone = 0;
	int err = channel_send_train(from, train, len, each, &gone);

	if (err)
		note("channel_send_train: %s", strerror(-err));
	while (h.count < n && wait_for(to->rx_fd))
		if (channel_receive(to, 1000, on_datagram, &h) < 0)
			break;
	return !err && gone == len && h.count == n && h.at == len && !h.bad &&
	       h.longest == (len < each ? len : each) && from->stats.sent == sent + n &&
	       from->stats.sent_bytes == sent_bytes + len;
}

static void test_trains(struct channel *near, struct channel *far)
{
	judge(near->trains && channel_train_max(near, EACH) == BURST,
		"the kernel takes several datagrams at once");
	judge(passes(near, far, BURST * EACH, EACH), "a train arrives as datagrams of one length");
	judge(near->trains, "and was taken at once");
	judge(passes(near, far, 5 * EACH + LAST, EACH), "its last datagram may be shorter");
	judge(passes(near, far, EACH, EACH) && passes(near, far, LAST, EACH),
		"one datagram is no train");
	judge(channel_train_max(near, 40000) == 1 && channel_train_max(near, 0) == 1 &&
			channel_train_max(near, 9000) == CHANNEL_TRAIN_BYTES / 9000,
		"a train is no longer than one packet may be");
	judge(run("ip link set io0 mtu 1300") && passes(near, far, 3 * EACH, EACH) && !near->trains,
		"what is longer than the interface takes goes one by one");
	judge(channel_train_max(near, EACH) == 1 && passes(near, far, 3 * EACH, EACH),
		"and from then on it is not tried again");
	judge(run("ip link set io0 mtu 1500") && channel_refresh(near) == 0 &&
			passes(near, far, 3 * EACH, EACH) && near->trains,
		"until the interface has changed");
}

/* As many errors as datagrams are lost. */
static bool counts_errors(const struct channel *ch, struct channel_stats *before, unsigned n)
{
	bool ok = ch->stats.send_errors == before->send_errors + n &&
		  ch->stats.send_link_errors == before->send_link_errors + n &&
		  ch->stats.sent == before->sent;

	*before = ch->stats;
	return ok;
}

static void test_broken(struct channel *near)
{
	struct channel_stats before = near->stats;
	size_t gone = 1;
	int err;

	judge(run("ip link set io0 down"), "the interface goes down");
	err = channel_send_train(near, train, BURST * EACH, EACH, &gone);
	judge((err == -ENETUNREACH || err == -ENETDOWN || err == -EADDRNOTAVAIL ||
		      err == -ENODEV) &&
			near->trains,
		"what is wrong with the link is told as of one datagram");
	note("channel_send_train while down: %s", strerror(-err));
	judge(counts_errors(near, &before, BURST), "and counted of each datagram");
	near->trains = false;
	err = channel_send_train(near, train, BURST * EACH, EACH, &gone);
	judge(err && gone == BURST * EACH && counts_errors(near, &before, BURST),
		"as it is where they go one by one");
	judge(run("ip link set io0 up") && channel_refresh(near) == 0, "the interface comes back");
}

static void test_without_checksum(struct channel_config config, struct channel *far)
{
	struct channel ch;
	size_t gone, last = 0;
	int err;

	config.checksum = false;
	if (channel_open(&ch, &config)) {
		judge(false, "a channel without checksums opens");
		return;
	}
	judge(!ch.trains && channel_train_max(&ch, EACH) == 1 &&
			passes(&ch, far, BURST * EACH, EACH),
		"without checksums they go one by one");
	err = channel_send_train(&ch, train, sizeof(train), TOO_LONG, &gone);
	judge(err == -EMSGSIZE && gone == sizeof(train) && ch.stats.send_errors == 1,
		"what one of them meets is told");
	judge(wait_for(far->rx_fd) && channel_receive(far, 1, on_length, &last) == 1 &&
			last == LAST,
		"and does not stop the one behind it");
	channel_close(&ch);
}

static bool wait_for_room(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 5000) == 1;
}

/* Trains as fast as they go; what found no room of one is sent when there is some. */
static bool pushes_through(struct channel *from, struct channel *to)
{
	struct numbers got = {0};
	uint32_t next = 0;

	for (unsigned t = 0; t < TRAINS; t++) {
		size_t at = 0, gone;
		int err;

		for (unsigned i = 0; i < BURST; i++, next++)
			memcpy(train + (size_t)i * EACH, &next, sizeof(next));
		while ((err = channel_send_train(
				from, train + at, BURST * EACH - at, EACH, &gone)) != 0) {
			if (err != -EAGAIN || !wait_for_room(from->tx_fd))
				return false;
			at += gone;
			if (channel_receive(to, 1000, on_number, &got) < 0)
				return false;
		}
	}
	while (got.count < next && wait_for(to->rx_fd))
		if (channel_receive(to, 1000, on_number, &got) < 0)
			return false;
	return got.count == next && !got.bad;
}

static void test_no_room(struct channel_config config, struct channel *far)
{
	struct channel ch;

	config.sndbuf_bytes = 8192;
	if (!run("tc qdisc add dev io0 root tbf rate 100mbit burst 20k latency 1s"))
		return; /* a kernel without it */
	if (channel_open(&ch, &config)) {
		judge(false, "a channel with little room opens");
		return;
	}
	judge(pushes_through(&ch, far) && ch.trains && ch.stats.send_full > 0,
		"trains that find no room are sent later, once");
	ch.trains = false;
	judge(pushes_through(&ch, far), "as they are where they go one by one");
	judge(ch.stats.sent == 2 * TRAINS * BURST && ch.stats.send_errors == 0,
		"and none is counted twice");
	channel_close(&ch);
	(void)run("tc qdisc del dev io0 root");
}

static void test_channel(
	enum channel_kind kind, int family, const char *near_group, const char *far_group)
{
	struct channel_config near_config = config_of(kind, family, near_group, "io0");
	struct channel_config far_config = config_of(kind, family, far_group, "io1");
	struct channel near, far;
	int err;

	note("%s over IPv%u", kind == CHANNEL_UDP ? "UDP" : "multicast",
		family == AF_INET ? 4u : 6u);
	if (kind == CHANNEL_UDP) {
		near_config.local = addr_of(far_group);
		far_config.local = addr_of(near_group);
	}
	err = channel_open(&near, &near_config);
	(void)enter(far_ns);
	err |= channel_open(&far, &far_config);
	(void)enter(near_ns);
	judge(err == 0, "channels open");
	if (err)
		return;
	test_trains(&near, &far);
	if (family == AF_INET && kind == CHANNEL_MULTICAST)
		test_without_checksum(near_config, &far);
	if (kind == CHANNEL_MULTICAST)
		test_no_room(near_config, &far);
	if (family == AF_INET && kind == CHANNEL_UDP)
		test_broken(&near);
	channel_close(&near);
	channel_close(&far);
}

int main(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace can be made: %s\n", strerror(errno));
		return SKIPPED;
	}
	for (size_t i = 0; i < sizeof(train); i++)
		train[i] = (uint8_t)(i % 251 + i / 251);
	if (make_links()) {
		test_channel(CHANNEL_MULTICAST, AF_INET, "225.0.0.50", "225.0.0.50");
		test_channel(CHANNEL_MULTICAST, AF_INET6, "ff02::50", "ff02::50");
		test_channel(CHANNEL_UDP, AF_INET6, "fe80::2", "fe80::1");
		test_channel(CHANNEL_UDP, AF_INET, "192.0.2.2", "192.0.2.1");
	} else {
		judge(false, "a veth pair is made");
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
