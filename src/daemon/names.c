/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* _GNU_SOURCE: strerrorname_np */

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "daemon/names.h"

const char *name_role(enum engine_role role)
{
	switch (role) {
	case ENGINE_ROLE_BACKUP:
		return "backup";
	case ENGINE_ROLE_PRIMARY:
		return "primary";
	case ENGINE_ROLE_FAULT:
		return "fault";
	}
	CHECK(!"a role without a name");
	return "";
}

const char *name_sync(enum engine_sync sync)
{
	switch (sync) {
	case ENGINE_SYNCED:
		return "synced";
	case ENGINE_SYNC_SILENT:
		return "silent";
	case ENGINE_SYNC_HANDSHAKE:
		return "handshake";
	case ENGINE_SYNC_BULK:
		return "bulk";
	case ENGINE_SYNC_GAP:
		return "gap";
	case ENGINE_SYNC_LAGGING:
		return "lagging";
	}
	CHECK(!"a sync state without a name");
	return "";
}

const char *explain_sync(enum engine_sync sync)
{
	switch (sync) {
	case ENGINE_SYNCED:
		return "in sync";
	case ENGINE_SYNC_SILENT:
		return "nothing is heard of it";
	case ENGINE_SYNC_HANDSHAKE:
		return "it has not answered our HELLO yet";
	case ENGINE_SYNC_BULK:
		return "its table is being received";
	case ENGINE_SYNC_GAP:
		return "messages were lost and have been asked for again";
	case ENGINE_SYNC_LAGGING:
		return "it has not acknowledged what was sent";
	}
	CHECK(!"a sync state without an explanation");
	return "";
}

const char *name_command(enum engine_command_kind kind)
{
	switch (kind) {
	case ENGINE_COMMIT:
		return "commit";
	case ENGINE_PROMOTE:
		return "promote";
	case ENGINE_DEMOTE:
		return "demote";
	case ENGINE_FAULT:
		return "fault";
	case ENGINE_FLUSH:
		return "flush";
	case ENGINE_RESYNC_KERNEL:
		return "resync";
	case ENGINE_RESYNC_PEERS:
		return "resync of the peers";
	case ENGINE_BULK:
		return "bulk";
	case ENGINE_PURGE:
		return "purge";
	case ENGINE_PURGE_LATER:
		return "purge later";
	}
	CHECK(!"a command without a name");
	return "";
}

const char *name_outcome(enum engine_outcome outcome)
{
	switch (outcome) {
	case ENGINE_OK:
		return "done";
	case ENGINE_CANCELLED:
		return "cancelled";
	case ENGINE_BUSY:
		return "busy";
	case ENGINE_PARTIAL:
		return "partly done";
	}
	CHECK(!"an outcome without a name");
	return "";
}

const char *name_addr(const struct engine_addr *addr, char buf[NAME_ADDR_BYTES])
{
	static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *text;

	if (!memcmp(addr->bytes, v4_mapped, sizeof(v4_mapped)))
		text = inet_ntop(AF_INET, addr->bytes + sizeof(v4_mapped), buf, NAME_ADDR_BYTES);
	else
		text = inet_ntop(AF_INET6, addr->bytes, buf, NAME_ADDR_BYTES);
	CHECK(text);
	return buf;
}

const char *name_errno(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "errno";
}
