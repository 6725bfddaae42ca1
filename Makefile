# `make demo` and `make test` set up all they need: Python 3.11+ and a C++ compiler are enough.
PYTHON ?= python3
UV := .uv/bin/uv

export ASK

.PHONY: demo test check format clean

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
