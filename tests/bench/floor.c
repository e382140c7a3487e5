/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor: what the kernel alone costs a program that follows or reads its connection table, with
 * libmnl and nothing done with what is read. The bound that no daemon on this machine can pass.
 * (The floor of writing is `flowload create N --batch 16`.)
 *
 *	floor receive COUNT	counts events until there were COUNT; they gather for 1 ms, then up
 *				to 64 datagrams are taken per system call. Prints "ready" when it
 *				listens, and ends early, with status 1, if the kernel dropped any.
 *	floor listen [GROUP...]	has the kernel make every event of some of the groups new, update,
 *				destroy (of all), and takes none: a filter drops them all, as a
 *				daemon's drops those that it causes itself. Prints "ready"; ends
 *				with its standard input.
 *	floor log GROUP		the same of packets that a rule logs to the group, in batches
 *	floor dump		reads the whole table once
 *
 * receive and dump print one JSON line: events or flows, processor time and time [ns]. Exit status
 * 2: usage, 3: no ctnetlink.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>

enum {
	VECTOR = 64,
	DATAGRAM_BYTES =
		2048, /* an event; a dump's datagrams are read one by one, into all of it */
	BUFFER_BYTES = 64 << 20,
	GATHER_NS = 1000000,
	LOGGED = 100, /* packets in a batch of the log */
	LOGGED_BYTES = 40, /* of each packet: its addresses and ports */
	LOG_BUFFER = 65536, /* [bytes] more than a batch takes */
};

static uint8_t buf[VECTOR][DATAGRAM_BYTES];

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t count_messages(const void *data, size_t len, bool *done)
{
	uint64_t n = 0;
	int left = (int)len;

	for (const struct nlmsghdr *nlh = data; mnl_nlmsg_ok(nlh, left);
		nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			*done = true;
		else
			n++;
	}
	return n;
}

/* Takes what has gathered, to the last datagram: the number of events, or a negative errno. */
static int64_t drain(int fd)
{
	struct iovec iov[VECTOR];
	struct mmsghdr msg[VECTOR];
	int64_t events = 0;
	bool done = false;

	memset(msg, 0, sizeof(msg));
	for (unsigned i = 0; i < VECTOR; i++) {
		iov[i] = (struct iovec){.iov_base = buf[i], .iov_len = sizeof(buf[i])};
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int got = recvmmsg(fd, msg, VECTOR, MSG_DONTWAIT, NULL);

		if (got < 0)
			return errno == EAGAIN ? events : -errno;
		for (int i = 0; i < got; i++)
			events += (int64_t)count_messages(buf[i], msg[i].msg_len, &done);
	}
}

static void print_line(const char *what, uint64_t n, int64_t cpu_ns, int64_t ns)
{
	printf("{\"%s\": %llu, \"cpu_ns\": %lld, \"ns\": %lld}\n", what, (unsigned long long)n,
		(long long)cpu_ns, (long long)ns);
}

static const struct {
	const char *name;
	int group;
} groups[] = {
	{"new", NFNLGRP_CONNTRACK_NEW},
	{"update", NFNLGRP_CONNTRACK_UPDATE},
	{"destroy", NFNLGRP_CONNTRACK_DESTROY},
};

static bool is_named(const char *name, char **names)
{
	for (char **n = names; *n; n++)
		if (strcmp(*n, name) == 0)
			return true;
	return !*names;
}

/* names: of groups, up to a NULL; none: all of them. */
static int join(struct mnl_socket *nl, char **names)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (is_named(groups[i].name, names) &&
			mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP,
				(void *)(uintptr_t)&groups[i].group, sizeof(groups[i].group)) < 0)
			return -errno;
	return 0;
}

static void ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

/* Has the kernel copy the heads of what rules log to the group, many packets to a datagram. */
static int join_log(struct mnl_socket *nl, uint16_t group)
{
	const struct nfulnl_msg_config_cmd bind_it = {.command = NFULNL_CFG_CMD_BIND};
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(LOGGED_BYTES), .copy_mode = NFULNL_COPY_PACKET};
	char request[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct nfgenmsg *nfg;
	ssize_t got;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->res_id = htons(group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind_it), &bind_it);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(LOG_BUFFER));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(LOGGED));
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (got < 0 || mnl_cb_run(buf, (size_t)got, 0, 0, NULL, NULL) < 0)
		return -errno;
	return 0;
}

/* Until the standard input ends, nothing that the kernel makes for the socket is taken. */
static int refuse_all(struct mnl_socket *nl)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &drop};
	int fd = mnl_socket_get_fd(nl);
	char c;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	ready();
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

static int listen_only(struct mnl_socket *nl, char **names)
{
	int err = join(nl, names);

	return err ? err : refuse_all(nl);
}

static int log_only(struct mnl_socket *nl, const char *group)
{
	int err = join_log(nl, (uint16_t)strtoul(group, NULL, 10));

	return err ? err : refuse_all(nl);
}

static int receive(struct mnl_socket *nl, uint64_t count)
{
	const struct timespec gather = {.tv_nsec = GATHER_NS};
	int fd = mnl_socket_get_fd(nl), bytes = BUFFER_BYTES, err;
	int64_t cpu_ns, begin_ns, got;
	uint64_t events = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		return -errno;
	err = join(nl, (char *[]){NULL});
	if (err)
		return err;
	ready();
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	while (events < count) {
		nanosleep(&gather, NULL);
		got = drain(fd);
		if (got < 0)
			return (int)got;
		events += (uint64_t)got;
	}
	print_line("events", events, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns,
		clock_ns(CLOCK_MONOTONIC) - begin_ns);
	return 0;
}

static int dump(struct mnl_socket *nl)
{
	int64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), begin_ns = clock_ns(CLOCK_MONOTONIC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	uint64_t flows = 0;
	bool done = false;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!done) {
		ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (got < 0)
			return -errno;
		flows += count_messages(buf, (size_t)got, &done);
	}
	print_line("flows", flows, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns,
		clock_ns(CLOCK_MONOTONIC) - begin_ns);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool receives = argc == 3 && strcmp(verb, "receive") == 0;
	bool listens = argc >= 2 && strcmp(verb, "listen") == 0;
	bool logs = argc == 3 && strcmp(verb, "log") == 0;
	struct mnl_socket *nl;
	int err;

	if (!receives && !listens && !logs && (argc != 2 || strcmp(verb, "dump") != 0)) {
		fprintf(stderr, "usage: floor receive COUNT | floor listen [GROUP...] | "
				"floor log GROUP | floor dump\n");
		return 2;
	}
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fprintf(stderr, "floor: netlink socket: %s\n", strerror(errno));
		return 3;
	}
	if (receives)
		err = receive(nl, strtoull(argv[2], NULL, 10));
	else if (logs)
		err = log_only(nl, argv[2]);
	else
		err = listens ? listen_only(nl, argv + 2) : dump(nl);
	mnl_socket_close(nl);
	if (err) {
		fprintf(stderr, "floor: %s\n", strerror(-err));
		return 1;
	}
	return 0;
}
