/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_LIB_EXPECTGEN_H
#define CTSYNC_TESTS_LIB_EXPECTGEN_H

#include "base/rng.h"
#include "flow/expect.h"

/*
 * An expectation with a key, of any family and protocols; every other attribute is there or not,
 * and what is not is 0. Overwrites *x.
 */
void expectgen_random(struct rng *, struct expect *x);

/*
 * What a helper would foresee of this master: a connection to the master's source at that port, as
 * the kernel tells of it. A function of its arguments alone.
 */
void expectgen_of(const struct flow *master, uint16_t port, struct expect *x);

#endif
