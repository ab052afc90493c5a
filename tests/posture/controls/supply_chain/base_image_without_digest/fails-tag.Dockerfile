# fails: FROM[0]
# fails: COPY[0]
FROM --platform=$BUILDPLATFORM alpine:3.22
COPY --from=busybox:1.36 /bin/sh /bin/
