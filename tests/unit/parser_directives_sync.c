/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser_directives.h"

#include <stddef.h>

#include "parser/served.h"

#define IN(s) (1u << SECTION_##s)

/* clang-format off */
const struct directive_form directive_forms_sync[] = {
	/* Sync and its modes */
	{"Mode", IN(SYNC), "Mode FTFW { }", NULL},
	{"Mode", IN(SYNC), "Mode ftfw { }", NULL},
	{"Mode", IN(SYNC), "Mode ALARM { }",
		"warning: Mode: expected one of them, found several: FTFW is used"},
	{"Mode", IN(SYNC), "Mode alarm { }",
		"warning: Mode: expected one of them, found several: FTFW is used"},
	{"Mode", IN(SYNC), "Mode NOTRACK { }",
		"warning: Mode: expected one of them, found several: FTFW is used"},
	{"Mode", IN(SYNC), "Mode NoTrack { }",
		"warning: Mode: expected one of them, found several: FTFW is used"},
	{"Mode", IN(SYNC), "Mode nack { }",
		"warning: Mode: expected FTFW, found its old name 'nack'"},
	{"Mode", IN(SYNC), "Mode PERSISTENT { }",
		"warning: Mode: expected ALARM, found its old name 'PERSISTENT'\n"
		"warning: Mode: expected one of them, found several: FTFW is used"},
	{"Mode", IN(SYNC), "Mode CLUSTRE { }",
		"error: Mode: expected FTFW, ALARM or NOTRACK, found 'CLUSTRE'"},
	{"Mode", IN(SYNC), "Mode { }",
		"error: Mode: expected FTFW, ALARM or NOTRACK, found '{'"},
	{"ResendQueueSize", IN(MODE_FTFW), "ResendQueueSize 1000", NULL},
	{"ResendQueueSize", IN(MODE_FTFW), "ResendQueueSize 0", NULL},
	{"ResendQueueSize", IN(MODE_FTFW), "ResendQueueSize all",
		"error: ResendQueueSize: expected a number, found 'all'"},
	{"ACKWindowSize", IN(MODE_FTFW), "ACKWindowSize 1000", NULL},
	{"ACKWindowSize", IN(MODE_FTFW), "ACKWindowSize 0", NULL},
	{"ACKWindowSize", IN(MODE_FTFW), "ACKWindowSize all",
		"error: ACKWindowSize: expected a number, found 'all'"},
	{"CommitTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"CommitTimeout 180", NULL},
	{"CommitTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"CommitTimeout 0", NULL},
	{"CommitTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"CommitTimeout off",
		"error: CommitTimeout: expected a number of seconds, found 'off'"},
	{"PurgeTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"PurgeTimeout 180", NULL},
	{"PurgeTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"PurgeTimeout 0", NULL},
	{"PurgeTimeout", IN(SYNC) | IN(MODE_FTFW) | IN(MODE_ALARM) | IN(MODE_NOTRACK),
		"PurgeTimeout off",
		"error: PurgeTimeout: expected a number of seconds, found 'off'"},
	{"CommitTimeout", IN(MODE_FTFW) | IN(MODE_NOTRACK),
		"CommitTimeout 180 DisableExternalCache on",
		"warning: CommitTimeout: expected without DisableExternalCache, found "
		"with it: ignored, there is nothing to commit"},
	{"RefreshTime", IN(MODE_ALARM), "RefreshTime 15", NULL},
	{"RefreshTime", IN(MODE_ALARM), "RefreshTime 0", NULL},
	{"RefreshTime", IN(SYNC), "RefreshTime 15",
		"warning: RefreshTime: expected in mode ALARM only, the mode is FTFW: "
		"ignored"},
	{"RefreshTime", IN(SYNC) | IN(MODE_ALARM), "RefreshTime off",
		"error: RefreshTime: expected a number of seconds, found 'off'"},
	{"CacheTimeout", IN(MODE_ALARM), "CacheTimeout 15 RefreshTime 14", NULL},
	{"CacheTimeout", IN(MODE_ALARM), "CacheTimeout 15 RefreshTime 15",
		"warning: CacheTimeout: expected more than RefreshTime, which is 15, "
		"found 15: the peer's connections come and go"},
	{"RefreshTime", IN(MODE_ALARM), "RefreshTime 200",
		"warning: CacheTimeout: expected more than RefreshTime, which is 200, "
		"found 180: the peer's connections come and go"},
	{"CacheTimeout", IN(MODE_ALARM), "CacheTimeout 0", NULL},
	{"CacheTimeout", IN(SYNC), "CacheTimeout 15",
		"warning: CacheTimeout: expected in mode ALARM only, the mode is FTFW: "
		"ignored"},
	{"CacheTimeout", IN(SYNC) | IN(MODE_ALARM), "CacheTimeout off",
		"error: CacheTimeout: expected a number of seconds, found 'off'"},
	{"StartupResync", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StartupResync on", NULL},
	{"StartupResync", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StartupResync No", NULL},
	{"StartupResync", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StartupResync 1",
		"error: StartupResync: expected on or off, found '1'"},
	{"DisableExternalCache", IN(MODE_FTFW) | IN(MODE_NOTRACK), "DisableExternalCache on", NULL},
	{"DisableExternalCache", IN(MODE_FTFW) | IN(MODE_NOTRACK), "DisableExternalCache No", NULL},
	{"DisableExternalCache", IN(MODE_FTFW) | IN(MODE_NOTRACK), "DisableExternalCache 1",
		"error: DisableExternalCache: expected on or off, found '1'"},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StandbyTable Warm", NULL},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StandbyTable cold", NULL},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK), "StandbyTable on",
		"error: StandbyTable: expected Warm or Cold, found 'on'"},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK),
		"StandbyTable Warm DisableExternalCache on",
		"warning: StandbyTable: expected Cold with DisableExternalCache, found Warm: "
		"Cold is used"},
	{"StandbyTable", IN(MODE_NOTRACK), "StandbyTable Warm DisableInternalCache on",
		"warning: StandbyTable: expected Cold with DisableInternalCache, found Warm: "
		"Cold is used"},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK),
		"StandbyTable Warm CommitTimeout 180",
		"warning: CommitTimeout: expected without StandbyTable Warm, found with it: "
		"ignored, an entry has what is left of its timeout"},
	{"StandbyTable", IN(MODE_FTFW) | IN(MODE_NOTRACK),
		"StandbyTable Cold CommitTimeout 180", NULL},
	{"WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmAge 3600 StandbyTable Warm", NULL},
	{"WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmAge 0 StandbyTable Warm", NULL},
	{"WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmAge 1",
		"warning: WarmAge: expected with StandbyTable Warm, found without it: ignored"},
	{"WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmAge 3601",
		"error: WarmAge: expected a number of seconds up to 3600, found '3601'"},
	{"WarmAge", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmAge young",
		"error: WarmAge: expected a number of seconds, found 'young'"},
	{"WarmRate", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmRate 100 StandbyTable Warm", NULL},
	{"WarmRate", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmRate 0 StandbyTable Warm", NULL},
	{"WarmRate", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmRate 100 StandbyTable Cold",
		"warning: WarmRate: expected with StandbyTable Warm, found without it: ignored"},
	{"WarmRate", IN(MODE_FTFW) | IN(MODE_NOTRACK), "WarmRate fast",
		"error: WarmRate: expected a number of writes a second, found 'fast'"},
	{"SyncDelay", IN(MODE_FTFW) | IN(MODE_NOTRACK), "SyncDelay 200", NULL},
	{"SyncDelay", IN(MODE_FTFW) | IN(MODE_NOTRACK), "SyncDelay 0", NULL},
	{"SyncDelay", IN(MODE_FTFW) | IN(MODE_NOTRACK), "SyncDelay 60001",
		"error: SyncDelay: expected a number of milliseconds up to 60000, found '60001'"},
	{"SyncDelay", IN(MODE_FTFW) | IN(MODE_NOTRACK), "SyncDelay off",
		"error: SyncDelay: expected a number of milliseconds, found 'off'"},
	{"SyncDelay", IN(MODE_NOTRACK), "SyncDelay 200 DisableInternalCache on",
		"warning: SyncDelay: expected without DisableInternalCache, found with it: "
		"ignored, there is nothing to hold back in"},
	{"DisableInternalCache", IN(MODE_NOTRACK), "DisableInternalCache on", NULL},
	{"DisableInternalCache", IN(MODE_NOTRACK), "DisableInternalCache No", NULL},
	{"DisableInternalCache", IN(MODE_NOTRACK), "DisableInternalCache 1",
		"error: DisableInternalCache: expected on or off, found '1'"},

	/* Links */
	{"Multicast", IN(SYNC),
		"Multicast { IPv4_address 225.0.0.50 Interface a Group 1 }", NULL},
	{"Multicast", IN(SYNC),
		"Multicast { IPv4_address 225.0.0.50 Interface a Group 1 } Multicast "
		"Default { IPv6_address ff02::1 Interface b Group 1 }", NULL},
	{"Multicast", IN(SYNC),
		"Multicast Default { IPv4_address 225.0.0.50 Interface a Group 1 } "
		"Multicast Default { IPv6_address ff02::1 Interface b Group 1 }",
		"warning: Multicast: expected one Default link, found another: the last "
		"one counts"},
	{"Multicast", IN(SYNC),
		"Multicast { IPv4_address 225.0.0.50 Interface a Group 1 } Multicast { "
		"IPv4_address 225.0.0.50 Interface a Group 1 }",
		"warning: Multicast: expected an interface of its own for each link, "
		"found that of line 1 again"},
	{"Multicast", IN(SYNC),
		"Multicast default { IPv4_address 225.0.0.50 Interface a Group 1 }",
		"error: Multicast: expected Default or '{', found 'default'"},
	{"Multicast", IN(SYNC),
		"Multicast { IPv4_address 225.0.0.50 Interface a Group 1 } UDP { "
		"IPv6_address fd00::1 IPv6_Destination_Address fd00::2 Interface b Port "
		"1 }",
		"error: UDP: expected links of one kind only, found also Multicast in "
		"line 1"},
	{"Multicast", IN(SYNC),
		"Multicast { IPv4_address 225.0.0.50 Interface a0 Group 1 } Multicast { "
		"IPv4_address 225.0.0.50 Interface a1 Group 1 } Multicast { IPv4_address "
		"225.0.0.50 Interface a2 Group 1 } Multicast { IPv4_address 225.0.0.50 "
		"Interface a3 Group 1 } Multicast { IPv4_address 225.0.0.50 Interface a4 "
		"Group 1 }",
		"error: Multicast: expected at most 4 links, found one more"},
	{"Multicast", IN(SYNC),
		"Multicast { }",
		"error: Multicast: expected an Interface, found none\n"
		"error: Multicast: expected an IPv4_address or IPv6_address, found none\n"
		"error: Multicast: expected a Group, found none"},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 }", NULL},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } UDP Default { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }", NULL},
	{"UDP", IN(SYNC),
		"UDP Default { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } UDP Default { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }",
		"warning: UDP: expected one Default link, found another: the last one "
		"counts"},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } UDP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a Port 1 }",
		"warning: UDP: expected an interface of its own for each link, found "
		"that of line 1 again"},
	{"UDP", IN(SYNC),
		"UDP default { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 }",
		"error: UDP: expected Default or '{', found 'default'"},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } TCP { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }",
		"error: TCP: expected links of one kind only, found also UDP in line 1"},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a0 Port 1 } UDP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a1 Port 1 } UDP { "
		"IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 Interface a2 "
		"Port 1 } UDP { IPv4_address 192.0.2.1 IPv4_Destination_Address "
		"192.0.2.2 Interface a3 Port 1 } UDP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a4 Port 1 }",
		"error: UDP: expected at most 4 links, found one more"},
	{"UDP", IN(SYNC),
		"UDP { }",
		"error: UDP: expected an Interface, found none\n"
		"error: UDP: expected an IPv4_Destination_Address or "
		"IPv6_Destination_Address, found none\n"
		"error: UDP: expected a Port, found none"},
	{"UDP", IN(SYNC),
		"UDP { IPv6_Destination_Address fd00::2 Interface a Port 1 }",
		"warning: UDP: expected an IPv6_address, found none: any address of this "
		"node is taken"},
	{"UDP", IN(SYNC),
		"UDP { IPv6_address fd00::2 Interface a Port 1 }",
		"error: UDP: expected an IPv6_Destination_Address, found none"},
	{"UDP", IN(SYNC),
		"UDP { IPv4_address 192.0.2.1 IPv6_Destination_Address fd00::2 Interface "
		"a Port 1 }",
		"error: UDP: expected addresses of one family, found both"},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 }", NULL},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } TCP Default { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }", NULL},
	{"TCP", IN(SYNC),
		"TCP Default { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } TCP Default { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }",
		"warning: TCP: expected one Default link, found another: the last one "
		"counts"},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } TCP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a Port 1 }",
		"warning: TCP: expected an interface of its own for each link, found "
		"that of line 1 again"},
	{"TCP", IN(SYNC),
		"TCP default { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 }",
		"error: TCP: expected Default or '{', found 'default'"},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a Port 1 } UDP { IPv6_address fd00::1 "
		"IPv6_Destination_Address fd00::2 Interface b Port 1 }",
		"error: UDP: expected links of one kind only, found also TCP in line 1"},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 "
		"Interface a0 Port 1 } TCP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a1 Port 1 } TCP { "
		"IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 Interface a2 "
		"Port 1 } TCP { IPv4_address 192.0.2.1 IPv4_Destination_Address "
		"192.0.2.2 Interface a3 Port 1 } TCP { IPv4_address 192.0.2.1 "
		"IPv4_Destination_Address 192.0.2.2 Interface a4 Port 1 }",
		"error: TCP: expected at most 4 links, found one more"},
	{"TCP", IN(SYNC),
		"TCP { }",
		"error: TCP: expected an Interface, found none\n"
		"error: TCP: expected an IPv4_Destination_Address or "
		"IPv6_Destination_Address, found none\n"
		"error: TCP: expected a Port, found none"},
	{"TCP", IN(SYNC),
		"TCP { IPv6_Destination_Address fd00::2 Interface a Port 1 }",
		"warning: TCP: expected an IPv6_address, found none: any address of this "
		"node is taken"},
	{"TCP", IN(SYNC),
		"TCP { IPv6_address fd00::2 Interface a Port 1 }",
		"error: TCP: expected an IPv6_Destination_Address, found none"},
	{"TCP", IN(SYNC),
		"TCP { IPv4_address 192.0.2.1 IPv6_Destination_Address fd00::2 Interface "
		"a Port 1 }",
		"error: TCP: expected addresses of one family, found both"},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface sync0", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface bad", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface eth0.100", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface veth@if5", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface eth0:1", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface 10g1", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface TCP", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface Default", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface Interface", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface 12", NULL},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface abcdefghijklmnop",
		"error: Interface: expected at most 15 characters, found 16: "
		"'abcdefghijklmnop'"},
	{"Interface", IN(MULTICAST) | IN(UDP) | IN(TCP), "Interface a/b",
		"error: Interface: expected an interface's name, found 'a/b'"},
	{"IPv4_address", IN(MULTICAST), "IPv4_address 225.0.0.51", NULL},
	{"IPv4_address", IN(UDP) | IN(TCP), "IPv4_address 192.0.2.3", NULL},
	{"IPv4_address", IN(UDP) | IN(TCP), "IPv4_address 0.0.0.0", NULL},
	{"IPv4_address", IN(MULTICAST) | IN(UDP) | IN(TCP), "IPv4_address 225.0.0.500",
		"warning: IPv4_address: expected an IPv4 address, found '225.0.0.500', "
		"ignored"},
	{"IPv4_address", IN(MULTICAST) | IN(UDP) | IN(TCP), "IPv4_address fw1",
		"error: IPv4_address: expected an IPv4 address, found 'fw1'"},
	{"IPv4_address", IN(UDP), "IPv4_address 225.0.0.1",
		"error: UDP: expected an address of this node, found 225.0.0.1"},
	{"IPv4_address", IN(MULTICAST), "IPv4_address 192.0.2.1",
		"error: Multicast: expected a multicast address, found 192.0.2.1"},
	{"IPv6_address", IN(MULTICAST), "IPv6_address ff02::1",
		"warning: IPv6_address: expected an IPv4 address as before in this link, "
		"found 'ff02::1', ignored"},
	{"IPv6_address", IN(UDP), "IPv6_address fd00::1",
		"warning: UDP: expected addresses of one family, found both: IPv4 is used"},
	{"IPv6_address", IN(UDP), "IPv6_address fd00::1 IPv6_Destination_Address fd00::2",
		"warning: UDP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv6_address", IN(TCP), "IPv6_address fd00::1",
		"warning: TCP: expected addresses of one family, found both: IPv4 is used"},
	{"IPv6_address", IN(TCP), "IPv6_address fd00::1 IPv6_Destination_Address fd00::2",
		"warning: TCP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv6_address", IN(MULTICAST) | IN(UDP) | IN(TCP), "IPv6_address fe80::1%a",
		"error: IPv6_address: expected an IPv6 address, found 'fe80::1%a'"},
	{"IPv4_interface", IN(MULTICAST), "IPv4_interface 192.0.2.1", NULL},
	{"IPv4_interface", IN(MULTICAST), "IPv4_interface 192.0.2.1/24",
		"warning: IPv4_interface: expected an IPv4 address, found "
		"'192.0.2.1/24', ignored"},
	{"IPv4_interface", IN(MULTICAST), "IPv4_interface eth0",
		"error: IPv4_interface: expected an IPv4 address, found 'eth0'"},
	{"IPv6_interface", IN(MULTICAST), "IPv6_interface fe80::1",
		"warning: IPv6_interface is deprecated and ignored: Interface says it all"},
	{"IPv6_interface", IN(MULTICAST), "IPv6_interface eth0",
		"error: IPv6_interface: expected an IPv6 address, found 'eth0'"},
	{"IPv4_Destination_Address", IN(UDP) | IN(TCP), "IPv4_Destination_Address 192.0.2.4", NULL},
	{"IPv4_Destination_Address", IN(UDP) | IN(TCP), "IPv4_Destination_Address fw2",
		"error: IPv4_Destination_Address: expected an IPv4 address, found 'fw2'"},
	{"IPv4_Destination_Address", IN(UDP), "IPv4_Destination_Address 0.0.0.0",
		"error: UDP: expected an address of the peer, found 0.0.0.0"},
	{"IPv4_Destination_Address", IN(UDP), "IPv4_Destination_Address 225.0.0.1",
		"error: UDP: expected an address of the peer, found 225.0.0.1"},
	{"IPv4_Destination_Address", IN(UDP), "IPv4_Destination_Address 192.0.2.1",
		"warning: UDP: expected an address of the peer, found this node's own"},
	{"IPv6_Destination_Address", IN(UDP),
		"IPv6_Destination_Address fd00::2 IPv6_address fd00::1",
		"warning: UDP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv6_Destionation_Address", IN(UDP),
		"IPv6_Destionation_Address fd00::2 IPv6_address fd00::1",
		"warning: IPv6_Destionation_Address is deprecated: use "
		"IPv6_Destination_Address\n"
		"warning: UDP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv4_Destination_Address", IN(TCP), "IPv4_Destination_Address 0.0.0.0",
		"error: TCP: expected an address of the peer, found 0.0.0.0"},
	{"IPv4_Destination_Address", IN(TCP), "IPv4_Destination_Address 225.0.0.1",
		"error: TCP: expected an address of the peer, found 225.0.0.1"},
	{"IPv4_Destination_Address", IN(TCP), "IPv4_Destination_Address 192.0.2.1",
		"warning: TCP: expected an address of the peer, found this node's own"},
	{"IPv6_Destination_Address", IN(TCP),
		"IPv6_Destination_Address fd00::2 IPv6_address fd00::1",
		"warning: TCP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv6_Destionation_Address", IN(TCP),
		"IPv6_Destionation_Address fd00::2 IPv6_address fd00::1",
		"warning: IPv6_Destionation_Address is deprecated: use "
		"IPv6_Destination_Address\n"
		"warning: TCP: expected addresses of one family, found both: IPv6 is used"},
	{"IPv6_Destination_Address", IN(UDP) | IN(TCP), "IPv6_Destination_Address fw2",
		"error: IPv6_Destination_Address: expected an IPv6 address, found 'fw2'"},
	{"IPv6_Destionation_Address", IN(UDP) | IN(TCP), "IPv6_Destionation_Address fw2",
		"error: IPv6_Destionation_Address: expected an IPv6 address, found 'fw2'"},
	{"Group", IN(MULTICAST), "Group 1", NULL},
	{"Group", IN(MULTICAST), "Group 65535", NULL},
	{"Group", IN(MULTICAST), "Group 65536",
		"error: Group: expected a port up to 65535, found '65536'"},
	{"Group", IN(MULTICAST), "Group 0",
		"error: Group: expected a port from 1, found 0"},
	{"Group", IN(MULTICAST), "Group http",
		"error: Group: expected a port, found 'http'"},
	{"Port", IN(UDP) | IN(TCP), "Port 1", NULL},
	{"Port", IN(UDP) | IN(TCP), "Port 65535", NULL},
	{"Port", IN(UDP) | IN(TCP), "Port 65536",
		"error: Port: expected a port up to 65535, found '65536'"},
	{"Port", IN(UDP) | IN(TCP), "Port 0",
		"error: Port: expected a port from 1, found 0"},
	{"Port", IN(UDP) | IN(TCP), "Port http",
		"error: Port: expected a port, found 'http'"},
	{"SndSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "SndSocketBuffer 1249280", NULL},
	{"SndSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "SndSocketBuffer 0", NULL},
	{"SndSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "SndSocketBuffer big",
		"error: SndSocketBuffer: expected a number of bytes, found 'big'"},
	{"RcvSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "RcvSocketBuffer 1249280", NULL},
	{"RcvSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "RcvSocketBuffer 0", NULL},
	{"RcvSocketBuffer", IN(MULTICAST) | IN(UDP) | IN(TCP), "RcvSocketBuffer big",
		"error: RcvSocketBuffer: expected a number of bytes, found 'big'"},
	{"Checksum", IN(MULTICAST) | IN(UDP) | IN(TCP), "Checksum on", NULL},
	{"Checksum", IN(MULTICAST) | IN(UDP) | IN(TCP), "Checksum off", NULL},
	{"Checksum", IN(MULTICAST) | IN(UDP) | IN(TCP), "Checksum 1",
		"error: Checksum: expected on or off, found '1'"},
	{"ErrorQueueLength", IN(TCP), "ErrorQueueLength 64", NULL},
	{"ErrorQueueLength", IN(TCP), "ErrorQueueLength on",
		"error: ErrorQueueLength: expected a number, found 'on'"},

	/* Options */
	{"Options", IN(SYNC), "Options { TCPWindowTracking on }", NULL},
	{"Options", IN(SYNC), "Options on",
		"error: Options: expected '{', found 'on'"},
	{"TCPWindowTracking", IN(OPTIONS), "TCPWindowTracking on", NULL},
	{"TCPWindowTracking", IN(OPTIONS), "TCPWindowTracking off", NULL},
	{"TCPWindowTracking", IN(OPTIONS), "TCPWindowTracking 1",
		"error: TCPWindowTracking: expected on or off, found '1'"},
	{"CommitHalfOpen", IN(OPTIONS), "CommitHalfOpen on", NULL},
	{"CommitHalfOpen", IN(OPTIONS), "CommitHalfOpen off", NULL},
	{"CommitHalfOpen", IN(OPTIONS), "CommitHalfOpen 1",
		"error: CommitHalfOpen: expected on or off, found '1'"},
	{"NewEvents", IN(OPTIONS), "NewEvents on", NULL},
	{"NewEvents", IN(OPTIONS), "NewEvents No", NULL},
	{"NewEvents", IN(OPTIONS), "NewEvents 0",
		"error: NewEvents: expected on or off, found '0'"},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync on", NULL},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync off", NULL},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync { ftp ras q.931 h.245 sip }", NULL},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync { ftp FTP }", NULL},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync { }",
		"warning: ExpectationSync: expected a helper's name, found none: it is "
		"off"},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync { ftp abcdefghijklmnop }",
		"warning: ExpectationSync: expected at most 15 characters, found "
		"'abcdefghijklmnop', ignored"},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync { 123 }",
		"error: ExpectationSync: expected a helper's name, found '123'"},
	{"ExpectationSync", IN(OPTIONS),
		"ExpectationSync { h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 h13 h14 h15 "
		"h16 h17 h18 h19 h20 h21 h22 h23 h24 h25 h26 h27 h28 h29 h30 h31 h32 }",
		"error: ExpectationSync: expected at most 32 names, found one more"},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync ftp",
		"error: ExpectationSync: expected on, off or '{', found 'ftp'"},
	{"ExpectationSync", IN(OPTIONS), "ExpectationSync on { ftp }",
		"error: ExpectationSync: expected no '{' behind its value"},

	/* Helper, which is named as a whole */
	{"Setup", IN(HELPER), "Setup yes",
		"error: Helper is not served yet"},
	{"Setup", IN(HELPER), "Setup 1",
		"error: Helper is not served yet\n"
		"error: Setup: expected on or off, found '1'"},
	{"Type", IN(HELPER), "Type ftp inet tcp { QueueNum 0 QueueLen 10240 }",
		"error: Helper is not served yet"},
	{"Type", IN(HELPER), "Type foo inet tcp { }",
		"error: Helper is not served yet\n"
		"error: Type: expected a known helper, found 'foo'"},
	{"QueueNum", IN(HELPER_TYPE), "QueueNum 1",
		"error: Helper is not served yet"},
	{"QueueNum", IN(HELPER_TYPE), "QueueNum on",
		"error: Helper is not served yet\n"
		"error: QueueNum: expected a number, found 'on'"},
	{"QueueLen", IN(HELPER_TYPE), "QueueLen 1",
		"error: Helper is not served yet"},
	{"QueueLen", IN(HELPER_TYPE), "QueueLen on",
		"error: Helper is not served yet\n"
		"error: QueueLen: expected a number, found 'on'"},
	{"Policy", IN(HELPER_TYPE), "Policy ftp { ExpectMax 1 ExpectTimeout 300 }",
		"error: Helper is not served yet"},
	{"Policy", IN(HELPER_TYPE), "Policy ftp { }",
		"error: Helper is not served yet\n"
		"error: Policy: expected ExpectMax or ExpectTimeout, found an empty "
		"section"},
	{"ExpectMax", IN(HELPER_POLICY), "ExpectMax 1",
		"error: Helper is not served yet"},
	{"ExpectMax", IN(HELPER_POLICY), "ExpectMax on",
		"error: Helper is not served yet\n"
		"error: ExpectMax: expected a number, found 'on'"},
	{"ExpectTimeout", IN(HELPER_POLICY), "ExpectTimeout 1",
		"error: Helper is not served yet"},
	{"ExpectTimeout", IN(HELPER_POLICY), "ExpectTimeout on",
		"error: Helper is not served yet\n"
		"error: ExpectTimeout: expected a number of seconds, found 'on'"},
	{0},
};
/* clang-format on */
