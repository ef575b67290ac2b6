# hotline as a static binary on an empty image.
#
#   docker build -t hotline .
#   docker run -p 8080:8080 -v hotline-data:/data hotline

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/hotline ./cmd/hotline \
 && mkdir /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/hotline /hotline
COPY config/cities /cities
COPY LICENSE NOTICE /

# The time zones are in the binary. 65532 is nobody in particular and has no shell to fall into.
USER 65532:65532
ENV HOTLINE_CITY=/cities/linyi HOTLINE_DATA=/data HOTLINE_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/hotline", "health"]
ENTRYPOINT ["/hotline"]
CMD ["serve"]
