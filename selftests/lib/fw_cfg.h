/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_FW_CFG_H
#define LIB_FW_CFG_H

/*
 * Items that the host gives to QEMU by the option -fw_cfg. They are read by I/O ports or registers
 * alone, so that a guest needs no driver, and a restored one reads what its own QEMU has.
 */

/* Gets access to the device. Returns 0, -ENODEV if this is no guest of QEMU, or -errno. */
int fw_cfg_open(void);
/* Returns an item and a NUL, to be freed; NULL: there is no such item. */
char *fw_cfg_read(const char *name);
/* Gives the access back. */
void fw_cfg_close(void);

#endif
