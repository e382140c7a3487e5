/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_NLMSG_RANDOM_H
#define CTSYNC_TESTS_NLMSG_RANDOM_H

#include "base/rng.h"
#include "flow/expect.h"
#include "flow/flow.h"

/*
 * Random flows with everything that a ctnetlink request can carry, each value drawn by itself: no
 * kernel would report most of them.
 */

/* Borrowed bytes of the flow are static; the addresses come from a few small networks. */
void nlmsg_random_flow(struct rng *, struct flow *);
void nlmsg_random_expect(struct rng *, struct expect *); /* of one family, as a message is */
void nlmsg_random_addr(struct rng *, uint8_t l3, union flow_addr *);

#endif
