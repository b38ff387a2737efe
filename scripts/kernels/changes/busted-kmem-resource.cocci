// drivers/dax/kmem.c
// SPDX-License-Identifier: GPL-2.0
// The resource of a range is not released if its memory cannot be added.
@@
identifier data, i;
@@
 dax_kmem_do_hotplug(...)
 {
 <...
-if (data->res[i]) {
-	remove_resource(data->res[i]);
-	kfree(data->res[i]);
-	data->res[i] = NULL;
-}
+data->res[i] = NULL;
 ...>
 }
