/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_CGROUP_H
#define LIB_CGROUP_H

/* Returns where the hierarchy of cgroup v2 is mounted, or NULL. */
const char *cgroup_root(void);

/*
 * Memory cgroups below the root; each function returns 0 or -errno. cgroup_open() comes first: it
 * returns -ENOENT if there is no hierarchy, or no memory controller in it.
 */
int cgroup_open(void);
int cgroup_make(const char *name);
/* Moves this process into the cgroup, or with "" into the root. */
int cgroup_enter(const char *name);
/*
 * Removes a cgroup whose processes have ended. It lives on while somebody holds a reference to it.
 */
int cgroup_remove(const char *name);
/* Returns how many removed cgroups of the whole hierarchy live on, or -errno. */
long cgroups_removed(void);

#endif
