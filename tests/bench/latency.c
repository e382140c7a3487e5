/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency: how long an idle daemon takes from the kernel's event to the datagram on the wire.
 *
 *	latency COUNT PEER-NAMESPACE PEER-INTERFACE [GAP-MICROSECONDS [FIRST]]
 *	latency COUNT PEER-NAMESPACE kernel [GAP-MICROSECONDS [FIRST]]
 *
 * Runs in the active node's network namespace. One flow at a time is created over ctnetlink; the
 * clock starts before the request is sent, so that the kernel's own work is in it (given apart,
 * as the time until the acknowledgement). It stops at the kernel's receive timestamp of the first
 * datagram on the peer's interface whose payload holds the flow's source address, which no other
 * flow has. After each, the gap lets the daemon fall idle again; it varies, lest the samples fall
 * in step with a timer. FIRST is the first flow's number.
 *
 * kernel: not the wire, but the peer's kernel is watched, and the clock stops when an event there
 * tells of the flow. No flow is waited for before the next one is created, since a standby may take
 * its time.
 *
 * Prints one JSON line. Exit status: 0, 1 for a failure, 2 usage.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

enum {
	SAMPLES_MAX = 100000,
	GAP_DEFAULT_US = 5000,
	PATIENCE_MS = 1000, /* a flow not on the wire by then is missed */
	KERNEL_PATIENCE_MS = 10000, /* a flow not in the peer's kernel by then */
	IP_UDP_HEADERS_BYTES = 28,
};

struct latency {
	struct mnl_socket *nl;
	struct mnl_socket *peer;
	int capture;
	unsigned first, missed, taken;
	int64_t wire_ns[SAMPLES_MAX], ack_ns[SAMPLES_MAX];
	int64_t begin_ns[SAMPLES_MAX]; /* kernel: 0 when the flow has come */
};

static struct latency lat;

/* The wall clock: the one that the kernel's receive timestamps are of. */
static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint32_t source_of(unsigned i)
{
	return htonl(0x0b800001u + lat.first + i);
}

static void put_tuple(struct nlmsghdr *nlh, unsigned i, bool reply)
{
	uint32_t client = source_of(i), server = htonl(0xc6336401u);
	struct nlattr *tuple, *part;

	tuple = mnl_attr_nest_start(nlh, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, reply ? server : client);
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, reply ? client : server);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(reply ? 443 : 12345));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(reply ? 12345 : 443));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static const struct nlmsghdr *build_create(void *buf, unsigned i)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	struct nlattr *info, *tcp;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	nlh->nlmsg_seq = i + 1;
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	put_tuple(nlh, i, false);
	put_tuple(nlh, i, true);
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(3600));
	info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

/* 0, or a negative errno: the socket's, or the kernel's refusal. */
static int create(unsigned i, int64_t *begin_ns, int64_t *ack_ns)
{
	char request[1024], answer[8192];
	const struct nlmsghdr *nlh = build_create(request, i);
	ssize_t got;

	*begin_ns = now_ns();
	if (mnl_socket_sendto(lat.nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(lat.nl, answer, sizeof(answer));
	*ack_ns = now_ns();
	if (got < 0)
		return -errno;
	if (mnl_cb_run(answer, (size_t)got, i + 1, mnl_socket_get_portid(lat.nl), NULL, NULL) < 0)
		return -errno;
	return 0;
}

/* One captured packet: its timestamp [ns] if it tells of flow i, else 0; -1 when none is there. */
static int64_t read_packet(unsigned i)
{
	uint32_t source = source_of(i);
	char control[256];
	uint8_t packet[65536];
	struct iovec iov = {.iov_base = packet, .iov_len = sizeof(packet)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(lat.capture, &msg, MSG_DONTWAIT);

	if (got < 0)
		return -1;
	if (got < IP_UDP_HEADERS_BYTES ||
		!memmem(packet + IP_UDP_HEADERS_BYTES, (size_t)got - IP_UDP_HEADERS_BYTES, &source,
			sizeof(source)))
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	}
	return 0;
}

/* The timestamp [ns] of flow i on the wire, 0 if it did not come in time. */
static int64_t await_wire(unsigned i)
{
	int64_t end = now_ns() + (int64_t)PATIENCE_MS * 1000000;

	while (now_ns() < end) {
		struct pollfd pfd = {.fd = lat.capture, .events = POLLIN};
		int64_t stamp = read_packet(i);

		if (stamp > 0)
			return stamp;
		if (stamp < 0)
			poll(&pfd, 1, 10);
	}
	return 0;
}

static int measure_wire(unsigned count, unsigned gap_us)
{
	for (unsigned i = 0; i < count; i++) {
		int64_t begin_ns, ack_ns, wire_ns;
		int err = create(i, &begin_ns, &ack_ns);

		if (err)
			return err;
		wire_ns = await_wire(i);
		if (!wire_ns) {
			lat.missed++;
			continue;
		}
		lat.wire_ns[lat.taken] = wire_ns - begin_ns;
		lat.ack_ns[lat.taken++] = ack_ns - begin_ns;
		usleep(gap_us + i * 7919 % 1000);
	}
	return 0;
}

/* An event of the peer's kernel: whichever of our flows it tells of has come. */
static int on_peer_event(const struct nlmsghdr *nlh, void *data)
{
	const uint8_t *end = mnl_nlmsg_get_payload_tail(nlh);
	unsigned count = *(const unsigned *)data, i;
	const struct nlattr *attr, *part, *address;
	uint32_t source;

	if ((nlh->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW)
		return MNL_CB_OK;
	for (attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
		mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr)); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) != CTA_TUPLE_ORIG)
			continue;
		part = mnl_attr_get_payload(attr);
		address = mnl_attr_get_payload(part);
		if (mnl_attr_get_type(part) != CTA_TUPLE_IP ||
			mnl_attr_get_type(address) != CTA_IP_V4_SRC)
			continue;
		source = mnl_attr_get_u32(address);
		i = ntohl(source) - ntohl(source_of(0));
		if (i >= count || !lat.begin_ns[i])
			continue;
		lat.wire_ns[lat.taken] = now_ns() - lat.begin_ns[i];
		lat.begin_ns[i] = 0;
		lat.taken++;
	}
	return MNL_CB_OK;
}

/* Reads the peer's events until so late. */
static int await_kernel(unsigned count, int64_t end_ns)
{
	char buf[8192];

	while (now_ns() < end_ns && lat.taken < count) {
		struct pollfd pfd = {.fd = mnl_socket_get_fd(lat.peer), .events = POLLIN};
		int64_t left_ms = (end_ns - now_ns()) / 1000000;
		ssize_t got;

		if (poll(&pfd, 1, left_ms > 0 ? (int)left_ms : 1) <= 0)
			continue;
		got = mnl_socket_recvfrom(lat.peer, buf, sizeof(buf));
		if (got < 0)
			return -errno;
		if (mnl_cb_run(buf, (size_t)got, 0, 0, on_peer_event, &count) < 0)
			return -errno;
	}
	return 0;
}

static int measure_kernel(unsigned count, unsigned gap_us)
{
	int err = 0;

	for (unsigned i = 0; !err && i < count; i++) {
		int64_t begin_ns, ack_ns;

		err = create(i, &begin_ns, &ack_ns);
		if (err)
			return err;
		lat.begin_ns[i] = begin_ns;
		lat.ack_ns[i] = ack_ns - begin_ns;
		err = await_kernel(count, now_ns() + 1000 * (int64_t)(gap_us + i * 7919 % 1000));
	}
	if (!err)
		err = await_kernel(count, now_ns() + (int64_t)KERNEL_PATIENCE_MS * 1000000);
	lat.missed = count - lat.taken;
	return err;
}

static int listen_there(void)
{
	int group = NFNLGRP_CONNTRACK_NEW, bytes = 16 << 20;

	lat.peer = mnl_socket_open(NETLINK_NETFILTER);
	if (!lat.peer || mnl_socket_bind(lat.peer, 0, MNL_SOCKET_AUTOPID) < 0)
		return -1;
	setsockopt(mnl_socket_get_fd(lat.peer), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return mnl_socket_setsockopt(lat.peer, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
}

static int capture_there(const char *interface)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int on = 1;

	/* Protocol 0 until it is bound: nothing of another interface gets in. */
	lat.capture = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	addr.sll_ifindex = (int)if_nametoindex(interface);
	if (lat.capture < 0 || !addr.sll_ifindex ||
		setsockopt(lat.capture, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		return -1;
	return bind(lat.capture, (struct sockaddr *)&addr, sizeof(addr));
}

/* A socket belongs to the namespace that it was opened in, wherever its process goes then. */
static int open_there(const char *netns, const char *interface)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, err;
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	err = home < 0 || there < 0 ? -1 : setns(there, CLONE_NEWNET);
	if (!err)
		err = interface ? capture_there(interface) : listen_there();
	if (!err)
		err = setns(home, CLONE_NEWNET);
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return err;
}

static int compare(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void print_percentiles(const char *name, int64_t *ns, unsigned n)
{
	static const unsigned per_mille[] = {500, 900, 990, 1000};
	static const char *const names[] = {"p50", "p90", "p99", "max"};

	qsort(ns, n, sizeof(*ns), compare);
	for (unsigned i = 0; i < 4; i++) {
		unsigned rank = n * per_mille[i] / 1000;

		printf(", \"%s_%s_us\": %.1f", name, names[i],
			n ? (double)ns[rank ? rank - 1 : 0] / 1e3 : 0.0);
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned gap_us = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : GAP_DEFAULT_US;
	bool kernel = argc > 3 && strcmp(argv[3], "kernel") == 0;
	int err;

	if (!count || count > SAMPLES_MAX) {
		fprintf(stderr, "usage: latency COUNT PEER-NAMESPACE PEER-INTERFACE|kernel"
				" [GAP-US [FIRST]]\n");
		return 2;
	}
	lat.first = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
	if (open_there(argv[2], kernel ? NULL : argv[3]) < 0) {
		fprintf(stderr, "latency: capture on %s: %s\n", argv[3], strerror(errno));
		return 1;
	}
	lat.nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!lat.nl || mnl_socket_bind(lat.nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fprintf(stderr, "latency: netlink socket: %s\n", strerror(errno));
		return 1;
	}
	err = kernel ? measure_kernel(count, gap_us) : measure_wire(count, gap_us);
	if (err) {
		fprintf(stderr, "latency: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"samples\": %u, \"missed\": %u", lat.taken, lat.missed);
	print_percentiles(kernel ? "kernel" : "wire", lat.wire_ns, lat.taken);
	print_percentiles("ack", lat.ack_ns, lat.taken);
	printf("}\n");
	mnl_socket_close(lat.nl);
	if (kernel)
		mnl_socket_close(lat.peer);
	else
		close(lat.capture);
	return 0;
}
