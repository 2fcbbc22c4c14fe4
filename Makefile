# make demo, make test: each does all its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/archkit-*)
export PIP_CONSTRAINT := $(CURDIR)/constraints-cpu.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo test plugins docs editor viewers pictures clean

demo: $(VENV)/demo
	$(BIN)/python -m archkit.diffusion.demo

test: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto
	$(MAKE) plugins

# The packages of plugins/, installed as a user would, with their own tests; then all laws at once.
plugins: $(VENV)/plugins
	for plugin in $(PLUGINS); do (cd $$plugin && $(CURDIR)/$(BIN)/mypy) || exit 1; done
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto $(PLUGINS)
	OMP_NUM_THREADS=1 $(BIN)/archkit plugins check --all
	$(BIN)/python tests/newcomer.py

# The schema in the language server of editors. Not in `make test`: it needs Node.js and npm.
editor: $(VENV)/dev
	mkdir -p out/editor
	cp tests/editor/package.json tests/editor/package-lock.json out/editor
	npm ci --prefix out/editor --no-audit --no-fund
	$(BIN)/pytest tests/editor/editor.py

# Pictures in what people read them with. Not in `make test`: it needs Node.js, npm, Chromium,
# Graphviz and poppler (and tries TikZ where there is a pdflatex).
viewers: $(VENV)/dev
	mkdir -p out/viewers
	cp tests/viewers/package.json tests/viewers/package-lock.json out/viewers
	npm ci --prefix out/viewers --no-audit --no-fund
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto tests/viewers/pages.py tests/viewers/formats.py

# The documents as a site, in out/site.
docs: $(BIN)/python
	$(BIN)/pip install -q -e '.[docs]'
	$(BIN)/zensical build --strict

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo: $(BIN)/python pyproject.toml constraints-cpu.txt
	$(BIN)/pip install -q -e '.[demo]'
	touch $@

$(VENV)/dev: $(BIN)/python pyproject.toml constraints-cpu.txt
	$(BIN)/pip install -q -e '.[dev]'
	touch $@

$(VENV)/plugins: $(VENV)/dev $(PLUGINS:%=%/pyproject.toml)
	$(BIN)/pip install -q --no-build-isolation $(PLUGINS:%=-e %)
	touch $@

# The README's pictures, light and dark; a test keeps them true.
DRAWN := ddpm-cifar10 stable-diffusion-1.5 unet-2015
pictures: $(VENV)/demo
	for theme in light dark; do \
	  $(BIN)/archkit draw $(DRAWN) --theme $$theme -o "docs/pictures/{name}.overview.$$theme.svg"; \
	  $(BIN)/archkit draw stable-diffusion-1.5 --detail block --theme $$theme \
	    -o "docs/pictures/{name}.block.$$theme.svg"; \
	done
	$(BIN)/archkit draw ddpm-cifar10 --theme light -o docs/pictures/ddpm-cifar10.png

clean:
	rm -rf $(VENV) out build dist
