# Builds shoal and packs it with PostgreSQL for one site. The node runs as an ordinary user.
FROM swift:6.3-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make git && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make packages && swift build -c release --product shoal --static-swift-stdlib

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        libpq5 libsodium23 libssl3 libzstd1 libuv1 libmicrohttpd12 libcurl4 libcmark0.30.2 universal-ctags postgresql postgresql-contrib \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --home-dir /var/lib/shoal shoal
COPY --from=build /src/.build/release/shoal /usr/local/bin/shoal
USER shoal
VOLUME /var/lib/shoal
EXPOSE 7447
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["shoal", "status", "--data-dir", "/var/lib/shoal/site"]
ENTRYPOINT ["shoal"]
CMD ["run", "--data-dir", "/var/lib/shoal/site"]
