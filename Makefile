# SPDX-License-Identifier: GPL-2.0
# Names for the programs in scripts/, which have all logic (see scripts/README.md).

# What a user gives reaches the programs as typed: neither make nor a shell expands it. Recipes name
# variables of the environment, in quotes ("$$NAME"); $(value) keeps the dollars of a shell command
# or of memmap=SIZE$START. Variables that users do not give stay unset, so that the programs can
# refuse those that exclude each other.
VARIABLES := KERNEL TESTS LINES OP CMD APPEND JOBS CPUS LIMIT V SNAPSHOT TWINS KDIR IMAGE HEADERS MODULES \
	FILES SOURCE PATCH LLVM KASAN FUNC K OCCURRENCES PAIRS PERSISTENT MEMCG AGAINST AGAIN REPRODUCE GDB \
	BUSTED QEMU QEMU_TO QEMU_PROOF SHARD SHARDS PREFIX DESTDIR
$(foreach name,$(VARIABLES),$(if $(filter undefined,$(origin $(name))),,\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))

# Recipes pass an option if such a switch is not empty: 0 is off, as no value is.
SWITCHES := PAIRS PERSISTENT MEMCG AGAIN REPRODUCE GDB QEMU_PROOF
$(foreach name,$(SWITCHES),$(if $(filter x0x,x$(value $(name))x),$(eval override $(name) :=)))

line := "$${KERNEL:-6.12}"
# Your own kernel: a built tree, or an image (vmlinuz, or Debian packages) and its headers.
ifneq ($(KDIR)$(IMAGE)$(HEADERS),)
line := user
endif
# SOURCE, PATCH: your own source, with and without your own patches.
run := scripts/run $(line)
ifneq ($(SOURCE)$(PATCH),)
run := scripts/try
endif
# SHELL=ID is for make sweep, whose recipe has it as BEFORE; make has a variable SHELL for itself.
ifeq ($(origin SHELL),command line)
override BEFORE := $(value SHELL)
override SHELL := /bin/sh
else
override BEFORE :=
endif
export BEFORE
# QEMUs to test: programs, or Debian suites whose QEMU is fetched. QEMU_TO: the destination. make
# test runs the oldest and the newest.
qemus := $${QEMU:-qemu-system-x86_64 trixie trixie-backports}
test_qemus := $${QEMU:-qemu-system-x86_64 trixie-backports}
# Before a command whose words come from a variable: * stays as typed.
words := set -f;
# Mutants that make test runs; make nightly runs all of mutants.conf.
MUTANTS := injection-taken-out accounting-expectation-falsified

# Programs that TESTS=all leaves out because they take long; make test runs them on one line.
LONG := dax hugetlb hotplug_leaks pci_hyperv_leaks errpath_command errpath_sweep functions

# Tests of scripts that need a kernel built here.
LATE := test_try test_judge_patch test_readme
# Tests of scripts that only nightly runs.
RARE := test_deb test_documented

.PHONY: test-built test-fetched help setup run matrix merge install uninstall deb sweep judge test shell modules check mutants busted nightly bench zero-page qemu-proof versions clean
.DEFAULT_GOAL := help

help:	## print this list
	@echo "make TARGET [KERNEL=LINE] [JOBS=N] [TESTS='PROGRAM...'] [APPEND='kernel command line'] [V=1]"
	@echo "            [KDIR=TREE | IMAGE=VMLINUZ HEADERS=DIRECTORY | IMAGE=DEB HEADERS='DEB...']"
	@echo "            [SNAPSHOT=0] [SOURCE=SERIES|TREE] [PATCH='FILE...'] [LLVM=1] [KASAN=1] [FILES='FILE...']"
	@echo
	@awk -F ':.*## ?' '/^[a-z-]+:.*##/ { printf "  %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Kernel lines:" $$(awk '/^[^-\#]/ { print $$1 }' scripts/kernels.conf)
	@echo "Built here:  " $$(awk '/^[^\#]/ { print $$1 }' scripts/kernels/built.conf)

setup:	## install the Debian packages that are needed
	@scripts/setup

run: setup	## boot KERNEL (default 6.12), run the tests (TESTS=all: more of them), say what was learned (V=1: all results, stages)
	@$(run) --tests="$$TESTS" --append="$$APPEND"

matrix: setup	## run the tests on all kernel lines (LINES="6.1 7.3": on these), print one table [SHARD=2/5]
	@$(words) scripts/matrix --tests="$$TESTS" --append="$$APPEND" $${SHARD:+--shard="$$SHARD"} -- $$LINES

merge:	## make one report of the shards of a sweep or matrix: SHARDS="DIRECTORY..."
	@$(words) scripts/merge -- $$SHARDS

sweep: setup	## fail each allocation of OP (or of CMD="shell command") in turn on KERNEL [K= PAIRS=1 PERSISTENT=1 MEMCG=1 AGAINST=LINE AGAIN=1 REPRODUCE=1 SHARD=2/5]; SHELL=ID: a prompt right before this failure [GDB=1]
ifdef BEFORE
	@scripts/sweep --shell="$$BEFORE" --run="$$CMD" --append="$$APPEND" $${GDB:+--gdb} -- $(line) "$$OP"
else
	@scripts/sweep --append="$$APPEND" $${CMD:+--command="$$CMD"} $${K:+--k="$$K"} $${SHARD:+--shard="$$SHARD"} \
		$${OCCURRENCES:+--occurrences="$$OCCURRENCES"} $${PAIRS:+--pairs} $${PERSISTENT:+--persistent} $${MEMCG:+--memcg} $${REPRODUCE:+--reproduce} \
		$${AGAINST:+--against="$$AGAINST"} $${AGAIN:+--again} -- $(line) "$$OP"
endif

judge: setup	## fail what lies below the functions that PATCH touches, without and with it; or below FUNC="NAME..." of KERNEL [OP= K=]
	@scripts/judge --func="$$FUNC" --op="$$OP" --append="$$APPEND" $${K:+--k="$$K"} -- $(line)

test: check	## run what CI runs: static checks, tests of the scripts, two mutants, bench, the tests on all lines
	@scripts/setup kernels
	@$(MAKE) -s -j2 test-built test-fetched

# Beside guests of other kernels, which leave half of two processors idle.
test-built: setup
	@nice -n 19 scripts/kernel small
	@scripts/tests/run $(LATE)

test-fetched: setup
	@scripts/tests/run $(filter-out $(LATE) $(RARE),$(notdir $(basename $(wildcard scripts/tests/test_*.py))))
	@scripts/mutants 6.12 $(MUTANTS)
	@scripts/bench 6.12
	@$(words) scripts/qemu-zero-page -- $(test_qemus)
	@scripts/zero-guest 6.12 trixie
	@scripts/matrix --tests all
	@scripts/run 7.3 --tests "$(LONG)"

nightly: test	## run what takes longer: all mutants, bench, kernels built here, hundreds of loads [QEMU_PROOF=1]
	@scripts/mutants 6.12
	@scripts/bench 6.1 6.12 6.12-rt peers
	@scripts/setup deb && scripts/setup engines
	@scripts/tests/run $(RARE)
	@scripts/autopkgtest bookworm || [ $$? = 8 ]
	@scripts/busted
	@$(words) scripts/qemu-zero-page -- $(qemus)
	@scripts/matrix small lazy debug debug-rt lazy-debug kasan small-nobpf small-nolivepatch small-nonuma \
		small-up tiny small-cfi peers --tests all
	@scripts/setup arm64 && scripts/matrix 6.1-arm64 6.12-arm64 7.3-arm64 small-arm64 --tests all
	@scripts/run 6.12 --tests all --append preempt=full
	@scripts/run 6.1 6.12 7.3 --tests functions --append ERRPATH_FUNCTIONS=210 --timeout 900
	@scripts/matrix --tests "$(LONG) fuzz"
	@scripts/matrix small debug debug-rt kasan dax --tests "$(LONG)"
	@scripts/matrix --tests stress --timeout 600
	@scripts/matrix debug debug-rt kasan 6.12-rt --tests "fuzz stress" \
		--append ERRPATH_SECONDS=120 --timeout 900
	@CPUS=4 scripts/run 6.12 --tests stress --append ERRPATH_SECONDS=600 --timeout 2400
	@KILLS=20 scripts/tests/run test_faults
	@scripts/upstream 7.3
	@scripts/sweep nightly --clean 10
	@scripts/sweep nightly --memcg
	@scripts/sweep planted
	@scripts/judge nightly
	@scripts/matrix --tests knobs --append ERRPATH_LOADS=200 --timeout 600
	@scripts/matrix --tests vmbus_sim --append ERRPATH_LOADS=100 --timeout 1600
	@$${QEMU_PROOF:+scripts/qemu-proof}
	@scripts/versions

install:	## install errpath on this machine by dkms, with the selftests and the command [PREFIX=/usr/local DESTDIR=]
	@scripts/setup install
	@scripts/install --prefix="$${PREFIX:-/usr/local}" --destdir="$$DESTDIR"

uninstall:	## remove what make install installed [PREFIX= DESTDIR=]
	@scripts/install --uninstall --prefix="$${PREFIX:-/usr/local}" --destdir="$$DESTDIR"

deb:	## build the Debian packages errpath-dkms and errpath in build/deb/
	@scripts/setup deb
	@scripts/deb

shell: setup	## open a prompt in the guest of KERNEL, errpath.ko loaded; or run CMD, for its exit status
	@scripts/vm $(line) $${CMD:+"$$CMD"}

modules: setup	## build the modules for KERNEL
	@scripts/modules $(line)

check: setup	## run checkpatch, sparse, shellcheck and mypy
	@scripts/check $(line)

mutants: setup	## break module and selftests on purpose: the tests must fail
	@scripts/mutants $(line)

busted: setup	## run kernels with one bug each: the tests must detect it (BUSTED="NAME...": these)
	@$(words) scripts/busted -- $$BUSTED

bench: setup	## count the instructions that errpath costs on KERNEL; table and plot in build/bench/ [AGAINST=COMMIT]
	@scripts/bench --all $${AGAINST:+--against="$$AGAINST"} -- $(line)

zero-page: setup	## test what migration does to zero pages: QEMU=PROGRAM (or suites; default: three), QEMU_TO=
	@$(words) scripts/qemu-zero-page $${QEMU_TO:+--to="$$QEMU_TO"} -- $(qemus)

qemu-proof: setup	## build a right and a wrong QEMU: zero-page must tell them apart
	@scripts/qemu-proof

versions: setup	## list versions in the documents that the archive no longer has, and kernels that known-issues lacks
	@scripts/versions

clean:	## remove build/, including the fetched kernels
	rm -rf build
