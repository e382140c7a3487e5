/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packets: UDP packets, each of a connection of its own, for a firewall to forward: what they cost
 * it is what the kernel's connection tracking costs, and whoever listens to it.
 *
 *	packets COUNT INTERFACE GATEWAY-MAC [FIRST]
 *
 * From 10.64.0.0/10, as flowload numbers its flows, to 198.51.100.1 port 443, through a packet
 * socket without queueing discipline. On a veth the packet is forwarded before the system call
 * returns, as long as the softirq keeps up, so that the sender's time is the firewall's. Prints one
 * JSON line; what has been forwarded has to be counted there. Exit status: 0, 1 for a failure, 2
 * usage.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
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
};

struct packet {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[DATA_BYTES];
} __attribute__((packed));

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

static void fill(struct packet *p, uint32_t i)
{
	p->ip.saddr = htonl(0x0a400001u + i / PORTS_PER_HOST);
	p->udp.source = htons((uint16_t)(FIRST_PORT + i % PORTS_PER_HOST));
	p->ip.check = 0;
	p->ip.check = checksum(p);
}

static void prepare(struct packet *p, const struct ether_addr *gateway)
{
	memcpy(p->eth.ether_dhost, gateway, ETH_ALEN);
	p->eth.ether_shost[0] = 2; /* a locally administered one */
	p->eth.ether_type = htons(ETH_P_IP);
	p->ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.daddr = htonl(0xc6336401u),
		.tot_len = htons(sizeof(p->ip) + sizeof(p->udp) + sizeof(p->data))};
	p->udp =
		(struct udphdr){.dest = htons(443), .len = htons(sizeof(p->udp) + sizeof(p->data))};
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

/* 0 or a negative errno; a full queue is waited for. */
static int send_all(int fd, uint32_t first, uint32_t count)
{
	struct mmsghdr msg[VECTOR];
	struct iovec iov[VECTOR];

	memset(msg, 0, sizeof(msg));
	for (unsigned k = 0; k < VECTOR; k++) {
		iov[k] = (struct iovec){&packet[k], sizeof(packet[k])};
		msg[k].msg_hdr.msg_iov = &iov[k];
		msg[k].msg_hdr.msg_iovlen = 1;
	}
	for (uint32_t done = 0; done < count;) {
		unsigned n = count - done < VECTOR ? count - done : VECTOR;
		int sent;

		for (unsigned k = 0; k < n; k++)
			fill(&packet[k], first + done + k);
		sent = sendmmsg(fd, msg, n, 0);
		if (sent < 0 && errno != ENOBUFS && errno != EINTR && errno != EAGAIN)
			return -errno;
		done += sent > 0 ? (unsigned)sent : 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct ether_addr *gateway = argc > 3 ? ether_aton(argv[3]) : NULL;
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	uint32_t first = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	double begin;
	int fd, err;

	if (!count || !gateway) {
		fprintf(stderr, "usage: packets COUNT INTERFACE GATEWAY-MAC [FIRST]\n");
		return 2;
	}
	fd = open_socket(argv[2]);
	if (fd < 0) {
		fprintf(stderr, "packets: %s: %s\n", argv[2], strerror(-fd));
		return 1;
	}
	for (unsigned k = 0; k < VECTOR; k++)
		prepare(&packet[k], gateway);
	begin = now_s();
	err = send_all(fd, first, count);
	if (err) {
		fprintf(stderr, "packets: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"packets\": %u, \"seconds\": %.6f}\n", count, now_s() - begin);
	close(fd);
	return 0;
}
