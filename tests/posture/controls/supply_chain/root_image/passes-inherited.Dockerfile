FROM alpine:3.22 AS base
USER 1000
FROM base
COPY a b
