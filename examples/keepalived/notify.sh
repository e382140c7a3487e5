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
# A daemon that was not there, or is started anew, has missed what keepalived tells only once. So the
# state is kept, until the next boot, in CTSYNC_STATE (default: /run/ctsync.state), and
#
#	notify.sh again
#
# tells it once more; ctsyncd.service does so at each start of the daemon.
#
# From the environment also: CTSYNCCTL, the control tool (default: ctsyncctl on PATH), and
# CTSYNC_SOCKET or CTSYNC_CONFIG, where not the default daemon is meant.
set -eu

PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
file=${CTSYNC_STATE:-/run/ctsync.state}

state=${3:-}
if [ "${1:-}" = again ]; then
	state=$(cat "$file" 2>/dev/null) || exit 0 # nothing was told since the boot
fi

case $state in
MASTER) verb=promote ;;
BACKUP | STOP) verb=demote ;;
FAULT) verb=fault ;;
*)
	echo "usage: notify.sh TYPE NAME MASTER|BACKUP|FAULT|STOP, or notify.sh again" >&2
	exit 2
	;;
esac

# Whether it can be kept or not, the daemon is told.
{ echo "$state" >"$file"; } 2>/dev/null || :

exec "${CTSYNCCTL:-ctsyncctl}" ${CTSYNC_CONFIG:+-C "$CTSYNC_CONFIG"} \
	${CTSYNC_SOCKET:+-s "$CTSYNC_SOCKET"} "$verb"
