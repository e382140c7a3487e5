#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived's notify hook for ctsync. In keepalived.conf, in the vrrp_sync_group (or in the only
# vrrp_instance):
#
#	notify /etc/keepalived/notify.sh
#
# keepalived calls it with TYPE NAME STATE [PRIORITY]. Every verb is idempotent, so a state that is
# told twice does no harm.
#
# From the environment: CTSYNCCTL, the control tool (default: ctsyncctl on PATH), and
# CTSYNC_SOCKET or CTSYNC_CONFIG, where not the default daemon is meant.
set -eu

PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}

case ${3:-} in
MASTER) verb=promote ;;
BACKUP | STOP) verb=demote ;;
FAULT) verb=fault ;;
*)
	echo "usage: notify.sh TYPE NAME MASTER|BACKUP|FAULT|STOP" >&2
	exit 2
	;;
esac

exec "${CTSYNCCTL:-ctsyncctl}" ${CTSYNC_CONFIG:+-C "$CTSYNC_CONFIG"} \
	${CTSYNC_SOCKET:+-s "$CTSYNC_SOCKET"} "$verb"
