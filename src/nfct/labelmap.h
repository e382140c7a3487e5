/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_LABELMAP_H
#define CTSYNC_NFCT_LABELMAP_H

#endif
