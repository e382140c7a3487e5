/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_TRACE_H
#define CTSYNC_TESTS_SIM_TRACE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * What happened, as a hash (two runs of a seed must agree) and, if wanted, as text. Also the way
 * out of a run that broke an invariant.
 */
#define TRACE_KINDS(X)                                                                             \
	X(START)                                                                                   \
	X(CRASH)                                                                                   \
	X(REBOOT)                                                                                  \
	X(FREEZE)                                                                                  \
	X(CUT)                                                                                     \
	X(LINK)                                                                                    \
	X(HEAL)                                                                                    \
	X(BLOCK)                                                                                   \
	X(STALL)                                                                                   \
	X(COMMAND)                                                                                 \
	X(ENGINE_EVENT)                                                                            \
	X(SEND)                                                                                    \
	X(DELIVER)                                                                                 \
	X(LOSE)                                                                                    \
	X(CORRUPT)                                                                                 \
	X(ATTACK)                                                                                  \
	X(TICK)                                                                                    \
	X(FLOW_BORN)                                                                               \
	X(FLOW_CHANGED)                                                                            \
	X(FLOW_ENDED)                                                                              \
	X(EXPECT_BORN)                                                                             \
	X(EVENT)                                                                                   \
	X(EXPECT_EVENT)                                                                            \
	X(OVERRUN)                                                                                 \
	X(DUMP)                                                                                    \
	X(DUMPED)                                                                                  \
	X(OP)                                                                                      \
	X(OP_DONE)                                                                                 \
	X(RESULT)                                                                                  \
	X(QUIET)                                                                                   \
	X(CONVERGED)

#define X(name) TRACE_##name,
enum trace_kind { TRACE_KINDS(X) };
#undef X

struct trace {
	uint64_t hash;
	bool verbose;
	mono now; /* kept up to date by the run's loop */
	jmp_buf way_out;
	char why[512]; /* the broken invariant */
};

void trace_put(struct trace *, enum trace_kind, unsigned node, uint64_t a, uint64_t b, uint64_t c);

/* A hash of bytes, for trace_put(). */
uint64_t trace_hash(const void *data, size_t len);

/* Ends the run: an invariant is broken. */
_Noreturn void trace_fail(struct trace *, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The run that check_failed() ends; NULL outside of runs. */
extern struct trace *trace_current;

#endif
