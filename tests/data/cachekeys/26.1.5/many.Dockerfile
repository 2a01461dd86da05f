FROM localhost:5077/base:1
RUN --network=none echo foo
COPY bar bar
RUN --network=default echo baz
ENV A=1 B=two
RUN echo env $A
ENV C hello  world
RUN echo "x < y && z > 1"
WORKDIR /w/x
RUN pwd
COPY a.txt b.txt dst/
COPY d d2
COPY *.txt w/
COPY link l
ADD bar addbar
COPY --chown=5:6 bar owned
COPY --chown=7 bar owned7
COPY --chmod=0751 bar mode
COPY a.txt b.txt c m/
COPY ./d/sub/ ./d/x /m2/
COPY . /all/
COPY . .
COPY bar /
COPY d/* /dd/
ARG X=1
RUN echo arg $X
ARG Y
RUN echo argy $Y
USER 5
RUN echo user
RUN ["/bin/busybox", "echo", "exec <form>"]
SHELL ["/bin/busybox", "sh", "-c"]
RUN echo shell
WORKDIR sub
RUN echo \
   continued   \
   # comment
   line
LABEL a=b
EXPOSE 80
CMD ["x"]
