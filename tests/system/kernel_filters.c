/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows that nlmsg_bpf_build()'s programs keep events of the running kernel from a socket, and no
 * others. Needs root; works in a network namespace of its own. Exit status as kernel_accepts.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/check.h"
#include "flow/filter.h"
#include "nlmsg/bpf.h"
#include "tests/system/kernel_lab.h"

/*
 * An event socket with nlmsg_bpf_build()'s program: is the creation of f by the socket maker, which
 * is own_port's or another, heard?
 */
static bool is_heard(const struct flow *f, struct mnl_socket *maker, const uint32_t *own_port,
	const struct flow_filter *filter)
{
	static struct sock_filter prog[BPF_MAXINSNS];
	struct sock_fprog fprog = {0, prog};
	uint32_t buf[2048], request_buf[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct mnl_socket *events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK);
	int len = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), own_port, own_port ? 1 : 0, filter);
	ssize_t got;

	fprog.len = (unsigned short)len;
	if (len < 0 || !events || mnl_socket_bind(events, 1, MNL_SOCKET_AUTOPID) < 0 ||
		setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_ATTACH_FILTER, &fprog,
			sizeof(fprog)) < 0)
		fact("(an event socket is filtered)", false);
	mnl_socket_sendto(maker, request_buf,
		nlmsg_ct_build(request_buf, sizeof(request_buf), NLM_F_ACK | CREATE, 1, f,
			NLMSG_PART_ALL));
	fact("(the maker's request is answered)", mnl_socket_recvfrom(maker, buf, sizeof(buf)) > 0);
	got = mnl_socket_recvfrom(events, buf, sizeof(buf));
	mnl_socket_close(events);
	return got > 0;
}

static void filtered_events(void)
{
	struct mnl_socket *maker = mnl_socket_open(NETLINK_NETFILTER);
	static struct flow_filter filter = {.address_policy = FLOW_FILTER_IGNORE};
	struct flow f = tcp();
	uint32_t port, other;

	if (!maker || mnl_socket_bind(maker, 0, MNL_SOCKET_AUTOPID) < 0) {
		fact("(a second socket is opened)", false);
		return;
	}
	port = mnl_socket_get_portid(maker);
	other = port + 1;
	fact("an event socket hears of a creation", is_heard(&f, maker, NULL, NULL));
	f = tcp();
	fact("a filter on the maker's port id drops the event", !is_heard(&f, maker, &port, NULL));
	f = tcp();
	fact("a filter on another port id does not", is_heard(&f, maker, &other, NULL));
	f = tcp();
	f.status &= ~(uint32_t)FLOW_STATUS_ASSURED;
	flow_filter_add_net(&filter, AF_INET, &f.tuple[FLOW_ORIG].src, 32);
	fact("a filter on the original source drops the event",
		!is_heard(&f, maker, NULL, &filter));
	f = fresh(AF_INET6, IPPROTO_UDP);
	fact("a filter on IPv4 sources passes IPv6", is_heard(&f, maker, NULL, &filter));
	flow_filter_add_net(&filter, AF_INET6, &f.tuple[FLOW_REPL].src, 64);
	f = fresh(AF_INET6, IPPROTO_UDP);
	fact("a filter on an IPv6 reply source drops the event",
		!is_heard(&f, maker, NULL, &filter));
	mnl_socket_close(maker);
}

int main(void)
{
	if (lab_open() != 0) {
		perror("kernel_filters: no network namespace");
		return 77;
	}
	filtered_events();
	return lab_close("kernel_filters");
}
