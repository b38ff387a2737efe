// SPDX-License-Identifier: GPL-2.0
#define HOTADD hotadd_by_dimm
#include "direct_map.h"
