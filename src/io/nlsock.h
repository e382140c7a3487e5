/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_NLSOCK_H
#define CTSYNC_IO_NLSOCK_H

#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A netlink socket and what it takes to read it in bulk. Non-blocking, close-on-exec. It hears the
 * kernel alone: what other processes send to its port id is refused (ECONNREFUSED).
 */
enum {
	NLSOCK_DATAGRAMS = 64, /* taken by one system call at the most */
	NLSOCK_EVENT_BYTES = 8192, /* room for one datagram of events */
	NLSOCK_EVENT_USUAL_BYTES = 512, /* few are longer */
	NLSOCK_DUMP_BYTES =
		32768, /* of a dump: the kernel fills as much as the reader has room for */
};

struct nlsock_area; /* iovecs and buffers */

struct nlsock {
	int fd;
	uint32_t port; /* our port id: nlmsg_pid of the events we cause */
	size_t rcvbuf_bytes; /* as asked for; the kernel allows itself twice that */
	bool overrun; /* ENOBUFS was seen and the socket has not been empty since */
	uint64_t datagrams, messages;
	uint64_t overruns; /* ENOBUFS: messages were dropped */
	uint64_t truncated; /* datagrams larger than our room, or malformed */
	struct nlsock_area *area;
};

/*
 * Room for what one system call takes. datagram_bytes, of each, is address space but for what
 * datagrams of usual_bytes need; a longer one costs a copy.
 */
struct nlsock_room {
	unsigned datagrams; /* at most NLSOCK_DATAGRAMS */
	size_t usual_bytes, datagram_bytes;
};

/*
 * protocol: NETLINK_NETFILTER, NETLINK_ROUTE. 0 or negative errno; -EPROTONOSUPPORT if the kernel
 * does not have the protocol.
 */
int nlsock_open(struct nlsock *, int protocol, const struct nlsock_room *);

/* Also of one whose nlsock_open() failed, or of a zeroed struct. */
void nlsock_close(struct nlsock *);

/* Gives back the memory of what was read; of an open one, not during a reading. */
void nlsock_forget(struct nlsock *);

/* Takes part in a multicast group (NFNLGRP_CONNTRACK_NEW, RTNLGRP_LINK...). 0 or negative errno. */
int nlsock_join(struct nlsock *, unsigned group);

int nlsock_leave(struct nlsock *, unsigned group);

/*
 * Room for bytes of unread messages, past net.core.rmem_max with CAP_NET_ADMIN, otherwise up to
 * it. rcvbuf_bytes tells what was really set. 0 or negative errno.
 */
int nlsock_set_rcvbuf(struct nlsock *, size_t bytes);
int nlsock_set_sndbuf(struct nlsock *, size_t bytes);

/* Doubles the room, at most to bytes_max. 0, -ENOSPC if that would pass bytes_max, other errnos. */
int nlsock_grow_rcvbuf(struct nlsock *, size_t bytes_max);

/*
 * Attaches a classic BPF program; it sees a datagram with its nlmsghdr first. Replaces the one
 * before; what is queued already is not filtered again. 0, -EINVAL, -ENOMEM.
 */
int nlsock_attach_filter(struct nlsock *, const struct sock_filter *, size_t count);

/* Ask the kernel for short acknowledgements (header only, NETLINK_CAP_ACK). */
int nlsock_set_short_acks(struct nlsock *);

/*
 * Events are rather not caused than dropped: the kernel holds up what causes one while the socket
 * has no room, and reports no ENOBUFS (NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS).
 */
int nlsock_set_reliable(struct nlsock *);

/* One message, whole: len is what there is of it [bytes], header included. */
typedef void nlsock_message_fn(void *ctx, const struct nlmsghdr *, size_t len);

/* How a reading ended. */
enum nlsock_end {
	NLSOCK_MORE, /* all asked for were taken: there may be more */
	NLSOCK_EMPTY, /* nothing is left */
};

struct nlsock_reading {
	enum nlsock_end end;
	unsigned datagrams, messages;
	/*
	 * ENOBUFS was reported: the kernel has dropped messages. It goes on dropping all of them,
	 * without saying so again, until the socket has been read empty once.
	 */
	bool overrun;
	/* The socket is empty for the first time since: from here on nothing is missing. */
	bool overrun_over;
};

/*
 * Reads up to datagrams_max datagrams (in system calls of up to NLSOCK_DATAGRAMS) and gives each
 * message to fn. ENOBUFS is no error but reading->overrun. 0 or a negative errno of recvmmsg();
 * *reading is valid even then.
 */
int nlsock_read(struct nlsock *, unsigned datagrams_max, nlsock_message_fn *, void *ctx,
	struct nlsock_reading *reading);

/* Sends bytes to the kernel, which has dealt with them when this returns. 0 or negative errno. */
int nlsock_send(struct nlsock *, const void *bytes, size_t len);

/*
 * Gives each netlink message in len bytes to fn; false if they do not end with a whole message.
 * Reads nothing past len, whatever the headers say.
 */
bool nlsock_each_message(
	const void *bytes, size_t len, nlsock_message_fn *, void *ctx, unsigned *count);

#endif
