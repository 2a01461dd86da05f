FROM localhost:5077/base:1
COPY --exclude=**/*.o src /1/
COPY --exclude=*.o src /2/
COPY --exclude=src/*.o . /3/
COPY --exclude=sub src /4/
COPY --exclude=sub/** --exclude=!sub/b.c src /5/
COPY --exclude=none src /6/
COPY --exclude=none d /7/
COPY --exclude=*.o s* /8/
COPY --exclude=**/*.o s* /9/
COPY --exclude=b.* src/sub src/a.* /10/
COPY --exclude=*.o lsrc /11/
COPY --exclude=*.o lsrc/* /12/
COPY --exclude=x --exclude=l d d/sub /13/
COPY --exclude=* --exclude=!*.c src /14/
COPY --exclude=**/sub . /15/
COPY --exclude=none bar /16/
COPY --exclude=none link /17/
COPY --exclude=* empty /18/
COPY --exclude=<x>&y . /19/
COPY --chown=1:2 --exclude=*.o src /20/
