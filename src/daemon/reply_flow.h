/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REPLY_FLOW_H
#define CTSYNC_DAEMON_REPLY_FLOW_H

#include "base/text.h"
#include "core/engine.h"
#include "daemon/request.h"

/*
 * One line of `show`, without a newline. DUMP and DUMP_XML are what conntrackd prints of its
 * caches: without the timeout, with the age, and of a remote flow (table) without the reply tuple
 * that conntrackd does not know.
 */
void reply_flow(
	struct text *, const struct engine_flow_view *, enum engine_table, enum request_format);

/* A tuple as a member of a JSON object under way. */
void reply_json_tuple(struct text *, const char *name, const struct flow_tuple *);

/* Members: ", "name": value. A word's odd characters become '?': names of ours and of helpers. */
void reply_json_number(struct text *, const char *name, uint64_t v);
void reply_json_word(struct text *, const char *name, const char *word);

/* " [expires in 17s] [active since 3s]" */
void reply_dump_ages(struct text *, int64_t age_ms, int64_t expires_ms);

#endif
