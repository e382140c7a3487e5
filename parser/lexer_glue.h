/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_LEXER_GLUE_H
#define CTSYNC_PARSER_LEXER_GLUE_H

#include "parser/reader.h"

/* Private to the parser: between the generated lexer and grammar and our own code. */
union CONF_YYSTYPE;

void lexer_advance(struct reader *, size_t len);

/*
 * The token for what has just been matched: skip bytes into it, len long. They return the
 * grammar's token number, 0 to end the input early.
 */
int lexer_word(struct reader *, union CONF_YYSTYPE *, size_t skip, size_t len);
int lexer_open_quote(struct reader *, union CONF_YYSTYPE *, size_t len);
int lexer_open(struct reader *, union CONF_YYSTYPE *);
int lexer_close(struct reader *, union CONF_YYSTYPE *);
int lexer_end(struct reader *);

void statement_add(struct statement *, const struct token *);
void reader_syntax_error(struct reader *, const char *msg);

/* Generated. */
int conf_yylex(union CONF_YYSTYPE *, void *scanner);
int conf_yylex_init_extra(struct reader *, void **scanner);
int conf_yylex_destroy(void *scanner);
struct yy_buffer_state;
struct yy_buffer_state *conf_yy_scan_bytes(const char *bytes, int len, void *scanner);

#endif
