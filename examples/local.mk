# SPDX-License-Identifier: GPL-2.0-or-later
examplesconfdir = $(docdir)/examples/conf
dist_examplesconf_DATA = \
	examples/conf/alarm-multicast.conf \
	examples/conf/ftfw-filter-kernelspace.conf \
	examples/conf/ftfw-multicast-ipv4.conf \
	examples/conf/ftfw-multicast-ipv6.conf \
	examples/conf/ftfw-polling-mark.conf \
	examples/conf/ftfw-tcp.conf \
	examples/conf/ftfw-two-links.conf \
	examples/conf/ftfw-udp-ipv6.conf \
	examples/conf/notrack-no-caches.conf \
	examples/conf/notrack-udp.conf \
	examples/conf/stats.conf

exampleskeepaliveddir = $(docdir)/examples/keepalived
dist_exampleskeepalived_DATA = examples/keepalived/keepalived.conf
dist_exampleskeepalived_SCRIPTS = examples/keepalived/notify.sh

examplessystemddir = $(docdir)/examples/systemd
dist_examplessystemd_DATA = \
	examples/systemd/50-ctsync.sysctl.conf \
	examples/systemd/ctsyncd.service

EXTRA_DIST += examples/demo/failover.py examples/demo/traffic.py
include examples/nfct/local.mk
