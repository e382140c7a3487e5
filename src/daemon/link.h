/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_LINK_H
#define CTSYNC_DAEMON_LINK_H

#include "core/engine.h"
#include "io/channel.h"
#include "io/iface.h"
#include "io/loop.h"

/*
 * The sync link between the engine and its peers. While the interface is down nothing is pulled
 * from the engine, so that what changes meanwhile is coalesced instead of lost.
 */
struct link {
	struct engine *engine;
	struct loop *loop;
	struct channel channel;
	struct iface_watch ifaces;
	struct loop_watch rx_watch, tx_watch, iface_watch;
	bool usable; /* up and with a carrier */
	bool full; /* the socket had no room: waiting for it to become writable */
	bool more; /* the engine had more to send than one turn takes */
	mono retry; /* after ENOBUFS, which has no event */
	size_t pending_len; /* a datagram that was built but could not be sent */
	uint8_t pending[CHANNEL_DATAGRAM_BYTES];
};

/* Opens the channel before there is an engine, whose datagrams are as large as this says. */
int link_open(struct link *, const struct channel_config *);
void link_close(struct link *);

/* Takes it into the loop. 0 or negative errno. */
int link_start(struct link *, struct loop *, struct engine *);

/* One turn: sends what the engine has. */
void link_run(struct link *, mono now);
mono link_deadline(const struct link *, mono now);

#endif
