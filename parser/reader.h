/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_READER_H
#define CTSYNC_PARSER_READER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/config.h"
#include "parser/diag.h"
#include "parser/served.h"

/* Private to the parser: what lexer, grammar and settings share while one text is read. */

enum {
	STATEMENT_WORDS_MAX = 4, /* more are counted, not kept */
	SECTION_DEPTH_MAX = 8, /* the language needs 4 */
	BRACE_DEPTH_MAX = 32, /* of anything, also in what is passed over */
};

/* A word of the text, where it stands. Not NUL-terminated. */
struct token {
	const char *at;
	uint32_t len;
	uint32_t line;
};

struct statement {
	struct token name;
	struct token words[STATEMENT_WORDS_MAX];
	uint32_t words_count;
};

struct reader {
	struct config *config;
	struct diag *diag;

	/* the lexer's */
	const char *text;
	size_t len, at;
	uint32_t line;
	unsigned words_left; /* that may still be values of the directive before */
	bool any_word; /* the next word is a value even if it is a directive's name */
	bool same_line; /* what follows on the line are values of what took none, or is unknown */
	bool list_next, in_list;
	unsigned depth;
	struct token last; /* what was read last: the parser's lookahead */
	jmp_buf out_of_memory;

	/* the settings' */
	struct {
		enum section section;
		uint32_t line;
		bool muted; /* reported as not served as a whole: not again for what is inside */
	} stack[SECTION_DEPTH_MAX];
	unsigned stack_used;
	unsigned stack_over; /* sections open beyond the stack, all passed over */
	enum section opening; /* the section about to be opened; its function may change it */
	bool opening_unserved;
	struct config_link *link; /* the one being filled */
	struct config_link scratch; /* in place of one too many */
	bool port_bad; /* the link's port has been told to be wrong already */
	struct reader_pair {
		union flow_addr local, dest;
		uint32_t local_line, dest_line; /* 0: not given */
	} pair[2]; /* the ends of a UDP or TCP link: over IPv4, over IPv6 */
	unsigned pair_last; /* the one of them that was named last */
	bool policy_used; /* the Policy section that is open is not empty */
	bool mode_seen, link_seen; /* also if there was something wrong with it */
	unsigned modes_seen; /* bit n: enum config_mode n */
	uint32_t sync_line, stats_line; /* of the first one; 0: none */
	enum { STATE_NONE, STATE_NAMES, STATE_FOR } state_at; /* inside of a State list */
};

static inline enum section reader_section(const struct reader *r)
{
	return r->stack_used ? r->stack[r->stack_used - 1].section : SECTION_FILE;
}

/* For printf's %.*s: bounded, so that one long word does not push out the rest of a message. */
#define TOKEN_FMT "'%.*s%s'"
#define TOKEN_ARGS(tok)                                                                            \
	(int)((tok).len < 64 ? (tok).len : 64), (tok).at, (tok).len > 64 ? "..." : ""

/* Reads the whole text; every problem goes to r->diag. Returns 0 or -ENOMEM. */
int reader_run(struct reader *, const char *text, size_t len);

#endif
