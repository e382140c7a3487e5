# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += \
	examples/conf/ftfw-multicast-ipv4.conf examples/conf/ftfw-multicast-ipv6.conf \
	examples/conf/ftfw-filter-kernelspace.conf \
	examples/demo/failover.py examples/demo/traffic.py \
	examples/keepalived/keepalived.conf examples/keepalived/notify.sh \
	examples/systemd/ctsyncd.service examples/systemd/50-ctsync.sysctl.conf
