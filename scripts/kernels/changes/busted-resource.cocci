// mm/memory_hotplug.c
// SPDX-License-Identifier: GPL-2.0
// The resource of the range is not released.
@@
identifier ret, res;
@@
 __add_memory(...)
 {
 ...
-if (ret < 0)
-	release_memory_resource(res);
 return ret;
 }
