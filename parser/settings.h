/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_SETTINGS_H
#define CTSYNC_PARSER_SETTINGS_H

#include "parser/reader.h"

/* Private to the parser: what statements do to the configuration. */

/* A statement without a brace. */
void settings_statement(struct reader *, const struct statement *);

/* A statement with a brace is opened and, whatever came of that, closed. */
void settings_open(struct reader *, const struct statement *);
void settings_close(struct reader *);

/* A word inside of a list's braces. */
void settings_item(struct reader *, const struct token *);

/* A statement that starts with no directive's name; what belongs to it was passed over. */
void settings_unknown(struct reader *, const struct statement *);

/* The functions of directives and lists, by section. */
bool settings_log_file(struct reader *, const struct directive *, const struct statement *);
bool settings_syslog(struct reader *, const struct directive *, const struct statement *);
bool settings_unix_path(struct reader *, const struct directive *, const struct statement *);
bool settings_overrun(struct reader *, const struct directive *, const struct statement *);
bool settings_poll(struct reader *, const struct directive *, const struct statement *);
bool settings_sched_type(struct reader *, const struct directive *, const struct statement *);
bool settings_sched_prio(struct reader *, const struct directive *, const struct statement *);

bool settings_filter(struct reader *, const struct directive *, const struct statement *);
bool settings_policy(struct reader *, const struct directive *, const struct statement *);
bool settings_net(struct reader *, const struct directive *, const struct statement *);
void settings_protocol_item(struct reader *, const struct token *);
void settings_mark_item(struct reader *, const struct token *);
void settings_state_item(struct reader *, const struct token *);
void settings_state_end(struct reader *, uint32_t line);

bool settings_top(struct reader *, const struct directive *, const struct statement *);
bool settings_mode(struct reader *, const struct directive *, const struct statement *);
bool settings_standby(struct reader *, const struct directive *, const struct statement *);
bool settings_warm_age(struct reader *, const struct directive *, const struct statement *);
bool settings_sync_delay(struct reader *, const struct directive *, const struct statement *);
bool settings_link(struct reader *, const struct directive *, const struct statement *);
bool settings_link_addr(struct reader *, const struct directive *, const struct statement *);
bool settings_link_dest(struct reader *, const struct directive *, const struct statement *);
bool settings_link_local(struct reader *, const struct directive *, const struct statement *);
bool settings_expect(struct reader *, const struct directive *, const struct statement *);
bool settings_helper_type(struct reader *, const struct directive *, const struct statement *);
bool settings_helper_policy(struct reader *, const struct directive *, const struct statement *);
void settings_helper_policy_end(struct reader *);
void settings_expect_item(struct reader *, const struct token *);
void settings_expect_end(struct reader *);
void settings_link_end(struct reader *);

/*
 * Words to values. Each tells the problem, what was expected and what was found, and returns
 * false, or stores the value.
 */
bool value_number(struct reader *, const struct directive *, const struct token *, uint32_t max,
	uint32_t *value);
bool value_bool(struct reader *, const struct directive *, const struct token *, bool *value);
bool value_path(
	struct reader *, const struct directive *, const struct token *, char *path, size_t size);
bool value_name(
	struct reader *, const struct directive *, const struct token *, char *name, size_t size);

/* The same without a word on problems. */
bool token_is(const struct token *, const char *text);
bool token_is_nocase(const struct token *, const char *text);
bool token_is_bool(const struct token *, bool *value);
bool token_is_number(const struct token *);

/* Decimal, or hexadecimal behind 0x; false if it is neither or does not fit. */
bool token_hex(const struct token *, uint32_t *value);

bool token_has_control(const struct token *);

/* Could be meant as an address: nothing but hex digits, dots, colons and a slash. */
bool token_is_addr_like(const struct token *);

/*
 * An address of family l3 with, if prefix_len is not NULL, an optional "/n" (else the full
 * length). False if it is none.
 */
bool token_addr(const struct token *, uint8_t l3, union flow_addr *, uint8_t *prefix_len);

/* "The value is missing or wrong": HashSize: expected a number, found 'abc'. */
void settings_expected(struct reader *, const struct directive *, const struct token *found);

/*
 * Reports what is deprecated or not served, unless its section has been reported as a whole.
 */
void settings_not_served(struct reader *, const struct directive *, uint32_t line);

#endif
