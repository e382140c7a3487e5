#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a Debian 12 machine ready to build and test ctsync; does nothing, and needs no network,
# where that was done before.
#
#   tools/setup.sh build        what is needed to compile and to run the demo
#   tools/setup.sh check        that, and what only the tests need
#   tools/setup.sh print-env    shell lines that name the unpacked programs
#
# Libraries and tools are installed with apt-get. Programs that bring a service of their own, or that
# only the tests run, are unpacked under build/pkgs with the libraries they miss, and run from there:
# nothing starts and nothing in /etc changes. So is Debian's libnetfilter_conntrack, with which ours
# is compared.
#
# Exit status: 0 ready, 2 this machine cannot be made ready (one line on stderr says why).
set -eu
PATH=$PATH:/usr/sbin:/sbin
export PATH

top=$(cd "$(dirname "$0")/.." && pwd)
pkgs=$top/build/pkgs
root=$pkgs/root
log=$top/build/setup.log
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch 2>/dev/null ||
	echo "$(uname -m)-linux-gnu")
libs=usr/lib/$multiarch

build_packages="build-essential autoconf automake libtool pkg-config flex bison
	libmnl-dev libnfnetlink-dev libsodium-dev libjansson-dev libcap-ng-dev libcunit1-dev
	iproute2 nftables conntrack python3 procps kmod"
check_packages="clang libclang-rt-14-dev iptables abigail-tools doxygen"
unpacked_packages="keepalived conntrackd nfct iptstate ulogd2 dnsmasq-base
	libnetfilter-conntrack3 libnetfilter-conntrack-dev"
# A file of each; what can be run or loaded must find its libraries.
unpacked_programs="usr/sbin/keepalived usr/sbin/conntrackd usr/sbin/nfct usr/sbin/iptstate
	usr/sbin/ulogd usr/sbin/dnsmasq $libs/ulogd/ulogd_inpflow_NFCT.so
	$libs/libnetfilter_conntrack.so.3"
unpacked_headers="usr/include/libnetfilter_conntrack/libnetfilter_conntrack.h"

die() {
	echo "setup: $*" >&2
	exit 2
}

lib_path() {
	echo "$root/$libs:$root/lib/$multiarch"
}

missing_packages() {
	for p in "$@"; do
		case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
		*' installed') ;;
		*) echo "$p" ;;
		esac
	done
}

# Whether all is there that this state of the tree asks for and runs on this machine.
unpacked_is_complete() {
	for file in $unpacked_programs $unpacked_headers; do
		[ -r "$root/$file" ] || return 1
	done
	for program in $unpacked_programs; do
		if LD_LIBRARY_PATH=$(lib_path) ldd "$root/$program" 2>/dev/null |
			grep -q 'not found'; then
			return 1
		fi
	done
}

run_logged() {
	"$@" >>"$log" 2>&1 </dev/null
}

updated=no
apt_update_once() {
	[ $updated = no ] || return 0
	updated=yes
	run_logged apt-get update ||
		die "apt-get update failed; is the network reachable? (see $log)"
}

install_packages() {
	wanted=$(missing_packages "$@")
	[ -n "$wanted" ] || return 0
	echo "setup: installing" $wanted
	apt_update_once
	# $wanted is a list of package names, to be split.
	run_logged apt-get install -y --no-install-recommends $wanted ||
		die "cannot install the packages" $wanted "(see $log)"
}

# apt-get works out which dependencies this machine lacks; it only downloads. What an older state of
# the tree unpacked is replaced as a whole, once everything has come.
unpack_packages() {
	unpacked_is_complete && return 0
	echo "setup: unpacking" $unpacked_packages "under build/pkgs"
	new=$pkgs.new
	rm -rf "$new"
	mkdir -p "$new/debs/partial" "$new/root"
	apt_update_once
	run_logged apt-get install -y --no-install-recommends --reinstall --download-only \
		-o Dir::Cache::Archives="$new/debs" -o APT::Sandbox::User=root \
		$unpacked_packages ||
		die "cannot download the packages" $unpacked_packages "(see $log)"
	for deb in "$new"/debs/*.deb; do
		run_logged dpkg -x "$deb" "$new/root" || die "cannot unpack $deb (see $log)"
	done
	rm -rf "$pkgs"
	mv "$new" "$pkgs"
	unpacked_is_complete ||
		die "a file is missing of" $unpacked_packages "or a library that it needs (see ldd)"
}

# Each is tried in a network namespace of its own, which goes with the command.
check_kernel() {
	unshare -n true 2>/dev/null || die "cannot make network namespaces (CAP_SYS_ADMIN is needed)"
	unshare -n nft 'add table inet t; add chain inet t c { type filter hook input priority 0; };
		add rule inet t c ct state established accept' >>"$log" 2>&1 ||
		die "this kernel lacks nftables or connection tracking (see $log)"
	unshare -n conntrack -L >>"$log" 2>&1 ||
		die "this kernel lacks ctnetlink, the interface to connection tracking (see $log)"
}

main() {
	case ${1:-} in
	print-env)
		echo "KEEPALIVED=$root/usr/sbin/keepalived"
		echo "CONNTRACKD=$root/usr/sbin/conntrackd"
		echo "UNPACKED_LIB_PATH=$(lib_path)"
		echo "DEBIAN_NFCT_LIB=$root/$libs/libnetfilter_conntrack.so.3"
		echo "DEBIAN_NFCT_INCLUDE=$root/usr/include"
		return
		;;
	build) packages=$build_packages ;;
	check) packages="$build_packages $check_packages" ;;
	*) die "usage: tools/setup.sh build|check|print-env" ;;
	esac
	[ "$(id -u)" = 0 ] || die "root is needed: for packages, network namespaces and the kernel's table"
	command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
		die "apt-get and dpkg are needed: this works on Debian 12 and its relatives"
	mkdir -p "$top/build"
	: >"$log"
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	install_packages $packages
	unpack_packages
	check_kernel
}

main "$@"
