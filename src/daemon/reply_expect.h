/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REPLY_EXPECT_H
#define CTSYNC_DAEMON_REPLY_EXPECT_H

#include "base/text.h"
#include "core/engine.h"
#include "daemon/request.h"

/* One line of `show` of expectations, without a newline; the formats as in reply_flow.h. */
void reply_expect(struct text *, const struct engine_expect_view *, enum request_format);

#endif
