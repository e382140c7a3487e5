/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_FIGURES_H
#define CTSYNC_DAEMON_FIGURES_H

struct figures;

/* Gathers what `stats` tells; daemon is a struct daemon whose parts are all open. */
void figures_gather(void *daemon, struct figures *);

#endif
