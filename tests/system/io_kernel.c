/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shells of src/io against the running kernel: connection tracking by netlink, multicast over
 * a veth pair, interface changes. Everything happens in network namespaces that this program
 * makes for itself and that end with it. Wants CAP_SYS_ADMIN and CAP_NET_ADMIN, and ip(8).
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "io/channel.h"
#include "io/nldump.h"
#include "io/iface.h"
#include "io/nlbatch.h"
#include "io/nlsock.h"
#include "io/privs.h"
#include "io/sysctl.h"
#include "io_lab.h"

enum { SKIPPED = 77, FLOWS = 1000, MANY_FLOWS = 20000 };

/* ---- requests ---- */

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, uint32_t src, uint32_t dst,
	uint16_t sport, uint16_t dport)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
	struct nlattr *part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, htonl(src));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, htonl(dst));
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static struct nlmsghdr *put_header(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* The UDP flow number i. */
static size_t build_create(void *buf, unsigned i)
{
	const uint32_t src = 0x0a000001 + (i >> 10), dst = 0x0a800001;
	const uint16_t sport = (uint16_t)(1024 + (i & 1023)), dport = 53;
	struct nlmsghdr *nlh = put_header(buf, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);

	put_tuple(nlh, CTA_TUPLE_ORIG, src, dst, sport, dport);
	put_tuple(nlh, CTA_TUPLE_REPLY, dst, src, dport, sport);
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(600));
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED));
	return nlh->nlmsg_len;
}

struct results {
	unsigned given, ok, exists, nobufs, perm, other;
	int8_t *seen; /* by op id */
};

static void on_result(void *ctx, uint64_t op_id, int err)
{
	struct results *r = ctx;

	r->given++;
	if (r->seen)
		r->seen[op_id]++;
	if (err == 0)
		r->ok++;
	else if (err == EEXIST)
		r->exists++;
	else if (err == ENOBUFS)
		r->nobufs++;
	else if (err == EPERM)
		r->perm++;
	else
		r->other++;
}

static void create(struct nlbatch *b, unsigned from, unsigned count, struct results *r)
{
	void *room;
	size_t cap;

	for (unsigned i = from; i < from + count; i++) {
		room = nlbatch_room(b, &cap);
		if (!room || nlbatch_add(b, build_create(room, i), i)) {
			note("no room for message %u", i);
			return;
		}
		if (nlbatch_is_full(b))
			(void)nlbatch_flush(b, on_result, r);
	}
	(void)nlbatch_flush(b, on_result, r);
}

static void flush_table(struct nlbatch *b)
{
	struct results r = {0};
	void *room;
	size_t cap;

	room = nlbatch_room(b, &cap);
	(void)nlbatch_add(b, put_header(room, IPCTNL_MSG_CT_DELETE, 0)->nlmsg_len, 0);
	(void)nlbatch_flush(b, on_result, &r);
	if (r.ok != 1)
		note("the table could not be emptied");
}

/* ---- events ---- */

struct events {
	unsigned count, from_port;
	uint32_t port;
};

static void on_event(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct events *e = ctx;

	(void)len;
	if ((nlh->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW)
		return;
	e->count++;
	if (nlh->nlmsg_pid == e->port)
		e->from_port++;
}

static const struct nlsock_room room = {
	NLSOCK_DATAGRAMS, NLSOCK_EVENT_USUAL_BYTES, NLSOCK_EVENT_BYTES};

static bool open_events(struct nlsock *s, const struct nlsock_room *of)
{
	int err = nlsock_open(s, NETLINK_NETFILTER, of);

	for (unsigned group = NFNLGRP_CONNTRACK_NEW; !err && group <= NFNLGRP_CONNTRACK_DESTROY;
		group++)
		err = nlsock_join(s, group);
	if (err)
		note("no event socket: %s", strerror(-err));
	return err == 0;
}

static void test_batch_and_events(struct nlbatch *b)
{
	struct results r = {.seen = calloc(2 * FLOWS, 1)};
	struct events e = {.port = b->sock.port};
	struct nlsock_reading reading;
	struct nlsock s;
	bool once = true;

	if (!open_events(&s, &room))
		return;
	judge(nlsock_set_rcvbuf(&s, 8 << 20) == 0 && s.rcvbuf_bytes == 8 << 20,
		"the receive buffer passes the system's limit");
	create(b, 0, FLOWS, &r);
	judge(r.given == FLOWS && r.ok == FLOWS, "1000 flows are created in batches");
	judge(nlsock_read(&s, 4 * FLOWS, on_event, &e, &reading) == 0 && e.count == FLOWS &&
			reading.end == NLSOCK_EMPTY && !reading.overrun,
		"each creation is an event");
	judge(e.from_port == FLOWS, "our events carry our port id");
	memset(r.seen, 0, 2 * FLOWS);
	r = (struct results){.seen = r.seen};
	create(b, FLOWS / 2, FLOWS, &r);
	for (unsigned i = FLOWS / 2; i < FLOWS / 2 + FLOWS; i++)
		once &= r.seen[i] == 1;
	judge(r.ok == FLOWS / 2 && r.exists == FLOWS / 2 && once,
		"failing ones are told from good ones, each once");
	judge(b->strays == 0 && b->unanswered == 0, "no answer is left over");
	flush_table(b);
	nlsock_close(&s);
	free(r.seen);
}

static void test_own_port_filter(struct nlbatch *b)
{
	const struct sock_filter drop_own[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		/* a load swaps to host order, but nlmsg_pid is in host order already */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(b->sock.port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct results r = {0};
	struct events e = {.port = b->sock.port};
	struct nlsock_reading reading;
	struct nlbatch other;
	struct nlsock s;

	if (!open_events(&s, &room))
		return;
	judge(nlsock_attach_filter(&s, drop_own, ARRAY_SIZE(drop_own)) == 0,
		"a filter is attached");
	judge(nlbatch_init(&other, NLBATCH_MESSAGES) == 0 && other.sock.port != b->sock.port,
		"each socket has a port id of its own");
	create(b, 0, FLOWS, &r);
	create(&other, FLOWS, 10, &r);
	(void)nlsock_read(&s, 4 * FLOWS, on_event, &e, &reading);
	judge(r.ok == FLOWS + 10 && e.count == 10 && e.from_port == 0,
		"the filter drops what we caused and nothing else");
	flush_table(b);
	nlbatch_fini(&other);
	nlsock_close(&s);
}

static void test_overrun(struct nlbatch *b)
{
	struct nlsock_reading first, second;
	struct events e = {0};
	struct results r = {0};
	struct nlsock s;
	unsigned before;

	if (!open_events(&s, &room))
		return;
	(void)nlsock_set_rcvbuf(&s, 4096);
	create(b, 0, FLOWS, &r);
	(void)nlsock_read(&s, 1, on_event, &e, &first);
	judge(first.overrun && s.overrun && s.overruns == 1 && e.count == 1,
		"an overrun is reported ahead of what is queued");
	create(b, FLOWS, 1, &r);
	(void)nlsock_read(&s, 4 * FLOWS, on_event, &e, &second);
	judge(!second.overrun && second.overrun_over && !s.overrun && e.count < FLOWS,
		"it is over when the socket is empty");
	before = e.count;
	create(b, FLOWS + 1, 1, &r);
	(void)nlsock_read(&s, 4 * FLOWS, on_event, &e, &second);
	judge(e.count == before + 1 && !second.overrun && !second.overrun_over,
		"after that events come again");
	judge(nlsock_grow_rcvbuf(&s, s.rcvbuf_bytes * 2 - 1) == -ENOSPC &&
			nlsock_grow_rcvbuf(&s, 1 << 20) == 0,
		"the buffer grows up to its limit");
	flush_table(b);
	nlsock_close(&s);
}

/* The kernel says nothing more of losses before the socket was read empty: nor may we assume it. */
static void test_silent_losses(struct nlbatch *b)
{
	struct nlsock_reading reading;
	struct events e = {0};
	struct results r = {0};
	struct nlbatch other;
	struct nlsock s;
	unsigned rounds = 0;

	if (!open_events(&s, &room) || nlbatch_init(&other, 1))
		return;
	e.port = other.sock.port;
	(void)nlsock_set_rcvbuf(&s, 65536);
	create(b, 0, FLOWS, &r);
	/* There is room again after this, but the kernel still drops. */
	(void)nlsock_read(&s, 20, on_event, &e, &reading);
	create(&other, FLOWS, 1, &r);
	do {
		(void)nlsock_read(&s, 64, on_event, &e, &reading);
	} while (!reading.overrun_over && rounds++ < FLOWS);
	judge(e.from_port == 0 && s.overruns == 1 && reading.overrun_over,
		"losses between an overrun and its end are told by the end");
	create(&other, FLOWS + 1, 1, &r);
	(void)nlsock_read(&s, 64, on_event, &e, &reading);
	judge(e.from_port == 1, "and from there on nothing is missing");
	flush_table(b);
	nlbatch_fini(&other);
	nlsock_close(&s);
}

static void test_lost_answers(void)
{
	struct results r = {.seen = calloc(FLOWS, 1)};
	struct nlbatch b;
	bool once = true;

	if (nlbatch_init(&b, NLBATCH_MESSAGES_MAX))
		return;
	create(&b, 0, 64, &r);
	(void)nlsock_set_rcvbuf(&b.sock, 2048);
	r = (struct results){.seen = memset(r.seen, 0, FLOWS)};
	create(&b, 0, 64, &r);
	for (unsigned i = 0; i < 64; i++)
		once &= r.seen[i] == 1;
	judge(once && r.exists > 0 && r.nobufs > 0 && r.ok == 0,
		"lost answers are results, and not good ones");
	(void)nlsock_set_rcvbuf(&b.sock, 1 << 19);
	r = (struct results){.seen = memset(r.seen, 0, FLOWS)};
	create(&b, 0, 64, &r);
	judge(r.exists == 64, "the next batch is answered in full");
	flush_table(&b);
	nlbatch_fini(&b);
	free(r.seen);
}

static void test_foreign_datagrams(void)
{
	uint8_t bytes[64];
	struct nlsock s, from;
	struct events e = {0};
	struct nlsock_reading reading;
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	size_t len = put_header(bytes, IPCTNL_MSG_CT_NEW, 0)->nlmsg_len;
	ssize_t sent;

	if (!open_events(&s, &room))
		return;
	(void)nlsock_open(&from, NETLINK_NETFILTER, &room);
	to.nl_pid = s.port;
	sent = sendto(from.fd, bytes, len, 0, (struct sockaddr *)&to, sizeof(to));
	judge(sent < 0 && errno == ECONNREFUSED, "what does not come from the kernel is refused");
	(void)nlsock_read(&s, 64, on_event, &e, &reading);
	judge(e.count == 0 && reading.datagrams == 0, "and nothing of it arrives");
	nlsock_close(&from);
	nlsock_close(&s);
}

struct copies {
	uint8_t bytes[16384];
	size_t used;
};

static void on_copy(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct copies *c = ctx;

	if (c->used + len <= sizeof(c->bytes)) {
		memcpy(c->bytes + c->used, nlh, len);
		c->used += len;
	}
}

/* The same events by two sockets, with room for all of each side by side, and for a part. */
static void test_long_datagrams(struct nlbatch *b)
{
	static const struct nlsock_room rooms[2] = {
		{4, NLSOCK_EVENT_USUAL_BYTES, NLSOCK_EVENT_BYTES}, {4, 64, NLSOCK_EVENT_BYTES}};
	static struct copies copies[2];
	struct nlsock_reading readings[2];
	struct results r = {0};
	struct nlsock s[2];
	int err = 0;

	if (!open_events(&s[0], &rooms[0]) || !open_events(&s[1], &rooms[1]))
		return;
	create(b, 0, 10, &r);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = nlsock_read(&s[i], 64, on_copy, &copies[i], &readings[i]);
	judge(!err && readings[0].messages == 10 && readings[1].messages == 10 &&
			s[1].truncated == 0,
		"datagrams longer than usual are taken");
	judge(copies[0].used > 640 && copies[0].used == copies[1].used &&
			memcmp(copies[0].bytes, copies[1].bytes, copies[0].used) == 0,
		"and are whole");
	flush_table(b);
	nlsock_close(&s[0]);
	nlsock_close(&s[1]);
}

static void test_dump(struct nlbatch *b)
{
	uint8_t request[64];
	struct results r = {0};
	struct events e = {0};
	struct nldump d;
	enum nldump_result end;
	unsigned steps = 0;
	size_t len = put_header(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP)->nlmsg_len;

	create(b, 0, MANY_FLOWS, &r);
	if (nldump_init(&d) || nldump_start(&d, request, len)) {
		judge(false, "a dump starts");
		return;
	}
	do {
		steps++;
		end = nldump_step(&d, 4, on_event, &e);
	} while (end == NLDUMP_RUNNING && steps < MANY_FLOWS);
	judge(r.ok == MANY_FLOWS && end == NLDUMP_DONE && e.count == MANY_FLOWS,
		"a dump gives every flow");
	judge(steps > 10, "it does so in steps");
	note("%u flows in %u steps of 4 datagrams", e.count, steps);
	e.count = 0;
	judge(nldump_start(&d, request, len) == 0 &&
			nldump_step(&d, 1, on_event, &e) == NLDUMP_RUNNING &&
			nldump_cancel(&d) == 0 && nldump_step(&d, 1, on_event, &e) == NLDUMP_IDLE,
		"a dump can be given up");
	e.count = 0;
	judge(nldump_start(&d, request, len) == 0 &&
			nldump_step(&d, MANY_FLOWS, on_event, &e) == NLDUMP_DONE &&
			e.count == MANY_FLOWS,
		"and another be made");
	put_header(request, 200, NLM_F_DUMP); /* there is no such message */
	judge(nldump_start(&d, request, len) == 0 &&
			nldump_step(&d, 8, on_event, &e) == NLDUMP_FAILED && d.err == EINVAL,
		"a refused dump gives its errno");
	flush_table(b);
	nldump_fini(&d);
}

/* ---- privileges ---- */

static void test_privileges(void)
{
	int how = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct results r = {0};
		struct nlbatch b;
		int64_t v;

		if (privs_drop("nobody", NULL) || getuid() == 0 || setuid(0) == 0 ||
			unshare(CLONE_NEWNET) == 0 || sysctl_read("nf_conntrack_max", &v))
			_exit(1);
		if (nlbatch_init(&b, 16) || nlsock_set_rcvbuf(&b.sock, 8 << 20) ||
			b.sock.rcvbuf_bytes != 8 << 20)
			_exit(2);
		create(&b, 0, 20, &r);
		flush_table(&b);
		nlbatch_fini(&b);
		_exit(r.ok == 20 ? 0 : 3);
	}
	waitpid(pid, &how, 0);
	judge(how == 0, "with CAP_NET_ADMIN alone the work can be done");
	pid = fork();
	if (pid == 0)
		_exit(privs_drop(NULL, NULL) || unshare(CLONE_NEWNET) == 0 ? 1 : 0);
	waitpid(pid, &how, 0);
	judge(how == 0, "root is no root after the drop");
	pid = fork();
	if (pid == 0) {
		struct results r = {0};
		struct nlbatch b;

		if (nlbatch_init(&b, 16) || setuid(65534))
			_exit(1);
		create(&b, 0, 16, &r);
		nlbatch_fini(&b);
		_exit(r.perm == 16 ? 0 : 2);
	}
	waitpid(pid, &how, 0);
	judge(how == 0, "without it every operation is refused with EPERM");
	judge(privs_drop("no-such-user-here", NULL) == -ENOENT, "an unknown user is told");
}

static void test_sysctl(void)
{
	int64_t events = -1, max = 0;

	judge(sysctl_read("nf_conntrack_max", &max) == 0 && max > 0 &&
			sysctl_write("nf_conntrack_events", 1) == 0 &&
			sysctl_read("nf_conntrack_events", &events) == 0 && events == 1 &&
			sysctl_write("nf_conntrack_events", 2) == 0,
		"sysctls of the namespace are read and written");
}

/* ---- links ---- */

struct heard {
	unsigned count;
	size_t bytes, last_len; /* bytes: those that are as pass() sends them */
	struct channel_addr from;
};

static void on_datagram(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct heard *h = ctx;

	h->count++;
	h->from = *from;
	h->last_len = len;
	for (size_t i = 0; i < len; i++)
		h->bytes += bytes[i] == (uint8_t)(i % 251);
}

static struct channel_config config_of(
	int family, const char *group, const char *interface, uint16_t port)
{
	struct channel_config c = {.kind = CHANNEL_MULTICAST,
		.family = family,
		.group = addr_of(group),
		.port = port,
		.sndbuf_bytes = 1 << 20,
		.rcvbuf_bytes = 1 << 20};

	strcpy(c.interface, interface);
	return c;
}

/* Sends n datagrams of len bytes and reads until they are there; the number received. */
static unsigned pass(
	struct channel *from, struct channel *to, unsigned n, size_t len, struct heard *h)
{
	static uint8_t bytes[65536];
	int err;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i % 251);
	*h = (struct heard){0};
	for (unsigned i = 0; i < n; i++) {
		err = channel_send(from, bytes, len);
		if (err)
			note("channel_send: %s", strerror(-err));
	}
	while (h->count < n && wait_for(to->rx_fd))
		if (channel_receive(to, 1000, on_datagram, h) < 0)
			break;
	return h->count;
}

static void test_multicast(int family, const char *group, const char *near_source)
{
	struct channel_config near_config = config_of(family, group, "io0", 3780);
	struct channel_config far_config = config_of(family, group, "io1", 3780);
	const struct channel_addr source = addr_of(near_source);
	struct channel near, far;
	struct heard h;
	int err;

	printf("     multicast %s\n", group);
	if (family == AF_INET)
		near_config.local = source;
	err = channel_open(&near, &near_config);
	judge(err == 0, "a channel opens");
	if (err)
		note("channel_open: %s", strerror(-err));
	(void)enter(far_ns);
	err |= channel_open(&far, &far_config);
	(void)enter(near_ns);
	if (err)
		return;
	judge(channel_payload_bytes(&near) == (family == AF_INET ? 1472u : 1452u),
		"the payload fills the MTU");
	judge(pass(&near, &far, 1, 100, &h) == 1 && h.bytes == 100, "a datagram goes over");
	judge(memcmp(&h.from, &source, sizeof(source)) == 0 &&
			memcmp(&near.source, &source, sizeof(source)) == 0,
		"its source is the node's address");
	judge(pass(&far, &near, 1, 1, &h) == 1, "and one comes back");
	judge(pass(&near, &far, 200, channel_payload_bytes(&near), &h) == 200 &&
			h.bytes == 200 * channel_payload_bytes(&near) && far.stats.received == 201,
		"many full ones go over");
	judge(near.stats.sent == 201 && near.stats.own == 0 &&
			channel_receive(&near, 10, on_datagram, &h) == 0,
		"our own do not come to us");
	judge(pass(&near, &far, 3, 9000, &h) == 3 && h.last_len == 9000 && h.bytes == 27000,
		"larger ones arrive whole");
	judge(run("ip link set io0 mtu 1300") && channel_refresh(&near) == 0 &&
			channel_payload_bytes(&near) == (family == AF_INET ? 1272u : 1252u),
		"a new MTU is seen");
	(void)run("ip link set io0 mtu 1500 down");
	err = channel_send(&near, "x", 1);
	judge(err < 0 && near.stats.send_link_errors == 1 && near.last_error == -err,
		"a link that is down is an error of the link");
	note("channel_send while down: %s", strerror(-err));
	(void)run("ip link set io0 up && ip -6 addr replace fe80::1/64 dev io0 nodad");
	judge(channel_refresh(&near) == 0 && pass(&near, &far, 1, 10, &h) == 1 &&
			near.last_error == 0,
		"and one that is up again works");
	judge(pass(&far, &near, 1, 10, &h) == 1, "in both directions");
	channel_close(&near);
	channel_close(&far);
}

static void test_channel_refusals(void)
{
	struct channel_config c = config_of(AF_INET, "225.0.0.50", "io0", 3780);
	struct channel ch;

	strcpy(c.interface, "nosuch0");
	judge(channel_open(&ch, &c) == -ENODEV, "an unknown interface is told");
	strcpy(c.interface, "io0");
	c.local = addr_of("192.0.2.77");
	judge(channel_open(&ch, &c) == -EADDRNOTAVAIL, "an address that is not ours is told");
	c.local = (struct channel_addr){0};
	c.group = addr_of("192.0.2.2");
	judge(channel_open(&ch, &c) == -EINVAL, "a group that is none is told");
}

/* The same group arriving by another cable, at a socket bound to that port, is not ours. */
static void test_wrong_interface(void)
{
	struct channel_config near_config = config_of(AF_INET, "225.0.0.50", "io0", 3780);
	struct channel_config other_config = config_of(AF_INET, "225.0.0.50", "other1", 3780);
	struct channel near, near2, other;
	struct channel_config near2_config = near_config;
	struct heard h = {0}, h2 = {0};
	int err;

	if (!run("ip link add other0 type veth peer name other1 && ip link set other0 up && "
		 "ip link set other1 up && ip addr add 198.51.100.1/24 dev other0 && "
		 "ip addr add 198.51.100.2/24 dev other1"))
		return;
	/* Two ends of one cable in one namespace: no source check may stop it. */
	(void)run("for f in all other0; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; "
		  "echo 1 > /proc/sys/net/ipv4/conf/$f/accept_local; done");
	strcpy(near2_config.interface, "other0");
	err = channel_open(&near, &near_config) | channel_open(&near2, &near2_config) |
	      channel_open(&other, &other_config);
	if (err || channel_send(&other, "x", 1) || !wait_for(near2.rx_fd)) {
		judge(false, "two links of one group work side by side");
		return;
	}
	(void)channel_receive(&near2, 10, on_datagram, &h2);
	(void)channel_receive(&near, 10, on_datagram, &h);
	judge(h2.count == 1 && h.count == 0, "two links of one group work side by side");
	/* Joined elsewhere as well (as if by a mistake): the check of the interface still holds. */
	struct ip_mreqn mreq = {
		.imr_multiaddr = {htonl(0xe1000032)}, .imr_ifindex = (int)near2.ifindex};
	if (setsockopt(near.rx_fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) < 0)
		note("join: %s", strerror(errno));
	judge(channel_send(&other, "x", 1) == 0 && wait_for(near.rx_fd) &&
			channel_receive(&near, 10, on_datagram, &h) == 1 && h.count == 0 &&
			near.stats.wrong_interface == 1,
		"what came by another interface is dropped and counted");
	channel_close(&near);
	channel_close(&near2);
	channel_close(&other);
	(void)run("ip link del other0");
}

static void test_udp(int family, const char *near_addr, const char *far_addr)
{
	struct channel_config near_config = config_of(family, far_addr, "io0", 3781);
	struct channel_config far_config = config_of(family, near_addr, "io1", 3781);
	struct channel near, far;
	struct heard h;
	int err;

	printf("     UDP %s\n", near_addr);
	near_config.kind = far_config.kind = CHANNEL_UDP;
	near_config.local = addr_of(near_addr);
	far_config.local = addr_of(far_addr);
	far_config.checksum = true;
	err = channel_open(&near, &near_config);
	(void)enter(far_ns);
	err |= channel_open(&far, &far_config);
	(void)enter(near_ns);
	if (err) {
		judge(false, "UDP channels open");
		return;
	}
	judge(pass(&near, &far, 100, channel_payload_bytes(&near), &h) == 100 &&
			pass(&far, &near, 3, 10, &h) == 3,
		"UDP to one peer works");
	judge(memcmp(&h.from, &near_config.group, sizeof(h.from)) == 0,
		"its source is the peer's address");
	channel_close(&near);
	near_config.group = addr_of(family == AF_INET ? "192.0.2.3" : "fe80::3");
	err = channel_open(&near, &near_config);
	judge(err == 0 && channel_send(&far, "x", 1) == 0 && wait_for(near.rx_fd) &&
			channel_receive(&near, 10, on_datagram, &h) == 1 &&
			near.stats.wrong_source == 1 && near.stats.received == 0,
		"another's is refused and counted");
	channel_close(&near);
	near_config.local = addr_of(family == AF_INET ? "192.0.2.77" : "fe80::77");
	judge(channel_open(&near, &near_config) == -EADDRNOTAVAIL,
		"an address that is not ours is told");
	channel_close(&far);
}

/* The peer's address, but not by the link to it. */
static void test_udp_wrong_interface(void)
{
	struct channel_config near_config = config_of(AF_INET, "192.0.2.2", "other0", 3781);
	struct channel_config far_config = config_of(AF_INET, "192.0.2.1", "io1", 3781);
	struct channel near, far;
	struct heard h = {0};
	int err;

	near_config.kind = far_config.kind = CHANNEL_UDP;
	near_config.local = addr_of("192.0.2.1");
	if (!run("ip link add other0 type veth peer name other1 && ip link set other0 up"))
		return;
	err = channel_open(&near, &near_config);
	(void)enter(far_ns);
	err |= channel_open(&far, &far_config);
	(void)enter(near_ns);
	judge(err == 0 && channel_send(&far, "x", 1) == 0 && wait_for(near.rx_fd) &&
			channel_receive(&near, 10, on_datagram, &h) == 1 && h.count == 0 &&
			near.stats.wrong_interface == 1,
		"a peer's datagram by another interface is dropped and counted");
	channel_close(&near);
	channel_close(&far);
	(void)run("ip link del other0");
}

/* ---- interfaces ---- */

struct changes {
	unsigned count;
	struct iface old, now;
};

static void on_change(void *ctx, const struct iface *old, const struct iface *now)
{
	struct changes *c = ctx;

	c->count++;
	c->old = *old;
	c->now = *now;
}

static bool change(struct iface_watch *w, struct changes *c, const char *command)
{
	c->count = 0;
	return run("%s", command) && wait_for(w->sock.fd) &&
	       iface_watch_read(w, on_change, c) == 0 && c->count > 0;
}

static void test_iface(void)
{
	struct iface_watch w;
	struct changes c = {0};

	if (iface_watch_init(&w) || iface_watch_add(&w, "wd0") != 0 ||
		iface_watch_add(&w, "io0") != 1) {
		judge(false, "interfaces are watched");
		return;
	}
	judge(w.ifaces[0].index == 0 && w.ifaces[1].up && w.ifaces[1].running,
		"interfaces are watched");
	judge(change(&w, &c, "ip link add wd0 type veth peer name wd9") && c.old.index == 0 &&
			w.ifaces[0].index > 0 && !w.ifaces[0].up,
		"one that comes is seen");
	(void)run("ip link set wd9 up && ip link set wd0 up");
	while (!w.ifaces[0].running && wait_for(w.sock.fd)) /* the carrier comes a moment later */
		(void)iface_watch_read(&w, on_change, &c);
	judge(w.ifaces[0].up && w.ifaces[0].running, "up and running are seen");
	judge(change(&w, &c, "ip link set wd0 mtu 1234") && w.ifaces[0].mtu == 1234,
		"an MTU is seen");
	judge(change(&w, &c, "ip link set wd0 name wd1") && w.ifaces[0].index == 0,
		"a name that goes is seen");
	judge(change(&w, &c, "ip link set wd1 name wd0") && w.ifaces[0].index > 0,
		"and one that comes back");
	judge(change(&w, &c, "ip link del wd0") && w.ifaces[0].index == 0 && c.old.index > 0,
		"one that goes is seen");
	(void)enter(far_ns);
	(void)run("ip link set io1 down");
	(void)enter(near_ns);
	while (w.ifaces[1].running && wait_for(w.sock.fd))
		(void)iface_watch_read(&w, on_change, &c);
	judge(w.ifaces[1].up && !w.ifaces[1].running, "a cable that is pulled is seen");
	iface_watch_fini(&w);
}

int main(void)
{
	struct nlbatch b;
	int err;

	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace can be made: %s\n", strerror(errno));
		return SKIPPED;
	}
	err = nlbatch_init(&b, NLBATCH_MESSAGES);
	if (err) {
		printf("skipped: no netfilter netlink: %s\n", strerror(-err));
		return SKIPPED;
	}
	test_batch_and_events(&b);
	test_own_port_filter(&b);
	test_overrun(&b);
	test_silent_losses(&b);
	test_lost_answers();
	test_foreign_datagrams();
	test_long_datagrams(&b);
	test_dump(&b);
	test_sysctl();
	test_privileges();
	nlbatch_fini(&b);
	if (make_links()) {
		test_multicast(AF_INET, "225.0.0.50", "192.0.2.1");
		test_multicast(AF_INET6, "ff02::50", "fe80::1");
		test_channel_refusals();
		test_wrong_interface();
		test_udp(AF_INET, "192.0.2.1", "192.0.2.2");
		test_udp(AF_INET6, "fe80::1", "fe80::2");
		test_udp_wrong_interface();
		test_iface();
	} else {
		judge(false, "a veth pair is made");
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
