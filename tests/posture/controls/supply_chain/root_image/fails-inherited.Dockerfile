# fails: USER[1]
FROM alpine:3.22 AS base
USER 1000
FROM base AS next
USER 0:0
FROM next
COPY a b
