# SPDX-License-Identifier: GPL-2.0-or-later
# Run by ./check, not by make check: they need root and the unpacked packages.
EXTRA_DIST += tests/system/test_lab.py
