# fails: FROM[0]
FROM alpine:3.22
CMD ["/app"]
