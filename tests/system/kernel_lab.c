/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/system/kernel_lab.h"

static struct mnl_socket *nl;
static unsigned passed, failed;
static uint16_t next_port = 1000;
static uint32_t answer[16384 / sizeof(uint32_t)]; /* what the last get's flow borrows from */

int lab_open(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	nl = mnl_socket_open(NETLINK_NETFILTER);
	return nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 ? 0 : -1;
}

int lab_close(const char *program)
{
	mnl_socket_close(nl);
	printf("%s: %u passed, %u failed\n", program, passed, failed);
	return failed > 0;
}

void fact(const char *what, bool holds)
{
	printf("%s %s\n", holds ? "PASS" : "FAIL", what);
	*(holds ? &passed : &failed) += 1;
}

/* A request's outcome: 0 or an errno. */
void expect(const char *what, int got, int wanted)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, wanted ? strerrorname_np(wanted) : "accepted");
	fact(text, got == wanted);
	if (got != wanted)
		printf("     got %s\n", got ? strerrorname_np(got) : "accepted");
}

int talk(const void *request, size_t len, struct flow *out)
{
	const struct nlmsghdr *msg = (const struct nlmsghdr *)answer;

	if (len == 0)
		return EMSGSIZE;
	if (mnl_socket_sendto(nl, request, len) < 0)
		return errno;
	for (;;) {
		uint32_t buf[sizeof(answer) / sizeof(uint32_t)];
		ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		const struct nlmsghdr *head = (const struct nlmsghdr *)buf;

		if (got < 0)
			return errno;
		if (head->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(head);

			return -err->error;
		}
		memcpy(answer, buf, (size_t)got);
		if (out && nlmsg_ct_parse(msg, (size_t)got, out) != NLMSG_OK)
			return EBADMSG;
	}
}

int request(const struct flow *f, uint16_t nl_flags, unsigned parts)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];

	return talk(buf, nlmsg_ct_build(buf, sizeof(buf), NLM_F_ACK | nl_flags, 1, f, parts), NULL);
}

int create(const struct flow *f)
{
	return request(f, CREATE, NLMSG_PART_ALL);
}

int update(const struct flow *f)
{
	return request(f, 0, PARTS_UPDATE);
}

int destroy(const struct flow *f, unsigned parts)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];

	return talk(buf, nlmsg_ct_build_delete(buf, sizeof(buf), NLM_F_ACK, 1, f, parts), NULL);
}

/* The entry as the kernel has it; a flow without anything if there is none. */
struct flow get(const struct flow *f)
{
	uint32_t buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct flow out;

	memset(&out, 0, sizeof(out));
	talk(buf, nlmsg_ct_build_get(buf, sizeof(buf), NLM_F_ACK, 1, f), &out);
	return out;
}

bool exists(const struct flow *f)
{
	struct flow now = get(f);

	return flow_has(&now, FLOW_ORIG_L3PROTO);
}

/* A settled flow that no other fact uses. */
struct flow fresh(uint8_t l3, uint8_t l4)
{
	struct flow f;
	struct flow_tuple *t = &f.tuple[FLOW_ORIG];
	bool is_v4 = l3 == AF_INET;

	memset(&f, 0, sizeof(f));
	t->l3 = l3;
	t->l4 = l4;
	inet_pton(l3, is_v4 ? "10.0.0.1" : "fd00::1", &t->src);
	inet_pton(l3, is_v4 ? "10.0.0.2" : "fd00::2", &t->dst);
	if (is_v4) /* protocols without ports need addresses of their own */
		t->src.bytes[2] = (uint8_t)(next_port >> 2);
	else
		t->src.bytes[14] = (uint8_t)(next_port >> 2);
	flow_mark_set(&f, is_v4 ? FLOW_ORIG_IPV4_SRC : FLOW_ORIG_IPV6_SRC);
	flow_mark_set(&f, is_v4 ? FLOW_ORIG_IPV4_DST : FLOW_ORIG_IPV6_DST);
	flow_mark_set(&f, FLOW_ORIG_L3PROTO);
	flow_mark_set(&f, FLOW_ORIG_L4PROTO);
	next_port += 4;
	if (flow_l4_is_icmp(l4)) {
		t->icmp_id_be = htons(next_port);
		t->icmp_type = l4 == IPPROTO_ICMP ? 8 : 128;
		flow_mark_set(&f, FLOW_ICMP_ID);
		flow_mark_set(&f, FLOW_ICMP_TYPE);
		flow_mark_set(&f, FLOW_ICMP_CODE);
	} else if (flow_l4_has_ports(l4) || l4 == IPPROTO_GRE) {
		t->sport_be = htons(next_port);
		t->dport_be = htons(80);
		flow_mark_set(&f, FLOW_ORIG_PORT_SRC);
		flow_mark_set(&f, FLOW_ORIG_PORT_DST);
	}
	flow_setup_reply(&f);
	f.timeout = 100;
	flow_mark_set(&f, FLOW_TIMEOUT);
	f.status = SETTLED;
	flow_mark_set(&f, FLOW_STATUS);
	if (l4 == IPPROTO_TCP) {
		f.tcp.state = FLOW_TCP_ESTABLISHED;
		flow_mark_set(&f, FLOW_TCP_STATE);
	}
	return f;
}

struct flow tcp(void)
{
	return fresh(AF_INET, IPPROTO_TCP);
}

struct flow tcp_created(void)
{
	struct flow f = tcp();

	fact("(an entry to be updated is created)", create(&f) == 0);
	return f;
}
