#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: capture_wire.sh OUT_DIR [CONNTRACKD_ROOT]
#
# Makes tests/lib/captures/wire: what two conntrackd of Debian say to each other about flows of
# every kind, one file per mode (wire_record.py tells their format). Needs root, python3, nft, ip
# and, unless CONNTRACKD_ROOT has it already (get_conntrackd.sh), a Debian mirror. Everything runs
# in network namespaces of its own that are removed at the end:
#
#   client -- a (firewall, conntrackd) -- server
#             |  sync link
#             b (conntrackd)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
tmp=$(mktemp -d)
root=${2:-$tmp/root}
ns=ctsync-wire-$$
pids=

cleanup() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait
	for n in a b c s; do
		ip netns del "$ns-$n" 2>/dev/null || :
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

in_ns() {
	local n=$1
	shift
	ip netns exec "$ns-$n" "$@"
}

# The same in the background, without a shell in between: the pid is the command's.
start_in_ns() {
	local n=$1
	shift
	LD_LIBRARY_PATH=$root/lib-path ip netns exec "$ns-$n" "$@" &
	started=$!
	pids="$pids $started"
}

# Polls a command until it is true; gives up after 20 s.
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
	local n=$1
	shift
	LD_LIBRARY_PATH=$root/lib-path in_ns "$n" "$root/usr/sbin/conntrackd" -C "$tmp/$n.conf" "$@"
}

# A spoiled entry must not go unnoticed, so that a failure ends the script.
ct() {
	LD_LIBRARY_PATH=$root/lib-path in_ns a "$root/usr/sbin/conntrack" "$@" >/dev/null
}

link() { # ns1 dev1 ns2 dev2
	ip link add "$2" netns "$ns-$1" type veth peer name "$4" netns "$ns-$3"
	in_ns "$1" ip link set "$2" up
	in_ns "$3" ip link set "$4" up
}

network() {
	for n in a b c s; do
		ip netns add "$ns-$n"
		in_ns $n sysctl -qw net.ipv6.conf.default.accept_dad=0
		in_ns $n ip link set lo up
	done
	link a sync0 b sync0
	link c eth0 a cli0
	link a srv0 s eth0
	in_ns a ip addr add 10.91.9.1/24 dev sync0
	in_ns b ip addr add 10.91.9.2/24 dev sync0
	in_ns c ip addr add 10.91.1.2/24 dev eth0
	in_ns c ip addr add fd91:1::2/64 dev eth0 nodad
	in_ns a ip addr add 10.91.1.1/24 dev cli0
	in_ns a ip addr add fd91:1::1/64 dev cli0 nodad
	in_ns a ip addr add 10.91.2.1/24 dev srv0
	in_ns a ip addr add fd91:2::1/64 dev srv0 nodad
	in_ns s ip addr add 10.91.2.200/24 dev eth0
	in_ns s ip addr add fd91:2::2/64 dev eth0 nodad
	in_ns c ip route add default via 10.91.1.1
	in_ns c ip route add default via fd91:1::1
	in_ns s ip route add default via 10.91.2.1
	in_ns s ip route add default via fd91:2::1
	in_ns a sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# NAT in both directions, a helper, marks, labels and a zone.
ruleset() {
	in_ns a nft -f - <<-END
	table inet capture {
		ct helper ftp-std {
			type "ftp" protocol tcp
		}
		chain zones {
			type filter hook prerouting priority raw
			iifname "sync0" notrack
			iifname "cli0" udp dport 53 ct zone set 7
			iifname "srv0" udp sport 53 ct zone set 7
		}
		chain own_talk {
			type filter hook output priority raw
			oifname "sync0" notrack
		}
		chain prerouting {
			type filter hook prerouting priority mangle
			tcp dport 21 ct helper set "ftp-std"
			tcp dport 80 ct mark set 0xdecade
			tcp dport 8080 ct label set 5
			udp dport 5353 ct label set 127
		}
		chain nat_pre {
			type nat hook prerouting priority dstnat
			ip daddr 10.91.1.1 tcp dport 8080 dnat ip to 10.91.2.200:80
			ip daddr 10.91.1.1 udp dport 5353 dnat ip to 10.91.2.200:54
			ip daddr 10.91.1.1 tcp dport 21 dnat ip to 10.91.2.200:21
			ip6 daddr fd91:2::2 tcp dport 8080 dnat ip6 to [fd91:2::2]:80
			ip6 daddr fd91:2::2 udp dport 5353 dnat ip6 to [fd91:2::2]:54
		}
		chain nat_post {
			type nat hook postrouting priority srcnat
			oifname "srv0" ip daddr 10.91.2.200 tcp dport 80 masquerade to :2000-2999
			oifname "srv0" meta l4proto { icmp, icmpv6 } masquerade
			oifname "srv0" udp dport 54 ct status dnat masquerade
		}
	}
	END
}

config() { # node own-address mode
	cat > "$tmp/$1.conf" <<-END
	Sync {
		$3
		Multicast {
			IPv4_address 225.0.0.50
			Group 3780
			IPv4_interface $2
			Interface sync0
			SndSocketBuffer 1249280
			RcvSocketBuffer 1249280
			Checksum on
		}
		Options {
			TCPWindowTracking On
			ExpectationSync On
		}
	}
	General {
		Systemd off
		HashSize 1024
		HashLimit 65536
		LogFile $tmp/$1.log
		LockFile $tmp/$1.lock
		UNIX {
			Path $tmp/$1.ctl
		}
		NetlinkBufferSize 2097152
		NetlinkBufferSizeMaxGrowth 8388608
	}
	END
}

# Entries that no traffic here can make; the kernel says "created by ctnetlink" of them: SYNPROXY 0.
inject() {
	local v4="-s 192.0.2.1 -d 198.51.100.2" v6="-s 2001:db8::1 -d 2001:db8:1::2"
	local nat4="-n 203.0.113.9 -g 203.0.113.10" nat6="-n 2001:db8:9::1 -g 2001:db8:9::2"

	ct -I $v4 -p tcp --sport 1111 --dport 80 --state ESTABLISHED -t 100 -u SEEN_REPLY,ASSURED -m 5
	ct -I $v4 -p tcp --sport 1112 --dport 80 --state SYN_SENT -t 101
	ct -I $v4 -p tcp --sport 1113 --dport 80 --state ESTABLISHED -t 102 -u ASSURED -w 4096
	ct -I $v4 -p udp --sport 1114 --dport 53 -t 103
	ct -I $v4 -p sctp --sport 1115 --dport 80 --state ESTABLISHED -t 104 \
		--orig-vtag 287454020 --reply-vtag 1432778632
	ct -I $v4 -p udplite --sport 1116 --dport 80 -t 105
	ct -I $v4 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 4660 -t 106
	ct -I $v4 -p gre --srckey 258 --dstkey 772 -t 107
	ct -I $v4 -p 50 -t 108
	ct -I $v4 -p dccp --sport 1117 --dport 80 --state OPEN --role client -t 109 || :
	ct -I -s 192.0.2.3 -d 198.51.100.2 -p tcp --sport 1118 --dport 80 --state ESTABLISHED \
		-t 110 -u SEEN_REPLY,ASSURED -n 203.0.113.9:3000 -g 203.0.113.10:8080
	ct -I -s 192.0.2.4 -d 198.51.100.2 -p udp --sport 1119 --dport 80 -t 111 $nat4
	ct -I -s 192.0.2.5 -d 198.51.100.2 -p 47 --srckey 1 --dstkey 2 -t 112 $nat4 || :
	ct -I $v6 -p tcp --sport 1120 --dport 80 --state ESTABLISHED -t 113 -u ASSURED -m 7
	ct -I $v6 -p udp --sport 1121 --dport 80 -t 114 $nat6
	ct -I $v6 -p sctp --sport 1122 --dport 80 --state ESTABLISHED -t 115 \
		--orig-vtag 1 --reply-vtag 2
	ct -I $v6 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 9029 -t 116
	ct -I $v6 -p 50 -t 117
	ct -U $v4 -p tcp --sport 1111 --dport 80 --state FIN_WAIT -t 60
	ct -D $v4 -p udp --sport 1114 --dport 53
}

start_node() { # node
	start_in_ns "$1" "$root/usr/sbin/conntrackd" -C "$tmp/$1.conf"
	until_true ctd "$1" -s >/dev/null 2>&1
}

stop() { # pid
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# The client's last flow has arrived at b.
replicated() {
	ctd b -e 2>/dev/null | grep -q 'icmpv6.*dst=fd91:2::2'
}

# After the flush a knows of hardly anything: the client's end is not there yet.
almost_empty() {
	[ "$(ctd a -i 2>/dev/null | wc -l)" -le 3 ]
}

# A capture holds the wanted kind of message: a pattern over its bytes in hex.
captured() { # file pattern
	od -An -v -tx1 "$1" | tr -d ' \n' | grep -q "$2"
}

capture() { # name mode
	local file=$tmp/$1.bin client recorder node_a node_b

	config a 10.91.9.1 "$2"
	config b 10.91.9.2 "$2"
	start_in_ns a python3 "$here/wire_record.py" sync0 3780 "$file"
	recorder=$started
	until_true test -e "$file"
	start_node b
	node_b=$started
	start_node a
	node_a=$started
	inject
	start_in_ns c python3 "$here/wire_traffic.py" client 10.91.2.200 10.91.1.1 fd91:2::2 \
		>"$tmp/$1.ready"
	client=$started
	until_true grep -q ready "$tmp/$1.ready"
	until_true replicated
	ctd a -R # events do not tell of sequence adjustment, a dump does
	if [ "$1" != alarm ]; then
		ctd b -n # asks a for its table: RESYNC
		until_true captured "$file" 1a[0-6]20010
		until_true captured "$file" 001c0010
	fi
	case $1 in
	ftfw) until_true captured "$file" 1a080010 ;;
	notrack) until_true captured "$file" 1a100008 ;;
	esac
	stop "$client"
	in_ns a conntrack -F >/dev/null 2>&1
	until_true captured "$file" 12[046]0
	until_true almost_empty
	stop "$node_a"
	stop "$node_b"
	stop "$recorder"
	mv "$file" "$out/$1.bin"
}

"$here/get_conntrackd.sh" "$root"
network
ruleset
start_in_ns s python3 "$here/wire_traffic.py" serve "$tmp/serving"
until_true test -e "$tmp/serving"
capture ftfw "Mode FTFW { }"
capture notrack "Mode NOTRACK { }"
capture alarm "Mode ALARM { RefreshTime 15
CacheTimeout 180 }"
ls -l "$out"
