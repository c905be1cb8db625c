# The two commands are `make run` and `make test`; each sets up what it needs on a bare machine.
#   make run PORT=9000         another port
#   make run DEMO_TRICKLE=0    without the invented requests that keep arriving
#   make test ARGS="-k ledger" only some tests

PYTHON ?= python3
PORT ?= 8000
DEMO_TRICKLE ?= 1
ARGS ?=
PY = .venv/bin/python
BOOTSTRAP = $(PYTHON) -I backoffice/bootstrap.py
LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes pyproject.toml

.PHONY: setup run test check bench screenshots core-jobs lock

setup:
	@$(BOOTSTRAP) run

run: setup
	@DEMO_TRICKLE=$(DEMO_TRICKLE) exec $(PY) -m backoffice.devserver --port $(PORT)

test:
	@$(BOOTSTRAP) test
	@$(PY) -m tests.browser
	@$(PY) -m pytest -n auto $(ARGS)

check:
	@$(BOOTSTRAP) dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	@# As in production: debug off, and secrets that are nobody's.
	@DEBUG=0 BEHIND_TLS=1 SECRET_KEY=$$($(PY) -c "import secrets; print(secrets.token_urlsafe(60))") \
		INSTALLATION_ID=00000000-0000-4000-8000-000000000000 SANDBOX_ALLOWED=1 SANDBOX_API_KEY=none SANDBOX_WEBHOOK_SECRET=whsec_bm9uZQ== \
		$(PY) manage.py check --deploy --fail-level WARNING

bench:
	@$(BOOTSTRAP) run
	@$(PY) -m bench $(ARGS)

core-jobs:
	@$(BOOTSTRAP) test
	@$(PY) -m tests.browser
	@$(PY) -m pytest -q -s tests/e2e/test_core_jobs.py

screenshots:
	@$(BOOTSTRAP) test
	@$(PY) -m tests.browser
	@$(PY) -m pytest -q -n auto tests/screens/pictures.py
	@echo "file://$(CURDIR)/var/screenshots/index.html"

# Needs uv. The last file is the whole; the others are held to its versions.
lock:
	$(LOCK) --group test --group lint -o requirements-dev.txt
	$(LOCK) --group test -c requirements-dev.txt -o requirements-test.txt
	$(LOCK) -c requirements-dev.txt -o requirements.txt
	$(subst pyproject.toml,,$(LOCK)) --group bench -o requirements-bench.txt
