# fails: EXPOSE[0]
FROM debian:13
ARG PORT=22
EXPOSE 80 ${PORT}/tcp
