/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packets: connections for a firewall to forward: what their packets cost it is what the kernel's
 * connection tracking costs, and whoever listens to it.
 *
 *	packets COUNT INTERFACE GATEWAY-MAC [KIND]
 *
 * KIND: udp, one packet each (the default); answered, a UDP packet and its answer; tcp, from SYN to
 * the last ACK. From 10.64.0.0/10, as flowload numbers its flows, to 198.51.100.1 port 443,
 * through a packet socket without queueing discipline; answers come by the same interface, for
 * connection tracking does not ask for that. On a veth the packet is forwarded before the system
 * call returns, as long as the softirq keeps up, so that the sender's time is the firewall's. TCP's
 * packets have no checksum. Prints one JSON line; what has been forwarded has to be counted there.
 * Exit status: 0, 1 for a failure, 2 usage.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	VECTOR = 32,
	DATA_BYTES = 18,
	PORTS_PER_HOST = 50000,
	FIRST_PORT = 10000,
	SERVER_PORT = 443,
	STEPS_MAX = 6,
};

struct packet {
	struct ether_header eth;
	struct iphdr ip;
	union {
		struct {
			struct udphdr header;
			uint8_t data[DATA_BYTES];
		} udp;
		struct tcphdr tcp;
	};
} __attribute__((packed));

/* One packet of a connection; of UDP only who sends it matters. */
struct step {
	bool answer;
	uint8_t flags;
	uint8_t seq, ack; /* both ends begin with 0 */
};

struct kind {
	const char *name;
	uint8_t protocol;
	unsigned count;
	struct step step[STEPS_MAX];
};

static const struct kind kinds[] = {
	{"udp", IPPROTO_UDP, 1, {{.answer = false}}},
	{"answered", IPPROTO_UDP, 2, {{.answer = false}, {.answer = true}}},
	{"tcp", IPPROTO_TCP, STEPS_MAX,
		{
			{false, TH_SYN, 0, 0},
			{true, TH_SYN | TH_ACK, 0, 1},
			{false, TH_ACK, 1, 1},
			{false, TH_FIN | TH_ACK, 1, 1},
			{true, TH_FIN | TH_ACK, 1, 2},
			{false, TH_ACK, 2, 2},
		}},
};

static const uint32_t server = 0xc6336401u;
static struct packet packet[VECTOR];

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of the IP header, whose own field is 0. */
static uint16_t checksum(const struct packet *p)
{
	struct iphdr ip = p->ip;
	uint16_t word[sizeof(ip) / 2];
	uint32_t sum = 0;

	memcpy(word, &ip, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void fill(struct packet *p, const struct kind *kind, const struct step *step, uint32_t i)
{
	uint32_t client = 0x0a400001u + i / PORTS_PER_HOST;
	uint16_t port = (uint16_t)(FIRST_PORT + i % PORTS_PER_HOST);
	uint16_t from = htons(step->answer ? SERVER_PORT : port);
	uint16_t to = htons(step->answer ? port : SERVER_PORT);

	p->ip.saddr = htonl(step->answer ? server : client);
	p->ip.daddr = htonl(step->answer ? client : server);
	p->ip.check = 0;
	p->ip.check = checksum(p);
	if (kind->protocol == IPPROTO_UDP) {
		p->udp.header.source = from;
		p->udp.header.dest = to;
		return;
	}
	p->tcp.th_sport = from;
	p->tcp.th_dport = to;
	p->tcp.th_flags = step->flags;
	p->tcp.th_seq = htonl(step->seq);
	p->tcp.th_ack = htonl(step->ack);
}

static size_t packet_bytes(const struct kind *kind)
{
	struct packet p;

	return sizeof(p.eth) + sizeof(p.ip) +
	       (kind->protocol == IPPROTO_UDP ? sizeof(p.udp) : sizeof(p.tcp));
}

static void prepare(struct packet *p, const struct kind *kind, const struct ether_addr *gateway)
{
	memcpy(p->eth.ether_dhost, gateway, ETH_ALEN);
	p->eth.ether_shost[0] = 2; /* a locally administered one */
	p->eth.ether_type = htons(ETH_P_IP);
	p->ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = kind->protocol,
		.tot_len = htons((uint16_t)(packet_bytes(kind) - sizeof(p->eth)))};
	if (kind->protocol == IPPROTO_UDP)
		p->udp.header = (struct udphdr){.len = htons(sizeof(p->udp))};
	else
		p->tcp = (struct tcphdr){.th_off = 5, .th_win = htons(65535)};
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	addr.sll_ifindex = (int)if_nametoindex(interface);
	if (addr.sll_ifindex && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* n packets of the vector; 0 or a negative errno; a full queue is waited for. */
static int send_vector(int fd, struct mmsghdr *msg, unsigned n)
{
	while (n > 0) {
		int sent = sendmmsg(fd, msg, n, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EINTR && errno != EAGAIN)
			return -errno;
		n -= sent > 0 ? (unsigned)sent : 0;
		msg += sent > 0 ? sent : 0;
	}
	return 0;
}

static int send_all(int fd, const struct kind *kind, uint32_t count)
{
	struct mmsghdr msg[VECTOR];
	struct iovec iov[VECTOR];
	int err = 0;

	memset(msg, 0, sizeof(msg));
	for (unsigned k = 0; k < VECTOR; k++) {
		iov[k] = (struct iovec){&packet[k], packet_bytes(kind)};
		msg[k].msg_hdr.msg_iov = &iov[k];
		msg[k].msg_hdr.msg_iovlen = 1;
	}
	for (uint32_t done = 0; !err && done < count; done += VECTOR) {
		unsigned n = count - done < VECTOR ? count - done : VECTOR;

		for (unsigned s = 0; !err && s < kind->count; s++) {
			for (unsigned k = 0; k < n; k++)
				fill(&packet[k], kind, &kind->step[s], done + k);
			err = send_vector(fd, msg, n);
		}
	}
	return err;
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct ether_addr *gateway = argc > 3 ? ether_aton(argv[3]) : NULL;
	const struct kind *kind = kind_of(argc > 4 ? argv[4] : "udp");
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	double begin;
	int fd, err;

	if (!count || !gateway || !kind) {
		fprintf(stderr, "usage: packets COUNT INTERFACE GATEWAY-MAC [udp|answered|tcp]\n");
		return 2;
	}
	fd = open_socket(argv[2]);
	if (fd < 0) {
		fprintf(stderr, "packets: %s: %s\n", argv[2], strerror(-fd));
		return 1;
	}
	for (unsigned k = 0; k < VECTOR; k++)
		prepare(&packet[k], kind, gateway);
	begin = now_s();
	err = send_all(fd, kind, count);
	if (err) {
		fprintf(stderr, "packets: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"flows\": %u, \"seconds\": %.6f}\n", count, now_s() - begin);
	close(fd);
	return 0;
}
