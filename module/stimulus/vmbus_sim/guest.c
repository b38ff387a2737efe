// SPDX-License-Identifier: GPL-2.0
/* Makes the kernel take itself for a guest of Hyper-V, as far as pci-hyperv asks. */
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

static void say_yes(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	intercept_return(ic, regs, true);
}

static struct intercept initialized = {
	.symbol = "hv_is_hyperv_initialized",
	.handler = say_yes,
};

static u32 *vp_index;
static void * __percpu *input_arg;

/**
 * guest_check() - is it safe to do so
 *
 * Return: 0, or -EBUSY on Hyper-V itself after a line in the kernel log.
 */
int guest_check(void)
{
	if (!hypervisor_is_type(X86_HYPER_MS_HYPERV) && !hv_is_hyperv_initialized())
		return 0;
	pr_err("this is Hyper-V: nothing to simulate, and a real bus to break\n");
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

/* Composing and unmasking an MSI looks at these without asking whether they are there. */
static int provide_hypercall_data(void)
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

static void withdraw_hypercall_data(void)
{
	hv_vp_index = NULL;
	hyperv_pcpu_input_arg = NULL;
	kfree(vp_index);
	free_input_arg();
}

/**
 * guest_believe() - from now on it is a guest of Hyper-V
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM, or an error of intercept_install().
 */
int guest_believe(void)
{
	int err = provide_hypercall_data();

	if (err)
		return err;
	err = intercept_install(&initialized);
	if (err)
		withdraw_hypercall_data();
	return err;
}

/**
 * guest_doubt() - no more
 *
 * May sleep.
 */
void guest_doubt(void)
{
	guest_is_root_partition(false);
	intercept_remove(&initialized);
	withdraw_hypercall_data();
}

/**
 * guest_is_root_partition() - for hv_vmbus, which leaves the bus alone in one
 * @root: is it
 */
void guest_is_root_partition(bool root)
{
	compat_hv_set_root_partition(root);
}
