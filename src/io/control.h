/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_CONTROL_H
#define CTSYNC_IO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mono.h"
#include "io/loop.h"

/*
 * The control socket: AF_UNIX, SOCK_STREAM. A client sends one line (JSON, but that is not looked
 * at here) and gets lines, each with a tag as its first character: '+' and a line of data, any
 * number of them, then '=' STATUS SPACE MESSAGE; then the connection is closed.
 *
 * A client that does not read costs its buffer and nothing else: the producer of a long answer is
 * asked for more only when there is room.
 */
enum {
	CONTROL_CLIENTS_MAX = 64,
	CONTROL_REQUEST_BYTES = 4096, /* with the newline */
	CONTROL_ROOM_BYTES = 32768, /* the room there is at least when fill is called */
	CONTROL_OUT_BYTES = 65536, /* buffer per client */
	CONTROL_MESSAGE_BYTES = 512, /* of the final line; longer ones are cut */
	CONTROL_IDLE_S = 10, /* for a client to send its request */
	CONTROL_PAUSE_MS = 100, /* without a descriptor for a client, until the next try */
	CONTROL_STALL_S =
		30, /* after which one that does not read may have to make room for another */
};

struct ucred;
struct control;
struct control_conn;

enum control_fill {
	CONTROL_MORE, /* something was added, or the answer was finished: ask again */
	CONTROL_WAIT, /* nothing to say now: control_resume() will tell */
};

struct control_ops {
	/*
	 * One request: line without newline, NUL-terminated (no NUL inside); it lives until this
	 * returns. To be answered by control_text() and control_finish() at once, in fill, or
	 * later.
	 */
	void (*on_request)(void *ctx, struct control_conn *, char *line, size_t len);

	/* May be NULL. There is room of at least CONTROL_ROOM_BYTES. Called until finished or
	 * CONTROL_WAIT. */
	enum control_fill (*fill)(void *ctx, struct control_conn *);

	/* May be NULL. The connection ends, for whatever reason; once for each that had a request.
	 */
	void (*on_close)(void *ctx, struct control_conn *);
};

struct control {
	struct loop *loop;
	int fd;
	bool bound; /* the socket file is ours */
	struct sockaddr_un addr;
	struct loop_watch watch;
	const struct control_ops *ops;
	void *ctx;
	unsigned count;
	struct control_conn *conns[CONTROL_CLIENTS_MAX];
	mono paused_until; /* or never: the socket is watched */
	uint64_t accepted, refused, dropped, too_long, paused;
};

/*
 * Listens at path, mode 0600. A socket file nobody listens at is replaced; with a live one
 * -EADDRINUSE; what is no socket is left alone: -EEXIST. -ENAMETOOLONG, or another negative errno.
 */
int control_open(
	struct control *, struct loop *, const char *path, const struct control_ops *, void *ctx);

/* Ends every connection (on_close is called) and removes the socket file. Not from a callback. */
void control_close(struct control *);

/* Drops idle clients, ends a pause; to be called at control_deadline(). */
void control_tick(struct control *, mono now);
mono control_deadline(const struct control *);

/*
 * Adds text to the answer, each of its lines as a data line (a missing last newline is added).
 * All of it or, if there is no room, nothing and false.
 */
bool control_text(struct control_conn *, const char *text, size_t len);

/* The bytes of one-line text that control_text() would still take. */
size_t control_room(const struct control_conn *);

/*
 * Ends the answer; newlines in message become blanks. Room for it is kept. The connection is closed
 * when all is sent, never inside this call. Later calls for this connection do nothing.
 */
void control_finish(struct control_conn *, int status, const char *message);

/* After CONTROL_WAIT: there is something to fill in. */
void control_resume(struct control_conn *);

/* For the user of the socket. */
void control_set_user(struct control_conn *, void *user);
void *control_user(const struct control_conn *);
const struct ucred *control_peer(const struct control_conn *); /* SO_PEERCRED at connect() */

#endif
