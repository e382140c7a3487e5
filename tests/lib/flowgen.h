/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_LIB_FLOWGEN_H
#define CTSYNC_TESTS_LIB_FLOWGEN_H

#include "base/rng.h"
#include "flow/flow.h"

/*
 * A flow as the kernel could report it: any protocol and family, with or without NAT, zones,
 * labels, helper, master and the rest, status and reply tuple in agreement with them. Overwrites
 * *f. No requested NAT, and no borrowed bytes (secctx, helper info).
 */
void flowgen_random(struct rng *, struct flow *f);

/* Only what makes the key and the reply tuple without NAT; l4 0: any protocol. */
void flowgen_tuples(struct rng *, struct flow *f, uint8_t l3, uint8_t l4);

/* Changes what a kernel's event about the same connection may change: state, status, timeout... */
void flowgen_advance(struct rng *, struct flow *f);

/*
 * A settled IPv4 TCP flow, numbered n: flows of different n have different keys, and a flow is a
 * function of n alone. For tables full of flows.
 */
void flowgen_numbered(uint32_t n, struct flow *f);

/* An IPv4 TCP flow between textual addresses, with its reply tuple, in the given TCP state. */
void flowgen_tcp4(struct flow *f, const char *src, uint16_t sport, const char *dst, uint16_t dport,
	uint8_t state);

#endif
