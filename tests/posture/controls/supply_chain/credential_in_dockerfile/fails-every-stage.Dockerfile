# fails: ENV[0]
# fails: ARG[0]
# fails: LABEL[0]
# fails: RUN[0]
# fails: RUN[1]
FROM alpine:3.22 AS build
ENV A=1 DB_PASSWORD="not so good"
ARG NPM_TOKEN
LABEL token=glpat-abcdefghij0123456789
RUN curl -u bob:geheim123 https://example.com
RUN <<EOF
export API_TOKEN=5f2c9e1b7a
EOF
FROM alpine:3.22
COPY a b
