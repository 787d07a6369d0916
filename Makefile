# shoal. `make` alone lists what there is.

SWIFT  ?= swift
BUILD  := $(SWIFT) build --explicit-target-dependency-import-check error
SHOAL  := .build/release/shoal
SEEDS  ?= 200
FUZZ_SECONDS ?= 60
ROUNDS ?= 40,4000,4096
FUZZ   ?= cbor frames envelope hello delta triples jsonl safetensors peers settings http

.PHONY: help packages test-packages check-packages check-tools build demo test check check-api check-dashboard \
	check-examples test-docs lint unit simulate cluster soak fuzz bench-train bench-search bench-flower bench-api \
	bench-join bench-quality bench-quality-fb15k bench-privacy bench-rules bench-valuation bench-merge bench-verify \
	bench-sums bench-forks built-tests answering calculating bench-certificates bench-fabric bench-gossip bench-idle \
	bench-start clean
.DEFAULT_GOAL := help

help:
	@echo "make build     the shoal binary, in $(SHOAL)"
	@echo "make demo      three sites learn one model, here, in two minutes"
	@echo "make test      everything that must hold: lint, unit tests, simulator, real clusters"
	@echo "make check     what people meet: examples, the API, the dashboard in a browser, every command of the documents"
	@echo "make test-docs the last of these alone (PAGES='README.md docs/tutorial.md')"
	@echo "make simulate  the simulator alone (SEEDS=$(SEEDS))"
	@echo "make soak      seven real sites, ten minutes of random faults (SEED=N repeats one)"
	@echo "make fuzz      readers of hostile bytes under libFuzzer, FUZZ_SECONDS=$(FUZZ_SECONDS) each (FUZZ=one of them)"
	@echo "make bench-quality DATA=DIR  alone, together, pooled: data sets of triples below DIR (bench-quality-fb15k: an hour)"
	@echo "make bench-privacy DATA=DIR  what clipping, noise and withholding cost, on umls-shared3"
	@echo "make bench-rules DATA=DIR  rules alone, the model alone, both (FB15K=1: FB15k-237 as well, from its checkpoint)"
	@echo "make bench-train  training speed beside PyTorch, which it installs (BENCH_PYTHON=one that has it)"
	@echo "make bench-api   status and predictions, 200 times a second, while the node trains"
	@echo "make bench-idle  memory of a node with 10,000 open idle connections (CONNECTIONS=N)"
	@echo "make bench-start  how long shoal --help takes, beside psql, git and python3"
	@echo "make bench-search REFERENCE=DIR|ARCHIVE  searches beside full text, on the Rust Reference"
	@echo "make bench-valuation  what claims are worth, honest and poisoned (DATA=a folder with a sub-folder a site)"
	@echo "make bench-merge  adding deltas beside a plain C loop; make bench-verify  checking ops and certificates beside libsodium, storing ops beside a plain COPY"
	@echo "make bench-certificates  how long a quorum of seven real sites takes to certify something"
	@echo "make bench-sums  what a fifth site receives when it joins, with certified sums and without (ROUNDS=$(ROUNDS))"
	@echo "make bench-forks  what a site loses whose old backup forked its log, with certified sums and without"
	@echo "make bench-fabric  ops among three real sites beside the same bytes through a NATS server (package nats-server)"
	@echo "make bench-gossip  what spreading costs and how fast a split heals, in simulated networks (NODES=64 SEEDS=5)"
	@echo "make bench-flower  the same task by Flower's FedAvg, which it installs (DATA=a folder with a sub-folder a site)"

# Debian packages that are missing, installed by root or sudo.
packages:
	@.ci/packages

# And those that the tests check shoal with.
test-packages:
	@.ci/packages tests

# And those that `make check` looks at it with: a browser, Prometheus' own checker.
check-packages:
	@.ci/packages check

build: packages
	$(BUILD) -c release --product shoal

demo: build
	$(SHOAL) demo

# All files at once, and tests side by side: more than the 1,024 that a session begins with; it may take more.
MANY_FILES := ulimit -S -n $$(ulimit -H -n);

lint:
	$(MANY_FILES) $(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

# Rooms whose tests wait for a server in the same process. Tests that calculate would fill the few threads that Swift
# tasks share, and an answer would wait for all of them: so these run by themselves, one at a time.
ANSWERING := ^(API|Command|Daemon|Transport)Tests

# Debug builds check arithmetic and preconditions; kernels are optimised in both.
built-tests: test-packages
	$(BUILD) --build-tests

unit: answering calculating

# These wait most of their time, the simulator calculates: `make test` runs both at once. Both need the build, so that neither waits for
# the other's lock on it.
answering: build built-tests
	$(MANY_FILES) $(SWIFT) test --skip-build --no-parallel --filter '$(ANSWERING)'

calculating: built-tests
	$(MANY_FILES) $(SWIFT) test --skip-build --skip ClusterTests --skip '$(ANSWERING)'

# The same 200 seeds every time, and as many that nobody has seen before.
simulate: build
	nice -n 10 $(SHOAL) simulate --required --seeds $(SEEDS)
	nice -n 10 $(SHOAL) simulate --seeds $(SEEDS) --from $$(( 0x$$(git rev-parse --short=7 HEAD 2>/dev/null || echo 1) ))

# The built binary, real sockets, one PostgreSQL a node.
cluster: build built-tests
	$(MANY_FILES) SHOAL_BINARY=$(CURDIR)/$(SHOAL) $(SWIFT) test --skip-build --filter ClusterTests

# Everything that can happen to sites does; nothing may be lost. The report tells the seed.
soak: build
	$(MANY_FILES) $(SHOAL) cluster run Examples/scenarios/nemesis.json $(if $(SEED),--seed $(SEED))

# libFuzzer looks for inputs that reach new code; a crash leaves its input in .build/fuzz/found, and its name is printed.
# Then: move it to Tests/FuzzTests/Corpus/TARGET, where it stays a test, and repair what it broke.
fuzz: test-packages
	$(BUILD) -c release --scratch-path .build/fuzz --sanitize fuzzer --product shoal-fuzz \
	    -Xswiftc -Xfrontend -Xswiftc -entry-point-function-name -Xswiftc -Xfrontend -Xswiftc shoal_fuzz_main
	.build/fuzz/release/shoal-fuzz --seeds .build/fuzz/seeds
	mkdir -p .build/fuzz/found $(FUZZ:%=.build/fuzz/corpus/%)
	for target in $(FUZZ); do \
	    mkdir -p Tests/FuzzTests/Corpus/$$target && \
	    .build/fuzz/release/shoal-fuzz $$target -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=.build/fuzz/found/ \
	        -rss_limit_mb=2048 -malloc_limit_mb=1048576 -print_final_stats=1 -verbosity=0 .build/fuzz/corpus/$$target \
	        Tests/FuzzTests/Corpus/$$target .build/fuzz/seeds/$$target \
	        2>&1 | sed -n "s/^stat::number_of_executed_units: */$$target: executions /p; /ERROR\|Precondition\|Fatal\|artifact/p"; \
	done
	test -z "$$(ls -A .build/fuzz/found)"

# One after another but for those two: clusters want the machine for themselves.
test: lint build built-tests
	$(MAKE) --no-print-directory -j 2 answering simulate
	$(MAKE) --no-print-directory calculating
	$(MAKE) --no-print-directory cluster

# What people meet, from outside, against the built binary. CHECK_PYTHON: a Python with Tests/Check/requirements.txt.
CHECK  := .build/check
CHECK_PYTHON ?= $(CHECK)/venv/bin/python
# Nothing is installed for a Python that was given. A file of its own, since venv/bin/python is a link to the system's.
CHECK_READY := $(if $(filter $(CHECK)/venv/bin/python,$(CHECK_PYTHON)),$(CHECK)/venv/ready)
# What they leave to look at: screenshots, the API tester's report.
ARTEFACTS ?= $(CHECK)
check: check-tools check-examples check-api check-dashboard test-docs

# All that must be fetched before; without a network this says what is missing.
check-tools: check-packages $(CHECK_READY)

$(CHECK)/venv/ready: Tests/Check/requirements.txt
	@python3 -m venv $(CHECK)/venv && \
	    $(CHECK)/venv/bin/pip install --quiet --disable-pip-version-check -r Tests/Check/requirements.txt && touch $@ || { \
	    rm -rf $(CHECK)/venv; echo "shoal: 'make check' needs these Python packages, which pip could not install:" >&2; \
	    grep -v '^#' Tests/Check/requirements.txt >&2; \
	    echo "Give it a Python that has them: make check CHECK_PYTHON=/path/to/python" >&2; exit 3; }

check-examples: check-packages $(CHECK_READY)
	$(CHECK_PYTHON) Tests/Check/examples.py

check-api: build check-packages $(CHECK_READY)
	$(CHECK_PYTHON) Tests/Check/api.py --shoal $(SHOAL) --out $(ARTEFACTS)/api

check-dashboard: build check-packages $(CHECK_READY)
	$(CHECK_PYTHON) Tests/Check/dashboard.py --shoal $(SHOAL) --out $(ARTEFACTS)/screens

test-docs: build
	python3 Tests/Check/documents.py --shoal $(SHOAL) $(PAGES)

# Training and answering speed beside PyTorch, in turns; exit code 1 if a figure is not reached.
bench-train: build
	python3 Benchmarks/train/run.py --shoal $(SHOAL)

# Searches for held-out links; exit code 1 below the floor. REFERENCE=the Markdown sources of the Rust Reference.
bench-search: build
	python3 Benchmarks/search/run.py --shoal $(SHOAL) --reference "$(REFERENCE)"

# The same federated task by FedAvg in turns; DATA holds a sub-folder a site.
bench-flower: build
	python3 Benchmarks/flower/compare.py --shoal $(SHOAL) --data $(or $(DATA),../shared/data/umls-fed3)

# DATA holds umls, kinship, umls-shared3, …: each a folder with train.txt, or with a folder of those for each site.
bench-quality: build
	Benchmarks/quality/run.sh $(SHOAL) $(DATA)

bench-quality-fb15k: build
	Benchmarks/quality/run.sh $(SHOAL) $(DATA) fb15k

# Federated MRR with each of the privacy settings of docs/privacy.md.
bench-privacy: build
	Benchmarks/quality/privacy.sh $(SHOAL) $(DATA)

# Rules beside the model; the model of FB15k-237 is trained once, as by bench-quality-fb15k.
bench-rules: build
	Benchmarks/quality/rules.sh $(SHOAL) $(DATA) $(if $(FB15K),fb15k)

# A hundred trainings; exit code 1 where poison passes or honest training does not.
bench-valuation: build
	$(SHOAL) bench valuation --data $(or $(DATA),../shared/data/umls-shared3)

# Ratios to an anchor in the same run; exit code 1 below what is asked.
bench-merge: build
	$(SHOAL) bench merge

# Latencies while the node trains; exit code 1 above 5 ms (status) or 10 ms (predictions) at the 99th percentile.
bench-api: build
	python3 Benchmarks/api/run.py --shoal $(SHOAL)

# Memory with many open connections that say nothing; exit code 1 above 200 MiB.
bench-idle: build
	python3 Benchmarks/idle/run.py --shoal $(SHOAL) --connections $(or $(CONNECTIONS),10000)

# How long a command takes that only has to say something, beside others; exit code 1 if that is above 50 ms.
bench-start: build
	python3 Benchmarks/start/run.py --shoal $(SHOAL)

# From a ticket to the state of the others: a fourth site on a network of three with 1,000 ops; exit code 1 beyond 30 s.
bench-join: build
	python3 Benchmarks/join/run.py --shoal $(SHOAL)

# The same with certified sums and without, after few rounds and after many: minutes.
bench-sums: build
	$(MANY_FILES) python3 Benchmarks/join/sums.py --shoal $(SHOAL) --rounds $(ROUNDS)

# What a fork takes out, with certified sums and without; exit code 1 if it is not what decision 28 says.
bench-forks: build
	$(MANY_FILES) python3 Benchmarks/forks/run.py --shoal $(SHOAL)

bench-verify: build
	$(SHOAL) bench verify-ops
	$(SHOAL) bench verify
	$(SHOAL) bench ingest

# From a question to its certificate, on seven real sites; exit code 1 above 300 ms.
bench-certificates: build
	python3 Benchmarks/certificates/run.py --shoal $(SHOAL)

bench-fabric: build
	python3 Benchmarks/fabric/run.py --shoal $(SHOAL)

bench-gossip: build
	$(SHOAL) bench gossip --nodes $(or $(NODES),64) --seeds $(if $(filter file,$(origin SEEDS)),5,$(SEEDS))

clean:
	rm -rf .build
