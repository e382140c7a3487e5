# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += examples/systemd/ctsyncd.service examples/systemd/50-ctsync.sysctl.conf
