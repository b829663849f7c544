# The front door: each target is a few lines over Meson, pip and pytest. `make help` lists them.
PYTHON    ?= python3
PREFIX    ?= /usr/local
WORKSPACE ?= workspace
VECTORS   ?= tests/conformance/identifiers.json
TIME      ?= 60
RUNS      ?= 1000
SANITIZE  ?=
COLD      ?=

comma := ,
# A sanitized build has a folder of its own, so that going back and forth recompiles nothing.
BUILD   := build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
OPTIONS := -Dpython=$(CURDIR)/.venv/bin/python
ifneq ($(SANITIZE),)
OPTIONS += -Db_sanitize=$(SANITIZE) -Db_lundef=false
endif

.PHONY: all build setup run test soak memcheck check original bench conformance fuzz format install \
    clean help
all: build  ## build everything, into build/ and .venv/ (the default)

# What the system must have. A plain `make` only says what is missing; these install it.
NEEDS := build
SETUP := --check
run test soak memcheck check format bench fuzz: SETUP :=
test: NEEDS += test
check format: NEEDS += check
memcheck: NEEDS += memcheck
fuzz: NEEDS += fuzz
setup:
	@scripts/setup $(SETUP) $(NEEDS)

build: .venv/tests.done
	@scripts/build $(BUILD) $(OPTIONS)

# The .pth file makes build/python importable by everything that runs in the environment.
.venv/tests.done: scripts/requirements-test.txt | setup
	$(PYTHON) -m venv --clear .venv
	$(call pip,$<)
	echo '$(CURDIR)/build/python' >"$$(.venv/bin/python -c \
	    'import sysconfig; print(sysconfig.get_path("purelib"))')/experimaestro-build.pth"
	@touch $@

.venv/examples.done: examples/requirements.txt .venv/tests.done
	$(call pip,$<)
	@touch $@

pip = .venv/bin/python -m pip install --quiet --disable-pip-version-check -r $(1) || \
    { echo 'make: pip could not install $(1): see to the network, then run make again' >&2; exit 1; }

run: build .venv/examples.done  ## run the examples in WORKSPACE (workspace/), as a first look
	.venv/bin/python examples/digits.py '$(WORKSPACE)'
	$(BUILD)/examples/seed run '$(WORKSPACE)'

test: build  ## run every test; SANITIZE=address,undefined or thread: in a build of its own; COLD=1: no warm start
	@scripts/test $(BUILD) '$(SANITIZE)' $(if $(COLD),cold)

soak: build  ## kill drivers and jobs at random steps in RUNS=1000 runs; ARGS=... as --seed 1
	.venv/bin/python tests/behaviour/faults/kills.py --runs $(RUNS) $(ARGS)

memcheck: build  ## run the unit tests under valgrind: no error, nothing lost
	@scripts/memcheck $(BUILD)

check: build  ## check the sources: format, floors, symbols, lists, warnings of gcc and clang
	@scripts/check $(OPTIONS)

conformance: build  ## recompute the identifiers of VECTORS=FILE, in C and in Python
	@scripts/conformance $(BUILD) '$(VECTORS)'

original: build  ## install the original package, which tests/property and the benchmark compare with
	.venv/bin/python bench/sides.py

bench: build  ## compare with the peers; ONLY=name for one of them, ARGS=... for the program
	ONLY='$(ONLY)' .venv/bin/python bench/bench.py $(ARGS)

fuzz: .venv/tests.done  ## search with the fuzz target ONLY=name for TIME=60 seconds
	@CC=clang scripts/build build-fuzz $(OPTIONS) -Dfuzz=true -Db_sanitize=address -Db_lundef=false
	@mkdir -p build-fuzz/found/$(ONLY)
	build-fuzz/tests/fuzz_$(ONLY) -max_total_time=$(TIME) build-fuzz/found/$(ONLY) tests/fuzz/corpus/$(ONLY)

format: setup  ## lay out the C sources with clang-format
	@scripts/check-format --fix

install: build  ## install library, header, command, man pages and completions under PREFIX (/usr/local), below DESTDIR
	meson configure $(BUILD) --prefix='$(abspath $(PREFIX))'
	meson install -C $(BUILD) --tags runtime,devel,command,man,completion
	@echo 'The Python package: pip install $(CURDIR)'

clean:  ## remove what make made, but for the workspace
	rm -rf build build-* .venv .hypothesis

help:  ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
