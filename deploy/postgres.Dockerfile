# The app of Analysis Corp: it connects to its own localhost.
FROM node:20-bookworm-slim
WORKDIR /app
RUN npm install --no-audit --no-fund pg@8.23.1
COPY examples/portals/postgres/app.mjs ./
USER 65532:65532
ENTRYPOINT ["node", "app.mjs"]
