# SPDX-License-Identifier: Apache-2.0
# Builds the five processes, the simulator and the tests. One file, no make in folders: sources are found wherever they
# lie below a process's folder, so a new .c needs no line here. What must stay true: a process compiles with -Icommon,
# -Iproto and its own folder only.
#
#   V=1                                           show the commands
#   WERROR=1                                      warnings are errors (CI)
#   BUILD=build/asan SANITIZE=address,undefined   a second tree, sanitized
#   CFLAGS="-O0 -g3"                              instead of -O2 -g

SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BUILD ?= build
ASAN_BUILD ?= build/asan
CC := gcc
CLANG ?= clang-14
CFLAGS ?= -O2 -g
# Debian's, which has the packages that launch/packages.sh installs; not one that a user has put before it.
PYTHON := $(firstword $(wildcard /usr/bin/python3) python3)
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= $(shell nproc)
SOAK_MINUTES ?= 30
INSTALL_SECONDS ?= 400
PROCESSES := frontend balancer upstream recorder admin

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $@)

# ---------------------------------------------------------------------------------------------------------------- flags

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
# libh2o-evloop is only right with H2O_USE_LIBUV=0, in every file alike; its pkg-config file does not say so.
FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -fstack-protector-strong -DH2O_USE_LIBUV=0 $(CFLAGS)
LDFLAGS := -Wl,--as-needed -Wl,-z,relro,-z,now
ifdef SANITIZE
FLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
# With the shared ones libubsan knows nothing of log_path, and a finding could pass unseen.
LDFLAGS += -static-libasan -static-libubsan
else
FLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifdef COVERAGE
FLAGS += --coverage
endif

# The first of these packages that pkg-config knows, else the plain flags: $(call pkg,--libs,names,-lfallback)
pkg = $(shell for name in $(2); do pkg-config $(1) $$name 2>/dev/null && exit; done; echo $(3))

LIBS_common := $(call pkg,--libs,libzmq,-lzmq) $(call pkg,--libs,yyjson,-lyyjson) -lmsgpuck -lcrypto -lz
LIBS_http := $(call pkg,--libs,libh2o-evloop,-lh2o-evloop) -lssl -lcrypto -lbrotlidec -lzstd
LIBS_frontend := $(LIBS_http) -lm $(call pkg,--libs,sndfile,-lsndfile) \
    $(call pkg,--libs,vo-aacenc,-lvo-aacenc)
LIBS_balancer :=
LIBS_upstream := $(call pkg,--libs,libcurl,-lcurl) -lhttp_parser -lssl
LIBS_recorder := $(call pkg,--libs,libmariadb mysqlclient,-lmariadb) -lm
LIBS_admin := $(LIBS_http)
LIBS_simulator := $(LIBS_http) -lm
INCLUDES_recorder := $(call pkg,--cflags,libmariadb mysqlclient,-I/usr/include/mariadb)

# -------------------------------------------------------------------------------------------------------------- objects

sources = $(sort $(shell find $(1) -name '*.c'))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
library = $(BUILD)/lib$(notdir $(1)).a

$(BUILD)/%.o: %.c $(BUILD)/.flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(if $(WERROR),-Werror) -Icommon -Iproto $(INCLUDES) -MMD -MP -c -o $@ $<

# Rewritten when the flags change, and so everything is compiled again.
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS)' | cmp -s - $@ || echo '$(CC) $(FLAGS)' >$@

$(BUILD)/lib%.a:
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

define link
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter-out %/libcommon.a,$(filter %.a,$^)) \
	    $(filter %/libcommon.a,$^) $(LIBS) $(LIBS_common) $(LIBS_test)
endef
$(BUILD)/bin/%:
	$(link)
$(BUILD)/replay/%:
	$(link)

$(BUILD)/libcommon.a: $(call objects,common proto)

# $(1) is the name, $(2) the folder, $(3) the program. All but main.c goes into a library, for the unit tests.
define FOLDER
$(BUILD)/$(2)/%.o: INCLUDES := -I$(2) $(INCLUDES_$(1))
$(call library,$(2)): $(filter-out $(BUILD)/$(2)/main.o,$(call objects,$(2)))
endef
define PROGRAM
$(BUILD)/bin/$(3): LIBS := $(LIBS_$(1))
$(BUILD)/bin/$(3): $(BUILD)/$(2)/main.o $(call library,$(2)) $(BUILD)/libcommon.a
all: $(BUILD)/bin/$(3)
endef
define PROCESS
$(call FOLDER,$(1),$(2),$(3))
$(if $(wildcard $(2)/main.c),$(call PROGRAM,$(1),$(2),$(3)))
endef
$(foreach p,$(PROCESSES),$(eval $(call PROCESS,$(p),$(p),$(p))))
$(eval $(call PROCESS,simulator,simulator,gemini-simulator))

# Texts that the assembler takes in (.incbin), which the compiler's list of what a file includes doesn't show.
$(call objects,recorder): $(wildcard recorder/database/schema/*)

# The pages, packed, with the chart library that admin/pages/package-lock.json names.
VENDOR := build/vendor
$(VENDOR)/.ready: admin/vendor.sh $(wildcard admin/pages/package.json admin/pages/package-lock.json)
	$(call say,VENDOR)
	$(Q)admin/vendor.sh admin/pages $(VENDOR)
$(BUILD)/admin/embedded.c: admin/embed.sh $(VENDOR)/.ready $(shell find admin/pages -type f)
	$(call say,EMBED)
	@mkdir -p $(@D)
	$(Q)admin/embed.sh $@ admin/pages $(VENDOR)
$(BUILD)/admin/embedded.o: $(BUILD)/admin/embedded.c $(BUILD)/.flags
	$(call say,CC)
	$(Q)$(CC) $(FLAGS) -Iadmin -MMD -MP -c -o $@ $<
$(call library,admin): $(BUILD)/admin/embedded.o

# Prints what the documentation takes from the tables.
$(BUILD)/bin/describe: $(BUILD)/docs/describe.o $(BUILD)/libcommon.a

# ---------------------------------------------------------------------------------------------------------------- tests

# tests/unit/balancer/pool/test_pool.c becomes one program of its own, linked with all of balancer/ but its main.c.
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(shell find tests/unit -name 'test_*.c')))
define UNIT
$(BUILD)/tests/unit/$(1)/%.o: INCLUDES := -I$(1) -Itests/unit $(INCLUDES_$(1))
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): LIBS := $(LIBS_$(if $(filter common proto,$(1)),http,$(1)))
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): LIBS_test := $(call pkg,--libs,cmocka,-lcmocka)
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): %: %.o $(if $(filter-out common proto,$(1)),$(call library,$(1))) \
    $(BUILD)/libcommon.a
	$$(link)
endef
$(foreach d,common proto $(PROCESSES) simulator,$(eval $(call UNIT,$(d))))

# A fuzz target says in a comment whose code it needs: /* needs: frontend */; common/ and proto/ are there for all.
# It is built twice: with libFuzzer (clang) to look for more, and with tests/fuzz/replay.c to run its corpus again.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(addprefix $(BUILD)/replay/,$(FUZZERS))
needs = $(shell sed -n 's,.*needs: *\([a-z]*\) .*,\1,p' tests/fuzz/$(1).c)
FUZZ_FLAGS := -std=gnu11 -D_GNU_SOURCE -O1 -g -DH2O_USE_LIBUV=0 -fsanitize=address,undefined -fno-sanitize-recover=all
define FUZZ
$(BUILD)/tests/fuzz/$(1).o: INCLUDES := $(addprefix -I,$(2)) $(INCLUDES_$(2))
$(BUILD)/replay/$(1): LIBS := $(LIBS_$(2))
$(BUILD)/replay/$(1): $(BUILD)/tests/fuzz/$(1).o $(BUILD)/tests/fuzz/replay.o \
    $(if $(2),$(call library,$(2))) $(BUILD)/libcommon.a
$(BUILD)/libfuzzer/tests/fuzz/$(1).o: INCLUDES := $(addprefix -I,$(2)) $(INCLUDES_$(2))
$(BUILD)/libfuzzer/$(1): $(BUILD)/libfuzzer/tests/fuzz/$(1).o $(if $(2),$(BUILD)/libfuzzer/lib$(2).a) \
    $(BUILD)/libfuzzer/libcommon.a
	$$(call say,CLANG)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) $$(filter-out %/libcommon.a,$$(filter %.a,$$^)) \
	    $(BUILD)/libfuzzer/libcommon.a $(LIBS_$(2)) $(LIBS_http) $(LIBS_common)
endef
$(foreach f,$(FUZZERS),$(eval $(call FUZZ,$(f),$(call needs,$(f)))))

# The simulator's checks of requests, which some targets ask: one object without any other name, since the simulator and
# common/ call some functions alike.
define JUDGE
$(1)/tests/fuzz/judge/%.o: INCLUDES := -Isimulator
$(1)/judge.o: $(1)/tests/fuzz/judge/judge.o $(1)/libsimulator.a
	$$(call say,LD)
	$(Q)ld -r -o $$@ $$^ && objcopy --keep-global-symbol=judge $$@
endef
$(foreach b,$(BUILD) $(BUILD)/libfuzzer,$(eval $(call JUDGE,$(b))))
$(BUILD)/replay/fuzz_upstream: $(BUILD)/judge.o
$(BUILD)/libfuzzer/fuzz_upstream: $(BUILD)/libfuzzer/judge.o

$(BUILD)/libfuzzer/%.o: %.c
	$(call say,CLANG)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -Icommon -Iproto $(INCLUDES) -MMD -MP -c -o $@ $<
$(BUILD)/libfuzzer/libcommon.a: $(patsubst %.c,$(BUILD)/libfuzzer/%.o,$(call sources,common proto))
define FUZZ_LIBRARY
$(BUILD)/libfuzzer/$(1)/%.o: INCLUDES := -I$(1) $(INCLUDES_$(1))
$(BUILD)/libfuzzer/lib$(1).a: $(patsubst %.c,$(BUILD)/libfuzzer/%.o,$(filter-out $(1)/main.c,$(call sources,$(1))))
endef
$(foreach p,$(PROCESSES) simulator,$(eval $(call FUZZ_LIBRARY,$(p))))

# What the benchmark measures with: tests/bench/*.c become one program.
$(BUILD)/bin/bench-streams: LIBS_proto :=
$(BUILD)/bin/bench-streams: $(call objects,tests/bench)

# The clients that the flow tests ask with, from PyPI and npm, every version fixed. What cannot be had says so here, and the
# tests that want it are skipped, with install.log's last line; the next make tries again.
CLIENTS := $(BUILD)/venv/.ready $(BUILD)/venv-langchain/.ready $(BUILD)/venv-openapi/.ready $(BUILD)/venv-browser/.ready $(BUILD)/node/.ready \
    $(BUILD)/go/.ready
$(BUILD)/venv/.ready: tests/flow/requirements.txt
$(BUILD)/venv-browser/.ready: tests/browser/requirements.txt
$(BUILD)/venv-langchain/.ready: tests/flow/requirements-langchain.txt
$(BUILD)/venv-openapi/.ready: tests/flow/requirements-openapi.txt
$(BUILD)/node/.ready: $(addprefix tests/clients/,package.json package-lock.json .npmrc)
define install
	$(call say,INSTALL)
	@mkdir -p $(@D)
	$(Q)if ( $(1) ) >$(@D)/install.log 2>&1; then touch $@; \
	    else echo "  $(@D): $$(tail -n 1 $(@D)/install.log); the tests that want it are skipped"; fi
endef
$(BUILD)/venv%.ready:
	$(call install,$(PYTHON) -m venv --system-site-packages $(@D) && timeout $(INSTALL_SECONDS) $(@D)/bin/python -m pip \
	    install -q --disable-pip-version-check --retries 1 --timeout 20 --no-deps -r $<)
$(BUILD)/node/.ready:
	$(call install,cp $^ $(@D)/ && cd $(@D) && timeout $(INSTALL_SECONDS) npm ci --silent --fetch-retries 1 \
	    --fetch-timeout 20000 || ( echo "npm: exit status $$?" && false ))

# Google's SDK for Go is compiled with the program that asks by it; Debian's Go is too old for it.
$(BUILD)/go/.ready: $(wildcard tests/clients/go/*)
	$(call install,cd tests/clients/go && export PATH="$$PATH:/usr/local/go/bin" CGO_ENABLED=0 && \
	    { command -v go >/dev/null || { echo "there is no Go here"; false; }; } && \
	    timeout $(INSTALL_SECONDS) nice go build -mod=readonly -ldflags "-s -w" -o $(abspath $(@D))/genai_sdk .)

# ------------------------------------------------------------------------------------------------------------- commands

# A make that uses all cores, unless this one was told how many.
parallel = $(MAKE) $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: FORCE all programs sanitized run test check container asan fuzz fuzz-merge bench soak coverage lint format docs docs-check clean help
FORCE:

all: ## build the processes and the simulator (the default)

programs: all $(BUILD)/bin/bench-streams $(UNIT_TESTS) $(REPLAYS) $(BUILD)/bin/describe ## build the test programs as well

# The second tree. tests/run.py makes it while the first one is tested.
sanitized:
	+@$(parallel) BUILD=$(ASAN_BUILD) SANITIZE=address,undefined CFLAGS="-O1 -g" programs

run: ## install what is missing, build, start everything, print "ready: …"; Ctrl-C drains and stops
	@exec launch/run.sh

test: ## everything CI runs: lint, unit and flow tests, both again sanitized, fuzz replay, the container
	@launch/packages.sh build run test clients browser lint container
	+@$(parallel) programs $(CLIENTS)
	@$(PYTHON) tests/run.py --build $(BUILD) --sanitized $(ASAN_BUILD) docs lint container browser unit model flow asan-unit asan-replay asan-flow

check: ## for each commit, under two minutes: unit tests, short flows, fuzz replay, docs up to date
	@launch/packages.sh build run test
	+@$(parallel) programs
	@$(PYTHON) tests/run.py --build $(BUILD) docs unit replay short

container: ## the image and docker-compose.yml, with an engine of the test's own; skipped where there is none
	@launch/packages.sh container test
	@$(PYTHON) tests/run.py --build $(BUILD) container

asan: ## unit and flow tests and fuzz replay, sanitized
	@launch/packages.sh build run test clients
	+@$(parallel) $(CLIENTS)
	@$(PYTHON) tests/run.py --build $(BUILD) --sanitized $(ASAN_BUILD) asan-unit asan-replay asan-flow

fuzz: ## look for inputs that break a parser, FUZZ_SECONDS=60 each, FUZZ_JOBS at once
	@launch/packages.sh build fuzz
	+@$(parallel) $(addprefix $(BUILD)/libfuzzer/,$(FUZZERS))
	@$(PYTHON) tests/fuzz/run.py --build $(BUILD) --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(FUZZERS)

fuzz-merge: ## take those new inputs that reach more into the corpus
	@launch/packages.sh build fuzz
	+@$(parallel) $(addprefix $(BUILD)/libfuzzer/,$(FUZZERS))
	@$(PYTHON) tests/fuzz/run.py --build $(BUILD) --jobs $(FUZZ_JOBS) --merge $(FUZZERS)

bench: ## measure, tables on stdout, plots in docs/ (BENCH=quick: 4 minutes; BENCH=redraw: the last run's)
	@launch/packages.sh build run bench
	+@$(parallel) all $(BUILD)/bin/bench-streams
	@BUILD_DIR=$(BUILD) $(PYTHON) tests/bench/run.py $(BENCH)

coverage: ## which lines the tests reach, build/coverage/index.html; fails if a file is below 85 % (tests/coverage.py)
	@launch/packages.sh build run test clients lint
	@$(MAKE) BUILD=build/coverage COVERAGE=1 CFLAGS="-O0 -g" programs $(patsubst $(BUILD)/%,build/coverage/%,$(CLIENTS))
	@find build/coverage -name '*.gcda' -delete
	@$(PYTHON) tests/run.py --build build/coverage unit replay flow
	@cd build/coverage && gcovr --root ../.. --exclude '.*tests/.*' --html-details index.html --json-summary summary.json .
	@$(PYTHON) tests/coverage.py build/coverage/summary.json

soak: ## SOAK_MINUTES=30 of half the load that the machine takes, with kills: memory, descriptors, books
	@launch/packages.sh build run test
	+@$(parallel) all
	@BUILD_DIR=$(BUILD) $(PYTHON) tests/soak/run.py --minutes $(SOAK_MINUTES) --out $(BUILD)/soak

CODE := common proto $(PROCESSES) simulator docs tests
SOURCES := $(call sources,$(CODE))
HEADERS := $(sort $(shell find $(CODE) -name '*.h'))

# clang-tidy's verdict on one file, kept until the file or a header changes.
LINTED := $(filter-out tests/%,$(SOURCES))
$(BUILD)/lint/%.c: %.c .clang-tidy $(HEADERS) $(shell find $(CODE) -name '*.def') | compile_commands.json
	$(call say,TIDY)
	@mkdir -p $(@D)
	$(Q)clang-tidy-14 -p . --quiet $< 2>$@.log || { grep -v 'warnings generated' $@.log; false; }
	@touch $@

lint: all ## clang-format, clang-tidy, cppcheck, who may call whom, and whether both READMEs keep step
	@launch/packages.sh build lint
	clang-format-14 --dry-run -Werror $(SOURCES) $(HEADERS)
	$(PYTHON) tests/lint/layers.py $(BUILD)
	$(PYTHON) tests/lint/readme.py
	+@$(parallel) -k $(addprefix $(BUILD)/lint/,$(LINTED))
	cppcheck --quiet -j$$(nproc) --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem --library=tests/lint/macros.cfg --error-exitcode=1 \
	    -Icommon -Iproto $(addprefix -I,$(PROCESSES) simulator) -DH2O_USE_LIBUV=0 $(LINTED)

format: ## let clang-format have its way
	@launch/packages.sh lint
	clang-format-14 -i $(SOURCES) $(HEADERS)

# What a table can print, a table prints. The settings stand in the README between two comments.
settings_into = sed -e '/^<!-- settings -->$$/,/^<!-- end of settings -->$$/{//!d}' \
    -e '/^<!-- settings -->$$/r $(BUILD)/docs/few-settings.md' README.md
$(BUILD)/docs/README.md: $(BUILD)/bin/describe README.md docs/logs.py docs/events.txt docs/admin_api.py admin/api/api.def FORCE
	@mkdir -p $(@D)
	@$(BUILD)/bin/describe protocol >$(BUILD)/docs/PROTOCOL.md
	@$(BUILD)/bin/describe settings >$(BUILD)/docs/SETTINGS.md
	@$(BUILD)/bin/describe few-settings >$(BUILD)/docs/few-settings.md
	@$(PYTHON) docs/logs.py >$(BUILD)/docs/LOGS.md
	@$(PYTHON) docs/admin_api.py page >$(BUILD)/docs/ADMIN_API.md
	@$(PYTHON) docs/admin_api.py openapi >$(BUILD)/docs/admin-openapi.json
	@$(settings_into) >$@

docs: $(BUILD)/docs/README.md ## write PROTOCOL.md, SETTINGS.md, LOGS.md, ADMIN_API.md and the README's settings from tables and sources
	@cp $(addprefix $(BUILD)/docs/,PROTOCOL.md SETTINGS.md LOGS.md ADMIN_API.md admin-openapi.json) docs/
	@cmp -s $< README.md || cp $< README.md

docs-check: $(BUILD)/docs/README.md
	@diff -u docs/PROTOCOL.md $(BUILD)/docs/PROTOCOL.md && \
	    diff -u docs/LOGS.md $(BUILD)/docs/LOGS.md && \
	    diff -u docs/ADMIN_API.md $(BUILD)/docs/ADMIN_API.md && \
	    diff -u docs/admin-openapi.json $(BUILD)/docs/admin-openapi.json && \
	    diff -u docs/SETTINGS.md $(BUILD)/docs/SETTINGS.md && diff -u README.md $< || \
	    { echo "docs are behind the tables: run make docs" >&2; exit 1; }

compile_commands.json: Makefile $(SOURCES)
	@{ sep='['; for source in $(SOURCES); do folder=$${source%%/*}; case $$source in \
	    tests/unit/*) folder="$${source#tests/unit/}"; folder="$${folder%%/*} -Itests/unit";; \
	    tests/fuzz/*) folder=$$(sed -n 's,.*needs: *\([a-z]*\) .*,\1,p' $$source);; tests/*) folder=$${source%/*};; esac; \
	    printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" "$(CURDIR)" "$$source" \
	    "$(CC) $(FLAGS) -Icommon -Iproto $${folder:+-I}$$folder $(INCLUDES_recorder) -c $$source"; sep=,; done; \
	    printf '\n]\n'; } >$@

clean: ## remove what was built
	rm -rf build compile_commands.json

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

-include $(shell find $(BUILD) -path '*/container' -prune -o -name '*.d' -print 2>/dev/null)
