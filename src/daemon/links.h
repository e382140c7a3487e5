/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_LINKS_H
#define CTSYNC_DAEMON_LINKS_H

#include "base/text.h"
#include "core/engine.h"
#include "io/channel.h"
#include "io/drain.h"
#include "io/iface.h"
#include "io/loop.h"
#include "parser/config.h"

/*
 * The sync links between the engine and its peers. All are listened to; the engine says which one
 * it sends by, and is told which ones are usable. While that one is not, nothing is pulled from
 * the engine, so that what changes meanwhile is coalesced instead of lost.
 */
struct links;

/* Datagrams of one length, one behind the other; the last one may be shorter. */
struct train {
	size_t each; /* bytes of the first */
	size_t gone; /* bytes that have been sent */
	size_t len; /* bytes of all; 0: there is none */
	uint8_t bytes[CHANNEL_DATAGRAM_BYTES];
};

struct link {
	struct links *all;
	unsigned index; /* the engine's number for it */
	const struct config_link *config;
	struct channel channel;
	struct loop_watch rx_watch, tx_watch;
	struct drain drain; /* UDP: when rx_watch is to be read */
	bool rx_left; /* one turn did not take all */
	bool up; /* the interface is up and has a carrier */
	bool connected; /* TCP: as it was told to the log */
	bool usable; /* both: as it was told to the engine */
	bool full; /* the socket had no room: waiting for it to become writable */
	mono retry; /* after ENOBUFS, which has no event */
	mono told_since; /* changes of the connection that were told to the log, and how many */
	unsigned told;
	int told_error; /* TCP: why there is no connection, as it was told to the log */
	bool told_source; /* that somebody else than the peer was refused */
	struct train pending; /* what was built but could not be sent yet */
};

struct links {
	struct engine *engine;
	struct loop *loop;
	bool watching;
	struct iface_watch ifaces; /* ifaces.ifaces[i] is link[i]'s */
	struct loop_watch iface_watch;
	bool more; /* the engine had more to send than one turn takes */
	unsigned count; /* 0: there is nobody to talk to, and links_* do nothing */
	struct link link[CONFIG_LINKS_MAX];
};

/*
 * Opens the channels before there is an engine, whose datagrams are as large as this says. The
 * configuration has to stay. False: why says what is wrong, by file and line.
 */
bool links_open(struct links *, const struct config *, const char *config_path, struct text *why);
void links_close(struct links *);

/* The most bytes that every link takes in one datagram. */
uint32_t links_datagram_bytes(const struct links *);

/* Takes them into the loop. 0 or negative errno. */
int links_start(struct links *, struct loop *, struct engine *);

/*
 * Reads what has arrived until now. A busy link's datagrams gather for some milliseconds, and what
 * an operator decides is to be decided with all that the peers have said.
 */
void links_catch_up(struct links *, mono now);

/* One turn: connects what is to be connected, sends what the engine has. */
void links_run(struct links *, mono now);
mono links_deadline(const struct links *, mono now);

/* Tells the log of ENGINE_EVENT_LINK and ENGINE_EVENT_NO_LINK. */
void links_report(const struct links *, const struct engine_event *);

/* The sums over all links. */
struct channel_stats links_stats(const struct links *);

#endif
