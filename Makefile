# `make demo` and `make test` set up all they need: Python 3.11+ and a C++ compiler are enough.
PYTHON ?= python3
UV := .uv/bin/uv

export ASK

.PHONY: demo test check format catalogues clean

demo: .venv/.runtime
	.venv/bin/copilot demo $${ASK:+--ask "$$ASK"}

test: .venv/.development
	.venv/bin/pytest

check: .venv/.development
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.development
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# What the pages say, gathered; what is new in the catalogues waits there for its translation.
catalogues: .venv/.development
	.venv/bin/pybabel --quiet extract --mapping copilot/web/locale/babel.cfg --keyword say:2 \
	  --no-location --sort-output --project industrial-copilot --output .catalogue.pot copilot/web
	for language in de es; do \
	  .venv/bin/pybabel --quiet update --input .catalogue.pot --locale $$language --init-missing \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 100 \
	    --output-file copilot/web/locale/$$language.po || exit 1; \
	done
	rm .catalogue.pot

clean:
	rm -rf .venv .uv

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.8

.venv/.runtime: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --compile-bytecode --no-dev --inexact --python $(PYTHON)
	touch $@

.venv/.development: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --compile-bytecode --python $(PYTHON)
	touch $@ .venv/.runtime
