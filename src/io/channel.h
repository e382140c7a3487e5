/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_CHANNEL_H
#define CTSYNC_IO_CHANNEL_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * A dedicated link between nodes: datagrams in and out. Which transport carries them is its own
 * matter: IPv4 and IPv6 multicast as conntrackd speaks it, UDP to one peer, and TCP with one.
 *
 * Of TCP there are two connections, one for each direction: we send on the one that we have opened
 * and receive on the one that the peer has opened. What is written into a connection that breaks
 * is lost, as a datagram can be; nothing is kept for the next one.
 */
enum channel_kind {
	CHANNEL_MULTICAST,
	CHANNEL_UDP,
	CHANNEL_TCP,
};

enum {
	CHANNEL_DATAGRAMS = 64, /* received by one system call at the most */
	CHANNEL_TRAIN = 16, /* sent by one system call at the most: more make them hardly cheaper */
	CHANNEL_TRAIN_BYTES = 60000, /* a train is one packet of IP until it is cut */
	CHANNEL_DATAGRAM_BYTES = 65536, /* room for a received one: any UDP datagram */
	CHANNEL_RCVBUF_BYTES = 2 << 20, /* UDP: at least, if nothing else is wanted */
	CHANNEL_ADDR_BYTES = 16,
	CHANNEL_IPV4_HEADERS = 28, /* IP and UDP */
	CHANNEL_IPV6_HEADERS = 48,
	CHANNEL_TCP_HEADER_MORE = 12, /* than UDP's: without options */
	CHANNEL_CONNECT_MS = 1000, /* at least, from one attempt to connect to the next */
	CHANNEL_CONNECT_WAIT_MS = 3000, /* for the outcome of one */
	CHANNEL_SILENCE_MS = 5000, /* a connection whose bytes nobody acknowledges is dead */
};

/* Network byte order; an IPv4 address is v4-mapped (::ffff:a.b.c.d) everywhere here. */
struct channel_addr {
	uint8_t bytes[CHANNEL_ADDR_BYTES];
};

/*
 * What the bytes of a stream mean is not known here: how many of the first len bytes are whole
 * messages; 0: more have to come; negative: they cannot be messages. A message has less than
 * CHANNEL_DATAGRAM_BYTES.
 */
typedef int64_t channel_frame_fn(const uint8_t *bytes, size_t len);

struct channel_config {
	enum channel_kind kind;
	int family; /* AF_INET or AF_INET6 */
	struct channel_addr group; /* multicast: the group; UDP, TCP: the peer */
	struct channel_addr local; /* IPv4_interface, or the address to bind to; all 0: none */
	uint16_t port; /* host order */
	char interface[IF_NAMESIZE];
	uint32_t sndbuf_bytes; /* 0: the system's */
	uint32_t rcvbuf_bytes; /* 0: the system's; UDP: but CHANNEL_RCVBUF_BYTES, if that is more */
	bool checksum; /* false: UDP/IPv4 checksum 0 is sent */
	channel_frame_fn *frame; /* TCP */
};

struct channel_stats {
	uint64_t sent, sent_bytes;
	uint64_t received, received_bytes;
	uint64_t send_errors; /* datagrams that were lost by one: all but EAGAIN, ENOBUFS */
	uint64_t send_link_errors; /* of these ENETDOWN, ENETUNREACH, ENODEV, EHOSTUNREACH... */
	uint64_t send_full; /* EAGAIN, ENOBUFS: the socket or the device had no room */
	uint64_t receive_errors;
	uint64_t truncated; /* larger than CHANNEL_DATAGRAM_BYTES */
	uint64_t wrong_interface; /* arrived elsewhere than on the configured interface */
	uint64_t own; /* sent by ourselves */
	uint64_t
		wrong_source; /* UDP, TCP: datagrams, or connections, not from the peer's address */
	uint64_t connects; /* TCP: connections that we have opened */
	uint64_t accepts; /* TCP: connections that the peer has opened */
	uint64_t breaks; /* TCP: connections that have ended, of either direction */
	uint64_t out_of_step; /* TCP: of these, closed by us: no message could begin there */
};

struct channel_area;
struct channel_tcp;

struct channel {
	struct channel_config config;
	/*
	 * For the loop: LOOP_READ on rx_fd, and, unless it is -1, LOOP_WRITE on tx_fd after
	 * -EAGAIN. TCP has no tx_fd: channel_receive() also sees to what can be written again.
	 */
	int tx_fd, rx_fd;
	unsigned ifindex;
	unsigned mtu;
	uint32_t rcvbuf_bytes; /* UDP: what the kernel has granted, its own overhead included */
	bool trains; /* the kernel takes several datagrams at once */
	struct channel_addr source; /* the address we send from; all 0 if not known */
	int last_error; /* positive errno of the last failed send, 0 after a good one */
	struct channel_stats stats;
	struct channel_area *area;
	struct channel_tcp *tcp;
};

/*
 * Opens the sockets. 0 or a negative errno: -ENODEV (no such interface), -EINVAL (family, not a
 * multicast address, port 0, no frame), -EADDRNOTAVAIL (local is not ours), -EADDRINUSE... A struct
 * whose channel_open() failed may be closed or not.
 */
int channel_open(struct channel *, const struct channel_config *);
void channel_close(struct channel *);

/*
 * The interface may have changed (index, MTU, address, it was down): looks again and joins the
 * group again if need be. The sockets and their numbers stay. 0 or negative errno.
 */
int channel_refresh(struct channel *);

/* TCP: connects if it is time to. Other channels need none. */
void channel_tick(struct channel *, mono now);
mono channel_deadline(const struct channel *);

/* TCP: the interface is down, and connections over it will not be heard of again. */
void channel_hang_up(struct channel *);

/* Something can be sent; something can be received. True of all channels but TCP's. */
bool channel_is_connected(const struct channel *);
bool channel_is_accepted(const struct channel *);

/* TCP: there is no room yet for what channel_send() had none for. */
bool channel_is_full(const struct channel *);

/* The most bytes that channel_send() takes without fragments: MTU less headers. */
size_t channel_payload_bytes(const struct channel *);

/*
 * Sends one datagram. 0, or -EAGAIN (wait for LOOP_WRITE), -ENOBUFS (the device's queue is full:
 * later), -ENETDOWN, -ENETUNREACH, -ENODEV... (the link is bad), -EMSGSIZE. Counted.
 */
int channel_send(struct channel *, const void *bytes, size_t len);

/*
 * Sends datagrams of each bytes that stand one behind the other, the last one of 1 to each bytes;
 * CHANNEL_TRAIN of them at the most. Where the kernel takes them at once, all of them cost little
 * more than one. Returns as channel_send() does: with -EAGAIN and -ENOBUFS *gone is how many bytes
 * need not be sent again; any other error is that of the last datagram that it cost, and there is
 * nothing to be sent again.
 */
int channel_send_train(struct channel *, const void *bytes, size_t len, size_t each, size_t *gone);

/* How many datagrams of so many bytes are sent best at once: 1, or up to CHANNEL_TRAIN. */
unsigned channel_train_max(const struct channel *, size_t each);

/* from: address without port or scope. The bytes live until fn returns. */
typedef void channel_datagram_fn(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len);

/*
 * Gives up to datagrams_max received datagrams to fn. Returns the number taken from the socket
 * (refused ones included; fewer than datagrams_max: it is empty), or a negative errno.
 */
int channel_receive(struct channel *, unsigned datagrams_max, channel_datagram_fn *, void *ctx);

static inline bool channel_addr_is_zero(const struct channel_addr *a)
{
	for (size_t i = 0; i < sizeof(a->bytes); i++)
		if (a->bytes[i])
			return false;
	return true;
}

struct channel_addr channel_addr_of_v4(struct in_addr);
struct channel_addr channel_addr_of_v6(const struct in6_addr *);

#endif
