/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/system/nfct_handle.h"

/* What is asked of the kernel, and what it answers. */

static unsigned dump(struct nfct_handle *h, enum nf_conntrack_query query, const void *data)
{
	struct heard heard = {0};

	listen_to(h, &heard);
	EXPECT(nfct_query(h, query, data) == 0);
	EXPECT(errno == 0);
	EXPECT(heard.by_type[NFCT_T_UPDATE] == heard.count);
	nfct_callback_unregister(h);
	return heard.count;
}

static unsigned count_of(struct nfct_handle *h, uint32_t family)
{
	return dump(h, NFCT_Q_DUMP, &family);
}

static int keep_mark(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *mark)
{
	(void)type;
	*(uint32_t *)mark = nfct_get_attr_u32(ct, ATTR_MARK);
	return NFCT_CB_CONTINUE;
}

static void life_of_an_entry(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nf_conntrack *ct = udp(1);
	struct heard heard = {0};
	uint32_t mark = 0;

	EXPECT_ERROR(nfct_query(h, NFCT_Q_UPDATE, ct), ENOENT);
	EXPECT(get(h, 1) == ENOENT && destroy(h, 1) == ENOENT);
	create(h, udp(1));
	EXPECT_ERROR(nfct_query(h, NFCT_Q_CREATE, ct), EEXIST);
	EXPECT(get(h, 1) == 0); /* without a callback: is it there? */
	listen_to(h, &heard);
	EXPECT(get(h, 1) == 0);
	EXPECT(heard.count == 1 && heard.by_type[NFCT_T_UPDATE] == 1 && heard.last == 1);
	nfct_set_attr_u32(ct, ATTR_MARK, 77);
	EXPECT(nfct_query(h, NFCT_Q_UPDATE, ct) == 0);
	EXPECT(nfct_callback_register(h, NFCT_T_UPDATE, keep_mark, &mark) == 0);
	EXPECT(get(h, 1) == 0 && mark == 77);
	nfct_set_attr_u32(ct, ATTR_MARK, 78);
	EXPECT(nfct_query(h, NFCT_Q_CREATE_UPDATE, ct) == 0);
	EXPECT(get(h, 1) == 0 && mark == 78);
	EXPECT(destroy(h, 1) == 0 && get(h, 1) == ENOENT);
	EXPECT(nfct_query(h, NFCT_Q_CREATE_UPDATE, ct) == 0);
	EXPECT(get(h, 1) == 0);
	nfct_destroy(ct);
	EXPECT(nfct_close(h) == 0);
}

static void dumps_and_flushes(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	uint32_t both = AF_UNSPEC, six = AF_INET6;

	for (unsigned i = 1; i <= 100; i++)
		create(h, udp6(i));
	create_many(1, 500);
	EXPECT(count_of(h, AF_UNSPEC) == 600 && count_of(h, AF_INET) == 500 &&
		count_of(h, AF_INET6) == 100);
	EXPECT(nfct_query(h, NFCT_Q_FLUSH_FILTER, &six) == 0);
	EXPECT(count_of(h, AF_UNSPEC) == 500 && count_of(h, AF_INET6) == 0);
	EXPECT(nfct_query(h, NFCT_Q_FLUSH, &both) == 0);
	EXPECT(count_of(h, AF_UNSPEC) == 0);
	EXPECT(nfct_query(h, NFCT_Q_FLUSH, &both) == 0);
	EXPECT(nfct_close(h) == 0);
}

static struct nf_conntrack *tuple_of(uint8_t l3, uint8_t l4)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u8(ct, ATTR_L3PROTO, l3);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, l4);
	return ct;
}

static unsigned dump_tuple(struct nfct_handle *h, struct nf_conntrack *ct)
{
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	unsigned count;

	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	nfct_destroy(ct);
	count = dump(h, NFCT_Q_DUMP_FILTER, f);
	nfct_filter_dump_destroy(f);
	return count;
}

/* 100 of UDP: every fifth with mark 5, every second assured, every fourth in zone 4; then others.
 */
static void populate(struct nfct_handle *h)
{
	struct nf_conntrack *ct;

	for (unsigned i = 1; i <= 100; i++) {
		ct = udp(i);
		if (i % 5 == 0)
			nfct_set_attr_u32(ct, ATTR_MARK, 0x105);
		if (i % 2 == 0)
			nfct_set_attr_u32(ct, ATTR_STATUS, IPS_ASSURED | IPS_SEEN_REPLY);
		if (i % 4 == 0)
			nfct_set_attr_u16(ct, ATTR_ZONE, 4);
		create(h, ct);
	}
	for (unsigned i = 1; i <= 10; i++) {
		create(h, udp6(i));
		ct = udp(i);
		nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_ICMP);
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, 8);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 0);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons((uint16_t)i));
		nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
		create(h, ct);
	}
}

static void dumps_filtered(void)
{
	struct nfct_filter_dump_mark mark = {5, 0xff}, assured = {IPS_ASSURED, IPS_ASSURED};
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nfct_filter_dump *f = nfct_filter_dump_create();

	populate(h);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 120);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 20);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_STATUS, &assured);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 10);
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_ZONE, 4);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 5);
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 0);
	nfct_filter_dump_destroy(f);
	f = nfct_filter_dump_create();
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 10);
	nfct_filter_dump_destroy(f);
	EXPECT(nfct_close(h) == 0);
}

static void dumps_filtered_by_tuple(void)
{
	struct nfct_filter_dump_mark mark = {5, 0xff};
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nf_conntrack *ct = tuple_of(AF_INET, IPPROTO_UDP);

	populate(h);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(1000));
	EXPECT(dump_tuple(h, nfct_clone(ct)) == 100);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	EXPECT(dump(h, NFCT_Q_DUMP_FILTER, f) == 20);
	EXPECT_ERROR(nfct_query(h, NFCT_Q_FLUSH_FILTER, f), ENOTSUP);
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	EXPECT_ERROR(nfct_query(h, NFCT_Q_DUMP_FILTER, f), EINVAL);
	EXPECT_ERROR(nfct_query(h, NFCT_Q_DUMP_FILTER, ct), EINVAL);
	nfct_filter_dump_destroy(f);
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(7));
	EXPECT(dump_tuple(h, nfct_clone(ct)) == 1);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000009));
	EXPECT(dump_tuple(h, ct) == 0);
	EXPECT(dump_tuple(h, udp(8)) == 1);
	EXPECT(dump_tuple(h, tuple_of(AF_INET6, IPPROTO_UDP)) == 10);
	EXPECT(dump_tuple(h, udp6(8)) == 1);
	ct = tuple_of(AF_INET, IPPROTO_ICMP);
	nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, 8);
	EXPECT(dump_tuple(h, nfct_clone(ct)) == 10);
	nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(3));
	EXPECT(dump_tuple(h, ct) == 1);
	EXPECT(nfct_close(h) == 0);
}

/* Entries that a dump brings if the kernel is asked to compare IPv6 source addresses. */
static unsigned dump_of_ipv6_source(struct nf_conntrack *ct)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	_Alignas(4) uint8_t buf[1024] = {0};
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buf;
	struct heard heard = {0};
	struct nlattr *nest;

	nlh->nlmsg_len = 20;
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	buf[16] = AF_INET6;
	EXPECT(nfct_nlmsg_build(nlh, ct) == 0);
	nest = mnl_attr_nest_start(nlh, CTA_FILTER);
	mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, CTA_FILTER_FLAG_CTA_IP_SRC);
	mnl_attr_put_u32(nlh, CTA_FILTER_REPLY_FLAGS, 0);
	mnl_attr_nest_end(nlh, nest);
	listen_to(h, &heard);
	EXPECT(send(nfct_fd(h), buf, nlh->nlmsg_len, 0) == (ssize_t)nlh->nlmsg_len);
	EXPECT(nfct_catch(h) == 0);
	EXPECT(nfct_close(h) == 0);
	return heard.count;
}

/* Why the library asks for no IPv6 addresses, and promises nothing of zones; once this fails... */
static void kernel_compares_not_all(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nf_conntrack *here = udp6(1), *elsewhere = udp6(1);

	create(h, udp6(1));
	create(h, udp6(2));
	nfct_set_attr(elsewhere, ATTR_IPV6_SRC, "0123456789abcdef");
	EXPECT(dump_of_ipv6_source(here) == 0);
	EXPECT(dump_of_ipv6_source(elsewhere) == 2);
	EXPECT(dump_tuple(h, here) == 1); /* by its port */
	EXPECT(dump_tuple(h, elsewhere) == 1);
	here = udp6(1);
	nfct_set_attr_u16(here, ATTR_ORIG_ZONE, 5);
	EXPECT(dump_tuple(h, here) == 1);
	EXPECT(nfct_close(h) == 0);
}

static void flushes_filtered(void)
{
	struct nfct_filter_dump_mark mark = {5, 0xff};
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nfct_filter_dump *f = nfct_filter_dump_create();

	populate(h);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_ZONE, 4);
	EXPECT(nfct_query(h, NFCT_Q_FLUSH_FILTER, f) == 0);
	EXPECT(count_of(h, AF_UNSPEC) == 115);
	nfct_filter_dump_destroy(f);
	f = nfct_filter_dump_create();
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	EXPECT(nfct_query(h, NFCT_Q_FLUSH_FILTER, f) == 0);
	EXPECT(count_of(h, AF_UNSPEC) == 105 && count_of(h, AF_INET6) == 0);
	nfct_filter_dump_destroy(f);
	EXPECT(nfct_close(h) == 0);
}

static int add_packets(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *sum)
{
	(void)type;
	*(uint64_t *)sum += nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	return NFCT_CB_CONTINUE;
}

static uint64_t packets(struct nfct_handle *h, enum nf_conntrack_query query, const void *data)
{
	uint64_t sum = 0;

	EXPECT(nfct_callback_register(h, NFCT_T_ALL, add_packets, &sum) == 0);
	EXPECT(nfct_query(h, query, data) == 0);
	return sum;
}

static void send_datagram(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT(fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
	close(fd);
}

/* Needs connection tracking and its accounting, which the caller has switched on. */
static void counters_are_reset(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	uint32_t family = AF_INET;

	send_datagram();
	EXPECT(packets(h, NFCT_Q_DUMP, &family) > 0);
	EXPECT(packets(h, NFCT_Q_DUMP_RESET, &family) > 0);
	EXPECT(packets(h, NFCT_Q_DUMP, &family) == 0);
	send_datagram();
	EXPECT(packets(h, NFCT_Q_DUMP_FILTER_RESET, f) > 0);
	EXPECT(packets(h, NFCT_Q_DUMP_FILTER, f) == 0);
	nfct_filter_dump_destroy(f);
	EXPECT(nfct_close(h) == 0);
}

/* Objects that no message of usual size holds, and some that none holds at all. */
static void large_objects(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct nf_conntrack *ct = udp(1);
	struct nfct_bitmask *labels = nfct_bitmask_new(65535), *mask;
	static const uint8_t info[70000];

	nfct_bitmask_set_bit(labels, 65535);
	mask = nfct_bitmask_clone(labels);
	nfct_set_attr(ct, ATTR_CONNLABELS, labels);
	nfct_set_attr(ct, ATTR_CONNLABELS_MASK, mask);
	EXPECT(nfct_send(h, NFCT_Q_CREATE, ct) > 2 * 8192);
	EXPECT(nfct_catch(h) == -1 && errno != 0 && errno != EMSGSIZE); /* the kernel's own bound */
	EXPECT(get(h, 1) == ENOENT);
	nfct_attr_unset(ct, ATTR_CONNLABELS);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	nfct_set_attr_l(ct, ATTR_HELPER_INFO, info, sizeof(info));
	EXPECT_ERROR(nfct_query(h, NFCT_Q_CREATE, ct), EMSGSIZE);
	nfct_destroy(ct);
	create(h, udp(1));
	EXPECT(nfct_close(h) == 0);
}

static void nothing_is_sent_of_nothing(void)
{
	struct nfct_handle *h = opened(0, 0);
	struct nf_conntrack *ct = nfct_new();
	struct nf_expect *exp = nfexp_new();

	set_nonblocking(h);
	EXPECT_ERROR(nfct_query(h, NFCT_Q_DESTROY, ct), EINVAL);
	EXPECT_ERROR(nfct_send(h, NFCT_Q_DESTROY, ct), EINVAL);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_DESTROY, exp), EINVAL);
	EXPECT_ERROR(nfct_query(h, (enum nf_conntrack_query)99, ct), ENOTSUP);
	EXPECT_ERROR(nfexp_query(h, NFCT_Q_UPDATE, exp), ENOTSUP);
	EXPECT_ERROR(nfct_query(h, NFCT_Q_DUMP, NULL), EINVAL);
	EXPECT_ERROR(nfct_catch(h), EAGAIN);
	nfct_destroy(ct);
	nfexp_destroy(exp);
	EXPECT(nfct_close(h) == 0);
}

static void handle_of_another_subsystem(void)
{
	struct nfct_handle *h = opened(EXPECT, 0), *none = opened(77, 0);
	struct heard heard = {0};
	uint32_t family = AF_UNSPEC;

	create(h, udp(1));
	EXPECT(get(h, 1) == 0 && get(h, 2) == ENOENT);
	EXPECT(nfct_query(h, NFCT_Q_DUMP, &family) == 0);
	EXPECT(get(none, 1) == 0 && get(none, 2) == ENOENT);
	EXPECT_ERROR(nfct_callback_register(h, NFCT_T_ALL, hear, &heard), EINVAL);
	EXPECT(nfct_close(h) == 0 && nfct_close(none) == 0);
}

/* Forty per thread, each seen by its own handle alone. */
static void *work(void *arg)
{
	unsigned first = *(unsigned *)arg;
	struct nfct_handle *h = opened(CONNTRACK, 0);
	struct heard heard = {0};
	uint32_t family = AF_INET;

	listen_to(h, &heard);
	for (unsigned i = first; i < first + 40; i++) {
		create(h, udp(i));
		heard.count = 0;
		EXPECT(get(h, i) == 0 && heard.count == 1 && heard.last == i);
		EXPECT(get(h, i + 20000) == ENOENT);
		EXPECT(nfct_query(h, NFCT_Q_DUMP, &family) == 0);
		if (i % 2)
			EXPECT(destroy(h, i) == 0);
	}
	EXPECT(nfct_close(h) == 0);
	return NULL;
}

static void threads(void)
{
	struct nfct_handle *h = opened(CONNTRACK, 0);
	unsigned first[] = {1000, 2000, 3000, 4000};
	pthread_t thread[4];

	for (unsigned i = 0; i < 4; i++)
		EXPECT(pthread_create(&thread[i], NULL, work, &first[i]) == 0);
	for (unsigned i = 0; i < 4; i++)
		EXPECT(pthread_join(thread[i], NULL) == 0);
	EXPECT(count_of(h, AF_INET) == 4 * 20);
	EXPECT(nfct_close(h) == 0);
}

static void unprivileged(void)
{
	struct nfct_handle *h;

	EXPECT(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	errno = 0;
	EXPECT(nfct_open(CONNTRACK, NFCT_ALL_CT_GROUPS) == NULL && errno == EPERM);
	h = opened(CONNTRACK, 0);
	EXPECT(get(h, 1) == EPERM);
	EXPECT(nfct_close(h) == 0);
}

const struct nfct_case query_cases[] = {
	{"life_of_an_entry", life_of_an_entry},
	{"dumps_and_flushes", dumps_and_flushes},
	{"dumps_filtered", dumps_filtered},
	{"dumps_filtered_by_tuple", dumps_filtered_by_tuple},
	{"kernel_compares_not_all", kernel_compares_not_all},
	{"flushes_filtered", flushes_filtered},
	{"counters_are_reset", counters_are_reset},
	{"large_objects", large_objects},
	{"nothing_is_sent_of_nothing", nothing_is_sent_of_nothing},
	{"handle_of_another_subsystem", handle_of_another_subsystem},
	{"threads", threads},
	{"unprivileged", unprivileged},
	{NULL, NULL},
};
