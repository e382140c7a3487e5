# SPDX-License-Identifier: GPL-2.0-or-later
# parser: conntrackd.conf to struct config. Sees base and flow.
noinst_LIBRARIES += parser/libparser.a
parser_libparser_a_SOURCES = \
	parser/config.h parser/config.c \
	parser/compare.c \
	parser/print.c \
	parser/diag.h parser/diag.c \
	parser/served.h parser/served.c \
	parser/reader.h parser/reader.c \
	parser/value.c \
	parser/settings.h parser/settings.c \
	parser/settings_general.c \
	parser/settings_filter.c \
	parser/settings_sync.c \
	parser/settings_link.c \
	parser/settings_helper.c \
	parser/protocol.h parser/protocol.c \
	parser/check.h parser/check.c \
	parser/lexer_glue.h
nodist_parser_libparser_a_SOURCES = parser/lexer.c parser/grammar.c parser/grammar.h

# Not Automake's own rules for .l and .y: those go through yacc's and lex's common subset.
parser/grammar.c: parser/grammar.y
	$(AM_V_GEN)$(MKDIR_P) parser && \
	$(BISON) -Werror --header=parser/grammar.h --output=$@ $(srcdir)/parser/grammar.y
parser/grammar.h: parser/grammar.c
parser/lexer.c: parser/lexer.l
	$(AM_V_GEN)$(MKDIR_P) parser && \
	$(FLEX) --outfile=$@ $(srcdir)/parser/lexer.l
parser/lexer.$(OBJEXT) parser/reader.$(OBJEXT): parser/grammar.h

EXTRA_DIST += parser/lexer.l parser/grammar.y
BUILT_SOURCES += parser/grammar.h
CLEANFILES += parser/grammar.c parser/grammar.h parser/lexer.c
