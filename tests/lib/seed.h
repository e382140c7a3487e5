/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_LIB_SEED_H
#define CTSYNC_TESTS_LIB_SEED_H

#include <stdint.h>

/*
 * The seed of a random test: that of the environment variable CTSYNC_SEED, or a fresh one. Prints
 * it with the way to repeat the run. The same for all calls of a process.
 */
uint64_t seed_get(const char *test);

#endif
