# `make help` lists what there is. Nothing here needs more than GNU make and bash; deploy/bootstrap finds the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run reset manage test lint lock bench benchdevices benchimport benchsearch chaos agents setup cite fuzz

PYTHON := .venv/bin/python
PORT ?= 8000
MQTT_PORT ?= 18883
MQTT_TLS_PORT ?=
DATA ?=
FLEET ?=
ARGS ?=
QUICK ?=
PARTS ?=
TESTS ?= tests
# Test files that run side by side.
JOBS ?= 2
# Of the tools that check the code; nothing is signed with it.
CHECK_ENV := GEOPORTAL_SECRET_KEY=only-for-checks

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 20
	@echo
	@echo "  make run PORT=8080 DATA=folder FLEET=0 MQTT_PORT=18884"
	@echo "      PORT       of the site (8000)            DATA   folder whose geodata files become layers"
	@echo "      MQTT_PORT  of the broker (18883)         FLEET  number of simulated devices (all); 0: no simulator"
	@echo "      MQTT_TLS_PORT  where devices connect with TLS (MQTT_PORT + 10000)"
	@echo "      GEOPORTAL_VAR, GEOPORTAL_LISTEN and the other variables of .env.example work here as well"

run: ## Install what is missing and run the whole product until Ctrl-C
	@deploy/bootstrap run
	@exec $(PYTHON) -m geoportal.runtime run --port '$(PORT)' --mqtt-port '$(MQTT_PORT)' \
		$(if $(MQTT_TLS_PORT),--mqtt-tls-port '$(MQTT_TLS_PORT)') \
		$(if $(DATA),--data '$(DATA)') $(if $(FLEET),--fleet '$(FLEET)')

reset: ## Throw the instance of `make run` away, after asking
	@$(PYTHON) -m geoportal.runtime reset

manage: ## Any manage.py command on the instance: make manage ARGS="import_layer file.gpkg" (or bin/manage …)
	@$(PYTHON) -m geoportal.runtime manage $(ARGS)

test: ## Set up and run every check and test: ruff, mypy, unit, integration, browser
	@deploy/bootstrap test
	@$(MAKE) --no-print-directory lint
	@$(CHECK_ENV) $(PYTHON) -m pytest --numprocesses=$(JOBS) --dist=loadfile $(TESTS)

lint: ## ruff, mypy, and migrations that somebody forgot
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check --quiet .
	@$(CHECK_ENV) $(PYTHON) -m mypy .
	@$(CHECK_ENV) $(PYTHON) manage.py makemigrations --check --dry-run 2> /dev/null

lock: ## Pin the dependencies again, with hashes, from requirements/*.in
	@deploy/bootstrap test
	@cd requirements; for part in base agent dev; do \
		../$(PYTHON) -m uv pip compile -q --python-version 3.12 --universal --generate-hashes --no-header \
			--no-emit-index-url --no-annotate $$([ $$part = dev ] && echo -c base.txt) $$part.in -o $$part.txt; done

bench: ## Measure the hot paths beside PostgreSQL, TiPg, pygeoapi and TiTiler: make bench ARGS="--quick --only features"
	@deploy/bootstrap test
	@$(CHECK_ENV) $(PYTHON) -m tests.benchmarks $(ARGS)

cite: ## Run the OGC compliance suites: make cite SUITES="features tiles" URL=http://127.0.0.1:8000 CITE_CLASSES=folder
	@deploy/bootstrap test
	@CITE_CLASSES="$(CITE_CLASSES)" $(PYTHON) -m tests.cite $(SUITES) $(if $(URL),--url '$(URL)')

fuzz: ## Ask every service at random by its own OpenAPI document: make fuzz ARGS="--requests 2000 --seed 7"
	@deploy/bootstrap test
	@$(CHECK_ENV) $(PYTHON) -m tests.fuzz $(ARGS)

benchdevices: ## Measure from broker to committed rows and to open pages: make benchdevices QUICK=1 PARTS="throughput or latency"
	@deploy/bootstrap test
	@QUICK='$(QUICK)' $(CHECK_ENV) $(PYTHON) -m pytest tests/benchmarks/bench_devices.py -p no:cacheprovider -q -s $(if $(PARTS),-k "$(PARTS)")

benchimport: ## Measure an import through a worker next to ogr2ogr: make benchimport FEATURES=1000000
	@FEATURES='$(or $(FEATURES),200000)' $(CHECK_ENV) $(PYTHON) -m pytest tests/benchmarks/bench_import.py -p no:cacheprovider -q -s

benchsearch: ## Measure the search on 26,100 addresses, 20,000 parcels and many features: make benchsearch ARGS="--features 1000000"
	@deploy/bootstrap test
	@$(CHECK_ENV) $(PYTHON) -m tests.benchmarks.search $(ARGS)

chaos: ## Kill parts of a running product and cut networks at random, three seeds, and count what devices said (ARGS="--seeds 7 --seconds 300")
	@deploy/bootstrap test
	@$(CHECK_ENV) $(PYTHON) -m tests.chaos $(ARGS)

agents: ## Install both agents as docs/agents.md says into an environment of their own, enrol them and measure them
	@deploy/bootstrap test
	@$(CHECK_ENV) $(PYTHON) -m pytest tests/device/agent_install.py -p no:cacheprovider -q -s

setup: ## Only install what is missing, for running and for tests
	@deploy/bootstrap test
