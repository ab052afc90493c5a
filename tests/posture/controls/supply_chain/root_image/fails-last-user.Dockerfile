# fails: USER[1]
FROM alpine:3.22
USER app
RUN id
USER root
ONBUILD USER app
