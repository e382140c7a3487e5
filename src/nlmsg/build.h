/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_BUILD_H
#define CTSYNC_NLMSG_BUILD_H

#endif
