# Every target does its own set-up; a second run finds it done.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
# Compiling every module anew in every program that a test starts is not what is to be measured.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo test test-system test-long test-security test-panel pictures browser unit lint ansible bench bench-short rpm deb image test-image kickstart iso test-packaging campaign campaign-real clean system tools packaging lab lab-dahdi test-telephones measure soak site

BIN := .venv/bin
SEEDS := 15000
ENGINE :=
RELAY :=
# With room for a whole story's young objects PyPy copies few of them. Processor seconds of 4000 seeds: 93 with 128 MB, 101
# with 32 MB. Each process then takes 560 MB.
NURSERY := 128M
SITE := kickstart/site.example.toml
KICKSTART = $(BIN)/python -m kickstart --site "$(SITE)" --rpms out/rpm --out out/kickstart
PYTEST := $(BIN)/python -m pytest -p tests.plugins.no_skips --timeout=300
# Loading what only tests/panel uses costs each worker of the quick tests a second.
QUICK := $(PYTEST) -p no:schemathesis -p no:anyio

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: system tools ## two nodes, one line: every scenario, or some with SCENARIO="power-cut lan-lost"; ENGINE=pacemaker, RELAY=lcus (root)
	@.ci/clean-after $(BIN)/hwsim demo $(ENGINE:%=--engine %) $(RELAY:%=--relay %) $(SCENARIO)

test: system tools lint ## everything: lint and all tests; a skipped test is a failed one (root)
	@$(QUICK) -n 3 tests/unit tests/hwsim tests/tree tests/property tests/contract $(ARGS)
	@.ci/clean-after $(PYTEST) -n 4 --dist loadfile tests/system $(ARGS)

test-system: system tools ## the system tests alone; ENGINE=pacemaker: all that are on a rack, on Pacemaker (root)
	@.ci/clean-after $(PYTEST) -n 2 --dist loadfile $(ENGINE:%=--engine %) tests/system $(ARGS)

test-long: system tools ## 200 killed passes of the data and 85 killed merges; make test tries 50 and 30 (root)
	@.ci/clean-after $(PYTEST) --long tests/system/test_sync_faults.py tests/system/test_merge_interrupted.py $(ARGS)

test-security: system tools ## an attacker, foreign data and spoilt state: what was tried, and that nothing got in or lost (root)
	@.ci/clean-after $(PYTEST) -p tests.plugins.security_figures -n 3 --dist loadfile tests/security $(ARGS)

test-telephones: lab ## a pair of real Asterisks with telephones and a trunk: killed, hung, moved by hand, power cut (root)
	@.ci/clean-after $(PYTEST) tests/telephones $(ARGS)

lab: system tools ## a real Asterisk for the simulated nodes, into out/asterisk (root)
	@./setup.sh asterisk

lab-dahdi: system tools ## real DAHDI and libpri in virtual machines: calls before and after the line moves (root the first time)
	@./setup.sh dahdi
	@$(PYTEST) tests/dahdi_lab $(ARGS)
	@cat out/lab-dahdi.txt

test-panel: system tools browser rpm ## the pages in real Chromium, with pictures in out/panel (root)
	@.ci/clean-after $(PYTEST) tests/panel $(ARGS)

pictures: system tools browser rpm ## docs/pictures anew: the story of a new user, played with the packages (root)
	@.ci/clean-after $(PYTEST) tests/panel/test_panel_story.py
	@cp out/panel/story-*.png docs/pictures/

unit: tools ## the quick tests, no root
	@$(QUICK) -n 2 --dist worksteal --durations=10 --hypothesis-profile="few examples" tests/unit $(ARGS)

rpm: packaging tools ## every RPM, checksums and a repository, into out/rpm (root the first time)
	@rpm/build

deb: rpm ## the .debs for Debian and Ubuntu, checksums and a repository, into out/deb (root the first time)
	@deb/build

kickstart: rpm ## kickstart files and a data ISO for SITE=my.toml, into out/kickstart
	@$(KICKSTART)

iso: rpm ## the same, and your distribution's medium ISO=… with asha on it
	@[ -n "$(ISO)" ] || { echo "asha: say which: make iso ISO=path SITE=my.toml"; exit 2; }
	@$(KICKSTART) --iso "$(ISO)"

image: deb ## the simulator as a container image for docker and podman, two nodes to play with, into out/image (root)
	@deploy/image/build

# Not among those of 'make test-packaging': the Debian of the image takes minutes where none is cached.
IMAGE_TEST := tests/packaging/test_image.py

test-image: system image ## the image started as docker starts it, without docker: two nodes, their pages, a failover (root)
	@$(PYTEST) $(IMAGE_TEST) $(ARGS)

ROLE := tests/packaging/test_ansible_role.py
# They take 5 minutes: 'make ansible' has them, and 'make test-packaging' the linter and what the role writes.
PLAYS := test_the_role_makes_a_pair_and_then_nothing_more test_the_role_starts_the_engine_where_it_is_asked_to

ansible: system deb ## the Ansible role linted, and played on two Debian servers, the second time with nothing left to do (root)
	@./setup.sh ansible
	@$(PYTEST) $(ROLE) $(ARGS)

test-packaging: system deb ## the RPMs installed, upgraded, run and removed, on hosts as old as EL5; the .debs on Debian (root)
	@./setup.sh ansible
	@rpm/build 2 out/rpm-next el5 >/dev/null
	@deb/build out/rpm-next out/deb-next >/dev/null
	@$(PYTEST) -n 3 $(PLAYS:%=--deselect $(ROLE)::%) --ignore $(IMAGE_TEST) tests/packaging $(ARGS)

lint: tools ## format, rules, types, import contract, spelling
	@$(BIN)/ruff format --check --quiet --output-format=concise . || { echo "asha: not in format: run $(BIN)/ruff format"; exit 1; }
	@$(BIN)/ruff check --quiet --output-format=concise .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary rpm/asha/*.py rpm/runtime/write_sbom.py
	@$(BIN)/mypy --no-error-summary --package kickstart
	@$(BIN)/mypy --no-error-summary .ci/site/*.py
	@said=$$($(BIN)/lint-imports --no-logo --no-cache) || { echo "$$said"; exit 1; }
	@$(BIN)/codespell README.md CHANGELOG.md docs deploy rpm deb kickstart appliance hwsim tests setup.sh Makefile requirements*.in

ROUNDS ?= 40

campaign-real: system tools ## seeded rounds of faults on real nodes, ROUNDS=40 (root)
	@.ci/clean-after $(BIN)/hwsim campaign-real --rounds $(ROUNDS) $(ARGS)

# PyPy plays a seed in a quarter of the time, once it has seen some thousands of them.
campaign: tools ## random faults on the shipped controller in virtual time, SEEDS=15000 of them
	@if [ $(SEEDS) -ge 10000 ] && ./setup.sh pypy; then \
		export PYTHONPATH=.:$$(echo .venv/lib/python*/site-packages) PYPY_GC_NURSERY=$(NURSERY); \
		exec out/pypy/python $(BIN)/hwsim campaign --seeds $(SEEDS) $(ARGS); \
	else \
		exec $(BIN)/hwsim campaign --seeds $(SEEDS) $(ARGS); \
	fi

bench: system tools ## how fast, beside keepalived and a polling watchdog (root)
	@.ci/clean-after $(BIN)/hwsim bench $(ARGS)

# A short form for each build: the fastest of three plays a row, so that a busy machine is not taken for a slow asha.
bench-short: system tools ## is asha slower than keepalived? Exit 1 when a telephone waits 1.15 times as long for it (root)
	@rm -rf out/bench-short
	@.ci/clean-after $(BIN)/hwsim bench --only engines-killed,engines-planned-move --runs 3 --at-most 1.15 --out out/bench-short

RUNS ?= 20

measure: lab ## what telephones see of each failover, beside asha's peers, into docs/measured.md; RUNS=20 (root, hours)
	@.ci/clean-after $(BIN)/hwsim bench --only telephones --runs $(RUNS) $(ARGS)
	@cp out/bench/measured.md out/bench/measured.svg docs/

MINUTES ?= 120

soak: system tools ## faults under load for MINUTES=120 on each engine: growth, lost messages, unexplained entries; ENGINE=pacemaker (root)
	@.ci/clean-after $(BIN)/hwsim soak --minutes $(MINUTES) $(ENGINE:%=--engine %) $(ARGS)

site: ## the documentation as a site, into out/site; a broken link, or what would be loaded from elsewhere, fails
	@./setup.sh site
	@NO_MKDOCS_2_WARNING=1 out/site-venv/bin/python -m mkdocs build
	@out/site-venv/bin/python .ci/site/outside.py out/site

clean: ## remove what the other targets made in this folder
	@rm -rf out .venv build asha.egg-info .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@./setup.sh system

tools:
	@./setup.sh tools

browser:
	@./setup.sh browser

packaging:
	@./setup.sh rpm
