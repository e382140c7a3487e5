/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PRINT_XML_H
#define CTSYNC_FLOW_PRINT_XML_H

#include "base/text.h"
#include "flow/flow.h"

#endif
