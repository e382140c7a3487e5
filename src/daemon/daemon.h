/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_DAEMON_H
#define CTSYNC_DAEMON_DAEMON_H

#include "daemon/kernel.h"
#include "daemon/links.h"
#include "daemon/record.h"
#include "daemon/service.h"
#include "io/daemonize.h"
#include "io/lockfile.h"
#include "io/notify.h"

/*
 * The daemon: the engine, the shells around it, and the loop that moves facts in and outputs out.
 */
struct daemon {
	struct config config;
	const char *config_path;
	struct loop loop;
	struct engine *engine;
	void *memory;
	size_t memory_bytes;
	uint64_t released_bytes; /* of it, given back after a burst */
	struct kernel kernel;
	struct stats stats;
	struct record record;
	struct links links; /* unused without a Sync section */
	struct service service;
	struct notify notify;
	struct lockfile lock;
	struct daemonize *daemonize;
	mono status_at; /* when the service manager is told of our status again */
	mono started;
	uint64_t reloads; /* of the configuration, by SIGHUP */
	bool ready; /* the first dump is in */
	bool stopping, reload;
	int status; /* what daemon_main() returns */
	bool detached; /* nobody sees stderr */
};

/*
 * Sets everything up, gives up privileges, and runs until SIGTERM. config has been checked.
 * Returns the exit status; the reason of a failure has been logged (and told to daemonize's
 * parent).
 */
int daemon_main(
	struct daemon *, const struct config *, const char *config_path, struct daemonize *);

#endif
