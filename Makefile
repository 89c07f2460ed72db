# Two commands matter: make run, make test. Each target sets up what it needs.
PYTHON ?= python3
UV_VERSION := 0.9.7
BIN := .venv/bin
READY := .venv/.ready
SPARK_READY := .venv/.spark-ready
SOURCE ?= sample
# Where Python may not write bytecode, it is written once: every start of a process would compile some thousand modules.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)

.PHONY: run test test-runs test-fast lint lint-python lint-types lint-sql ui live lock spark bench bench-breadth bench-spark parity parity-models test-duckdb2 test-spark torture calibrate superset test-superset test-bi contract dbt docs has-warehouse clean help

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(READY)  ## Build the warehouse from the sample market and publish a release
	$(BIN)/smallcap run --source sample

# Two workers; the tests of a file stay on one, and the data directories of whole runs are shared (tests/pipeline/conftest.py).
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(READY)  ## Every test that needs one run of the pipeline or none, offline; ALL=yes: also those of test-runs, ALL=ci: all but the six longest
	$(PYTEST) $(if $(ALL),$(if $(filter ci,$(ALL)),-m 'not long'),-m 'not more_runs')

test-runs: $(READY)  ## The tests that run the pipeline again: killed, damaged, live, real documents, changed projects; a quarter of an hour
	$(PYTEST) -m more_runs

test-fast: $(READY)  ## Without whole runs, a browser and the tests marked as slow: a minute
	POLARS_MAX_THREADS=1 $(PYTEST) --ignore tests/pipeline --ignore tests/torture --ignore tests/evidence -m 'not slow'

lint: lint-python lint-types lint-sql  ## Style and types; .pre-commit-config.yaml runs the same

lint-python: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

lint-types: $(READY)
	$(BIN)/mypy

lint-sql: $(READY)
	SMALLCAP_WAREHOUSE=:memory: $(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests

ui: $(READY)  ## Dagster UI at 127.0.0.1:3000 with the schedules running (SOURCE=sample|live|landing)
	$(BIN)/smallcap ui --source $(SOURCE)

live: $(READY)  ## Fetch from the vendors, build and publish
	$(BIN)/smallcap run --source live

# The run's clock, which is fixed for the sample market: without it dbt measures ages from now.
WAREHOUSE = $(CURDIR)/data/$(SOURCE)/warehouse.duckdb
CLOCK = $(BIN)/python -c "from orchestration.settings import Settings; print(Settings(source='$(SOURCE)').clock.strftime('%F %T'))"
DBT = DBT_PROJECT_DIR=dbt_project DBT_PROFILES_DIR=dbt_project DBT_TARGET_PATH=$(CURDIR)/data/dbt DBT_LOG_PATH=$(CURDIR)/data/dbt \
	SMALLCAP_WAREHOUSE=$(WAREHOUSE) $(BIN)/dbt $(1) $(if $(findstring --vars,$(1)),,--vars "{clock: '$$($(CLOCK))'}")

dbt: $(READY) has-warehouse  ## dbt by hand on the warehouse of SOURCE: make dbt ARGS='build --select ratio_daily'
	$(call DBT,$(or $(ARGS),ls --resource-type model))

docs: $(READY) has-warehouse  ## dbt's documentation of every model as one page: data/dbt/static_index.html
	$(call DBT,docs generate --static)

has-warehouse:
	@test -e $(WAREHOUSE) || { echo "There is no $(WAREHOUSE) yet: run smallcap run --source $(SOURCE) first."; exit 1; }

bench: $(READY)  ## What a run costs, part by part
	$(BIN)/python tests/bench.py

# On two quiet cores some ten minutes; fewer bars: make bench-breadth BREADTH='--bars 2000000'.
bench-breadth: $(READY)  ## What breadth on twenty million bars costs, beside one query by hand
	$(BIN)/python tests/bench_breadth.py $(BREADTH)

# On two quiet cores some half an hour; fewer bars: make bench-spark SPARK='--bars 2000000'.
bench-spark: $(SPARK_READY)  ## What breadth on two and twenty million bars costs on DuckDB and on Spark
	$(BIN)/python -m tests.bench_spark $(SPARK)

# On a quiet machine of two cores some two hours; fewer kills or mutations: make torture TORTURE='--kills 10 --mutations 500'.
torture: $(READY)  ## Kill runs, fill the disk, move the clock, supply plausible wrong documents; print the figures; not part of make test
	mkdir -p data
	$(BIN)/python -m tests.torture --report data/torture.md $(TORTURE)

# On two quiet cores some 40 minutes; fewer markets: make calibrate CALIBRATE='--markets 100 --with-effect 20'.
calibrate: $(READY)  ## Measure how often the scorecard is wrong and what it can see, on simulated markets (docs/EVIDENCE.md)
	mkdir -p data
	$(BIN)/python -m tests.calibrate --report data/calibration.md $(CALIBRATE)

test-duckdb2: $(READY)  ## The same run on DuckDB 2: the code must not depend on 1.x
	test -e .duckdb2/duckdb || $(BIN)/uv pip install -q --target .duckdb2 --no-deps 'duckdb>=2,<3'
	rm -rf data/duckdb2
	PYTHONPATH=.duckdb2 $(BIN)/python -c "import duckdb; print('DuckDB', duckdb.__version__); assert duckdb.__version__ > '2'"
	PYTHONPATH=.duckdb2 $(BIN)/smallcap run --source sample --data-dir data/duckdb2

parity: $(SPARK_READY)  ## Build the sample market on DuckDB and on Spark and compare every published table: docs/PARITY.md
	rm -rf data/parity
	$(BIN)/smallcap run --source sample --data-dir data/parity/duckdb
	SMALLCAP_ENGINE=spark $(BIN)/smallcap run --source sample --data-dir data/parity/spark
	$(BIN)/python -m tests.parity releases data/parity/duckdb/published/latest data/parity/spark/published/latest --report docs/PARITY.md
	$(BIN)/python -m tests.parity rules data/parity/spark
	$(BIN)/python -m pytest -n 0 tests/spark tests/dbt_project/test_cross_db.py

# The quicker half of make parity, some eight minutes on two quiet cores; .ci/run compares with the run of make test-duckdb2.
DUCKDB_HOME ?= data/parity/duckdb
parity-models: $(SPARK_READY)  ## Build the models on Spark, compare the marts with those of DuckDB, and run the shortest tests of Spark
	test -e $(DUCKDB_HOME)/published/latest/manifest.json || $(BIN)/smallcap run --source sample --data-dir $(DUCKDB_HOME)
	$(BIN)/python -m tests.parity models $(DUCKDB_HOME)
	$(BIN)/python -m pytest -n 0 tests/dbt_project/test_cross_db.py tests/spark/test_builds.py -k 'each_engine or goes_on or alone'

spark: $(SPARK_READY)  ## Install the extra spark, some 700 MB: SMALLCAP_ENGINE=spark then runs dbt on Spark

test-spark: $(SPARK_READY)  ## Read every published file with PySpark; not part of make test
	test -e data/sample/published/latest/manifest.json || $(BIN)/smallcap run --source sample
	$(BIN)/python -m tests.spark_reads data/sample/published/latest

# The extra `spark`, some 700 MB: with a Java runtime, for machines without one.
$(SPARK_READY): $(READY) requirements-spark.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-spark.lock
	touch $@

superset: $(READY)  ## The dashboard for Apache Superset on the release of SOURCE: data/superset-SOURCE.zip, to be imported there
	$(BIN)/python docs/superset/bundle.py data/$(SOURCE)/published/latest data/superset-$(SOURCE).zip

test-superset: $(READY) .superset/.ready  ## Draw the dashboard and read every table and file in Apache Superset, on Python 3.11 or 3.12; not part of make test
	test -e data/sample/published/latest/manifest.json || $(BIN)/smallcap run --source sample
	.superset/bin/python tests/superset_reads.py data/sample/published/latest data/superset.png

.superset/.ready: .venv/.uv tests/superset.lock
	$(BIN)/uv venv -q --clear --python $(BIN)/python .superset
	$(BIN)/uv pip install -q --python .superset/bin/python -r tests/superset.lock
	touch $@

test-bi: test-superset test-spark  ## test-superset and test-spark

contract: $(READY)  ## Write docs/contract.json from a fresh sample release, after a change of the published schema
	rm -rf data/contract
	$(BIN)/smallcap run --source sample --data-dir data/contract
	$(BIN)/python -m orchestration.publish.contract data/contract/published/latest/manifest.json

# DuckDB stays on 1.5 in the lock: files of 2.0 cannot be opened by the 1.x clients that BI tools carry. The code runs on both.
lock: .venv/.uv  ## Pin every dependency with hashes
	printf 'duckdb<2\n' | $(BIN)/uv pip compile pyproject.toml - --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra spark --universal --python-version 3.11 --constraint requirements.lock \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements-spark.lock
	$(BIN)/uv pip compile tests/superset.in --universal --python-version 3.11 --no-header --no-annotate --quiet \
		--output-file tests/superset.lock

clean:  ## Delete data/sample (its diary and decisions included), data/duckdb2, data/contract and dbt_project/dev.duckdb; other data stay
	rm -rf data/sample data/duckdb2 data/contract dbt_project/dev.duckdb

.venv/.uv: Makefile
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

$(READY): .venv/.uv requirements.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock $(COMPILE)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@
