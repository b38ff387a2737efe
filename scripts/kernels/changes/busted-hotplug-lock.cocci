// mm/memory_hotplug.c
// SPDX-License-Identifier: GPL-2.0
// Memory that cannot be added leaves hotplug locked.
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
