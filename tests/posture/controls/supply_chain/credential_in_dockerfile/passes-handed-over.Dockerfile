FROM alpine:3.22
ENV DB_PASSWORD_FILE=/run/secrets/db TOKEN=$GIVEN
ARG VERSION=1
RUN --mount=type=secret,id=token curl -H "Authorization: Bearer $(cat /run/secrets/token)" https://example.com
