#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds in build/NAME, out of the tree; what was built before is used again.
#
#	tools/build.sh NAME MAKE-ARGUMENTS -- CONFIGURE-ARGUMENTS
#
# Says nothing when all is well; the compiler's output is in build/NAME.log. Exit status: 0, 1 with the
# end of that log on stderr, or 2 without a NAME.
set -eu

case ${1:--} in
-*)
	echo "usage: tools/build.sh NAME MAKE-ARGUMENTS -- CONFIGURE-ARGUMENTS" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/.."
name=$1
shift
make_args=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	make_args="$make_args $1"
	shift
done
[ $# -eq 0 ] || shift
dir=build/$name
log=$PWD/build/$name.log

# The arguments of configure are kept, to configure again when they change.
build() (
	set -e
	[ -x configure ] || ./autogen.sh
	mkdir -p "$dir"
	cd "$dir"
	if [ ! -f Makefile ] || [ "$(cat configure.args 2>/dev/null)" != "$*" ]; then
		rm -f configure.args
		../../configure --quiet "$@"
		echo "$*" >configure.args
	fi
	# shellcheck disable=SC2086
	make -j"$(nproc)" $make_args
)

mkdir -p build
# A subshell in a condition would ignore set -e, so the status is asked for afterwards.
set +e
build "$@" >"$log" 2>&1 </dev/null
status=$?
if [ $status -ne 0 ] && grep -q 'No rule to make target' "$log"; then
	# A file of an older state of the tree is gone: begin again.
	rm -rf "$dir" configure
	build "$@" >"$log" 2>&1 </dev/null
	status=$?
fi
if [ $status -ne 0 ]; then
	echo "build: $name failed, see build/$name.log, which ends:" >&2
	tail -n 30 "$log" >&2
	exit 1
fi
