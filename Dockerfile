# syntax=docker/dockerfile:1
# One node. Two stages, so that neither pip's cache nor build tools are in the image that runs.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/spaces
COPY requirements.lock ./
RUN /opt/spaces/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY access ./access
COPY spaces ./spaces
RUN /opt/spaces/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
RUN NUMBA_CACHE_DIR=/cache /opt/spaces/bin/python -m spaces.mixing.warmup

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin spaces \
 && install -d -o spaces -g spaces /data
COPY --from=build /opt/spaces /opt/spaces
COPY --from=build --chown=spaces:spaces /cache /cache
ENV PATH=/opt/spaces/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SPACES_DATA=/data \
    NUMBA_CACHE_DIR=/cache
# The audio loops were compiled above; on another kind of processor they are compiled again, into the same folder.
USER spaces
VOLUME /data
EXPOSE 8080/tcp 8081/udp
STOPSIGNAL SIGTERM
# The first start compiles: allow a minute before a failed check counts.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('SPACES_HTTP_PORT', '8080') + '/healthz', timeout=2)"]
ENTRYPOINT ["spaces"]
CMD ["serve"]
