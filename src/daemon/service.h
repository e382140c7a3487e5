/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_SERVICE_H
#define CTSYNC_DAEMON_SERVICE_H

#include "core/engine.h"
#include "io/control.h"
#include "parser/config.h"

struct figures;

/*
 * The service behind the control socket: requests become commands and views of the engine. Each
 * connection with a request has one session; a command's session waits for ENGINE_EVENT_DONE.
 */
struct service {
	struct control control;
	struct loop *loop;
	struct engine *engine;
	uint64_t next_command; /* ids for ENGINE_EVENT_DONE */
	uint64_t malformed;
	struct session *waiting; /* for a command's end */
	const struct config *config; /* the daemon's, which may change by a reload */
	uint64_t purges, resyncs; /* asked for */
	void (*figures)(void *ctx, struct figures *); /* for status and stats */
	void (*catch_up)(void *ctx); /* reads what has arrived, ahead of a command */
	void (*stop)(void *ctx); /* for kill: returns at once, the daemon ends a little later */
	void *ctx;
};

enum { SERVICE_DONE, SERVICE_FAILED }; /* statuses of the final line */

/* 0 or negative errno of control_open(). */
int service_open(struct service *, struct loop *, struct engine *, const char *path);
void service_close(struct service *);

/* To be given every ENGINE_EVENT_DONE. */
void service_on_done(struct service *, const struct engine_event *);

#endif
