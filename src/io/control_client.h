/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_CONTROL_CLIENT_H
#define CTSYNC_IO_CONTROL_CLIENT_H

#include <stddef.h>

/*
 * The other end of the control socket (control.h has the framing). Blocking.
 */
enum {
	CONTROL_CLIENT_LINE_BYTES = 65536, /* of an answer */
	CONTROL_CLIENT_REQUEST_BYTES = 4096, /* with the newline */
};

/* One data line, NUL-terminated, without tag and newline. Not 0: give up. */
typedef int control_client_line_fn(void *ctx, const char *line, size_t len);

/*
 * For how long the daemon may give no sign of life. An answer may take as long as what was asked
 * for, and nothing is said meanwhile; so a daemon that has been silent for a quarter of the time is
 * asked something else over a connection of its own, and any answer to that begins the time anew.
 */
struct control_patience {
	int timeout_ms; /* 0: for ever */
	const char *probe; /* a request that is answered at once, without newline; NULL: none */
};

/*
 * Sends one request (line without newline) and gives each data line of the answer to fn (may be
 * NULL).
 * Returns 0 when the final line has come: *status and message (cut to message_cap, always
 * NUL-terminated) are from it. Otherwise a negative errno:
 *	-ECONNREFUSED	no daemon: no such socket, or nobody listens there
 *	-EACCES		not allowed to connect
 *	-ETIMEDOUT	the daemon gives no sign of life
 *	-ECONNRESET	it went away before the final line
 *	-EPROTO		the answer is not what control.h says
 *	-ECANCELED	fn gave up
 *	-EINVAL		line is too long or has a newline; path is too long
 */
int control_client_request(const char *path, const char *line, struct control_patience,
	control_client_line_fn *fn, void *ctx, int *status, char *message, size_t message_cap);

#endif
