// SPDX-License-Identifier: GPL-2.0
/* Lets the kernel find Hyper-V, as far as pci-hyperv and hv_vmbus check. */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <asm/hypervisor.h>
#include <asm/mshyperv.h>

#include "../../common/compat.h"
#include "sim.h"

static void return_true(struct intercept *ic, struct arch_regs *regs, unsigned long caller)
{
	intercept_return(ic, regs, true);
}

static struct intercept is_initialized = {
	.symbol = "hv_is_hyperv_initialized",
	.handler = return_true,
};

static u32 *vp_index;
static void * __percpu *input_arg;

/**
 * hyperv_fake_check() - check that the kernel does not run on Hyper-V
 *
 * Return: 0, or -EBUSY on Hyper-V, after a line in the kernel log.
 */
int hyperv_fake_check(void)
{
	if (!hypervisor_is_type(X86_HYPER_MS_HYPERV) && !hv_is_hyperv_initialized())
		return 0;
	pr_err("running on Hyper-V, where this would break the real VMBus: use another VM\n");
	return -EBUSY;
}

static void free_input_arg(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_page((unsigned long)*per_cpu_ptr(input_arg, cpu));
	free_percpu(input_arg);
	input_arg = NULL;
}

static int alloc_input_arg(void)
{
	int cpu;

	input_arg = alloc_percpu(void *);
	if (!input_arg)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		*per_cpu_ptr(input_arg, cpu) = (void *)get_zeroed_page(GFP_KERNEL);
		if (!*per_cpu_ptr(input_arg, cpu)) {
			free_input_arg();
			return -ENOMEM;
		}
	}
	return 0;
}

/* Composing and unmasking an MSI uses both variables without checking them for NULL. */
static int hypercall_data_set(void)
{
	int err, cpu;

	vp_index = kcalloc(nr_cpu_ids, sizeof(*vp_index), GFP_KERNEL);
	if (!vp_index)
		return -ENOMEM;
	err = alloc_input_arg();
	if (err) {
		kfree(vp_index);
		return err;
	}
	for_each_possible_cpu(cpu)
		vp_index[cpu] = cpu;
	hv_vp_index = vp_index;
	hyperv_pcpu_input_arg = input_arg;
	return 0;
}

static void hypercall_data_clear(void)
{
	hv_vp_index = NULL;
	hyperv_pcpu_input_arg = NULL;
	kfree(vp_index);
	free_input_arg();
}

/**
 * hyperv_fake_enable() - let the kernel find Hyper-V from now on
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM, or an error of intercept_install().
 */
int hyperv_fake_enable(void)
{
	int err = hypercall_data_set();

	if (err)
		return err;
	err = intercept_install(&is_initialized);
	if (err)
		hypercall_data_clear();
	return err;
}

/**
 * hyperv_fake_disable() - undo hyperv_fake_enable()
 *
 * May sleep.
 */
void hyperv_fake_disable(void)
{
	hyperv_fake_root_partition(false);
	intercept_remove(&is_initialized);
	hypercall_data_clear();
}

/**
 * hyperv_fake_root_partition() - choose whether the kernel finds itself in a root partition
 * @root: true: it does, so that the init of hv_vmbus leaves the bus alone
 */
void hyperv_fake_root_partition(bool root)
{
	compat_hv_set_root_partition(root);
}
