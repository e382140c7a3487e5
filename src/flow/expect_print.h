/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_EXPECT_PRINT_H
#define CTSYNC_FLOW_EXPECT_PRINT_H

#include "base/text.h"
#include "flow/expect.h"

#endif
