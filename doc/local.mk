# SPDX-License-Identifier: GPL-2.0-or-later
dist_man_MANS += doc/ctsyncd.8 doc/ctsyncctl.8 doc/ctsyncd.conf.5 doc/libnetfilter_conntrack.3
if ENABLE_CONNTRACKD_COMMAND
man_MANS += doc/conntrackd.8
endif
EXTRA_DIST += doc/conntrackd.8
EXTRA_DIST += README.md CHANGELOG.md CONTRIBUTING.md LICENSE autogen.sh .clang-format .gitignore \
	.ci doc/ARCHITECTURE.md doc/KERNEL.md doc/MIGRATION.md doc/OPERATIONS.md \
	doc/PERFORMANCE.md doc/PROTOCOL.md doc/ROADMAP.md doc/TESTING.md doc/doxygen_filter.py doc/nfct-groups.dox

# The library's reference as HTML, in doc/reference of the build folder. A warning is an error: a
# function or a parameter without a description, a name that does not exist.
.PHONY: doc
doc: doc/Doxyfile
	@command -v doxygen >/dev/null || { \
		echo "make doc: doxygen is needed; on Debian: apt-get install doxygen" >&2; exit 1; }
	$(AM_V_GEN)doxygen doc/Doxyfile
	@echo "doc/reference/index.html"

clean-local: clean-doc
.PHONY: clean-doc
clean-doc:
	rm -rf doc/reference
