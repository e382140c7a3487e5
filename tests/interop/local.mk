# SPDX-License-Identifier: GPL-2.0-or-later
# Run by ./check, not by make check: they need root and the unpacked packages.
EXTRA_DIST += tests/interop/peers.py tests/interop/test_conntrackd.py \
	tests/interop/test_faults.py
