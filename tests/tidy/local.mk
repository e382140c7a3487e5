# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += tests/tidy/tidy.py tests/tidy/run.sh
TESTS += tests/tidy/run.sh
