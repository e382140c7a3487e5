/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_EXPORT_H
#define CTSYNC_NFCT_EXPORT_H

/* Stands before the definition of what programs may call; the symbol map names the same. */
#define NFCT_EXPORT __attribute__((visibility("default")))

#endif
