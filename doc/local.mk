# SPDX-License-Identifier: GPL-2.0-or-later
dist_man_MANS += doc/ctsyncd.8 doc/ctsyncctl.8 doc/ctsyncd.conf.5
EXTRA_DIST += README.md CHANGELOG.md CONTRIBUTING.md LICENSE autogen.sh .clang-format .gitignore \
	.ci doc/ARCHITECTURE.md doc/KERNEL.md doc/MIGRATION.md doc/PERFORMANCE.md doc/PROTOCOL.md \
	doc/ROADMAP.md doc/TESTING.md
