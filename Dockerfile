# The platform in one image: `docker build -t yolotrainer .`; docker-compose.yml says how its processes are started.
#   --build-arg DEVICE=cpu --build-arg TORCH_INDEX=<PyTorch's own index of CPU wheels>   4 GB smaller, trains on the CPU only
# scripts/image_in_a_root.py runs these steps in a Debian root where there is no Docker engine.
FROM debian:bookworm-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends python3 libgomp1 ca-certificates && rm -rf /var/lib/apt/lists/*

FROM base AS build
ARG DEVICE=cuda
ARG TORCH_INDEX=
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt ./
RUN python3 -m venv /venv
RUN case "$DEVICE" in \
      cuda) ;; \
      cpu) test -n "$TORCH_INDEX" || { echo "DEVICE=cpu needs TORCH_INDEX, the address of an index with CPU wheels of torch"; exit 1; }; \
           /venv/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" $(grep -E '^torch(vision)?==' requirements.txt) ;; \
      *) echo "DEVICE=$DEVICE is neither cpu nor cuda"; exit 1 ;; \
    esac
RUN /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM base
RUN useradd --create-home --uid 1000 yolo && mkdir /data && chown yolo /data
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
RUN /venv/bin/python -m compileall -q apps yolotrainer manage.py
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin DATA_DIR=/data HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1
USER yolo
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD ["python", "-m", "yolotrainer.supervisor"]
