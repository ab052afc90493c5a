# fails: ADD[0]
# fails: ADD[2]
# fails: ADD[3]
FROM scratch
ADD https://example.com/a.tgz /a
ADD local /b
ADD --chmod=755 ["local", "http://example.com/c", "/c"]
ADD https://github.com/moby/buildkit.git#v0.10.1 /d
