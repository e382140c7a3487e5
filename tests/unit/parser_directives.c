/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser_directives.h"

#include <stddef.h>

#include "parser/served.h"

#define IN(s) (1u << SECTION_##s)

/* clang-format off */
const struct directive_form directive_forms_general[] = {
	/* the file */
	{"General", IN(FILE), "General { }",
		"warning: expected a section Sync or Stats, found none: nothing is "
		"synchronized, the mode is Stats"},
	{"General", IN(FILE), "General on { }",
		"error: General: expected '{', found 'on'"},
	{"General", IN(FILE), "General",
		"error: General: expected '{', found the end of the file"},
	{"Sync", IN(FILE),
		"Sync { Mode FTFW { } Multicast { IPv4_address 225.0.0.50 Interface a "
		"Group 1 } }", NULL},
	{"Sync", IN(FILE), "Sync { Mode FTFW { } }",
		"error: Sync: expected a section Multicast, UDP or TCP, found none"},
	{"Sync", IN(FILE), "Sync FTFW { }",
		"error: Sync: expected '{', found 'FTFW'"},
	{"Sync", IN(FILE),
		"Sync { Mode FTFW { } Multicast { IPv4_address 225.0.0.50 Interface a "
		"Group 1 } } Stats { }",
		"error: Stats: expected either Sync or Stats, found both"},
	{"Stats", IN(FILE), "Stats { }", NULL},
	{"Stats", IN(FILE), "Stats on",
		"error: Stats: expected '{', found 'on'"},
	{"Helper", IN(FILE), "Helper { }",
		"error: Helper is not served yet"},

	/* General */
	{"HashSize", IN(GENERAL), "HashSize 8192", NULL},
	{"HashSize", IN(GENERAL), "HashSize 0", NULL},
	{"HashSize", IN(GENERAL), "HashSize -1",
		"error: HashSize: expected a number, found '-1'"},
	{"HashSize", IN(GENERAL), "HashSize many",
		"error: HashSize: expected a number, found 'many'"},
	{"HashSize", IN(GENERAL), "HashSize 4294967296",
		"error: HashSize: expected a number up to 4294967295, found '4294967296'"},
	{"HashSize", IN(GENERAL), "HashSize",
		"error: HashSize: expected a number, found '}'"},
	{"HashLimit", IN(GENERAL), "HashLimit 8192", NULL},
	{"HashLimit", IN(GENERAL), "HashLimit 0", NULL},
	{"HashLimit", IN(GENERAL), "HashLimit -1",
		"error: HashLimit: expected a number, found '-1'"},
	{"HashLimit", IN(GENERAL), "HashLimit many",
		"error: HashLimit: expected a number, found 'many'"},
	{"HashLimit", IN(GENERAL), "HashLimit 4294967296",
		"error: HashLimit: expected a number up to 4294967295, found '4294967296'"},
	{"HashLimit", IN(GENERAL), "HashLimit",
		"error: HashLimit: expected a number, found '}'"},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit 8192", NULL},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit 0", NULL},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit -1",
		"error: EventIterationLimit: expected a number, found '-1'"},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit many",
		"error: EventIterationLimit: expected a number, found 'many'"},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit 4294967296",
		"error: EventIterationLimit: expected a number up to 4294967295, found "
		"'4294967296'"},
	{"EventIterationLimit", IN(GENERAL), "EventIterationLimit",
		"error: EventIterationLimit: expected a number, found '}'"},
	{"LogFile", IN(GENERAL), "LogFile on", NULL},
	{"LogFile", IN(GENERAL), "LogFile Yes", NULL},
	{"LogFile", IN(GENERAL), "LogFile off", NULL},
	{"LogFile", IN(GENERAL), "LogFile NO", NULL},
	{"LogFile", IN(GENERAL), "LogFile /var/log/x.log", NULL},
	{"LogFile", IN(STATS), "LogFile on", NULL},
	{"LogFile", IN(STATS), "LogFile Yes", NULL},
	{"LogFile", IN(STATS), "LogFile off", NULL},
	{"LogFile", IN(STATS), "LogFile NO", NULL},
	{"LogFile", IN(STATS), "LogFile /var/log/x.log", NULL},
	{"LogFile", IN(GENERAL) | IN(STATS), "LogFile true",
		"error: LogFile: expected on, off or a path that starts with '/', found "
		"'true'"},
	{"LogFile", IN(GENERAL) | IN(STATS), "LogFile x.log",
		"error: LogFile: expected on, off or a path that starts with '/', found "
		"'x.log'"},
	{"Syslog", IN(GENERAL), "Syslog on", NULL},
	{"Syslog", IN(GENERAL), "Syslog off", NULL},
	{"Syslog", IN(GENERAL), "Syslog daemon", NULL},
	{"Syslog", IN(GENERAL), "Syslog local0", NULL},
	{"Syslog", IN(GENERAL), "Syslog local7", NULL},
	{"Syslog", IN(STATS), "Syslog on", NULL},
	{"Syslog", IN(STATS), "Syslog off", NULL},
	{"Syslog", IN(STATS), "Syslog daemon", NULL},
	{"Syslog", IN(STATS), "Syslog local0", NULL},
	{"Syslog", IN(STATS), "Syslog local7", NULL},
	{"Syslog", IN(GENERAL) | IN(STATS), "Syslog LOCAL0",
		"warning: Syslog: expected on, off, daemon or local0 to local7, found "
		"'LOCAL0', ignored"},
	{"Syslog", IN(GENERAL) | IN(STATS), "Syslog kern",
		"warning: Syslog: expected on, off, daemon or local0 to local7, found "
		"'kern', ignored"},
	{"Syslog", IN(GENERAL) | IN(STATS), "Syslog",
		"error: Syslog: expected on, off or a facility, found '}'"},
	{"Syslog", IN(STATS), "Syslog local1 } General { Syslog local2",
		"warning: Syslog: expected the facility of section General, found "
		"another: General's is used"},
	{"LockFile", IN(GENERAL), "LockFile /run/x.lock", NULL},
	{"LockFile", IN(GENERAL), "LockFile on",
		"error: LockFile: expected a path that starts with '/', found 'on'"},
	{"LockFile", IN(GENERAL), "LockFile x.lock",
		"error: LockFile: expected a path that starts with '/', found 'x.lock'"},
	{"Lockfile", IN(GENERAL), "Lockfile /run/x.lock",
		"warning: Lockfile is deprecated: use LockFile"},
	{"Lockfile", IN(GENERAL), "Lockfile on",
		"error: Lockfile: expected a path that starts with '/', found 'on'"},
	{"Lockfile", IN(GENERAL), "Lockfile x.lock",
		"error: Lockfile: expected a path that starts with '/', found 'x.lock'"},
	{"UNIX", IN(GENERAL), "UNIX { Path /run/x.ctl }", NULL},
	{"UNIX", IN(GENERAL), "UNIX /run/x.ctl",
		"error: UNIX: expected '{', found '/run/x.ctl'"},
	{"Path", IN(UNIX), "Path /run/x.ctl", NULL},
	{"Path", IN(UNIX), "Path run/x.ctl",
		"error: Path: expected a path that starts with '/', found 'run/x.ctl'"},
	{"Path", IN(UNIX),
		"Path "
		"/ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
		"pppppppppppppppppppppppppppppppppppp",
		"error: Path: expected at most 107 characters, found 108: "
		"'/ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp...'"},
	{"Backlog", IN(UNIX), "Backlog 20",
		"warning: Backlog is deprecated and ignored: the daemon knows how many "
		"it serves"},
	{"Backlog", IN(UNIX), "Backlog few",
		"error: Backlog: expected a number, found 'few'"},
	{"NetlinkBufferSize", IN(GENERAL),
		"NetlinkBufferSize 8 NetlinkBufferSizeMaxGrowth 9", NULL},
	{"NetlinkBufferSize", IN(GENERAL), "NetlinkBufferSize 8",
		"warning: NetlinkBufferSize: expected at most "
		"NetlinkBufferSizeMaxGrowth, which is 0, found 8: the system's default "
		"is used"},
	{"NetlinkBufferSize", IN(GENERAL), "NetlinkBufferSize 2M",
		"error: NetlinkBufferSize: expected a number of bytes, found '2M'"},
	{"SocketBufferSize", IN(GENERAL), "SocketBufferSize 8 NetlinkBufferSizeMaxGrowth 9",
		"warning: SocketBufferSize is deprecated: use NetlinkBufferSize"},
	{"SocketBufferSize", IN(GENERAL), "SocketBufferSize 2M",
		"error: SocketBufferSize: expected a number of bytes, found '2M'"},
	{"NetlinkBufferSizeMaxGrowth", IN(GENERAL), "NetlinkBufferSizeMaxGrowth 9", NULL},
	{"NetlinkBufferSizeMaxGrowth", IN(GENERAL), "NetlinkBufferSizeMaxGrowth -9",
		"error: NetlinkBufferSizeMaxGrowth: expected a number of bytes, found "
		"'-9'"},
	{"SocketBufferSizeMaxGrowth", IN(GENERAL), "SocketBufferSizeMaxGrowth 9",
		"warning: SocketBufferSizeMaxGrowth is deprecated: use "
		"NetlinkBufferSizeMaxGrowth"},
	{"SocketBufferSizeMaxGrowth", IN(GENERAL), "SocketBufferSizeMaxGrowth on",
		"error: SocketBufferSizeMaxGrowth: expected a number of bytes, found 'on'"},
	{"SocketBufferSizeMaxGrown", IN(GENERAL), "SocketBufferSizeMaxGrown 9",
		"warning: SocketBufferSizeMaxGrown is deprecated: use "
		"NetlinkBufferSizeMaxGrowth"},
	{"SocketBufferSizeMaxGrown", IN(GENERAL), "SocketBufferSizeMaxGrown on",
		"error: SocketBufferSizeMaxGrown: expected a number of bytes, found 'on'"},
	{"NetlinkOverrunResync", IN(GENERAL), "NetlinkOverrunResync on", NULL},
	{"NetlinkOverrunResync", IN(GENERAL), "NetlinkOverrunResync 15", NULL},
	{"NetlinkOverrunResync", IN(GENERAL), "NetlinkOverrunResync 0", NULL},
	{"NetlinkOverrunResync", IN(GENERAL), "NetlinkOverrunResync no",
		"warning: NetlinkOverrunResync: off is not obeyed: dropped events are "
		"always repaired"},
	{"NetlinkOverrunResync", IN(GENERAL), "NetlinkOverrunResync never",
		"error: NetlinkOverrunResync: expected on, off or a number of seconds, "
		"found 'never'"},
	{"NetlinkEventsReliable", IN(GENERAL), "NetlinkEventsReliable on", NULL},
	{"NetlinkEventsReliable", IN(GENERAL), "NetlinkEventsReliable off", NULL},
	{"NetlinkEventsReliable", IN(STATS), "NetlinkEventsReliable on",
		"warning: NetlinkEventsReliable is deprecated: use that of section "
		"General"},
	{"NetlinkEventsReliable", IN(STATS), "NetlinkEventsReliable off",
		"warning: NetlinkEventsReliable is deprecated: use that of section "
		"General"},
	{"NetlinkEventsReliable", IN(GENERAL) | IN(STATS), "NetlinkEventsReliable 1",
		"error: NetlinkEventsReliable: expected on or off, found '1'"},
	{"PollSecs", IN(GENERAL), "PollSecs 1", NULL},
	{"PollSecs", IN(GENERAL), "PollSecs 0",
		"error: PollSecs: expected a number of seconds, at least 1, found '0'"},
	{"PollSecs", IN(GENERAL), "PollSecs on",
		"error: PollSecs: expected a number of seconds, at least 1, found 'on'"},
	{"Scheduler", IN(GENERAL), "Scheduler { Type FIFO Priority 1 }", NULL},
	{"Scheduler", IN(GENERAL), "Scheduler { }", NULL},
	{"Scheduler", IN(GENERAL), "Scheduler { Priority 1 }",
		"warning: Priority: expected a Type in section Scheduler too, found "
		"none: ignored"},
	{"Scheduler", IN(GENERAL), "Scheduler FIFO { }",
		"error: Scheduler: expected '{', found 'FIFO'"},
	{"Type", IN(SCHEDULER), "Type RR", NULL},
	{"Type", IN(SCHEDULER), "Type fifo", NULL},
	{"Type", IN(SCHEDULER), "Type BATCH",
		"error: Type: expected RR or FIFO, found 'BATCH'"},
	{"Priority", IN(SCHEDULER), "Priority 0", NULL},
	{"Priority", IN(SCHEDULER), "Priority 99", NULL},
	{"Priority", IN(SCHEDULER), "Priority 100",
		"error: Priority: expected a number from 0 to 99, found '100'"},
	{"Priority", IN(SCHEDULER), "Priority -1",
		"error: Priority: expected a number from 0 to 99, found '-1'"},
	{"Nice", IN(GENERAL), "Nice -20",
		"warning: Nice is deprecated and ignored: the daemon runs under a "
		"real-time Scheduler"},
	{"Nice", IN(GENERAL), "Nice +5",
		"warning: Nice is deprecated and ignored: the daemon runs under a "
		"real-time Scheduler"},
	{"Nice", IN(GENERAL), "Nice 5",
		"warning: Nice is deprecated and ignored: the daemon runs under a "
		"real-time Scheduler"},
	{"Nice", IN(GENERAL), "Nice low",
		"error: Nice: expected a signed number, found 'low'"},
	{"Systemd", IN(GENERAL), "Systemd on", NULL},
	{"Systemd", IN(GENERAL), "Systemd off", NULL},
	{"Systemd", IN(GENERAL), "Systemd YES", NULL},
	{"Systemd", IN(GENERAL), "Systemd nO", NULL},
	{"Systemd", IN(GENERAL), "Systemd true",
		"error: Systemd: expected on or off, found 'true'"},
	{"User", IN(GENERAL), "User ctsync", NULL},
	{"User", IN(GENERAL), "User a/b",
		"error: User: expected a user's name, found 'a/b'"},
	{"User", IN(GENERAL), "User uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
		"error: User: expected at most 32 characters, found 33: "
		"'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu'"},
	{"Group", IN(GENERAL), "Group adm User u", NULL},
	{"Group", IN(GENERAL), "Group adm",
		"warning: Group: expected a User too, found none: the user is not changed"},
	{"Group", IN(GENERAL), "Group a/b",
		"error: Group: expected a group's name, found 'a/b'"},

	/* Filter */
	{"Filter", IN(GENERAL), "Filter { }", NULL},
	{"Filter", IN(GENERAL), "Filter From Userspace { }", NULL},
	{"Filter", IN(GENERAL), "Filter From Kernelspace { }", NULL},
	{"Filter", IN(GENERAL), "Filter Userspace { }",
		"error: Filter: expected 'From Userspace', 'From Kernelspace' or '{', "
		"found 'Userspace'"},
	{"Filter", IN(GENERAL), "Filter From { }",
		"error: Filter: expected 'From Userspace', 'From Kernelspace' or '{', "
		"found '{'"},
	{"Filter", IN(GENERAL), "Filter From Space { }",
		"error: Filter: expected 'From Userspace', 'From Kernelspace' or '{', "
		"found 'Space'"},
	{"Protocol", IN(FILTER), "Protocol Accept { TCP UDP icmp IPv6-ICMP 255 }", NULL},
	{"Protocol", IN(FILTER), "Protocol Ignore { }", NULL},
	{"Protocol", IN(FILTER), "Protocol Accept { TCP 256 foo }",
		"warning: Protocol: expected a name of /etc/protocols or a number up to "
		"255, found '256', ignored\n"
		"warning: Protocol: expected a name of /etc/protocols or a number up to "
		"255, found 'foo', ignored"},
	{"Protocol", IN(FILTER), "Protocol Accept { }",
		"warning: Protocol: expected a protocol to accept, found none: nothing "
		"passes"},
	{"Protocol", IN(FILTER), "Protocol Allow { TCP }",
		"error: Protocol: expected Accept or Ignore, found 'Allow'"},
	{"Protocol", IN(FILTER), "Protocol { TCP }",
		"error: Protocol: expected Accept or Ignore, found '{'"},
	{"Address", IN(FILTER),
		"Address Accept { IPv4_address 10.0.0.0/8 IPv6_address ::1 }", NULL},
	{"Address", IN(FILTER), "Address Accept { }",
		"warning: Address: expected a network to accept, found none: nothing "
		"passes"},
	{"Address", IN(FILTER), "Address accept { }",
		"error: Address: expected Accept or Ignore, found 'accept'"},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 127.0.0.1", NULL},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 10.0.0.0/8", NULL},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 0.0.0.0/0", NULL},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 10.1.2.3/32", NULL},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 10.0.0.0/33",
		"warning: IPv4_address: expected an IPv4 address or network, found "
		"'10.0.0.0/33', ignored"},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 10.0.0.256",
		"warning: IPv4_address: expected an IPv4 address or network, found "
		"'10.0.0.256', ignored"},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address ::1",
		"warning: IPv4_address: expected an IPv4 address or network, found "
		"'::1', ignored"},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address 10.0.0.0/8 IPv4_address 10.1.0.0/8",
		"warning: IPv4_address: expected each network once, found '10.1.0.0/8' "
		"again"},
	{"IPv4_address", IN(FILTER_ADDRESS), "IPv4_address localhost",
		"error: IPv4_address: expected an IPv4 address or network, found "
		"'localhost'"},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address ::1", NULL},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address fd00::/8", NULL},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address ::/0", NULL},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address ::ffff:10.0.0.1/128", NULL},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address fd00::/129",
		"warning: IPv6_address: expected an IPv6 address or network, found "
		"'fd00::/129', ignored"},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address 10.0.0.1",
		"warning: IPv6_address: expected an IPv6 address or network, found "
		"'10.0.0.1', ignored"},
	{"IPv6_address", IN(FILTER_ADDRESS), "IPv6_address fe80::1%a",
		"error: IPv6_address: expected an IPv6 address or network, found "
		"'fe80::1%a'"},
	{"Mark", IN(FILTER), "Mark Accept { 0 }", NULL},
	{"Mark", IN(FILTER), "Mark Ignore { 1 0x10 0xFF00/0xff00 16/0xf0 4294967295 }", NULL},
	{"Mark", IN(FILTER), "Mark Accept { }",
		"warning: Mark: expected a mark to accept, found none: nothing passes"},
	{"Mark", IN(FILTER), "Mark Ignore { 16 0x10/0xffffffff }",
		"warning: Mark: expected each mark once, found '0x10/0xffffffff' again"},
	{"Mark", IN(FILTER), "Mark Accept { -1 }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '-1'"},
	{"Mark", IN(FILTER), "Mark Accept { ff }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found 'ff'"},
	{"Mark", IN(FILTER), "Mark Accept { 0x }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '0x'"},
	{"Mark", IN(FILTER), "Mark Accept { 4294967296 }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '4294967296'"},
	{"Mark", IN(FILTER), "Mark Accept { 0x100000000 }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '0x100000000'"},
	{"Mark", IN(FILTER), "Mark Accept { 1/ }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '1/'"},
	{"Mark", IN(FILTER), "Mark Accept { 1/x }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '1/x'"},
	{"Mark", IN(FILTER), "Mark Accept { 1/2/3 }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '1/2/3'"},
	{"Mark", IN(FILTER), "Mark Accept { 0x1g }",
		"error: Mark: expected a mark, or mark/mask, in decimal or 0x "
		"hexadecimal, found '0x1g'"},
	{"Mark", IN(FILTER), "Mark Accept { 0x11/0x10 }",
		"error: Mark: expected a mark with no bit outside of its mask, found "
		"'0x11/0x10'"},
	{"Mark", IN(FILTER),
		"Mark Accept { 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "
		"22 23 24 25 26 27 28 29 30 31 32 }",
		"error: Mark: expected at most 32 marks, found one more"},
	{"Mark", IN(FILTER), "Mark Only { 1 }",
		"error: Mark: expected Accept or Ignore, found 'Only'"},
	{"State", IN(FILTER),
		"State Accept { SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT "
		"LAST_ACK TIME_WAIT CLOSE CLOSED LISTEN for TCP }", NULL},
	{"State", IN(FILTER), "State Ignore { }", NULL},
	{"State", IN(FILTER), "State Accept { }",
		"warning: State: expected a state to accept, found none: no TCP passes"},
	{"State", IN(FILTER), "State Accept { ESTABLISHED }",
		"error: State: expected 'for TCP' behind the states, found '}'"},
	{"State", IN(FILTER), "State Accept { established for TCP }",
		"error: State: expected a TCP state or 'for TCP', found 'established'"},
	{"State", IN(FILTER), "State Accept { LISTEN for UDP }",
		"error: State: expected TCP behind 'for', found 'UDP'"},
	{"State", IN(FILTER), "State Open { }",
		"error: State: expected Accept or Ignore, found 'Open'"},
	{0},
};
/* clang-format on */
