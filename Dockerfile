# The command line in an image; docs/containers.md says how to build and run it. BASE_IMAGE and TORCH_INDEX go together:
# as they are, the CPU build of torch on Python's own image; for NVIDIA GPUs
#   --build-arg BASE_IMAGE=nvidia/cuda:13.0.1-base-ubuntu24.04 --build-arg TORCH_INDEX=https://pypi.org/simple
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG PACKAGES=""
ARG USER_ID=1000

# NVIDIA's images have no Python: the distribution's is installed.
# hadolint ignore=DL3008
RUN if ! command -v python3 > /dev/null; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app

# The packages first, so that a change of the code does not install them again. Torch alone comes from its own index.
COPY constraints.txt pyproject.toml ./
RUN pip install --no-cache-dir --no-deps --constraint constraints.txt --index-url "$TORCH_INDEX" torch \
    && python -c "import os, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
       print(*project['dependencies'], *os.environ.get('PACKAGES', '').split(), sep='\n')" > /tmp/requirements.txt \
    && pip install --no-cache-dir --constraint constraints.txt --requirement /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY README.md LICENSE ./
COPY spaces spaces
COPY trainables trainables
COPY search search
COPY analysis analysis
COPY examples examples
RUN pip install --no-cache-dir --no-deps --constraint constraints.txt --editable .

# The code stays root's; results and downloads are the user's. An image may have a user of this number, as Ubuntu's has.
ENV HOME=/home/searcher
RUN useradd --create-home --home-dir "$HOME" --uid "$USER_ID" --non-unique searcher \
    && mkdir -p runs "$HOME/.cache/huggingface" \
    && chown -R "$USER_ID" runs "$HOME"
USER ${USER_ID}
VOLUME ["/app/runs"]

# NVIDIA's images print a page about themselves before every command. Here a command is run as it is.
ENTRYPOINT []
CMD ["transfer-search", "--help"]
