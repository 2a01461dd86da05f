FROM localhost:5077/base:1 AS one
RUN echo one
ENV B=2
FROM one AS two
RUN echo two
FROM two
RUN echo three
COPY --from=one /bin/busybox /bb
COPY bar .
USER 5:6
WORKDIR /q
RUN echo q
