/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_CHECK_H
#define CTSYNC_PARSER_CHECK_H

#include "parser/reader.h"

/* Private to the parser: what can be judged only when the whole text has been read. */
void check_config(struct reader *);

#endif
