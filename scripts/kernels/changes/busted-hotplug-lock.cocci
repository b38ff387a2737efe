// mm/memory_hotplug.c
// SPDX-License-Identifier: GPL-2.0
// A failed hot-add leaves the hotplug lock held.
@@
identifier ret;
@@
 __add_memory_resource(...)
 {
 <...
 ret = arch_add_memory(...);
 if (ret < 0)
-	goto error;
+	return ret;
 ...>
 }
