# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += tests/tidy/tidy.py tests/tidy/api_comments.py tests/tidy/reference.sh tests/tidy/run.sh \
	tests/tidy/test_api_comments.py
TESTS += tests/tidy/reference.sh tests/tidy/run.sh tests/tidy/test_api_comments.py
