#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: get_conntrackd.sh DIR
#
# Unpacks Debian's conntrackd, its command-line tool and the libraries they need under DIR, without
# installing them; prints nothing. Run with LD_LIBRARY_PATH=DIR/usr/lib/<triplet> (a link to it is
# made as DIR/lib-path): DIR/usr/sbin/conntrackd and DIR/usr/sbin/conntrack.
set -eu
dir=$1
[ -x "$dir/usr/sbin/conntrackd" ] && exit 0
mkdir -p "$dir"
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download conntrackd conntrack libnetfilter-conntrack3 libnetfilter-queue1 \
	libnetfilter-cttimeout1 libnetfilter-cthelper0 >/dev/null
for deb in *.deb; do
	dpkg -x "$deb" .
done
set -- usr/lib/*/libnetfilter_conntrack.so.3
ln -sfn "$(dirname "$1")" lib-path
