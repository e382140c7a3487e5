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

int channel_check_config(const struct channel_config *);

/* Learns the interface's index and MTU. */
int channel_query_interface(struct channel *);

#endif
