# Muster as one image: every service of a fleet, and every command.
#
#   docker build -t muster .
#
# It runs as user 10001 and writes to /var/lib/muster and /tmp only. docker-compose.yml is a whole fleet of it.

# Pin it by digest where builds must repeat: --build-arg NODE_IMAGE=node:24.21.0-trixie-slim@sha256:…
ARG NODE_IMAGE=node:24.21.0-trixie-slim
# Where /opt/muster comes from: the stage below, or an image that has it, where no package registry can be reached.
ARG TREE=build

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/muster
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.base.json ./
COPY packages packages
# Not npm ci, for the reason in deploy/setup/npm-packages.mjs: versions are those of the lock file all the same.
RUN --mount=type=cache,target=/root/.npm npm install --ignore-scripts
COPY deploy/image deploy/image
RUN sh deploy/image/make-tree.sh

FROM ${TREE} AS tree

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Muster" \
      org.opencontainers.image.description="Proves that database backups restore."
ENV NODE_ENV=production \
    HOME=/var/lib/muster \
    MUSTER_STATE_DIR=/var/lib/muster \
    MUSTER_CONFIG=/etc/muster/muster.yaml
# A new volume takes over owner and mode of the directory where it is mounted: these are the ones of docker-compose.yml.
RUN groupadd --gid 10001 muster \
    && useradd --uid 10001 --gid muster --home-dir /var/lib/muster --no-create-home --shell /usr/sbin/nologin muster \
    && install -d -o muster -g muster -m 0700 /var/lib/muster /secrets/signing /secrets/s3 /secrets/api /evidence \
    && install -d -o muster -g muster -m 0755 /keyring \
    && install -d -m 1777 /sockets/redis /sockets/index \
    && install -d /etc/muster \
    && ln -s /opt/muster/packages/cli/bin/muster.mjs /usr/local/bin/muster
COPY --from=tree /opt/muster /opt/muster
USER 10001:10001
WORKDIR /var/lib/muster
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["node", "/opt/muster/deploy/image/health.mjs"]
ENTRYPOINT ["muster"]
