/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/system/nfct_handle.h"

/* Events, callbacks and their verdicts, and whose answer is whose. */

static const uint32_t all = AF_UNSPEC;

static void events_of_every_kind(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NFCT_ALL_CT_GROUPS),
			   *other = opened(CONNTRACK, 0);
	struct nf_conntrack *ct = udp(1);
	struct heard heard = {0};

	set_nonblocking(h);
	listen_to(h, &heard);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	create(other, udp(1));
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 1 && heard.by_type[NFCT_T_NEW] == 1 && heard.last == 1);
	nfct_set_attr_u32(ct, ATTR_MARK, 5);
	EXPECT(nfct_query(other, NFCT_Q_UPDATE, ct) == 0 && destroy(other, 1) == 0);
	EXPECT_ERROR(nfexp_catch(h), EAGAIN);
	EXPECT(heard.count == 3 && heard.by_type[NFCT_T_UPDATE] == 1 &&
		heard.by_type[NFCT_T_DESTROY] == 1);

	EXPECT(nfct_callback_register(h, NFCT_T_DESTROY, hear, &heard) == 0);
	create(other, udp(2));
	EXPECT(destroy(other, 2) == 0);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 4 && heard.by_type[NFCT_T_DESTROY] == 2 && heard.last == 2);
	nfct_destroy(ct);
	EXPECT(nfct_close(h) == 0 && nfct_close(other) == 0);
}

static void groups_choose_events(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NF_NETLINK_CONNTRACK_DESTROY);
	struct nfct_handle *other = opened(CONNTRACK, 0);
	struct heard heard = {0};

	set_nonblocking(h);
	listen_to(h, &heard);
	create(other, udp(1));
	EXPECT(destroy(other, 1) == 0);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 1 && heard.by_type[NFCT_T_DESTROY] == 1);
	EXPECT(nfct_close(h) == 0 && nfct_close(other) == 0);
}

struct waiter {
	pid_t tid;
	pthread_t thread;
};

static atomic_uint signals;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&signals, 1);
}

static bool is_asleep(pid_t tid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY);
	EXPECT(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strstr(text, ") S ") != NULL;
}

/* Signals the waiter five times while it waits in the kernel, then lets it hear something. */
static void *disturb(void *arg)
{
	const struct waiter *w = (const struct waiter *)arg;

	for (unsigned i = 0; i < 5; i++) {
		while (!is_asleep(w->tid))
			;
		EXPECT(pthread_kill(w->thread, SIGUSR1) == 0);
		while (atomic_load(&signals) == i)
			;
	}
	create_many(1, 1);
	return NULL;
}

static void blocking_catch(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NFCT_ALL_CT_GROUPS);
	struct waiter w = {(pid_t)syscall(SYS_gettid), pthread_self()};
	struct heard heard = {.verdict_at = 1, .verdict = NFCT_CB_STOP};
	struct sigaction act = {.sa_handler = on_signal}; /* without SA_RESTART */
	pthread_t thread;

	EXPECT(sigaction(SIGUSR1, &act, NULL) == 0);
	listen_to(h, &heard);
	EXPECT(pthread_create(&thread, NULL, disturb, &w) == 0);
	EXPECT(nfct_catch(h) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(heard.count == 1 && atomic_load(&signals) == 5);
	EXPECT(nfct_close(h) == 0);
}

static void overrun(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NFCT_ALL_CT_GROUPS);
	struct heard heard = {0};
	unsigned kept;

	set_nonblocking(h);
	listen_to(h, &heard);
	EXPECT(nfnl_rcvbufsiz(nfct_nfnlh(h), 2048) >= 2048);
	create_many(1, 100);
	EXPECT_ERROR(nfct_catch(h), ENOBUFS);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	kept = heard.count;
	EXPECT(kept > 0 && kept < 100);
	create_many(1000, 1);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == kept + 1 && heard.last == 1000);
	EXPECT(nfct_close(h) == 0);
}

static unsigned dumped(struct nfct_handle *h)
{
	struct heard heard = {0};

	listen_to(h, &heard);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	nfct_callback_unregister(h);
	return heard.count;
}

/* The rest of a dump that a callback stopped neither answers nor reaches anyone else. */
static void stopped_dump(void)
{
	static const int verdicts[] = {NFCT_CB_STOP, NFCT_CB_FAILURE, -7};
	struct nfct_handle *h = opened(CONNTRACK, 0);

	create_many(1, 1500);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct heard heard = {.verdict_at = 3, .verdict = verdicts[i]};

		listen_to(h, &heard);
		EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == verdicts[i] && errno == EXFULL);
		EXPECT(heard.count == 3);
		heard = (struct heard){0};
		EXPECT(get(h, 9999) == ENOENT && get(h, 9999) == ENOENT);
		EXPECT(heard.count == 0);
		EXPECT(get(h, 700) == 0 && heard.count == 1 && heard.last == 700);
		create(h, udp(3000));
		EXPECT(destroy(h, 3000) == 0);
		/* and the kernel, which is still at that dump, makes another */
		EXPECT(dumped(h) == 1500);
		heard = (struct heard){.verdict_at = 1, .verdict = verdicts[i]};
		listen_to(h, &heard);
		EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == verdicts[i]);
		EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0 && heard.count == 1501);
		EXPECT(get(h, 9999) == ENOENT);
	}
	set_nonblocking(h);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(dumped(h) == 1500);
	EXPECT(nfct_close(h) == 0);
}

/* An acknowledgement that nobody waited for is nobody's. */
static void stale_acknowledgement(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct heard heard = {.verdict_at = 1, .verdict = NFCT_CB_STOP};

	create_many(1, 1);
	listen_to(h, &heard);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	heard.count = 0;
	{
		struct nf_conntrack *ct = udp(1);

		EXPECT(nfct_query(h, NFCT_Q_GET, ct) == 0);
		nfct_destroy(ct);
	}
	EXPECT(heard.count == 1);
	EXPECT(get(h, 2) == ENOENT);
	EXPECT(destroy(h, 1) == 0);
	EXPECT(destroy(h, 1) == ENOENT);
	EXPECT(nfct_close(h) == 0);
}

/* Events that come during a query are heard in it, and stop it if the callback says so. */
static void events_during_a_query(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NFCT_ALL_CT_GROUPS);
	struct heard heard = {0};

	set_nonblocking(h);
	listen_to(h, &heard);
	create_many(1, 5);
	EXPECT(get(h, 9999) == ENOENT);
	EXPECT(heard.by_type[NFCT_T_NEW] == 5 && heard.count == 5);
	create_many(11, 5);
	heard = (struct heard){.verdict_at = 2, .verdict = NFCT_CB_STOP};
	EXPECT(dumped(h) == 15 && heard.count == 0); /* ten entries, five events */
	listen_to(h, &heard);
	create_many(21, 5);
	{
		struct nf_conntrack *ct = udp(9999);

		EXPECT(nfct_query(h, NFCT_Q_GET, ct) == 0); /* stopped before its answer */
		nfct_destroy(ct);
	}
	EXPECT(heard.count == 2 && heard.last == 22);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 5 && heard.by_type[NFCT_T_NEW] == 5);
	EXPECT(nfct_close(h) == 0);
}

static struct nf_conntrack *stolen[200];
static unsigned stolen_count;

static int steal(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	(void)type;
	(void)data;
	EXPECT(stolen_count < ARRAY_SIZE(stolen));
	stolen[stolen_count++] = ct;
	return NFCT_CB_STOLEN;
}

static void stolen_objects(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	bool seen[ARRAY_SIZE(stolen) + 1] = {false};

	create_many(1, ARRAY_SIZE(stolen));
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, steal, NULL) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(stolen_count == ARRAY_SIZE(stolen));
	EXPECT(nfct_close(h) == 0);
	for (unsigned i = 0; i < stolen_count; i++) {
		struct nf_conntrack *fresh = nfct_new();
		unsigned number = number_of(stolen[i]);

		EXPECT(number > 0 && number <= stolen_count && !seen[number]);
		seen[number] = true;
		nfct_set_attr(stolen[i], ATTR_CONNLABELS, nfct_bitmask_new(127));
		nfct_copy(fresh, stolen[i], NFCT_CP_OVERRIDE);
		EXPECT(nfct_cmp(fresh, stolen[i], NFCT_CMP_ALL | NFCT_CMP_STRICT) == 1);
		nfct_destroy(fresh);
		nfct_destroy(stolen[i]);
	}
}

static int hear2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
	struct nf_conntrack *ct, void *data)
{
	struct nf_conntrack *same = nfct_new();

	EXPECT(nfct_nlmsg_parse(nlh, same) == 0);
	EXPECT(nfct_cmp(same, ct, NFCT_CMP_ALL | NFCT_CMP_STRICT) == 1);
	nfct_destroy(same);
	return hear(type, ct, data);
}

static void callbacks_of_both_kinds(void)
{
	struct nfct_handle *h = opened(0, 0);
	struct heard one = {0}, two = {0}, three = {0};

	create_many(1, 10);
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, hear, &one) == 0);
	EXPECT(nfct_callback_register2(h, NFCT_T_ALL, hear2, &two) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(one.count == 10 && two.count == 0);
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, hear, &three) == 0); /* replaces */
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(one.count == 10 && two.count == 0 && three.count == 10);
	nfct_callback_unregister(h);
	nfct_callback_unregister(h);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(two.count == 10 && three.count == 10);
	EXPECT(nfct_callback_register2(h, NFCT_T_NEW | NFCT_T_DESTROY, hear2, &two) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(two.count == 10); /* a dump tells of updates */
	nfct_callback_unregister2(h);
	nfct_callback_unregister2(h);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(one.count == 10 && two.count == 10 && three.count == 10);
	EXPECT_ERROR(nfct_callback_register(h, NFCT_T_ALL, NULL, NULL), EINVAL);
	EXPECT(nfct_close(h) == 0);
}

static int ask_more(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	static bool is_inner;
	struct nfct_handle *h = *(struct nfct_handle **)data;
	unsigned number = number_of(ct);

	(void)type;
	if (is_inner)
		return NFCT_CB_CONTINUE;
	EXPECT(nfct_get_attr_u32(ct, ATTR_MARK) == 0);
	is_inner = true;
	EXPECT(get(h, number) == 0 && get(h, 9999) == ENOENT);
	/* While the kernel is at the one dump it makes no other. */
	if (number % 100 == 0)
		EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0 || errno == EBUSY);
	nfct_set_attr_u32(ct, ATTR_MARK, number);
	nfct_attr_unset(ct, ATTR_STATUS);
	EXPECT(nfct_query(h, NFCT_Q_UPDATE, ct) == 0);
	is_inner = false;
	return NFCT_CB_CONTINUE;
}

static int check_mark(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *count)
{
	(void)type;
	EXPECT(nfct_get_attr_u32(ct, ATTR_MARK) == number_of(ct));
	++*(unsigned *)count;
	return NFCT_CB_CONTINUE;
}

/* Queries in a callback of a dump, over the same handle: each gets its own answers. */
static void queries_in_a_callback(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	unsigned count = 0;

	create_many(1, 1500);
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, ask_more, &h) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0);
	EXPECT(nfct_callback_register(h, NFCT_T_ALL, check_mark, &count) == 0);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0 && count == 1500);
	EXPECT(nfct_close(h) == 0);
}

static void send_get(struct nfct_handle *h, unsigned number)
{
	struct nf_conntrack *ct = udp(number);

	EXPECT(nfct_send(h, NFCT_Q_GET, ct) > 20);
	nfct_destroy(ct);
}

static void sent_requests(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct heard heard = {0};
	struct nf_conntrack *ct = udp(2);

	create_many(1, 1);
	listen_to(h, &heard);
	send_get(h, 1);
	EXPECT(nfct_catch(h) == 0 && errno == 0 && heard.count == 1);
	send_get(h, 9);
	EXPECT_ERROR(nfct_catch(h), ENOENT);
	/* Three outcomes come during a query, whose own is another. */
	EXPECT(nfct_send(h, NFCT_Q_CREATE, ct) > 20 && nfct_send(h, NFCT_Q_CREATE, ct) > 20);
	send_get(h, 1);
	EXPECT(get(h, 9) == ENOENT && heard.count == 2 && heard.last == 1);
	EXPECT(get(h, 2) == 0 && heard.count == 3);
	EXPECT(nfct_catch(h) == 0 && errno == 0);
	EXPECT_ERROR(nfct_catch(h), EEXIST);
	EXPECT(nfct_catch(h) == 0);
	set_nonblocking(h);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	nfct_destroy(ct);
	EXPECT(nfct_close(h) == 0);
}

/* Of more outcomes than are kept, the latest. */
static void many_sent_requests(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	unsigned outcomes = 0;

	set_nonblocking(h);
	create_many(1, 1);
	for (unsigned i = 0; i < 300; i++) {
		send_get(h, i < 299 ? 9 : 1);
		if (i % 10 == 9)
			EXPECT(get(h, 9) == ENOENT);
	}
	for (errno = 0; nfct_catch(h) == -1 && errno == ENOENT; outcomes++)
		;
	EXPECT(outcomes == 255 && errno == 0);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(nfct_close(h) == 0);
}

static void sent_dump(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct heard heard = {0};

	create_many(1, 1500);
	listen_to(h, &heard);
	EXPECT(nfct_send(h, NFCT_Q_DUMP, &all) == 20);
	EXPECT(nfct_catch(h) == 0 && errno == 0 && heard.count == 1500);

	/* A query meanwhile ends with its own answer, and what it hears is not lost. */
	heard = (struct heard){0};
	EXPECT(nfct_send(h, NFCT_Q_DUMP, &all) == 20);
	EXPECT(get(h, 9999) == ENOENT && heard.count > 0);
	EXPECT(nfct_catch(h) == 0 && heard.count == 1500);
	heard = (struct heard){0};
	EXPECT(nfct_send(h, NFCT_Q_DUMP, &all) == 20);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0 && heard.count == 3000);
	EXPECT(nfct_catch(h) == 0);

	/* Stopped, the next catch goes on behind the entry where it was stopped. */
	heard = (struct heard){.verdict_at = 700, .verdict = NFCT_CB_STOP};
	EXPECT(nfct_send(h, NFCT_Q_DUMP, &all) == 20);
	EXPECT(nfct_catch(h) == 0 && heard.count == 700);
	EXPECT(nfct_catch(h) == 0 && heard.count == 1500);

	/* but a query does not hear of what was stopped. */
	heard = (struct heard){.verdict_at = 3, .verdict = NFCT_CB_STOP};
	EXPECT(nfct_send(h, NFCT_Q_DUMP, &all) == 20);
	EXPECT(nfct_catch(h) == 0 && heard.count == 3);
	EXPECT(get(h, 9999) == ENOENT && heard.count == 3);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &all) == 0 && heard.count == 1503);
	set_nonblocking(h);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(nfct_close(h) == 0);
}

/* Another process, privileged too, may write to the socket; it is not the kernel. */
static void messages_of_others(void)
{
	struct nfct_handle *h = opened(CONNTRACK, NFCT_ALL_CT_GROUPS);
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = nfnl_portid(nfct_nfnlh(h))};
	struct nf_conntrack *ct = udp(5);
	struct heard heard = {0};
	_Alignas(4) uint8_t buf[4096] = {0};
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buf;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	EXPECT(fd >= 0);
	set_nonblocking(h);
	listen_to(h, &heard);
	nlh->nlmsg_len = 20;
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	buf[16] = AF_INET;
	EXPECT(nfct_nlmsg_build(nlh, ct) == 0);
	EXPECT(sendto(fd, buf, nlh->nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) ==
		(ssize_t)nlh->nlmsg_len);
	*nlh = (struct nlmsghdr){.nlmsg_len = 36, .nlmsg_type = NLMSG_ERROR};
	EXPECT(sendto(fd, buf, 36, 0, (struct sockaddr *)&to, sizeof(to)) == 36);
	EXPECT(sendto(fd, buf, 0, 0, (struct sockaddr *)&to, sizeof(to)) <= 0);
	create_many(6, 1);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	EXPECT(heard.count == 1 && heard.last == 6);
	nfct_destroy(ct);
	close(fd);
	EXPECT(nfct_close(h) == 0);
}

/* A genuine handle of libnfnetlink, whose functions reach our callbacks. */
static void handle_of_libnfnetlink(void)
{
	struct nfct_handle *h = opened(0, NFCT_ALL_CT_GROUPS);
	struct nfnl_handle *nfnlh = (struct nfnl_handle *)(uintptr_t)nfct_nfnlh(h);
	struct sockaddr_nl local;
	socklen_t len = sizeof(local);
	struct heard heard = {0};
	_Alignas(4) char buf[8192];
	ssize_t n;

	EXPECT(nfnl_fd(nfnlh) == nfct_fd(h));
	EXPECT(getsockname(nfct_fd(h), (struct sockaddr *)&local, &len) == 0);
	EXPECT(nfnl_portid(nfnlh) == local.nl_pid && local.nl_pid != 0);
	EXPECT(nfnl_rcvbufsiz(nfnlh, 100000) == 200000);
	listen_to(h, &heard);
	create_many(1, 3);
	n = recv(nfct_fd(h), buf, sizeof(buf), 0);
	EXPECT(n > 0 && nfnl_handle_packet(nfnlh, buf, (int)n) == 0);
	EXPECT(heard.count == 1 && heard.last == 1);
	send_get(h, 2);
	send_get(h, 9);
	EXPECT(nfnl_catch(nfnlh) == 0 && errno == 0 && heard.count == 4);
	EXPECT_ERROR(nfnl_catch(nfnlh), ENOENT);
	set_nonblocking(h);
	nfct_callback_unregister(h);
	create_many(4, 3);
	EXPECT_ERROR(nfnl_catch(nfnlh), EAGAIN);
	EXPECT(heard.count == 4);
	EXPECT(nfct_close(h) == 0);
}

static int count_other(struct nlmsghdr *nlh, struct nfattr *attrs[], void *count)
{
	(void)nlh;
	(void)attrs;
	++*(unsigned *)count;
	return NFNL_CB_CONTINUE;
}

/* Asks the kernel for its timeouts of UDP, which is a subsystem that this library knows not of. */
static void send_other(struct nfnl_handle *nfnlh)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg gen;
		uint16_t attrs[8];
	} request = {{36, NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8 | IPCTNL_MSG_TIMEOUT_DEFAULT_GET,
			     NLM_F_REQUEST, 0, 0},
		{AF_UNSPEC, 0, 0},
		{6, CTA_TIMEOUT_L3PROTO, htons(AF_INET), 0, 5, CTA_TIMEOUT_L4PROTO, 0, 0}};

	*(uint8_t *)&request.attrs[6] = IPPROTO_UDP;
	EXPECT(nfnl_send(nfnlh, &request.nlh) == 36);
}

/* One socket for two handles of ours; and what comes for neither goes where libnfnetlink says. */
static void shared_handle_of_libnfnetlink(void)
{
	struct nfnl_handle *nfnlh = nfnl_open();
	static struct nfct_handle *ct, *exp; /* one of them remains, its socket closed */
	struct nfnl_subsys_handle *third;
	unsigned others = 0;
	struct nfnl_callback cb = {count_other, &others, CTA_TIMEOUT_MAX};
	struct heard heard = {0};

	EXPECT(nfnlh != NULL);
	ct = nfct_open_nfnl(nfnlh, CONNTRACK, NFCT_ALL_CT_GROUPS);
	exp = nfct_open_nfnl(nfnlh, EXPECT, 0);
	EXPECT(ct != NULL && exp != NULL && nfct_fd(ct) == nfct_fd(exp));
	errno = 0;
	EXPECT(nfct_open_nfnl(nfnlh, CONNTRACK, 0) == NULL && errno == EBUSY);
	EXPECT(nfct_open_nfnl(nfnlh, 0, 0) == NULL && errno == EBUSY);
	set_nonblocking(ct);
	listen_to(ct, &heard);
	create_many(1, 3);
	EXPECT_ERROR(nfct_catch(exp), EAGAIN); /* reads them, and ct's callback hears them */
	EXPECT(heard.count == 3);
	EXPECT(get(exp, 2) == 0 && get(exp, 9) == ENOENT && heard.count == 3);
	EXPECT(get(ct, 2) == 0 && heard.count == 4);

	send_other(nfnlh);
	EXPECT_ERROR(nfct_catch(ct), ENOENT); /* libnfnetlink knows nobody for it */
	third = nfnl_subsys_open(nfnlh, NFNL_SUBSYS_CTNETLINK_TIMEOUT, IPCTNL_MSG_TIMEOUT_MAX, 0);
	EXPECT(third && nfnl_callback_register(third, IPCTNL_MSG_TIMEOUT_DEFAULT_SET, &cb) == 0);
	send_other(nfnlh);
	EXPECT_ERROR(nfct_catch(ct), EAGAIN);
	EXPECT(others == 1);
	send_other(nfnlh);
	EXPECT(get(ct, 9) == ENOENT && others == 2);
	EXPECT(nfct_close(ct) == 0);
}

const struct nfct_case receive_cases[] = {
	{"events_of_every_kind", events_of_every_kind},
	{"groups_choose_events", groups_choose_events},
	{"blocking_catch", blocking_catch},
	{"overrun", overrun},
	{"stopped_dump", stopped_dump},
	{"stale_acknowledgement", stale_acknowledgement},
	{"events_during_a_query", events_during_a_query},
	{"stolen_objects", stolen_objects},
	{"callbacks_of_both_kinds", callbacks_of_both_kinds},
	{"queries_in_a_callback", queries_in_a_callback},
	{"sent_requests", sent_requests},
	{"many_sent_requests", many_sent_requests},
	{"sent_dump", sent_dump},
	{"messages_of_others", messages_of_others},
	{"handle_of_libnfnetlink", handle_of_libnfnetlink},
	{"shared_handle_of_libnfnetlink", shared_handle_of_libnfnetlink},
	{NULL, NULL},
};
