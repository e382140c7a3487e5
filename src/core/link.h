/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_LINK_H
#define CTSYNC_CORE_LINK_H

#include "core/state.h"

#endif
