# fails: RUN[0]
# fails: RUN[1]
# fails: RUN[2]
# fails: RUN[3]
# fails: RUN[4]
FROM debian:13
RUN apt-get update && \
    # comment
    apt-get install -y curl
RUN apk add curl
RUN ["dnf", "install", "-y", "curl"]
RUN <<EOF
zypper --non-interactive install curl
EOF
RUN pip install flask
