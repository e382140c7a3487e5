# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/unit/test_parser
TESTS += tests/unit/test_parser
tests_unit_test_parser_SOURCES = tests/unit/unit.h tests/unit/test_parser.c
tests_unit_test_parser_LDADD = \
	parser/libparser.a src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_parser_print
TESTS += tests/unit/test_parser_print
tests_unit_test_parser_print_SOURCES = tests/unit/unit.h tests/unit/test_parser_print.c
tests_unit_test_parser_print_LDADD = \
	parser/libparser.a src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_parser_directives
TESTS += tests/unit/test_parser_directives
tests_unit_test_parser_directives_SOURCES = tests/unit/unit.h tests/unit/parser_directives.h \
	tests/unit/parser_directives.c tests/unit/parser_directives_sync.c \
	tests/unit/test_parser_directives.c
tests_unit_test_parser_directives_LDADD = \
	parser/libparser.a src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)
