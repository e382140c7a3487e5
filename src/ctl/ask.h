/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CTL_ASK_H
#define CTSYNC_CTL_ASK_H

#include <jansson.h>

#include "ctl/verbs.h"
#include "io/control_client.h"

/*
 * Sends one request (stolen) and gives each line of the answer to fn. What goes wrong is printed
 * to stderr. message (CONTROL's final line, at least 512 bytes) may be NULL.
 */
enum ctl_exit ask(const struct ctl *, json_t *request, control_client_line_fn *fn, void *ctx,
	char *message, size_t message_cap);

/* The same for an answer of one JSON object; *out is NULL without one, and the caller's. */
enum ctl_exit ask_object(
	const struct ctl *, json_t *request, json_t **out, char *message, size_t message_cap);

/* Prints an object as it is, indented, with a newline. */
void print_object(const json_t *);

#endif
