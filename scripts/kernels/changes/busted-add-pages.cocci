// mm/memory_hotplug.c
// SPDX-License-Identifier: GPL-2.0
// If the first section was added, a failure of the second is reported as success.
@@
identifier err, end_pfn, pfn, nr_pages;
@@
 __add_pages(int nid, unsigned long pfn, unsigned long nr_pages, ...)
 {
 ...
 const unsigned long end_pfn = ...;
 ...
-return err;
+return pfn > end_pfn - nr_pages ? 0 : err;
 }
