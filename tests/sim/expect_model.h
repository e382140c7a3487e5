/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_EXPECT_MODEL_H
#define CTSYNC_TESTS_SIM_EXPECT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "core/engine.h"
#include "tests/sim/dice.h"

/*
 * The expectations of a model kernel. Each belongs to a slot's flow, its master, and goes with it.
 * Which one it is can be read from its tuples; its class, which no engine looks at, is the version
 * that it was born with, so that whoever shows it says what it claims to be.
 */
enum {
	EXPECT_MODEL_PER_SLOT = 2,
	EXPECT_MODEL_POLICY_S = 10, /* timeout of those that an engine creates */
};

struct kernel_model;

struct expect_model_entry {
	bool live, silent;
	mono expires;
	struct expect x;
	struct expect *former; /* all that it ever was in this kernel */
	unsigned former_count, former_cap;
};

struct expect_model {
	unsigned count;
	struct expect_model_entry *entries; /* [count]: slot * EXPECT_MODEL_PER_SLOT + number */
};

void expect_model_init(struct expect_model *, unsigned slots);
void expect_model_fini(struct expect_model *);

/* Only what the wire carries the whole of: masters with ports, in no zone. */
bool expect_model_may(unsigned slot);

/* Which entry it is, or -1 if it is none of ours. */
int expect_model_index(const struct expect *);

/* A helper makes one, or puts its timeout forward; before its master is there, too. */
void expect_model_birth(
	struct kernel_model *, mono now, struct rng *, unsigned index, uint32_t version);
void expect_model_refresh(struct kernel_model *, mono now, struct rng *, unsigned index);

/* It was fulfilled, or its time is over. */
void expect_model_end(struct kernel_model *, unsigned index);
void expect_model_master_gone(struct kernel_model *, unsigned slot);
void expect_model_expire(struct kernel_model *, mono now);
void expect_model_freeze(struct kernel_model *);
void expect_model_reboot(struct kernel_model *);

/* What a dump says of it; false if it is not there. */
bool expect_model_read(const struct kernel_model *, mono now, unsigned index, struct expect *);

/* Whether it was ever so in this kernel, but for the timeout. */
bool expect_model_was(const struct kernel_model *, const struct expect *);

int expect_model_flush(struct kernel_model *);
int expect_model_write(struct kernel_model *, mono now, struct rng *, const struct kernel_op *);

#endif
