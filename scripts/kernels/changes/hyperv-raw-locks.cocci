// drivers/pci/controller/pci-hyperv.c
// SPDX-License-Identifier: GPL-2.0
// free_irq() writes an MSI message under a raw spinlock, and these two locks are taken below it:
// lockdep reports that once, and is then disabled.
@@
@@
 struct hv_pcibus_device {
 ...
-spinlock_t config_lock;
+raw_spinlock_t config_lock;
 ...
-spinlock_t device_list_lock;
+raw_spinlock_t device_list_lock;
 ...
 };

@@
struct hv_pcibus_device *bus;
@@
(
-spin_lock_init(&bus->config_lock)
+raw_spin_lock_init(&bus->config_lock)
|
-spin_lock_init(&bus->device_list_lock)
+raw_spin_lock_init(&bus->device_list_lock)
)

@@
expression flags;
struct hv_pcibus_device *bus;
@@
(
-spin_lock_irqsave(&bus->config_lock, flags)
+raw_spin_lock_irqsave(&bus->config_lock, flags)
|
-spin_unlock_irqrestore(&bus->config_lock, flags)
+raw_spin_unlock_irqrestore(&bus->config_lock, flags)
|
-spin_lock_irqsave(&bus->device_list_lock, flags)
+raw_spin_lock_irqsave(&bus->device_list_lock, flags)
|
-spin_unlock_irqrestore(&bus->device_list_lock, flags)
+raw_spin_unlock_irqrestore(&bus->device_list_lock, flags)
)
