/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_NLDUMP_H
#define CTSYNC_IO_NLDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/nlsock.h"

/*
 * A dump of a kernel table, on a socket of its own and in steps. The kernel produces the next
 * part while the one before is being read, so there is nothing to wait for: while a dump runs,
 * call nldump_step() once per turn of the loop, with a deadline that is now.
 */
enum {
	NLDUMP_DATAGRAMS = 8, /* taken by one system call */
	NLDUMP_STEP_DATAGRAMS = 8, /* a good bound for one step: some 1,000 flows */
};

enum nldump_result {
	NLDUMP_RUNNING, /* call again */
	NLDUMP_DONE, /* complete and consistent */
	NLDUMP_INTERRUPTED, /* complete, but the table changed under it: NLM_F_DUMP_INTR */
	NLDUMP_FAILED, /* dump.err says why; what came is incomplete */
	NLDUMP_IDLE, /* none was started */
};

struct nldump {
	struct nlsock sock;
	bool running, interrupted;
	bool ended; /* NLMSG_DONE or NLMSG_ERROR was seen */
	int err; /* positive errno of the last NLDUMP_FAILED */
	uint32_t seq;
	uint64_t messages; /* of this dump */
	uint64_t strays; /* answers to something else */
	nlsock_message_fn *fn;
	void *ctx;
};

/* 0 or negative errno; opens a socket. */
int nldump_init(struct nldump *);
void nldump_fini(struct nldump *);

/*
 * Starts the dump that the request of len bytes asks for; its nlmsg_seq is set here, NLM_F_DUMP is
 * the caller's. 0, -EBUSY if one is running, -EINVAL for a bad length, errno of sendmsg().
 */
int nldump_start(struct nldump *, void *request, size_t len);

/*
 * Gives what up to datagrams_max datagrams hold to fn, which may not call dump functions. After
 * anything but NLDUMP_RUNNING the dump is over and the next can be started.
 */
enum nldump_result nldump_step(
	struct nldump *, unsigned datagrams_max, nlsock_message_fn *, void *ctx);

/* Gives up a running dump. 0 or negative errno (of opening a fresh socket). */
int nldump_cancel(struct nldump *);

static inline bool nldump_is_running(const struct nldump *d)
{
	return d->running;
}

#endif
