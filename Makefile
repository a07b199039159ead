# Two commands on a bare machine: 'make demo' and 'make test'. Each makes .venv at the root if there is
# none (PYTHON=python3.12 chooses the interpreter) and installs what it needs into it.

PYTHON ?= python3
export PYTHON

# Everything below runs in .venv, whatever ROS 2 installation this shell has sourced; with one of
# those, build with colcon instead (README).
unexport PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH
unexport ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION _ROS_WHEELS_BOOTSTRAP_COMPLETE

BIN := .venv/bin
# Two workers with one thread each; tests on DDS share one worker.
WORKERS ?= 2
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1

.PHONY: demo test test-gpu lint format lock setup-demo setup-test clean

demo: setup-demo ## the main job on a drive of the embedded world, with a report in out/demo
	rm -rf out/demo
	$(BIN)/dalearn demo --out out/demo

test: setup-test ## the whole suite; ARGS="-k name" chooses
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-gpu: setup-test ## what needs a CUDA device; TensorRT: .venv/bin/uv pip install --python .venv/bin/python -e '.[tensorrt]'
	$(BIN)/python -m pytest -m gpu $(ARGS)

lint: setup-test ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup-test ## rewrite the sources in the common style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup-demo:
	@tools/setup.sh demo

setup-test:
	@tools/setup.sh test

lock: setup-demo ## write constraints.txt anew with the newest versions
	$(BIN)/uv pip compile setup.py --universal --python-version 3.10 --upgrade --quiet \
	    --extra ros --extra world --extra train --extra edit --extra fleet --extra dev --extra tensorrt-check --no-annotate --no-header \
	    --output-file constraints.new
	{ head -n 1 constraints.txt; sed "s/ and implementation_name == .*//" constraints.new; } > constraints.part
	mv constraints.part constraints.txt && rm constraints.new

clean:
	rm -rf .venv build install log out *.egg-info
