libimg_sources += \
	%D%/bytes.h \
	%D%/err.c \
	%D%/err.h \
	%D%/hash.c \
	%D%/lazy.c \
	%D%/lazy.h \
	%D%/lock.h \
	%D%/mem.c \
	%D%/mem.h \
	%D%/num.h \
	%D%/parallel.c \
	%D%/parallel.h \
	%D%/random.c \
	%D%/random.h \
	%D%/secret.c \
	%D%/secret.h \
	%D%/shelf.c \
	%D%/shelf.h \
	%D%/utf8.c \
	%D%/utf8.h \
	%D%/uuid.c \
	%D%/uuid.h \
	%D%/version.c \
	%D%/xml.c \
	%D%/xml.h \
	%D%/zero.c \
	%D%/zero.h
