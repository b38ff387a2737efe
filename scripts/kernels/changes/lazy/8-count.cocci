// mm/vmstat.c
// SPDX-License-Identifier: GPL-2.0
// mm/vmstat.c: thp_split_pmd_failed counts splits of huge PMDs that failed for lack of a table.

@@
@@
 seq_puts(m, "nr_unstable 0\n");
+if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
+	seq_printf(m, "thp_split_pmd_failed %ld\n",
+		   atomic_long_read(&thp_split_pmd_failed));
