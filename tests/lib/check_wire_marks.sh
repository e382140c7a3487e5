#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: check_wire_marks.sh [CONNTRACKD_ROOT]
#
# Shows on Debian's conntrackd that our marks (an ALIVE with a body, doc/PROTOCOL.md) disturb it in
# no mode: no error counter moves, the flows around them arrive, its sequence goes on. Needs what
# capture_wire.sh needs. Prints a line per mode and `N passed, N failed`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
root=${1:-$tmp/root}
ns=ctsync-mark-$$
daemon=
passed=0
failed=0

stop_daemon() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || :
	daemon=
}

cleanup() {
	stop_daemon
	ip netns del "$ns-a" 2>/dev/null || :
	ip netns del "$ns-b" 2>/dev/null || :
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

until_true() {
	local tries=200
	until "$@"; do
		tries=$((tries - 1))
		if [ $tries -eq 0 ]; then
			echo "gave up waiting for: $*" >&2
			return 1
		fi
		sleep 0.1
	done
}

ctd() {
	LD_LIBRARY_PATH=$root/lib-path ip netns exec "$ns-b" "$root/usr/sbin/conntrackd" \
		-C "$tmp/b.conf" "$@" 2>/dev/null
}

peer() {
	ip netns exec "$ns-a" python3 "$here/wire_mark_peer.py" "$1" 10.91.9.1
}

has_flow() { # sport
	ctd -e | grep -q "sport=$1"
}

# The sum of all counters of an error seen, and of lost messages.
errors() {
	ctd -s network | awk '/Malformed|version|header|payload|type|Truncated|size|lost|before/ {
		sum += $NF } END { print sum + 0 }'
}

one_or_more_errors() {
	[ "$(errors)" -gt 0 ]
}

start_daemon() { # mode
	cat >"$tmp/b.conf" <<-END
	Sync {
		$1
		Multicast {
			IPv4_address 225.0.0.50
			Group 3780
			IPv4_interface 10.91.9.2
			Interface sync0
		}
	}
	General {
		Systemd off
		HashSize 1024
		HashLimit 65536
		LogFile $tmp/b.log
		LockFile $tmp/b.lock
		UNIX {
			Path $tmp/b.ctl
		}
	}
	END
	LD_LIBRARY_PATH=$root/lib-path ip netns exec "$ns-b" "$root/usr/sbin/conntrackd" \
		-C "$tmp/b.conf" >/dev/null 2>&1 &
	daemon=$!
	until_true ctd -s >/dev/null
}

# FTFW leaves one number out on purpose: upstream counts 3 messages lost for it.
check() { # name mode errors-expected
	local result=ok got

	start_daemon "$2"
	peer "$1" || result="the peer's answers are wrong"
	until_true has_flow 1008 || result="the last flow has not arrived"
	has_flow 1001 && has_flow 1004 || result="a flow beside a mark has not arrived"
	got=$(errors)
	[ "$got" -eq "$3" ] || result="$got errors counted, expected $3"
	ctd -s network >"$tmp/$1.stats"
	peer broken
	[ "$1" = alarm ] || until_true one_or_more_errors || result="errors are not counted at all"
	stop_daemon
	rm -f "$tmp/b.lock" "$tmp/b.ctl"
	echo "$1: $result"
	if [ "$result" = ok ]; then
		passed=$((passed + 1))
	else
		cat "$tmp/$1.stats"
		failed=$((failed + 1))
	fi
}

"$here/get_conntrackd.sh" "$root"
ip netns add "$ns-a"
ip netns add "$ns-b"
ip link add sync0 netns "$ns-a" type veth peer name sync0 netns "$ns-b"
ip -n "$ns-a" addr add 10.91.9.1/24 dev sync0
ip -n "$ns-b" addr add 10.91.9.2/24 dev sync0
ip -n "$ns-a" link set sync0 up
ip -n "$ns-b" link set sync0 up
check ftfw "Mode FTFW { }" 3
check notrack "Mode NOTRACK { }" 0
check alarm "Mode ALARM { }" 0
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
