/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_COMPAT_COMMAND_H
#define CTSYNC_COMPAT_COMMAND_H

#include "compat/options.h"
#include "parser/config.h"

/*
 * Asks the daemon that runs with this configuration for what an action stands for, and prints
 * what conntrackd prints. Returns the exit status: 0 if the daemon has been asked, whatever it
 * made of it, as scripts expect (what it refused goes to stderr); 1 if it cannot be reached.
 */
int compat_command(enum compat_action, const struct config *);

#endif
