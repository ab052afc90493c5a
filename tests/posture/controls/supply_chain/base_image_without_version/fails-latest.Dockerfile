# fails: FROM[0]
# fails: FROM[2]
# fails: COPY[0]
FROM alpine AS one
FROM one
FROM debian:latest
COPY --from=busybox /bin/sh /bin/
COPY --from=one a b
COPY --from=0 a b
