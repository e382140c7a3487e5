/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/counters.h"

#define X(name, text, help) {text, help},
const struct counter_info counter_info[COUNTERS] = {ENGINE_COUNTERS(X)};
#undef X
