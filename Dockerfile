# The command `errand` and the library behind it. It holds no handlers: yours are added by an image of your own, or mounted.
#
#   FROM errand:0.1.0
#   COPY dist/ /app/            with /app/activities.js, which exports register(worker)
#
# Nothing in it is a secret, and nothing is written to it: it runs with a read-only root. There is no HEALTHCHECK, because
# one image serves long-running commands and one-shots: Kubernetes asks /livez and /readyz, and docker-compose.yml has a check
# for each service that runs long.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package that is needed here has to run a script to be installed.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/ scripts/
COPY src/ src/
RUN node scripts/build.ts

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /opt/errand
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/errand
COPY --from=dependencies /opt/errand/node_modules/ node_modules/
COPY --from=build /build/dist/ dist/
COPY package.json LICENSE ./
# Handlers say `import … from 'errand'` wherever they lie, and get the one that runs them. Not in /app/node_modules, which
# an `npm ci` of yours would empty.
RUN mkdir /app /node_modules && ln -s /opt/errand /node_modules/errand
WORKDIR /app
# By number, so that Kubernetes can tell that it is not root. The files are root's, and stay as they are.
USER 1000:1000
EXPOSE 9464
ENTRYPOINT ["node", "/opt/errand/dist/cli/main.js"]
CMD ["--help"]
