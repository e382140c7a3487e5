/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/reader.h"

#include <errno.h>
#include <string.h>

#include "parser/grammar.h"
#include "parser/lexer_glue.h"
#include "parser/settings.h"

void lexer_advance(struct reader *r, size_t len)
{
	r->at += len;
}

/* len bytes, skip bytes into what has been matched and was counted by lexer_advance(). */
static struct token lexer_token(struct reader *r, size_t matched, size_t skip, size_t len)
{
	struct token tok = {r->text + r->at - matched + skip, (uint32_t)len, r->line};

	r->last = tok;
	return tok;
}

/* What may follow a directive; the same name can stand for several (Type, LogFile, Group). */
static void lexer_expect_words(struct reader *r, const struct token *name)
{
	r->words_left = 0;
	r->any_word = false;
	r->list_next = false;
	for (const struct directive *d = directives; d->name; d++) {
		if (!token_is(name, d->name))
			continue;
		if (d->words_max > r->words_left)
			r->words_left = d->words_max;
		if (d->type == VALUE_INTERFACE || d->type == VALUE_USER)
			r->any_word = true;
		if (section_is_list(d->opens))
			r->list_next = true;
	}
}

int lexer_word(struct reader *r, union CONF_YYSTYPE *value, size_t skip, size_t len)
{
	bool continues = r->same_line && r->last.line == r->line;
	struct token tok = lexer_token(r, len + 2 * skip, skip, len);
	bool known = skip == 0 && directive_find_any(tok.at, tok.len);

	value->token = tok;
	if (r->in_list)
		return ITEM;
	if (r->words_left > 0 && (r->any_word || !known)) {
		r->words_left--;
		r->any_word = false;
		return WORD;
	}
	if (known) {
		lexer_expect_words(r, &tok);
		/* A section that takes no word: one in front of its brace is told with it. */
		r->same_line = r->words_left == 0;
		return DIRECTIVE;
	}
	r->words_left = 0;
	r->list_next = false;
	if (continues)
		return WORD;
	r->same_line = true;
	return UNKNOWN;
}

int lexer_open_quote(struct reader *r, union CONF_YYSTYPE *value, size_t len)
{
	diag_error(r->diag, r->line, "expected a '\"' that closes the string before the line ends");
	return lexer_word(r, value, 0, len);
}

static void lexer_brace(struct reader *r)
{
	r->words_left = 0;
	r->any_word = false;
	r->same_line = false;
	r->list_next = false;
}

int lexer_open(struct reader *r, union CONF_YYSTYPE *value)
{
	value->token = lexer_token(r, 1, 0, 1);
	if (++r->depth > BRACE_DEPTH_MAX) {
		diag_error(r->diag, r->line, "sections nested more than %d deep", BRACE_DEPTH_MAX);
		return 0;
	}
	r->in_list = r->list_next;
	lexer_brace(r);
	return OPEN;
}

int lexer_close(struct reader *r, union CONF_YYSTYPE *value)
{
	value->token = lexer_token(r, 1, 0, 1);
	if (r->depth > 0)
		r->depth--;
	r->in_list = false;
	lexer_brace(r);
	return CLOSE;
}

int lexer_end(struct reader *r)
{
	lexer_token(r, 0, 0, 0);
	return 0;
}

void statement_add(struct statement *st, const struct token *word)
{
	if (st->words_count < STATEMENT_WORDS_MAX)
		st->words[st->words_count] = *word;
	st->words_count++;
}

void reader_syntax_error(struct reader *r, const char *msg)
{
	if (r->depth > BRACE_DEPTH_MAX)
		return; /* told by the lexer, which ended the input for it */
	if (strcmp(msg, "syntax error") != 0)
		diag_error(r->diag, r->line, "%s", msg);
	else if (r->stack_used > 0)
		diag_error(r->diag, r->line,
			"expected '}' to close %s of line %u, found the end of the file",
			section_name(reader_section(r)), r->stack[r->stack_used - 1].line);
	else
		diag_error(r->diag, r->line, "expected '}', found the end of the file");
}

/* 0, or -ENOMEM from the generated code. */
static int reader_scan(struct reader *r, void **scanner)
{
	int err;

	if (setjmp(r->out_of_memory) != 0)
		return -ENOMEM;
	if (!conf_yy_scan_bytes(r->text, (int)r->len, *scanner))
		return -ENOMEM;
	err = conf_yyparse(*scanner, r);
	return err == 2 ? -ENOMEM : 0; /* 1 is a syntax error and has been told */
}

int reader_run(struct reader *r, const char *text, size_t len)
{
	void *scanner = NULL;
	int err;

	r->text = text;
	r->len = len;
	r->line = 1;
	if (conf_yylex_init_extra(r, &scanner) != 0)
		return -ENOMEM;
	err = reader_scan(r, &scanner);
	conf_yylex_destroy(scanner);
	while (r->stack_used > 0)
		settings_close(r); /* of an early end */
	return err;
}
