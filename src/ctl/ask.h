/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CTL_ASK_H
#define CTSYNC_CTL_ASK_H

#include "client/ask.h"
#include "ctl/verbs.h"

/*
 * Sends one request (stolen) and gives each line of the answer to fn. What goes wrong is printed
 * to stderr.
 */
enum ctl_exit ask(const struct ctl *, json_t *request, control_client_line_fn *fn, void *ctx);

/* The same for an answer of one JSON object; *out is NULL without one, and the caller's. */
enum ctl_exit ask_object(const struct ctl *, json_t *request, json_t **out, struct client_answer *);

/* What an answer means for the exit status; what is wrong with it goes to stderr. */
enum ctl_exit judge(const struct ctl *, const struct client_answer *);

#endif
