FROM debian:13 AS build
RUN apt-get update
FROM debian:13
ENV PIP_NO_CACHE_DIR=1
RUN apt-get update \
 && apt-get install -y curl \

 && rm -rf /var/lib/apt/lists/*
RUN apk add --no-cache curl
RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y git
RUN dnf install -y curl && dnf clean all
RUN zypper in -y curl; zypper clean --all
RUN pip install flask
COPY --from=build a b
