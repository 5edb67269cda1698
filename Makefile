# SPDX-License-Identifier: Apache-2.0
# Builds the five processes, the simulator and the tests. One file, no recursion into folders: sources are found by
# wildcard, so a new .c needs no line here. What must stay true: a process compiles with -Iproto and its own folder only.
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
INSTALL_SECONDS ?= 400
PROCESSES := frontend balancer upstream recorder admin

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $@)

# ---------------------------------------------------------------------------------------------------------------- flags

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
# libh2o-evloop is only right with H2O_USE_LIBUV=0, in every file alike; its pkg-config file does not say so.
FLAGS := -std=gnu11 $(WARNINGS) -fstack-protector-strong -DH2O_USE_LIBUV=0 $(CFLAGS)
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

LIBS_proto := $(call pkg,--libs,libzmq,-lzmq) $(call pkg,--libs,msgpack msgpack-c,-lmsgpackc) \
    $(call pkg,--libs,yyjson,-lyyjson) -lcrypto -lz
LIBS_http := $(call pkg,--libs,libh2o-evloop,-lh2o-evloop) -lssl -lcrypto
LIBS_frontend := $(LIBS_http)
LIBS_balancer :=
LIBS_upstream := $(call pkg,--libs,libcurl,-lcurl)
LIBS_recorder := $(call pkg,--libs,libmariadb mysqlclient,-lmariadb)
LIBS_admin := $(LIBS_http)
LIBS_fakes := $(LIBS_http)
INCLUDES_recorder := $(call pkg,--cflags,libmariadb mysqlclient,-I/usr/include/mariadb)

# -------------------------------------------------------------------------------------------------------------- objects

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))
library = $(BUILD)/lib$(notdir $(1)).a

$(BUILD)/%.o: %.c $(BUILD)/.flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(if $(WERROR),-Werror) -Iproto $(INCLUDES) -MMD -MP -c -o $@ $<

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
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter-out %/libproto.a,$(filter %.a,$^)) \
	    $(filter %/libproto.a,$^) $(LIBS) $(LIBS_proto) $(LIBS_test)
endef
$(BUILD)/bin/%:
	$(link)
$(BUILD)/replay/%:
	$(link)

$(BUILD)/libproto.a: $(call objects,proto)

# $(1) is the name, $(2) the folder, $(3) the program. All but main.c goes into a library, for the unit tests.
define FOLDER
$(BUILD)/$(2)/%.o: INCLUDES := -I$(2) $(INCLUDES_$(1))
$(call library,$(2)): $(filter-out %/main.o,$(call objects,$(2)))
endef
define PROGRAM
$(BUILD)/bin/$(3): LIBS := $(LIBS_$(1))
$(BUILD)/bin/$(3): $(BUILD)/$(2)/main.o $(call library,$(2)) $(BUILD)/libproto.a
all: $(BUILD)/bin/$(3)
endef
define PROCESS
$(call FOLDER,$(1),$(2),$(3))
$(if $(wildcard $(2)/main.c),$(call PROGRAM,$(1),$(2),$(3)))
endef
$(foreach p,$(PROCESSES),$(eval $(call PROCESS,$(p),$(p),$(p))))
$(eval $(call PROCESS,fakes,tests/fakes,gemini-simulator))

# Texts that the assembler takes in (.incbin), which the compiler's list of what a file includes doesn't show.
$(call objects,recorder): $(wildcard recorder/schema/*)
$(call objects,admin): $(wildcard admin/pages/*)

# Prints what the documentation takes from the tables.
$(BUILD)/bin/describe: $(BUILD)/docs/describe.o $(BUILD)/libproto.a

# ---------------------------------------------------------------------------------------------------------------- tests

# tests/unit/balancer/test_pool.c becomes one program of its own, linked with all of balancer/ but its main.c.
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))
define UNIT
$(BUILD)/tests/unit/$(1)/%.o: INCLUDES := -I$(2) -Itests/unit $(INCLUDES_$(1))
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): LIBS := $(if $(filter proto,$(1)),$(LIBS_http),$(LIBS_$(1)))
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): LIBS_test := $(call pkg,--libs,cmocka,-lcmocka)
$(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_TESTS)): %: %.o $(if $(filter-out proto,$(1)),$(call library,$(2))) \
    $(BUILD)/libproto.a
	$$(link)
endef
UNIT_FOLDERS := $(sort $(foreach t,$(wildcard tests/unit/*/test_*.c),$(notdir $(patsubst %/,%,$(dir $(t))))))
$(foreach d,$(UNIT_FOLDERS),$(eval $(call UNIT,$(d),$(if $(filter fakes,$(d)),tests/fakes,$(d)))))

# A fuzz target may name sources besides proto/ in a comment: /* needs: frontend/dialect.c */
# It is built twice: with libFuzzer (clang) to look for more, and with tests/fuzz/replay.c to run its corpus again.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(addprefix $(BUILD)/replay/,$(FUZZERS))
needs = $(shell sed -n 's,.*needs: *\(.*\)\*/.*,\1,p' tests/fuzz/$(1).c)
folders = $(patsubst %/,-I%,$(sort $(dir $(call needs,$(1)))))
libs_needed = $(foreach p,$(PROCESSES) tests/fakes,$(if $(filter -I$(p),$(call folders,$(1))),$(LIBS_$(notdir $(p)))))
define FUZZ
$(BUILD)/tests/fuzz/$(1).o: INCLUDES := $(call folders,$(1))
$(BUILD)/replay/$(1): LIBS := $(call libs_needed,$(1))
$(BUILD)/replay/$(1): $(patsubst %.c,$(BUILD)/%.o,tests/fuzz/$(1).c tests/fuzz/replay.c $(call needs,$(1))) \
    $(BUILD)/libproto.a
$(BUILD)/libfuzzer/$(1): tests/fuzz/$(1).c $(call needs,$(1)) $(wildcard proto/*.[ch] proto/*.def)
	$$(call say,CLANG)
	@mkdir -p $$(@D)
	$(Q)$(CLANG) -std=gnu11 -O1 -g -DH2O_USE_LIBUV=0 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Iproto $(call folders,$(1)) -o $$@ $$(filter %.c,$$^) $(call libs_needed,$(1)) $(LIBS_http) $(LIBS_proto)
endef
$(foreach f,$(FUZZERS),$(eval $(call FUZZ,$(f))))

# The clients that the flow tests ask with, from PyPI and npm, every version fixed. What cannot be had says so here, and the
# tests that want it are skipped, with install.log's last line; the next make tries again.
CLIENTS := $(BUILD)/venv/.ready $(BUILD)/venv-langchain/.ready $(BUILD)/node/.ready
$(BUILD)/venv/.ready: tests/flow/requirements.txt
$(BUILD)/venv-langchain/.ready: tests/flow/requirements-langchain.txt
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

# ------------------------------------------------------------------------------------------------------------- commands

.PHONY: FORCE all programs run test check asan fuzz bench coverage lint format docs docs-check clean help
FORCE:

all: ## build the processes and the simulator (the default)

programs: all $(UNIT_TESTS) $(REPLAYS) $(BUILD)/bin/describe ## build the test programs as well

run: ## install what is missing, build, start everything, print "ready: …"; Ctrl-C drains and stops
	@exec launch/run.sh

test: ## everything CI runs: unit and flow tests, both again sanitized, fuzz replay
	@launch/packages.sh build run test clients
	@$(MAKE) programs $(CLIENTS)
	@$(MAKE) BUILD=$(ASAN_BUILD) SANITIZE=address,undefined CFLAGS="-O1 -g" programs
	@$(PYTHON) tests/run.py --build $(BUILD) --sanitized $(ASAN_BUILD) docs unit model flow asan-unit asan-replay asan-flow

check: ## for each commit, under two minutes: unit tests, short flows, fuzz replay, docs up to date
	@launch/packages.sh build run test
	@$(MAKE) programs
	@$(PYTHON) tests/run.py --build $(BUILD) docs unit replay short

asan: ## unit and flow tests and fuzz replay, sanitized
	@launch/packages.sh build run test clients
	@$(MAKE) $(CLIENTS)
	@$(MAKE) BUILD=$(ASAN_BUILD) SANITIZE=address,undefined CFLAGS="-O1 -g" programs
	@$(PYTHON) tests/run.py --build $(BUILD) --sanitized $(ASAN_BUILD) asan-unit asan-replay asan-flow

fuzz: $(addprefix $(BUILD)/libfuzzer/,$(FUZZERS)) ## look for inputs that break a parser, FUZZ_SECONDS=60 for each
	$(Q)for name in $(FUZZERS); do \
	    noun=$${name#fuzz_}; mkdir -p $(BUILD)/libfuzzer/new/$$noun tests/fuzz/corpus/$$noun; \
	    echo "== $$name, $(FUZZ_SECONDS) s"; \
	    $(BUILD)/libfuzzer/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=$(BUILD)/libfuzzer/found-$$noun- \
	        $(BUILD)/libfuzzer/new/$$noun tests/fuzz/corpus/$$noun || exit 1; \
	done

bench: all ## measure, the table on stdout
	@launch/packages.sh build run bench
	@BUILD_DIR=$(BUILD) $(PYTHON) tests/bench/run.py

coverage: ## which lines the tests reach: build/coverage/index.html
	@launch/packages.sh build run test lint
	@$(MAKE) BUILD=build/coverage COVERAGE=1 CFLAGS="-O0 -g" programs
	@$(PYTHON) tests/run.py --build build/coverage unit replay short
	@cd build/coverage && gcovr --root ../.. --exclude '.*tests/.*' --html-details index.html --print-summary .

SOURCES := $(wildcard proto/*.c $(addsuffix /*.c,$(PROCESSES)) docs/*.c tests/fakes/*.c tests/unit/*/*.c tests/fuzz/*.c)
HEADERS := $(wildcard proto/*.h $(addsuffix /*.h,$(PROCESSES)) tests/fakes/*.h tests/unit/*.h tests/unit/*/*.h)

lint: compile_commands.json ## clang-format, clang-tidy, cppcheck
	@launch/packages.sh lint
	clang-format-14 --dry-run -Werror $(SOURCES) $(HEADERS)
	clang-tidy-14 -p . --quiet $(filter-out tests/%,$(SOURCES))
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
	    --error-exitcode=1 -Iproto -DH2O_USE_LIBUV=0 $(filter-out tests/%,$(SOURCES))

format: ## let clang-format have its way
	@launch/packages.sh lint
	clang-format-14 -i $(SOURCES) $(HEADERS)

# What a table can print, a table prints. The settings stand in the README between two comments.
settings_into = sed -e '/^<!-- settings -->$$/,/^<!-- end of settings -->$$/{//!d}' \
    -e '/^<!-- settings -->$$/r $(BUILD)/docs/settings.md' README.md
$(BUILD)/docs/README.md: $(BUILD)/bin/describe README.md
	@mkdir -p $(@D)
	@$(BUILD)/bin/describe protocol >$(BUILD)/docs/PROTOCOL.md
	@$(BUILD)/bin/describe settings >$(BUILD)/docs/settings.md
	@$(settings_into) >$@

docs: $(BUILD)/docs/README.md ## write docs/PROTOCOL.md and the README's settings from the tables
	@cp $(BUILD)/docs/PROTOCOL.md docs/PROTOCOL.md
	@cmp -s $< README.md || cp $< README.md

docs-check: $(BUILD)/docs/README.md
	@diff -u docs/PROTOCOL.md $(BUILD)/docs/PROTOCOL.md && diff -u README.md $< || \
	    { echo "docs are behind the tables: run make docs" >&2; exit 1; }

compile_commands.json: Makefile $(SOURCES)
	@{ sep='['; for source in $(SOURCES); do folder=$$(dirname $$source); case $$folder in \
	    tests/unit/*) folder="$${folder#tests/unit/} -Itests/unit";; tests/fuzz) folder="$(PROCESSES)"; \
	    folder="$${folder// / -I}";; esac; \
	    printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" "$(CURDIR)" "$$source" \
	    "$(CC) $(FLAGS) -Iproto -I$$folder $(INCLUDES_recorder) -c $$source"; sep=,; done; printf '\n]\n'; } >$@

clean: ## remove what was built
	rm -rf build compile_commands.json

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)
