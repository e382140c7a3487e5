#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the tidy checks from `make check`, which sets srcdir and runs this in the build folder.
exec python3 "${srcdir:-.}/tests/tidy/tidy.py" --srcdir "${srcdir:-.}" --builddir . "$@"
