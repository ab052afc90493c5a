FROM alpine:3.22 AS build
USER root
ARG WHO=app
FROM alpine:3.22
ARG WHO=app
USER ${WHO}:1000
