# SPDX-License-Identifier: GPL-2.0
# Names for the programs in scripts/, which have all logic (see scripts/README.md).

KERNEL ?= 6.12
JOBS ?= $(shell nproc)
# Your own kernel: a built tree, or an image (vmlinuz, or Debian packages) and its headers.
ifneq ($(KDIR)$(IMAGE)$(HEADERS),)
override KERNEL := user
endif
# QEMUs to test: programs, or Debian suites whose QEMU is fetched. QEMU_TO: the destination.
QEMU ?= qemu-system-x86_64 trixie trixie-backports
# SOURCE, PATCH: your own source, with and without your own patches.
run := scripts/run $(KERNEL)
ifneq ($(SOURCE)$(PATCH),)
run := scripts/try
endif
# $(value): make must not expand the dollars of a shell command or of memmap=SIZE$START.
override CMD := $(value CMD)
override APPEND := $(value APPEND)
export JOBS KDIR IMAGE HEADERS MODULES SOURCE PATCH LLVM CMD APPEND LIMIT V SNAPSHOT
# Mutants that make test runs; make nightly runs all of mutants.conf.
MUTANTS := injection-taken-out accounting-expectation-falsified

# Tests of scripts that need a kernel built here.
LATE := test_try test_readme

.PHONY: build-small test-fetched help setup run matrix sweep test shell modules check mutants busted nightly bench zero-page qemu-proof versions clean
.DEFAULT_GOAL := help

help:	## print this list
	@echo "make TARGET [KERNEL=LINE] [JOBS=N] [TESTS='PROGRAM...'] [APPEND='kernel command line'] [V=1]"
	@echo "            [KDIR=TREE | IMAGE=VMLINUZ HEADERS=DIRECTORY | IMAGE=DEB HEADERS='DEB...']"
	@echo "            [SNAPSHOT=0] [SOURCE=SERIES|TREE] [PATCH='FILE...'] [LLVM=1]"
	@echo
	@awk -F ':.*## ?' '/^[a-z-]+:.*##/ { printf "  %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Kernel lines:" $$(awk '/^[^-\#]/ { print $$1 }' scripts/kernels.conf)
	@echo "Built here:  " $$(awk '/^[^\#]/ { print $$1 }' scripts/kernels/built.conf)

setup:	## install the Debian packages that are needed
	@scripts/setup

run: setup	## boot KERNEL (default 6.12), run the tests (TESTS=all: more of them), say what was learned (V=1: all results, stages)
	@$(run) --tests "$(TESTS)" --append "$$APPEND"

matrix: setup	## run the tests on all kernel lines (LINES="6.1 7.3": on these), print one table
	@scripts/matrix $(LINES) --tests "$(TESTS)" --append "$$APPEND"

sweep: setup	## fail each allocation of OP (or of CMD="shell command") in turn on KERNEL [K= PAIRS=1 AGAINST=LINE AGAIN=1 REPRODUCE=1]
	@scripts/sweep $(KERNEL) $(if $(CMD),command --command "$$CMD",$(OP)) --append "$$APPEND" $(if $(K),--k $(K)) \
		$(if $(OCCURRENCES),--occurrences $(OCCURRENCES)) $(if $(PAIRS),--pairs) $(if $(REPRODUCE),--reproduce) \
		$(if $(AGAINST),--against $(AGAINST)) $(if $(AGAIN),--again)

test: check	## run what CI runs: static checks, tests of the scripts, two mutants, bench, all tests on all lines
	@scripts/setup kernels
	@$(MAKE) -s -j2 build-small test-fetched
	@scripts/tests/run $(LATE)
	@scripts/run small
	@scripts/busted accounting

# Built while guests run, which leave half of two processors idle.
build-small: setup
	@nice -n 19 scripts/kernel small

test-fetched: setup
	@scripts/tests/run $(filter-out $(LATE),$(notdir $(basename $(wildcard scripts/tests/test_*.py))))
	@scripts/mutants 6.12 $(MUTANTS)
	@scripts/bench 6.12
	@scripts/qemu-zero-page $(QEMU)
	@scripts/zero-guest 6.12 trixie
	@scripts/matrix --tests all

nightly: test	## run what takes longer: all mutants, bench, kernels built here, hundreds of loads [QEMU_PROOF=1]
	@scripts/mutants 6.12
	@scripts/bench 6.1 6.12 6.12-rt peers
	@scripts/busted
	@scripts/matrix small lazy debug debug-rt lazy-debug kasan small-nobpf small-nolivepatch small-nonuma \
		small-up tiny small-cfi peers --tests all
	@scripts/run 6.12 --tests all --append preempt=full
	@scripts/sweep nightly
	@scripts/sweep planted
	@scripts/matrix --tests knobs --append ERRPATH_LOADS=200 --timeout 600
	@scripts/matrix --tests vmbus_sim --append ERRPATH_LOADS=100 --timeout 1600
	$(if $(QEMU_PROOF),@scripts/qemu-proof)
	@scripts/versions

shell: setup	## open a prompt in the guest of KERNEL, errpath.ko loaded; or run CMD, for its exit status
	@scripts/vm $(KERNEL) $(if $(CMD),"$$CMD")

modules: setup	## build the modules for KERNEL
	@scripts/modules $(KERNEL)

check: setup	## run checkpatch, sparse, shellcheck and mypy
	@scripts/check $(KERNEL)

mutants: setup	## break module and selftests on purpose: the tests must fail
	@scripts/mutants $(KERNEL)

busted: setup	## run kernels with one bug each: the tests must detect it (BUSTED="NAME...": these)
	@scripts/busted $(BUSTED)

bench: setup	## count the instructions that errpath costs on KERNEL; table and plot in build/bench/ [AGAINST=COMMIT]
	@scripts/bench --all $(KERNEL) $(if $(AGAINST),--against $(AGAINST))

zero-page: setup	## test what migration does to zero pages: QEMU=PROGRAM (or suites; default: three), QEMU_TO=
	@scripts/qemu-zero-page $(QEMU) $(QEMU_TO:%=--to %)

qemu-proof: setup	## build a right and a wrong QEMU: zero-page must tell them apart
	@scripts/qemu-proof

versions: setup	## list versions in the documents that the archive no longer has, and kernels that known-issues lacks
	@scripts/versions

clean:	## remove build/, including the fetched kernels
	rm -rf build
