// SPDX-License-Identifier: GPL-2.0
/*
 * vmbus_sim: the host's side of a Hyper-V virtual PCI bus, inside the guest, so that the
 * kernel's own pci-hyperv driver runs without Hyper-V. sim.h shows how the files work together.
 *
 * Simulated: the host (its PCI virtual service provider and the functions on its bus), the ring
 * buffers between host and guest, the bus type "vmbus", and the state that the kernel finds at
 * boot on Hyper-V: that it is a guest, and the MMIO windows.
 *
 * Unchanged: all of pci-hyperv, the PCI core above it, and the code of hv_vmbus that hands out
 * MMIO space (vmbus_allocate_mmio(), vmbus_free_mmio()) and request ids. The driver reads and
 * writes config space through its real window, in RAM that is reserved by memmap=. BARs can be
 * sized and placed and MSIs composed, but no BAR has a device behind it, no interrupt arrives,
 * and hypercalls fail.
 *
 * Load this module first, then pci-hyperv where that is a module. If hv_vmbus is a module, its
 * init finds itself in a root partition and does nothing; it stays loaded when this module is
 * unloaded.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>

#include "../../common/symbol.h"
#include "sim.h"

static unsigned int buses = 1;
module_param(buses, uint, 0444);
MODULE_PARM_DESC(buses, "number of PCI buses that are offered at load, 0 to 4");

/* True while the functions and the windows of hv_vmbus are replaced. */
static bool is_attached;

/* Attach to hv_vmbus, which is loaded or built in. */
static int vmbus_attach(void)
{
	int err = redirect_install();

	if (err)
		return err;
	err = windows_open();
	if (err)
		redirect_remove();
	is_attached = !err;
	return err;
}

static void vmbus_detach(void)
{
	if (!is_attached)
		return;
	windows_close();
	redirect_remove();
	is_attached = false;
}

#if IS_MODULE(CONFIG_PCI_HYPERV)

/* The init of hv_vmbus must find a root partition, or it would look for a real VMBus. */
static int on_vmbus_event(unsigned long event)
{
	hyperv_fake_root_partition(event == MODULE_STATE_COMING);
	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(vmbus_attach());
	if (event == MODULE_STATE_GOING)
		vmbus_detach();
	return NOTIFY_OK;
}

static int on_pci_event(unsigned long event)
{
	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(access_intercept());
	if (event == MODULE_STATE_GOING)
		access_restore();
	return NOTIFY_OK;
}

static int on_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;

	if (!strcmp(module->name, "hv_vmbus"))
		return on_vmbus_event(event);
	if (!strcmp(module->name, "pci_hyperv"))
		return on_pci_event(event);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = on_module_event,
	.priority = 1,		/* before the notifier of kprobes, as in errpath */
};

static bool is_loaded(const char *function)
{
	unsigned long addr;

	return !symbol_address(function, &addr);
}

/* hv_vmbus may be loaded already. pci-hyperv must not be: its functions would not be replaced. */
static int pci_hyperv_attach(void)
{
	int err;

	if (is_loaded(SIM_PCI "hv_pci_probe")) {
		pr_err("pci-hyperv is loaded already: unload it first\n");
		return -EBUSY;
	}
	if (is_loaded(SIM_VMBUS "vmbus_open")) {
		err = vmbus_attach();
		if (err)
			return err;
	}
	err = register_module_notifier(&module_notifier);
	if (err)
		vmbus_detach();
	return err;
}

static void pci_hyperv_detach(void)
{
	unregister_module_notifier(&module_notifier);
	vmbus_detach();
}

#else

static struct hv_driver *builtin_driver;

static int pci_hyperv_attach(void)
{
	unsigned long addr;
	int err = symbol_address("hv_pci_drv", &addr);

	if (err)
		return err;
	err = vmbus_attach();
	if (err)
		return err;
	err = access_intercept();
	if (err)
		goto fail;
	builtin_driver = (struct hv_driver *)addr;
	err = bus_driver_add(builtin_driver, NULL, "pci_hyperv");
	if (err)
		goto fail_config;
	return 0;

fail_config:
	access_restore();
fail:
	vmbus_detach();
	return err;
}

static void pci_hyperv_detach(void)
{
	bus_driver_remove(builtin_driver);
	access_restore();
	vmbus_detach();
}

#endif

static int offer_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < buses; i++)
		err = bus_offer(i);
	return err;
}

static int __init vmbus_sim_init(void)
{
	int err = hyperv_fake_check();

	if (err)
		return err;
	err = intercept_self_probe();
	if (err)
		return err;
	err = bus_open();
	if (err)
		return err;
	err = hyperv_fake_enable();
	if (err)
		goto fail_bus;
	err = pci_hyperv_attach();
	if (err)
		goto fail_fake;
	err = offer_all();
	if (err)
		goto fail_driver;
	err = knobs_create();
	if (err)
		goto fail_driver;
	return 0;

fail_driver:
	bus_rescind(SIM_MAX_BUSES);
	pci_hyperv_detach();
fail_fake:
	hyperv_fake_disable();
fail_bus:
	bus_close();
	intercept_exit();
	return err;
}

static void __exit vmbus_sim_exit(void)
{
	knobs_remove();
	bus_rescind(SIM_MAX_BUSES);
	pci_hyperv_detach();
	hyperv_fake_disable();
	bus_close();
	intercept_exit();
}

module_init(vmbus_sim_init);
module_exit(vmbus_sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated Hyper-V virtual PCI bus, to test its driver without Hyper-V");
MODULE_INFO(test, "Y");
