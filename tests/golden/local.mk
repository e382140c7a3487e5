# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/golden/conf_driver
tests_golden_conf_driver_SOURCES = tests/golden/conf_driver.c
tests_golden_conf_driver_LDADD = parser/libparser.a src/flow/libflow.a src/base/libbase.a
TESTS += tests/golden/conf.sh tests/golden/run_control.py
EXTRA_DIST += tests/golden/conf.sh tests/golden/good tests/golden/bad tests/golden/run_control.py \
	tests/golden/control tests/golden/compat
