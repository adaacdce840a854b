# One image for gateway, provisioner, migrations and operators' commands; another for the twins. Both run as the unprivileged user `node`.

# Written by `node tools/images.mjs`; when empty, the current image of the tag is used.
ARG NODE_DIGEST=

FROM node:24-bookworm-slim${NODE_DIGEST} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps/gateway/package.json apps/gateway/
COPY apps/operator/package.json apps/operator/
COPY apps/provisioner/package.json apps/provisioner/
COPY apps/twins/package.json apps/twins/
COPY libs/box/package.json libs/box/
COPY libs/directory/package.json libs/directory/
COPY libs/operations/package.json libs/operations/
COPY libs/persistence/package.json libs/persistence/
COPY libs/platform/package.json libs/platform/
COPY libs/provisioning/package.json libs/provisioning/
COPY libs/queue/package.json libs/queue/
COPY libs/roster/package.json libs/roster/
COPY libs/scim/package.json libs/scim/
COPY libs/shared/package.json libs/shared/
COPY libs/testing/package.json libs/testing/
COPY tools/package.json tools/

FROM manifests AS build
# Compiling needs no install scripts: the image has its own Node, and the client is generated offline.
RUN npm ci --ignore-scripts
COPY nx.json tsconfig.base.json prisma.config.ts ./
COPY prisma prisma
COPY libs libs
COPY apps apps
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npx prisma generate \
  && NX_DAEMON=false npx nx run-many -t build --exclude tools

FROM manifests AS dependencies
# The Prisma CLI, with its studio, React and TypeScript, is an optional peer of the client, and the apps do not need it.
# The other optional packages only make some things faster, or are for other platforms.
RUN npm ci --ignore-scripts --omit=dev --omit=optional -w @foyer/gateway -w @foyer/provisioner -w @foyer/operator

FROM manifests AS twin-dependencies
RUN npm ci --ignore-scripts --omit=dev --omit=optional -w @foyer/twins

FROM node:24-bookworm-slim${NODE_DIGEST} AS runtime
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY package.json ./

FROM runtime AS twins
COPY --from=twin-dependencies /app/node_modules node_modules
COPY apps/twins/package.json apps/twins/
COPY --from=build /app/apps/twins/dist apps/twins/dist
USER node

FROM runtime AS foyer
COPY --from=dependencies /app/node_modules node_modules
COPY --from=manifests /app/apps apps
COPY --from=manifests /app/libs libs
COPY --from=build /app/libs/box/dist libs/box/dist
COPY --from=build /app/libs/directory/dist libs/directory/dist
COPY --from=build /app/libs/operations/dist libs/operations/dist
COPY --from=build /app/libs/persistence/dist libs/persistence/dist
COPY --from=build /app/libs/platform/dist libs/platform/dist
COPY --from=build /app/libs/provisioning/dist libs/provisioning/dist
COPY --from=build /app/libs/queue/dist libs/queue/dist
COPY --from=build /app/libs/roster/dist libs/roster/dist
COPY --from=build /app/libs/scim/dist libs/scim/dist
COPY --from=build /app/libs/shared/dist libs/shared/dist
COPY --from=build /app/apps/gateway/dist apps/gateway/dist
COPY --from=build /app/apps/provisioner/dist apps/provisioner/dist
COPY --from=build /app/apps/operator/dist apps/operator/dist
COPY prisma/migrations prisma/migrations
USER node
