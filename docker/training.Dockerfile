# The training job: labelled audio in, model bundles out. Build from the root of the checkout:
#   docker build -f docker/training.Dockerfile -t music-classification-training .

# Any Debian image with Python 3.11 or newer as python3, and its venv module, will do.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# The list of dependencies by itself, so that the rest of pyproject.toml can change freely.
FROM ${BASE_IMAGE} AS requirements
WORKDIR /build
COPY pyproject.toml ./
RUN python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['training'], sep='\n')" > requirements.txt

FROM ${BASE_IMAGE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# pip lives in an environment of its own, so that the one that ships holds no installer.
RUN python3 -m venv /opt/installer && python3 -m venv --without-pip /opt/venv
# Only these two files decide this layer: no change of code installs anything again.
# The bytecode is never checked against its source, which cannot change within an image.
# musicnn, on which genre and emotion stand, comes for its weights alone: its pins are old.
COPY --from=requirements /build/requirements.txt ./
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/installer/bin/pip --python /opt/venv/bin/python install \
        --only-binary :all: --no-compile -r requirements.txt -c requirements.lock \
    && /opt/installer/bin/pip --python /opt/venv/bin/python install \
        --only-binary :all: --no-compile --no-deps musicnn==0.1.0 \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM dependencies AS package
COPY pyproject.toml README.md LICENSE ./
COPY service/ service/
COPY training/ training/
# Into a folder of its own: the final image gets the small code as a layer beside the large
# dependencies, so a new version of the code is a small download.
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/installer/bin/pip --python /opt/venv/bin/python install \
        --no-deps --no-compile --prefix /opt/package . \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/package/lib

FROM ${BASE_IMAGE}
# Results and caches are open to every user, for two reasons: whoever mounts a folder of their
# own runs the job under their own number (docker run --user), and a volume takes over the mode
# of the folder that it covers.
# What plays SoundFonts for the chord recipe; the fonts themselves are mounted with the data.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fluidsynth \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 training \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin training \
    && mkdir /data \
    && mkdir -m 1777 /runs /models /var/cache/numba
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /opt/package /opt/venv
# HOME and LOGNAME serve a user number that the image does not know. Librosa compiles with numba
# at first use; on a volume the result outlives the container. ONNX Runtime reports its use
# to its maker unless it is told not to.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/tmp \
    LOGNAME=training \
    NUMBA_CACHE_DIR=/var/cache/numba
# From the root folder data/, runs/ and models/ are the mounted folders, so a command of the
# README means the same here as in a checkout. Mount /data read-only.
WORKDIR /
VOLUME ["/data", "/runs", "/models", "/var/cache/numba"]
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]
# Last, because a new commit must not make the layers above anew.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Music classification training" \
    org.opencontainers.image.description="Labelled audio in, model bundles for the service out" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
