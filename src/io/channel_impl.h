/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_CHANNEL_IMPL_H
#define CTSYNC_IO_CHANNEL_IMPL_H

#include <sys/socket.h>

#include "io/channel.h"

/* What the transports of a channel share; for the files of channel_* alone. */
union sockaddr_ip {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct in_addr channel_v4_of(const struct channel_addr *);
struct in6_addr channel_v6_of(const struct channel_addr *);

/* An address of the channel's family with the scope that it needs; returns the length. */
socklen_t channel_sockaddr(
	const struct channel *, const struct channel_addr *, uint16_t port, union sockaddr_ip *out);

/* setsockopt() of an int; of a buffer, also beyond the system's limit if we may. */
int channel_set_int(int fd, int level, int name, int value);
int channel_set_buffer(int fd, int force, int plain, uint32_t bytes);

/* Lets a socket be bound to an IPv6 address that is there only while its interface is up. */
int channel_free_bind(const struct channel *, int fd);

/* The link's fault: ENETDOWN, EHOSTUNREACH and the like. */
bool channel_is_link_error(int err);

int channel_udp_open(struct channel *);
void channel_udp_close(struct channel *);
int channel_udp_refresh(struct channel *, unsigned ifindex_before);
int channel_udp_send(struct channel *, const void *bytes, size_t len);
int channel_udp_send_train(
	struct channel *, const void *bytes, size_t len, size_t each, size_t *gone);
int channel_udp_receive(struct channel *, unsigned datagrams_max, channel_datagram_fn *, void *ctx);

int channel_tcp_open(struct channel *);
void channel_tcp_close(struct channel *);
void channel_tcp_tick(struct channel *, mono now);
mono channel_tcp_deadline(const struct channel *);
void channel_tcp_hang_up(struct channel *);
bool channel_tcp_is_connected(const struct channel *);
bool channel_tcp_is_accepted(const struct channel *);
bool channel_tcp_is_full(const struct channel *);
int channel_tcp_send(struct channel *, const void *bytes, size_t len);
int channel_tcp_receive(struct channel *, unsigned datagrams_max, channel_datagram_fn *, void *ctx);

#endif
