# The inference service and its model bundles; runs without a network, as a plain user and on a
# read-only root file system. Build from the root of the checkout:
#   docker build -f docker/service.Dockerfile -t music-classification-service .

# Any image with Python 3.11 or newer as python3, and its venv module, will do.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# The list of dependencies by itself, so that the rest of pyproject.toml can change freely. With
# those of tracing and of signatures: 27 MB of 300, idle unless asked for, and nobody can add them to a
# container.
FROM ${BASE_IMAGE} AS requirements
WORKDIR /build
COPY pyproject.toml ./
RUN python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['tracing'], *p['optional-dependencies']['signatures'], sep='\n')" > requirements.txt

FROM ${BASE_IMAGE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# pip lives in an environment of its own, so that the one that ships holds no installer.
RUN python3 -m venv /opt/installer && python3 -m venv --without-pip /opt/venv
# Only these two files decide this layer: no change of code installs anything again.
# The bytecode is never checked against its source, which cannot change within an image.
COPY --from=requirements /build/requirements.txt ./
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/installer/bin/pip --python /opt/venv/bin/python install \
        --only-binary :all: --no-compile -r requirements.txt -c requirements.lock \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM dependencies AS package
COPY pyproject.toml README.md LICENSE ./
COPY service/ service/
# Into a folder of its own: the final image gets the small code as a layer beside the large
# dependencies, so a new version of the code is a small download.
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/installer/bin/pip --python /opt/venv/bin/python install \
        --no-deps --no-compile --prefix /opt/package . \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/package/lib

FROM package AS contents
# What is installed, for whoever must know whether a fault in a library concerns this image. The
# list's own program does not ship.
RUN --mount=type=cache,target=/root/.cache/pip \
    cp -r /opt/package/. /opt/venv/ \
    && /opt/installer/bin/pip install cyclonedx-bom==7.5.0 \
    && /opt/installer/bin/cyclonedx-py environment --output-reproducible -o /sbom.json /opt/venv/bin/python

FROM ${BASE_IMAGE}
# The official image carries the standard library without bytecode, and a plain user on a
# read-only disk could not keep it: compiled here, it is not compiled anew at every start.
RUN groupadd --gid 10001 service \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin service \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(ensurepip|idlelib|lib2to3|test|tests|tkinter|turtledemo|site-packages)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /opt/package /opt/venv
COPY --from=contents /sbom.json /usr/share/sbom.json
WORKDIR /app
COPY models/ models/
# ONNX Runtime reports its use to its maker unless it is told not to.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    SERVICE_HOST=0.0.0.0 \
    SERVICE_PORT=8000 \
    SERVICE_MODELS_DIR=/app/models
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
# Past any proxy of the environment: the check asks this very container.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(f'http://127.0.0.1:{os.environ[\"SERVICE_PORT\"]}/health/ready', timeout=4)"]
CMD ["python", "-m", "service"]
# Last, because a new commit must not make the layers above anew.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Music classification service" \
    org.opencontainers.image.description="Genre, guitar chord and mood of uploaded audio, over HTTP" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
