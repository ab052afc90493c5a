FROM debian:13 AS build
EXPOSE 22
FROM debian:13
EXPOSE 80 22/udp
