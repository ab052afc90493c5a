FROM scratch
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a.tgz /a
ADD https://github.com/moby/buildkit.git#94eec93d5d50ec2f5f0b1b1f1a0a0c4a0f6f1b2c /d
ADD --chown=1:1 local.tar /
