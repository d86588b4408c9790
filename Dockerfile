# KECI with its models and the open knowledge base, run by a user without rights.
#   docker build -t keci .                                       CPU
#   docker build -t keci:cuda --build-arg ACCELERATOR=cuda .     CUDA and cuDNN from pip's wheels
#   docker run --rm -v "$PWD:/data" keci keci-extract in.jsonl -o out.jsonl
#   docker run --rm -p 127.0.0.1:8000:8000 keci keci-serve --host 0.0.0.0
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
ARG ACCELERATOR=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/keci
ENV PATH=/opt/keci/bin:$PATH
WORKDIR /source

# What changes rarely comes first, so that a change of KECI's code does not fetch it again.
COPY constraints.txt requirements/cpu.txt ./
RUN if [ "$ACCELERATOR" = cpu ]; then \
        pip install -c constraints.txt -r cpu.txt "fastapi>=0.130" "prometheus-client>=0.21" \
            "uvicorn>=0.34" "pyarrow>=15" \
            --extra-index-url https://download.pytorch.org/whl/cpu; \
    fi

COPY . .
RUN case "$ACCELERATOR" in \
        cpu) pip install --no-deps . ;; \
        cuda) pip install -c constraints.txt ".[cuda,serve,parquet]" ;; \
        *) echo "ACCELERATOR is cpu or cuda, not $ACCELERATOR" >&2; exit 1 ;; \
    esac
RUN keci-kb build open --fetch --output /opt/kb/open

FROM python:${PYTHON}-slim-bookworm
COPY --from=build /opt/keci /opt/keci
COPY --from=build /opt/kb /opt/kb
RUN useradd --uid 10001 --create-home keci
# KECI_KB is the knowledge base that commands take by themselves. The last two tell NVIDIA's
# container runtime what to hand in; they do nothing without it.
ENV PATH=/opt/keci/bin:$PATH \
    KECI_KB=/opt/kb/open \
    XDG_CACHE_HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /data
CMD ["keci-extract", "--help"]
