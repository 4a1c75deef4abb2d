# make run   sets everything up and starts the platform      make test  runs all tests
# make demo  does the main job without a browser             make lint  checks the code
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test test-real lint format clean

run: .venv/ready
	@exec $(BIN)/python -m yolotrainer.supervisor

demo: .venv/ready
	@$(BIN)/python -m yolotrainer.demo

test: .venv/ready-dev
	@$(BIN)/python -m pytest $(ARGS)
	@if command -v node >/dev/null; then node --test tests/js/*.test.mjs; else echo "node is not here: the tests of the JavaScript modules run in the browser tests only"; fi

# What touches the database, again on PostgreSQL and S3: docs/decisions/026-tests-on-real-parts.md.
test-real: .venv/ready-dev
	@$(BIN)/python -m tests.real_parts pytest $(ARGS)

# Rules that ruff holds too (S104, S108, S310, S608), each exception with its reason where it stands.
SEEN_BY_RUFF := B104,B108,B310,B608

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/bandit --quiet --recursive --severity-level medium --skip $(SEEN_BY_RUFF) --exclude '*/tests/*,*/migrations/*' apps yolotrainer scripts
	$(BIN)/python scripts/audit.py
	DATA_DIR=$$(mktemp -d) $(BIN)/python manage.py makemigrations --check --dry-run

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/ready: requirements.txt scripts/install
	@scripts/install requirements.txt .venv/ready

.venv/ready-dev: .venv/ready requirements-dev.txt
	@scripts/install requirements-dev.txt .venv/ready-dev

clean:
	rm -rf .venv
