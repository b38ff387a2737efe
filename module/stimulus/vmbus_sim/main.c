// SPDX-License-Identifier: GPL-2.0
/*
 * vmbus_sim: the host's side of a Hyper-V virtual PCI bus, inside the guest, so
 * that a kernel's own pci-hyperv driver runs where there is no Hyper-V.
 *
 * Stands in for: the host (its PCI virtual service provider and the functions
 * on its bus), the ring buffers between the two (vmbus_open(), vmbus_close(),
 * the two vmbus_sendpacket*() and vmbus_recvpacket_raw() come here instead), the
 * bus type "vmbus", and what the kernel finds out at boot: that it runs on
 * Hyper-V, and where the MMIO windows are.
 *
 * Stays real: all of pci-hyperv, the PCI core above it, and of hv_vmbus what
 * hands out MMIO (vmbus_allocate_mmio(), vmbus_free_mmio()) and request ids.
 * Config space is read and written by the driver through its real window, in RAM
 * that the kernel was told to leave alone (memmap=); what it finds there is put
 * there just before. BARs can be sized and placed and MSIs composed; there is
 * nothing behind a BAR, no interrupt ever comes, and hypercalls fail.
 *
 * Load it first, then pci-hyperv where that is a module. On a kernel with
 * modules hv_vmbus takes itself for one of a root partition and does nothing;
 * it stays loaded when we go.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>

#include "../../common/symbol.h"
#include "sim.h"

static unsigned int buses = 1;
module_param(buses, uint, 0444);
MODULE_PARM_DESC(buses, "PCI buses that are offered at load, 0 to 4");

#define DEFAULT_DEVICES	1

unsigned int sim_devices = DEFAULT_DEVICES;

static int check_devices(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 0, SIM_MAX_FUNCTIONS);
}

static const struct kernel_param_ops devices_ops = {
	.set = check_devices,
	.get = param_get_uint,
};

module_param_cb(devices, &devices_ops, &sim_devices, 0644);
MODULE_PARM_DESC(devices, "PCI functions on each bus that is offered from now on, 0 to 8");

/* hv_vmbus is there, as a module or built in: take over its outside. */
static bool has_vmbus;

static int vmbus_came(void)
{
	int err = channel_redirect();

	if (err)
		return err;
	err = windows_open();
	if (err)
		channel_restore();
	has_vmbus = !err;
	return err;
}

static void vmbus_goes(void)
{
	if (!has_vmbus)
		return;
	windows_close();
	channel_restore();
	has_vmbus = false;
}

#if IS_MODULE(CONFIG_PCI_HYPERV)

/* Its init must find a root partition, or it would look for a real bus. */
static int on_vmbus(unsigned long event)
{
	guest_is_root_partition(event == MODULE_STATE_COMING);
	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(vmbus_came());
	if (event == MODULE_STATE_GOING)
		vmbus_goes();
	return NOTIFY_OK;
}

static int on_pci(unsigned long event)
{
	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(config_intercept());
	if (event == MODULE_STATE_GOING)
		config_restore();
	return NOTIFY_OK;
}

static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;

	if (!strcmp(module->name, "hv_vmbus"))
		return on_vmbus(event);
	if (!strcmp(module->name, "pci_hyperv"))
		return on_pci(event);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = on_module,
	.priority = 1,		/* before kprobes' own, as errpath's */
};

static bool is_loaded(const char *one_of_its_functions)
{
	unsigned long addr;

	return !symbol_address(one_of_its_functions, &addr);
}

/* hv_vmbus may be there from before. pci-hyperv may not: it would run without us. */
static int find_driver(void)
{
	int err;

	if (is_loaded(SIM_PCI "hv_pci_probe")) {
		pr_err("pci-hyperv is loaded already: unload it first\n");
		return -EBUSY;
	}
	if (is_loaded(SIM_VMBUS "vmbus_open")) {
		err = vmbus_came();
		if (err)
			return err;
	}
	err = register_module_notifier(&module_notifier);
	if (err)
		vmbus_goes();
	return err;
}

static void lose_driver(void)
{
	unregister_module_notifier(&module_notifier);
	vmbus_goes();
}

#else

static struct hv_driver *builtin_driver;

static int find_driver(void)
{
	unsigned long addr;
	int err = symbol_address("hv_pci_drv", &addr) ?: vmbus_came();

	if (err)
		return err;
	err = config_intercept();
	if (err)
		goto fail;
	builtin_driver = (struct hv_driver *)addr;
	err = bus_add_driver(builtin_driver, NULL, "pci_hyperv");
	if (err)
		goto fail_config;
	return 0;

fail_config:
	config_restore();
fail:
	vmbus_goes();
	return err;
}

static void lose_driver(void)
{
	bus_remove_driver(builtin_driver);
	config_restore();
	vmbus_goes();
}

#endif

/* Nothing is allocated in the windows while there is no bus. */
static int renew_windows(void)
{
	if (!has_vmbus)
		return 0;
	windows_close();
	return windows_open();
}

/**
 * sim_offer() - offer a bus, with what the parameters say now
 * @number: which
 *
 * May sleep, as long as the driver's probe takes.
 *
 * Return: 0 or an error of windows_open() or bus_offer().
 */
int sim_offer(unsigned int number)
{
	return bus_offer(number, renew_windows);
}

/**
 * sim_reset() - no bus, and everything else as after a load without parameters
 *
 * May sleep, as long as the driver takes.
 */
void sim_reset(void)
{
	bus_rescind(SIM_MAX_BUSES);
	windows_reset();
	config_defaults();
	host_reset();
	sim_devices = DEFAULT_DEVICES;
}

static int offer_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < buses; i++)
		err = sim_offer(i);
	return err;
}

static int __init vmbus_sim_init(void)
{
	int err = guest_check() ?: intercept_self_probe() ?: bus_open();

	if (err)
		return err;
	err = guest_believe();
	if (err)
		goto fail_bus;
	err = find_driver();
	if (err)
		goto fail_guest;
	err = offer_all();
	if (err)
		goto fail_driver;
	err = knobs_create();
	if (err)
		goto fail_driver;
	return 0;

fail_driver:
	bus_rescind(SIM_MAX_BUSES);
	lose_driver();
fail_guest:
	guest_doubt();
fail_bus:
	bus_close();
	intercept_exit();
	return err;
}

static void __exit vmbus_sim_exit(void)
{
	knobs_remove();
	bus_rescind(SIM_MAX_BUSES);
	lose_driver();
	guest_doubt();
	bus_close();
	intercept_exit();
}

module_init(vmbus_sim_init);
module_exit(vmbus_sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A Hyper-V virtual PCI bus where there is no Hyper-V");
MODULE_INFO(test, "Y");
