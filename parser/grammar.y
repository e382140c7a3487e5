/* SPDX-License-Identifier: GPL-2.0-or-later */
%code top {
/*
 * The language is regular enough that its structure is all there is to say here: statements of a
 * directive, its values and perhaps a braced section. Which directive stands where, and with
 * what behind it, is the table's (served.c), so that a wrong one costs one message with the
 * right words, and reading goes on behind it.
 */
}

%code requires {
#include "parser/reader.h"
}

%code {
#include "parser/lexer_glue.h"
#include "parser/settings.h"

static void conf_yyerror(void *scanner, struct reader *r, const char *msg);
}

%define api.pure full
%define api.prefix {conf_yy}
%define parse.error simple
%param { void *scanner }
%parse-param { struct reader *r }

%union {
	struct token token;
	struct statement statement;
}

/*
 * DIRECTIVE: a word of the table where a statement may start. UNKNOWN: any other word there.
 * WORD: a value of the statement before. ITEM: a word inside of a list's braces.
 */
%token <token> DIRECTIVE UNKNOWN WORD ITEM OPEN CLOSE

/* A brace belongs to the statement before it, if there is one. */
%precedence ALONE
%precedence OPEN

%type <statement> statement unknown

%%

file:
	items
|	file CLOSE		{ diag_error(r->diag, $2.line, "'}' without a section to close"); }
		items
;

items:
	%empty
|	items item
;

item:
	statement %prec ALONE	{ settings_statement(r, &$1); }
|	statement OPEN		{ settings_open(r, &$1); }
		items CLOSE	{ settings_close(r); }
|	unknown %prec ALONE	{ settings_unknown(r, &$1); }
|	unknown OPEN		{ settings_unknown(r, &$1); }
		junk CLOSE
|	ITEM			{ settings_item(r, &$1); }
|	OPEN	{ diag_error(r->diag, $1.line, "expected a directive, found '{'"); }
		junk CLOSE
;

statement:
	DIRECTIVE		{ $$ = (struct statement){.name = $1}; }
|	statement WORD		{ $$ = $1; statement_add(&$$, &$2); }
;

unknown:
	UNKNOWN			{ $$ = (struct statement){.name = $1}; }
|	unknown WORD		{ $$ = $1; statement_add(&$$, &$2); }
;

junk:
	%empty
|	junk DIRECTIVE
|	junk WORD
|	junk ITEM
|	junk UNKNOWN
|	junk OPEN junk CLOSE
;

%%

/* Everything but an early end of the file has its rule above, so there is nothing to recover. */
static void conf_yyerror(void *scanner, struct reader *r, const char *msg)
{
	(void)scanner;
	reader_syntax_error(r, msg);
}
