/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_NET_H
#define CTSYNC_TESTS_SIM_NET_H

#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim.h"

/* Sends a datagram to every other node, as a multicast group does; each gets or loses its own. */
void net_send(struct sim *, unsigned from, unsigned link, const uint8_t *, size_t len);

/* Delivers a datagram to one node from any address, without loss: what an attacker can do. */
void net_inject(struct sim *, unsigned to, const struct engine_addr *, const uint8_t *, size_t len);

/* What a datagram says, on standard output: for verbose traces. */
void net_print(const uint8_t *, size_t len);

/* A node's interface, or its cable, fails or comes back; its daemon learns of it a moment later. */
void net_link(struct sim *, unsigned node, unsigned link, bool up);

/* The partition's edges; healing is of links, too. */
void net_cut(struct sim *, unsigned from, unsigned to);
void net_heal(struct sim *);

#endif
