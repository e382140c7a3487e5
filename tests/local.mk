# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += quickstart tools/build.sh tools/check.py tools/runner.py tools/setup.sh

# Named like a target of make, so that EXTRA_DIST would run all tests.
dist-hook:
	cp $(srcdir)/check $(distdir)/check
UNIT_LDADD = -lcunit
include tests/lib/local.mk
include tests/unit/base.mk
include tests/unit/flow.mk
include tests/unit/nlmsg.mk
include tests/unit/nfct.mk
include tests/unit/wire.mk
include tests/unit/core.mk
include tests/unit/io.mk
include tests/unit/parser.mk
include tests/unit/ctl.mk
include tests/sim/local.mk
include tests/golden/local.mk
include tests/fuzz/local.mk
include tests/system/local.mk
include tests/interop/local.mk
include tests/tidy/local.mk
include tests/bench/local.mk
